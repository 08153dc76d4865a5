// SPDX-License-Identifier: Apache-2.0
// merger/finite.h: every place and kind of a NaN or an infinity is found, nothing else is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "engine/base/numeric.h"
#include "merger/finite.h"

enum { length = 9001 }; // several blocks and a tail

static void fill(void *elements, enum lw_type type, size_t index, float value)
{
    uint16_t half = type == LW_BF16 ? lw_float_to_bf16(value) : lw_float_to_f16(value);
    if (type == LW_F32) {
        memcpy((float *)elements + index, &value, sizeof value);
    } else {
        memcpy((uint16_t *)elements + index, &half, sizeof half);
    }
}

static void finds_the_first(void **state)
{
    (void)state;
    static float elements[length];
    static const float bad[] = {INFINITY, -INFINITY, NAN};
    static const size_t places[] = {0, 1, 4095, 4096, 8191, 8192, 9000};
    for (enum lw_type type = 0; type < LW_TYPE_COUNT; type++) {
        for (size_t i = 0; i < length; i++) {
            // Zeros, subnormals and the largest finite numbers among ordinary ones.
            static const float ordinary[] = {0, -0.0f, 1.5f, -3e-5f, 6e-8f, 65504, -65504};
            fill(elements, type, i, ordinary[i % (sizeof ordinary / sizeof *ordinary)]);
        }
        assert_int_equal(lw_first_nonfinite(elements, type, length), length);
        assert_int_equal(lw_first_nonfinite(elements, type, 0), 0);
        for (size_t p = sizeof places / sizeof *places; p-- > 0;) {
            fill(elements, type, places[p], bad[p % 3]); // later ones stay
            assert_int_equal(lw_first_nonfinite(elements, type, length), places[p]);
            assert_int_equal(lw_first_nonfinite(elements, type, places[p]), places[p]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_the_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
