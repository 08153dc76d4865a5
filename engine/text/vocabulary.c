// SPDX-License-Identifier: Apache-2.0
// The token table: rows by id over one block of bytes, and an open-addressing hash table of ids.
#include "engine/text/vocabulary.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/bytelevel.h"

enum { FIRST_SLOTS = 1024 };

// Eight bytes at a time, multiplied and folded. Tokens are short; the table is never attacked by
// text, only filled by a file, and a bad file costs time only while it is opened.
static uint64_t hash_of(const char *bytes, size_t length, bool opaque)
{
    uint64_t hash = length * UINT64_C(0x9E3779B97F4A7C15) + opaque;
    while (length > 0) {
        uint64_t word = 0;
        size_t part = length < sizeof word ? length : sizeof word;
        memcpy(&word, bytes, part);
        hash = (hash ^ word) * UINT64_C(0xD6E8FEB86659FD93);
        hash ^= hash >> 32;
        bytes += part;
        length -= part;
    }
    return hash;
}

static size_t slot_of(
    const struct lw_vocabulary *vocabulary, const char *bytes, size_t length, bool opaque)
{
    size_t slot = hash_of(bytes, length, opaque) & (vocabulary->slot_count - 1);
    while (vocabulary->slots[slot] != LW_NO_TOKEN) {
        const struct lw_token_entry *entry = &vocabulary->entries[vocabulary->slots[slot]];
        if (entry->length == length && !!(entry->flags & LW_TOKEN_OPAQUE) == opaque &&
            memcmp(vocabulary->bytes.data + entry->offset, bytes, length) == 0) {
            break;
        }
        slot = (slot + 1) & (vocabulary->slot_count - 1);
    }
    return slot;
}

static bool grow_slots(struct lw_vocabulary *vocabulary, struct lw_error *error)
{
    size_t count = vocabulary->slot_count ? 2 * vocabulary->slot_count : FIRST_SLOTS;
    uint32_t *slots = lw_realloc(NULL, count, sizeof *slots, error);
    if (!slots) {
        return false;
    }
    memset(slots, 0xFF, count * sizeof *slots);
    lw_free(vocabulary->slots);
    vocabulary->slots = slots;
    vocabulary->slot_count = count;
    for (uint32_t id = 0; id < vocabulary->count; id++) {
        const struct lw_token_entry *entry = &vocabulary->entries[id];
        if (entry->flags) {
            slots[slot_of(vocabulary, vocabulary->bytes.data + entry->offset, entry->length,
                entry->flags & LW_TOKEN_OPAQUE)] = id;
        }
    }
    return true;
}

static bool make_room(struct lw_vocabulary *vocabulary, uint32_t id, struct lw_error *error)
{
    if (id < vocabulary->count) {
        return true;
    }
    if (!lw_reserve(&vocabulary->entries, &vocabulary->capacity, (size_t)id + 1,
            sizeof *vocabulary->entries, error)) {
        return false;
    }
    memset(vocabulary->entries + vocabulary->count, 0,
        (id + 1 - vocabulary->count) * sizeof *vocabulary->entries);
    vocabulary->count = (size_t)id + 1;
    return true;
}

bool lw_vocabulary_read(const struct lw_vocabulary *vocabulary, struct lw_string *out,
    const char *text, size_t length, bool *opaque, struct lw_error *error)
{
    if (vocabulary->byte_level) {
        return lw_bytelevel_read(out, text, length, opaque, error);
    }
    *opaque = false;
    lw_string_clear(out);
    return lw_string_add(out, text, length, error);
}

// Appends bytes; `*offset` becomes their place.
static bool keep_bytes(struct lw_vocabulary *vocabulary, const char *bytes, size_t length,
    uint32_t *offset, struct lw_error *error)
{
    *offset = (uint32_t)vocabulary->bytes.length;
    if (length > UINT32_MAX || vocabulary->bytes.length > UINT32_MAX - length) {
        return lw_fail(error, LW_BAD_INPUT, "The vocabulary holds more than 4 GiB of text.");
    }
    return lw_string_add(&vocabulary->bytes, bytes, length, error);
}

bool lw_vocabulary_add(struct lw_vocabulary *vocabulary, uint32_t id, const char *bytes,
    size_t length, unsigned flags, struct lw_error *error)
{
    if (id >= LW_TOKEN_ID_LIMIT) {
        return lw_fail(error, LW_BAD_INPUT, "The token \"%.*s\" has the id %u; %u is the largest.",
            (int)(length < 80 ? length : 80), bytes, id, LW_TOKEN_ID_LIMIT - 1);
    }
    if ((vocabulary->used + 1) * 2 > vocabulary->slot_count && !grow_slots(vocabulary, error)) {
        return false;
    }
    if (id < vocabulary->count && vocabulary->entries[id].flags) {
        return lw_fail(error, LW_BAD_INPUT, "Two tokens have the id %u.", id);
    }
    size_t slot = slot_of(vocabulary, bytes, length, flags & LW_TOKEN_OPAQUE);
    if (vocabulary->slots[slot] != LW_NO_TOKEN) {
        return lw_fail(error, LW_BAD_INPUT, "The ids %u and %u have the same token, \"%.*s\".",
            vocabulary->slots[slot], id, (int)(length < 80 ? length : 80), bytes);
    }
    uint32_t offset;
    if (!make_room(vocabulary, id, error) ||
        !keep_bytes(vocabulary, bytes, length, &offset, error)) {
        return false;
    }
    vocabulary->entries[id] = (struct lw_token_entry){
        offset, (uint32_t)length, offset, (uint32_t)length, flags | LW_TOKEN_PRESENT};
    vocabulary->slots[slot] = id;
    vocabulary->used++;
    return true;
}

bool lw_vocabulary_show(struct lw_vocabulary *vocabulary, uint32_t id, const char *bytes,
    size_t length, struct lw_error *error)
{
    struct lw_token_entry *entry = &vocabulary->entries[id];
    if (!keep_bytes(vocabulary, bytes, length, &entry->shown, error)) {
        return false;
    }
    entry->shown_length = (uint32_t)length;
    return true;
}

uint32_t lw_vocabulary_find(
    const struct lw_vocabulary *vocabulary, const char *bytes, size_t length, bool opaque)
{
    if (vocabulary->slot_count == 0) {
        return LW_NO_TOKEN;
    }
    return vocabulary->slots[slot_of(vocabulary, bytes, length, opaque)];
}

const char *lw_vocabulary_bytes(const struct lw_vocabulary *vocabulary, uint32_t id, size_t *length)
{
    if (!lw_vocabulary_flags(vocabulary, id)) {
        *length = 0;
        return NULL;
    }
    *length = vocabulary->entries[id].shown_length;
    return vocabulary->bytes.data + vocabulary->entries[id].shown;
}

unsigned lw_vocabulary_flags(const struct lw_vocabulary *vocabulary, uint32_t id)
{
    return id < vocabulary->count ? vocabulary->entries[id].flags : 0;
}

void lw_vocabulary_free(struct lw_vocabulary *vocabulary)
{
    lw_free(vocabulary->entries);
    lw_free(vocabulary->slots);
    lw_string_free(&vocabulary->bytes);
    *vocabulary = (struct lw_vocabulary){0};
}
