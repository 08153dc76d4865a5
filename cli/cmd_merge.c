// SPDX-License-Identifier: Apache-2.0
// `lewin merge`: models named on the command line, or by a recipe. Flags, progress and the closing
// line; the work is in merger/.
#include <math.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/device_options.h"
#include "cli/interrupt.h"
#include "cli/merge_check.h"
#include "cli/merge_watch.h"
#include "cli/merge_weights.h"
#include "cli/types.h"
#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/host_memory.h"
#include "engine/base/stringbuf.h"
#include "merger/run.h"

struct flags {
    const char *output, *weights, *type, *examples, *chat_template;
    double temperature;
    uint64_t seed; // UINT64_MAX: not given
    uint64_t shard_megabytes;
    bool no_hash, allow_nonfinite, resume;
    const char *verify, *adapter;
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
    {"seed", LW_FLAG_COUNT, offsetof(struct flags, seed), "N",
        "of methods that draw random numbers (default: the recipe's random_seed, else 0)"},
    {"adapter", LW_FLAG_TEXT, offsetof(struct flags, adapter), "ADAPTER",
        "fold a LoRA adapter's folder into the one model that is named"},
    {"resume", LW_FLAG_SWITCH, offsetof(struct flags, resume), NULL,
        "go on behind the whole files of an interrupted run of the same merge"},
    {"shard-size", LW_FLAG_COUNT, offsetof(struct flags, shard_megabytes), "MB",
        "the most in a file of tensors, in 10^6 bytes (default: 5000)"},
    {"allow-nonfinite", LW_FLAG_SWITCH, offsetof(struct flags, allow_nonfinite), NULL,
        "merge tensors that hold NaNs or infinities, instead of stopping"},
    {"verify", LW_FLAG_TEXT, offsetof(struct flags, verify), "OUT",
        "merge nothing: compare a merged model's files with its manifest, and with the merge done "
        "again"},
    {"no-hash", LW_FLAG_SWITCH, offsetof(struct flags, no_hash), NULL,
        "leave the SHA-256 of all files out of the manifest, half a second of a core per GB"},
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

static bool merge(const struct lw_merge_plan *plan, const struct flags *flags,
    struct lw_session *session, struct lw_error *error)
{
    struct lw_merge_watch watch = lw_merge_watch_start("merging");
    struct lw_merge_run_params params = {.output = flags->output,
        .no_hash = flags->no_hash,
        .allow_nonfinite = flags->allow_nonfinite,
        .resume = flags->resume,
        .shard_bytes = flags->shard_megabytes * 1000000,
        .progress = lw_merge_watch_show,
        .context = &watch};
    bool merged = lw_merge_run(plan, session->device, &params, error);
    double seconds = lw_merge_watch_end(&watch);
    if (merged) {
        printf("%s: %zu tensors, %.3f GB written from %.3f GB in %.2f s (%.2f GB/s), peak memory "
               "%.2f GB\n",
            flags->output, plan->tensor_count, (double)plan->bytes_written * 1e-9,
            (double)plan->bytes_read * 1e-9, seconds, (double)plan->bytes_written * 1e-9 / seconds,
            (double)lw_host_memory_peak() * 1e-9);
    }
    return merged;
}

// What is to be merged: a recipe's file, or models that the command line names.
struct job {
    const struct flags *flags;
    const char *recipe_path; // NULL: `models`
    const char *const *models;
    size_t count;
    double *weights;                // [count]
    bool weighted;                  // else all models count the same
    const enum lw_type *type;       // NULL: as in the base
    struct lw_merge_recipe *recipe; // of the plan
    struct lw_merge_plan *plan;
};

static bool read_recipe(struct job *job, const struct lw_log *log, struct lw_error *error)
{
    const struct lw_merge_simple simple = {.models = job->models,
        .count = job->count,
        .adapter = job->flags->adapter,
        .weights = job->weighted ? job->weights : NULL,
        .type = job->type};
    return job->recipe_path ? lw_merge_recipe_read(&job->recipe, job->recipe_path, log, error)
                            : lw_merge_recipe_simple(&job->recipe, &simple, error);
}

static void drop_plan(struct job *job)
{
    lw_merge_plan_destroy(job->plan);
    lw_merge_recipe_destroy(job->recipe);
    job->plan = NULL;
    job->recipe = NULL;
}

static bool make_plan(struct job *job, struct lw_error *error)
{
    struct lw_string problems = {0};
    struct lw_log log = lw_stderr_log();
    drop_plan(job);
    bool made = read_recipe(job, &log, error);
    const struct lw_merge_params params = {.recipe = job->recipe,
        .seed = job->flags->seed == UINT64_MAX ? NULL : &job->flags->seed,
        .log = &log};
    made = made && lw_merge_plan_create(&job->plan, &params, &problems, error);
    fputs(lw_string_text(&problems), stderr);
    lw_string_free(&problems);
    return made;
}

// Plans once more with weights that follow from the models' losses.
static bool weigh(struct job *job, struct lw_session *session, struct lw_error *error)
{
    const struct lw_merge_examples examples = {.data = job->flags->examples,
        .chat_template = job->flags->chat_template,
        .temperature = job->flags->temperature,
        .cache = job->flags->device.cache};
    job->weighted = true;
    return lw_merge_weigh(job->weights, job->models, job->count, &examples, session, error) &&
           make_plan(job, error);
}

static bool do_job(struct job *job, struct lw_error *error)
{
    struct lw_session session;
    bool merged = make_plan(job, error);
    if (merged && (merged = lw_session_open(&session, &job->flags->device, error))) {
        lw_interrupt_catch();
        merged = (!job->flags->examples || weigh(job, &session, error)) &&
                 merge(job->plan, job->flags, &session, error);
        merged = lw_session_close(&session, merged, error);
    }
    drop_plan(job);
    return merged;
}

static bool merge_recipe(const char *path, const struct flags *flags, struct lw_error *error)
{
    const char *given = flags->adapter    ? "--adapter"
                        : flags->weights  ? "--weights"
                        : flags->examples ? "--examples"
                        : flags->type     ? "--dtype"
                                          : NULL;
    if (given) {
        return lw_fail(
            error, LW_USAGE, "%s is for models named on the command line; %s says it", given, path);
    }
    return do_job(&(struct job){.flags = flags, .recipe_path = path}, error);
}

static bool merge_models(
    const char *const *models, size_t count, const struct flags *flags, struct lw_error *error)
{
    enum lw_type type;
    if (flags->adapter && (count != 1 || flags->weights || flags->examples)) {
        return lw_fail(error, LW_USAGE, "--adapter takes one model, and no weights");
    }
    if (!flags->adapter && count < 2) {
        return lw_fail(error, LW_USAGE, "merge takes a recipe, or at least two models");
    }
    if (flags->type && !lw_parse_type(flags->type, &type, error)) {
        return false;
    }
    struct job job = {.flags = flags,
        .models = models,
        .count = count,
        .weights = lw_calloc(count, sizeof *job.weights, error),
        .weighted = flags->weights != NULL,
        .type = flags->type ? &type : NULL};
    bool merged = job.weights &&
                  (!flags->weights || parse_weights(flags->weights, job.weights, count, error)) &&
                  do_job(&job, error);
    lw_free(job.weights);
    return merged;
}

static bool check_flags(const struct flags *flags, struct lw_error *error)
{
    if (!flags->output) {
        return lw_fail(error, LW_USAGE, "-o OUT must name the folder to write");
    }
    if (flags->examples && flags->weights) {
        return lw_fail(error, LW_USAGE,
            "--weights gives the weights and --examples measures them; take one of the two");
    }
    return flags->temperature > 0 ||
           lw_fail(error, LW_USAGE, "--temperature must be above 0, not %g", flags->temperature);
}

static bool run(int argc, char **argv, struct lw_error *error)
{
    struct flags flags = {.temperature = 5, .seed = UINT64_MAX};
    int count;
    if (!lw_arguments_parse(flags_table, &flags, argc, argv, &count, error)) {
        return false;
    }
    if (flags.verify) {
        return count ? lw_fail(error, LW_USAGE, "--verify OUT takes no models")
                     : lw_merge_check(flags.verify, &flags.device, error);
    }
    if (!check_flags(&flags, error)) {
        return false;
    }
    return count == 1 && lw_file_exists(argv[0])
               ? merge_recipe(argv[0], &flags, error)
               : merge_models((const char *const *)argv, (size_t)count, &flags, error);
}

const struct lw_command lw_command_merge = {
    .name = "merge",
    .summary = "Merges models: averages them, or does what a recipe of mergekit says",
    .usage = "lewin merge BASE TUNED [MORE...] -o OUT [--weights 0.5,0.5] [flags]\n"
             "lewin merge RECIPE.yml -o OUT [flags]\n"
             "lewin merge --adapter ADAPTER BASE -o OUT [--dtype TYPE]\n"
             "lewin merge --verify OUT",
    .details =
        "The models are folders in Hugging Face's format, of one architecture and shape, in any\n"
        "of float32, bfloat16 and float16, sharded in any way. OUT gets the merged tensors and\n"
        "BASE's config, tokenizer and template files; it appears when everything is written.\n\n"
        "examples: lewin merge Qwen2.5-7B-Instruct runs/tuned -o HumanLLM-7B\n"
        "          lewin merge ties.yml -o merged\n",
    .flags = flags_table,
    .workload = LW_WORKLOAD_STREAMS,
    .run = run,
};
