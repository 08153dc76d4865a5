// SPDX-License-Identifier: Apache-2.0
// Hashes remembered by file. See stamps.h.
#include "trainer/data/stamps.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/hash.h"
#include "engine/base/stringbuf.h"

static const int64_t coarsest_tick = 2000000000; // of FAT's times, in nanoseconds

// What is written; all of its bytes have a meaning.
struct record {
    uint64_t device, number, size;
    int64_t modified, changed;
    uint64_t hash;
    uint64_t check; // of the members before
};

static struct record record_of(const struct lw_file_stamp *stamp, uint64_t hash)
{
    struct record record = {
        stamp->device, stamp->number, stamp->size, stamp->modified, stamp->changed, hash, 0};
    record.check = lw_hash_bytes(&record, offsetof(struct record, check), 1);
    return record;
}

// A file is known by its number, whatever path leads to it.
static bool name_record(
    struct lw_string *path, const char *folder, const struct lw_file_stamp *stamp)
{
    uint64_t identity[] = {stamp->device, stamp->number};
    uint64_t name = lw_hash_bytes(identity, sizeof identity, 0);
    return lw_string_addf(
        path, NULL, "%s/%016llx" LW_STAMPS_ENDING, folder, (unsigned long long)name);
}

bool lw_stamps_recall(const char *folder, const struct lw_file_stamp *stamp, uint64_t *hash)
{
    struct lw_string path = {0};
    char *bytes = NULL;
    size_t size = 0;
    struct record record;
    bool known = stamp->is_regular && name_record(&path, folder, stamp) &&
                 lw_file_read_whole(path.data, sizeof record, &bytes, &size, NULL) &&
                 size == sizeof record;
    if (known) {
        memcpy(&record, bytes, sizeof record);
        const struct record wanted = record_of(stamp, record.hash);
        known = memcmp(&record, &wanted, sizeof record) == 0;
        *hash = record.hash;
    }
    lw_free(bytes);
    lw_string_free(&path);
    return known;
}

bool lw_stamps_at_rest(const struct lw_file_stamp *stamp)
{
    int64_t newest = stamp->modified > stamp->changed ? stamp->modified : stamp->changed;
    return newest + coarsest_tick < stamp->taken;
}

void lw_stamps_remember(const char *folder, const struct lw_file_stamp *stamp, uint64_t hash)
{
    struct lw_string path = {0};
    struct record record = record_of(stamp, hash);
    if (stamp->is_regular && name_record(&path, folder, stamp)) {
        lw_file_write_whole(path.data, &record, sizeof record, NULL);
    }
    lw_string_free(&path);
}
