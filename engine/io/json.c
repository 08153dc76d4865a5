// SPDX-License-Identifier: Apache-2.0
// Bounded JSON parsing and typed getters over cJSON. See json.h.
#include "engine/io/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/stringbuf.h"
#include "engine/base/utf8.h"

static const int64_t EXACT_LIMIT = (int64_t)1 << 53; // doubles hold all integers up to here

static struct lw_json_limits with_defaults(const struct lw_json_limits *limits)
{
    struct lw_json_limits result = limits ? *limits : (struct lw_json_limits){0};
    result.bytes = result.bytes ? result.bytes : (size_t)256 << 20;
    result.depth = result.depth ? result.depth : 64;
    result.values = result.values ? result.values : (size_t)16 << 20;
    return result;
}

// Fails with the line and column of the byte at `offset`.
static bool fail_at(
    const char *text, size_t offset, const char *name, const char *reason, struct lw_error *error)
{
    size_t line = 1, line_start = 0;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    return lw_fail(error, LW_BAD_INPUT, "%s, line %zu, column %zu: %s", name, line,
        offset - line_start + 1, reason);
}

// The checks that cJSON leaves out, before it allocates anything: characters, nesting, size.
static bool check_text(const char *text, size_t length, const char *name,
    const struct lw_json_limits *limits, struct lw_error *error)
{
    size_t depth = 0, values = 1, quote = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        char character = text[i];
        if (character == 0 || (quoted && (unsigned char)character < 0x20)) {
            return fail_at(text, i, name,
                quoted ? "a control character inside a string; JSON demands \\n and the like"
                       : "a zero byte; this is no text",
                error);
        }
        if (quoted) {
            if (character == '\\') {
                if (length - i > 5 && memcmp(text + i + 1, "u0000", 5) == 0) {
                    return fail_at(text, i, name, "the character \\u0000 is not supported", error);
                }
                i++;
            } else if (character == '"') {
                quoted = false;
            }
            continue;
        }
        quoted = character == '"';
        quote = i;
        bool opens = character == '[' || character == '{';
        depth += opens;
        depth -= depth && (character == ']' || character == '}');
        values += opens || character == ',';
        if (depth > limits->depth) {
            return fail_at(text, i, name, "arrays or objects nested too deep", error);
        }
        if (values > limits->values) {
            return fail_at(text, i, name, "too many values", error);
        }
    }
    if (quoted) {
        return fail_at(text, quote, name,
            "a string that does not end. The file is cut short, or a quotation mark is missing",
            error);
    }
    size_t valid = lw_utf8_valid_length(text, length);
    return valid == length || fail_at(text, valid, name, "bytes that are not UTF-8", error);
}

cJSON *lw_json_parse(const char *text, size_t length, const char *name,
    const struct lw_json_limits *limits, struct lw_error *error)
{
    struct lw_json_limits bounds = with_defaults(limits);
    if (length > bounds.bytes) {
        lw_fail(error, LW_BAD_INPUT, "%s: %zu bytes of JSON, more than the %zu that are accepted",
            name, length, bounds.bytes);
        return NULL;
    }
    if (!check_text(text, length, name, &bounds, error)) {
        return NULL;
    }
    const char *end = text;
    cJSON *value = cJSON_ParseWithLengthOpts(text, length, &end, 0);
    size_t offset = (size_t)(end - text);
    if (!value) {
        fail_at(text, offset < length ? offset : length, name,
            offset + 1 < length ? "not valid JSON"
                                : "the JSON text ends too early. The file is cut short",
            error);
        return NULL;
    }
    while (offset < length && strchr(" \t\r\n", text[offset])) {
        offset++;
    }
    if (offset < length) {
        fail_at(text, offset, name, "more text after the end of the JSON value", error);
        cJSON_Delete(value);
        return NULL;
    }
    return value;
}

cJSON *lw_json_read(const char *path, const struct lw_json_limits *limits, struct lw_error *error)
{
    struct lw_json_limits bounds = with_defaults(limits);
    char *text = NULL;
    size_t length;
    if (!lw_file_read_whole(path, bounds.bytes, &text, &length, error)) {
        return NULL;
    }
    cJSON *value = lw_json_parse(text, length, path, &bounds, error);
    lw_free(text);
    return value;
}

// What a message says was found instead.
static const char *describe(const cJSON *value, char *text, size_t size)
{
    if (!value) {
        return "nothing";
    }
    if (cJSON_IsString(value)) {
        snprintf(text, size, "\"%.60s\"", value->valuestring);
    } else if (cJSON_IsNumber(value)) {
        snprintf(text, size, "%.17g", value->valuedouble);
    } else if (cJSON_IsBool(value)) {
        snprintf(text, size, "%s", cJSON_IsTrue(value) ? "true" : "false");
    } else {
        const char *kind = cJSON_IsArray(value) ? "an array" : "an object";
        snprintf(text, size, "%s", cJSON_IsNull(value) ? "null" : kind);
    }
    return text;
}

static bool fail_type(const struct lw_json_scope *scope, const char *key, const char *wanted,
    const cJSON *found, struct lw_error *error)
{
    char text[80];
    if (!found) {
        return lw_fail(
            error, LW_BAD_INPUT, "%s: \"%s\" is missing; it must be %s", scope->name, key, wanted);
    }
    return lw_fail(error, LW_BAD_INPUT, "%s: \"%s\" must be %s, found %s", scope->name, key, wanted,
        describe(found, text, sizeof text));
}

bool lw_json_is_object(const struct lw_json_scope *scope, struct lw_error *error)
{
    char text[80];
    return cJSON_IsObject(scope->object) ||
           lw_fail(error, LW_BAD_INPUT, "%s must be a JSON object, found %s", scope->name,
               describe(scope->object, text, sizeof text));
}

bool lw_json_read_object(
    cJSON **json, const char *folder, const char *name, bool required, struct lw_error *error)
{
    struct lw_string path = {0};
    *json = NULL;
    bool done = lw_string_addf(&path, error, "%s/%s", folder, name);
    if (done && (required || lw_file_exists(path.data))) {
        *json = lw_json_read(path.data, NULL, error);
        done = *json && lw_json_is_object(&(struct lw_json_scope){*json, path.data}, error);
    }
    if (!done) {
        cJSON_Delete(*json);
        *json = NULL;
    }
    lw_string_free(&path);
    return done;
}

const cJSON *lw_json_find(const struct lw_json_scope *scope, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(scope->object, key);
    return cJSON_IsNull(value) ? NULL : value;
}

bool lw_json_as_integer(const cJSON *value, int64_t minimum, int64_t maximum, int64_t *integer)
{
    if (!cJSON_IsNumber(value) || !(fabs(value->valuedouble) <= (double)EXACT_LIMIT) ||
        floor(value->valuedouble) != value->valuedouble) {
        return false;
    }
    int64_t exact = (int64_t)value->valuedouble;
    if (exact < minimum || exact > maximum) {
        return false;
    }
    *integer = exact;
    return true;
}

bool lw_json_integer(const struct lw_json_scope *scope, const char *key, int64_t minimum,
    int64_t maximum, int64_t *value, struct lw_error *error)
{
    const cJSON *found = lw_json_find(scope, key);
    if (lw_json_as_integer(found, minimum, maximum, value)) {
        return true;
    }
    char wanted[100];
    if (maximum >= EXACT_LIMIT && minimum == 1) {
        snprintf(wanted, sizeof wanted, "a positive integer");
    } else if (maximum >= EXACT_LIMIT && minimum == 0) {
        snprintf(wanted, sizeof wanted, "an integer that is not negative");
    } else {
        snprintf(wanted, sizeof wanted, "an integer from %lld to %lld", (long long)minimum,
            (long long)maximum);
    }
    return fail_type(scope, key, wanted, found, error);
}

bool lw_json_number(const struct lw_json_scope *scope, const char *key, double minimum,
    double maximum, double *value, struct lw_error *error)
{
    const cJSON *found = lw_json_find(scope, key);
    if (cJSON_IsNumber(found) && found->valuedouble >= minimum && found->valuedouble <= maximum) {
        *value = found->valuedouble;
        return true;
    }
    char wanted[100];
    snprintf(wanted, sizeof wanted, "a number from %g to %g", minimum, maximum);
    return fail_type(scope, key, wanted, found, error);
}

bool lw_json_bool(
    const struct lw_json_scope *scope, const char *key, bool *value, struct lw_error *error)
{
    const cJSON *found = lw_json_find(scope, key);
    if (!cJSON_IsBool(found)) {
        return fail_type(scope, key, "true or false", found, error);
    }
    *value = cJSON_IsTrue(found) != 0;
    return true;
}

bool lw_json_string(
    const struct lw_json_scope *scope, const char *key, const char **value, struct lw_error *error)
{
    const cJSON *found = lw_json_find(scope, key);
    if (!cJSON_IsString(found)) {
        return fail_type(scope, key, "a string", found, error);
    }
    *value = found->valuestring;
    return true;
}

bool lw_json_optional_integer(const struct lw_json_scope *scope, const char *key, int64_t minimum,
    int64_t maximum, int64_t *value, struct lw_error *error)
{
    return !lw_json_find(scope, key) || lw_json_integer(scope, key, minimum, maximum, value, error);
}

bool lw_json_optional_number(const struct lw_json_scope *scope, const char *key, double minimum,
    double maximum, double *value, struct lw_error *error)
{
    return !lw_json_find(scope, key) || lw_json_number(scope, key, minimum, maximum, value, error);
}

bool lw_json_optional_bool(
    const struct lw_json_scope *scope, const char *key, bool *value, struct lw_error *error)
{
    return !lw_json_find(scope, key) || lw_json_bool(scope, key, value, error);
}

bool lw_json_optional_string(
    const struct lw_json_scope *scope, const char *key, const char **value, struct lw_error *error)
{
    return !lw_json_find(scope, key) || lw_json_string(scope, key, value, error);
}

bool lw_json_quote(struct lw_string *json, const char *text, struct lw_error *error)
{
    bool done = lw_string_add(json, "\"", 1, error);
    for (; done && *text; text++) {
        if (*text == '"' || *text == '\\') {
            done = lw_string_addf(json, error, "\\%c", *text);
        } else if ((unsigned char)*text < 0x20) {
            done = lw_string_addf(json, error, "\\u%04x", (unsigned)*text);
        } else {
            done = lw_string_add(json, text, 1, error);
        }
    }
    return done && lw_string_add(json, "\"", 1, error);
}
