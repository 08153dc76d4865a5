// SPDX-License-Identifier: Apache-2.0
// `lewin data`: looking at a data set before training on it. Flags and dispatch; the work is in
// data_show.c and data_check.c.
#include <string.h>

#include "cli/command.h"
#include "cli/data.h"
#include "cli/template_choice.h"

static const struct lw_flag flags_table[] = {
    {"index", LW_FLAG_COUNT, offsetof(struct lw_data_flags, index), "N",
        "show: which record, from 0 (default 0)"},
    {"dataset-dir", LW_FLAG_TEXT, offsetof(struct lw_data_flags, dataset_dir), "DIR",
        "folder of dataset_info.json and of the files"},
    {"ids", LW_FLAG_SWITCH, offsetof(struct lw_data_flags, ids), NULL,
        "show: one token per line with its id"},
    {"model", LW_FLAG_TEXT, offsetof(struct lw_data_flags, model), "DIR",
        "check: also count tokens, with the tokenizer of this model folder"},
    {"template", LW_FLAG_TEXT, offsetof(struct lw_data_flags, template_name), "NAME",
        "chat template (default: recognised from the model's folder)"},
    {"enable-thinking", LW_FLAG_TEXT, offsetof(struct lw_data_flags, thinking), "WORD",
        "qwen3: true, false or null (default true), as the recipe's key"},
    {"cutoff-len", LW_FLAG_COUNT, offsetof(struct lw_data_flags, cutoff_len), "N",
        "longest example in tokens (default 2048)"},
    {"on-long-record", LW_FLAG_TEXT, offsetof(struct lw_data_flags, long_record), "WORD",
        "cut or safe (default cut), as the recipe's key"},
    {"train-on-prompt", LW_FLAG_SWITCH, offsetof(struct lw_data_flags, train_on_prompt), NULL,
        "prompts are trained on too"},
    {"mask-history", LW_FLAG_SWITCH, offsetof(struct lw_data_flags, mask_history), NULL,
        "only the last response of a conversation is trained on"},
    {"batch", LW_FLAG_COUNT, offsetof(struct lw_data_flags, batch), "N",
        "check: count the steps of a run with so many examples in each"},
    {"epochs", LW_FLAG_COUNT, offsetof(struct lw_data_flags, epochs), "N",
        "check: the epochs of that run (default 3)"},
    {"json", LW_FLAG_SWITCH, offsetof(struct lw_data_flags, json), NULL,
        "check: print one JSON object, also when something is wrong"},
    {"cache", LW_FLAG_TEXT, offsetof(struct lw_data_flags, cache), "DIR",
        "check: where encoded data is kept (default: the user's cache folder)"},
    {NULL, LW_FLAG_SWITCH, 0, NULL, NULL},
};

struct lw_mask_options lw_data_mask(const struct lw_data_flags *flags)
{
    return (struct lw_mask_options){.cutoff_len = (size_t)flags->cutoff_len,
        .train_on_prompt = flags->train_on_prompt,
        .mask_history = flags->mask_history,
        .keep_ends = strcmp(flags->long_record, "safe") == 0};
}

struct lw_template_options lw_data_template_options(const struct lw_data_flags *flags)
{
    struct lw_template_options options = {
        .mask_history = flags->mask_history, .mark_ends = lw_data_mask(flags).keep_ends};
    lw_cli_thinking(flags->thinking, &options.thinking, NULL);
    return options;
}

static bool check_flags(const struct lw_data_flags *flags, struct lw_error *error)
{
    enum lw_thinking thinking;
    if (flags->cutoff_len == 0 || flags->cutoff_len > 1u << 24) {
        return lw_fail(error, LW_USAGE, "--cutoff-len is from 1 to 16777216");
    }
    if (flags->train_on_prompt && flags->mask_history) {
        return lw_fail(error, LW_USAGE, "--train-on-prompt and --mask-history exclude each other");
    }
    if (strcmp(flags->long_record, "cut") != 0 && strcmp(flags->long_record, "safe") != 0) {
        return lw_fail(
            error, LW_USAGE, "--on-long-record is cut or safe, not \"%s\"", flags->long_record);
    }
    return lw_cli_thinking(flags->thinking, &thinking, error);
}

static bool is_recipe(const char *name)
{
    size_t length = strlen(name);
    return (length > 5 && strcmp(name + length - 5, ".yaml") == 0) ||
           (length > 4 && strcmp(name + length - 4, ".yml") == 0);
}

static bool run(int argc, char **argv, struct lw_error *error)
{
    struct lw_data_flags flags = {.long_record = "cut", .cutoff_len = 2048, .epochs = 3};
    int count;
    if (!lw_arguments_parse(flags_table, &flags, argc, argv, &count, error)) {
        return false;
    }
    const char *action = count ? argv[0] : "";
    const struct lw_template *chat_template = NULL;
    if (!check_flags(&flags, error)) {
        return false;
    }
    bool show = strcmp(action, "show") == 0, check = strcmp(action, "check") == 0;
    if (show && count != 3) {
        return lw_fail(error, LW_USAGE, "data show takes MODEL and DATA");
    }
    if (check && count < 2) {
        return lw_fail(error, LW_USAGE, "data check takes at least one DATA");
    }
    if (check && is_recipe(argv[1])) {
        return lw_data_check_recipe(argv[1], argv + 2, count - 2, &flags, error);
    }
    if (show) {
        return lw_cli_choose_template(&chat_template, flags.template_name, argv[1], error) &&
               lw_data_show(argv[1], argv + 2, &flags, chat_template, error);
    }
    if (check) {
        return lw_data_check(argv + 1, count - 1, &flags, error);
    }
    return lw_fail(error, LW_USAGE, "data is followed by show or check%s%s%s",
        *action ? ", not \"" : "", action, *action ? "\"" : "");
}

const struct lw_command lw_command_data = {
    .name = "data",
    .summary = "Shows what a data set teaches, and checks every record of it",
    .usage = "lewin data show MODEL DATA [--index N] [flags]\n"
             "lewin data check [--model DIR] DATA... [flags]\n"
             "lewin data check RECIPE.yaml [key=value ...] [--json]",
    .details =
        "DATA is a name in dataset_info.json, or else a file or folder of ShareGPT data: JSON\n"
        "arrays or JSON Lines, plain or compressed by zstd.\n\n"
        "show prints one conversation token by token, as the trainer will see it. Tokens that are\n"
        "trained on are green on a terminal and in [brackets] elsewhere.\n\n"
        "check reads everything and reports counts, duplicates and each bad record by line and\n"
        "reason; with --model also lengths, trained tokens and what is cut off. With a recipe it\n"
        "takes all of that from there, counts the run's steps, and leaves the encoded data where\n"
        "`lewin train` finds it. It exits with 3 when a record is bad.\n\n"
        "--json: `datasets` (name, files, records, good, bad, duplicates, repeated_from_others,\n"
        "bad_records with file, line and reason), `total`, `status`, and `error` where something\n"
        "is wrong; with a model also tokens, trained_tokens, truncated, stop_token_cut,\n"
        "without_trained_token, longest, and in `total` shortest, median, mean, percentile_95;\n"
        "with a recipe or --batch `run` (examples, held_out, examples_per_step, steps_per_epoch,\n"
        "steps, epochs).\n",
    .flags = flags_table,
    .run = run,
};
