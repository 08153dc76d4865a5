// SPDX-License-Identifier: Apache-2.0
// `lewin data check`: everything that is in data sets, and everything that is wrong with them, from
// the token caches that a run on the same data then finds. See data_report.h.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/data.h"
#include "cli/data_report.h"
#include "cli/interrupt.h"
#include "cli/store_progress.h"
#include "cli/template_choice.h"
#include "engine/base/alloc.h"
#include "engine/base/stringbuf.h"
#include "trainer/course.h"
#include "trainer/data/dataset.h"
#include "trainer/data/source.h"
#include "trainer/data/token_store.h"
#include "trainer/recipe.h"

// What is to be checked, from flags or from a recipe.
struct check {
    struct lw_sources sources, held_out;
    struct lw_dataset_params params; // without sources, store and tokenizer
    const char *model;               // folder, NULL: nothing is known of tokens
    const struct lw_recipe *recipe;  // NULL: there is none
    struct lw_tokenizer *tokenizer;
    struct lw_string folder;
    struct lw_store_progress progress;
    struct lw_token_store store;
    struct lw_data_report report;
};

static void show_progress(void *context, const struct lw_store_event *event)
{
    lw_store_progress_show(context, event);
}

static bool read_source(struct check *check, const struct lw_source *source, struct lw_error *error)
{
    const struct lw_dataset_params *params = &check->params;
    const struct lw_token_job job = {.name = source->name,
        .paths = (const char *const *)source->paths,
        .path_count = source->path_count,
        .most_rows = source->num_samples ? 0 : params->max_samples,
        .format = source->format,
        .encoder = {check->tokenizer, params->chat_template, params->options, params->mask,
            params->threads},
        .model_folder = check->model};
    struct lw_token_cache *cache;
    return lw_token_store_get(&cache, &check->store, &job, error) &&
           lw_data_report_add(&check->report, source, cache, error);
}

static bool read_sources(
    struct check *check, const struct lw_sources *sources, struct lw_error *error)
{
    bool read = true;
    for (size_t i = 0; read && i < sources->count; i++) {
        read = read_source(check, &sources->items[i], error);
    }
    return read;
}

// The steps of a run of the recipe, for which its rows are chosen as `lewin train` chooses them.
static bool plan_recipe(struct check *check, struct lw_error *error)
{
    const struct lw_recipe *recipe = check->recipe;
    struct lw_dataset_params params = check->params;
    struct lw_dataset *dataset = NULL;
    struct lw_token_store quiet = check->store;
    double *probabilities = NULL;
    quiet.event = NULL;
    quiet.rebuild = false;
    params.sources = check->sources.items;
    params.source_count = check->sources.count;
    params.held_out_sources = check->held_out.items;
    params.held_out_source_count = check->held_out.count;
    params.store = &quiet;
    params.tokenizer = check->tokenizer;
    params.model_folder = check->model;
    params.on_bad_record = LW_BAD_RECORD_SKIP;
    bool planned = lw_recipe_probabilities(recipe, &probabilities, error);
    params.probabilities = probabilities;
    planned = planned && lw_dataset_load(&dataset, &params, error);
    if (planned) {
        uint64_t examples = lw_dataset_train_count(dataset);
        struct lw_course course = lw_recipe_course(recipe, examples);
        check->report.run = (struct lw_data_run){(uint64_t)recipe->global_batch_size, examples,
            lw_dataset_held_out_count(dataset), course.updates_per_epoch, course.total_updates,
            lw_course_epoch(&course, course.total_updates)};
    }
    lw_dataset_destroy(&dataset);
    lw_free(probabilities);
    return planned;
}

static bool judge(const struct check *check, struct lw_error *error)
{
    const struct lw_data_part *total = &check->report.total;
    bool skips = check->recipe && check->recipe->on_bad_record == LW_BAD_RECORD_SKIP;
    if (total->bad && !skips) {
        return lw_fail(error, LW_BAD_INPUT, "%" PRIu64 " of %" PRIu64 " records cannot be used",
            total->bad, total->records);
    }
    if (total->records == 0) {
        return lw_fail(error, LW_BAD_INPUT, "there is no record in %s%s",
            check->sources.items[0].name,
            check->sources.count > 1 ? " and the other data sets" : "");
    }
    return true;
}

static bool run_check(
    struct check *check, const struct lw_data_flags *flags, struct lw_error *error)
{
    struct lw_data_report *report = &check->report;
    const char *kept = check->recipe ? check->recipe->tokenized_path : NULL;
    bool done = lw_token_store_folder(&check->folder, kept, flags->cache, error) &&
                (!check->model || lw_template_open_tokenizer(check->params.chat_template,
                                      check->model, &check->tokenizer, error));
    check->progress.line.stream = stderr;
    check->store = (struct lw_token_store){.folder = lw_string_text(&check->folder),
        .keep_all = kept != NULL,
        .rebuild = check->recipe && check->recipe->overwrite_cache,
        .event = show_progress,
        .stopping = lw_interrupt_requested,
        .context = &check->progress};
    lw_interrupt_catch();
    done = done && read_sources(check, &check->sources, error) &&
           read_sources(check, &check->held_out, error) && lw_data_report_finish(report, error);
    if (done && check->model) {
        report->template_name = lw_template_name(check->params.chat_template);
        report->cutoff_len = check->params.mask.cutoff_len;
    }
    uint64_t examples = done ? lw_data_report_examples(report) : 0;
    if (examples && check->recipe) {
        done = plan_recipe(check, error);
    } else if (examples && flags->batch) {
        double epochs = (double)flags->epochs;
        struct lw_course course = lw_course_of(examples, flags->batch, 1, epochs, 0);
        report->run = (struct lw_data_run){
            flags->batch, examples, 0, course.updates_per_epoch, course.total_updates, epochs};
    }
    return done;
}

// Shows what was found, also where the check ended early.
static bool show(
    struct check *check, const struct lw_data_flags *flags, bool done, struct lw_error *error)
{
    lw_progress_clear(&check->progress.line);
    if (done && !flags->json) {
        lw_data_print(&check->report);
    }
    done = done && judge(check, error);
    if (flags->json) {
        const struct lw_error failure = *error;
        done = lw_data_print_json(&check->report, &failure, error) && done;
    }
    lw_data_report_free(&check->report);
    lw_tokenizer_close(check->tokenizer);
    lw_sources_free(&check->sources);
    lw_sources_free(&check->held_out);
    lw_string_free(&check->folder);
    return done;
}

bool lw_data_check(
    char **names, int name_count, const struct lw_data_flags *flags, struct lw_error *error)
{
    struct check check = {.model = flags->model,
        .params = {.options = lw_data_template_options(flags), .mask = lw_data_mask(flags)}};
    const struct lw_option_list list = {names, (size_t)name_count};
    bool wants_template = flags->model || flags->template_name;
    bool done = (!wants_template || lw_cli_choose_template(&check.params.chat_template,
                                        flags->template_name, flags->model, error)) &&
                lw_sources_resolve(&check.sources, &list, flags->dataset_dir, error) &&
                run_check(&check, flags, error);
    return show(&check, flags, done, error);
}

bool lw_data_check_recipe(const char *path, char **assignments, int count,
    const struct lw_data_flags *flags, struct lw_error *error)
{
    struct check check = {0};
    struct lw_recipe recipe;
    bool chosen;
    bool loaded =
        lw_recipe_load(&recipe, path, (const char *const *)assignments, (size_t)count, error);
    bool done = loaded && lw_recipe_choose_template(&recipe, &chosen, error);
    if (done) {
        check.recipe = &recipe;
        check.model = recipe.model_name_or_path;
        check.params = lw_recipe_dataset(&recipe);
        done =
            lw_sources_resolve(&check.sources, &recipe.dataset, recipe.dataset_dir, error) &&
            lw_sources_resolve(&check.held_out, &recipe.eval_dataset, recipe.dataset_dir, error) &&
            run_check(&check, flags, error);
    }
    done = show(&check, flags, done, error);
    if (loaded) {
        lw_recipe_free(&recipe);
    }
    return done;
}
