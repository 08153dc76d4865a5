// SPDX-License-Identifier: Apache-2.0
// engine/base/error, alloc and stringbuf.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/error.h"
#include "engine/base/stringbuf.h"

static void first_failure_is_kept(void **state)
{
    (void)state;
    struct lw_error error = {0};
    assert_false(lw_fail(&error, LW_BAD_INPUT, "tensor %s is short", "a"));
    lw_fail(&error, LW_FAILED, "later");
    assert_false(lw_fail_in(&error, "reading %s", "model.safetensors"));
    assert_int_equal(error.status, LW_BAD_INPUT);
    assert_string_equal(error.message, "reading model.safetensors: tensor a is short");
}

static void advice_follows(void **state)
{
    (void)state;
    struct lw_error error = {0};
    lw_fail(&error, LW_FAILED, "reading failed");
    assert_false(lw_fail_advice(&error, "try %d times", 3));
    assert_string_equal(error.message, "reading failed. try 3 times");
    assert_int_equal(error.status, LW_FAILED);
    memset(error.message, 'x', sizeof error.message - 1);
    assert_false(lw_fail_advice(&error, "no room"));
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    assert_false(lw_fail_advice(NULL, "nobody"));
}

static void allocation_failure_reports(void **state)
{
    (void)state;
    struct lw_error error = {0};
    assert_null(lw_calloc(SIZE_MAX, 16, &error));
    assert_int_equal(error.status, LW_NO_RESOURCE);
    struct lw_error hooked = {0};
    lw_memory_fail_after(1);
    void *first = lw_calloc(1, 8, &hooked);
    assert_non_null(first);
    assert_null(lw_calloc(1, 8, &hooked));
    lw_memory_fail_after(-1);
    assert_int_equal(hooked.status, LW_NO_RESOURCE);
    lw_free(first);
}

static void string_grows(void **state)
{
    (void)state;
    struct lw_string string = {0};
    assert_string_equal(lw_string_text(&string), "");
    for (int i = 0; i < 100; i++) {
        assert_true(lw_string_addf(&string, NULL, "%d,", i));
    }
    assert_int_equal(string.length, 290);
    assert_string_equal(string.data + 278, "96,97,98,99,");
    lw_string_free(&string);
    assert_null(string.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_failure_is_kept),
        cmocka_unit_test(advice_follows),
        cmocka_unit_test(allocation_failure_reports),
        cmocka_unit_test(string_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
