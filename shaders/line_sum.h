// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_LINE_SUM_H
#define LW_SHADERS_LINE_SUM_H

#include "shaders/include/args.h"

// y = base + factors[0][line] (a - base) + factors[1][line] (b - base), all [rows, columns] without
// gaps; a line is a row or, with COLUMNS, a column, and there are `lines` of them. b and base may be
// absent: b counts as base, base as 0.
struct lw_line_sum_args {
    uint64_t a, b, base, y, factors;
    uint32_t rows, columns, lines, reserved;
};
LW_ARGS_SIZE(lw_line_sum_args, 56)

#endif
