// SPDX-License-Identifier: Apache-2.0
// A data set's examples as one file on disk, read through a mapping: ids and labels as the trainer
// wants them, a row for each example, what was wrong with bad records, and the text that says what
// all this was made from and how. token_writer.h writes it, token_store.h decides which file and
// whether it is fresh, dataset.c reads the rows.
//
// The file, all parts at multiples of 8 bytes, numbers as the machine has them:
//     examples (ids [count] of 4 bytes, labels [count] of 1 byte), blocks of rows and of faults
//     as they come; then the tables of where those blocks are, the key, and the tail, which is
//     fixed in size, so that a file that was cut short has none.
#ifndef LW_TRAINER_DATA_TOKEN_CACHE_H
#define LW_TRAINER_DATA_TOKEN_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "trainer/data/examples.h"

// Raised when the format changes or a record comes to be encoded otherwise.
#define LW_TOKEN_CACHE_VERSION 1u

enum lw_token_row_flag {
    LW_ROW_TRUNCATED = 1, // something was cut off
    LW_ROW_STOP_CUT = 2,  // a response lost its stop token
    LW_ROW_BAD = 4        // a bad record that LLaMA-Factory counts as a row; count is 0
};

// What became of a record that is a row of its data set.
struct lw_token_row {
    uint64_t offset;       // of its ids in the file
    uint64_t conversation; // hash of the whole conversation, before it was cut; 0 for a bad one
    uint64_t line;         // of its file, from 1
    uint32_t file;         // which of the data set's files, from 0
    uint32_t count;        // tokens
    uint32_t trained;      // labels among them
    uint32_t flags;        // enum lw_token_row_flag
};

struct lw_token_fault {
    uint64_t line;
    uint32_t file;
    bool is_row;
    const char *reason; // the cache's
};

struct lw_token_counts {
    uint64_t records; // read, good or bad
    uint64_t rows, faults;
    uint64_t tokens, trained;
};

struct lw_token_cache;

// Maps the file and checks that all in it lies where it can be read. LW_BAD_INPUT, with the reason
// for people, when it is no cache, was cut short or damaged, or was made under another key.
bool lw_token_cache_open(
    struct lw_token_cache **cache, const char *path, const char *key, struct lw_error *error);
void lw_token_cache_close(struct lw_token_cache *cache); // NULL: nothing

// Reads the whole file and compares it with the hash that was written with it. LW_BAD_INPUT when
// they differ.
bool lw_token_cache_verify(const struct lw_token_cache *cache, struct lw_error *error);

const struct lw_token_counts *lw_token_cache_counts(const struct lw_token_cache *cache);

// A hash of all ids and labels in order.
uint64_t lw_token_cache_hash(const struct lw_token_cache *cache);

// A hash of all bytes of the file, as it was written.
uint64_t lw_token_cache_content(const struct lw_token_cache *cache);

// Row `index` of counts.rows, and what the trainer sees of it.
const struct lw_token_row *lw_token_cache_row(const struct lw_token_cache *cache, uint64_t index);
struct lw_example_view lw_token_cache_view(
    const struct lw_token_cache *cache, const struct lw_token_row *row);

// The next bad record after `position`, which begins at zero; false after the last.
struct lw_token_position {
    uint64_t block, offset;
};
bool lw_token_cache_next_fault(const struct lw_token_cache *cache,
    struct lw_token_position *position, struct lw_token_fault *fault);

// Takes what was looked at out of this process's memory; everything stays valid.
void lw_token_cache_release(const struct lw_token_cache *cache);

#endif
