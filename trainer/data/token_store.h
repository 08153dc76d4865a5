// SPDX-License-Identifier: Apache-2.0
// The token cache of a data set: found when its files, or files with the same bytes, were encoded in
// the same way before, else made now by all cores. Made aside and renamed, so that what has the name
// of a cache is whole, and only once where several runs want the same at the same time: the others
// wait. Called by dataset.c and `lewin data check`.
#ifndef LW_TRAINER_DATA_TOKEN_STORE_H
#define LW_TRAINER_DATA_TOKEN_STORE_H

#include "trainer/data/encoder.h"
#include "trainer/data/token_cache.h"

enum lw_store_event_kind {
    LW_STORE_READING,  // a file is read to see whether its content is known: bytes, total_bytes
    LW_STORE_WAITING,  // another run encodes the same data: path
    LW_STORE_ENCODING, // records, bytes, total_bytes, seconds
    LW_STORE_ENCODED,  // the same at the end; path of the folder
    LW_STORE_FOUND,    // a cache is used: path, records
    LW_STORE_DAMAGED   // path is made anew; reason
};

// Members not named for a kind are zero.
struct lw_store_event {
    enum lw_store_event_kind kind;
    const char *name; // of the data set
    const char *path, *reason;
    uint64_t records;
    uint64_t bytes, total_bytes; // of the files as they are on disk; total 0 where unknown
    double seconds;
};

// Where caches are kept, and who hears of it.
struct lw_token_store {
    const char *folder;
    bool keep_all; // else caches that nobody used for 30 days go when a new one is made
    bool rebuild;  // take none that is there
    void (*event)(void *context, const struct lw_store_event *event);
    bool (*stopping)(void); // asked again and again while encoding; NULL: never
    void *context;
};

struct lw_string;

struct lw_token_job {
    const char *name; // of the data set, for people
    const char *const *paths;
    size_t path_count;
    uint64_t most_rows; // from the beginning; 0: all
    struct lw_record_format format;
    struct lw_encoder_params encoder;
    const char *model_folder; // the tokenizer's
    bool stop_at_bad;         // do not encode on after the first bad record
};

// Puts the folder of caches into `path`: `wanted` where it is given, else `tokens` in the program's
// cache folder, or in `cache_folder` instead.
bool lw_token_store_folder(
    struct lw_string *path, const char *wanted, const char *cache_folder, struct lw_error *error);

// The cache of the job's files. LW_BAD_INPUT for a file that cannot be read to its end and, under
// stop_at_bad, for the first bad record where encoding meets one; a cache that is found may hold
// some. LW_INTERRUPTED after `stopping` said so.
bool lw_token_store_get(struct lw_token_cache **cache, const struct lw_token_store *store,
    const struct lw_token_job *job, struct lw_error *error);

// What a run says that stops at a bad record. Always returns false.
bool lw_fail_bad_record(
    struct lw_error *error, const char *path, uint64_t line, const char *reason);

#endif
