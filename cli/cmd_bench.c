// SPDX-License-Identifier: Apache-2.0
// `lewin bench`: what the device can do at best, how near each kernel comes to it at a model's
// shapes, and whole training steps. Flags and their defaults; the work is in bench/.
#include <stdio.h>
#include <string.h>

#include "cli/bench_report.h"
#include "cli/command.h"
#include "cli/config_choice.h"
#include "cli/device_options.h"
#include "engine/base/alloc.h"

#define MOST_TOKENS ((uint64_t)1 << 24)
#define MOST_STEPS 100000

struct flags {
    struct lw_device_options device;
    struct lw_flag_list presets;
    const char *type, *only, *kernel;
    uint64_t tokens, sequence, batch, micro_batch, steps;
    double seconds;
    bool recompute, json;
};

static const struct lw_flag flags_table[] = {
    {"preset", LW_FLAG_LIST, offsetof(struct flags, presets), "NAME|FILE",
        "a preset (lewin init --list) or a config.json; may be given several times"},
    {"type", LW_FLAG_TEXT, offsetof(struct flags, type), "TYPE",
        "bf16 or fp32 (default bf16; on CPU devices fp32)"},
    {"only", LW_FLAG_TEXT, offsetof(struct flags, only), "PART",
        "only ceilings, kernels or steps; the ceilings are always measured"},
    {"kernel", LW_FLAG_TEXT, offsetof(struct flags, kernel), "TEXT",
        "only kernels whose name contains this, and no steps"},
    {"tokens", LW_FLAG_COUNT, offsetof(struct flags, tokens), "N",
        "tokens that the kernels work on (default 8192; on CPU devices 256)"},
    {"seq", LW_FLAG_COUNT, offsetof(struct flags, sequence), "N",
        "tokens of a sequence (default 2048; on CPU devices 256)"},
    {"batch", LW_FLAG_COUNT, offsetof(struct flags, batch), "N",
        "sequences of a training step (default 4; on CPU devices 1)"},
    {"micro-batch", LW_FLAG_COUNT, offsetof(struct flags, micro_batch), "N",
        "of them computed at once (default: as many as fit)"},
    {"steps", LW_FLAG_COUNT, offsetof(struct flags, steps), "N",
        "training steps to time, after two to warm up (default 10; on CPU devices 5)"},
    {"recompute", LW_FLAG_SWITCH, offsetof(struct flags, recompute), NULL,
        "keep only the layers' inputs for the backward pass, also where more fits"},
    {"seconds", LW_FLAG_NUMBER, offsetof(struct flags, seconds), "S",
        "to spend on each kernel, about (default 0.2)"},
    {"json", LW_FLAG_SWITCH, offsetof(struct flags, json), NULL, "print JSON at the end"},
    LW_DEVICE_FLAGS(offsetof(struct flags, device)),
    {NULL, LW_FLAG_SWITCH, 0, NULL, NULL},
};

// The models of arXiv 2601.15793 and a smaller one; shapes that a CPU does in minutes.
static const char *const gpu_presets[] = {
    "qwen2.5-1.5b", "qwen2.5-3b", "qwen2.5-7b", "qwen3-8b", "phi3-mini-128k", "llama3.1-8b", NULL};
static const char *const cpu_presets[] = {"8m", "74m", NULL};

// A model to measure.
struct model {
    const char *name;
    struct lw_config config;
};

struct bench {
    struct flags flags;
    const char *const *names; // of the models, asked for or the device's defaults
    size_t count;
    bool by_default; // nobody asked for these models: what has no room is left out
    struct model *models;
    struct lw_device *device;
    enum lw_tune tune;
    struct lw_ceilings ceilings;
    struct lw_bench_report report;
    enum lw_type type;
    bool kernels, steps;  // the parts wanted
    uint64_t kernel_rows; // printed so far
};

static bool check_most(const char *name, uint64_t value, uint64_t most, struct lw_error *error)
{
    return value <= most || lw_fail(error, LW_USAGE, "--%s is at most %llu, not %llu", name,
                                (unsigned long long)most, (unsigned long long)value);
}

static bool check_numbers(const struct flags *flags, struct lw_error *error)
{
    if (flags->seconds <= 0) {
        return lw_fail(error, LW_USAGE, "--seconds takes a number above 0, not %g", flags->seconds);
    }
    return check_most("tokens", flags->tokens, MOST_TOKENS, error) &&
           check_most("seq", flags->sequence, MOST_TOKENS, error) &&
           check_most("batch", flags->batch, MOST_TOKENS, error) &&
           check_most("micro-batch", flags->micro_batch, MOST_TOKENS, error) &&
           check_most("steps", flags->steps, MOST_STEPS, error);
}

// --type, --only and --kernel.
static bool check_choices(struct bench *bench, struct lw_error *error)
{
    const struct flags *flags = &bench->flags;
    const char *only = flags->only ? flags->only : flags->kernel ? "kernels" : "";
    bench->kernels = !*only || !strcmp(only, "kernels");
    bench->steps = !*only || !strcmp(only, "steps");
    bench->type = flags->type && !strcmp(flags->type, "fp32") ? LW_F32 : LW_BF16;
    if (flags->type && strcmp(flags->type, lw_bench_type_name(bench->type)) != 0) {
        return lw_fail(error, LW_USAGE, "--type is bf16 or fp32, not \"%s\"", flags->type);
    }
    if (!bench->kernels && !bench->steps && strcmp(only, "ceilings") != 0) {
        return lw_fail(error, LW_USAGE, "--only is ceilings, kernels or steps, not \"%s\"", only);
    }
    if (flags->kernel && !bench->kernels) {
        return lw_fail(error, LW_USAGE, "--kernel chooses kernels, and --only %s has none", only);
    }
    return true;
}

static void set_default(uint64_t *value, uint64_t otherwise)
{
    *value = *value ? *value : otherwise;
}

// What was not given, by the kind of device.
static bool set_defaults(struct bench *bench, struct lw_error *error)
{
    struct flags *flags = &bench->flags;
    bool cpu = lw_device_caps(bench->device)->kind == LW_DEVICE_CPU;
    bench->type = !flags->type && cpu ? LW_F32 : bench->type;
    set_default(&flags->tokens, cpu ? 256 : 8192);
    set_default(&flags->sequence, cpu ? 256 : 2048);
    set_default(&flags->batch, cpu ? 1 : 4);
    set_default(&flags->steps, cpu ? 5 : 10);
    if (flags->micro_batch && flags->batch % flags->micro_batch) {
        return lw_fail(error, LW_USAGE, "--micro-batch %llu does not divide --batch %llu",
            (unsigned long long)flags->micro_batch, (unsigned long long)flags->batch);
    }
    bench->by_default = !flags->presets.count;
    bench->names = flags->presets.items;
    bench->count = flags->presets.count;
    if (bench->by_default) {
        bench->names = cpu ? cpu_presets : gpu_presets;
        while (bench->names[bench->count]) {
            bench->count++;
        }
    }
    return check_most("batch", flags->batch, MOST_TOKENS / flags->sequence, error);
}

static bool load_models(struct bench *bench, struct lw_error *error)
{
    bench->models = lw_calloc(bench->count, sizeof *bench->models, error);
    bool loaded = bench->models != NULL;
    for (size_t i = 0; loaded && i < bench->count; i++) {
        struct model *model = &bench->models[i];
        struct lw_string text = {0};
        model->name = bench->names[i];
        loaded =
            lw_find_config(model->name, &text, error) &&
            lw_config_parse(&model->config, lw_string_text(&text), text.length, model->name, error);
        lw_string_free(&text);
    }
    return loaded;
}

static void add_kernel(void *context, const struct lw_kernel_figures *figures)
{
    struct bench *bench = context;
    bench->kernel_rows++;
    lw_bench_report_kernel(&bench->report, figures);
}

static bool run_kernels(struct bench *bench, const struct model *model, struct lw_error *error)
{
    const struct flags *flags = &bench->flags;
    uint64_t sequence = flags->sequence < flags->tokens ? flags->sequence : flags->tokens;
    const struct lw_kernels_params params = {.device = bench->device,
        .config = &model->config,
        .model = model->name,
        .type = bench->type,
        .tune = bench->tune,
        .tokens = (uint32_t)flags->tokens,
        .sequence = (uint32_t)sequence,
        .seconds = flags->seconds,
        .filter = flags->kernel,
        .figures = add_kernel,
        .context = bench};
    return lw_bench_kernels(&params, error);
}

static bool run_steps(struct bench *bench, const struct model *model, struct lw_error *error)
{
    const struct flags *flags = &bench->flags;
    const struct lw_steps_params params = {.device = bench->device,
        .config = &model->config,
        .tune = bench->tune,
        .model = model->name,
        .type = bench->type,
        .sequence = (uint32_t)flags->sequence,
        .batch = (uint32_t)flags->batch,
        .micro_batch = (uint32_t)flags->micro_batch,
        .steps = (uint32_t)flags->steps,
        .recompute = flags->recompute};
    struct lw_steps_figures figures;
    bool done = lw_bench_steps(&figures, &params, error);
    if (done) {
        lw_bench_report_steps(&bench->report, &figures);
    }
    return done;
}

// Runs one part over all models.
static bool run_part(struct bench *bench, const char *name,
    bool (*part)(struct bench *, const struct model *, struct lw_error *), struct lw_error *error)
{
    for (size_t i = 0; i < bench->count; i++) {
        struct lw_error failure = {0};
        if (part(bench, &bench->models[i], &failure)) {
            continue;
        }
        if (!bench->by_default || failure.status != LW_NO_RESOURCE) {
            return lw_fail(error, failure.status, "%s", failure.message);
        }
        lw_bench_report_skipped(&bench->report, bench->models[i].name, name, failure.message);
    }
    return true;
}

static bool run_all(struct bench *bench, struct lw_error *error)
{
    bench->report = (struct lw_bench_report){
        .device = bench->device, .ceilings = &bench->ceilings, .type = bench->type};
    bool done = lw_bench_report_begin(&bench->report, bench->flags.json, error) &&
                lw_ceilings_measure(&bench->ceilings, bench->device, error) &&
                lw_ceilings_measure_product(
                    &bench->ceilings, bench->device, bench->type, bench->tune, error);
    if (done) {
        lw_bench_report_ceilings(&bench->report);
    }
    done = done && (!bench->kernels || run_part(bench, "kernels", run_kernels, error)) &&
           (!bench->steps || run_part(bench, "steps", run_steps, error));
    if (done && bench->flags.kernel && !bench->kernel_rows) {
        done = lw_fail(error, LW_USAGE, "no kernel of these models has \"%s\" in its name",
            bench->flags.kernel);
    }
    return lw_bench_report_end(&bench->report, done, error);
}

static bool run(int argc, char **argv, struct lw_error *error)
{
    struct bench bench = {.flags = {.seconds = 0.2}};
    struct lw_session session;
    int count;
    if (!lw_arguments_parse(flags_table, &bench.flags, argc, argv, &count, error) ||
        !check_numbers(&bench.flags, error) || !check_choices(&bench, error)) {
        return false;
    }
    if (count) {
        return lw_fail(
            error, LW_USAGE, "bench takes no argument \"%s\"; models are --preset NAME", argv[0]);
    }
    if (!lw_session_open(&session, &bench.flags.device, error)) {
        return false;
    }
    bench.device = session.device;
    bench.tune = session.tune;
    bool done = set_defaults(&bench, error) && load_models(&bench, error) && run_all(&bench, error);
    lw_free(bench.models);
    return lw_session_close(&session, done, error);
}

const struct lw_command lw_command_bench = {
    .name = "bench",
    .summary = "Measures the device, each kernel at a model's shapes, and whole training steps",
    .usage = "lewin bench [--preset NAME|FILE]... [--type bf16|fp32] [--tokens N] [--seq N]\n"
             "            [--batch N] [--steps N] [--only PART] [--kernel TEXT] [--json]",
    .details =
        "Weights and tokens are random, so that no model is needed. Without --preset, a GPU gets\n"
        "qwen2.5-1.5b, qwen2.5-3b, qwen2.5-7b, qwen3-8b, phi3-mini-128k and llama3.1-8b, less "
        "what\n"
        "its memory has no room for; a CPU device gets 8m and 74m, which takes a few minutes.\n"
        "\n"
        "GB/s and GFLOP/s are of useful work: operands read and results written once, for "
        "attention\n"
        "only what the mask leaves. Shapes of products are tokens x outputs x inputs. Kernels go "
        "by\n"
        "their best run, steps by the mean. Shares are of the fastest copy and of the "
        "fastest\n"
        "arithmetic measured at the start of the same run, a product of two large square matrices\n"
        "among it.\n"
        "\n"
        "The operations of a step, of which the share is the model FLOPs utilisation, are\n"
        "    (6 N + 12 layers heads head_dim seq / 2) tokens\n"
        "with N weights in products (all but an embedding that is only looked up) and causal\n"
        "attention; what is computed again in the backward pass does not count.\n",
    .flags = flags_table,
    .run = run,
};
