// SPDX-License-Identifier: Apache-2.0
// A recursive-descent reader that turns each scalar at once into the text that Python would write
// for it, and the writer that joins these. CPython: Lib/json/{decoder,scanner,encoder}.py.
#include "engine/text/python_json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/utf8.h"
#include "engine/text/python_number.h"

enum { DEEPEST = 200 };

struct reader {
    const char *start, *at;
    int depth;
    struct lw_error *error;
};

static bool fail(struct reader *reader, const char *what)
{
    return lw_fail(reader->error, LW_BAD_INPUT, "The JSON text is wrong at byte %zu: %s.",
        (size_t)(reader->at - reader->start), what);
}

static void skip_space(struct reader *reader)
{
    reader->at += strspn(reader->at, " \t\n\r");
}

static bool read_hexadecimal(struct reader *reader, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++, reader->at++) {
        char c = *reader->at;
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16) {
            return fail(reader, "\\u needs four hexadecimal digits");
        }
        *value = *value << 4 | digit;
    }
    return true;
}

// The character after "\u", of two halves if need be.
static bool read_unicode_escape(struct reader *reader, uint32_t *character)
{
    uint32_t low;
    if (!read_hexadecimal(reader, character)) {
        return false;
    }
    if (*character < 0xD800 || *character > 0xDFFF) {
        return true;
    }
    if (*character > 0xDBFF || strncmp(reader->at, "\\u", 2) != 0) {
        return fail(reader, "half of a surrogate pair");
    }
    reader->at += 2;
    if (!read_hexadecimal(reader, &low)) {
        return false;
    }
    if (low < 0xDC00 || low > 0xDFFF) {
        return fail(reader, "half of a surrogate pair");
    }
    *character = 0x10000 + ((*character - 0xD800) << 10) + (low - 0xDC00);
    return true;
}

// Writes a character of a string as json.dumps does with ensure_ascii=False.
static bool write_character(struct lw_string *out, uint32_t character, struct lw_error *error)
{
    static const char from[] = "\"\\\n\r\t\f\b", to[] = "\"\\nrtfb";
    const char *found = character && character < 0x80 ? strchr(from, (int)character) : NULL;
    if (found) {
        return lw_string_addf(out, error, "\\%c", to[found - from]);
    }
    if (character < 0x20) {
        return lw_string_addf(out, error, "\\u%04x", (unsigned)character);
    }
    char bytes[4];
    return lw_string_add(out, bytes, lw_utf8_write(character, bytes), error);
}

static bool read_escape(struct reader *reader, uint32_t *character)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char letter = *reader->at;
    const char *found = letter ? strchr(from, letter) : NULL;
    if (letter == 'u') {
        reader->at++;
        return read_unicode_escape(reader, character);
    }
    if (!found) {
        return fail(reader, "an escape that JSON does not know");
    }
    reader->at++;
    *character = (unsigned char)to[found - from];
    return true;
}

// Reads a string from its opening quote and writes it with its quotes.
static bool read_string(struct reader *reader, struct lw_string *out)
{
    if (*reader->at != '"') {
        return fail(reader, "a string must be here");
    }
    reader->at++;
    if (!lw_string_add(out, "\"", 1, reader->error)) {
        return false;
    }
    while (*reader->at != '"') {
        uint32_t character = (unsigned char)*reader->at;
        if (character < 0x20) {
            return fail(reader, "a control character or the end inside a string");
        }
        if (character == '\\') {
            reader->at++;
            if (!read_escape(reader, &character)) {
                return false;
            }
        } else {
            // The zero byte at the end of the text ends a character too.
            struct lw_utf8_step step = lw_utf8_next(reader->at, 4);
            if (step.kind != LW_UTF8_CHARACTER) {
                return fail(reader, "a byte that is not UTF-8");
            }
            character = step.character;
            reader->at += step.length;
        }
        if (!write_character(out, character, reader->error)) {
            return false;
        }
    }
    reader->at++;
    return lw_string_add(out, "\"", 1, reader->error);
}

static bool read_scalar(struct reader *reader, struct lw_string *out)
{
    static const char *const words[] = {"null", "true", "false", "NaN", "Infinity", "-Infinity"};
    if (*reader->at == '"') {
        return read_string(reader, out);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i]);
        if (strncmp(reader->at, words[i], length) == 0) {
            reader->at += length;
            return lw_string_add(out, words[i], length, reader->error);
        }
    }
    size_t length = lw_python_number_length(reader->at);
    if (length == 0) {
        return fail(reader, "a value must be here");
    }
    const char *number = reader->at;
    reader->at += length;
    return lw_python_number_write(out, number, length, reader->error);
}

static struct lw_python_json *read_value(struct reader *reader);

// Where the member called `name` hangs, or the end of the list, where it is to be put.
static struct lw_python_json **place_of(struct lw_python_json *object, const struct lw_string *name)
{
    struct lw_python_json **place = &object->child;
    while (*place && ((*place)->name.length != name->length ||
                         memcmp((*place)->name.data, name->data, name->length) != 0)) {
        place = &(*place)->next;
    }
    return place;
}

static bool read_member(struct reader *reader, struct lw_python_json *object)
{
    struct lw_string name = {0};
    struct lw_python_json *value = NULL;
    if (read_string(reader, &name)) {
        skip_space(reader);
        if (*reader->at != ':') {
            fail(reader, "a colon must be here");
        } else {
            reader->at++;
            value = read_value(reader);
        }
    }
    if (!value) {
        lw_string_free(&name);
        return false;
    }
    value->name = name;
    struct lw_python_json **place = place_of(object, &name);
    struct lw_python_json *old = *place;
    if (old) {
        value->next = old->next;
        old->next = NULL;
        lw_python_json_free(old);
    }
    *place = value;
    return true;
}

// The items or members up to the closing bracket.
static bool read_children(struct reader *reader, struct lw_python_json *json)
{
    bool object = json->kind == LW_PYTHON_OBJECT;
    char close = object ? '}' : ']';
    struct lw_python_json **end = &json->child;
    reader->at++;
    skip_space(reader);
    if (*reader->at == close) {
        reader->at++;
        return true;
    }
    for (;;) {
        if (object) {
            if (!read_member(reader, json)) {
                return false;
            }
        } else {
            *end = read_value(reader);
            if (!*end) {
                return false;
            }
            end = &(*end)->next;
        }
        skip_space(reader);
        char c = *reader->at;
        if (c != ',' && c != close) {
            return fail(reader, "a comma or a closing bracket must be here");
        }
        reader->at++;
        if (c == close) {
            return true;
        }
        skip_space(reader);
    }
}

static struct lw_python_json *read_value(struct reader *reader)
{
    skip_space(reader);
    struct lw_python_json *json = lw_calloc(1, sizeof *json, reader->error);
    if (!json) {
        return NULL;
    }
    bool done;
    if (*reader->at == '[' || *reader->at == '{') {
        json->kind = *reader->at == '[' ? LW_PYTHON_ARRAY : LW_PYTHON_OBJECT;
        done = reader->depth < DEEPEST ? true : fail(reader, "it is nested too deeply");
        reader->depth++;
        done = done && read_children(reader, json);
        reader->depth--;
    } else {
        done = read_scalar(reader, &json->text);
    }
    if (!done) {
        lw_python_json_free(json);
        return NULL;
    }
    return json;
}

bool lw_python_json_read(struct lw_python_json **json, const char *text, struct lw_error *error)
{
    struct reader reader = {text, text, 0, error};
    *json = read_value(&reader);
    skip_space(&reader);
    if (*json && *reader.at) {
        lw_python_json_free(*json);
        *json = NULL;
        return fail(&reader, "there is more after the value");
    }
    return *json != NULL;
}

void lw_python_json_free(struct lw_python_json *json)
{
    while (json) {
        struct lw_python_json *next = json->next;
        lw_python_json_free(json->child);
        lw_string_free(&json->name);
        lw_string_free(&json->text);
        lw_free(json);
        json = next;
    }
}

bool lw_python_json_write(
    struct lw_string *out, const struct lw_python_json *json, struct lw_error *error)
{
    if (json->kind == LW_PYTHON_SCALAR) {
        return lw_string_add(out, json->text.data, json->text.length, error);
    }
    bool object = json->kind == LW_PYTHON_OBJECT;
    bool done = lw_string_add(out, object ? "{" : "[", 1, error);
    for (const struct lw_python_json *child = json->child; done && child; child = child->next) {
        done = (child == json->child || lw_string_add(out, ", ", 2, error)) &&
               (!object || (lw_string_add(out, child->name.data, child->name.length, error) &&
                               lw_string_add(out, ": ", 2, error))) &&
               lw_python_json_write(out, child, error);
    }
    return done && lw_string_add(out, object ? "}" : "]", 1, error);
}

static bool break_line(struct lw_string *out, int depth, struct lw_error *error)
{
    bool done = lw_string_add(out, "\n", 1, error);
    for (int i = 0; done && i < depth; i++) {
        done = lw_string_add(out, "    ", 4, error);
    }
    return done;
}

bool lw_python_json_write_indented(
    struct lw_string *out, const struct lw_python_json *json, int depth, struct lw_error *error)
{
    if (!json->child) {
        return lw_python_json_write(out, json, error);
    }
    bool object = json->kind == LW_PYTHON_OBJECT;
    bool done = lw_string_add(out, object ? "{" : "[", 1, error);
    for (const struct lw_python_json *child = json->child; done && child; child = child->next) {
        done = (child == json->child || lw_string_add(out, ",", 1, error)) &&
               break_line(out, depth + 1, error) &&
               (!object || (lw_string_add(out, child->name.data, child->name.length, error) &&
                               lw_string_add(out, ": ", 2, error))) &&
               lw_python_json_write_indented(out, child, depth + 1, error);
    }
    return done && break_line(out, depth, error) &&
           lw_string_add(out, object ? "}" : "]", 1, error);
}

bool lw_python_json_add_text(
    struct lw_string *out, const struct lw_string *written, struct lw_error *error)
{
    static const char from[] = "\"\\nrtfb", to[] = "\"\\\n\r\t\f\b";
    const char *at = lw_string_text(written), *end = at + written->length;
    if (at == end || *at != '"') {
        return lw_string_add(out, at, written->length, error);
    }
    bool done = true;
    for (at++, end--; done && at < end;) {
        if (*at != '\\') {
            const char *escape = memchr(at, '\\', (size_t)(end - at));
            size_t length = (size_t)((escape ? escape : end) - at);
            done = lw_string_add(out, at, length, error);
            at += length;
        } else if (at[1] == 'u') { // a control character, written as \u00XX
            char character = (char)strtol((const char[]){at[4], at[5], 0}, NULL, 16);
            done = lw_string_add(out, &character, 1, error);
            at += 6;
        } else {
            done = lw_string_add(out, &to[strchr(from, at[1]) - from], 1, error);
            at += 2;
        }
    }
    return done;
}

const struct lw_python_json *lw_python_json_member(
    const struct lw_python_json *json, const char *name)
{
    size_t length = strlen(name);
    const struct lw_python_json *child = json->kind == LW_PYTHON_OBJECT ? json->child : NULL;
    while (child &&
           (child->name.length != length + 2 || memcmp(child->name.data + 1, name, length) != 0)) {
        child = child->next;
    }
    return child;
}
