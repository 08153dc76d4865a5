// SPDX-License-Identifier: Apache-2.0
// JSON as Python's json module reads and writes it. LLaMA-Factory puts tools and calls through
// json.loads and json.dumps(ensure_ascii=False), and the model is to learn the very same text:
// ", " and ": " as separators, numbers as Python prints them, of two equal keys the later value.
#ifndef LW_TEXT_PYTHON_JSON_H
#define LW_TEXT_PYTHON_JSON_H

#include "engine/base/stringbuf.h"

enum lw_python_kind { LW_PYTHON_SCALAR, LW_PYTHON_ARRAY, LW_PYTHON_OBJECT };

struct lw_python_json {
    enum lw_python_kind kind;
    struct lw_string name; // in an object: the key as it is written, with its quotes
    struct lw_string text; // of a scalar: the value as it is written
    struct lw_python_json *child, *next;
};

// Parses `text`; the caller frees `*json`. LW_BAD_INPUT for what json.loads does not take, nesting
// deeper than 200, and halves of surrogate pairs, which are no text for a tokenizer.
bool lw_python_json_read(struct lw_python_json **json, const char *text, struct lw_error *error);
void lw_python_json_free(struct lw_python_json *json); // NULL is fine

// Appends what json.dumps makes of it.
bool lw_python_json_write(
    struct lw_string *out, const struct lw_python_json *json, struct lw_error *error);

// The same with indent=4: each member on a line of its own, `depth` levels deep already.
bool lw_python_json_write_indented(
    struct lw_string *out, const struct lw_python_json *json, int depth, struct lw_error *error);

// Appends the text that a string, as it is written, stands for; what is no string as it is.
bool lw_python_json_add_text(
    struct lw_string *out, const struct lw_string *written, struct lw_error *error);

// The member of that name (of plain letters); NULL when there is none or `json` is no object.
const struct lw_python_json *lw_python_json_member(
    const struct lw_python_json *json, const char *name);

#endif
