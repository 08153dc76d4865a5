// SPDX-License-Identifier: Apache-2.0
// Matrix products: checks the shapes and picks the variant. See matmul.h.
#include "engine/ops/matmul.h"

#include <inttypes.h>

#include "engine/ops/matmul_private.h"

// As VK_MAKE_API_VERSION packs it.
#define VERSION(major, minor, patch) ((major) << 22 | (minor) << 12 | (patch))

struct variant {
    const char *name;
    uint32_t features;                          // enum lw_feature bits
    uint32_t vulkan_version;                    // at least
    bool (*runs)(const struct lw_caps *caps);   // NULL: features and version say it all
    bool (*suits)(const struct lw_matmul *matmul); // whether it does this product; NULL: any
    uint64_t (*scratch)(const struct lw_device *device, const struct lw_matmul *matmul); // or NULL
    void (*record)(struct lw_stream *stream, const struct lw_matmul *matmul);
};

// Best first; a product takes the first row that the device runs and that suits it.
static const struct variant variants[] = {
    // Only from Mesa 26.1 on (which reports 1.4.354) does lavapipe load what all lanes share once;
    // before, the CPU kernel is 10 times slower than the SIMT one there.
    {"cpu", LW_FEATURE_CPU, VERSION(1, 4, 350), NULL, NULL, lw_matmul_cpu_scratch, lw_matmul_cpu},
    {"cooperative matrix, bf16", LW_FEATURE_COOPERATIVE_MATRIX | LW_FEATURE_BFLOAT16, 0,
        lw_matmul_matrix_bf16_runs, lw_matmul_matrix_suits, lw_matmul_matrix_bf16_scratch,
        lw_matmul_matrix_bf16},
    {"cooperative matrix, fp16", LW_FEATURE_COOPERATIVE_MATRIX | LW_FEATURE_FLOAT16, 0,
        lw_matmul_matrix_fp16_runs, lw_matmul_matrix_suits, lw_matmul_matrix_fp16_scratch,
        lw_matmul_matrix_fp16},
    {"simt", 0, 0, NULL, NULL, lw_matmul_simt_scratch, lw_matmul_simt},
};

// For products of a special kind, before the others; they need no scratch memory.
static const struct variant special_variants[] = {
    {"few rows, cpu", LW_FEATURE_CPU, 0, NULL, lw_matmul_few_cpu_suits, NULL, lw_matmul_few_cpu},
    {"few rows, simt", 0, 0, NULL, lw_matmul_few_gpu_suits, NULL, lw_matmul_few_gpu},
};

enum {
    variant_count = sizeof variants / sizeof *variants,
    special_count = sizeof special_variants / sizeof *special_variants
};

static bool runs(const struct variant *variant, const struct lw_caps *caps)
{
    return (caps->features & variant->features) == variant->features &&
           caps->vulkan_version >= variant->vulkan_version &&
           (!variant->runs || variant->runs(caps));
}

static const struct variant *pick_variant(
    const struct lw_caps *caps, const struct lw_matmul *matmul)
{
    const struct variant *variant = variants;
    while (!runs(variant, caps) || (variant->suits && !variant->suits(matmul))) {
        variant++; // the last row needs nothing
    }
    return variant;
}

static const struct variant *pick_variant_for(
    const struct lw_caps *caps, const struct lw_matmul *matmul)
{
    for (int i = 0; i < special_count; i++) {
        if (runs(&special_variants[i], caps) && special_variants[i].suits(matmul)) {
            return &special_variants[i];
        }
    }
    return pick_variant(caps, matmul);
}

const char *lw_matmul_variant_name(size_t index)
{
    return index < variant_count ? variants[index].name : NULL;
}

bool lw_matmul_variant_runs(size_t index, const struct lw_caps *caps)
{
    return runs(&variants[index], caps);
}

struct lw_matmul_shape lw_matmul_shape_of(const struct lw_matmul *matmul)
{
    bool a_transposed = matmul->layout == LW_MATMUL_TN;
    return (struct lw_matmul_shape){.m = a_transposed ? matmul->a.columns : matmul->a.rows,
        .n = matmul->layout == LW_MATMUL_NT ? matmul->b.rows : matmul->b.columns,
        .k = a_transposed ? matmul->a.rows : matmul->a.columns,
        .a_transposed = a_transposed,
        .b_transposed = matmul->layout != LW_MATMUL_NT};
}

bool lw_matmul_aligned(const struct lw_tensor *tensor, uint32_t bytes)
{
    return tensor->address % bytes == 0 && tensor->stride * lw_type_size(tensor->type) % bytes == 0;
}

static bool has_size(
    const struct lw_tensor *tensor, uint32_t rows, uint32_t columns, enum lw_type type)
{
    return tensor->address && tensor->rows == rows && tensor->columns == columns &&
           tensor->stride >= columns && tensor->type == type;
}

static bool fits(const struct lw_matmul *matmul)
{
    struct lw_matmul_shape shape = lw_matmul_shape_of(matmul);
    enum lw_type type = matmul->a.type, c_type = matmul->c.type;
    bool b_fits = shape.b_transposed ? has_size(&matmul->b, shape.k, shape.n, type)
                                     : has_size(&matmul->b, shape.n, shape.k, type);
    return shape.m && shape.n && shape.k && (type == LW_F32 || type == LW_BF16) &&
           (c_type == type || c_type == LW_F32) && matmul->a.address &&
           matmul->a.stride >= matmul->a.columns && b_fits &&
           has_size(&matmul->c, shape.m, shape.n, c_type) &&
           (!matmul->bias.address || has_size(&matmul->bias, 1, shape.n, type)) &&
           (!matmul->add.address || has_size(&matmul->add, shape.m, shape.n, c_type));
}

enum lw_kernel_id lw_matmul_kernel(const struct lw_matmul *matmul, enum lw_kernel_id f32,
    enum lw_kernel_id bf16, enum lw_kernel_id bf16_to_f32)
{
    return matmul->a.type == LW_F32 ? f32 : matmul->c.type == LW_F32 ? bf16_to_f32 : bf16;
}

// Whether a special variant suits turns on addresses, which are not looked at here.
uint64_t lw_matmul_scratch(const struct lw_device *device, const struct lw_matmul *matmul)
{
    const struct variant *variant = pick_variant(lw_device_caps(device), matmul);
    return variant->scratch ? variant->scratch(device, matmul) : 0;
}

void lw_matmul(struct lw_stream *stream, const struct lw_matmul *matmul)
{
    const struct lw_device *device = lw_stream_device(stream);
    if (!fits(matmul)) {
        struct lw_matmul_shape shape = lw_matmul_shape_of(matmul);
        lw_stream_fail(stream, LW_FAILED,
            "a matrix product of m %" PRIu32 ", n %" PRIu32 ", k %" PRIu32
            " has operands of other shapes or types",
            shape.m, shape.n, shape.k);
        return;
    }
    const struct variant *variant = pick_variant_for(lw_device_caps(device), matmul);
    uint64_t scratch = variant->scratch ? variant->scratch(device, matmul) : 0;
    if (matmul->scratch.size < scratch) {
        lw_stream_fail(stream, LW_FAILED,
            "a matrix product needs %" PRIu64 " bytes of scratch memory and has %" PRIu64, scratch,
            matmul->scratch.size);
        return;
    }
    variant->record(stream, matmul);
}
