// SPDX-License-Identifier: Apache-2.0
// JSON numbers as Python prints them after reading them.
#ifndef LW_TEXT_PYTHON_NUMBER_H
#define LW_TEXT_PYTHON_NUMBER_H

#include "engine/base/stringbuf.h"

// The length of the JSON number at the beginning of `text`, 0 when there is none.
size_t lw_python_number_length(const char *text);

// Appends what repr() prints for this number: integers as they are, others as the shortest decimal
// that reads back as the same double.
bool lw_python_number_write(
    struct lw_string *out, const char *number, size_t length, struct lw_error *error);

#endif
