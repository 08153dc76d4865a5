// SPDX-License-Identifier: Apache-2.0
// merger/recipe.h: recipes as people write them for mergekit, what they come to, and every refusal.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "merger/recipe.h"

struct warnings {
    int count;
    char last[300];
};

static void warn(void *context, enum lw_log_level level, const char *message)
{
    struct warnings *warnings = context;
    assert_int_equal(level, LW_LOG_WARNING);
    warnings->count++;
    snprintf(warnings->last, sizeof warnings->last, "%s", message);
}

static struct lw_merge_recipe *parse(
    const char *text, struct warnings *warnings, struct lw_error *error)
{
    struct lw_merge_recipe *recipe = NULL;
    *warnings = (struct warnings){0};
    const struct lw_log log = {.write = warn, .context = warnings};
    lw_merge_recipe_parse(&recipe, text, strlen(text), "r.yml", &log, error);
    return recipe;
}

static struct lw_merge_recipe *accept(const char *text, int warning_count)
{
    struct lw_error error = {0};
    struct warnings warnings;
    struct lw_merge_recipe *recipe = parse(text, &warnings, &error);
    if (!recipe || warnings.count != warning_count) {
        fail_msg("%s\n%s\n%s", text, error.message, warnings.last);
        return NULL; // fail_msg does not come back, which the analyzer does not know
    }
    assert_string_equal(recipe->text, text);
    return recipe;
}

static void reads_models(void **state)
{
    (void)state;
    struct lw_merge_recipe *recipe =
        accept("models:\n"
               "  - model: mistralai/Mistral-7B-v0.1\n"
               "    # no parameters necessary for base model\n"
               "  - model: upstage/SOLAR+org/adapter\n"
               "    parameters:\n"
               "      density: [1, 0.7, 0.1] # density gradient\n"
               "      weight: 1.0\n"
               "  - model: {model: {path: c, revision: main}, lora: d@v2}\n"
               "    parameters: {weight: [{filter: mlp, value: 0.5}, {value: 0}]}\n"
               "merge_method: ties\n"
               "base_model: mistralai/Mistral-7B-v0.1\n"
               "parameters:\n  normalize: true\n  int8_mask: true\n"
               "dtype: float16\nout_dtype: torch.bfloat16\n"
               "tokenizer_source: union\nchat_template: auto\nrandom_seed: 7\n",
            0);
    const struct lw_merge_slice *slice = &recipe->slices[0];
    assert_string_equal(recipe->method->name, "ties");
    assert_true(recipe->whole && recipe->slice_count == 1 && slice->count == 3);
    assert_string_equal(recipe->base.folder, "mistralai/Mistral-7B-v0.1");
    assert_true(lw_merge_reference_same(&recipe->base, &slice->sources[0].model));
    assert_null(slice->sources[0].parameters);
    assert_string_equal(slice->sources[1].model.folder, "upstage/SOLAR");
    assert_string_equal(slice->sources[1].model.adapter, "org/adapter");
    assert_int_equal(slice->sources[1].line, 4);
    assert_string_equal(slice->sources[2].model.folder, "c");
    assert_string_equal(slice->sources[2].model.adapter, "d");
    assert_int_equal(*recipe->compute, LW_F16);
    assert_int_equal(*recipe->output, LW_BF16);
    assert_string_equal(recipe->tokenizer.source, "union");
    assert_string_equal(recipe->chat_template, "auto");
    assert_true(recipe->seeded && recipe->seed == 7);
    lw_merge_recipe_destroy(recipe);
}

static void reads_slices_and_tokenizer(void **state)
{
    (void)state;
    struct lw_merge_recipe *recipe =
        accept("slices:\n"
               "- sources:\n"
               "  - {model: a, layer_range: [0, 24], parameters: {scale: 0.5}}\n"
               "- sources:\n"
               "  - model: b@main\n"
               "    layer_range: [8, 32]\n"
               "  base_model: b\n"
               "merge_method: passthrough\n"
               "tokenizer:\n"
               "  source: b\n"
               "  pad_to_multiple_of: 64\n"
               "  tokens: {<|im_start|>: {source: a, force: true}}\n"
               "dtype: ~\n",
            0);
    assert_true(!recipe->whole && recipe->slice_count == 2 && !recipe->compute);
    assert_true(recipe->slices[0].sources[0].first == 0 && recipe->slices[0].sources[0].end == 24);
    assert_string_equal(recipe->slices[1].sources[0].model.folder, "b");
    assert_string_equal(recipe->slices[1].base.folder, "b");
    assert_string_equal(recipe->tokenizer.source, "model");
    assert_string_equal(recipe->tokenizer.model.folder, "b");
    assert_int_equal(recipe->tokenizer.pad_to_multiple_of, 64);
    assert_int_equal(cJSON_GetArraySize(recipe->tokenizer.tokens), 1);
    lw_merge_recipe_destroy(recipe);
    recipe = accept("merge_method: slerp\nbase_model: a\nmodules:\n  default:\n    parameters: {t: "
                    "0.5}\n    models: [{model: a}, {model: b}]\n",
        0);
    assert_true(recipe->whole && recipe->module_parameters && !recipe->parameters);
    lw_merge_recipe_destroy(recipe);
}

static void warns(void **state)
{
    (void)state;
    lw_merge_recipe_destroy(accept("models: [{model: a, parameters: {weight: 1, t: 1}}]\n"
                                   "merge_method: linear\nallow_crimes: true\nname: x\n",
        3));
    lw_merge_recipe_destroy(accept(
        "models: [{model: a, parameters: {weight: 1, normalize: 1}}]\nmerge_method: linear\n", 1));
    lw_merge_recipe_destroy(
        accept("slices: [{sources: [{model: a, layer_range: [0, 1]}], residual_weight: 0.5}]\n"
               "merge_method: passthrough\n",
            1));
}

#define MODELS "merge_method: linear\nmodels: [{model: a, parameters: {weight: 1}}]\n"
#define SLICE(text) "merge_method: passthrough\nslices: [" text "]\n"

static void refuses(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"", "a recipe is a map"}, {"[1]", "a recipe is a map"},
        {"models: [{model: a}]\n", "`merge_method` is missing"},
        {"merge_method: average\nmodels: []\n",
            "r.yml:1: there is no merge_method \"average\"; there are linear, slerp"},
        {"merge_method: linear\n", "exactly one of `models` and `slices`"},
        {MODELS "slices: []\n", "exactly one of"}, {MODELS "modules: {a: {}}\n", "exactly one of"},
        {MODELS "basemodel: a\n",
            "r.yml:3: a recipe has no key basemodel; did you mean base_model?"},
        {MODELS "zzzzzzzzzz: a\n", "no key zzzzzzzzzz"},
        {MODELS "dtype: int8\n", "r.yml:3: dtype must be float32"},
        {MODELS "out_dtype: [a]\n", "out_dtype must be a text"},
        {MODELS "parameters: {wieght: 1}\n", "there is no parameter wieght; did you mean weight?"},
        {MODELS "parameters: {weight: x}\n", "the value of weight must be"},
        {MODELS "parameters: 3\n", "parameters must be a map"},
        {MODELS "tokenizer_source: base\ntokenizer: {source: base}\n", "take one of the two"},
        {MODELS "tokenizer: {from: base}\n", "tokenizer has no key from"},
        {MODELS "tokenizer: {tokens: [1]}\n", "tokens must be a map"},
        {MODELS "tokenizer: {pad_to_multiple_of: 0}\n", "pad_to_multiple_of"},
        {MODELS "tokenizer_source: [a]\n", "a model must be"},
        {MODELS "random_seed: -1\n", "random_seed"}, {MODELS "chat_template: 3\n", "chat_template"},
        {MODELS "base_model: 7\n", "a model must be"},
        {MODELS "base_model: a+b+c\n", "one adapter"},
        {MODELS "base_model: +c\n", "a model must be"},
        {MODELS "base_model: {path: 3}\n", "a model's path"},
        {MODELS "base_model: {model: a, override_architecture: X}\n", "override_architecture"},
        {MODELS "base_model: {lora: a}\n", "a model must be"},
        {"merge_method: linear\nmodels: {a: 1}\n", "`models` must be a list"},
        {"merge_method: linear\nmodels: [a]\n", "a model must be a map"},
        {"merge_method: linear\nmodels: [{modle: a}]\n", "did you mean model?"},
        {"merge_method: linear\nmodels: [{parameters: {}}]\n", "`model` is missing"},
        {"merge_method: linear\nmodels: [{model: a, layer_range: [0, 1]}]\n", "no key layer_range"},
        {SLICE("{model: a}"), "a slice has no key model"}, {SLICE("{}"), "`sources` is missing"},
        {SLICE("{sources: []}"), "must be a list of sources"},
        {SLICE("{sources: [{model: a}]}"), "`layer_range` is missing"},
        {SLICE("{sources: [{model: a, layer_range: [1]}]}"), "layer_range must be"},
        {SLICE("{sources: [{model: a, layer_range: [4, 4]}]}"), "layer_range must be"},
        {SLICE("{sources: [{model: a, layer_range: [-1, 4]}]}"), "layer_range must be"},
        {SLICE("{sources: [{model: a, layer_range: [0, 1.5]}]}"), "layer_range must be"},
        {SLICE("{sources: [{model: a, layer_range: [0, 1]}, {model: a, layer_range: [0, 2]}]}"),
            "same number of layers"},
        {"merge_method: passthrough\nslices: []\n", "must be a list of slices"},
        {"merge_method: linear\nmodules: {text: {models: [{model: a}]}, vision: {}}\n",
            "module vision beside text"},
        {"merge_method: linear\nmodules: {text: {}}\n", "exactly one of"},
        {"merge_method: linear\nmodules: []\n", "modules must be a map"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lw_error error = {0};
        struct warnings warnings;
        if (parse(rows[i][0], &warnings, &error) || error.status != LW_USAGE ||
            strncmp(error.message, "r.yml:", 6) != 0 || !strstr(error.message, rows[i][1])) {
            fail_msg("%s: %s", rows[i][0], error.message);
        }
    }
}

static void simple_is_a_recipe(void **state)
{
    (void)state;
    static const char *const models[] = {"a \"b\"", "c+d"};
    static const double weights[] = {0.1, 1e300};
    static const enum lw_type type = LW_BF16;
    struct lw_merge_recipe *recipe;
    struct lw_merge_simple simple = {models, 2, NULL, weights, &type};
    assert_true(lw_merge_recipe_simple(&recipe, &simple, NULL));
    assert_string_equal(recipe->method->name, "linear");
    assert_string_equal(recipe->base.folder, "a \"b\"");
    assert_string_equal(recipe->slices[0].sources[1].model.adapter, "d");
    assert_int_equal(*recipe->compute, LW_BF16);
    lw_merge_recipe_destroy(recipe);
    struct lw_error error = {0};
    simple.count = 1;
    assert_false(lw_merge_recipe_simple(&recipe, &simple, &error));
    assert_int_equal(error.status, LW_USAGE);
}

static void says_how_to_get_models(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_merge_reference reference = {.folder = (char[]){"org/model"}, .line = 4};
    assert_false(lw_merge_reference_check(&reference, "r.yml", &error));
    assert_non_null(strstr(error.message, "r.yml:4: org/model"));
    assert_non_null(strstr(error.message, "hf download org/model --local-dir org/model"));
    error = (struct lw_error){0};
    reference.folder = (char[]){"./model"};
    assert_false(lw_merge_reference_check(&reference, "r.yml", &error));
    assert_null(strstr(error.message, "download"));
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    struct lw_merge_recipe *recipe = NULL;
    for (long successes = 0; !recipe; successes++) {
        struct lw_error error = {0};
        struct warnings warnings;
        lw_memory_fail_after(successes);
        recipe = parse(
            SLICE("{sources: [{model: a+b, layer_range: [0, 1]}], base_model: a+b}") "base_model: "
                                                                                     "c\ntokenizer_"
                                                                                     "source: d\n",
            &warnings, &error);
        lw_memory_fail_after(-1);
        assert_true(recipe || error.status == LW_NO_RESOURCE);
    }
    lw_merge_recipe_destroy(recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_models),
        cmocka_unit_test(reads_slices_and_tokenizer),
        cmocka_unit_test(warns),
        cmocka_unit_test(refuses),
        cmocka_unit_test(simple_is_a_recipe),
        cmocka_unit_test(says_how_to_get_models),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
