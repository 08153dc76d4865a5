// SPDX-License-Identifier: Apache-2.0
// Choosing the token budget by packing with each. See budget.h.
#include "trainer/budget.h"

#include "engine/base/alloc.h"
#include "trainer/data/pack.h"

enum { most_steps = 64, most_candidates = 96 };

// What the first steps cost under `budget`, in tokens.
static bool cost_of(struct lw_dataset *dataset, const struct lw_budget_params *params,
    uint32_t budget, struct lw_example_view *views, uint64_t *cost, struct lw_error *error)
{
    struct lw_pack *pack = NULL;
    size_t most = lw_dataset_most_examples(dataset, params->global_batch);
    if (!lw_pack_create(&pack, budget, most, error)) {
        return false;
    }
    uint64_t fixed_cost = params->fixed_cost ? params->fixed_cost : 128;
    *cost = 0;
    for (uint64_t step = 0; step < most_steps; step++) {
        size_t count = lw_dataset_step(dataset, 0, step, params->global_batch, views);
        *cost += lw_pack_step(pack, views, count) * (budget + fixed_cost);
    }
    lw_pack_destroy(&pack);
    return true;
}

bool lw_budget_choose(struct lw_dataset *dataset, const struct lw_budget_params *params,
    uint32_t *budget, struct lw_error *error)
{
    uint64_t multiple = params->multiple ? params->multiple : 64;
    uint64_t longest = lw_dataset_counts(dataset)->longest;
    uint64_t smallest = (longest + multiple - 1) / multiple * multiple;
    uint64_t largest = params->largest / multiple * multiple;
    largest = largest < smallest ? smallest : largest;
    // A step apart in multiples, so that there are not too many candidates.
    uint64_t apart = ((largest - smallest) / multiple / most_candidates + 1) * multiple;
    size_t most = lw_dataset_most_examples(dataset, params->global_batch);
    struct lw_example_view *views = lw_calloc(most, sizeof *views, error);
    uint64_t least = UINT64_MAX;
    bool chosen = views != NULL;
    for (uint64_t candidate = smallest; chosen && candidate <= largest; candidate += apart) {
        uint64_t cost;
        chosen = cost_of(dataset, params, (uint32_t)candidate, views, &cost, error);
        if (chosen && cost < least) {
            least = cost;
            *budget = (uint32_t)candidate;
        }
    }
    lw_free(views);
    return chosen;
}
