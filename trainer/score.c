// SPDX-License-Identifier: Apache-2.0
// See score.h.
#include "trainer/score.h"

#include "engine/base/alloc.h"
#include "engine/io/checkpoint.h"
#include "engine/model/decoder.h"
#include "trainer/evaluate.h"
#include "trainer/run_data.h"

// Groups of at most 1 GiB in fp32.
#define GROUP_ELEMENTS ((uint64_t)1 << 28)
// Of a micro-batch that is chosen by itself; a longer example makes it longer.
#define LEAST_TOKENS 1024u

struct scoring {
    const struct lw_run_params *params;
    struct lw_config config;
    struct lw_run_data data;
    struct lw_checkpoint *checkpoint;
    struct lw_layout *layout;
    struct lw_store *weights;
    struct lw_evaluation evaluation;
    uint32_t tokens; // of a micro-batch
    enum lw_type type;
};

static void choose_tokens(struct scoring *scoring)
{
    uint64_t longest = lw_dataset_counts(scoring->data.dataset)->longest;
    uint64_t wanted = (uint64_t)scoring->params->recipe->tokens_per_batch;
    wanted = wanted < LEAST_TOKENS ? LEAST_TOKENS : wanted;
    scoring->tokens = (uint32_t)(((wanted < longest ? longest : wanted) + 63) / 64 * 64);
}

static bool check_memory(const struct scoring *scoring, struct lw_error *error)
{
    struct lw_device *device = scoring->params->device;
    struct lw_decoder_size size =
        lw_decoder_size(device, &scoring->config, scoring->type, scoring->tokens, LW_KEEP_NOTHING);
    uint64_t needed = lw_layout_elements(scoring->layout) * lw_type_size(scoring->type) +
                      size.inputs + size.activations + size.head + size.scratch;
    uint64_t available = lw_device_memory_free(device);
    return needed <= available ||
           lw_fail(error, LW_NO_RESOURCE,
               "%s: measuring its loss needs %.2f GiB of device memory and %.2f GiB are free; "
               "shorten the examples, close other programs, or use a device with more memory",
               scoring->params->recipe->model_name_or_path, (double)needed / 0x1p30,
               (double)available / 0x1p30);
}

static bool load_model(struct scoring *scoring, struct lw_error *error)
{
    struct lw_device *device = scoring->params->device;
    choose_tokens(scoring);
    if (!lw_layout_create(&scoring->layout, &scoring->config, GROUP_ELEMENTS, error) ||
        !check_memory(scoring, error) ||
        !lw_store_create(
            &scoring->weights, device, scoring->layout, scoring->type, "weights", error) ||
        !lw_store_load(scoring->weights, scoring->checkpoint, error)) {
        return false;
    }
    const struct lw_decoder_params decoder = {.config = &scoring->config,
        .weights = scoring->weights,
        .tokens = scoring->tokens,
        .keep = LW_KEEP_NOTHING};
    return lw_decoder_create(&scoring->evaluation.decoder, device, &decoder, error);
}

static bool measure(struct scoring *scoring, struct lw_score *score, struct lw_error *error)
{
    struct lw_evaluation *evaluation = &scoring->evaluation;
    evaluation->dataset = scoring->data.dataset;
    evaluation->together = (size_t)scoring->params->recipe->per_device_eval_batch_size;
    size_t most = lw_dataset_most_examples(evaluation->dataset, evaluation->together);
    evaluation->views = lw_calloc(most, sizeof *evaluation->views, error);
    if (!evaluation->views || !lw_pack_create(&evaluation->pack, scoring->tokens, most, error) ||
        !lw_batch_create(&evaluation->batch, scoring->tokens, error) ||
        !lw_evaluate(evaluation, &score->eval_loss, &score->token_loss, error)) {
        return false;
    }
    score->examples = lw_dataset_held_out_count(evaluation->dataset);
    return true;
}

bool lw_score_model(
    struct lw_score *score, const struct lw_run_params *params, struct lw_error *error)
{
    const char *model = params->recipe->model_name_or_path;
    struct scoring scoring = {.params = params,
        .type = params->recipe->compute_type == LW_COMPUTE_FP32 ? LW_F32 : LW_BF16};
    *score = (struct lw_score){0};
    bool done = lw_config_load(&scoring.config, model, error) &&
                lw_checkpoint_open(&scoring.checkpoint, model, error) &&
                lw_run_data_load(&scoring.data, params, scoring.config.vocab_size, error) &&
                load_model(&scoring, error) && measure(&scoring, score, error);
    // After a failure the device may still be at work on what follows it.
    lw_device_wait_all(params->device, NULL);
    lw_decoder_destroy(scoring.evaluation.decoder);
    lw_store_destroy(scoring.weights);
    lw_layout_destroy(scoring.layout);
    lw_free(scoring.evaluation.views);
    lw_pack_destroy(&scoring.evaluation.pack);
    lw_batch_destroy(&scoring.evaluation.batch);
    lw_run_data_free(&scoring.data);
    lw_checkpoint_close(scoring.checkpoint);
    return done;
}
