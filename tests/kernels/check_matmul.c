// SPDX-License-Identifier: Apache-2.0
// Matrix products: all layouts and types, operands that are parts of larger tensors, odd sizes.
#include <math.h>
#include <string.h>

#include "engine/ops/matmul_private.h"
#include "tests/kernels/check.h"
#include "tests/reference/matmul.h"

enum add { ADD_NONE, ADD_OTHER, ADD_C };
static const char *const add_names[] = {"", ", + another", ", + c"};
static const char *const layout_names[] = {"NT", "NN", "TN"};

// Operand types, then c's.
static const enum lw_type types[][2] = {{LW_F32, LW_F32}, {LW_BF16, LW_BF16}, {LW_BF16, LW_F32}};
enum { TYPES = sizeof types / sizeof types[0] };

struct product {
    uint32_t m, n, k;
    enum lw_matmul_layout layout;
    const enum lw_type *types;
    bool bias;
    enum add add;
    uint32_t gap; // elements between the rows of each operand
    uint32_t offset;
};

static struct check_tensor *operand(
    struct check *check, const struct product *product, enum lw_type type, const uint32_t size[2])
{
    struct check_tensor_params params = {.type = type,
        .rows = size[0],
        .columns = size[1],
        .stride = size[1] + product->gap,
        .offset = product->offset};
    struct check_tensor *tensor = check_tensor(check, &params);
    // A few sums could cancel to nearly nothing, against which no error is small.
    bool few = (uint64_t)product->m * product->n < 64;
    for (uint64_t i = 0; few && i < (uint64_t)size[0] * size[1]; i++) {
        check_set(tensor, i, fabs(tensor->values[i]));
    }
    return tensor;
}

// Every plan of every variant that does this product here, recorded; the scratch memory is that of
// the product as the device would do it, which is only enough because nothing runs.
static void record_plans(struct check *check, const struct lw_matmul *matmul)
{
    const struct lw_device *device = check_device(check);
    const struct lw_matmul_variant *variant;
    for (size_t i = 0; (variant = lw_matmul_variant_at(i)); i++) {
        struct lw_matmul_plan plans[LW_MATMUL_PLANS];
        bool usable = lw_matmul_variant_fits(variant, lw_device_caps(device)) &&
                      (!variant->suits || variant->suits(matmul)) &&
                      (!check_is_matrices(check) || variant->kernels[0]);
        uint32_t count =
            usable && variant->plans ? variant->plans(variant, device, matmul, plans) : 0;
        for (uint32_t plan = 0; plan < count; plan++) {
            struct lw_matmul product = *matmul;
            product.scratch.size = variant->scratch(device, matmul, &plans[plan]);
            variant->record(variant, check_stream(check), &product, &plans[plan]);
        }
    }
}

static void matmul_case(struct check *check, const struct product *product)
{
    uint32_t m = product->m, n = product->n, k = product->k;
    enum lw_type type = product->types[0], c_type = product->types[1];
    if (check_is_matrices(check) && type != LW_BF16) {
        return;
    }
    if (!check_begin(check, "matmul", "%s %s to %s, %u x %u x %u%s%s, gap %u, offset %u",
            layout_names[product->layout], check_type_name(type), check_type_name(c_type), m, n, k,
            product->bias ? ", bias" : "", add_names[product->add], product->gap,
            product->offset)) {
        return;
    }
    bool a_transposed = product->layout == LW_MATMUL_TN;
    bool b_transposed = product->layout != LW_MATMUL_NT;
    struct check_tensor *a =
        operand(check, product, type, a_transposed ? (uint32_t[]){k, m} : (uint32_t[]){m, k});
    struct check_tensor *b =
        operand(check, product, type, b_transposed ? (uint32_t[]){k, n} : (uint32_t[]){n, k});
    struct check_tensor *bias =
        product->bias ? operand(check, product, type, (uint32_t[]){1, n}) : NULL;
    struct check_tensor_params params = {.type = c_type,
        .rows = m,
        .columns = n,
        .stride = n + product->gap,
        .offset = product->offset,
        .fill = product->add == ADD_C ? CHECK_NORMAL : CHECK_POISON,
        .written = true};
    struct check_tensor *c = check_tensor(check, &params), *add = NULL;
    if (product->add != ADD_NONE) {
        add = product->add == ADD_C ? c : operand(check, product, c_type, (uint32_t[]){m, n});
    }
    struct lw_matmul matmul = {.layout = product->layout,
        .a = a->tensor,
        .b = b->tensor,
        .c = c->tensor,
        .bias = bias ? bias->tensor : (struct lw_tensor){0},
        .add = add ? add->tensor : (struct lw_tensor){0}};
    matmul.scratch = check_scratch(check, lw_matmul_scratch(check_device(check), &matmul));
    double *expected = NULL;
    if (!check_is_bench(check)) {
        expected = check_doubles(check, (uint64_t)m * n);
        struct reference_matmul reference = {.m = m,
            .n = n,
            .k = k,
            .a_transposed = a_transposed,
            .b_transposed = b_transposed,
            .a = a->values,
            .b = b->values,
            .bias = bias ? bias->values : NULL,
            .add = add ? add->values : NULL};
        reference_matmul(&reference, expected);
    }
    lw_matmul(check_stream(check), &matmul);
    if (check_is_compile(check)) {
        record_plans(check, &matmul);
    }
    double elements = (double)m * k + (double)n * k;
    check_work(check, 2.0 * m * n * k,
        elements * (double)lw_type_size(type) + (double)m * n * (double)lw_type_size(c_type));
    if (check_run(check)) {
        check_compare(check, "c", c, expected, 4e-7 * (4 + sqrt(k)));
    }
    check_end(check);
}

static void random_cases(struct check *check)
{
    for (int layout = LW_MATMUL_NT; layout <= LW_MATMUL_TN; layout++) {
        for (unsigned i = 0; i < check_cases(check); i++) {
            struct product product = {.layout = (enum lw_matmul_layout)layout,
                .types = types[i % TYPES],
                .m = check_size(check, 150),
                .n = check_size(check, 150),
                .k = check_size(check, 200),
                // Not every pairing: each is a pipeline, and those compile slowly.
                .bias = i % 2,
                .add = (enum add)((i + (unsigned)layout) % 3),
                .gap = check_random(check, 2) ? 4 * check_random(check, 3) : check_random(check, 9),
                .offset = check_random(check, 2) ? 0 : check_random(check, 8)};
            // Sizes that models have: all vector loads, no tails in k.
            if (check_random(check, 2) == 0) {
                product.k = 16 * (1 + check_random(check, 12));
                product.n = 4 * (1 + check_random(check, 40));
                product.gap = product.offset = 0;
            }
            // A few rows, as in generation, have kernels of their own.
            if (layout == LW_MATMUL_NT && check_random(check, 2) == 0) {
                product.m = 1 + check_random(check, 8);
            }
            matmul_case(check, &product);
        }
        // Enough workgroups for the larger tiles of GPUs, with tails.
        struct product product = {.layout = (enum lw_matmul_layout)layout, .types = types[layout]};
        product.m = 650, product.n = 645, product.k = 37;
        matmul_case(check, &product);
        product.m = 1300, product.n = 1284, product.k = 24;
        matmul_case(check, &product);
        // Operands that CPU drivers multiply where they lie, with edges and odd strides.
        matmul_case(check, &(struct product){.layout = (enum lw_matmul_layout)layout,
                               .types = types[0],
                               .m = 45,
                               .n = 37,
                               .k = 192,
                               .add = ADD_C,
                               .gap = 5});
    }
    // A depth so large that operands are packed in rounds on CPU drivers.
    matmul_case(check, &(struct product){.m = 70, .n = 45, .k = 70001, .types = types[2]});
    matmul_case(check,
        &(struct product){.m = 70, .n = 45, .k = 70001, .types = types[0], .layout = LW_MATMUL_TN});
}

// The products of one linear layer [outputs, inputs] in training.
static void bench_layer(struct check *check, uint32_t tokens, uint32_t outputs, uint32_t inputs)
{
    for (int i = 0; i < 2; i++) {
        struct product forward = {.m = tokens, .n = outputs, .k = inputs, .types = types[i]};
        struct product back = {.m = tokens, .n = inputs, .k = outputs, .types = types[i]};
        struct product gradient = {.m = outputs, .n = inputs, .k = tokens, .add = ADD_C};
        back.layout = LW_MATMUL_NN;
        gradient.layout = LW_MATMUL_TN;
        gradient.types = i ? types[2] : types[0];
        matmul_case(check, &forward);
        matmul_case(check, &back);
        matmul_case(check, &gradient);
    }
}

void check_matmul(struct check *check)
{
    if (!check_is_bench(check)) {
        random_cases(check);
        return;
    }
    bench_layer(check, 512, 1024, 1024);
    bench_layer(check, 2048, 4096, 1024);
    bench_layer(check, 256, 256, 256); // hidden 256, feed-forward 1024, vocabulary 8192
    bench_layer(check, 256, 2048, 256);
    bench_layer(check, 256, 256, 1024);
    bench_layer(check, 256, 8192, 256);
    bench_layer(check, 512, 1152, 896); // hidden 896, heads 14/2, feed-forward 4864
    bench_layer(check, 512, 9728, 896);
    bench_layer(check, 512, 896, 4864);
    for (uint32_t rows = 1; rows <= 8; rows *= 2) { // generation
        matmul_case(check, &(struct product){.m = rows, .n = 9728, .k = 896, .types = types[1]});
    }
}
