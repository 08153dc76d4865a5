// SPDX-License-Identifier: Apache-2.0
// Each merge method on small models, against its definition written out in double precision; that the
// result does not depend on the parts; and what the methods refuse.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/folder.h"
#include "engine/base/hash.h"
#include "engine/base/numeric.h"
#include "engine/base/random.h"
#include "merger/run.h"
#include "tests/unit/merger/definitions.h"

enum { model_count = 4, tensor_count = 4 };

static struct lw_instance *instance;
static struct lw_device *device;
static char folders[model_count][64], output[64], beside[80];

static const struct lw_tensor_info shapes[tensor_count] = {
    {.name = "matrix", .dtype = LW_DTYPE_F32, .rank = 2, .shape = {67, 129}},
    {.name = "norm", .dtype = LW_DTYPE_F32, .rank = 1, .shape = {301}},
    {.name = "tall", .dtype = LW_DTYPE_F32, .rank = 2, .shape = {400, 96}},
    {.name = "cube", .dtype = LW_DTYPE_F32, .rank = 3, .shape = {5, 6, 7}},
};

// Model 0 is the base. Differences take few values, as between 16-bit models, so that many are equal;
// some are zero in one model or in all.
static float element_of(size_t model, size_t tensor, uint64_t i)
{
    double base = lw_random_normal(11, tensor, i);
    uint64_t bits = lw_random_bits(12 + model, tensor, i);
    if (model == 0 || bits % 5 == 0 || i % 11 == 0) {
        return (float)(floor(base * 256) / 256);
    }
    return (float)(floor(base * 256) / 256 + (double)((int)(bits >> 8 & 31) - 16) / 512);
}

static bool make_model(size_t model, struct lw_error *error)
{
    static const char config[] = "{\"architectures\": [\"TestModel\"]}";
    static float elements[400 * 96];
    struct lw_checkpoint_writer *writer;
    struct lw_checkpoint_params params = {
        .folder = folders[model], .tensors = shapes, .count = tensor_count};
    bool made = lw_checkpoint_writer_create(&writer, &params, error);
    for (size_t t = 0; made && t < tensor_count; t++) {
        uint64_t count = lw_tensor_elements(&shapes[t]);
        for (uint64_t i = 0; i < count; i++) {
            elements[i] = element_of(model, t, i);
        }
        made = lw_checkpoint_writer_add(writer, elements, count * sizeof *elements, error);
    }
    made = made &&
           lw_checkpoint_writer_file(writer, "config.json", config, sizeof config - 1, error) &&
           lw_checkpoint_writer_finish(writer, error);
    lw_checkpoint_writer_destroy(writer);
    return made;
}

struct merge {
    const char *method;
    size_t first, count; // models
    bool base;           // model 0 is the base
    struct lw_merge_values values;
    double weights[model_count]; // of each model listed
    double density;
    uint64_t part;
};

// A plan of the method, by way of the one for weighted averages.
static struct lw_merge_plan *make_plan(const struct merge *merge, struct lw_merge_recipe **recipe)
{
    struct lw_error error = {0};
    struct lw_merge_plan *plan = NULL;
    struct lw_string problems = {0};
    const char *names[model_count] = {NULL};
    for (size_t i = 0; i < merge->count; i++) {
        names[i] = folders[merge->first + i];
    }
    // One model is listed twice and taken once.
    names[1] = merge->count == 1 ? names[0] : names[1];
    struct lw_merge_simple simple = {
        .models = names, .count = merge->count == 1 ? 2 : merge->count};
    if (!lw_merge_recipe_simple(recipe, &simple, &error)) {
        fail_msg("%s", error.message);
    }
    struct lw_merge_params params = {.recipe = *recipe};
    if (!lw_merge_plan_create(&plan, &params, &problems, &error)) {
        fail_msg("%s", error.message);
    }
    lw_string_free(&problems);
    plan->method = lw_merge_method_find(merge->method);
    plan->seed = 5;
    for (size_t t = 0; t < plan->tensor_count; t++) {
        struct lw_merge_tensor *tensor = &plan->tensors[t];
        tensor->input_count = merge->count;
        tensor->values = merge->values;
        tensor->base = merge->base ? &tensor->inputs[0] : NULL;
        for (size_t i = 0; i < merge->count; i++) {
            struct lw_merge_values *values = &tensor->inputs[i].values;
            for (int p = 0; p < LW_MERGE_PARAMETER_COUNT; p++) {
                values->value[p] = NAN;
            }
            values->value[LW_MERGE_WEIGHT] = merge->weights[i];
            values->value[LW_MERGE_DENSITY] = merge->density;
            values->value[LW_MERGE_GAMMA] = merge->values.value[LW_MERGE_GAMMA];
            values->value[LW_MERGE_EPSILON] = merge->values.value[LW_MERGE_EPSILON];
            values->value[LW_MERGE_SCALE] = merge->values.value[LW_MERGE_SCALE];
        }
    }
    return plan;
}

static bool run(const struct merge *merge, struct lw_error *error)
{
    struct lw_merge_recipe *recipe;
    struct lw_merge_plan *plan = make_plan(merge, &recipe);
    struct lw_merge_run_params params = {.output = output, .part_elements = merge->part};
    bool merged = lw_merge_run(plan, device, &params, error);
    lw_merge_plan_destroy(plan);
    lw_merge_recipe_destroy(recipe);
    return merged;
}

static float *read_result(size_t tensor)
{
    struct lw_checkpoint *checkpoint = NULL;
    struct lw_error error = {0};
    uint64_t count = lw_tensor_elements(&shapes[tensor]);
    float *elements = calloc(count, sizeof *elements);
    if (!elements || !lw_checkpoint_open(&checkpoint, output, &error) ||
        !lw_checkpoint_read(checkpoint, lw_checkpoint_find(checkpoint, shapes[tensor].name), 0,
            elements, count * sizeof *elements, &error)) {
        fail_msg("%s", error.message);
    }
    lw_checkpoint_close(checkpoint);
    return elements;
}

// The inputs of a definition: all models of one tensor.
static struct definition make_definition(const struct merge *merge, size_t tensor)
{
    struct definition d = {.count = merge->count - merge->base,
        .elements = (size_t)lw_tensor_elements(&shapes[tensor]),
        .columns = (size_t)shapes[tensor].shape[shapes[tensor].rank - 1],
        .rank = (size_t)shapes[tensor].rank,
        .first_side = (size_t)shapes[tensor].shape[0],
        .weights = merge->weights + merge->base,
        .density = merge->density,
        .values = &merge->values,
        .method = lw_merge_method_find(merge->method),
        .name = shapes[tensor].name,
        .seed = 5};
    for (size_t i = 0; i < merge->count; i++) {
        float *elements = malloc(d.elements * sizeof *elements);
        assert_non_null(elements);
        for (size_t k = 0; k < d.elements; k++) {
            elements[k] = element_of(merge->first + i, tensor, k);
        }
        if (merge->base && i == 0) {
            d.base = elements;
        } else {
            d.x[i - merge->base] = elements;
        }
    }
    return d;
}

static void check_tensor(const struct merge *merge, size_t tensor)
{
    struct definition d = make_definition(merge, tensor);
    double *expected = calloc(d.elements, sizeof *expected);
    float *result = read_result(tensor);
    assert_non_null(expected);
    define_merge(&d, expected);
    size_t wrong = 0;
    for (size_t i = 0; i < d.elements; i++) {
        double size = fmax(fabs(expected[i]), 0.1);
        if (!(fabs(result[i] - expected[i]) <= 2e-5 * size)) {
            if (wrong++ < 5) {
                print_message("%s, %s, element %zu: %.9g, not %.9g (base %.9g)\n", merge->method,
                    shapes[tensor].name, i, result[i], expected[i], d.base ? d.base[i] : 0);
            }
        }
    }
    assert_int_equal(wrong, 0);
    free(expected);
    free(result);
    for (size_t i = 0; i < d.count; i++) {
        free(d.x[i]);
    }
    free(d.base);
}

// In one part each and in many: both as defined.
static void check(struct merge merge)
{
    static const uint64_t parts[] = {0, 1024};
    for (size_t p = 0; p < 2; p++) {
        struct lw_error error = {0};
        merge.part = parts[p];
        if (!run(&merge, &error)) {
            fail_msg("%s: %s", merge.method, error.message);
        }
        for (size_t tensor = 0; tensor < tensor_count; tensor++) {
            check_tensor(&merge, tensor);
        }
        assert_true(lw_folder_remove(output, NULL));
    }
}

static struct merge merge_of(const char *method, size_t first, size_t count, bool base)
{
    struct merge merge = {.method = method,
        .first = first,
        .count = count,
        .base = base,
        // Products with differences are exact: sums that decide on signs cancel here as in double.
        .weights = {1, 0.625, 0.875, -0.25},
        .density = 1};
    for (int p = 0; p < LW_MERGE_PARAMETER_COUNT; p++) {
        merge.values.value[p] = NAN;
    }
    // The defaults of the method's row.
    const struct lw_merge_method *row = lw_merge_method_find(method);
    assert_non_null(row);
    for (size_t i = 0; i < LW_MERGE_METHOD_PARAMETERS && row->parameters[i].name; i++) {
        merge.values.value[row->parameters[i].parameter] = row->parameters[i].fallback;
    }
    return merge;
}

// What a test that failed left would fail the others.
static int clean(void **state)
{
    (void)state;
    return lw_folder_remove(output, NULL) ? 0 : 1;
}

static void weighted_sums(void **state)
{
    (void)state;
    check(merge_of("linear", 0, 3, false));
    struct merge merge = merge_of("linear", 0, 3, false);
    merge.values.value[LW_MERGE_NORMALIZE] = 0;
    check(merge);
    merge = merge_of("passthrough", 1, 1, false);
    check(merge);
    merge.values.value[LW_MERGE_SCALE] = -0.5;
    check(merge);
}

static void angles(void **state)
{
    (void)state;
    struct merge merge = merge_of("slerp", 0, 2, true);
    merge.values.value[LW_MERGE_T] = 0.3;
    check(merge);
    check(merge_of("karcher", 1, 3, false));
    check(merge_of("multislerp", 1, 3, false));
    check(merge_of("multislerp", 0, 4, true));
    check(merge_of("model_stock", 0, 4, true));
    merge = merge_of("model_stock", 0, 3, true);
    merge.values.value[LW_MERGE_FILTER_WISE] = 1;
    check(merge);
    for (int base = 0; base < 2; base++) {
        for (int way = 0; way < 3; way++) {
            merge = merge_of("nuslerp", base ? 0 : 1, base ? 3 : 2, base);
            merge.values.value[LW_MERGE_FLATTEN] = way == 0;
            merge.values.value[LW_MERGE_ROW_WISE] = way == 2;
            check(merge);
        }
    }
}

static void task_arithmetic(void **state)
{
    (void)state;
    static const char *const methods[] = {"task_arithmetic", "ties", "breadcrumbs",
        "breadcrumbs_ties", "dare_linear", "dare_ties", "della", "della_linear"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        for (size_t models = 2; models <= model_count; models++) {
            struct merge merge = merge_of(methods[i], 0, models, true);
            merge.density = models == 3 ? 0.35 : 0.6;
            merge.values.value[LW_MERGE_LAMBDA] = 0.8;
            check(merge);
            merge.values.value[LW_MERGE_NORMALIZE] = !merge.values.value[LW_MERGE_NORMALIZE];
            merge.values.value[LW_MERGE_RESCALE] = !merge.values.value[LW_MERGE_RESCALE];
            check(merge);
            merge.density = 1;
            check(merge);
        }
    }
    struct merge merge = merge_of("breadcrumbs", 0, 2, true);
    merge.density = 0.5;
    merge.values.value[LW_MERGE_GAMMA] = 0.2;
    check(merge);
    merge.values.value[LW_MERGE_GAMMA] = 0.9; // more than is not kept
    check(merge);
}

static void fusions(void **state)
{
    (void)state;
    check(merge_of("sce", 0, 3, true));
    check(merge_of("sce", 0, 4, true));
    struct merge merge = merge_of("sce", 0, 3, true); // of two models variances are exact
    merge.values.value[LW_MERGE_SELECT_TOPK] = 0.3;
    check(merge);
    merge.values.value[LW_MERGE_SELECT_TOPK] = 0;
    check(merge);
    check(merge_of("arcee_fusion", 0, 2, true));
    merge = merge_of("nearswap", 0, 2, true);
    merge.values.value[LW_MERGE_T] = 0.004;
    check(merge);
}

static void missing_tensors(void **state)
{
    (void)state;
    // Of the base alone the base; of one model where angles take two, that one.
    static const char *const of_base[] = {"ties", "task_arithmetic", "sce", "nearswap", "slerp",
        "model_stock", "arcee_fusion", "multislerp"};
    for (size_t i = 0; i < sizeof of_base / sizeof *of_base; i++) {
        struct merge merge = merge_of(of_base[i], 0, 1, true);
        merge.values.value[LW_MERGE_T] = 0.5;
        check(merge);
    }
    check(merge_of("karcher", 2, 1, false));
    check(merge_of("nuslerp", 2, 1, false));
    check(merge_of("model_stock", 0, 2, true));
    struct lw_error error = {0};
    struct merge merge = merge_of("ties", 1, 2, false);
    assert_false(run(&merge, &error));
    assert_int_equal(error.status, LW_BAD_INPUT);
    assert_non_null(strstr(error.message, "matrix"));
}

static void refuse(struct merge merge, const char *word)
{
    struct lw_error error = {0};
    assert_false(run(&merge, &error));
    assert_int_equal(error.status, LW_USAGE);
    assert_non_null(strstr(error.message, word));
    assert_false(lw_folder_exists(output) || lw_folder_exists(beside));
}

static void refuses_bad_values(void **state)
{
    (void)state;
    struct merge merge = merge_of("ties", 0, 2, true);
    merge.density = 1e-3; // none of 301, nor of 210
    refuse(merge, "norm");
    merge.density = -1;
    refuse(merge, "density");
    merge = merge_of("della", 0, 2, true);
    merge.density = 0.1;
    refuse(merge, "epsilon");
    merge = merge_of("linear", 0, 2, false);
    merge.weights[1] = -merge.weights[0];
    refuse(merge, "weights");
    merge = merge_of("multislerp", 1, 2, false);
    merge.weights[1] = -merge.weights[0];
    refuse(merge, "weights");
    merge = merge_of("nearswap", 0, 2, true);
    merge.values.value[LW_MERGE_T] = 0;
    refuse(merge, "t");
}

// The first failures one by one, later ones in steps.
static void survives_lack_of_memory(void **state)
{
    (void)state;
    static const char *const methods[] = {"ties", "della", "sce", "model_stock", "arcee_fusion"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct merge merge =
            merge_of(methods[i], 0, strcmp(methods[i], "arcee_fusion") ? 3 : 2, true);
        merge.density = 0.5;
        merge.part = 1024;
        merge.values.value[LW_MERGE_SELECT_TOPK] = 0.5;
        merge.values.value[LW_MERGE_RESCALE] = 1;
        bool merged = false;
        struct lw_merge_recipe *recipe;
        struct lw_merge_plan *plan = make_plan(&merge, &recipe);
        for (long successes = 0; !merged; successes += successes < 100 ? 3 : 37) {
            struct lw_error error = {0};
            struct lw_merge_run_params params = {.output = output, .part_elements = merge.part};
            lw_memory_fail_after(successes);
            merged = lw_merge_run(plan, device, &params, &error);
            lw_memory_fail_after(-1);
            assert_true(merged || error.status == LW_NO_RESOURCE);
            assert_true(lw_folder_exists(output) == merged);
        }
        lw_merge_plan_destroy(plan);
        lw_merge_recipe_destroy(recipe);
        assert_false(lw_folder_exists(beside));
        assert_true(lw_folder_remove(output, NULL));
    }
}

int main(void)
{
    struct lw_error error = {0};
    char root[] = "methods_test.tmp";
    snprintf(output, sizeof output, "%s/output", root);
    snprintf(beside, sizeof beside, "%s.lewin-tmp", output);
    struct lw_instance_params params = {.validation = getenv("LEWIN_VALIDATION") != NULL};
    bool ready = lw_folder_remove(root, &error) && lw_folder_create(root, &error);
    for (size_t i = 0; ready && i < model_count; i++) {
        snprintf(folders[i], sizeof folders[i], "%s/model%zu", root, i);
        ready = make_model(i, &error);
    }
    if (!ready || !lw_instance_create(&instance, &params, &error) ||
        !lw_device_create(&device, instance, &(struct lw_device_params){0}, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(weighted_sums, clean),
        cmocka_unit_test_setup(angles, clean),
        cmocka_unit_test_setup(task_arithmetic, clean),
        cmocka_unit_test_setup(fusions, clean),
        cmocka_unit_test_setup(missing_tensors, clean),
        cmocka_unit_test_setup(refuses_bad_values, clean),
        cmocka_unit_test_setup(survives_lack_of_memory, clean),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    failed += lw_instance_message_count(instance) != 0;
    lw_device_destroy(device);
    lw_instance_destroy(instance);
    lw_folder_remove(root, NULL);
    return failed;
}
