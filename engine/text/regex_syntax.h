// SPDX-License-Identifier: Apache-2.0
// Regular expressions in the syntax of tokenizer.json (Oniguruma's, with its Ruby rules) rewritten
// for PCRE2, such that they mean the same. The two differ in what \s is, in the property names they
// know, in quantifiers and more; everything but the constructs that are known to agree is refused.
#ifndef LW_TEXT_REGEX_SYNTAX_H
#define LW_TEXT_REGEX_SYNTAX_H

#include "engine/base/stringbuf.h"

// Appends to `out` the pattern for pcre2_compile with PCRE2_UTF | PCRE2_UCP and newline LF.
// LW_BAD_INPUT names the construct that is not supported.
bool lw_regex_translate(struct lw_string *out, const char *pattern, struct lw_error *error);

// Appends to `out` a pattern that matches exactly `text`.
bool lw_regex_quote(struct lw_string *out, const char *text, struct lw_error *error);

#endif
