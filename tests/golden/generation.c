// SPDX-License-Identifier: Apache-2.0
// See generation.h.
#include "tests/golden/generation.h"

#include "engine/base/alloc.h"
#include "engine/model/generate.h"
#include "tests/golden/case.h"
#include "tests/golden/report.h"

// By how much the logit of `id` is below the largest.
static double short_of_best(const float *logits, uint32_t vocab_size, uint32_t id)
{
    float best = logits[0];
    for (uint32_t i = 1; i < vocab_size; i++) {
        best = logits[i] > best ? logits[i] : best;
    }
    return (double)best - (double)logits[id];
}

static uint32_t *read_ids(const cJSON *list, uint32_t *count, struct lw_error *error)
{
    *count = (uint32_t)cJSON_GetArraySize(list);
    uint32_t *ids = lw_calloc(*count, sizeof *ids, error), at = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (ids) {
            ids[at++] = (uint32_t)item->valuedouble;
        }
    }
    return ids;
}

static bool follow(const struct golden_generation *generation, struct lw_generator *generator,
    const cJSON *entry, float *logits, struct lw_error *error)
{
    const cJSON *item, *output = cJSON_GetObjectItemCaseSensitive(entry, "output_ids");
    int equal = 0, near = 0, count = cJSON_GetArraySize(output);
    double worst = 0;
    bool done = true;
    cJSON_ArrayForEach(item, output)
    {
        uint32_t id = (uint32_t)item->valuedouble;
        double below = short_of_best(logits, generation->config->vocab_size, id);
        equal += below == 0;
        near += below <= generation->tie; // not a NaN
        worst = below > worst ? below : worst;
        done = done && (!item->next || lw_generator_append(generator, id, logits, error));
    }
    if (done) {
        golden_report_note(generation->report, near == count,
            "greedy    %d of %d tokens equal, the others short of the best logit by %g at most "
            "(%.0e)  (reference: first two at least %g apart)",
            equal, count, worst, generation->tie, golden_number(entry, "min_top2_gap", 0));
    }
    return done;
}

bool golden_generate(
    const struct golden_generation *generation, const cJSON *entry, struct lw_error *error)
{
    const struct lw_config *config = generation->config;
    uint32_t count, wanted = (uint32_t)cJSON_GetArraySize(
                        cJSON_GetObjectItemCaseSensitive(entry, "output_ids"));
    uint32_t *ids = read_ids(cJSON_GetObjectItemCaseSensitive(entry, "prompt_ids"), &count, error);
    float *logits = lw_calloc(config->vocab_size, sizeof *logits, error);
    struct lw_generator *generator = NULL;
    bool done = ids && logits &&
                lw_generator_create(&generator, generation->device, config, generation->weights,
                    count + wanted, error) &&
                lw_generator_prompt(generator, ids, count, logits, error) &&
                follow(generation, generator, entry, logits, error);
    lw_generator_destroy(generator);
    lw_free(logits);
    lw_free(ids);
    return done;
}
