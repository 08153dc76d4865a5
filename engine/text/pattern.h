// SPDX-License-Identifier: Apache-2.0
// A compiled regular expression and the search for its matches. Hides PCRE2.
#ifndef LW_TEXT_PATTERN_H
#define LW_TEXT_PATTERN_H

#include <stddef.h>

#include "engine/base/error.h"

struct lw_pattern;

// Compiles a pattern in Oniguruma's syntax, or with `literal` a plain text to be found.
// LW_BAD_INPUT when it is not supported (regex_syntax.h) or wrong.
bool lw_pattern_create(
    struct lw_pattern **pattern, const char *text, bool literal, struct lw_error *error);
void lw_pattern_destroy(struct lw_pattern *pattern); // NULL is fine

// A search for all matches; zero-initialise before use, one for each thread, kept for the next
// search, which may be with another pattern.
struct lw_matcher {
    const struct lw_pattern *pattern;
    const char *text;
    size_t length, from;
    size_t last_end; // of the match before, SIZE_MAX before the first
    struct lw_matcher_memory *memory;
};

void lw_matcher_free(struct lw_matcher *matcher);

// Begins a search in `text`, which must be UTF-8 and is all that look-ahead and look-behind see.
void lw_matcher_begin(
    struct lw_matcher *matcher, const struct lw_pattern *pattern, const char *text, size_t length);

// The next match [*start, *end), or `*found` false at the end. Matches do not overlap; an empty one
// does not follow directly on another (as the iterator of the onig crate has it).
bool lw_matcher_next(
    struct lw_matcher *matcher, bool *found, size_t *start, size_t *end, struct lw_error *error);

#endif
