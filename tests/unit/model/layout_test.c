// SPDX-License-Identifier: Apache-2.0
// engine/model/parameters: every weight has one place, parts tile their slot, groups keep the order
// that the optimizer relies on.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/model/parameters.h"

static struct lw_config small_config(const char *architecture, bool tied)
{
    return (struct lw_config){.family = lw_family_find(architecture),
        .vocab_size = 100,
        .hidden_size = 12,
        .intermediate_size = 20,
        .layers = 3,
        .heads = 3,
        .kv_heads = 1,
        .head_dim = 6,
        .tied = tied};
}

// Marks the elements of a parameter in its group; fails when one is taken already.
static void claim(
    const struct lw_layout *layout, const struct lw_parameter *parameter, unsigned char **taken)
{
    const struct lw_place *place = lw_layout_place(layout, parameter->layer, parameter->slot);
    uint64_t first = place->offset + parameter->offset;
    uint64_t count = (uint64_t)parameter->rows * parameter->columns;
    assert_true(first + count <= layout->groups[place->group].count);
    bool decays = first < layout->groups[place->group].decayed;
    assert_int_equal(decays, parameter->decayed);
    for (uint64_t i = first; i < first + count; i++) {
        assert_int_equal(taken[place->group][i], 0);
        taken[place->group][i] = 1;
    }
}

// `vectors`: the parameters of one dimension in a layer besides the two norms, and their elements.
static void check_layout(const char *architecture, bool tied, uint64_t group_limit,
    unsigned vectors, unsigned vector_elements)
{
    struct lw_error error = {0};
    struct lw_config config = small_config(architecture, tied);
    struct lw_layout *layout;
    assert_true(lw_layout_create(&layout, &config, group_limit, &error));
    unsigned char *taken[256];
    assert_true(layout->group_count <= 256);
    for (size_t i = 0; i < layout->group_count; i++) {
        taken[i] = lw_calloc(layout->groups[i].count, 1, &error);
    }
    for (size_t i = 0; i < layout->parameter_count; i++) {
        claim(layout, &layout->parameters[i], taken);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(layout->parameters[i].name, layout->parameters[j].name);
        }
    }
    for (size_t i = 0; i < layout->group_count; i++) {
        lw_free(taken[i]);
    }
    // q [18,12], k and v [6,12], o [12,18], gate and up [20,12], down [12,20], norms 24.
    uint64_t layer = 18 * 12 + 2 * 6 * 12 + 12 * 18 + 2 * 20 * 12 + 12 * 20 + 24 + vector_elements;
    assert_int_equal(layout->parameter_elements, 100 * 12 * (tied ? 1 : 2) + 3 * layer + 12);
    assert_int_equal(layout->parameter_count, 3 * (9 + vectors) + (tied ? 2 : 3));
    lw_layout_destroy(layout);
}

static void every_weight_has_one_place(void **state)
{
    (void)state;
    check_layout("Qwen2ForCausalLM", true, (uint64_t)1 << 28, 3, 30);
    check_layout("Qwen2ForCausalLM", false, (uint64_t)1 << 28, 3, 30);
    check_layout("Qwen3ForCausalLM", false, (uint64_t)1 << 28, 2, 12);
}

static void small_groups_split_but_never_a_slot(void **state)
{
    (void)state;
    check_layout("Qwen2ForCausalLM", false, 1500, 3, 30);
    check_layout("Qwen2ForCausalLM", false, 1, 3, 30);
    check_layout("Qwen3ForCausalLM", false, 1, 2, 12);
}

static void names_are_those_of_transformers(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_config config = small_config("Qwen2ForCausalLM", false);
    struct lw_layout *layout;
    assert_true(lw_layout_create(&layout, &config, UINT64_MAX, &error));
    assert_string_equal(layout->parameters[0].name, "model.embed_tokens.weight");
    assert_string_equal(layout->parameters[1].name, "model.layers.0.input_layernorm.weight");
    assert_string_equal(layout->parameters[13].name, "model.layers.1.input_layernorm.weight");
    assert_string_equal(layout->parameters[layout->parameter_count - 1].name, "lm_head.weight");
    for (size_t i = 0; i < layout->parameter_count; i++) {
        const struct lw_parameter *parameter = &layout->parameters[i];
        if (!strcmp(parameter->name, "model.layers.2.self_attn.v_proj.weight")) {
            assert_int_equal(parameter->rows, 6);
            assert_int_equal(parameter->columns, 12);
            assert_int_equal(parameter->offset, 24 * 12);
            assert_int_equal(parameter->rank, 2);
        }
        if (!strcmp(parameter->name, "model.layers.2.self_attn.k_proj.bias")) {
            assert_int_equal(parameter->columns, 6);
            assert_int_equal(parameter->offset, 18);
            assert_int_equal(parameter->rank, 1);
        }
    }
    lw_layout_destroy(layout);
}

static void failed_allocations_leak_nothing(void **state)
{
    (void)state;
    struct lw_config config = small_config("Qwen2ForCausalLM", true);
    for (long n = 0;; n++) {
        struct lw_error error = {0};
        struct lw_layout *layout;
        lw_memory_fail_after(n);
        bool made = lw_layout_create(&layout, &config, 1500, &error);
        lw_memory_fail_after(-1);
        if (made) {
            assert_true(n > 2);
            lw_layout_destroy(layout);
            return;
        }
        assert_int_equal(error.status, LW_NO_RESOURCE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_weight_has_one_place),
        cmocka_unit_test(small_groups_split_but_never_a_slot),
        cmocka_unit_test(names_are_those_of_transformers),
        cmocka_unit_test(failed_allocations_leak_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
