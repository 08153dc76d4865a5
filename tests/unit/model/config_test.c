// SPDX-License-Identifier: Apache-2.0
// engine/model/config: both layouts of config.json, and files that are no model's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/config.h"
#include "engine/model/family.h"
#include "engine/model/parameters.h"
#include "engine/model/presets.h"

#define SIZES                                                                                      \
    "\"vocab_size\": 512, \"hidden_size\": 64, \"intermediate_size\": 96, "                        \
    "\"num_hidden_layers\": 2, \"num_attention_heads\": 4"
#define DIMENSIONS "\"architectures\": [\"Qwen2ForCausalLM\"], " SIZES
#define QWEN3 "\"architectures\": [\"Qwen3ForCausalLM\"], " SIZES

static bool parse(struct lw_config *config, const char *text, struct lw_error *error)
{
    *error = (struct lw_error){0};
    return lw_config_parse(config, text, strlen(text), "config.json", error);
}

static void both_layouts_are_read(void **state)
{
    (void)state;
    struct lw_config config;
    struct lw_error error;
    assert_true(parse(&config,
        "{" DIMENSIONS
        ", \"num_key_value_heads\": 2, \"rope_theta\": 1000000.0, \"torch_dtype\": \"bfloat16\", "
        "\"rms_norm_eps\": 1e-5, \"tie_word_embeddings\": true, \"sliding_window\": 8, "
        "\"use_sliding_window\": false, \"eos_token_id\": [3, 4]}",
        &error));
    assert_int_equal(config.head_dim, 16);
    assert_int_equal(config.kv_heads, 2);
    assert_int_equal(config.sliding_window, 0);
    assert_int_equal(config.type, LW_BF16);
    assert_int_equal(config.stop_token_count, 2);
    assert_int_equal(config.stop_tokens[1], 4);
    assert_true(config.tied);
    assert_true(fabs((double)config.rms_norm_eps - 1e-5) < 1e-11);
    assert_true(config.rotary.theta == 1e6);
    assert_true(parse(&config,
        "{" DIMENSIONS
        ", \"rope_parameters\": {\"rope_theta\": 500.0, \"rope_type\": \"default\"}, "
        "\"dtype\": \"float16\", \"head_dim\": 24, \"sliding_window\": null}",
        &error));
    assert_int_equal(config.head_dim, 24);
    assert_int_equal(config.type, LW_F16);
    assert_false(config.tied);
    assert_true(config.rotary.theta == 500);
}

static void what_a_family_has_is_its_own(void **state)
{
    (void)state;
    struct lw_config config;
    struct lw_error error;
    assert_true(parse(&config, "{" QWEN3 ", \"attention_bias\": false}", &error));
    assert_true(config.family->qk_norm);
    assert_false(config.family->qkv_bias);
    assert_int_equal(config.head_dim, 128); // transformers' Qwen3Config, whatever hidden_size is
    assert_true(parse(&config, "{" DIMENSIONS ", \"attention_bias\": true}", &error));
    assert_false(config.family->qk_norm);
    assert_true(config.family->qkv_bias);
}

#define SIZES                                                                                      \
    "\"vocab_size\": 512, \"hidden_size\": 64, \"intermediate_size\": 96, "                        \
    "\"num_hidden_layers\": 2, \"num_attention_heads\": 4"
#define QWEN2 "{\"architectures\": [\"Qwen2ForCausalLM\"], " SIZES
#define LLAMA "{\"architectures\": [\"LlamaForCausalLM\"], " SIZES
#define MISTRAL "{\"architectures\": [\"MistralForCausalLM\"], " SIZES
#define PHI3 "{\"architectures\": [\"Phi3ForCausalLM\"], " SIZES

// As transformers' config classes and modelling code read them.
static void windows_follow_the_family(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t window;
    } cases[] = {
        {MISTRAL ", \"sliding_window\": 8}", 8},
        {MISTRAL ", \"sliding_window\": null}", 0},
        {MISTRAL "}", 4096},
        {PHI3 ", \"sliding_window\": 20}", 20},
        {PHI3 "}", 0},
        {LLAMA ", \"sliding_window\": 20}", 0},
        {QWEN2 ", \"sliding_window\": 8, \"max_window_layers\": 0}", 0},
        {QWEN2 ", \"sliding_window\": 8, \"use_sliding_window\": true}", 0},
        {QWEN2 ", \"sliding_window\": 8, \"use_sliding_window\": true, \"max_window_layers\": 0}",
            8},
        {QWEN2 ", \"sliding_window\": 8, \"use_sliding_window\": true, \"max_window_layers\": 2}",
            0},
        {QWEN2 ", \"sliding_window\": 8, \"use_sliding_window\": true, \"max_window_layers\": 1, "
               "\"layer_types\": [\"sliding_attention\", \"sliding_attention\"]}",
            8},
        {QWEN2 ", \"sliding_window\": 8, \"use_sliding_window\": true, \"max_window_layers\": 0, "
               "\"layer_types\": [\"full_attention\", \"full_attention\"]}",
            0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_config config;
        struct lw_error error;
        assert_true(parse(&config, cases[i].text, &error));
        if (config.sliding_window != cases[i].window) {
            printf("%s: %u\n", cases[i].text, config.sliding_window);
            fail();
        }
    }
}

static void pad_tokens_and_absent_keys(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t pad_token;
    } cases[] = {
        {LLAMA "}", LW_CONFIG_NO_TOKEN},
        {LLAMA ", \"pad_token_id\": null}", LW_CONFIG_NO_TOKEN},
        {LLAMA ", \"pad_token_id\": 0}", 0},
        {LLAMA ", \"pad_token_id\": -1}", 511}, // as nn.Embedding counts
        {PHI3 "}", 32000},
        {PHI3 ", \"pad_token_id\": null}", LW_CONFIG_NO_TOKEN},
    };
    struct lw_config config;
    struct lw_error error;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(parse(&config, cases[i].text, &error));
        assert_int_equal(config.pad_token, cases[i].pad_token);
    }
    assert_true(fabs((double)config.rms_norm_eps - 1e-5) < 1e-11);
    assert_int_equal(config.max_position_embeddings, 4096);
    assert_true(parse(&config, LLAMA ", \"attention_bias\": false, \"mlp_bias\": false}", &error));
    assert_int_equal(config.max_position_embeddings, 2048);
    assert_int_equal(config.rotary.columns, 16);
}

static void presets_have_the_parameters_they_say(void **state)
{
    (void)state;
    struct lw_error error = {0};
    for (size_t i = 0; lw_preset_at(i); i++) {
        const struct lw_preset *preset = lw_preset_at(i);
        struct lw_string text = {0};
        struct lw_config config;
        struct lw_layout *layout;
        assert_true(lw_preset_config(preset, &text, &error));
        assert_true(parse(&config, lw_string_text(&text), &error));
        assert_true(lw_layout_create(&layout, &config, UINT64_MAX, &error));
        char *unit;
        double said = strtod(lw_preset_summary(preset), &unit) * (unit[1] == 'G' ? 1e9 : 1e6);
        double half_a_digit = said < 1e6 ? 5e4 : 0.006 * said;
        assert_true(fabs((double)layout->parameter_elements - said) < half_a_digit);
        lw_layout_destroy(layout);
        lw_string_free(&text);
    }
}

static void bad_configs_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "config.json"},
        {"[1]", "config.json"},
        {"{\"architectures\": [\"GPT2LMHeadModel\"]}",
            "Qwen2ForCausalLM, Qwen3ForCausalLM, LlamaForCausalLM, MistralForCausalLM, Phi3"},
        {"{\"vocab_size\": 5}", "architectures"},
        {"{\"architectures\": [\"Qwen2ForCausalLM\"], \"vocab_size\": -1}", "vocab_size"},
        {"{\"architectures\": [\"Qwen2ForCausalLM\"], \"vocab_size\": 1e30}", "vocab_size"},
        {"{\"architectures\": [\"Qwen2ForCausalLM\"], \"vocab_size\": 512, \"hidden_size\": 64.5}",
            "hidden_size"},
        {"{\"architectures\": [\"Qwen2ForCausalLM\"], \"vocab_size\": 4000000, \"hidden_size\": "
         "4000000, \"intermediate_size\": 4, \"num_hidden_layers\": 1, \"num_attention_heads\": "
         "65536}",
            "dimension"},
        {"{" DIMENSIONS ", \"num_key_value_heads\": 3}", "num_key_value_heads"},
        {"{" DIMENSIONS ", \"head_dim\": 15}", "even"},
        {"{" DIMENSIONS ", \"hidden_act\": \"gelu\"}", "hidden_act"},
        {"{" QWEN3 ", \"attention_bias\": true}", "attention_bias"},
        {"{" DIMENSIONS ", \"torch_dtype\": \"float8\"}", "float8"},
        {"{" DIMENSIONS ", \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4}}", "yarn"},
        {"{" QWEN3 ", \"partial_rotary_factor\": 0.5}", "partial_rotary_factor"},
        {LLAMA ", \"attention_bias\": true}", "attention_bias"},
        {LLAMA ", \"mlp_bias\": true}", "mlp_bias"},
        {LLAMA ", \"pad_token_id\": 512}", "pad_token_id"},
        {"{" DIMENSIONS ", \"use_sliding_window\": true, \"layer_types\": [\"full_attention\", "
         "\"sliding_attention\"]}",
            "layer_types"},
        {"{" DIMENSIONS ", \"use_sliding_window\": true, \"layer_types\": [\"linear\"]}",
            "layer_types"},
        {"{" DIMENSIONS ", \"use_sliding_window\": true, \"sliding_window\": 8, "
         "\"max_window_layers\": 1}",
            "max_window_layers"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_config config;
        struct lw_error error;
        bool parsed = parse(&config, cases[i].text, &error);
        if (parsed || error.status != LW_BAD_INPUT || !strstr(error.message, cases[i].part)) {
            printf("%s: parsed %d, status %d: %s\n", cases[i].text, parsed, (int)error.status,
                error.message);
            fail();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_layouts_are_read),
        cmocka_unit_test(what_a_family_has_is_its_own),
        cmocka_unit_test(windows_follow_the_family),
        cmocka_unit_test(pad_tokens_and_absent_keys),
        cmocka_unit_test(presets_have_the_parameters_they_say),
        cmocka_unit_test(bad_configs_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
