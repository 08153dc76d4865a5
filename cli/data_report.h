// SPDX-License-Identifier: Apache-2.0
// What `lewin data check` finds out, from the token caches of the data sets. data_check.c fills it,
// data_print.c and data_json.c show it.
#ifndef LW_CLI_DATA_REPORT_H
#define LW_CLI_DATA_REPORT_H

#include <stdint.h>

#include "trainer/data/source.h"
#include "trainer/data/token_cache.h"

// A data set, or all of them together. Of tokens nothing is known without a model.
struct lw_data_part {
    const struct lw_source *source; // NULL for the total
    struct lw_token_cache *cache;   // owned
    uint64_t records, bad;
    uint64_t duplicates; // conversations that stand further up in the same data set, word for word
    uint64_t repeated;   // that stand in a data set named before
    uint64_t tokens, trained;
    uint64_t truncated, stop_cut, untrained;
    uint64_t longest;
};

// Of a run on the data; `batch` is 0 where nothing was said about one.
struct lw_data_run {
    uint64_t batch, examples, held_out;
    uint64_t steps_per_epoch, steps;
    double epochs;
};

// Zero-initialise before use; lw_data_report_free releases it.
struct lw_data_report {
    struct lw_data_part *parts; // [count]
    size_t count, capacity;
    struct lw_data_part total;
    uint64_t *by_length; // [length_count] examples of so many tokens
    size_t length_count, length_capacity;
    const char *template_name; // NULL without a model
    uint64_t cutoff_len;
    struct lw_data_run run;
};

// Adds a data set, whose cache becomes the report's, also after a failure.
bool lw_data_report_add(struct lw_data_report *report, const struct lw_source *source,
    struct lw_token_cache *cache, struct lw_error *error);

// Counts duplicates and the total.
bool lw_data_report_finish(struct lw_data_report *report, struct lw_error *error);
void lw_data_report_free(struct lw_data_report *report);

// Examples, and the tokens of the one below which a share of them lies: 0 the shortest, 0.5 the
// median.
uint64_t lw_data_report_examples(const struct lw_data_report *report);
uint64_t lw_data_report_length(const struct lw_data_report *report, double share);

// As text on stdout.
void lw_data_print(const struct lw_data_report *report);

// As one JSON object on stdout, whether or not the check succeeded: `failure` holds why not.
bool lw_data_print_json(
    const struct lw_data_report *report, const struct lw_error *failure, struct lw_error *error);

#endif
