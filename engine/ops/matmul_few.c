// SPDX-License-Identifier: Apache-2.0
// Products of up to eight rows with a matrix as it is stored, Y = X W^T: what generation does. They
// are bound by reading the weights, so nothing is packed. See shaders/matmul_few_*.comp.
#include "engine/ops/matmul_private.h"
#include "shaders/matmul_few.h"

#define FEW_ROWS 8u
#define GPU_THREADS 128u
#define GPU_COLUMNS 4u

static bool suits(const struct lw_matmul *matmul, uint32_t alignment)
{
    return matmul->layout == LW_MATMUL_NT && matmul->a.rows <= FEW_ROWS &&
           lw_matmul_aligned(&matmul->a, alignment) && lw_matmul_aligned(&matmul->b, alignment);
}

bool lw_matmul_few_cpu_suits(const struct lw_matmul *matmul)
{
    return suits(matmul, 8);
}

bool lw_matmul_few_gpu_suits(const struct lw_matmul *matmul)
{
    return suits(matmul, 16);
}

static void record(struct lw_stream *stream, const struct lw_matmul *matmul,
    struct lw_dispatch *dispatch, uint32_t columns)
{
    struct lw_matmul_few_args args = {.a = matmul->a.address,
        .b = matmul->b.address,
        .c = matmul->c.address,
        .bias = matmul->bias.address,
        .add = matmul->add.address,
        .n = matmul->c.columns,
        .k = matmul->a.columns,
        .a_stride = matmul->a.stride,
        .b_stride = matmul->b.stride,
        .c_stride = matmul->c.stride,
        .add_stride = matmul->add.stride};
    const struct lw_access accesses[] = {lw_tensor_read(&matmul->a), lw_tensor_read(&matmul->b),
        lw_tensor_read(&matmul->bias), lw_tensor_read(&matmul->add), lw_tensor_write(&matmul->c)};
    dispatch->args = &args;
    dispatch->access_count = sizeof accesses / sizeof *accesses;
    for (uint32_t i = 0; i < dispatch->access_count; i++) {
        dispatch->accesses[i] = accesses[i];
        dispatch->bytes += (double)accesses[i].size;
    }
    dispatch->flops = 2.0 * matmul->a.rows * args.n * args.k;
    lw_dispatch_linear(dispatch, ((uint64_t)args.n + columns - 1) / columns);
    lw_stream_dispatch(stream, dispatch);
}

void lw_matmul_few_cpu(const struct lw_matmul_variant *variant, struct lw_stream *stream,
    const struct lw_matmul *matmul, const struct lw_matmul_plan *plan)
{
    (void)variant;
    (void)plan;
    uint32_t lanes = lw_matmul_lanes(lw_stream_device(stream));
    struct lw_dispatch dispatch = {
        .kernel = lw_matmul_kernel(matmul, LW_KERNEL_MATMUL_FEW_CPU_F32,
            LW_KERNEL_MATMUL_FEW_CPU_BF16, LW_KERNEL_MATMUL_FEW_CPU_BF16_F32),
        .constant_count = 4,
        .constants = {lanes, matmul->a.rows, matmul->bias.address != 0, matmul->add.address != 0}};
    record(stream, matmul, &dispatch, lanes);
}

void lw_matmul_few_gpu(const struct lw_matmul_variant *variant, struct lw_stream *stream,
    const struct lw_matmul *matmul, const struct lw_matmul_plan *plan)
{
    (void)variant;
    (void)plan;
    struct lw_dispatch dispatch = {
        .kernel = lw_matmul_kernel(matmul, LW_KERNEL_MATMUL_FEW_GPU_F32,
            LW_KERNEL_MATMUL_FEW_GPU_BF16, LW_KERNEL_MATMUL_FEW_GPU_BF16_F32),
        .constant_count = 5,
        .constants = {GPU_THREADS, matmul->a.rows, GPU_COLUMNS, matmul->bias.address != 0,
            matmul->add.address != 0}};
    record(stream, matmul, &dispatch, GPU_COLUMNS);
}
