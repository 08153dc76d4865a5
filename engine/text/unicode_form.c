// SPDX-License-Identifier: Apache-2.0
// Normalization forms by utf8proc: decompose each character, sort combining marks, compose. The
// sorting is ours: utf8proc's own is quadratic in the length of a run of marks, which hostile text
// can make as long as it likes.
#include "engine/text/unicode_form.h"

#include <stdlib.h>
#include <utf8proc.h>

#include "engine/base/alloc.h"
#include "engine/base/utf8.h"

// Whether a character is one that NFC leaves alone whatever stands beside it, by ranges that hold
// most text: Latin, Cyrillic, punctuation, arrows, Chinese, Japanese, Korean, emoji. No is not
// certain, and no harm.
static bool surely_stable(uint32_t character)
{
    return character < 0x300 || (character >= 0x388 && character <= 0x482) ||
           (character >= 0x2010 && character <= 0x20CF) ||
           (character >= 0x2190 && character <= 0x2328) ||
           (character >= 0x3030 && character <= 0x3098) ||
           (character >= 0x309B && character <= 0xA66E) ||
           (character >= 0xAC00 && character <= 0xD7A3) ||
           (character >= 0xFF00 && character <= 0xFFEF) ||
           (character >= 0x1F000 && character <= 0x1FAFF);
}

bool lw_unicode_has_form(enum lw_unicode_form form, const char *text, size_t length)
{
    // ASCII is stable in all forms. In NFC so is all below U+0300, whose UTF-8 has no larger byte.
    unsigned char limit = form == LW_FORM_NFC ? 0xCC : 0x80;
    for (size_t at = 0; at < length;) {
        if ((unsigned char)text[at] < limit) {
            at++;
            continue;
        }
        if (form != LW_FORM_NFC) {
            return false;
        }
        struct lw_utf8_step step = lw_utf8_next(text + at, length - at);
        if (!surely_stable(step.character)) {
            return false;
        }
        at += step.length;
    }
    return true;
}

// A combining mark while its run is sorted: stable, so its place counts after its class.
struct mark {
    int32_t character;
    uint32_t place;
    int class;
};

static int compare_marks(const void *left, const void *right)
{
    const struct mark *a = left, *b = right;
    return a->class != b->class ? (a->class < b->class ? -1 : 1)
                                : (a->place < b->place ? -1 : a->place > b->place);
}

static int combining_class(int32_t character)
{
    return utf8proc_get_property(character)->combining_class;
}

// Puts a run of combining marks into canonical order (Unicode 3.11, D109).
static bool sort_run(int32_t *characters, size_t count, struct lw_error *error)
{
    struct mark few[16], *marks = few;
    if (count > sizeof few / sizeof *few) {
        marks = lw_calloc(count, sizeof *marks, error);
        if (!marks) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        marks[i] = (struct mark){characters[i], (uint32_t)i, combining_class(characters[i])};
    }
    qsort(marks, count, sizeof *marks, compare_marks);
    for (size_t i = 0; i < count; i++) {
        characters[i] = marks[i].character;
    }
    if (marks != few) {
        lw_free(marks);
    }
    return true;
}

static bool sort_marks(int32_t *characters, size_t count, struct lw_error *error)
{
    for (size_t i = 0; i < count;) {
        size_t start = i;
        while (i < count && combining_class(characters[i]) != 0) {
            i++;
        }
        if (i - start > 1 && !sort_run(characters + start, i - start, error)) {
            return false;
        }
        i += i == start;
    }
    return true;
}

// Decomposes a text into `memory`.
static bool decompose(enum lw_unicode_form form, const char *text, size_t length,
    struct lw_characters *memory, struct lw_error *error)
{
    enum { LONGEST = 32 }; // no decomposition has more characters (U+FDFA has 18)
    bool compatible = form == LW_FORM_NFKC || form == LW_FORM_NFKD;
    utf8proc_option_t options =
        UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
    memory->count = 0;
    for (size_t at = 0; at < length;) {
        struct lw_utf8_step step = lw_utf8_next(text + at, length - at);
        if (memory->capacity - memory->count < LONGEST &&
            !lw_reserve(&memory->items, &memory->capacity, memory->count + LONGEST,
                sizeof *memory->items, error)) {
            return false;
        }
        int last_class = 0;
        utf8proc_ssize_t added = utf8proc_decompose_char((utf8proc_int32_t)step.character,
            memory->items + memory->count, LONGEST, options, &last_class);
        if (added < 0 || added > LONGEST) {
            return lw_fail(error, LW_FAILED, "Normalizing U+%04X failed: %s.",
                (unsigned)step.character, utf8proc_errmsg(added));
        }
        memory->count += (size_t)added;
        at += step.length;
    }
    return true;
}

static bool compose(struct lw_characters *memory, struct lw_error *error)
{
    utf8proc_ssize_t count = utf8proc_normalize_utf32(
        memory->items, (utf8proc_ssize_t)memory->count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (count < 0) {
        return lw_fail(error, LW_FAILED, "Normalizing a text failed: %s.", utf8proc_errmsg(count));
    }
    memory->count = (size_t)count;
    return true;
}

bool lw_unicode_write_form(enum lw_unicode_form form, const char *text, size_t length,
    struct lw_characters *memory, struct lw_string *out, struct lw_error *error)
{
    bool composed = form == LW_FORM_NFC || form == LW_FORM_NFKC;
    if (!decompose(form, text, length, memory, error) ||
        !sort_marks(memory->items, memory->count, error) || (composed && !compose(memory, error))) {
        return false;
    }
    for (size_t i = 0; i < memory->count; i++) {
        char bytes[4];
        unsigned width = lw_utf8_write((uint32_t)memory->items[i], bytes);
        if (!lw_string_add(out, bytes, width, error)) {
            return false;
        }
    }
    return true;
}

void lw_characters_free(struct lw_characters *characters)
{
    lw_free(characters->items);
    *characters = (struct lw_characters){0};
}
