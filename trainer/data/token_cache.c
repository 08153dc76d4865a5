// SPDX-License-Identifier: Apache-2.0
// Reading a token cache. See token_cache.h. Whatever bytes the file has, nothing outside of it is
// read: all offsets are checked when it is opened.
#include "trainer/data/token_cache.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file_map.h"
#include "engine/base/hash.h"
#include "trainer/data/token_format.h"

// Where everything is read once, what has been read is let go of after so many bytes.
enum { window_bytes = 64 << 20 };

struct lw_token_cache {
    struct lw_file_map *map;
    const unsigned char *bytes;
    struct lw_token_tail tail;
    const struct lw_token_block *row_blocks, *fault_blocks;
};

static bool read_tail(struct lw_token_cache *cache, struct lw_error *error)
{
    struct lw_token_tail *tail = &cache->tail;
    size_t size = lw_file_map_size(cache->map);
    if (size < sizeof *tail) {
        return lw_fail(error, LW_BAD_INPUT, "it is cut short");
    }
    memcpy(tail, cache->bytes + size - sizeof *tail, sizeof *tail);
    if (memcmp(tail->magic, LW_TOKEN_MAGIC, sizeof tail->magic) != 0) {
        return lw_fail(error, LW_BAD_INPUT, "it is cut short");
    }
    if (tail->version != LW_TOKEN_CACHE_VERSION || tail->byte_order != LW_TOKEN_BYTE_ORDER) {
        return lw_fail(error, LW_BAD_INPUT, "another version of the program wrote it");
    }
    return (tail->size == size &&
               tail->tail_hash ==
                   lw_hash_bytes(tail, offsetof(struct lw_token_tail, tail_hash), 0)) ||
           lw_fail(error, LW_BAD_INPUT, "its end is damaged");
}

// Whether `count` things of `size` bytes lie at `offset`, aligned, and before the tail.
static bool lies_inside(
    const struct lw_token_cache *cache, uint64_t offset, uint64_t count, uint64_t size)
{
    uint64_t body = cache->tail.size - sizeof cache->tail;
    return offset % LW_TOKEN_ALIGNMENT == 0 && offset <= body && count <= (body - offset) / size;
}

static bool read_tables(struct lw_token_cache *cache, const char *key, struct lw_error *error)
{
    const struct lw_token_tail *tail = &cache->tail;
    if (!lies_inside(cache, tail->row_blocks, tail->row_block_count, sizeof *cache->row_blocks) ||
        !lies_inside(
            cache, tail->fault_blocks, tail->fault_block_count, sizeof *cache->fault_blocks) ||
        !lies_inside(cache, tail->key, tail->key_length, 1)) {
        return lw_fail(error, LW_BAD_INPUT, "its tables are damaged");
    }
    if (tail->key_length != strlen(key) ||
        memcmp(cache->bytes + tail->key, key, (size_t)tail->key_length) != 0) {
        return lw_fail(error, LW_BAD_INPUT, "it was made from other data or in another way");
    }
    // Mappings begin at a page, and the offsets are multiples of 8.
    cache->row_blocks = (const void *)(cache->bytes + tail->row_blocks);
    cache->fault_blocks = (const void *)(cache->bytes + tail->fault_blocks);
    return true;
}

static bool check_rows(const struct lw_token_cache *cache)
{
    const struct lw_token_tail *tail = &cache->tail;
    uint64_t rows = 0, tokens = 0, trained = 0;
    for (uint64_t i = 0; i < tail->row_block_count; i++) {
        const struct lw_token_block *block = &cache->row_blocks[i];
        uint64_t left = tail->counts.rows - rows;
        uint64_t count = left < LW_TOKEN_ROWS_PER_BLOCK ? left : LW_TOKEN_ROWS_PER_BLOCK;
        if (block->size != count * sizeof(struct lw_token_row) || count == 0 ||
            !lies_inside(cache, block->offset, block->size, 1)) {
            return false;
        }
        for (uint64_t j = 0; j < count; j++) {
            const struct lw_token_row *row = lw_token_cache_row(cache, rows + j);
            if (row->trained > row->count ||
                !lies_inside(cache, row->offset, row->count, LW_TOKEN_BYTES)) {
                return false;
            }
            tokens += row->count;
            trained += row->trained;
        }
        rows += count;
        // A block is a megabyte or so.
        if (i % 64 == 63) {
            lw_file_map_release(cache->map);
        }
    }
    return rows == tail->counts.rows && tokens == tail->counts.tokens &&
           trained == tail->counts.trained;
}

// The fault at `position`, or false when there is none that lies inside its block.
static bool fault_at(const struct lw_token_cache *cache, const struct lw_token_position *position,
    struct lw_token_fault_head *head)
{
    const struct lw_token_block *block = &cache->fault_blocks[position->block];
    uint64_t left = position->offset < block->size ? block->size - position->offset : 0;
    if (left < sizeof *head) {
        return false;
    }
    memcpy(head, cache->bytes + block->offset + position->offset, sizeof *head);
    return left - sizeof *head > head->length &&
           !cache->bytes[block->offset + position->offset + sizeof *head + head->length];
}

static void step_over(struct lw_token_position *position, const struct lw_token_fault_head *head)
{
    uint64_t text = head->length / LW_TOKEN_ALIGNMENT * LW_TOKEN_ALIGNMENT + LW_TOKEN_ALIGNMENT;
    position->offset += sizeof *head + text;
}

static bool check_faults(const struct lw_token_cache *cache)
{
    uint64_t faults = 0;
    for (uint64_t i = 0; i < cache->tail.fault_block_count; i++) {
        const struct lw_token_block *block = &cache->fault_blocks[i];
        struct lw_token_position position = {i, 0};
        struct lw_token_fault_head head;
        if (!lies_inside(cache, block->offset, block->size, 1)) {
            return false;
        }
        for (; position.offset < block->size; faults++) {
            if (!fault_at(cache, &position, &head)) {
                return false;
            }
            step_over(&position, &head);
        }
    }
    return faults == cache->tail.counts.faults;
}

bool lw_token_cache_open(
    struct lw_token_cache **cache, const char *path, const char *key, struct lw_error *error)
{
    *cache = NULL;
    struct lw_token_cache *made = lw_calloc(1, sizeof *made, error);
    if (!made || !lw_file_map_open(&made->map, path, error)) {
        goto error;
    }
    made->bytes = lw_file_map_bytes(made->map);
    if (!read_tail(made, error) || !read_tables(made, key, error)) {
        goto error;
    }
    if (!check_rows(made) || !check_faults(made)) {
        lw_fail(error, LW_BAD_INPUT, "its tables are damaged");
        goto error;
    }
    lw_file_map_release(made->map);
    *cache = made;
    return true;
error:
    lw_token_cache_close(made);
    return false;
}

void lw_token_cache_close(struct lw_token_cache *cache)
{
    if (cache) {
        lw_file_map_close(cache->map);
        lw_free(cache);
    }
}

bool lw_token_cache_verify(const struct lw_token_cache *cache, struct lw_error *error)
{
    uint64_t body = cache->tail.size - sizeof cache->tail;
    struct lw_hash hash;
    lw_hash_start(&hash, 0);
    for (uint64_t done = 0; done < body;) {
        uint64_t part = body - done < window_bytes ? body - done : window_bytes;
        lw_hash_add(&hash, cache->bytes + done, (size_t)part);
        lw_file_map_release(cache->map);
        done += part;
    }
    return lw_hash_value(&hash) == cache->tail.body_hash ||
           lw_fail(error, LW_BAD_INPUT, "its content is damaged");
}

const struct lw_token_counts *lw_token_cache_counts(const struct lw_token_cache *cache)
{
    return &cache->tail.counts;
}

uint64_t lw_token_cache_hash(const struct lw_token_cache *cache)
{
    return cache->tail.tokens_hash;
}

uint64_t lw_token_cache_content(const struct lw_token_cache *cache)
{
    return cache->tail.tail_hash; // which covers the body's hash
}

const struct lw_token_row *lw_token_cache_row(const struct lw_token_cache *cache, uint64_t index)
{
    const struct lw_token_block *block = &cache->row_blocks[index / LW_TOKEN_ROWS_PER_BLOCK];
    const struct lw_token_row *rows = (const void *)(cache->bytes + block->offset);
    return &rows[index % LW_TOKEN_ROWS_PER_BLOCK];
}

struct lw_example_view lw_token_cache_view(
    const struct lw_token_cache *cache, const struct lw_token_row *row)
{
    const uint32_t *ids = (const void *)(cache->bytes + row->offset);
    return (struct lw_example_view){ids, (const uint8_t *)(ids + row->count), row->count};
}

bool lw_token_cache_next_fault(const struct lw_token_cache *cache,
    struct lw_token_position *position, struct lw_token_fault *fault)
{
    struct lw_token_fault_head head = {0};
    while (position->block < cache->tail.fault_block_count && !fault_at(cache, position, &head)) {
        *position = (struct lw_token_position){position->block + 1, 0};
    }
    if (position->block >= cache->tail.fault_block_count) {
        return false;
    }
    uint64_t offset = cache->fault_blocks[position->block].offset + position->offset;
    *fault = (struct lw_token_fault){head.line, head.file, head.is_row != 0,
        (const char *)(cache->bytes + offset + sizeof head)};
    step_over(position, &head);
    return true;
}

void lw_token_cache_release(const struct lw_token_cache *cache)
{
    lw_file_map_release(cache->map);
}
