// SPDX-License-Identifier: Apache-2.0
// Encodes the files of a data set into a file of tokens. Private to token_store.c.
#ifndef LW_TRAINER_DATA_TOKEN_BUILD_H
#define LW_TRAINER_DATA_TOKEN_BUILD_H

#include "trainer/data/token_store.h"

struct lw_string;

// Writes the file at `path` from the job's files; to `key` it appends these by the content that was
// read, and the file gets the key. Nothing is left at `path` after a failure.
bool lw_token_build(const char *path, const struct lw_token_store *store,
    const struct lw_token_job *job, struct lw_string *key, struct lw_error *error);

// Says, before what went wrong with writing, where the data was to be kept and how to choose another
// place. Always returns false.
bool lw_fail_keeping(const struct lw_token_store *store, struct lw_error *error);

#endif
