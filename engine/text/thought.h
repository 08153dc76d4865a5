// SPDX-License-Identifier: Apache-2.0
// The thought that a reasoning model puts before its answer, between <think> and </think>, as
// LLaMA-Factory's templates find, remove and add it (src/llamafactory/data/template.py).
#ifndef LW_TEXT_THOUGHT_H
#define LW_TEXT_THOUGHT_H

#include "engine/base/stringbuf.h"

// What a thought begins and ends with; one after the other they are the empty thought.
#define LW_THOUGHT_OPEN "<think>\n"
#define LW_THOUGHT_CLOSE "\n</think>\n\n"

// Whether <think> or </think> occurs in the text.
bool lw_thought_occurs(const char *text, size_t length);

// Appends the text without its thoughts and without the line feeds that it then begins with.
bool lw_thought_remove(
    struct lw_string *out, const char *text, size_t length, struct lw_error *error);

#endif
