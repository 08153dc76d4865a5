// SPDX-License-Identifier: Apache-2.0
// A 64-bit hash of content, to see whether two things are the same; no protection against somebody
// who wants a collision. XXH64 as its specification defines it
// (github.com/Cyan4973/xxHash, doc/xxhash_spec.md), the same on every machine.
#ifndef LW_BASE_HASH_H
#define LW_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct lw_hash {
    uint64_t lanes[4];
    uint64_t seed, length;
    unsigned char pending[32]; // the bytes of a stripe that is not complete
};

void lw_hash_start(struct lw_hash *hash, uint64_t seed);
void lw_hash_add(struct lw_hash *hash, const void *bytes, size_t size);
uint64_t lw_hash_value(const struct lw_hash *hash); // of all bytes so far; more may be added

uint64_t lw_hash_bytes(const void *bytes, size_t size, uint64_t seed);

#endif
