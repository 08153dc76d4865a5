// SPDX-License-Identifier: Apache-2.0
// A file read from its start to its end as a stream of bytes, plain or compressed by zstd; which of
// the two is seen from its first bytes, not from its name. Memory stays bounded whatever the file's
// size. The dataset reader's only way to its files.
#ifndef LW_IO_INPUT_H
#define LW_IO_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct lw_input;

// On success *input is for lw_input_close. Pipes work too.
bool lw_input_open(struct lw_input **input, const char *path, struct lw_error *error);
void lw_input_close(struct lw_input *input); // NULL: nothing

// Puts up to `size` of the next bytes, decompressed, at `bytes`. *got is 0 at the end only. A file
// that is not whole or not sound is LW_BAD_INPUT, with its name.
bool lw_input_read(
    struct lw_input *input, void *bytes, size_t size, size_t *got, struct lw_error *error);

// The bytes taken from the file so far (compressed ones, when it is), for showing progress.
uint64_t lw_input_consumed(const struct lw_input *input);

// XXH64 of those bytes: of the whole file once lw_input_read has come to its end.
uint64_t lw_input_hash(const struct lw_input *input);

#endif
