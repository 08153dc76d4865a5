// SPDX-License-Identifier: Apache-2.0
// What the decoder is fed: tokens of several sequences side by side, and how they are told apart.
#ifndef LW_MODEL_BATCH_H
#define LW_MODEL_BATCH_H

#include <stdint.h>

// One micro-batch. All arrays have `token_budget` entries, one per position; the segments
// (sequences) lie one after another from position 0. After the last follows padding: token 0, each
// position a segment of its own, no target, row 0.
struct lw_batch {
    uint32_t *tokens;        // token ids
    uint32_t *positions;     // position within the segment, from 0
    uint32_t *segment_start; // first position of the segment that this position belongs to
    uint32_t *segment_end;   // one past its last position
    uint32_t *rotary_row;    // row of the rotary table (lw_rotary_row), the same within a segment
    int32_t *targets;        // the id to be predicted here, or -1; never across a segment's end
    uint32_t token_budget;
    uint32_t used;    // positions that are no padding
    uint32_t trained; // targets that are not -1
};

#endif
