// SPDX-License-Identifier: Apache-2.0
// XXH64, after its specification. See hash.h.
#include "engine/base/hash.h"

#include <string.h>

enum { STRIPE = 32 };

static const uint64_t PRIME1 = 0x9E3779B185EBCA87u;
static const uint64_t PRIME2 = 0xC2B2AE3D27D4EB4Fu;
static const uint64_t PRIME3 = 0x165667B19E3779F9u;
static const uint64_t PRIME4 = 0x85EBCA77C2B2AE63u;
static const uint64_t PRIME5 = 0x27D4EB2F165667C5u;

static uint64_t rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t load32(const unsigned char *bytes)
{
    return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
           (uint64_t)bytes[3] << 24;
}

static uint64_t load64(const unsigned char *bytes)
{
    return load32(bytes) | load32(bytes + 4) << 32;
}

static uint64_t add_lane(uint64_t lane, uint64_t input)
{
    return rotate(lane + input * PRIME2, 31) * PRIME1;
}

static void add_stripe(uint64_t lanes[4], const unsigned char *bytes)
{
    for (int i = 0; i < 4; i++) {
        lanes[i] = add_lane(lanes[i], load64(bytes + 8 * i));
    }
}

void lw_hash_start(struct lw_hash *hash, uint64_t seed)
{
    *hash = (struct lw_hash){
        .lanes = {seed + PRIME1 + PRIME2, seed + PRIME2, seed, seed - PRIME1},
        .seed = seed,
    };
}

void lw_hash_add(struct lw_hash *hash, const void *bytes, size_t size)
{
    const unsigned char *next = bytes;
    size_t waiting = hash->length % STRIPE;
    if (size == 0) {
        return; // bytes may be NULL
    }
    hash->length += size;
    if (waiting) {
        size_t part = size < STRIPE - waiting ? size : STRIPE - waiting;
        memcpy(hash->pending + waiting, next, part);
        next += part;
        size -= part;
        if (waiting + part < STRIPE) {
            return;
        }
        add_stripe(hash->lanes, hash->pending);
    }
    for (; size >= STRIPE; next += STRIPE, size -= STRIPE) {
        add_stripe(hash->lanes, next);
    }
    if (size) {
        memcpy(hash->pending, next, size);
    }
}

uint64_t lw_hash_value(const struct lw_hash *hash)
{
    uint64_t value = hash->seed + PRIME5;
    if (hash->length >= STRIPE) {
        const uint64_t *lanes = hash->lanes;
        value =
            rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18);
        for (int i = 0; i < 4; i++) {
            value = (value ^ add_lane(0, lanes[i])) * PRIME1 + PRIME4;
        }
    }
    value += hash->length;
    const unsigned char *next = hash->pending;
    size_t left = hash->length % STRIPE;
    for (; left >= 8; next += 8, left -= 8) {
        value = rotate(value ^ add_lane(0, load64(next)), 27) * PRIME1 + PRIME4;
    }
    if (left >= 4) {
        value = rotate(value ^ load32(next) * PRIME1, 23) * PRIME2 + PRIME3;
        next += 4;
        left -= 4;
    }
    for (; left; next++, left--) {
        value = rotate(value ^ *next * PRIME5, 11) * PRIME1;
    }
    value = (value ^ value >> 33) * PRIME2;
    value = (value ^ value >> 29) * PRIME3;
    return value ^ value >> 32;
}

uint64_t lw_hash_bytes(const void *bytes, size_t size, uint64_t seed)
{
    struct lw_hash hash;
    lw_hash_start(&hash, seed);
    lw_hash_add(&hash, bytes, size);
    return lw_hash_value(&hash);
}
