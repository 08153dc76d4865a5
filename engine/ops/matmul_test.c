// SPDX-License-Identifier: Apache-2.0
// The start-up test of the variants that drivers are known to get wrong or slow: each multiplies odd
// matrices in all three layouts, is compared with sums in double on the host, and is timed beside
// the best of the variants after it. The verdict is kept as a choice of the device. A verdict "begun" is
// written before, so that a driver which takes the program down does so only once.
#include <math.h>
#include <stdio.h>

#include "engine/base/alloc.h"
#include "engine/base/numeric.h"
#include "engine/base/random.h"
#include "engine/gpu/choices.h"
#include "engine/gpu/transfer.h"
#include "engine/ops/matmul_private.h"
#include "engine/ops/measure.h"

#define M 200u
#define N 136u
#define K 300u
#define TOLERANCE 1e-5 // of the norm: sums in fp32 of exact products
#define TIMED 2048u    // m, n and k of the timed product, which fills any GPU
#define TIMED_CPU 256u // on a CPU driver, which it would keep for a minute
#define TIMED_SECONDS 0.01

struct test {
    struct lw_device *device;
    struct lw_arena *arena;
    float *a, *b, *c; // on the host
};

static struct lw_tensor matrix(uint32_t rows, uint32_t columns, enum lw_type type)
{
    return (struct lw_tensor){1, rows, columns, columns, type};
}

static struct lw_matmul make_product(
    enum lw_matmul_layout layout, uint32_t m, uint32_t n, uint32_t k)
{
    bool a_transposed = layout == LW_MATMUL_TN, b_transposed = layout != LW_MATMUL_NT;
    return (struct lw_matmul){.layout = layout,
        .a = a_transposed ? matrix(k, m, LW_BF16) : matrix(m, k, LW_BF16),
        .b = b_transposed ? matrix(k, n, LW_BF16) : matrix(n, k, LW_BF16),
        .c = matrix(m, n, LW_F32)};
}

static bool allocate(
    struct test *test, struct lw_tensor *tensor, struct lw_buffer *buffer, struct lw_error *error)
{
    bool done = lw_arena_allocate(test->arena, lw_tensor_span(tensor), buffer, error);
    tensor->address = done ? buffer->address : 0;
    return done;
}

// Memory with random elements of the range that gradients have, also left in `values`.
static bool fill(struct test *test, struct lw_tensor *tensor, float *values, struct lw_error *error)
{
    struct lw_buffer buffer;
    size_t count = (size_t)tensor->rows * tensor->columns;
    uint16_t *bits = lw_calloc(count, sizeof *bits, error);
    for (size_t i = 0; bits && i < count; i++) {
        float size = 1e-6f * expf(12 * lw_random_uniform(tensor->rows, 0, i));
        bits[i] = lw_float_to_bf16(lw_random_bits(tensor->rows, 1, i) & 1 ? -size : size);
        values[i] = lw_bf16_to_float(bits[i]);
    }
    bool done = bits && allocate(test, tensor, &buffer, error) &&
                lw_upload(test->device, &buffer, 0, bits, count * sizeof *bits, error);
    lw_free(bits);
    return done;
}

// The norm of the difference from the product in double over the norm of that.
static double distance(const struct test *test, const struct lw_matmul *product)
{
    struct lw_matmul_shape shape = lw_matmul_shape_of(product);
    double norm = 0, error = 0;
    for (uint32_t i = 0; i < shape.m; i++) {
        for (uint32_t j = 0; j < shape.n; j++) {
            double sum = 0;
            for (uint32_t k = 0; k < shape.k; k++) {
                size_t a = shape.a_transposed ? (size_t)k * shape.m + i : (size_t)i * shape.k + k;
                size_t b = shape.b_transposed ? (size_t)k * shape.n + j : (size_t)j * shape.k + k;
                sum += (double)test->a[a] * test->b[b];
            }
            double difference = test->c[(size_t)i * shape.n + j] - sum;
            norm += sum * sum;
            error += difference * difference;
        }
    }
    return sqrt(error / norm);
}

static bool run(struct test *test, const struct lw_matmul_variant *variant,
    const struct lw_matmul_plan *plan, const struct lw_matmul *product, double *seconds,
    struct lw_error *error)
{
    struct lw_stream *stream;
    if (!lw_stream_create(&stream, test->device, "testing a product", error)) {
        return false;
    }
    variant->record(variant, stream, product, plan);
    bool done = lw_stream_end(stream, error) && lw_measure(stream, seconds ? TIMED_SECONDS : 0,
                                                    seconds ? seconds : &(double){0}, error);
    lw_stream_destroy(stream);
    return done;
}

static bool allocate_scratch(struct test *test, const struct lw_matmul_variant *variant,
    const struct lw_matmul_plan *plan, struct lw_matmul *product, struct lw_error *error)
{
    uint64_t size = variant->scratch ? variant->scratch(test->device, product, plan) : 0;
    return !size || lw_arena_allocate(test->arena, size, &product->scratch, error);
}

// Whether the variant's product in this layout is right.
static bool check_layout(struct test *test, const struct lw_matmul_variant *variant,
    enum lw_matmul_layout layout, bool *right, struct lw_error *error)
{
    struct lw_matmul product = make_product(layout, M, N, K);
    struct lw_matmul_plan plans[LW_MATMUL_PLANS];
    struct lw_buffer c;
    uint32_t count = variant->plans ? variant->plans(variant, test->device, &product, plans) : 0;
    const struct lw_matmul_plan *plan = count ? plans : NULL;
    if (!fill(test, &product.a, test->a, error) || !fill(test, &product.b, test->b, error) ||
        !allocate(test, &product.c, &c, error) ||
        !allocate_scratch(test, variant, plan, &product, error) ||
        !run(test, variant, plan, &product, NULL, error) ||
        !lw_download(test->device, &c, 0, test->c, lw_tensor_span(&product.c), error)) {
        return false;
    }
    *right = distance(test, &product) <= TOLERANCE; // false also of NaN
    return true;
}

// Seconds of the product with the fastest of the variant's tiles; on a CPU driver, which takes seconds
// to compile each, with the first.
static bool find_time(struct test *test, const struct lw_matmul_variant *variant,
    const struct lw_matmul *wanted, double *seconds, struct lw_error *error)
{
    bool cpu = lw_device_caps(test->device)->kind == LW_DEVICE_CPU;
    struct lw_matmul_plan plans[LW_MATMUL_PLANS] = {0};
    struct lw_matmul product = *wanted;
    uint32_t count = variant->plans ? variant->plans(variant, test->device, wanted, plans) : 0;
    *seconds = INFINITY;
    for (uint32_t i = 0; i == 0 || (i < count && !cpu); i++) {
        double time;
        if (plans[i].slices != plans[0].slices) {
            continue;
        }
        if (!allocate_scratch(test, variant, count ? &plans[i] : NULL, &product, error) ||
            !run(test, variant, count ? &plans[i] : NULL, &product, &time, error)) {
            return false;
        }
        *seconds = fmin(*seconds, time);
    }
    return true;
}

// The first usable variant after this one, which is the fastest of them.
static const struct lw_matmul_variant *next_best(
    const struct lw_device *device, const struct lw_matmul_variant *variant)
{
    size_t i = 0;
    while (lw_matmul_variant_at(i) != variant) {
        i++;
    }
    do {
        i++;
    } while (!lw_matmul_variant_usable(device, lw_matmul_variant_at(i)));
    return lw_matmul_variant_at(i);
}

// Whether the variant is faster than those after it in the table, which have their verdicts.
static bool check_time(struct test *test, const struct lw_matmul_variant *variant, bool *faster,
    struct lw_error *error)
{
    uint32_t size = lw_device_caps(test->device)->kind == LW_DEVICE_CPU ? TIMED_CPU : TIMED;
    const struct lw_matmul_variant *other = next_best(test->device, variant);
    struct lw_matmul product = make_product(LW_MATMUL_NT, size, size, size);
    struct lw_buffer buffer;
    double seconds = 0, other_seconds = 0;
    bool done = allocate(test, &product.a, &buffer, error) &&
                allocate(test, &product.b, &buffer, error) &&
                allocate(test, &product.c, &buffer, error) &&
                find_time(test, variant, &product, &seconds, error) &&
                find_time(test, other, &product, &other_seconds, error);
    *faster = seconds < other_seconds;
    return done;
}

static bool find_verdict(struct test *test, const struct lw_matmul_variant *variant,
    enum lw_matmul_verdict *verdict, struct lw_error *error)
{
    *verdict = LW_MATMUL_GOOD;
    for (int layout = LW_MATMUL_NT; layout <= LW_MATMUL_TN; layout++) {
        bool right;
        if (!check_layout(test, variant, (enum lw_matmul_layout)layout, &right, error)) {
            return false;
        }
        *verdict = right ? *verdict : LW_MATMUL_WRONG;
    }
    bool faster = true;
    if (*verdict == LW_MATMUL_GOOD && !check_time(test, variant, &faster, error)) {
        return false;
    }
    *verdict = faster ? *verdict : LW_MATMUL_SLOW;
    return true;
}

static bool keep_verdict(struct lw_device *device, const struct lw_matmul_variant *variant,
    enum lw_matmul_verdict verdict, struct lw_error *error)
{
    char name[LW_MATMUL_NAME_SIZE];
    lw_matmul_test_name(variant, name);
    bool done = lw_choice_set(device, name, verdict, error);
    lw_choices_save(device);
    return done;
}

static bool test_variant(
    struct lw_device *device, const struct lw_matmul_variant *variant, struct lw_error *error)
{
    struct lw_arena_params params = {.name = "testing products"};
    struct test test = {.device = device,
        .a = lw_calloc(M * K, sizeof(float), error),
        .b = lw_calloc(N * K, sizeof(float), error),
        .c = lw_calloc(M * N, sizeof(float), error)};
    enum lw_matmul_verdict verdict;
    bool done = test.a && test.b && test.c &&
                keep_verdict(device, variant, LW_MATMUL_BEGUN, error) &&
                lw_arena_create(&test.arena, device, &params, error) &&
                find_verdict(&test, variant, &verdict, error) &&
                keep_verdict(device, variant, verdict, error);
    lw_arena_destroy(test.arena);
    lw_free(test.a);
    lw_free(test.b);
    lw_free(test.c);
    return done || lw_fail_in(error,
                       "testing the matrix products \"%s\" (the next start does "
                       "without them)",
                       variant->name);
}

// Past the rows that the device may use: the first that needs no test and fits is there to stay.
static size_t count_candidates(const struct lw_device *device, enum lw_tune tune)
{
    const struct lw_matmul_variant *variant;
    size_t count = 0;
    while ((variant = lw_matmul_variant_at(count)) &&
           (variant->tested || tune == LW_TUNE_FULL ||
               !lw_matmul_variant_fits(variant, lw_device_caps(device)))) {
        count++;
    }
    return count;
}

bool lw_matmul_test(struct lw_device *device, enum lw_tune tune, struct lw_error *error)
{
    // From the last to the first, because each is compared with those after it.
    for (size_t i = count_candidates(device, tune); i-- > 0;) {
        const struct lw_matmul_variant *variant = lw_matmul_variant_at(i);
        bool known = lw_matmul_verdict_of(device, variant) != LW_MATMUL_UNTESTED;
        if (variant->tested && lw_matmul_variant_fits(variant, lw_device_caps(device)) &&
            (!known || tune == LW_TUNE_FULL) && !test_variant(device, variant, error)) {
            return false;
        }
    }
    return true;
}
