// SPDX-License-Identifier: Apache-2.0
// What to merge and how, as mergekit's YAML files say it: the method, the models (whole, or slices of
// their layers), parameters at each place, types, tokenizer, chat template. Read and checked here as
// far as that goes without the models; plan.c does the rest.
#ifndef LW_MERGER_RECIPE_H
#define LW_MERGER_RECIPE_H

#include <cJSON.h>
#include <stdint.h>

#include "engine/base/log.h"
#include "engine/base/types.h"
#include "merger/methods.h"
#include "merger/model_reference.h"

// A model that goes into a slice.
struct lw_merge_source {
    struct lw_merge_reference model;
    uint32_t first, end;     // layers [first, end); of whole models 0, 0
    const cJSON *parameters; // NULL: none
    int line;
};

// Layers that come out, one behind the other.
struct lw_merge_slice {
    struct lw_merge_source *sources; // [count]
    size_t count;
    struct lw_merge_reference base; // in place of the recipe's, where its folder is not NULL
    const cJSON *parameters;        // NULL: none
    int line;
};

struct lw_merge_tokenizer {
    const char *source; // "base", "union", or `model` names one; NULL: as it is
    struct lw_merge_reference model;
    const cJSON *tokens;         // {token: {source, force}}; NULL: none
    uint32_t pad_to_multiple_of; // 0: no padding
};

struct lw_merge_recipe {
    char *name; // of the file, for messages
    char *text; // as it was read
    cJSON *tree;
    const struct lw_merge_method *method;
    struct lw_merge_reference base; // folder NULL: none
    struct lw_merge_slice *slices;  // [slice_count], at least 1
    size_t slice_count;
    bool whole;                                  // `models`: one slice with all layers of each
    const cJSON *module_parameters, *parameters; // NULL: none
    const enum lw_type *compute, *output;        // dtype, out_dtype; NULL: not said
    enum lw_type types[2];                       // what they point to
    struct lw_merge_tokenizer tokenizer;
    const char *chat_template; // NULL: as it is
    bool seeded;
    uint64_t seed; // random_seed
};

// LW_USAGE, with file and line: what is not YAML or no recipe, an unknown key (naming the nearest known
// one). Options of mergekit's command line that stand in the file, and parameters that the method does
// not take, have no effect there either: each is a warning in `log`, which may be NULL.
bool lw_merge_recipe_read(struct lw_merge_recipe **recipe, const char *path,
    const struct lw_log *log, struct lw_error *error);
bool lw_merge_recipe_parse(struct lw_merge_recipe **recipe, const char *text, size_t length,
    const char *name, const struct lw_log *log, struct lw_error *error);

// The average of what the command line names, the first model being the base; or one model with an
// adapter folded in.
struct lw_merge_simple {
    const char *const *models; // [count]
    size_t count;              // at least 2; with an adapter 1
    const char *adapter;       // a folder; NULL: none
    const double *weights;     // [count], divided by their sum; NULL: all the same
    const enum lw_type *type;  // of all tensors that come out; NULL: as in the base
};

bool lw_merge_recipe_simple(
    struct lw_merge_recipe **recipe, const struct lw_merge_simple *simple, struct lw_error *error);

void lw_merge_recipe_destroy(struct lw_merge_recipe *recipe); // NULL: nothing

// The type that a name of PyTorch means, with "torch." before it or not.
bool lw_merge_type_find(const char *name, enum lw_type *type);
const char *lw_merge_type_name(enum lw_type type); // "bfloat16"

#endif
