// SPDX-License-Identifier: Apache-2.0
// The two halves of `lewin data`, for cmd_data.c.
#ifndef LW_CLI_DATA_H
#define LW_CLI_DATA_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/text/template.h"
#include "trainer/data/examples.h"

// What the flags of `lewin data` say.
struct lw_data_flags {
    const char *model;                  // folder, NULL when not given
    const char *template_name;          // NULL: recognised from the model's folder
    const char *thinking, *long_record; // as they are written
    const char *dataset_dir;            // NULL when not given
    const char *cache;                  // folder; NULL: the user's
    uint64_t index, cutoff_len;
    uint64_t batch, epochs; // of a run that steps are counted for; batch 0: of none
    bool train_on_prompt, mask_history;
    bool ids; // one token per line
    bool json;
};

// What the checked flags say.
struct lw_mask_options lw_data_mask(const struct lw_data_flags *flags);
struct lw_template_options lw_data_template_options(const struct lw_data_flags *flags);

// Prints record flags->index of the data set *name (see source.h) token by token as the model of
// `model_folder` sees it.
bool lw_data_show(const char *model_folder, char **name, const struct lw_data_flags *flags,
    const struct lw_template *chat_template, struct lw_error *error);

// Reads all data sets and prints what is in them. LW_BAD_INPUT when a record cannot be used. With
// flags->json prints an object in any case, which holds the failure.
bool lw_data_check(
    char **names, int name_count, const struct lw_data_flags *flags, struct lw_error *error);

// The same for the data sets of the recipe at `path`, with "key=value" assignments to it, encoded as
// a run of it will find them; of the flags only json and cache count.
bool lw_data_check_recipe(const char *path, char **assignments, int count,
    const struct lw_data_flags *flags, struct lw_error *error);

#endif
