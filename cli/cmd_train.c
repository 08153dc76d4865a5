// SPDX-License-Identifier: Apache-2.0
// `lewin train`: reads the recipe, opens the device, runs.
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/device_options.h"
#include "cli/interrupt.h"
#include "cli/train_progress.h"
#include "engine/base/stringbuf.h"
#include "trainer/recipe.h"

struct flags {
    struct lw_device_options device;
    bool keys;
};

static const struct lw_flag flags_table[] = {
    {"keys", LW_FLAG_SWITCH, offsetof(struct flags, keys), NULL, "list all keys of a recipe"},
    LW_DEVICE_FLAGS(offsetof(struct flags, device)),
    {NULL, LW_FLAG_SWITCH, 0, NULL, NULL},
};

static bool print_keys(struct lw_error *error)
{
    struct lw_string text = {0};
    bool done = lw_options_help(lw_recipe_options(), &text, error);
    fputs(lw_string_text(&text), stdout);
    lw_string_free(&text);
    return done;
}

// One line for all keys that were given and change nothing here.
static void print_without_effect(const struct lw_recipe *recipe)
{
    const struct lw_option_list *keys = &recipe->without_effect;
    for (size_t i = 0; i < keys->count; i++) {
        printf("%s%s", i ? ", " : "no effect ", keys->items[i]);
    }
    fputs(keys->count ? "\n" : "", stdout);
}

static bool train(const struct lw_recipe *recipe, const struct flags *flags, struct lw_error *error)
{
    struct lw_device_options options = flags->device;
    if (!options.device) {
        options.device = recipe->device;
    }
    struct lw_session session;
    if (!lw_session_open(&session, &options, error)) {
        return false;
    }
    lw_interrupt_catch();
    struct lw_train_progress progress = {.line.stream = stdout, .store.line.stream = stdout};
    print_without_effect(recipe);
    printf("device    %s\n", lw_device_caps(session.device)->name);
    const struct lw_run_params params = {.recipe = recipe,
        .tune = session.tune,
        .device = session.device,
        .cache_folder = flags->device.cache,
        .stopping = lw_interrupt_requested,
        .event = lw_train_progress_event,
        .context = &progress};
    bool done = lw_run(&params, error);
    lw_train_progress_end(&progress);
    return lw_session_close(&session, done, error);
}

static bool run(int argc, char **argv, struct lw_error *error)
{
    struct flags flags = {0};
    int count;
    if (!lw_arguments_parse(flags_table, &flags, argc, argv, &count, error)) {
        return false;
    }
    if (flags.keys) {
        return print_keys(error);
    }
    if (count < 1 || strchr(argv[0], '=')) {
        return lw_fail(
            error, LW_USAGE, "name a recipe file first: lewin train RECIPE.yaml [key=value ...]");
    }
    struct lw_recipe recipe;
    bool recognised;
    if (!lw_recipe_load(
            &recipe, argv[0], (const char *const *)argv + 1, (size_t)count - 1, error)) {
        return false;
    }
    bool done = lw_recipe_choose_template(&recipe, &recognised, error);
    if (done && recognised) {
        printf(
            "template  %s, recognised from %s\n", recipe.template_name, recipe.model_name_or_path);
    }
    done = done && train(&recipe, &flags, error);
    lw_recipe_free(&recipe);
    return done;
}

const struct lw_command lw_command_train = {
    .name = "train",
    .summary = "Fine-tunes all parameters of a model on conversations",
    .usage = "lewin train RECIPE.yaml [key=value ...] [flags]",
    .flags = flags_table,
    .details =
        "A recipe is a YAML file with the keys of LLaMA-Factory; `lewin train --keys` lists them "
        "all.\nkey=value after the recipe overrides it. The output folder gets the trained model, "
        "checkpoints,\ntrainer_log.jsonl and training_loss.svg; started again, an interrupted run "
        "goes on from its newest\ncheckpoint. Ctrl-C finishes the step, writes a checkpoint and "
        "exits with 130.\n\n"
        "  lewin train examples/demo.yaml learning_rate=2e-4 output_dir=out\n",
    .run = run,
};
