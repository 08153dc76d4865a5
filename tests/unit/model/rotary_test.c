// SPDX-License-Identifier: Apache-2.0
// engine/model/rotary: the frequencies are transformers' to the bit, in both layouts of config.json;
// what is not supported is named. The expected values were printed by transformers 5.12.1 with torch
// 2.14.1: float.hex() of inv_freq and attention_scaling of LlamaRotaryEmbedding and
// Phi3RotaryEmbedding for the same keys.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/io/json.h"
#include "engine/model/rotary.h"

#define SHORT6 "1.0, 1.02, 1.05, 1.1, 1.2, 1.35"
#define LONG6 "1.1, 1.4, 2.0, 3.1, 4.5, 6.0"
#define LONGROPE6 "\"short_factor\": [" SHORT6 "], \"long_factor\": [" LONG6 "]"
#define LONGROPE8                                                                                  \
    "\"short_factor\": [" SHORT6 ", 1.6, 2.0], \"long_factor\": [" LONG6 ", 8.5, 11.0]"

static bool read(struct lw_rotary *rotary, const char *text, const struct lw_rotary_params *params,
    struct lw_error *error)
{
    *error = (struct lw_error){0};
    cJSON *json = lw_json_parse(text, strlen(text), "config.json", NULL, error);
    assert_non_null(json);
    bool done = lw_rotary_read(rotary, &(struct lw_json_scope){json, "config.json"}, params, error);
    cJSON_Delete(json);
    return done;
}

struct reference {
    const char *text;
    struct lw_rotary_params params;
    double attention_factor;
    uint32_t rows, count;
    float frequencies[32];
};

static const struct reference references[] = {
    {"{\"rope_theta\": 1000000.0}", {16, 512, 0}, 1, 1, 8,
        {0x1p+0f, 0x1.6c310ep-3f, 0x1.030dc6p-5f, 0x1.708938p-8f, 0x1.0624dep-10f, 0x1.74eea6p-13f,
            0x1.094564p-15f, 0x1.796182p-18f}},
    // rope_scaling without content leaves rope_parameters in force.
    {"{\"rope_parameters\": {\"rope_theta\": 10000, \"rope_type\": \"linear\", \"factor\": 3.0}, "
     "\"rope_theta\": 5.0, \"rope_scaling\": {}}",
        {16, 512, 0}, 1, 1, 8,
        {0x1.555556p-2f, 0x1.afc19ep-4f, 0x1.111112p-5f, 0x1.5967b2p-7f, 0x1.b4e81ap-9f,
            0x1.1452f6p-10f, 0x1.5d867ep-12f, 0x1.ba1e56p-14f}},
    {"{\"rope_theta\": 500000.0, \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0, "
     "\"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, "
     "\"original_max_position_embeddings\": 64}}",
        {16, 512, 0}, 1, 1, 8,
        {0x1p+0f, 0x1.453c18p-4f, 0x1.341190p-8f, 0x1.ddee9ep-11f, 0x1.72ba42p-13f, 0x1.1f91f0p-15f,
            0x1.be2188p-18f, 0x1.5a0f4ep-20f}},
    // Llama-3.2's own numbers.
    {"{\"rope_parameters\": {\"rope_type\": \"llama3\", \"rope_theta\": 500000.0, \"factor\": "
     "32.0, "
     "\"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, "
     "\"original_max_position_embeddings\": 8192}}",
        {64, 131072, 0}, 1, 1, 32,
        {0x1p+0f, 0x1.53c38cp-1f, 0x1.c2ef78p-2f, 0x1.2b3dc6p-2f, 0x1.8d2760p-3f, 0x1.078d40p-3f,
            0x1.5dc95ap-4f, 0x1.d03ccep-5f, 0x1.341190p-5f, 0x1.98de92p-6f, 0x1.0f5386p-6f,
            0x1.681adap-7f, 0x1.ddee9ep-8f, 0x1.3d2804p-8f, 0x1.a4ee40p-9f, 0x1.524f36p-10f,
            0x1.c26c40p-12f, 0x1.9731eep-14f, 0x1.46831ap-16f, 0x1.b15902p-17f, 0x1.1f91f0p-17f,
            0x1.7da9e8p-18f, 0x1.fa8b86p-19f, 0x1.5024d6p-19f, 0x1.be2188p-20f, 0x1.280d96p-20f,
            0x1.88ec20p-21f, 0x1.04be68p-21f, 0x1.5a0f4ep-22f, 0x1.cb4a9ap-23f, 0x1.30c94ep-23f,
            0x1.948360p-24f}},
    {"{\"rope_theta\": 10000.0, \"original_max_position_embeddings\": 32, \"rope_scaling\": "
     "{\"type\": \"su\", " LONGROPE8 "}}",
        {16, 128, 4096}, 0x1.2ee73dadc9b57p+0, 2, 8,
        {0x1p+0f, 0x1.3d77c6p-2f, 0x1.861862p-4f, 0x1.d701c4p-6f, 0x1.111110p-7f, 0x1.3306d8p-9f,
            0x1.47ae14p-11f, 0x1.4b96c0p-13f, 0x1.d1745cp-1f, 0x1.ce9896p-3f, 0x1.99999ap-5f,
            0x1.4e4352p-7f, 0x1.234568p-9f, 0x1.1452f6p-11f, 0x1.ed7292p-14f, 0x1.e24fa0p-16f}},
    // 0.75 of 16 columns are rotated; the original length is the family's.
    {"{\"rope_parameters\": {\"partial_rotary_factor\": 0.75, \"rope_type\": \"longrope\", "
     "\"rope_theta\": 10000.0, " LONGROPE6 "}}",
        {16, 131072, 4096}, 0x1.30b3713738289p+0, 2, 6,
        {0x1p+0f, 0x1.b093a2p-3f, 0x1.6a21dep-5f, 0x1.29e412p-7f, 0x1.d6a4b2p-10f, 0x1.6885dep-12f,
            0x1.d1745cp-1f, 0x1.3b29bap-3f, 0x1.7c3d2ap-6f, 0x1.a6d01ap-9f, 0x1.f60504p-12f,
            0x1.44787cp-14f}},
};

static void frequencies_are_those_of_transformers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
        const struct reference *reference = &references[i];
        struct lw_rotary rotary;
        struct lw_error error;
        if (!read(&rotary, reference->text, &reference->params, &error)) {
            printf("%s: %s\n", reference->text, error.message);
            fail();
        }
        float frequencies[2 * LW_ROTARY_MOST];
        assert_int_equal(lw_rotary_rows(&rotary), reference->rows);
        assert_int_equal(rotary.columns, 2 * reference->count);
        assert_true(rotary.attention_factor == reference->attention_factor);
        lw_rotary_frequencies(&rotary, frequencies);
        for (uint32_t j = 0; j < reference->rows * reference->count; j++) {
            if (frequencies[j] != reference->frequencies[j]) {
                printf("%s: frequency %u is %a, not %a\n", reference->text, j,
                    (double)frequencies[j], (double)reference->frequencies[j]);
                fail();
            }
        }
    }
}

static void long_factors_begin_past_the_original_length(void **state)
{
    (void)state;
    struct lw_rotary rotary;
    struct lw_error error;
    const struct lw_rotary_params params = {16, 128, 4096};
    assert_true(read(&rotary,
        "{\"rope_parameters\": {\"rope_type\": \"longrope\", "
        "\"original_max_position_embeddings\": 32, " LONGROPE8 ", \"attention_factor\": 1.5}}",
        &params, &error));
    assert_int_equal(lw_rotary_row(&rotary, 32), 0);
    assert_int_equal(lw_rotary_row(&rotary, 33), 1);
    assert_true(rotary.attention_factor == 1.5);
    assert_true(read(&rotary, "{}", &params, &error));
    assert_int_equal(lw_rotary_row(&rotary, 5000), 0);
}

static void rotations_are_compared_by_what_they_do(void **state)
{
    (void)state;
    const struct lw_rotary_params params = {16, 128, 0};
    const char *const texts[] = {"{\"rope_theta\": 500.0}",
        "{\"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 500.0}}",
        "{\"rope_theta\": 600.0}", "{\"rope_theta\": 500.0, \"partial_rotary_factor\": 0.5}",
        "{\"rope_theta\": 500.0, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2}}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct lw_rotary first, other;
        struct lw_error error;
        assert_true(read(&first, texts[0], &params, &error));
        assert_true(read(&other, texts[i], &params, &error));
        assert_int_equal(lw_rotary_same(&first, &other), i < 2);
    }
}

static void bad_settings_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"{\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4}}", "yarn"},
        {"{\"rope_scaling\": {\"rope_type\": \"dynamic\", \"factor\": 4}}", "dynamic"},
        {"{\"rope_scaling\": 4}", "rope_scaling"},
        {"{\"rope_parameters\": {\"full_attention\": {\"rope_theta\": 5}}}", "full_attention"},
        {"{\"rope_scaling\": {\"type\": \"linear\"}}", "factor"},
        {"{\"rope_scaling\": {\"type\": \"linear\", \"factor\": -1}}", "factor"},
        {"{\"rope_scaling\": {\"type\": \"llama3\", \"factor\": 8}}", "low_freq_factor"},
        {"{\"rope_scaling\": {\"type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, "
         "\"high_freq_factor\": 4}}",
            "high_freq_factor"},
        {"{\"rope_scaling\": {\"type\": \"longrope\", \"long_factor\": [1]}}", "short_factor"},
        {"{\"rope_scaling\": {\"type\": \"longrope\", " LONGROPE6 "}}", "8 numbers"},
        {"{\"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [" SHORT6
         ", 0, 1], \"long_factor\": [" LONG6 ", 1, 1]}}",
            "positive"},
        {"{\"partial_rotary_factor\": 0.1}", "partial_rotary_factor"},
        {"{\"partial_rotary_factor\": 1.5}", "partial_rotary_factor"},
        {"{\"rope_theta\": \"big\"}", "rope_theta"},
        {"{\"original_max_position_embeddings\": 0}", "original_max_position_embeddings"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_rotary rotary;
        struct lw_error error;
        bool done = read(&rotary, cases[i].text, &(struct lw_rotary_params){16, 128, 0}, &error);
        if (done || error.status != LW_BAD_INPUT || !strstr(error.message, cases[i].part)) {
            printf("%s: read %d, status %d: %s\n", cases[i].text, done, (int)error.status,
                error.message);
            fail();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frequencies_are_those_of_transformers),
        cmocka_unit_test(long_factors_begin_past_the_original_length),
        cmocka_unit_test(rotations_are_compared_by_what_they_do),
        cmocka_unit_test(bad_settings_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
