// SPDX-License-Identifier: Apache-2.0
// What a device can do, measured once into a flat struct. 0 means absent.
#ifndef LW_GPU_CAPS_H
#define LW_GPU_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

// Features that a kernel may need or prefer; --hide-caps hides them by these names.
enum lw_feature {
    LW_FEATURE_CPU = 1u << 0, // a CPU driver: no shared memory worth using, one subgroup a group
    LW_FEATURE_FLOAT16 = 1u << 1,               // fp16 arithmetic
    LW_FEATURE_COOPERATIVE_MATRIX = 1u << 2,    // VK_KHR_cooperative_matrix, fp32 sums
    LW_FEATURE_COOPERATIVE_MATRIX_2 = 1u << 3,  // VK_NV_cooperative_matrix2: any size, by element
    LW_FEATURE_WORKGROUP_MATRIX = 1u << 4,      // and of a workgroup, moved by tensor layouts
    LW_FEATURE_BFLOAT16 = 1u << 5,              // VK_KHR_shader_bfloat16, in matrices
    LW_FEATURE_SUBGROUP_SIZE_CONTROL = 1u << 6, // VK_EXT_subgroup_size_control
    LW_FEATURE_MEMORY_BUDGET = 1u << 7,         // VK_EXT_memory_budget
    LW_FEATURE_EXTERNAL_HOST = 1u << 8,         // VK_EXT_external_memory_host
    LW_FEATURE_UNIFIED_MEMORY = 1u << 9, // the host maps all device memory: no staging copies
    LW_FEATURE_COUNT = 10
};

// The name of one feature bit as --hide-caps takes it.
const char *lw_feature_name(enum lw_feature feature);

// The enum lw_feature bits of a list of names with commas between, as --hide-caps takes it; NULL and
// "" are none. LW_USAGE names the known ones.
bool lw_features_parse(const char *names, uint32_t *features, struct lw_error *error);

// What the operands of a matrix multiplication in hardware are; its sums are fp32.
enum lw_matrix_operand { LW_MATRIX_FP16, LW_MATRIX_BF16, LW_MATRIX_OPERANDS };

// A product [m, k] x [k, n] that the hardware does as one; m 0: none.
struct lw_matrix_shape {
    uint32_t m, n, k;
};

// Who shares a matrix of VK_NV_cooperative_matrix2: a subgroup, a workgroup of 128 or 256 invocations.
enum lw_matrix_scope {
    LW_MATRIX_SUBGROUP,
    LW_MATRIX_WORKGROUP_128,
    LW_MATRIX_WORKGROUP_256,
    LW_MATRIX_SCOPES
};

enum lw_device_kind { LW_DEVICE_OTHER, LW_DEVICE_CPU, LW_DEVICE_INTEGRATED, LW_DEVICE_DISCRETE };

struct lw_caps {
    char name[256], driver[512];
    enum lw_device_kind kind;
    uint32_t vulkan_version; // VK_MAKE_API_VERSION
    char unusable[256];      // why Lewin cannot use it; empty when it can
    uint32_t features;       // enum lw_feature bits
    uint64_t memory_total;   // bytes of the largest device-local heap
    uint64_t memory_free;    // bytes free now; 0 when the driver does not tell
    uint64_t max_allocation; // bytes of one allocation
    uint32_t subgroup_size;  // the default
    uint32_t min_subgroup_size, max_subgroup_size;
    struct lw_matrix_shape subgroup_matrices[LW_MATRIX_OPERANDS];
    // What the sizes of VK_NV_cooperative_matrix2's matrices are multiples of, and their most.
    struct lw_matrix_shape flexible_matrices[LW_MATRIX_SCOPES][LW_MATRIX_OPERANDS];
    uint32_t max_matrix_size;
    uint32_t shared_memory;   // bytes a workgroup
    uint32_t max_group_count; // workgroups in x
    uint32_t max_group_size;  // invocations
    float timestamp_period;   // nanoseconds a tick; 0: no timestamps
    uint32_t timestamp_bits;  // of a tick count that are valid
    uint8_t cache_uuid[16];
};

#endif
