// SPDX-License-Identifier: Apache-2.0
// `lewin merge`: the weighted average of models. Flags, progress and the closing line; the work is
// in merger/.
#include <math.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/device_options.h"
#include "cli/interrupt.h"
#include "cli/merge_weights.h"
#include "cli/progress_line.h"
#include "cli/types.h"
#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/host_memory.h"
#include "engine/base/stringbuf.h"
#include "merger/run.h"

struct flags {
    const char *output, *weights, *type, *examples, *chat_template;
    double temperature;
    struct lw_device_options device;
};

static const struct lw_flag flags_table[] = {
    {"o", LW_FLAG_TEXT, offsetof(struct flags, output), "OUT", "the folder to write"},
    {"weights", LW_FLAG_TEXT, offsetof(struct flags, weights), "LIST",
        "a number for each model, divided by their sum (default: all the same)"},
    {"dtype", LW_FLAG_TEXT, offsetof(struct flags, type), "TYPE",
        "float32, bfloat16 or float16 (default: each tensor as in BASE)"},
    {"examples", LW_FLAG_TEXT, offsetof(struct flags, examples), "DATA",
        "weigh the models by their loss on these conversations, as LM-Cocktail does"},
    {"template", LW_FLAG_TEXT, offsetof(struct flags, chat_template), "NAME",
        "the conversations' template (default: recognised from each model)"},
    {"temperature", LW_FLAG_NUMBER, offsetof(struct flags, temperature), "T",
        "weights are softmax(-loss / T) (default: 5)"},
    LW_DEVICE_FLAGS(offsetof(struct flags, device)),
    {NULL, LW_FLAG_SWITCH, 0, NULL, NULL},
};

// `count` numbers with commas between.
static bool parse_weights(const char *text, double *weights, size_t count, struct lw_error *error)
{
    size_t found = 0;
    for (const char *next = text;; next++) {
        char *end;
        double weight = strtod(next, &end);
        if (end == next || (*end && *end != ',') || !isfinite(weight)) {
            return lw_fail(error, LW_USAGE,
                "--weights takes numbers with commas between, such as 0.5,0.5, not \"%s\"", text);
        }
        if (found < count) {
            weights[found] = weight;
        }
        found++;
        next = end;
        if (!*end) {
            break;
        }
    }
    if (found != count) {
        return lw_fail(error, LW_USAGE,
            "--weights holds %zu numbers for %zu models; each model takes one, the base included",
            found, count);
    }
    return true;
}

struct watch {
    struct lw_progress_line line;
    double start;
};

static bool show_progress(void *context, uint64_t done, uint64_t total)
{
    struct watch *watch = context;
    if (lw_progress_due(&watch->line)) {
        char left[32];
        double seconds = lw_clock_seconds() - watch->start, written = (double)done;
        lw_progress_duration(left, seconds * ((double)total / written - 1));
        lw_progress_draw(&watch->line, "merging: %3.0f %%, %.2f of %.2f GB, %.2f GB/s, %s left",
            100 * written / (double)total, written * 1e-9, (double)total * 1e-9,
            written * 1e-9 / seconds, left);
    }
    return !lw_interrupt_requested();
}

static bool merge(const struct lw_merge_plan *plan, const struct flags *flags,
    struct lw_session *session, struct lw_error *error)
{
    struct watch watch = {.line = {.stream = stderr}, .start = lw_clock_seconds()};
    struct lw_merge_run_params params = {
        .output = flags->output, .progress = show_progress, .context = &watch};
    bool merged = lw_merge_run(plan, session->device, &params, error);
    double seconds = lw_clock_seconds() - watch.start;
    lw_progress_clear(&watch.line);
    if (merged) {
        printf("%s: %zu tensors, %.3f GB written from %.3f GB in %.2f s (%.2f GB/s), peak memory "
               "%.2f GB\n",
            flags->output, plan->tensor_count, (double)plan->bytes_written * 1e-9,
            (double)plan->bytes_read * 1e-9, seconds, (double)plan->bytes_written * 1e-9 / seconds,
            (double)lw_host_memory_peak() * 1e-9);
    }
    return merged;
}

// The models, as the command line names them.
struct models {
    const char *const *folders;
    size_t count;
    double *weights;                // [count]
    bool weighted;                  // else all count the same
    enum lw_type *type;             // NULL: as in the base
    struct lw_merge_recipe *recipe; // of the last plan
};

static bool make_plan(struct lw_merge_plan **plan, struct models *models, struct lw_error *error)
{
    struct lw_string problems = {0};
    struct lw_log log = lw_stderr_log();
    const struct lw_merge_simple simple = {.models = models->folders,
        .count = models->count,
        .weights = models->weighted ? models->weights : NULL,
        .type = models->type};
    lw_merge_recipe_destroy(models->recipe);
    bool made =
        lw_merge_recipe_simple(&models->recipe, &simple, error) &&
        lw_merge_plan_create(plan, &(struct lw_merge_params){.recipe = models->recipe, .log = &log},
            &problems, error);
    fputs(lw_string_text(&problems), stderr);
    lw_string_free(&problems);
    return made;
}

// Plans once more with weights that follow from the models' losses.
static bool weigh(struct lw_merge_plan **plan, struct models *models, const struct flags *flags,
    struct lw_session *session, struct lw_error *error)
{
    const struct lw_merge_examples examples = {.data = flags->examples,
        .chat_template = flags->chat_template,
        .temperature = flags->temperature,
        .cache = flags->device.cache};
    lw_merge_plan_destroy(*plan);
    *plan = NULL;
    models->weighted = true;
    return lw_merge_weigh(
               models->weights, models->folders, models->count, &examples, session, error) &&
           make_plan(plan, models, error);
}

static bool merge_models(struct models *models, const struct flags *flags, struct lw_error *error)
{
    struct lw_merge_plan *plan = NULL;
    struct lw_session session;
    bool merged = make_plan(&plan, models, error);
    if (merged && (merged = lw_session_open(&session, &flags->device, error))) {
        lw_interrupt_catch();
        merged = (!flags->examples || weigh(&plan, models, flags, &session, error)) &&
                 merge(plan, flags, &session, error);
        merged = lw_session_close(&session, merged, error);
    }
    lw_merge_plan_destroy(plan);
    lw_merge_recipe_destroy(models->recipe);
    return merged;
}

static bool check_flags(const struct flags *flags, struct lw_error *error)
{
    if (flags->examples && flags->weights) {
        return lw_fail(error, LW_USAGE,
            "--weights gives the weights and --examples measures them; take one of the two");
    }
    return flags->temperature > 0 ||
           lw_fail(error, LW_USAGE, "--temperature must be above 0, not %g", flags->temperature);
}

static bool run(int argc, char **argv, struct lw_error *error)
{
    struct flags flags = {.temperature = 5};
    int count;
    enum lw_type type;
    if (!lw_arguments_parse(flags_table, &flags, argc, argv, &count, error) ||
        (flags.type && !lw_parse_type(flags.type, &type, error)) || !check_flags(&flags, error)) {
        return false;
    }
    if (count < 2 || !flags.output) {
        return lw_fail(error, LW_USAGE, "merge takes at least two models and -o OUT");
    }
    struct models models = {.folders = (const char *const *)argv,
        .count = (size_t)count,
        .weights = lw_calloc((size_t)count, sizeof *models.weights, error),
        .weighted = flags.weights != NULL,
        .type = flags.type ? &type : NULL};
    bool merged =
        models.weights &&
        (!flags.weights || parse_weights(flags.weights, models.weights, (size_t)count, error)) &&
        merge_models(&models, &flags, error);
    lw_free(models.weights);
    return merged;
}

const struct lw_command lw_command_merge = {
    .name = "merge",
    .summary = "Averages models: BASE and what was fine-tuned from it",
    .usage = "lewin merge BASE TUNED [MORE...] -o OUT [--weights 0.5,0.5] [flags]",
    .details =
        "The models are folders in Hugging Face's format, of one architecture and shape, in any\n"
        "of float32, bfloat16 and float16, sharded in any way. OUT gets the averaged tensors and\n"
        "BASE's config, tokenizer and template files; it appears when everything is written.\n\n"
        "example: lewin merge Qwen2.5-7B-Instruct runs/tuned -o HumanLLM-7B\n",
    .flags = flags_table,
    .workload = LW_WORKLOAD_STREAMS,
    .run = run,
};
