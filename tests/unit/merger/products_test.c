// SPDX-License-Identifier: Apache-2.0
// Merges of models with LoRA adapters, in parts of any size: against double precision, methods that
// sample and read twice against the same models folded before, and every allocation failing once. What
// is folded in and what is refused is tested in adapter_forms_test.c and through the command line.
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
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/random.h"
#include "merger/run.h"

#define ROOT "products_test.tmp"
#define BASE ROOT "/base"
#define ADAPTER ROOT "/adapter"

enum { tensor_count = 4, rank = 3 };

// Of the base, each with a product: wide, tall, odd, and of several parts.
static const struct shape {
    const char *name;
    uint64_t rows, columns;
} shapes[tensor_count] = {{"a", 3, 5000}, {"b", 5000, 3}, {"c", 7, 601}, {"d", 160, 256}};

static struct lw_instance *instance;
static struct lw_device *device;

// Element `i` of tensor `t`: of the base, of lora_A, of lora_B.
static float value(unsigned kind, size_t t, uint64_t i)
{
    return (float)lw_random_normal(kind, t, i);
}

static void write_tensors(const char *path, const struct lw_tensor_info *infos,
    const unsigned *kinds, const size_t *tensors, size_t count)
{
    struct lw_error error = {0};
    struct lw_safetensors_writer *writer;
    assert_true(lw_safetensors_writer_create(&writer, path, infos, count, false, &error));
    for (size_t i = 0; i < count; i++) {
        for (uint64_t e = 0; e < lw_tensor_elements(&infos[i]); e++) {
            float element = value(kinds[i], tensors[i], e);
            assert_true(lw_safetensors_writer_add(writer, &element, sizeof element, &error));
        }
    }
    assert_true(lw_safetensors_writer_finish(writer, &error));
    lw_safetensors_writer_destroy(writer);
}

static struct lw_tensor_info info_of(const char *name, uint64_t rows, uint64_t columns)
{
    return (struct lw_tensor_info){
        .name = name, .dtype = LW_DTYPE_F32, .rank = 2, .shape = {rows, columns}};
}

static void write_models(void)
{
    static const char config[] = "{\"peft_type\": \"LORA\", \"r\": 3, \"lora_alpha\": 4.5}";
    static const char model[] = "{\"architectures\": [\"X\"]}";
    struct lw_tensor_info base[tensor_count], adapter[2 * tensor_count];
    char names[3 * tensor_count][64];
    unsigned kinds[2 * tensor_count];
    size_t tensors[2 * tensor_count];
    static const unsigned zeros[tensor_count];
    static const size_t order[tensor_count] = {0, 1, 2, 3};
    for (size_t t = 0; t < tensor_count; t++) {
        const struct shape *shape = &shapes[t];
        snprintf(names[3 * t], 64, "%s.weight", shape->name);
        snprintf(names[3 * t + 1], 64, "base_model.model.%s.lora_A.weight", shape->name);
        snprintf(names[3 * t + 2], 64, "base_model.model.%s.lora_B.weight", shape->name);
        base[t] = info_of(names[3 * t], shape->rows, shape->columns);
        adapter[2 * t] = info_of(names[3 * t + 1], rank, shape->columns);
        adapter[2 * t + 1] = info_of(names[3 * t + 2], shape->rows, rank);
        kinds[2 * t] = 1;
        kinds[2 * t + 1] = 2;
        tensors[2 * t] = tensors[2 * t + 1] = t;
    }
    assert_true(lw_folder_remove(ROOT, NULL) && lw_folder_create(BASE, NULL) &&
                lw_folder_create(ADAPTER, NULL));
    write_tensors(BASE "/model.safetensors", base, zeros, order, tensor_count);
    write_tensors(ADAPTER "/adapter_model.safetensors", adapter, kinds, tensors, 2 * tensor_count);
    assert_true(
        lw_file_write_whole(ADAPTER "/adapter_config.json", config, sizeof config - 1, NULL) &&
        lw_file_write_whole(BASE "/config.json", model, sizeof model - 1, NULL));
}

static bool merge(
    const char *recipe_text, const char *output, uint64_t part_elements, struct lw_error *error)
{
    struct lw_merge_recipe *recipe = NULL;
    struct lw_merge_plan *plan = NULL;
    struct lw_string problems = {0};
    const struct lw_merge_run_params params = {
        .output = output, .part_elements = part_elements, .no_hash = true};
    bool merged =
        lw_merge_recipe_parse(&recipe, recipe_text, strlen(recipe_text), "text", NULL, error) &&
        lw_merge_plan_create(
            &plan, &(struct lw_merge_params){.recipe = recipe}, &problems, error) &&
        lw_merge_run(plan, device, &params, error);
    lw_merge_plan_destroy(plan);
    lw_merge_recipe_destroy(recipe);
    lw_string_free(&problems);
    return merged;
}

static const char fold[] = "merge_method: passthrough\nmodels: [{model: " BASE "+" ADAPTER "}]\n";

static void must_merge(const char *recipe, const char *output, uint64_t part_elements)
{
    struct lw_error error = {0};
    if (!merge(recipe, output, part_elements, &error)) {
        fail_msg("%s", error.message);
    }
}

static float *read_tensor(const char *folder, size_t t, uint64_t *count)
{
    struct lw_error error = {0};
    struct lw_checkpoint *checkpoint;
    char name[16];
    snprintf(name, sizeof name, "%s.weight", shapes[t].name);
    assert_true(lw_checkpoint_open(&checkpoint, folder, &error));
    const struct lw_tensor_info *info = lw_checkpoint_find(checkpoint, name);
    assert_non_null(info);
    *count = lw_tensor_elements(info);
    float *values = lw_calloc((size_t)*count, sizeof *values, &error);
    assert_true(
        values && lw_checkpoint_read(checkpoint, info, 0, values, (size_t)info->bytes, &error));
    lw_checkpoint_close(checkpoint);
    return values;
}

static void check_folded(const char *folder, size_t t)
{
    const struct shape *shape = &shapes[t];
    uint64_t count;
    float *found = read_tensor(folder, t, &count);
    assert_true(count == shape->rows * shape->columns);
    for (uint64_t i = 0; i < count; i++) {
        double sum = 0, size = 0;
        for (uint64_t k = 0; k < rank; k++) {
            double term = (double)value(2, t, i / shape->columns * rank + k) *
                          (double)value(1, t, k * shape->columns + i % shape->columns);
            sum += term;
            size += fabs(term);
        }
        double base = (double)value(0, t, i);
        double error = fabs((double)found[i] - (base + 1.5 * sum));
        if (!(error <= 3e-7 * (fabs(base) + 1.5 * size))) {
            fail_msg("%s, element %llu", shape->name, (unsigned long long)i);
        }
    }
    lw_free(found);
}

static void adds_products(void **state)
{
    (void)state;
    static const uint64_t parts[] = {0, 1024, 4096};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        must_merge(fold, ROOT "/folded", parts[i]);
        for (size_t t = 0; t < tensor_count; t++) {
            check_folded(ROOT "/folded", t);
        }
        assert_true(lw_folder_remove(ROOT "/folded", NULL));
    }
}

static void check_same(const char *left, const char *right)
{
    for (size_t t = 0; t < tensor_count; t++) {
        uint64_t count;
        float *one = read_tensor(left, t, &count), *other = read_tensor(right, t, &count);
        assert_memory_equal(one, other, (size_t)count * sizeof *one);
        lw_free(one);
        lw_free(other);
    }
}

// Differences, ranks and angles of models with adapters are those of the models folded before; the
// base has one too.
static void suits_every_pass(void **state)
{
    (void)state;
    static const char *const methods[] = {"ties", "della_linear", "slerp", "arcee_fusion"};
    static const char *const parameters[] = {"{weight: 1.0, density: 0.3}",
        "{weight: 1.0, density: 0.5, epsilon: 0.1}", "{t: 0.4}", "{}"};
    must_merge(fold, ROOT "/folded", 0);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        static const char *const with[] = {BASE "+" ADAPTER, BASE};
        static const char *const without[] = {ROOT "/folded", BASE};
        for (int turned = 0; turned < 2; turned++) {
            char recipe[2][400];
            for (int folded = 0; folded < 2; folded++) {
                const char *const *models = folded ? without : with;
                bool pair = strcmp(methods[i], "slerp") == 0;
                snprintf(recipe[folded], sizeof recipe[folded],
                    "merge_method: %s\nbase_model: %s\nparameters: %s\nmodels:\n  - model: "
                    "%s\n%s%s\n",
                    methods[i], models[turned], parameters[i], models[!turned],
                    pair ? "  - model: " : "", pair ? models[turned] : "");
            }
            must_merge(recipe[0], ROOT "/one", 1024);
            must_merge(recipe[1], ROOT "/two", 1024);
            check_same(ROOT "/one", ROOT "/two");
            assert_true(lw_folder_remove(ROOT "/one", NULL) && lw_folder_remove(ROOT "/two", NULL));
        }
    }
    assert_true(lw_folder_remove(ROOT "/folded", NULL));
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    bool merged = false;
    for (long successes = 0; !merged; successes++) {
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        merged = merge(fold, ROOT "/folded", 16384, &error);
        lw_memory_fail_after(-1);
        assert_true(merged || error.status == LW_NO_RESOURCE);
        assert_true(lw_folder_exists(ROOT "/folded") == merged);
    }
    check_folded(ROOT "/folded", 2);
}

int main(void)
{
    struct lw_error error = {0};
    struct lw_instance_params params = {.validation = getenv("LEWIN_VALIDATION") != NULL};
    if (!lw_instance_create(&instance, &params, &error) ||
        !lw_device_create(&device, instance, &(struct lw_device_params){0}, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    write_models();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_products),
        cmocka_unit_test(suits_every_pass),
        cmocka_unit_test(survives_lack_of_memory),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    failed += lw_instance_message_count(instance) != 0;
    lw_device_destroy(device);
    lw_instance_destroy(instance);
    lw_folder_remove(ROOT, NULL);
    return failed;
}
