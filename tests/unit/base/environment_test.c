// SPDX-License-Identifier: Apache-2.0
// engine/base/environment: a default fills a gap and takes nothing away.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "engine/base/environment.h"

static void default_keeps_what_is_set(void **state)
{
    (void)state;
    lw_environment_default("LEWIN_TEST_VARIABLE", "first");
    assert_string_equal(getenv("LEWIN_TEST_VARIABLE"), "first");
    lw_environment_default("LEWIN_TEST_VARIABLE", "second");
    assert_string_equal(getenv("LEWIN_TEST_VARIABLE"), "first");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(default_keeps_what_is_set)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
