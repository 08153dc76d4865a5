// SPDX-License-Identifier: Apache-2.0
// See run_data.h.
#include "trainer/run_data.h"

#include "engine/base/alloc.h"
#include "engine/base/stringbuf.h"
#include "engine/text/tokenizer.h"

static void forward_bad_record(void *context, const struct lw_bad_record *record)
{
    const struct lw_run_params *params = context;
    params->event(
        params->context, &(struct lw_event){.kind = LW_EVENT_BAD_RECORD, .record = record});
}

static void forward_store(void *context, const struct lw_store_event *event)
{
    const struct lw_run_params *params = context;
    params->event(params->context, &(struct lw_event){.kind = LW_EVENT_STORE, .store = event});
}

// Loads the sources' examples from where they are kept.
static bool load_dataset(struct lw_run_data *data, const struct lw_run_params *run,
    const struct lw_tokenizer *tokenizer, struct lw_error *error)
{
    const struct lw_recipe *recipe = run->recipe;
    struct lw_string folder = {0};
    double *probabilities = NULL;
    bool loaded =
        lw_token_store_folder(&folder, recipe->tokenized_path, run->cache_folder, error) &&
        lw_recipe_probabilities(recipe, &probabilities, error) &&
        lw_sources_resolve(&data->sources, &recipe->dataset, recipe->dataset_dir, error) &&
        lw_sources_resolve(&data->held_out, &recipe->eval_dataset, recipe->dataset_dir, error);
    const struct lw_token_store store = {.folder = lw_string_text(&folder),
        .keep_all = recipe->tokenized_path != NULL,
        .rebuild = recipe->overwrite_cache,
        .event = forward_store,
        .stopping = run->stopping,
        .context = (void *)(uintptr_t)run};
    if (loaded) {
        struct lw_dataset_params params = lw_recipe_dataset(recipe);
        params.sources = data->sources.items;
        params.source_count = data->sources.count;
        params.held_out_sources = data->held_out.items;
        params.held_out_source_count = data->held_out.count;
        params.probabilities = probabilities;
        params.store = &store;
        params.tokenizer = tokenizer;
        params.model_folder = recipe->model_name_or_path;
        params.bad_record = forward_bad_record;
        params.context = (void *)(uintptr_t)run;
        loaded = lw_dataset_load(&data->dataset, &params, error);
    }
    lw_string_free(&folder);
    lw_free(probabilities);
    return loaded;
}

bool lw_run_data_load(struct lw_run_data *data, const struct lw_run_params *params,
    uint32_t vocab_size, struct lw_error *error)
{
    const struct lw_recipe *recipe = params->recipe;
    const struct lw_dataset_params dataset = lw_recipe_dataset(recipe);
    struct lw_tokenizer *tokenizer = NULL;
    *data = (struct lw_run_data){0};
    if (!lw_template_open_tokenizer(
            dataset.chat_template, recipe->model_name_or_path, &tokenizer, error)) {
        return false;
    }
    bool done = true;
    if (lw_tokenizer_size(tokenizer) > vocab_size) {
        done = lw_fail(error, LW_BAD_INPUT,
            "%s: its tokenizer has %u tokens and its config.json a vocab_size of %u; they do not "
            "belong together",
            recipe->model_name_or_path, (unsigned)lw_tokenizer_size(tokenizer),
            (unsigned)vocab_size);
    }
    done = done && load_dataset(data, params, tokenizer, error);
    lw_tokenizer_close(tokenizer);
    return done;
}

void lw_run_data_free(struct lw_run_data *data)
{
    lw_dataset_destroy(&data->dataset);
    lw_sources_free(&data->sources);
    lw_sources_free(&data->held_out);
}
