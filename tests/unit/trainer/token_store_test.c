// SPDX-License-Identifier: Apache-2.0
// trainer/data/token_store: what is encoded is found again by its content and the way it was encoded, and
// by nothing less; damaged, changed, abandoned and contested caches.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"
#include "engine/text/template.h"
#include "tests/unit/trainer/scratch.h"
#include "trainer/data/stamps.h"
#include "trainer/data/token_store.h"

#define RECORD(text)                                                                               \
    "{\"messages\": [{\"role\": \"user\", \"content\": \"" text "\"}, "                            \
    "{\"role\": \"assistant\", \"content\": \"yes\"}]}\n"
#define BAD "{\"messages\": 3}\n"

static struct lw_tokenizer *tokenizer;
static char model_folder[1024], *root;
static unsigned events[8]; // by kind, since they were last cleared
static bool stop;

static int set_up(void **state)
{
    (void)state;
    const char *data = getenv("LEWIN_TEST_DATA");
    snprintf(model_folder, sizeof model_folder, "%s/tokenizers/qwen2", data ? data : "tests/data");
    root = scratch_path("token_store");
    return lw_tokenizer_open(&tokenizer, model_folder, NULL) && lw_folder_create(root, NULL) ? 0
                                                                                             : 1;
}

static int tear_down(void **state)
{
    (void)state;
    lw_tokenizer_close(tokenizer);
    bool removed = lw_folder_remove(root, NULL);
    free(root);
    return removed ? 0 : 1;
}

static void count_event(void *context, const struct lw_store_event *event)
{
    (void)context;
    events[event->kind]++;
}

static bool is_stopping(void)
{
    return stop;
}

// A path below the test's folder; valid until the third call after this one.
static const char *path_of(const char *name)
{
    static char paths[4][1024];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

static void write_text(const char *path, const char *text)
{
    assert_true(lw_file_write_whole(path, text, strlen(text), NULL));
}

static struct lw_token_job job_for(const char *const *path)
{
    return (struct lw_token_job){.name = "some",
        .paths = path,
        .path_count = 1,
        .encoder = {.tokenizer = tokenizer,
            .chat_template = lw_template_find("qwen"),
            .mask = {.cutoff_len = 100},
            .threads = 2},
        .model_folder = model_folder};
}

static struct lw_token_store store_in(const char *folder)
{
    return (struct lw_token_store){.folder = folder, .event = count_event, .stopping = is_stopping};
}

// Gets the cache; *kind says what happened. Returns a hash of its tokens.
static uint64_t get(const struct lw_token_store *store, const struct lw_token_job *job)
{
    struct lw_token_cache *cache;
    struct lw_error error = {0};
    memset(events, 0, sizeof events);
    bool got = lw_token_store_get(&cache, store, job, &error);
    assert_string_equal(error.message, "");
    assert_true(got && lw_token_cache_verify(cache, &error));
    uint64_t hash = lw_token_cache_hash(cache);
    lw_token_cache_close(cache);
    return hash;
}

static enum lw_status refuse(const struct lw_token_store *store, const struct lw_token_job *job)
{
    struct lw_token_cache *cache;
    struct lw_error error = {0};
    memset(events, 0, sizeof events);
    assert_false(lw_token_store_get(&cache, store, job, &error));
    assert_null(cache);
    return error.status;
}

// Files of the folder whose names end so.
static size_t count_files(const char *folder, const char *ending, char *last)
{
    struct lw_folder_list list = {0};
    size_t count = 0, length = strlen(ending);
    assert_true(lw_folder_list(folder, &list, NULL));
    for (size_t i = 0; i < list.count; i++) {
        size_t whole = strlen(list.names[i]);
        if (whole > length && !strcmp(list.names[i] + whole - length, ending)) {
            count++;
            snprintf(last, 1024, "%s/%s", folder, list.names[i]);
        }
    }
    lw_folder_list_free(&list);
    return count;
}

static void finds_by_content_and_way(void **state)
{
    (void)state;
    char folder[1024], found[1024];
    snprintf(folder, sizeof folder, "%s", path_of("found"));
    const char *path = path_of("a.jsonl"), *copy = path_of("copy.jsonl");
    write_text(path, RECORD("one") RECORD("two"));
    write_text(copy, RECORD("one") RECORD("two"));
    struct lw_token_store store = store_in(folder);
    struct lw_token_job job = job_for(&path);
    uint64_t first = get(&store, &job);
    assert_int_equal(events[LW_STORE_ENCODED], 1);
    assert_int_equal(get(&store, &job), first);
    assert_true(events[LW_STORE_ENCODED] == 0 && events[LW_STORE_FOUND] == 1);
    job.paths = &copy;
    assert_int_equal(get(&store, &job), first);
    assert_int_equal(events[LW_STORE_FOUND], 1);
    // Of the same length, and the times of a moment later.
    write_text(copy, RECORD("one") RECORD("tow"));
    assert_true(get(&store, &job) != first);
    assert_int_equal(events[LW_STORE_ENCODED], 1);
    job.paths = &path;
    assert_int_equal(get(&store, &job), first);
    // Each of these encodes otherwise, and is found in its turn.
    enum { other_count = 11 };
    struct lw_token_job others[other_count];
    for (size_t i = 0; i < other_count; i++) {
        others[i] = job;
    }
    others[0].encoder.mask.cutoff_len = 99;
    others[1].encoder.mask.train_on_prompt = true;
    others[2].encoder.mask.mask_history = true;
    others[3].encoder.chat_template = lw_template_find("qwen3_nothink");
    others[4].most_rows = 1;
    others[5].encoder.tokenizer = NULL;
    others[6].encoder.mask.keep_ends = others[6].encoder.options.mark_ends = true;
    others[7].encoder.options.default_system = "Be brief.";
    others[8].encoder.chat_template = lw_template_find("qwen3");
    others[9].encoder.chat_template = lw_template_find("qwen3");
    others[9].encoder.options.thinking = LW_THINKING_OFF;
    others[10].format = lw_record_format_default(LW_LAYOUT_SHAREGPT);
    others[10].format.messages = "messages";
    for (size_t i = 0; i < other_count; i++) {
        get(&store, &others[i]);
        if (events[LW_STORE_ENCODED] != 1) {
            fail_msg("job %zu is taken for another", i);
        }
        get(&store, &others[i]);
        assert_int_equal(events[LW_STORE_FOUND], 1);
    }
    assert_int_equal(count_files(folder, ".tokens", found), 2 + other_count);
    assert_int_equal(count_files(folder, ".tmp", found), 0);
    store.rebuild = true;
    assert_int_equal(get(&store, &job), first);
    assert_true(events[LW_STORE_ENCODED] == 1 && events[LW_STORE_FOUND] == 0);
    job.encoder.threads = 1; // does not matter to what comes out
    store.rebuild = false;
    assert_int_equal(get(&store, &job), first);
    assert_int_equal(events[LW_STORE_FOUND], 1);
}

static void makes_damaged_ones_anew(void **state)
{
    (void)state;
    char folder[1024], found[1024], *bytes;
    size_t size;
    snprintf(folder, sizeof folder, "%s", path_of("damaged"));
    const char *path = path_of("b.jsonl");
    write_text(path, RECORD("one") RECORD("two"));
    struct lw_token_store store = store_in(folder);
    struct lw_token_job job = job_for(&path);
    uint64_t first = get(&store, &job);
    assert_int_equal(count_files(folder, ".tokens", found), 1);
    assert_true(lw_file_read_whole(found, 1 << 20, &bytes, &size, NULL));
    for (int i = 0; i < 3; i++) {
        bytes[0] = (char)(bytes[0] + (i == 0)); // an id: nothing but the hash of all shows it
        assert_true(lw_file_write_whole(found, bytes, i == 1 ? size - 1 : i == 2 ? 0 : size, NULL));
        assert_int_equal(get(&store, &job), first);
        assert_true(events[LW_STORE_DAMAGED] >= 1 && events[LW_STORE_ENCODED] == 1);
        assert_int_equal(get(&store, &job), first);
        assert_int_equal(events[LW_STORE_FOUND], 1);
    }
    lw_free(bytes);
}

static void leaves_nothing_when_stopped(void **state)
{
    (void)state;
    char folder[1024], found[1024];
    snprintf(folder, sizeof folder, "%s", path_of("stopped"));
    const char *path = path_of("c.jsonl");
    write_text(path, RECORD("one") BAD RECORD("two"));
    struct lw_token_store store = store_in(folder);
    struct lw_token_job job = job_for(&path);
    stop = true;
    assert_int_equal(refuse(&store, &job), LW_INTERRUPTED);
    stop = false;
    job.stop_at_bad = true;
    assert_int_equal(refuse(&store, &job), LW_BAD_INPUT);
    assert_int_equal(count_files(folder, ".tokens", found), 0);
    assert_int_equal(count_files(folder, ".tmp", found), 0);
    // What a killed run leaves is nothing to the next one.
    assert_int_equal(count_files(folder, ".lock", found), 1);
    snprintf(found + strlen(found) - 5, 8, ".tmp");
    write_text(found, "half of it");
    write_text(path_of("stopped/0123456789abcdef.tmp"), "half of another");
    write_text(path_of("stopped/mine.tmp"), "of somebody else");
    job.stop_at_bad = false;
    get(&store, &job);
    assert_int_equal(events[LW_STORE_ENCODED], 1);
    assert_int_equal(count_files(folder, ".tmp", found), 1);
    assert_non_null(strstr(found, "mine.tmp"));
    const char *absent = path_of("absent.jsonl");
    job.paths = &absent;
    assert_int_equal(refuse(&store, &job), LW_BAD_INPUT);
    store.folder = path; // a file
    job.paths = &path;
    assert_int_equal(refuse(&store, &job), LW_BAD_INPUT);
}

// While another holds the lock a run waits, and looks again at what the other made.
static void waits_for_another_run(void **state)
{
    (void)state;
    char folder[1024], lock[1024];
    snprintf(folder, sizeof folder, "%s", path_of("contested"));
    const char *path = path_of("d.jsonl");
    write_text(path, RECORD("one"));
    struct lw_token_store store = store_in(folder);
    struct lw_token_job job = job_for(&path);
    struct lw_file *file;
    bool locked;
    job.stop_at_bad = true;
    get(&store, &job);
    assert_int_equal(count_files(folder, ".lock", lock), 1);
    assert_true(lw_file_open(&file, lock, LW_FILE_UPDATE, NULL));
    assert_true(lw_file_lock(file, &locked, NULL) && locked);
    store.rebuild = true;
    stop = true;
    assert_int_equal(refuse(&store, &job), LW_INTERRUPTED);
    assert_int_equal(events[LW_STORE_WAITING], 1);
    stop = false;
    lw_file_close(file);
    get(&store, &job);
    assert_int_equal(events[LW_STORE_WAITING], 0);
}

// A file that has been at rest for two seconds is remembered; any sign of change forgets it.
static void remembers_files_at_rest(void **state)
{
    (void)state;
    struct lw_file_stamp stamp = {.device = 1,
        .number = 2,
        .size = 3,
        .modified = 4000000000,
        .changed = 5000000000,
        .taken = 7000000001,
        .is_regular = true};
    uint64_t hash = 0;
    lw_stamps_remember(root, &stamp, 77);
    assert_true(lw_stamps_recall(root, &stamp, &hash));
    assert_int_equal(hash, 77);
    stamp.taken += 1000000000;
    assert_true(lw_stamps_recall(root, &stamp, &hash));
    struct lw_file_stamp changes[] = {stamp, stamp, stamp, stamp, stamp};
    changes[0].device++;
    changes[1].number++;
    changes[2].size++;
    changes[3].modified--;
    changes[4].changed++;
    for (size_t i = 0; i < 5; i++) {
        assert_false(lw_stamps_recall(root, &changes[i], &hash));
    }
    assert_true(lw_stamps_at_rest(&stamp));
    stamp.taken = 7000000000; // too soon to know whether it is changed once more in the same tick
    assert_false(lw_stamps_at_rest(&stamp));
    stamp.number = 9;
    stamp.taken = 8000000000;
    lw_stamps_remember("no/such/folder", &stamp, 78);
    assert_false(lw_stamps_recall("no/such/folder", &stamp, &hash));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_content_and_way),
        cmocka_unit_test(makes_damaged_ones_anew),
        cmocka_unit_test(leaves_nothing_when_stopped),
        cmocka_unit_test(waits_for_another_run),
        cmocka_unit_test(remembers_files_at_rest),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
