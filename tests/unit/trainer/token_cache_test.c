// SPDX-License-Identifier: Apache-2.0
// trainer/data/token_cache and token_writer: what goes in comes out, over several blocks; a file with
// any byte changed or any part cut off is refused or, where only tokens changed, found out by
// lw_token_cache_verify, and never read outside of.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "tests/unit/trainer/scratch.h"
#include "trainer/data/token_cache.h"
#include "trainer/data/token_writer.h"

#define KEY "file 5 bytes\ntemplate qwen\n"

static uint32_t count_of(uint64_t row)
{
    return (uint32_t)(row * 7 % 23);
}

// Writes `rows` examples, of which every 11th is a bad record that is a row, and after every 13th a
// bad record that is none.
static bool write_cache(const char *path, uint64_t rows, struct lw_error *error)
{
    struct lw_token_writer *writer;
    uint32_t ids[32];
    uint8_t trained[32];
    bool written = lw_token_writer_open(&writer, path, error);
    for (uint64_t i = 0; written && i < rows; i++) {
        char reason[32];
        snprintf(reason, sizeof reason, "reason %d", (int)i);
        struct lw_token_fault fault = {i + 1, 1, i % 11 == 10, reason};
        struct lw_token_row row = {
            .conversation = i * i, .line = i + 1, .file = 1, .count = count_of(i), .flags = i % 4};
        for (uint32_t j = 0; j < row.count; j++) {
            ids[j] = (uint32_t)i * 100 + j;
            trained[j] = j % 3 == 0;
            row.trained += trained[j];
        }
        written = fault.is_row ? lw_token_writer_add_fault(writer, &fault, error)
                               : lw_token_writer_add(writer, &row, ids, trained, error);
        fault.is_row = false;
        written = written && (i % 13 != 12 || lw_token_writer_add_fault(writer, &fault, error));
    }
    written = written && lw_token_writer_finish(writer, KEY, error);
    lw_token_writer_close(writer);
    return written;
}

static void gives_back_what_was_written(void **state)
{
    (void)state;
    enum { rows = 80000 }; // three blocks of rows
    char *path = scratch_path("many.tokens");
    struct lw_error error = {0};
    struct lw_token_cache *cache;
    assert_true(write_cache(path, rows, &error));
    assert_true(lw_token_cache_open(&cache, path, KEY, &error));
    assert_true(lw_token_cache_verify(cache, &error));
    uint64_t tokens = 0;
    for (uint64_t i = rows; i-- > 0;) {
        const struct lw_token_row *row = lw_token_cache_row(cache, i);
        assert_int_equal(row->line, i + 1);
        assert_int_equal(row->file, 1);
        if (i % 11 == 10) {
            assert_int_equal(row->flags, LW_ROW_BAD);
            assert_int_equal(row->count, 0);
            continue;
        }
        struct lw_example_view view = lw_token_cache_view(cache, row);
        assert_int_equal(row->conversation, i * i);
        assert_int_equal(row->flags, i % 4);
        assert_int_equal(view.count, count_of(i));
        for (uint32_t j = 0; j < view.count; j++) {
            assert_int_equal(view.ids[j], i * 100 + j);
            assert_int_equal(view.trained[j], j % 3 == 0);
        }
        tokens += view.count;
        if (i % 20000 == 0) {
            lw_token_cache_release(cache);
        }
    }
    const struct lw_token_counts *counts = lw_token_cache_counts(cache);
    assert_int_equal(counts->rows, rows);
    assert_int_equal(counts->tokens, tokens);
    assert_int_equal(counts->faults, rows / 11 + rows / 13);
    assert_int_equal(counts->records, rows + rows / 13);
    struct lw_token_position position = {0};
    struct lw_token_fault fault;
    uint64_t faults = 0, last = 0;
    while (lw_token_cache_next_fault(cache, &position, &fault)) {
        char reason[32];
        snprintf(reason, sizeof reason, "reason %d", (int)fault.line - 1);
        assert_string_equal(fault.reason, reason);
        assert_true(fault.line >= last);
        last = fault.line;
        faults++;
    }
    assert_int_equal(faults, counts->faults);
    lw_token_cache_close(cache);
    assert_false(lw_token_cache_open(&cache, path, KEY "x", &error));
    assert_non_null(strstr(error.message, "other data"));
    scratch_free(path);
}

// Whether the bytes pass for the cache; all of it is read that could be.
static bool passes(const char *path, const char *bytes, size_t size)
{
    struct lw_error error = {0};
    struct lw_token_cache *cache;
    // Thousands of times, so without waiting for the disk as lw_file_write_whole does.
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    if (!lw_token_cache_open(&cache, path, KEY, &error)) {
        assert_int_equal(error.status, LW_BAD_INPUT);
        return false;
    }
    unsigned sum = 0;
    for (uint64_t i = 0; i < lw_token_cache_counts(cache)->rows; i++) {
        struct lw_example_view view = lw_token_cache_view(cache, lw_token_cache_row(cache, i));
        for (size_t j = 0; j < view.count; j++) {
            sum += view.ids[j] + view.trained[j];
        }
    }
    struct lw_token_position position = {0};
    struct lw_token_fault fault;
    while (lw_token_cache_next_fault(cache, &position, &fault)) {
        sum += (unsigned)strlen(fault.reason);
    }
    bool passed = lw_token_cache_verify(cache, &error) || sum == ~0u;
    lw_token_cache_close(cache);
    return passed;
}

static void finds_every_damage(void **state)
{
    (void)state;
    char *path = scratch_path("whole.tokens"), *other = scratch_path("other.tokens"), *bytes;
    size_t size;
    assert_true(write_cache(path, 14, NULL));
    assert_true(lw_file_read_whole(path, 1 << 20, &bytes, &size, NULL));
    assert_true(passes(other, bytes, size));
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= (char)(i % 2 ? 0x80 : 1);
        assert_false(passes(other, bytes, size));
        bytes[i] ^= (char)(i % 2 ? 0x80 : 1);
    }
    for (size_t length = 0; length < size; length++) {
        assert_false(passes(other, bytes, length));
    }
    assert_true(passes(other, bytes, size));
    lw_free(bytes);
    scratch_free(path);
    scratch_free(other);
}

static void leaves_nothing_unfinished(void **state)
{
    (void)state;
    char *path = scratch_path("unfinished.tokens");
    struct lw_token_writer *writer;
    assert_true(lw_token_writer_open(&writer, path, NULL));
    assert_true(lw_file_exists(path));
    lw_token_writer_close(writer);
    assert_false(lw_file_exists(path));
    bool written = false;
    for (long successes = 0; !written; successes++) {
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        written = write_cache(path, 14, &error);
        lw_memory_fail_after(-1);
        assert_true(written == lw_file_exists(path));
        assert_int_equal(error.status, written ? LW_OK : LW_NO_RESOURCE);
    }
    struct lw_token_cache *cache = NULL;
    for (long successes = 0; !cache; successes++) {
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        lw_token_cache_open(&cache, path, KEY, &error);
        lw_memory_fail_after(-1);
        assert_int_equal(error.status, cache ? LW_OK : LW_NO_RESOURCE);
    }
    lw_token_cache_close(cache);
    scratch_free(path);
}

static void an_empty_one_is_whole(void **state)
{
    (void)state;
    char *path = scratch_path("empty.tokens");
    struct lw_token_cache *cache;
    assert_true(write_cache(path, 0, NULL));
    assert_true(lw_token_cache_open(&cache, path, KEY, NULL));
    assert_true(lw_token_cache_verify(cache, NULL));
    assert_int_equal(lw_token_cache_counts(cache)->records, 0);
    lw_token_cache_close(cache);
    scratch_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_what_was_written),
        cmocka_unit_test(finds_every_damage),
        cmocka_unit_test(leaves_nothing_unfinished),
        cmocka_unit_test(an_empty_one_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
