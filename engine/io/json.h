// SPDX-License-Identifier: Apache-2.0
// JSON from files that nobody vouches for: cJSON behind limits on size, nesting and number of values,
// and getters that check type and range and name the file and the key when they refuse. Numbers are
// doubles in cJSON: integers are taken only where a double holds them exactly, up to 2^53.
#ifndef LW_IO_JSON_H
#define LW_IO_JSON_H

#include <stddef.h>
#include <stdint.h>

#include <cJSON.h>

#include "engine/base/error.h"

struct lw_string;

// 0 takes the default.
struct lw_json_limits {
    size_t bytes;  // of the text; default 256 MiB
    size_t depth;  // of arrays and objects in each other; default 64, at most 1000
    size_t values; // of all kinds; default 16 million (each takes 64 bytes and more)
};

// Parses a text that is one JSON value. `name` stands for it in messages, which give line and column.
// Refused as LW_BAD_INPUT: what is not JSON or UTF-8, a zero character (also as \u0000: C strings
// would end there), anything after the value, a passed limit. The result is for cJSON_Delete.
cJSON *lw_json_parse(const char *text, size_t length, const char *name,
    const struct lw_json_limits *limits, struct lw_error *error);

// The same for a whole file.
cJSON *lw_json_read(const char *path, const struct lw_json_limits *limits, struct lw_error *error);

// An object and what to call it in messages ("config.json", "config.json: rope_scaling").
struct lw_json_scope {
    const cJSON *object;
    const char *name;
};

// Reads `folder`/`name`, which must hold an object; *json is for cJSON_Delete. When there is no such
// file it is NULL, which is a failure where the file is `required`.
bool lw_json_read_object(
    cJSON **json, const char *folder, const char *name, bool required, struct lw_error *error);

// Refuses what is not an object, as LW_BAD_INPUT.
bool lw_json_is_object(const struct lw_json_scope *scope, struct lw_error *error);

// The value of `key` (the first of that name), or NULL when it is absent or null.
const cJSON *lw_json_find(const struct lw_json_scope *scope, const char *key);

// Takes a number that is an integer of the range; false, without a message, for anything else.
bool lw_json_as_integer(const cJSON *value, int64_t minimum, int64_t maximum, int64_t *integer);

// Getters. The key must be there, of the right type and in [minimum, maximum], else LW_BAD_INPUT:
// config.json: "hidden_size" must be an integer from 1 to 65536, found "big".
bool lw_json_integer(const struct lw_json_scope *scope, const char *key, int64_t minimum,
    int64_t maximum, int64_t *value, struct lw_error *error);
bool lw_json_number(const struct lw_json_scope *scope, const char *key, double minimum,
    double maximum, double *value, struct lw_error *error);
bool lw_json_bool(
    const struct lw_json_scope *scope, const char *key, bool *value, struct lw_error *error);
// The text belongs to the object.
bool lw_json_string(
    const struct lw_json_scope *scope, const char *key, const char **value, struct lw_error *error);

// The same, but a key that is absent or null leaves *value as it is and succeeds.
bool lw_json_optional_integer(const struct lw_json_scope *scope, const char *key, int64_t minimum,
    int64_t maximum, int64_t *value, struct lw_error *error);
bool lw_json_optional_number(const struct lw_json_scope *scope, const char *key, double minimum,
    double maximum, double *value, struct lw_error *error);
bool lw_json_optional_bool(
    const struct lw_json_scope *scope, const char *key, bool *value, struct lw_error *error);
bool lw_json_optional_string(
    const struct lw_json_scope *scope, const char *key, const char **value, struct lw_error *error);

// Appends `text` to `json` as a JSON string, in its quotes.
bool lw_json_quote(struct lw_string *json, const char *text, struct lw_error *error);

#endif
