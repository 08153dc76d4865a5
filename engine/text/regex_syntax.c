// SPDX-License-Identifier: Apache-2.0
// One pass over the pattern, character by character, that copies what both engines understand alike
// and rewrites what they do not. Sources: Oniguruma doc/RE and doc/SYNTAX.md (ONIG_SYNTAX_RUBY),
// pcre2pattern(3).
#include "engine/text/regex_syntax.h"

#include <string.h>

// The property White_Space, which \s is in Oniguruma. (PCRE2's \s also holds U+180E.)
#define SPACES                                                                                     \
    "\\x{09}-\\x{0D}\\x{20}\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}"  \
    "\\x{205F}\\x{3000}"
#define NO_SPACES                                                                                  \
    "\\x{00}-\\x{08}\\x{0E}-\\x{1F}\\x{21}-\\x{84}\\x{86}-\\x{9F}\\x{A1}-\\x{167F}"                \
    "\\x{1681}-\\x{1FFF}\\x{200B}-\\x{2027}\\x{202A}-\\x{202E}\\x{2030}-\\x{205E}"                 \
    "\\x{2060}-\\x{2FFF}\\x{3001}-\\x{10FFFF}"

struct translation {
    struct lw_string *out;
    const char *at; // the rest of the pattern, zero-terminated
    struct lw_error *error;
    bool in_class;
    bool class_escape; // the last item of the class was a set such as \s, which ends no range
};

static bool add(struct translation *translation, const char *text)
{
    return lw_string_add(translation->out, text, strlen(text), translation->error);
}

// Copies `length` characters of the pattern.
static bool copy(struct translation *translation, size_t length)
{
    bool done = lw_string_add(translation->out, translation->at, length, translation->error);
    translation->at += length;
    return done;
}

static bool refuse(struct translation *translation, const char *what)
{
    return lw_fail(translation->error, LW_BAD_INPUT, "%s (at \"%.20s\") is not supported.", what,
        translation->at);
}

// \p{..} and \P{..} with a general category; other properties have differing definitions.
static bool translate_property(struct translation *translation)
{
    static const char *const categories[] = {"L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc",
        "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc",
        "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Cn", "Co", "Cs"};
    const char *name = translation->at + 3;
    for (size_t i = 0; translation->at[2] == '{' && i < sizeof categories / sizeof *categories;
         i++) {
        size_t length = strlen(categories[i]);
        if (strncmp(name, categories[i], length) == 0 && name[length] == '}') {
            return copy(translation, length + 4);
        }
    }
    return refuse(translation, "A character property other than a general category");
}

static bool is_hexadecimal(const char *text, size_t count)
{
    return strspn(text, "0123456789abcdefABCDEF") >= count;
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool translate_escape(struct translation *translation)
{
    static const struct {
        char letter;
        bool is_set;
        const char *outside, *inside; // of a [class]
    } escapes[] = {
        {'s', true, "[" SPACES "]", SPACES},
        {'S', true, "[^" SPACES "]", NO_SPACES},
        {'d', true, "\\p{Nd}", "\\p{Nd}"},
        {'D', true, "\\P{Nd}", "\\P{Nd}"},
        {'n', false, "\\x{0A}", "\\x{0A}"},
        {'r', false, "\\x{0D}", "\\x{0D}"},
        {'t', false, "\\x{09}", "\\x{09}"},
        {'f', false, "\\x{0C}", "\\x{0C}"},
        {'v', false, "\\x{0B}", "\\x{0B}"},
    };
    char letter = translation->at[1];
    if (letter == 'p' || letter == 'P') {
        translation->class_escape = true;
        return translate_property(translation);
    }
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
        if (letter == escapes[i].letter) {
            translation->class_escape = escapes[i].is_set;
            translation->at += 2;
            return add(translation, translation->in_class ? escapes[i].inside : escapes[i].outside);
        }
    }
    translation->class_escape = false;
    if (letter == 'u' && is_hexadecimal(translation->at + 2, 4)) {
        translation->at += 2;
        return add(translation, "\\x{") && copy(translation, 4) && add(translation, "}");
    }
    if (letter > ' ' && letter < 0x7F && !is_alphanumeric(letter)) {
        return copy(translation, 2);
    }
    return refuse(translation, "This escape");
}

// Whether the '-' in a class stands beside a set such as \\s and yet is not the last character: what
// that means, the engines do not agree on.
static bool ends_with_set(const struct translation *translation)
{
    const char *at = translation->at;
    return at[1] != ']' &&
           (translation->class_escape || (at[1] == '\\' && at[2] && strchr("sSdDpP", at[2])));
}

static bool translate_class(struct translation *translation)
{
    translation->in_class = true;
    translation->class_escape = false;
    if (!copy(translation, translation->at[1] == '^' ? 2 : 1)) {
        return false;
    }
    if (*translation->at == ']' || *translation->at == '-') {
        return refuse(translation, "A class that begins with ] or -");
    }
    while (*translation->at != ']') {
        bool done;
        if (*translation->at == 0) {
            return refuse(translation, "A class without ]");
        } else if (*translation->at == '[' || strncmp(translation->at, "&&", 2) == 0) {
            return refuse(translation, "A class inside a class");
        } else if (*translation->at == '-' && ends_with_set(translation)) {
            return refuse(translation, "A range that ends in a set of characters");
        } else if (*translation->at == '\\') {
            done = translate_escape(translation);
        } else {
            translation->class_escape = false;
            done = copy(translation, 1);
        }
        if (!done) {
            return false;
        }
    }
    translation->in_class = false;
    return copy(translation, 1);
}

static bool translate_group(struct translation *translation)
{
    static const char *const openings[] = {"(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"};
    if (translation->at[1] == '*') {
        return refuse(translation, "This group"); // a command to PCRE2
    }
    if (translation->at[1] != '?') {
        return copy(translation, 1);
    }
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        size_t length = strlen(openings[i]);
        if (strncmp(translation->at, openings[i], length) == 0) {
            return copy(translation, length);
        }
    }
    return refuse(translation, "This group");
}

// {n}, {n,} and {n,m}. What may follow differs: {n,m}+ is not possessive in Oniguruma, and {n}?
// makes the repetition optional there.
static bool translate_repetition(struct translation *translation)
{
    const char *digits = "0123456789";
    size_t first = strspn(translation->at + 1, digits);
    const char *end = translation->at + 1 + first;
    bool exact = *end != ',';
    if (!exact) {
        end++;
        end += strspn(end, digits);
    }
    if (first == 0 || *end != '}' || end[1] == '+' || (exact && end[1] == '?')) {
        return refuse(translation, "This repetition");
    }
    return copy(translation, (size_t)(end + 1 - translation->at));
}

bool lw_regex_translate(struct lw_string *out, const char *pattern, struct lw_error *error)
{
    struct translation translation = {.out = out, .at = pattern, .error = error};
    while (*translation.at) {
        bool done;
        switch (*translation.at) {
        case '\\':
            done = translate_escape(&translation);
            break;
        case '[':
            done = translate_class(&translation);
            break;
        case '(':
            done = translate_group(&translation);
            break;
        case '{':
            done = translate_repetition(&translation);
            break;
        case '^':
        case '$':
            done = refuse(&translation, "An anchor");
            break;
        case ']':
        case '}':
            done = refuse(&translation, "A bracket that closes nothing");
            break;
        default:
            done = copy(&translation, 1);
        }
        if (!done) {
            return lw_fail_in(error, "The regular expression %.200s", pattern);
        }
    }
    return true;
}

bool lw_regex_quote(struct lw_string *out, const char *text, struct lw_error *error)
{
    for (; *text; text++) {
        bool plain = is_alphanumeric(*text) || (unsigned char)*text >= 0x80;
        if ((!plain && !lw_string_add(out, "\\", 1, error)) ||
            !lw_string_add(out, text, 1, error)) {
            return false;
        }
    }
    return true;
}
