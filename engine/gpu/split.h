// SPDX-License-Identifier: Apache-2.0
// Private to engine/gpu: where the commands of a stream are cut, so that no submission runs long
// enough for a watchdog. A command that takes too long by itself is divided: a dispatch by its
// workgroups, a fill or copy by its bytes.
#ifndef LW_GPU_SPLIT_H
#define LW_GPU_SPLIT_H

#include "engine/gpu/command.h"

// Bytes by which fills and copies are divided.
#define LW_PORTION_BYTES ((VkDeviceSize)1 << 20)

// Some of a command: divisions [first, first + count) of lw_command_divisions.
struct lw_portion {
    uint32_t command; // its number
    uint32_t first, count;
    uint32_t piece; // the submission that it is in: 0, 1, ...
    double seconds; // expected
};

struct lw_split {
    struct lw_portion *portions; // in order
    size_t portion_count, portion_capacity;
    uint32_t count; // of pieces
};

// The dimension of a dispatch's workgroups by which it is divided: the kernels compute a flat number
// as y * width + x, so x only where it is the only one.
unsigned lw_command_divided_dimension(const struct lw_command *command);
// In how many parts a command can be divided at most.
uint32_t lw_command_divisions(const struct lw_command *command);

// Pieces of at most `limit` expected seconds each, unless a single division takes longer. Every
// command's expected seconds are above 0. Fills `split`, which
// lw_split_free frees also after a failure.
bool lw_split_plan(struct lw_split *split, const struct lw_command *commands, size_t count,
    double limit, struct lw_error *error);
void lw_split_free(struct lw_split *split);

// Corrects the commands' expected seconds by what the pieces took, seconds[split->count].
// Within a piece the proportions stay.
void lw_split_learn(
    const struct lw_split *split, const double *seconds, struct lw_command *commands);

#endif
