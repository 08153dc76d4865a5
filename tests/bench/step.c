// SPDX-License-Identifier: Apache-2.0
// Times whole training steps (forward, backward, clip, AdamW) of a model folder on random tokens, one
// sequence a step, every token trained on. Prints tokens/s, and with --profile where the time goes.
// usage: step MODEL [--tokens N] [--type fp32|bf16] [--steps N] [--device NAME] [--profile]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/gpu/driver_settings.h"
#include "engine/gpu/profile.h"
#include "engine/io/checkpoint.h"
#include "engine/model/training.h"

#define WARM_UP_STEPS 3

struct bench {
    const char *model, *device;
    uint32_t tokens, steps;
    enum lw_type type;
    bool profile;
};

static bool parse(struct bench *bench, int argc, char **argv)
{
    *bench = (struct bench){.tokens = 256, .steps = 10};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(argv[i], "--profile")) {
            bench->profile = true;
            continue;
        }
        if (argv[i][0] != '-') {
            bench->model = argv[i];
            continue;
        }
        if (!strcmp(argv[i], "--tokens")) {
            bench->tokens = (uint32_t)strtoul(value, NULL, 10);
        } else if (!strcmp(argv[i], "--steps")) {
            bench->steps = (uint32_t)strtoul(value, NULL, 10);
        } else if (!strcmp(argv[i], "--type")) {
            bench->type = !strcmp(value, "bf16") ? LW_BF16 : LW_F32;
        } else if (!strcmp(argv[i], "--device")) {
            bench->device = value;
        } else {
            return false;
        }
        i++;
    }
    return bench->model && bench->tokens > 1 && bench->steps > 0;
}

// One sequence of random ids.
static bool make_batch(
    struct lw_batch *batch, uint32_t tokens, uint32_t vocab_size, struct lw_error *error)
{
    uint32_t *block = lw_calloc((size_t)tokens * 6, sizeof *block, error);
    *batch = (struct lw_batch){.tokens = block, .token_budget = tokens, .used = tokens};
    if (!block) {
        return false;
    }
    batch->positions = block + tokens;
    batch->segment_start = block + 2 * (size_t)tokens;
    batch->segment_end = block + 3 * (size_t)tokens;
    batch->targets = (int32_t *)(block + 4 * (size_t)tokens);
    batch->rotary_row = block + 5 * (size_t)tokens;
    for (uint32_t i = 0; i < tokens; i++) {
        batch->tokens[i] = (uint32_t)lw_random_below(1, 0, i, vocab_size);
        batch->positions[i] = i;
        batch->segment_end[i] = tokens;
        batch->targets[i] = (int32_t)lw_random_below(1, 0, i + 1, vocab_size);
    }
    batch->targets[tokens - 1] = -1;
    batch->trained = tokens - 1;
    return true;
}

static bool run_step(struct lw_training *training, const struct lw_batch *batch, uint64_t update,
    struct lw_step_report *report, struct lw_error *error)
{
    uint64_t ticket;
    return lw_decoder_submit(training->decoder, batch, 1 / (float)batch->trained, true, error) &&
           lw_optimizer_submit(training->optimizer, update, 1e-5, 1, &ticket, error) &&
           lw_optimizer_report(training->optimizer, update, ticket, report, error);
}

static int compare_seconds(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static bool measure(const struct bench *bench, struct lw_training *training,
    const struct lw_batch *batch, struct lw_error *error)
{
    double *seconds = lw_calloc(bench->steps, sizeof *seconds, error);
    struct lw_step_report report = {0};
    bool done = seconds != NULL;
    for (uint32_t i = 0; done && i < bench->steps + WARM_UP_STEPS; i++) {
        double start = lw_clock_seconds();
        done = run_step(training, batch, i + 1, &report, error);
        if (done && i >= WARM_UP_STEPS) {
            seconds[i - WARM_UP_STEPS] = lw_clock_seconds() - start;
            lw_decoder_collect_profile(training->decoder, batch->trained, true);
            lw_optimizer_collect_profile(training->optimizer);
        }
    }
    if (done) {
        qsort(seconds, bench->steps, sizeof *seconds, compare_seconds);
        double median = seconds[bench->steps / 2];
        printf("%s %s, %u tokens, %.1f M parameters: %.0f tokens/s (median step %.1f ms, best "
               "%.1f ms), loss %.4f\n",
            bench->model, bench->type == LW_BF16 ? "bf16" : "fp32", bench->tokens,
            (double)training->layout->parameter_elements / 1e6, bench->tokens / median,
            median * 1e3, seconds[0] * 1e3, (double)report.loss);
    }
    lw_free(seconds);
    return done;
}

static void print_profile(const struct lw_device *device)
{
    double total = 0, products = 0;
    for (int i = 0; i < LW_KERNEL_COUNT; i++) {
        const struct lw_profile_row *row = lw_device_profile(device, (enum lw_kernel_id)i);
        total += row->seconds;
        products += strncmp(lw_kernel_rows[i].name, "matmul_", 7) ? 0 : row->seconds;
    }
    for (int i = 0; i < LW_KERNEL_COUNT; i++) {
        const struct lw_profile_row *row = lw_device_profile(device, (enum lw_kernel_id)i);
        if (row->calls) {
            printf("%-40s %6llu calls %9.2f ms %5.1f %% %8.2f GB/s %8.2f GFLOP/s\n",
                lw_kernel_rows[i].name, (unsigned long long)row->calls, row->seconds * 1e3,
                100 * row->seconds / total, row->bytes / row->seconds * 1e-9,
                row->flops / row->seconds * 1e-9);
        }
    }
    printf("outside the matrix products: %.1f %% of %.1f ms\n", 100 * (1 - products / total),
        total * 1e3);
}

int main(int argc, char **argv)
{
    struct bench bench;
    if (!parse(&bench, argc, argv)) {
        fprintf(stderr, "usage: step MODEL [--tokens N] [--type fp32|bf16] [--steps N] "
                        "[--device NAME] [--profile]\n");
        return 2;
    }
    lw_driver_settings_apply();
    struct lw_error error = {0};
    struct lw_config config;
    struct lw_checkpoint *checkpoint = NULL;
    struct lw_instance *instance = NULL;
    struct lw_device *device = NULL;
    struct lw_training *training = NULL;
    struct lw_batch batch = {0};
    struct lw_device_params params = {.profile = bench.profile};
    bool done = lw_config_load(&config, bench.model, &error) &&
                lw_checkpoint_open(&checkpoint, bench.model, &error) &&
                lw_instance_create(&instance, &(struct lw_instance_params){0}, &error) &&
                lw_instance_select(instance, bench.device, &params.index, &error) &&
                lw_device_create(&device, instance, &params, &error);
    const struct lw_training_params training_params = {.config = &config,
        .type = bench.type,
        .tokens = bench.tokens,
        .keep = LW_KEEP_ALL,
        .beta1 = 0.9f,
        .beta2 = 0.999f,
        .epsilon = 1e-8f};
    done = done && make_batch(&batch, bench.tokens, config.vocab_size, &error) &&
           lw_training_create(&training, device, &training_params, checkpoint, &error) &&
           measure(&bench, training, &batch, &error);
    if (done && bench.profile) {
        print_profile(device);
    }
    if (!done) {
        fprintf(stderr, "step: %s\n", error.message);
    }
    lw_training_destroy(training);
    lw_free(batch.tokens);
    lw_device_destroy(device);
    lw_instance_destroy(instance);
    lw_checkpoint_close(checkpoint);
    return done ? 0 : 1;
}
