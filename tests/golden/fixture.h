// SPDX-License-Identifier: Apache-2.0
// What the golden programs for text share: paths that may begin with an environment variable, JSON
// fixtures, whose texts may hold zero bytes, and comparing lists of token ids aloud.
#ifndef LW_TESTS_GOLDEN_FIXTURE_H
#define LW_TESTS_GOLDEN_FIXTURE_H

#include <cJSON.h>

#include "engine/base/stringbuf.h"
#include "engine/text/tokens.h"

enum { FIXTURE_SKIPPED = 77 }; // exit status of a test that could not run

// "$NAME/rest" with the variable put in, other paths as they are. False, said aloud on stdout, when
// the variable is not set or nothing is there: the caller then exits with FIXTURE_SKIPPED.
bool fixture_path(struct lw_string *path, const char *text);

// Parses a JSON file that is ASCII with escapes; \u0000 becomes U+FDD0 until fixture_text.
cJSON *fixture_read(const char *path, struct lw_error *error);

// The bytes of a JSON text, with U+FDD0 turned back into zero bytes.
bool fixture_text(struct lw_string *out, const cJSON *text, struct lw_error *error);

// The numbers of a JSON array.
bool fixture_ids(struct lw_tokens *out, const cJSON *array, struct lw_error *error);

// Whether both are equal; if not, prints `what`, the text and both lists.
bool fixture_same_ids(const char *what, const struct lw_string *text,
    const struct lw_tokens *expected, const struct lw_tokens *got);

// The same for texts.
bool fixture_same_text(const char *what, const struct lw_string *text,
    const struct lw_string *expected, const struct lw_string *got);

#endif
