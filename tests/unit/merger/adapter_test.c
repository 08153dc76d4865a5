// SPDX-License-Identifier: Apache-2.0
// LoRA adapters: the product in stretches of any kind, against double precision, and every allocation
// failing once. What is folded in and what is refused is tested through the command line
// (tests/cli/merge_adapter_test.py).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/random.h"
#include "merger/parent.h"

#define ROOT "adapter_test.tmp"

enum { rows = 7, columns = 601, rank = 3 };

static float a[rank * columns], b[rows * rank], weight[rows * columns];
static struct lw_merge_parent base;

static void write_tensors(
    const char *path, const struct lw_tensor_info *infos, size_t count, const float *const *values)
{
    struct lw_error error = {0};
    struct lw_safetensors_writer *writer;
    if (!lw_safetensors_writer_create(&writer, path, infos, count, false, &error)) {
        fail_msg("%s", error.message);
    }
    for (size_t i = 0; i < count; i++) {
        size_t bytes = (size_t)lw_tensor_elements(&infos[i]) * sizeof(float);
        assert_true(lw_safetensors_writer_add(writer, values[i], bytes, &error));
    }
    assert_true(lw_safetensors_writer_finish(writer, &error));
    lw_safetensors_writer_destroy(writer);
}

static int set_up(void **state)
{
    (void)state;
    static const struct lw_tensor_info base_infos[] = {
        {.name = "x.weight", .dtype = LW_DTYPE_F32, .rank = 2, .shape = {rows, columns}}};
    static const struct lw_tensor_info infos[] = {{.name = "base_model.model.x.lora_A.weight",
                                                      .dtype = LW_DTYPE_F32,
                                                      .rank = 2,
                                                      .shape = {rank, columns}},
        {.name = "base_model.model.x.lora_B.weight",
            .dtype = LW_DTYPE_F32,
            .rank = 2,
            .shape = {rows, rank}}};
    static const char config[] = "{\"peft_type\": \"LORA\", \"r\": 3, \"lora_alpha\": 4.5}";
    static const char model[] = "{\"architectures\": [\"X\"]}";
    struct lw_error error = {0};
    assert_true(lw_folder_remove(ROOT, &error) && lw_folder_create(ROOT "/base", &error));
    for (size_t i = 0; i < rank * columns; i++) {
        a[i] = (float)lw_random_normal(1, 0, i);
    }
    for (size_t i = 0; i < rows * rank; i++) {
        b[i] = (float)lw_random_normal(1, 1, i);
    }
    write_tensors(ROOT "/base/model.safetensors", base_infos, 1, (const float *const[]){weight});
    write_tensors(ROOT "/adapter_model.safetensors", infos, 2, (const float *const[]){a, b});
    assert_true(
        lw_file_write_whole(ROOT "/adapter_config.json", config, sizeof config - 1, &error));
    assert_true(lw_file_write_whole(ROOT "/base/config.json", model, sizeof model - 1, &error));
    assert_true(lw_merge_parent_open(&base, ROOT "/base", &error));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lw_merge_parent_close(&base);
    return lw_folder_remove(ROOT, NULL) ? 0 : 1;
}

static void adds_products(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_adapter *adapter;
    static float values[rows * columns];
    assert_true(lw_adapter_open(&adapter, ROOT, &base, &error));
    assert_null(lw_adapter_find(adapter, "y.weight"));
    const struct lw_adapter_update *update = lw_adapter_find(adapter, "x.weight");
    assert_non_null(update);
    assert_true(update->rank == rank && update->scale == 1.5f && !update->replacement);
    static const size_t firsts[] = {0, 1, 255, 256, 600, 601, 3000};
    static const size_t counts[] = {1, 2, 256, 257, 601, 1203};
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
            for (size_t e = 0; e < counts[k]; e++) {
                values[e] = (float)e;
            }
            lw_adapter_add(update, firsts[i], values, counts[k]);
            for (size_t e = 0; e < counts[k]; e++) {
                size_t row = (firsts[i] + e) / columns, column = (firsts[i] + e) % columns;
                double sum = 0;
                for (size_t r = 0; r < rank; r++) {
                    sum += (double)b[row * rank + r] * (double)a[r * columns + column];
                }
                double wanted = (double)e + 1.5 * sum;
                assert_true(fabs((double)values[e] - wanted) < 2e-7 * (fabs(wanted) + 20));
            }
        }
    }
    lw_adapter_close(adapter);
    lw_adapter_close(NULL);
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    bool opened = false;
    for (long successes = 0; !opened; successes++) {
        struct lw_error error = {0};
        struct lw_adapter *adapter;
        lw_memory_fail_after(successes);
        opened = lw_adapter_open(&adapter, ROOT, &base, &error);
        lw_memory_fail_after(-1);
        assert_true(opened || error.status == LW_NO_RESOURCE);
        lw_adapter_close(adapter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_products),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
