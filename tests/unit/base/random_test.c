// SPDX-License-Identifier: Apache-2.0
// engine/base/random, hash and utf8: published vectors, and the statistics of what is made of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/random.h"
#include "engine/base/utf8.h"

// The lines "philox4x32 10" of Random123's tests/kat_vectors.
static void philox_vectors(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], bits[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff},
            {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0},
            {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint32_t bits[4];
        lw_philox4x32(vectors[i].counter, vectors[i].key, bits);
        assert_memory_equal(bits, vectors[i].bits, sizeof bits);
    }
    // Seed, stream and index stand where random.h says.
    assert_true(lw_random_bits(0x299f31d0a4093822u, 0x0370734413198a2eu, 0x85a308d3243f6a88u) ==
                0x94fdccebd16cfe09u);
}

static void distributions(void **state)
{
    (void)state;
    enum { COUNT = 1000000 };
    double sum = 0, normal_sum = 0, squares = 0, fourth = 0;
    unsigned buckets[10] = {0};
    for (uint64_t i = 0; i < COUNT; i++) {
        float uniform = lw_random_uniform(42, 7, i);
        assert_true(uniform >= 0 && uniform < 1);
        sum += uniform;
        double normal = lw_random_normal(42, 8, i);
        normal_sum += normal;
        squares += normal * normal;
        fourth += normal * normal * normal * normal;
        uint64_t below = lw_random_below(42, 9, i, 10);
        assert_true(below < 10);
        buckets[below]++;
    }
    // Five standard deviations of each estimate.
    assert_true(fabs(sum / COUNT - 0.5) < 5 * sqrt(1.0 / 12 / COUNT));
    assert_true(fabs(normal_sum / COUNT) < 5 / sqrt(COUNT));
    assert_true(fabs(squares / COUNT - 1) < 5 * sqrt(2.0 / COUNT));
    assert_true(fabs(fourth / COUNT - 3) < 5 * sqrt(96.0 / COUNT));
    for (int i = 0; i < 10; i++) {
        assert_true(fabs(buckets[i] - COUNT / 10.0) < 5 * sqrt(COUNT * 0.09));
    }
}

// Values of the xxHash library's XXH64.
static void hash_vectors(void **state)
{
    (void)state;
    static const char sentence[] = "Nobody inspects the spammish repetition";
    assert_true(lw_hash_bytes("", 0, 0) == 0xEF46DB3751D8E999u);
    assert_true(lw_hash_bytes("a", 1, 0) == 0xD24EC4F1A98C6E5Bu);
    assert_true(lw_hash_bytes("abc", 3, 0) == 0x44BC2CF5AD770999u);
    assert_true(lw_hash_bytes(sentence, strlen(sentence), 0) == 0xFBCEA83C8A378BF1u);
    // All lengths from 0 to 255, each hash added to one, with a seed.
    unsigned char bytes[256];
    struct lw_hash all;
    lw_hash_start(&all, 0);
    for (size_t length = 0; length < sizeof bytes; length++) {
        bytes[length] = (unsigned char)(length * 131 + 7);
        uint64_t value = lw_hash_bytes(bytes, length, length * 0x9E3779B97F4A7C15u);
        unsigned char little[8];
        for (int i = 0; i < 8; i++) {
            little[i] = (unsigned char)(value >> 8 * i);
        }
        lw_hash_add(&all, little, sizeof little);
    }
    assert_true(lw_hash_value(&all) == 0x6319985A76A86A24u);
}

static void hash_in_pieces(void **state)
{
    (void)state;
    unsigned char bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)lw_random_bits(1, 2, i);
    }
    uint64_t whole = lw_hash_bytes(bytes, sizeof bytes, 5);
    for (size_t step = 1; step < 70; step++) {
        struct lw_hash hash;
        lw_hash_start(&hash, 5);
        for (size_t at = 0; at < sizeof bytes; at += step) {
            size_t left = sizeof bytes - at;
            lw_hash_add(&hash, bytes + at, left < step ? left : step);
        }
        assert_true(lw_hash_value(&hash) == whole);
    }
}

// Every code point in its one form is accepted; forms that RFC 3629 forbids are not.
static void utf8_borders(void **state)
{
    (void)state;
    for (uint32_t point = 0; point < 0x110000; point++) {
        char text[4];
        size_t length;
        if (point < 0x80) {
            text[0] = (char)point;
            length = 1;
        } else if (point < 0x800) {
            text[0] = (char)(0xC0 | point >> 6);
            length = 2;
        } else if (point < 0x10000) {
            text[0] = (char)(0xE0 | point >> 12);
            length = 3;
        } else {
            text[0] = (char)(0xF0 | point >> 18);
            length = 4;
        }
        for (size_t i = 1; i < length; i++) {
            text[i] = (char)(0x80 | (point >> 6 * (length - 1 - i) & 0x3F));
        }
        bool surrogate = point >= 0xD800 && point < 0xE000;
        assert_int_equal(lw_utf8_valid_length(text, length), surrogate ? 0 : length);
        if (length > 1) {
            assert_int_equal(lw_utf8_valid_length(text, length - 1), 0); // cut
        }
    }
    static const char *const wrong[] = {"\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\x80", "\xC2\x20", "\xE1\x80\x20"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(lw_utf8_valid_length(wrong[i], strlen(wrong[i])), 0);
    }
    assert_int_equal(lw_utf8_valid_length("ab\xC3\xA9\xFFz", 6), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_vectors),
        cmocka_unit_test(distributions),
        cmocka_unit_test(hash_vectors),
        cmocka_unit_test(hash_in_pieces),
        cmocka_unit_test(utf8_borders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
