// SPDX-License-Identifier: Apache-2.0
// Finding and making token caches. See token_store.h. In the folder lie KEY.tokens, the caches, by
// the hash of their keys; KEY.tmp, one being made; KEY.lock, whose holder makes it; KEY.used, as old
// as the last use; and the records of stamps.h.
#include "trainer/data/token_store.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/hash.h"
#include "engine/base/stringbuf.h"
#include "trainer/data/stamps.h"
#include "trainer/data/token_build.h"
#include "trainer/data/token_key.h"

static void send(const struct lw_token_store *store, const struct lw_store_event *event)
{
    if (store->event) {
        store->event(store->context, event);
    }
}

static bool path_of(struct lw_string *path, const struct lw_token_store *store, const char *key,
    const char *ending, struct lw_error *error)
{
    lw_string_clear(path);
    return lw_string_addf(path, error, "%s/%016llx%s", store->folder,
        (unsigned long long)lw_hash_bytes(key, strlen(key), 0), ending);
}

bool lw_token_store_folder(
    struct lw_string *path, const char *wanted, const char *cache_folder, struct lw_error *error)
{
    if (wanted) {
        return lw_string_addf(path, error, "%s", wanted);
    }
    return (lw_folder_cache(cache_folder, path, error) && lw_string_addf(path, error, "/tokens")) ||
           lw_fail_in(error, "keeping the encoded data (--cache DIR or tokenized_path chooses a "
                             "folder)");
}

// --- the content of files -------------------------------------------------------------------------

static bool hash_file(const struct lw_token_store *store, const char *name, const char *path,
    uint64_t size, uint64_t *hash, struct lw_error *error)
{
    enum { portion = 1 << 20 };
    struct lw_store_event event = {LW_STORE_READING, .name = name, .total_bytes = size};
    struct lw_file *file = NULL;
    struct lw_hash sum;
    char *bytes = lw_calloc(portion, 1, error);
    bool done = bytes && lw_file_open(&file, path, LW_FILE_READ, error);
    size_t got = 1;
    lw_hash_start(&sum, 0);
    while (done && got) {
        send(store, &event);
        done = lw_file_read_next(file, bytes, portion, &got, error);
        lw_hash_add(&sum, bytes, got);
        event.bytes += got;
    }
    *hash = lw_hash_value(&sum);
    lw_file_close(file);
    lw_free(bytes);
    return done;
}

// Appends what the job's files hold; *known becomes false where one of them, being a pipe, cannot be
// looked at before it is used.
static bool add_contents(struct lw_string *key, bool *known, const struct lw_token_store *store,
    const struct lw_token_job *job, struct lw_error *error)
{
    *known = true;
    for (size_t i = 0; i < job->path_count; i++) {
        struct lw_file_stamp stamp;
        uint64_t hash = 0;
        if (!lw_file_stamp(job->paths[i], &stamp, error)) {
            return false;
        }
        if (!stamp.is_regular) {
            *known = false;
            // So that no other run has the same name for what it makes.
            stamp.size = (uint64_t)lw_clock_wall();
        } else if (!lw_stamps_recall(store->folder, &stamp, &hash)) {
            if (!hash_file(store, job->name, job->paths[i], stamp.size, &hash, error)) {
                return false;
            }
            if (lw_stamps_at_rest(&stamp)) {
                lw_stamps_remember(store->folder, &stamp, hash);
            }
        }
        if (!lw_token_key_file(key, stamp.size, hash, error)) {
            return false;
        }
    }
    return true;
}

// --- caches that are there ------------------------------------------------------------------------

// Checks the content too, unless the file has not been touched since that was done last.
static bool open_checked(struct lw_token_cache **cache, const struct lw_token_store *store,
    const char *path, const char *key, struct lw_error *error)
{
    struct lw_file_stamp stamp;
    uint64_t content;
    if (!lw_file_stamp(path, &stamp, error) || !lw_token_cache_open(cache, path, key, error)) {
        return false;
    }
    bool known = lw_stamps_recall(store->folder, &stamp, &content) &&
                 content == lw_token_cache_content(*cache);
    if (!known && !lw_token_cache_verify(*cache, error)) {
        lw_token_cache_close(*cache);
        *cache = NULL;
        return false;
    }
    if (!known && lw_stamps_at_rest(&stamp)) {
        lw_stamps_remember(store->folder, &stamp, lw_token_cache_content(*cache));
    }
    return true;
}

// The time of KEY.used is that of the last use.
static void note_use(const struct lw_token_store *store, const char *key)
{
    struct lw_string path = {0};
    if (path_of(&path, store, key, ".used", NULL)) {
        lw_file_write_whole(path.data, "", 0, NULL);
    }
    lw_string_free(&path);
}

// *cache stays NULL when there is none that can be used.
static bool find(struct lw_token_cache **cache, const struct lw_token_store *store,
    const struct lw_token_job *job, const char *key, struct lw_error *error)
{
    struct lw_string path = {0};
    struct lw_error fault = {0};
    bool done = path_of(&path, store, key, ".tokens", error);
    if (!done || store->rebuild || !lw_file_exists(path.data)) {
        lw_string_free(&path);
        return done;
    }
    if (open_checked(cache, store, path.data, key, &fault)) {
        note_use(store, key);
        send(store, &(struct lw_store_event){LW_STORE_FOUND, .name = job->name, .path = path.data,
                        .records = lw_token_cache_counts(*cache)->records});
    } else if (fault.status == LW_BAD_INPUT) {
        send(store, &(struct lw_store_event){LW_STORE_DAMAGED, .name = job->name, .path = path.data,
                        .reason = fault.message});
    } else {
        done = lw_fail(error, fault.status, "%s", fault.message);
    }
    lw_string_free(&path);
    return done;
}

// --- making one -----------------------------------------------------------------------------------

// Returns with the lock of the key, for lw_file_close.
static bool take_lock(struct lw_file **lock, const struct lw_token_store *store,
    const struct lw_token_job *job, const char *key, struct lw_error *error)
{
    struct lw_string path = {0};
    bool locked = false, told = false;
    bool done = path_of(&path, store, key, ".lock", error) &&
                ((lw_file_open(lock, path.data, LW_FILE_CREATE, error) &&
                     lw_file_lock(*lock, &locked, error)) ||
                    lw_fail_keeping(store, error));
    while (done && !locked) {
        if (!told) {
            send(store,
                &(struct lw_store_event){LW_STORE_WAITING, .name = job->name, .path = path.data});
            told = true;
        }
        if (store->stopping && store->stopping()) {
            done = lw_fail(error, LW_INTERRUPTED, "stopped while another run encoded the data");
        }
        lw_clock_sleep(0.2);
        done = done && lw_file_lock(*lock, &locked, error);
    }
    lw_string_free(&path);
    return done;
}

// Encodes into KEY.tmp and gives it the name of what was read, which is that of `key` unless a file
// was a pipe or changed meanwhile.
static bool make(struct lw_token_cache **cache, const struct lw_token_store *store,
    const struct lw_token_job *job, const char *key, const char *encoding, struct lw_error *error)
{
    struct lw_string made = {0}, path = {0}, final = {0};
    bool done = path_of(&path, store, key, ".tmp", error) &&
                lw_string_addf(&made, error, "%s", encoding) &&
                lw_token_build(path.data, store, job, &made, error) &&
                path_of(&final, store, made.data, ".tokens", error) &&
                (lw_file_rename(path.data, final.data, error) || lw_fail_keeping(store, error)) &&
                lw_token_cache_open(cache, final.data, made.data, error);
    struct lw_file_stamp stamp;
    if (done && lw_file_stamp(final.data, &stamp, NULL)) {
        lw_stamps_remember(store->folder, &stamp, lw_token_cache_content(*cache));
        note_use(store, made.data);
    }
    lw_string_free(&made);
    lw_string_free(&path);
    lw_string_free(&final);
    return done;
}

// --- what is left of earlier runs -----------------------------------------------------------------

enum { name_length = 16 }; // of what stands before the ending

// The ending of a name that this file or stamps.h gave; "" for any other, in a folder that may be
// somebody's for other things too.
static const char *own_ending(const char *name)
{
    bool own = strspn(name, "0123456789abcdef") == name_length;
    return own ? name + name_length : "";
}

// Whether a run that was killed left the file PATH, which is KEY.tmp: nobody holds KEY.lock.
static bool is_abandoned(const char *path)
{
    struct lw_string lock = {0};
    struct lw_file *file = NULL;
    bool locked = true;
    if (lw_string_addf(&lock, NULL, "%.*s.lock", (int)strlen(path) - 4, path) &&
        lw_file_open(&file, lock.data, LW_FILE_UPDATE, NULL)) {
        locked = lw_file_lock(file, &locked, NULL) && locked;
    }
    lw_file_close(file);
    lw_string_free(&lock);
    return locked;
}

static bool is_old(const char *path)
{
    static const int64_t days_30 = (int64_t)30 * 24 * 3600 * 1000000000;
    struct lw_file_stamp stamp;
    return lw_file_stamp(path, &stamp, NULL) && stamp.modified + days_30 < stamp.taken;
}

// Removes KEY.used, KEY.lock and the cache itself.
static void remove_cache(struct lw_string *path)
{
    static const char *const endings[] = {".tokens", ".lock", ".used"};
    size_t stem = path->length - strlen(".used");
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        path->length = stem;
        path->data[stem] = 0;
        if (lw_string_addf(path, NULL, "%s", endings[i])) {
            lw_file_remove(path->data, NULL);
        }
    }
}

// What cannot be removed stays.
static void tidy(const struct lw_token_store *store)
{
    struct lw_folder_list list = {0};
    struct lw_string path = {0};
    lw_folder_list(store->folder, &list, NULL);
    for (size_t i = 0; i < list.count; i++) {
        const char *ending = own_ending(list.names[i]);
        if (!lw_path_join(&path, store->folder, list.names[i], NULL)) {
            continue;
        }
        if (strcmp(ending, ".tmp") == 0 && is_abandoned(path.data)) {
            lw_file_remove(path.data, NULL);
        } else if ((strcmp(ending, LW_STAMPS_ENDING) == 0 || strcmp(ending, ".lock") == 0) &&
                   is_old(path.data)) {
            lw_file_remove(path.data, NULL);
        } else if (strcmp(ending, ".used") == 0 && !store->keep_all && is_old(path.data)) {
            remove_cache(&path);
        }
    }
    lw_string_free(&path);
    lw_folder_list_free(&list);
}

static bool find_or_make(struct lw_token_cache **cache, const struct lw_token_store *store,
    const struct lw_token_job *job, const char *encoding, struct lw_error *error)
{
    struct lw_string key = {0};
    struct lw_file *lock = NULL;
    bool known = true;
    bool done = lw_string_addf(&key, error, "%s", encoding) &&
                add_contents(&key, &known, store, job, error) &&
                (!known || find(cache, store, job, key.data, error));
    if (done && !*cache) {
        tidy(store);
        // Another run may have made it while this one waited.
        done = take_lock(&lock, store, job, key.data, error) &&
               (!known || find(cache, store, job, key.data, error)) &&
               (*cache || make(cache, store, job, key.data, encoding, error));
    }
    if (lock && !known) {
        lw_file_remove(lw_file_path(lock), NULL); // nobody else has that key
    }
    lw_file_close(lock);
    lw_string_free(&key);
    return done;
}

bool lw_token_store_get(struct lw_token_cache **cache, const struct lw_token_store *store,
    const struct lw_token_job *job, struct lw_error *error)
{
    struct lw_string encoding = {0};
    *cache = NULL;
    bool done = lw_token_key_format(&encoding, &job->format, error) &&
                lw_token_key_encoding(&encoding, &job->encoder, job->model_folder, error) &&
                (!job->most_rows || lw_string_addf(&encoding, error, "the first %llu rows\n",
                                        (unsigned long long)job->most_rows)) &&
                (lw_folder_create(store->folder, error) || lw_fail_keeping(store, error)) &&
                find_or_make(cache, store, job, encoding.data, error);
    lw_string_free(&encoding);
    return done;
}
