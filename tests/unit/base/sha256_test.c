// SPDX-License-Identifier: Apache-2.0
// SHA-256 against the examples of FIPS 180-2, in one piece, in parts, and of a file.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/sha256.h"

#define PATH "sha256_test.tmp"

static const struct {
    const char *text, *digest;
} examples[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void in_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        size_t length = strlen(examples[i].text);
        for (size_t cut = 0; cut <= length; cut++) {
            struct lw_sha256 *sha;
            char digest[LW_SHA256_TEXT];
            assert_true(lw_sha256_create(&sha, NULL));
            assert_true(lw_sha256_add(sha, examples[i].text, cut, NULL));
            assert_true(lw_sha256_add(sha, examples[i].text + cut, length - cut, NULL));
            assert_true(lw_sha256_finish(sha, digest, NULL));
            lw_sha256_destroy(sha);
            assert_string_equal(digest, examples[i].digest);
        }
    }
}

static void of_files(void **state)
{
    (void)state;
    char digest[LW_SHA256_TEXT];
    uint64_t bytes;
    atomic_bool stopped = true;
    struct lw_error error = {0};
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        assert_true(lw_file_write_whole(PATH, examples[i].text, strlen(examples[i].text), &error));
        assert_true(lw_sha256_file(PATH, digest, &bytes, NULL, &error));
        assert_string_equal(digest, examples[i].digest);
        assert_int_equal(bytes, strlen(examples[i].text));
    }
    assert_false(lw_sha256_file(PATH, digest, &bytes, &stopped, &error));
    assert_int_equal(error.status, LW_INTERRUPTED);
    error = (struct lw_error){0};
    assert_false(lw_sha256_file(PATH ".absent", digest, &bytes, NULL, &error));
    assert_int_equal(error.status, LW_BAD_INPUT);
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    bool done = false;
    for (long successes = 0; !done; successes++) {
        char digest[LW_SHA256_TEXT];
        uint64_t bytes;
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        done = lw_sha256_file(PATH, digest, &bytes, NULL, &error);
        lw_memory_fail_after(-1);
        assert_true(done || error.status == LW_NO_RESOURCE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_parts),
        cmocka_unit_test(of_files),
        cmocka_unit_test(survives_lack_of_memory),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    lw_file_remove(PATH, NULL);
    return failed;
}
