// SPDX-License-Identifier: Apache-2.0
// Conflict detection between byte ranges. See hazard.h.
#include "engine/gpu/hazard.h"

static bool overlap(const struct lw_access *left, const struct lw_access *right)
{
    return left->address < right->address + right->size &&
           right->address < left->address + left->size;
}

bool lw_hazards_add(struct lw_hazards *hazards, const struct lw_access *accesses, uint32_t count)
{
    bool barrier = hazards->count + count > LW_HAZARD_ACCESSES;
    for (uint32_t i = 0; i < count && !barrier; i++) {
        for (uint32_t j = 0; j < hazards->count && !barrier; j++) {
            const struct lw_access *earlier = &hazards->accesses[j];
            barrier = (accesses[i].write || earlier->write) && overlap(&accesses[i], earlier);
        }
    }
    if (barrier) {
        hazards->count = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (accesses[i].size) {
            hazards->accesses[hazards->count++] = accesses[i];
        }
    }
    return barrier;
}
