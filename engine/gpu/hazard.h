// SPDX-License-Identifier: Apache-2.0
// Private to engine/gpu: which recorded accesses a new one conflicts with.
#ifndef LW_GPU_HAZARD_H
#define LW_GPU_HAZARD_H

#include "engine/gpu/stream.h"

#define LW_HAZARD_ACCESSES 64

// The accesses since the last barrier. Zero-initialise.
struct lw_hazards {
    struct lw_access accesses[LW_HAZARD_ACCESSES];
    uint32_t count;
};

// Whether a barrier must come before a command with these accesses: one of them touches bytes that
// an earlier command writes, or writes bytes that an earlier command touches, or there is no room
// left to remember them. Remembers them; a barrier forgets all that came before.
bool lw_hazards_add(struct lw_hazards *hazards, const struct lw_access *accesses, uint32_t count);

#endif
