// SPDX-License-Identifier: Apache-2.0
// engine/ops/matmul_tune and matmul_test: the best plan is kept, the plans agree with each other, and a variant whose test went wrong is done without.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gpu/choices.h"
#include "engine/gpu/transfer.h"
#include "engine/ops/matmul_private.h"

enum { M = 70, N = 50, K = 2100 };

static struct lw_instance *instance;
static struct lw_device *device;

static const struct lw_matmul_variant *variant_named(const char *name)
{
    for (size_t i = 0; lw_matmul_variant_at(i); i++) {
        if (!strcmp(lw_matmul_variant_at(i)->name, name)) {
            return lw_matmul_variant_at(i);
        }
    }
    return NULL;
}

static struct lw_matmul make_product(enum lw_type type)
{
    return (struct lw_matmul){.layout = LW_MATMUL_TN,
        .a = {1, K, M, M, type},
        .b = {1, K, N, N, type},
        .c = {1, M, N, N, LW_F32}};
}

static void best_plan_is_kept(void **state)
{
    (void)state;
    struct lw_error error = {0};
    char name[LW_MATMUL_NAME_SIZE];
    struct lw_matmul product = make_product(LW_F32);
    struct lw_matmul_plan plans[LW_MATMUL_PLANS];
    const struct lw_matmul_variant *variant = lw_matmul_variant_for(device, &product);
    uint32_t value, count = variant->plans(variant, device, &product, plans);
    assert_true(count > 1);
    lw_matmul_choice_name(variant, &product, name);
    assert_true(lw_matmul_tune(device, &product, 1, LW_TUNE_OFF, &error));
    assert_false(lw_choice_get(device, name, &value));
    assert_true(lw_matmul_tune(device, &product, 1, LW_TUNE_FULL, &error));
    assert_true(lw_choice_get(device, name, &value));
    assert_true(value < count);
    // What is known is not measured again unless everything is to be.
    assert_true(lw_choice_set(device, name, count, &error)); // no plan has this number
    assert_true(lw_matmul_tune(device, &product, 1, LW_TUNE_FAST, &error));
    assert_true(lw_choice_get(device, name, &value));
    assert_int_equal(value, count);
}

static void run_with_plan(struct lw_matmul *product, struct lw_arena *arena, float result[M * N])
{
    struct lw_error error = {0};
    struct lw_stream *stream;
    uint64_t ticket;
    assert_true(lw_stream_create(&stream, device, "test", &error));
    lw_matmul(stream, product);
    assert_true(lw_stream_end(stream, &error));
    assert_true(
        lw_stream_submit(stream, &ticket, &error) && lw_device_wait(device, ticket, &error));
    lw_stream_destroy(stream);
    struct lw_buffer c = lw_arena_find(arena, product->c.address, M * N * sizeof(float));
    assert_true(lw_download(device, &c, 0, result, M * N * sizeof(float), &error));
}

static void put(struct lw_arena *arena, struct lw_tensor *tensor, const float *values)
{
    struct lw_error error = {0};
    struct lw_buffer buffer;
    assert_true(lw_arena_allocate(arena, lw_tensor_span(tensor), &buffer, &error));
    assert_true(!values || lw_upload(device, &buffer, 0, values, lw_tensor_span(tensor), &error));
    tensor->address = buffer.address;
}

static bool are_equal(const float *a, const float *b, int count)
{
    for (int i = 0; i < count; i++) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

// Plans with as many slices add up in the same order and must give the same bits, so that what is
// measured by default never changes a result.
static void plans_agree(void **state)
{
    (void)state;
    struct lw_error error = {0};
    char name[LW_MATMUL_NAME_SIZE];
    struct lw_arena *arena;
    struct lw_matmul_plan plans[LW_MATMUL_PLANS];
    struct lw_matmul product = make_product(LW_F32);
    const struct lw_matmul_variant *variant = lw_matmul_variant_for(device, &product);
    uint32_t count = variant->plans(variant, device, &product, plans);
    float *values = malloc(sizeof(float) * K * M);
    static float results[LW_MATMUL_PLANS][M * N];
    double expected[M * N];
    assert_non_null(values);
    for (int i = 0; i < K * M; i++) {
        values[i] = 0.37f * (float)(i * 7919 % 13 - 6);
    }
    assert_true(lw_arena_create(&arena, device, &(struct lw_arena_params){.name = "t"}, &error));
    put(arena, &product.a, values);
    put(arena, &product.b, values);
    put(arena, &product.c, NULL);
    assert_true(
        lw_arena_allocate(arena, lw_matmul_scratch(device, &product), &product.scratch, &error));
    for (int i = 0; i < M * N; i++) {
        double sum = 0;
        for (int k = 0; k < K; k++) {
            sum += (double)values[k * M + i / N] * values[k * N + i % N];
        }
        expected[i] = sum;
    }
    lw_matmul_choice_name(variant, &product, name);
    bool sliced = false;
    for (uint32_t i = 0; i < count; i++) {
        assert_true(lw_choice_set(device, name, i, &error));
        run_with_plan(&product, arena, results[i]);
        for (int j = 0; j < M * N; j++) {
            assert_true(fabs(results[i][j] - expected[j]) < 2e-5 * (fabs(expected[j]) + 100));
        }
        for (uint32_t j = 0; j < i; j++) {
            assert_true(
                plans[j].slices != plans[i].slices || are_equal(results[j], results[i], M * N));
        }
        sliced = sliced || plans[i].slices > 1;
    }
    assert_true(sliced);
    lw_arena_destroy(arena);
    free(values);
}

// A variant that fails its test is passed over, and the list says so.
static void wrong_variants_are_not_used(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_matmul product = make_product(LW_BF16);
    const struct lw_matmul_variant *matrix = variant_named("cooperative matrix, fp16");
    if (!lw_matmul_variant_fits(matrix, lw_device_caps(device))) {
        print_message("no matrix cores on this device\n");
        skip();
    }
    char name[LW_MATMUL_NAME_SIZE];
    lw_matmul_test_name(matrix, name);
    assert_ptr_equal(lw_matmul_variant_for(device, &product), matrix);
    assert_true(lw_choice_set(device, name, LW_MATMUL_WRONG, &error));
    assert_ptr_not_equal(lw_matmul_variant_for(device, &product), matrix);
    for (size_t i = 0; lw_matmul_variant_at(i); i++) {
        const char *refusal = lw_matmul_variant_refusal(i, device);
        assert_true(lw_matmul_variant_at(i) != matrix || (refusal && strstr(refusal, "wrong")));
    }
    assert_true(lw_matmul_test(device, LW_TUNE_FULL, &error));
    enum lw_matmul_verdict verdict = lw_matmul_verdict_of(device, matrix);
    assert_true(verdict == LW_MATMUL_GOOD || verdict == LW_MATMUL_SLOW);
}

static int set_up(void **state)
{
    (void)state;
    struct lw_error error = {0};
    struct lw_instance_params params = {.validation = getenv("LEWIN_VALIDATION") != NULL};
    struct lw_device_params device_params = {.hidden_features = LW_FEATURE_CPU};
    return lw_instance_create(&instance, &params, &error) &&
                   lw_device_create(&device, instance, &device_params, &error)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    lw_device_destroy(device);
    unsigned messages = lw_instance_message_count(instance);
    lw_instance_destroy(instance);
    return messages ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(best_plan_is_kept),
        cmocka_unit_test(plans_agree), cmocka_unit_test(wrong_variants_are_not_used)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
