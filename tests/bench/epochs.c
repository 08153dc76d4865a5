// SPDX-License-Identifier: Apache-2.0
// Goes through a data set as a training run does, epoch after epoch in the run's order, reading every
// token, and prints what loading cost, examples/s, and the most memory that the process held.
//
// usage: epochs MODEL_FOLDER TEMPLATE DATA EPOCHS [CACHE_FOLDER]
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "engine/base/host_memory.h"
#include "engine/base/stringbuf.h"
#include "engine/text/template.h"
#include "trainer/data/dataset.h"
#include "trainer/data/token_store.h"

enum { batch = 64 };

static double mebibytes(void)
{
    return (double)lw_host_memory_peak() / (1 << 20);
}

static uint64_t walk_epoch(struct lw_dataset *dataset, uint64_t epoch)
{
    struct lw_example_view views[batch];
    uint64_t sum = 0;
    size_t count;
    for (uint64_t step = 0; (count = lw_dataset_step(dataset, epoch, step, batch, views)); step++) {
        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j < views[i].count; j++) {
                sum += views[i].trained[j] ? views[i].ids[j] : 1;
            }
        }
    }
    return sum;
}

static bool walk(char **arguments, struct lw_error *error)
{
    const struct lw_template *chat_template = lw_template_find(arguments[2]);
    struct lw_sources sources = {0};
    struct lw_tokenizer *tokenizer = NULL;
    struct lw_dataset *dataset = NULL;
    struct lw_string folder = {0};
    const struct lw_option_list names = {&arguments[3], 1};
    double began = lw_clock_seconds();
    bool done = chat_template || lw_fail(error, LW_USAGE, "no template %s", arguments[2]);
    done = done && lw_token_store_folder(&folder, NULL, arguments[5], error) &&
           lw_sources_resolve(&sources, &names, NULL, error) &&
           lw_template_open_tokenizer(chat_template, arguments[1], &tokenizer, error);
    const struct lw_token_store store = {.folder = lw_string_text(&folder)};
    const struct lw_dataset_params params = {.sources = sources.items,
        .source_count = sources.count,
        .store = &store,
        .tokenizer = tokenizer,
        .model_folder = arguments[1],
        .chat_template = chat_template,
        .mask = {.cutoff_len = 2048},
        .order_seed = 42};
    done = done && lw_dataset_load(&dataset, &params, error);
    if (done) {
        printf("loaded %zu examples in %.2f s, %.0f MiB at most\n", lw_dataset_train_count(dataset),
            lw_clock_seconds() - began, mebibytes());
    }
    for (uint64_t epoch = 0; done && epoch < strtoull(arguments[4], NULL, 10); epoch++) {
        began = lw_clock_seconds();
        uint64_t sum = walk_epoch(dataset, epoch);
        printf("epoch %" PRIu64 ": %.0f examples/s, %.0f MiB at most (sum %" PRIu64 ")\n", epoch,
            (double)lw_dataset_train_count(dataset) / (lw_clock_seconds() - began), mebibytes(),
            sum);
    }
    lw_dataset_destroy(&dataset);
    lw_tokenizer_close(tokenizer);
    lw_sources_free(&sources);
    lw_string_free(&folder);
    return done;
}

int main(int argc, char **argv)
{
    struct lw_error error = {0};
    if (argc < 5 || argc > 6) {
        fprintf(stderr, "usage: epochs MODEL_FOLDER TEMPLATE DATA EPOCHS [CACHE_FOLDER]\n");
        return LW_USAGE;
    }
    if (!walk(argv, &error)) {
        fprintf(stderr, "%s\n", error.message);
    }
    return error.status;
}
