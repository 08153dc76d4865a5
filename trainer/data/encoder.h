// SPDX-License-Identifier: Apache-2.0
// Records to examples on all cores: JSON, template, tokenizer, truncation and mask of a batch of
// records at a time, with the results in the order of the records whatever the threads do. While the
// threads work on one batch the caller fills the next. Called by token_build.c and token_key.c.
#ifndef LW_TRAINER_DATA_ENCODER_H
#define LW_TRAINER_DATA_ENCODER_H

#include "engine/text/template.h"
#include "trainer/data/cutter.h"
#include "trainer/data/examples.h"
#include "trainer/data/record.h"

struct lw_tokenizer;

struct lw_encoder_params {
    const struct lw_tokenizer *tokenizer; // NULL: records are parsed, no examples are made
    const struct lw_template *chat_template;
    struct lw_template_options options;
    struct lw_mask_options mask;
    unsigned threads; // 0: as many as there are cores
};

// What became of a record.
struct lw_encoded {
    uint64_t line;                // from 1, of the record or of its fault
    struct lw_record_fault fault; // reason "" when the record is good
    uint64_t conversation;        // hash of a good record's system prompt, tools and messages
    // Of a good record, when there is a tokenizer; see struct lw_example.
    struct lw_example_view view;
    size_t trained_count;
    bool truncated, stop_cut;
};

struct lw_encoder;

// The tokenizer and the template must outlive the encoder.
bool lw_encoder_create(
    struct lw_encoder **encoder, const struct lw_encoder_params *params, struct lw_error *error);
void lw_encoder_destroy(struct lw_encoder **encoder);

// Copies a record or fault into the batch, which may hold it while lw_encoder_is_full is false. The
// format must outlive the batch.
bool lw_encoder_add(struct lw_encoder *encoder, const struct lw_cut *cut,
    const struct lw_record_format *format, struct lw_error *error);
bool lw_encoder_is_full(const struct lw_encoder *encoder);

// Begins to encode the batch, and waits for the batch that the call before began: its results are
// there until the next call. With nothing added it only waits.
bool lw_encoder_run(struct lw_encoder *encoder, struct lw_error *error);
size_t lw_encoder_count(const struct lw_encoder *encoder); // results that are there
const struct lw_encoded *lw_encoder_result(const struct lw_encoder *encoder, size_t index);

#endif
