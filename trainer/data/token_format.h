// SPDX-License-Identifier: Apache-2.0
// The parts of a token cache's file as they lie on disk: see token_cache.h. For token_cache.c and
// token_writer.c alone.
#ifndef LW_TRAINER_DATA_TOKEN_FORMAT_H
#define LW_TRAINER_DATA_TOKEN_FORMAT_H

#include <assert.h>
#include <stdint.h>

#include "trainer/data/token_cache.h"

enum { LW_TOKEN_ROWS_PER_BLOCK = 1 << 15, LW_TOKEN_ALIGNMENT = 8 };

// Every block of rows but the last is full, so that a row is found by two divisions.
static_assert(sizeof(struct lw_token_row) == 40, "rows lie on disk as they are");

struct lw_token_block {
    uint64_t offset, size; // in the file, bytes
};

// A fault, followed by `length` bytes of its reason, a zero byte, and zeros up to a multiple of 8.
struct lw_token_fault_head {
    uint64_t line;
    uint32_t file, is_row, length, zero;
};

struct lw_token_tail {
    char magic[8];
    uint32_t version, byte_order;         // LW_TOKEN_BYTE_ORDER, read as this machine reads numbers
    uint64_t size;                        // of the whole file
    uint64_t row_blocks, row_block_count; // where the table of blocks is, and its entries
    uint64_t fault_blocks, fault_block_count;
    uint64_t key, key_length; // where the key is, without the zero byte after it
    struct lw_token_counts counts;
    uint64_t tokens_hash; // of ids and labels
    uint64_t body_hash;   // of all bytes before the tail
    uint64_t tail_hash;   // of the tail up to here
};
static_assert(sizeof(struct lw_token_tail) == 136, "the tail lies on disk as it is");

#define LW_TOKEN_MAGIC "lwtokens"
#define LW_TOKEN_BYTE_ORDER 0x01020304u

// How many bytes an example of `count` tokens takes, without what fills it up to the alignment.
#define LW_TOKEN_BYTES ((uint64_t)5)

#endif
