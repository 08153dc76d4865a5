// SPDX-License-Identifier: Apache-2.0
// Writes a token cache from front to back in the memory of one block, however many examples there
// are. The file is good for nothing before lw_token_writer_finish. Called by token_build.c.
#ifndef LW_TRAINER_DATA_TOKEN_WRITER_H
#define LW_TRAINER_DATA_TOKEN_WRITER_H

#include "trainer/data/token_cache.h"

struct lw_token_writer;

// Creates or empties the file at `path`.
bool lw_token_writer_open(
    struct lw_token_writer **writer, const char *path, struct lw_error *error);

// Removes the file unless it was finished. NULL: nothing.
void lw_token_writer_close(struct lw_token_writer *writer);

// Adds a row with ids [row->count] and labels [row->count]; row->offset is filled in here.
bool lw_token_writer_add(struct lw_token_writer *writer, const struct lw_token_row *row,
    const uint32_t *ids, const uint8_t *trained, struct lw_error *error);

// Adds a bad record, and the empty row that it leaves if it is one.
bool lw_token_writer_add_fault(
    struct lw_token_writer *writer, const struct lw_token_fault *fault, struct lw_error *error);

// Writes tables, key and tail; the file is whole and on the disk when this returns.
bool lw_token_writer_finish(
    struct lw_token_writer *writer, const char *key, struct lw_error *error);

#endif
