// SPDX-License-Identifier: Apache-2.0
// NFC by utf8proc: decompose each character, sort combining marks, compose. The sorting is ours:
// utf8proc's own is quadratic in the length of a run of marks, which hostile text can make as long
// as it likes.
#include "engine/text/normalizer.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "engine/base/alloc.h"
#include "engine/text/json_fields.h"
#include "engine/base/utf8.h"

static bool read_component(
    struct lw_normalizer *normalizer, const cJSON *json, struct lw_error *error)
{
    const char *type;
    if (!lw_json_string(&(struct lw_json_scope){json, "normalizer"}, "type", &type, error)) {
        return false;
    }
    if (strcmp(type, "NFC") != 0) {
        return lw_fail(error, LW_BAD_INPUT, "The normalizer %.80s is not supported.", type);
    }
    normalizer->compose = true;
    return true;
}

bool lw_normalizer_open(struct lw_normalizer *normalizer, const cJSON *json, struct lw_error *error)
{
    *normalizer = (struct lw_normalizer){0};
    const cJSON *type = lw_json_member(json, "type");
    if (cJSON_IsString(type) && strcmp(type->valuestring, "Sequence") == 0) {
        const cJSON *component = lw_json_member(json, "normalizers");
        for (component = component ? component->child : NULL; component;
             component = component->next) {
            if (!read_component(normalizer, component, error)) {
                return false;
            }
        }
        return true;
    }
    return !json || read_component(normalizer, json, error);
}

// Whether a character is one that nothing composes with, decomposes or reorders, by ranges that hold
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

// Text of stable characters is composed already.
static bool surely_composed(const struct lw_text *text)
{
    for (size_t at = 0; at < text->length;) {
        if ((unsigned char)text->bytes[at] < 0xCC) {
            at++; // ASCII and below U+0300; a byte inside such a character is small too
            continue;
        }
        struct lw_utf8_step step = lw_utf8_next(text->bytes + at, text->length - at);
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

// Decomposes `text` into memory->characters.
static bool decompose(
    const struct lw_text *text, struct lw_normalized *memory, size_t *count, struct lw_error *error)
{
    enum { LONGEST = 32 }; // a canonical decomposition is 4 characters at most
    *count = 0;
    for (size_t at = 0; at < text->length;) {
        struct lw_utf8_step step = lw_utf8_next(text->bytes + at, text->length - at);
        if (memory->capacity - *count < LONGEST &&
            !lw_reserve(&memory->characters, &memory->capacity, *count + LONGEST,
                sizeof *memory->characters, error)) {
            return false;
        }
        int last_class = 0;
        utf8proc_ssize_t added =
            utf8proc_decompose_char((utf8proc_int32_t)step.character, memory->characters + *count,
                LONGEST, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, &last_class);
        if (added < 0 || added > LONGEST) {
            return lw_fail(error, LW_FAILED, "Normalizing U+%04X failed: %s.",
                (unsigned)step.character, utf8proc_errmsg(added));
        }
        *count += (size_t)added;
        at += step.length;
    }
    return true;
}

bool lw_normalizer_run(const struct lw_normalizer *normalizer, struct lw_text *text,
    struct lw_normalized *memory, struct lw_error *error)
{
    size_t count;
    if (!normalizer->compose || surely_composed(text)) {
        return true;
    }
    if (!decompose(text, memory, &count, error) || !sort_marks(memory->characters, count, error)) {
        return false;
    }
    utf8proc_ssize_t composed = utf8proc_normalize_utf32(
        memory->characters, (utf8proc_ssize_t)count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (composed < 0) {
        return lw_fail(
            error, LW_FAILED, "Normalizing a text failed: %s.", utf8proc_errmsg(composed));
    }
    lw_string_clear(&memory->text);
    for (utf8proc_ssize_t i = 0; i < composed; i++) {
        char bytes[4];
        unsigned length = lw_utf8_write((uint32_t)memory->characters[i], bytes);
        if (!lw_string_add(&memory->text, bytes, length, error)) {
            return false;
        }
    }
    *text = (struct lw_text){memory->text.data, memory->text.length};
    return true;
}

void lw_normalized_free(struct lw_normalized *memory)
{
    lw_string_free(&memory->text);
    lw_free(memory->characters);
    *memory = (struct lw_normalized){0};
}
