// SPDX-License-Identifier: Apache-2.0
// `lewin init`: a model with random weights. Flags, presets' names and progress; the work is in
// engine/model/init.h.
#include <string.h>

#include "cli/command.h"
#include "cli/config_choice.h"
#include "cli/interrupt.h"
#include "cli/progress_line.h"
#include "cli/types.h"
#include "engine/base/clock.h"
#include "engine/model/init.h"
#include "engine/model/presets.h"
#include "engine/text/tokenizer.h"

struct flags {
    const char *output, *type, *tokenizer;
    uint64_t seed;
    bool list, print;
};

static const struct lw_flag flags_table[] = {
    {"o", LW_FLAG_TEXT, offsetof(struct flags, output), "DIR", "the folder to write"},
    {"seed", LW_FLAG_COUNT, offsetof(struct flags, seed), "N",
        "of the random weights (default 42)"},
    {"dtype", LW_FLAG_TEXT, offsetof(struct flags, type), "TYPE",
        "float32, bfloat16 or float16 (default: the config's; presets: bfloat16)"},
    {"tokenizer", LW_FLAG_TEXT, offsetof(struct flags, tokenizer), "FOLDER",
        "copy this folder's tokenizer; a smaller vocabulary grows to fit it"},
    {"print", LW_FLAG_SWITCH, offsetof(struct flags, print), NULL,
        "print the preset's config.json and make no model"},
    {"list", LW_FLAG_SWITCH, offsetof(struct flags, list), NULL, "list the presets"},
    {NULL, LW_FLAG_SWITCH, 0, NULL, NULL},
};

static bool show_progress(void *context, uint64_t done, uint64_t total)
{
    struct lw_progress_line *line = context;
    if (lw_progress_due(line)) {
        lw_progress_draw(line, "initialising: %3.0f %%, %.2f of %.2f GB",
            100 * (double)done / (double)total, (double)done * 1e-9, (double)total * 1e-9);
    }
    return !lw_interrupt_requested();
}

static void list_presets(void)
{
    for (size_t i = 0; lw_preset_at(i); i++) {
        printf("%-14s %s\n", lw_preset_name(lw_preset_at(i)), lw_preset_summary(lw_preset_at(i)));
    }
}

static int64_t token_or_none(uint32_t token)
{
    return token == LW_NO_TOKEN ? -1 : (int64_t)token;
}

static bool read_tokenizer(
    const char *folder, struct lw_init_tokenizer *tokenizer, struct lw_error *error)
{
    struct lw_tokenizer *opened;
    if (!lw_tokenizer_open(&opened, folder, error)) {
        return false;
    }
    *tokenizer = (struct lw_init_tokenizer){folder, lw_tokenizer_size(opened),
        token_or_none(lw_tokenizer_bos(opened)), token_or_none(lw_tokenizer_eos(opened))};
    lw_tokenizer_close(opened);
    return true;
}

static bool init(const char *name, const struct flags *flags, struct lw_error *error)
{
    struct lw_string config = {0};
    struct lw_init_tokenizer tokenizer;
    struct lw_progress_line line = {.stream = stderr};
    struct lw_init_result result;
    enum lw_type type;
    struct lw_init_params params = {.name = name,
        .output = flags->output,
        .seed = flags->seed,
        .type = flags->type ? &type : NULL,
        .tokenizer = flags->tokenizer ? &tokenizer : NULL,
        .progress = show_progress,
        .context = &line};
    bool ready = (!flags->type || lw_parse_type(flags->type, &type, error)) &&
                 lw_find_config(name, &config, error) &&
                 (!flags->tokenizer || read_tokenizer(flags->tokenizer, &tokenizer, error));
    params.config = lw_string_text(&config);
    lw_interrupt_catch();
    double start = lw_clock_seconds();
    bool done = ready && lw_model_init(&params, &result, error);
    lw_progress_clear(&line);
    lw_string_free(&config);
    if (done) {
        printf("%s: %.2f M parameters, %.3f GB in %.1f s\n", flags->output,
            (double)result.parameters * 1e-6, (double)result.bytes * 1e-9,
            lw_clock_seconds() - start);
    }
    return done;
}

static bool print_config(const char *name, struct lw_error *error)
{
    struct lw_string config = {0};
    bool found = lw_find_config(name, &config, error);
    if (found) {
        puts(lw_string_text(&config));
    }
    lw_string_free(&config);
    return found;
}

static bool run(int argc, char **argv, struct lw_error *error)
{
    struct flags flags = {.seed = 42};
    int count;
    if (!lw_arguments_parse(flags_table, &flags, argc, argv, &count, error)) {
        return false;
    }
    if (flags.list) {
        list_presets();
        return true;
    }
    if (count == 1 && flags.print) {
        return print_config(argv[0], error);
    }
    if (count != 1 || !flags.output) {
        return lw_fail(error, LW_USAGE, "init takes a PRESET or a CONFIG.json, and -o DIR");
    }
    return init(argv[0], &flags, error);
}

const struct lw_command lw_command_init = {
    .name = "init",
    .summary = "Makes a model with random weights, for trying things and for measuring",
    .usage = "lewin init PRESET|CONFIG.json -o DIR [--seed N] [--dtype TYPE] [--tokenizer FOLDER]\n"
             "lewin init PRESET --print\n"
             "lewin init --list",
    .details =
        "The weights are drawn as transformers does it; the same seed gives the same bytes.\n",
    .flags = flags_table,
    .run = run,
};
