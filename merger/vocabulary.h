// SPDX-License-Identifier: Apache-2.0
// One vocabulary for models whose tokenizers differ (mergekit's tokenizer_source): which tokens the
// result has under which ids, which rows of each model's embedding and head those are, what stands for
// rows that a model lacks, and the result's tokenizer files. Called by plan.c and side_files.c.
//
// A token that a model has keeps that model's own row. For one that it lacks stands the row of the
// base, else of the only model that has it, else the mean of those that have it; `tokens` overrides
// that. Rows without a token (padding of the matrix) are never cut unless pad_to_multiple_of asks for
// another number of rows: the model's own padding row, else the base's, else the mean of its rows.
#ifndef LW_MERGER_VOCABULARY_H
#define LW_MERGER_VOCABULARY_H

#include "merger/plan.h"

struct lw_merge_vocabulary_params {
    const struct lw_merge_parent *parents; // [count], open; must outlive the vocabulary
    size_t count;
    bool has_base;               // parents[0] is the recipe's base_model; else it only comes first
    const char *source;          // "base", "union", "model"
    const char *model;           // of "model": the folder, which need not be one of the parents'
    const cJSON *tokens;         // mergekit's {token: {source, force}}; NULL: none
    uint32_t pad_to_multiple_of; // 0: not asked for
    const char *recipe;          // for messages
    const struct lw_log *log;    // may be NULL
};

struct lw_merge_vocabulary;

// LW_BAD_INPUT: a model without a tokenizer.json, one that cannot be read, a token of the result for
// which no model has a row. LW_USAGE: an entry of `tokens` that is none, or that names a model or token
// that is not there.
bool lw_merge_vocabulary_create(struct lw_merge_vocabulary **vocabulary,
    const struct lw_merge_vocabulary_params *params, struct lw_error *error);
void lw_merge_vocabulary_destroy(struct lw_merge_vocabulary *vocabulary); // NULL: nothing

// Rows of the embedding and the head of the result: config.json's vocab_size.
uint64_t lw_merge_vocabulary_size(const struct lw_merge_vocabulary *vocabulary);

// Whose tokenizer files the result's are, or begin with: a chat template goes into that folder's
// tokenizer_config.json.
const char *lw_merge_vocabulary_folder(const struct lw_merge_vocabulary *vocabulary);

// Sets the number of rows of a tensor of the plan whose rows are the vocabulary's, and the maps of
// its inputs (NULL where the rows are as they lie), which belong to the vocabulary. All inputs have
// their `info`. Reads the rows that must be made; with pad_to_multiple_of, all rows.
bool lw_merge_vocabulary_rows(
    struct lw_merge_vocabulary *vocabulary, struct lw_merge_tensor *tensor, struct lw_error *error);

// Writes the tokenizer's files, and carries the first parent's other files: in place of
// lw_checkpoint_writer_carry, after the files that the caller writes himself.
bool lw_merge_vocabulary_write(const struct lw_merge_vocabulary *vocabulary,
    struct lw_checkpoint_writer *writer, struct lw_error *error);

#endif
