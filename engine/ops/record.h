// SPDX-License-Identifier: Apache-2.0
// Private to engine/ops: what the wrappers share. They only record: check shapes, pick the kernel's
// row and constants, fill its arguments, dispatch.
#ifndef LW_OPS_RECORD_H
#define LW_OPS_RECORD_H

#include "engine/gpu/device.h"
#include "engine/ops/tensor.h"

// The row of a kernel that comes once per storage type.
#define LW_KERNEL_OF(name, type)                                                                   \
    ((type) == LW_BF16 ? LW_KERNEL_##name##_BF16 : LW_KERNEL_##name##_F32)

static inline bool lw_on_cpu(const struct lw_stream *stream)
{
    return lw_device_caps(lw_stream_device(stream))->features & LW_FEATURE_CPU;
}

// Invocations of a workgroup that shares nothing: CPU drivers run one subgroup after another, and
// small groups spread best over their threads.
static inline uint32_t lw_group_size(const struct lw_stream *stream)
{
    return lw_on_cpu(stream) ? 64 : 256;
}

// Whether kernels may take a row's elements in fours from this address on: 64-bit loads of bf16,
// pairs of 64-bit loads of fp32.
static inline bool lw_in_fours(uint64_t address, uint32_t stride, enum lw_type type)
{
    return address % 8 == 0 && (type == LW_F32 ? stride % 2 : stride % 4) == 0;
}

static inline uint64_t lw_divide_up(uint64_t value, uint64_t by)
{
    return (value + by - 1) / by;
}

#endif
