// SPDX-License-Identifier: Apache-2.0
// What the kernels of task arithmetic share: how elements of a difference are dropped.
#ifndef LW_SHADERS_TASK_H
#define LW_SHADERS_TASK_H

#include "shaders/include/args.h"

#define LW_TASK_TERMS 8 // of one dispatch

// Which elements of a difference stay.
#define LW_TASK_ALL 0
#define LW_TASK_CUT 1   // those before `low`, by their own magnitude
#define LW_TASK_BAND 2  // those before `low` and not before `high`
#define LW_TASK_PLANE 3 // those before `low` by the value of an fp32 plane, the same for all terms
#define LW_TASK_BITS 4  // those whose bit is set

// Elements in descending order of magnitude, equal ones by index: element i of a part with the
// magnitude's bits m comes before a cut where m > bits, or m == bits and i < index.
struct lw_task_cut {
    uint32_t bits, index;
};

struct lw_task_term {
    float weight, scale; // the difference is multiplied by scale (a rescaling), then by weight
    LW_STRUCT lw_task_cut low, high;
};

struct lw_task_table {
    LW_STRUCT lw_task_term terms[LW_TASK_TERMS];
    float divisor; // of the sum, where it is not that of the agreeing weights
    float floor;   // the least divisor; 0: none, and a divisor of 0 counts as 1
    float lambda;
    uint32_t reserved;
};

#endif
