// SPDX-License-Identifier: Apache-2.0
// Runs a model case (case.h) through the product's own decoder, optimizer and generator and prints
// how far each quantity is from PyTorch's.
// usage: golden DIR [--type fp32|bf16] [--hide-caps NAME,...] [--device NAME] [--keep all|inputs]
//               [--require NAME,...]
// --require fails the run unless for each name a kernel was run whose name begins with it.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/gpu/driver_settings.h"
#include "engine/gpu/transfer.h"
#include "engine/io/checkpoint.h"
#include "engine/model/training.h"
#include "tests/golden/case.h"
#include "tests/golden/fixture.h"
#include "tests/golden/generation.h"
#include "tests/golden/report.h"
#include "tests/require.h"
#include "trainer/schedule.h"

struct tolerances {
    double logits, loss, gradient, step_loss, grad_norm;
    double weights;     // of a tensor, in bf16
    double weights_off; // share of elements, in fp32
    double tie;         // how far a greedy token's logit may be below the largest
};

struct golden {
    struct golden_case input;
    struct golden_report report;
    struct tolerances tolerances;
    struct lw_instance *instance;
    struct lw_device *device;
    struct lw_config config;
    struct lw_checkpoint *checkpoint;
    enum lw_type type;
    enum lw_keep keep;
    const char *required; // names of kernels; NULL: none
};

static const struct tolerances fp32_tolerances = {.logits = 1e-5,
    .loss = 1e-5,
    .gradient = 1e-4,
    .step_loss = 1e-4,
    .grad_norm = 1e-4,
    .weights_off = 0.005};
static const struct tolerances bf16_tolerances = {.logits = 3e-2,
    .loss = 1e-2,
    .gradient = 3e-2,
    .step_loss = 1e-2,
    .grad_norm = 3e-2,
    .weights = 3e-2,
    .tie = 5e-2};

// `run` may be NULL, where nothing is trained.
static bool create_training(struct golden *golden, const cJSON *run, uint32_t tokens,
    struct lw_training **training, struct lw_error *error)
{
    const cJSON *betas = cJSON_GetObjectItemCaseSensitive(run, "betas");
    const struct lw_training_params params = {.config = &golden->config,
        .type = golden->type,
        .tokens = tokens,
        .keep = golden->keep,
        .beta1 = betas ? (float)cJSON_GetArrayItem(betas, 0)->valuedouble : 0.9f,
        .beta2 = betas ? (float)cJSON_GetArrayItem(betas, 1)->valuedouble : 0.999f,
        .epsilon = (float)golden_number(run, "eps", 1e-8),
        .weight_decay = (float)golden_number(run, "weight_decay", 0),
        .decay_all = !strcmp(golden_text(run, "decay"), "all")};
    return lw_training_create(training, golden->device, &params, golden->checkpoint, error);
}

// Every row's logits, through the head's own chunks: every position is given a target.
static bool read_logits(struct golden *golden, struct lw_training *training,
    const struct lw_batch *batch, float *logits, struct lw_error *error)
{
    struct lw_batch all = *batch;
    uint32_t tokens = batch->token_budget, vocab_size = golden->config.vocab_size;
    struct lw_decoder *decoder = training->decoder;
    all.targets = lw_calloc(tokens, sizeof *all.targets, error);
    all.trained = tokens;
    bool done = all.targets && lw_inputs_submit(decoder->inputs, &all, 1, error) &&
                lw_stream_submit(decoder->forward, NULL, error);
    uint32_t chunk_rows = decoder->head->params.chunk_rows;
    for (uint32_t chunk = 0; done && chunk < decoder->head->chunk_count; chunk++) {
        uint32_t first = chunk * chunk_rows;
        uint32_t rows = tokens - first < chunk_rows ? tokens - first : chunk_rows;
        struct lw_buffer buffer = lw_arena_find(decoder->head->arena, decoder->head->logits.address,
            lw_tensor_span(&decoder->head->logits));
        done = lw_stream_submit(decoder->head->loss_chunks[chunk], NULL, error) &&
               lw_download(golden->device, &buffer, 0, logits + (uint64_t)first * vocab_size,
                   (uint64_t)rows * vocab_size * sizeof *logits, error);
    }
    lw_free(all.targets);
    return done;
}

static bool check_logits(struct golden *golden, struct lw_training *training, const char *name,
    const struct lw_batch *batch, struct lw_error *error)
{
    uint64_t count, size = (uint64_t)batch->token_budget * golden->config.vocab_size;
    float *expected = golden_floats(&golden->input, name, &count, error);
    float *actual = lw_calloc(size, sizeof *actual, error);
    int32_t *segments = golden_integers(&golden->input, "segment_ids", &(uint64_t){0}, NULL);
    bool done = expected && actual && read_logits(golden, training, batch, actual, error);
    if (done) {
        uint64_t vocab_size = golden->config.vocab_size;
        bool packed = segments && !strcmp(name, "logits");
        for (uint64_t i = 0; packed && i < count; i++) {
            if (segments[i / vocab_size] == 0) { // padding: its logits mean nothing
                actual[i] = expected[i] = 0;
            }
        }
        golden_compare(
            &golden->report, "logits", name, actual, expected, count, golden->tolerances.logits);
    }
    lw_free(expected);
    lw_free(actual);
    lw_free(segments);
    return done;
}

static bool check_token_losses(struct golden *golden, const struct lw_training *training,
    const struct lw_batch *batch, struct lw_error *error)
{
    uint64_t count;
    float *expected = golden_floats(&golden->input, "token_loss", &count, error);
    float *losses = lw_calloc(batch->trained, sizeof *losses, error);
    float *actual = lw_calloc(count, sizeof *actual, error);
    bool done = expected && losses && actual &&
                lw_download(golden->device, &training->decoder->head->losses, 0, losses,
                    batch->trained * sizeof *losses, error);
    for (uint32_t i = 0, row = 0; done && i < batch->token_budget; i++) {
        actual[i] = batch->targets[i] >= 0 ? losses[row++] : 0;
    }
    if (done) {
        golden_compare(&golden->report, "loss", "token_loss", actual, expected, count,
            golden->tolerances.loss);
    }
    lw_free(expected);
    lw_free(losses);
    lw_free(actual);
    return done;
}

static bool check_loss(
    struct golden *golden, const struct lw_training *training, struct lw_error *error)
{
    uint64_t count;
    float actual;
    float *expected = golden_floats(&golden->input, "loss", &count, error);
    bool done = expected && lw_download(golden->device, &training->decoder->loss_sum, 0, &actual,
                                sizeof actual, error);
    if (done) {
        golden_compare_number(&golden->report, "loss", "loss", (double)actual, (double)expected[0],
            golden->tolerances.loss);
    }
    lw_free(expected);
    return done;
}

static bool check_gradients(
    struct golden *golden, const struct lw_training *training, struct lw_error *error)
{
    const struct lw_layout *layout = training->layout;
    bool done = true;
    for (size_t i = 0; done && i < layout->parameter_count; i++) {
        const struct lw_parameter *parameter = &layout->parameters[i];
        char name[128];
        uint64_t count;
        snprintf(name, sizeof name, "grad.%s", parameter->name);
        float *expected = golden_floats(&golden->input, name, &count, error);
        float *actual = expected ? lw_calloc(count, sizeof *actual, error) : NULL;
        done = actual && lw_store_read(training->gradients, parameter, 0, actual, count, error);
        if (done) {
            golden_compare(&golden->report, "gradient", parameter->name, actual, expected, count,
                golden->tolerances.gradient);
        }
        lw_free(expected);
        lw_free(actual);
    }
    return done;
}

static bool check_batch(struct golden *golden, struct lw_error *error)
{
    struct lw_training *training = NULL;
    struct lw_batch batch = {0};
    bool done =
        golden_batch(&golden->input, "", 0, &golden->config.rotary, &batch, error) &&
        create_training(golden, NULL, batch.token_budget, &training, error) &&
        check_logits(golden, training, "logits", &batch, error) &&
        lw_decoder_submit(training->decoder, &batch, 1 / (float)batch.trained, true, error) &&
        check_loss(golden, training, error) &&
        check_token_losses(golden, training, &batch, error) &&
        check_gradients(golden, training, error);
    golden_batch_free(&batch);
    lw_training_destroy(training);
    return done;
}

// The same batch with one of its tokens as pad_token_id: as an input that gets no gradient
// (nn.Embedding's padding_idx), all else is as before. Where the head is tied, its part stays.
static bool check_pad_token(struct golden *golden, struct lw_error *error)
{
    const char *name = "model.embed_tokens.weight";
    const uint32_t own_pad_token = golden->config.pad_token;
    struct lw_training *training = NULL;
    struct lw_batch batch = {0};
    uint64_t count, width = golden->config.hidden_size;
    float *expected =
        golden_floats(&golden->input, "grad.model.embed_tokens.weight", &count, error);
    float *actual = expected ? lw_calloc(count, sizeof *actual, error) : NULL;
    bool done =
        actual && golden_batch(&golden->input, "", 0, &golden->config.rotary, &batch, error);
    golden->config.pad_token = done ? batch.tokens[batch.used / 2] : own_pad_token;
    done = done && create_training(golden, NULL, batch.token_budget, &training, error) &&
           lw_decoder_submit(training->decoder, &batch, 1 / (float)batch.trained, true, error);
    for (size_t i = 0; done && i < training->layout->parameter_count; i++) {
        const struct lw_parameter *parameter = &training->layout->parameters[i];
        done = strcmp(parameter->name, name) != 0 ||
               lw_store_read(training->gradients, parameter, 0, actual, count, error);
    }
    if (done) {
        float *row = expected + golden->config.pad_token * width;
        const float *own = actual + golden->config.pad_token * width;
        for (uint64_t i = 0; i < width; i++) {
            row[i] = golden->config.tied ? own[i] : 0;
        }
        golden_compare(&golden->report, "gradient", "model.embed_tokens.weight, one token padding",
            actual, expected, count, golden->tolerances.gradient);
    }
    golden->config.pad_token = own_pad_token;
    golden_batch_free(&batch);
    lw_training_destroy(training);
    lw_free(expected);
    lw_free(actual);
    return done;
}

// A second batch, without labels, that some cases have.
static bool check_short(struct golden *golden, struct lw_error *error)
{
    struct lw_training *training = NULL;
    struct lw_batch batch = {0};
    if (!lw_safetensors_find(golden->input.tensors, "short.input_ids")) {
        return true;
    }
    bool done = golden_batch(&golden->input, "short.", 0, &golden->config.rotary, &batch, error) &&
                create_training(golden, NULL, batch.token_budget, &training, error) &&
                check_logits(golden, training, "short.logits", &batch, error);
    golden_batch_free(&batch);
    lw_training_destroy(training);
    return done;
}

// Micro-batch `index` of step `step`.
static bool read_micro_batch(const struct golden *golden, const cJSON *run, uint32_t step,
    uint32_t index, struct lw_batch *batch, struct lw_error *error)
{
    uint32_t accumulation = (uint32_t)golden_number(run, "accum", 1);
    return golden_batch(&golden->input, "train.", step * accumulation + index,
        &golden->config.rotary, batch, error);
}

// One optimizer step: all micro-batches, normalised by all targets of the step.
static bool run_step(struct golden *golden, struct lw_training *training, const cJSON *run,
    uint32_t step, double rate, struct lw_step_report *report, struct lw_error *error)
{
    uint32_t accumulation = (uint32_t)golden_number(run, "accum", 1), trained = 0;
    struct lw_batch batch;
    bool done = true;
    for (uint32_t i = 0; done && i < accumulation; i++) {
        done = read_micro_batch(golden, run, step, i, &batch, error);
        trained += batch.trained;
        golden_batch_free(&batch);
    }
    for (uint32_t i = 0; done && i < accumulation; i++) {
        done = read_micro_batch(golden, run, step, i, &batch, error) &&
               lw_decoder_submit(training->decoder, &batch, 1 / (float)trained, true, error);
        golden_batch_free(&batch);
    }
    uint64_t ticket;
    return done &&
           lw_optimizer_submit(training->optimizer, step + 1, rate,
               (float)golden_number(run, "max_grad_norm", 0), &ticket, error) &&
           lw_optimizer_report(training->optimizer, step + 1, ticket, report, error);
}

static bool check_after(struct golden *golden, const struct lw_training *training, const cJSON *run,
    struct lw_error *error)
{
    // A step of Adam moves a weight by up to its rate; what rounding moves is judged against the
    // reference's own rounding.
    const struct lw_layout *layout = training->layout;
    bool done = true;
    for (size_t i = 0; done && i < layout->parameter_count; i++) {
        const struct lw_parameter *parameter = &layout->parameters[i];
        char name[160];
        uint64_t count;
        snprintf(name, sizeof name, "%s%s", golden_text(run, "prefix"), parameter->name);
        if (!lw_safetensors_find(golden->input.tensors, name)) {
            continue; // not every run keeps every tensor
        }
        float *expected = golden_floats(&golden->input, name, &count, error);
        float *actual = expected ? lw_calloc(count, sizeof *actual, error) : NULL;
        done = actual && lw_store_read(training->master, parameter, 0, actual, count, error);
        if (done) {
            double allowed = 8 * golden_noise(&golden->input, name);
            double floor = 0.01 * golden_number(run, "lr_peak", 0);
            allowed = allowed > floor ? allowed : floor;
            if (golden->type == LW_F32) {
                golden_compare_weights(&golden->report, name, actual, expected, count, allowed,
                    golden->tolerances.weights_off);
            } else {
                golden_compare(&golden->report, "weights", name, actual, expected, count,
                    golden->tolerances.weights);
            }
        }
        lw_free(expected);
        lw_free(actual);
    }
    return done;
}

static bool check_run(struct golden *golden, const cJSON *run, struct lw_error *error)
{
    struct lw_training *training = NULL;
    uint32_t steps = (uint32_t)golden_number(run, "steps", 0);
    struct lw_schedule schedule = {.kind = LW_SCHEDULE_COSINE,
        .peak = golden_number(run, "lr_peak", 0),
        .warmup_updates = (uint64_t)golden_number(run, "warmup_steps", 0),
        .total_updates = steps};
    const cJSON *rates = cJSON_GetObjectItemCaseSensitive(run, "lr_steps");
    const cJSON *losses = cJSON_GetObjectItemCaseSensitive(run, "loss_steps");
    const cJSON *norms = cJSON_GetObjectItemCaseSensitive(run, "grad_norm_steps");
    struct lw_batch first = {0};
    const struct lw_option_list no_kwargs = {0};
    bool done = lw_schedule_kwargs_read(&schedule.kwargs, schedule.kind, &no_kwargs, error) &&
                read_micro_batch(golden, run, 0, 0, &first, error) &&
                create_training(golden, run, first.token_budget, &training, error);
    golden_batch_free(&first);
    for (uint32_t step = 0; done && step < steps; step++) {
        struct lw_step_report report;
        double rate = lw_schedule_rate(&schedule, step);
        done = run_step(golden, training, run, step, rate, &report, error);
        if (done) {
            char name[64];
            snprintf(name, sizeof name, "run %s step %u", golden_text(run, "name"), step);
            golden_compare_number(&golden->report, "rate", name, rate,
                cJSON_GetArrayItem(rates, (int)step)->valuedouble, 1e-12);
            golden_compare_number(&golden->report, "step loss", name, (double)report.loss,
                cJSON_GetArrayItem(losses, (int)step)->valuedouble, golden->tolerances.step_loss);
            golden_compare_number(&golden->report, "grad norm", name, (double)report.grad_norm,
                cJSON_GetArrayItem(norms, (int)step)->valuedouble, golden->tolerances.grad_norm);
        }
    }
    done = done && check_after(golden, training, run, error);
    lw_training_destroy(training);
    return done;
}

static bool check_generation(struct golden *golden, struct lw_error *error)
{
    struct lw_layout *layout = NULL;
    struct lw_store *weights = NULL;
    bool done = lw_layout_create(&layout, &golden->config, (uint64_t)1 << 28, error) &&
                lw_store_create(&weights, golden->device, layout, golden->type, "weights", error) &&
                lw_store_load(weights, golden->checkpoint, error);
    const struct golden_generation generation = {
        &golden->report, golden->device, &golden->config, weights, golden->tolerances.tie};
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(golden->input.json, "generation"))
    {
        done = done && golden_generate(&generation, entry, error);
    }
    lw_store_destroy(weights);
    lw_layout_destroy(layout);
    return done;
}

static bool check_case(struct golden *golden, struct lw_error *error)
{
    bool done =
        check_batch(golden, error) && check_pad_token(golden, error) && check_short(golden, error);
    const cJSON *run;
    cJSON_ArrayForEach(run, cJSON_GetObjectItemCaseSensitive(golden->input.json, "runs"))
    {
        done = done && check_run(golden, run, error);
    }
    return done && check_generation(golden, error);
}

static bool open_all(struct golden *golden, const char *folder, const char *device_name,
    uint32_t hidden, struct lw_error *error)
{
    struct lw_instance_params params = {.validation = getenv("LEWIN_VALIDATION") != NULL};
    struct lw_device_params device = {
        .hidden_features = hidden, .profile = golden->required != NULL};
    return golden_case_open(&golden->input, folder, error) &&
           lw_config_load(&golden->config, golden->input.model, error) &&
           lw_checkpoint_open(&golden->checkpoint, golden->input.model, error) &&
           lw_instance_create(&golden->instance, &params, error) &&
           lw_instance_select(golden->instance, device_name, &device.index, error) &&
           lw_device_create(&golden->device, golden->instance, &device, error);
}

int main(int argc, char **argv)
{
    struct golden golden = {.keep = LW_KEEP_ALL, .tolerances = fp32_tolerances};
    const char *folder = NULL, *device = NULL;
    uint32_t hidden = 0;
    struct lw_error error = {0};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strncmp(argv[i], "--", 2) != 0) {
            folder = argv[i];
            continue;
        }
        if (!strcmp(argv[i], "--type") && !strcmp(value, "bf16")) {
            golden.type = LW_BF16;
            golden.tolerances = bf16_tolerances;
        } else if (!strcmp(argv[i], "--keep") && !strcmp(value, "inputs")) {
            golden.keep = LW_KEEP_INPUTS;
        } else if (!strcmp(argv[i], "--hide-caps")) {
            if (!lw_features_parse(value, &hidden, &error)) {
                fprintf(stderr, "golden: %s\n", error.message);
                return 2;
            }
        } else if (!strcmp(argv[i], "--device")) {
            device = value;
        } else if (!strcmp(argv[i], "--require")) {
            golden.required = value;
        }
        i++;
    }
    if (!folder) {
        fprintf(stderr, "usage: golden DIR [--type fp32|bf16] [--keep all|inputs] "
                        "[--hide-caps NAME,...] [--device NAME] [--require NAME,...]\n");
        return 2;
    }
    struct lw_string path = {0};
    if (!fixture_path(&path, folder)) {
        return FIXTURE_SKIPPED;
    }
    lw_driver_settings_apply(LW_WORKLOAD_PRODUCTS);
    bool done = open_all(&golden, path.data, device, hidden, &error) && check_case(&golden, &error);
    if (!done) {
        fprintf(stderr, "golden: %s\n", error.message);
    }
    unsigned messages = golden.instance ? lw_instance_message_count(golden.instance) : 0;
    struct require_kernels ran = {0};
    if (golden.device) {
        require_note(&ran, golden.device);
    }
    unsigned missing = require_missing(&ran, golden.required);
    lw_device_destroy(golden.device);
    lw_instance_destroy(golden.instance);
    lw_checkpoint_close(golden.checkpoint);
    golden_case_close(&golden.input);
    lw_string_free(&path);
    golden_report_worst(&golden.report);
    printf("%u quantities checked, %u out of tolerance, %u validation messages\n",
        golden.report.checked, golden.report.failed, messages);
    return done && !golden.report.failed && !messages && !missing ? 0 : 1;
}
