// SPDX-License-Identifier: Apache-2.0
// Which matrix shapes a device multiplies in hardware: those with fp32 sums of fp16 or bf16 operands,
// of VK_KHR_cooperative_matrix and of VK_NV_cooperative_matrix2. Called by caps.c.
#include "engine/base/alloc.h"
#include "engine/gpu/instance_private.h"
#include "engine/gpu/vulkan_matrix.h"

static const VkComponentTypeKHR operand_types[LW_MATRIX_OPERANDS] = {
    [LW_MATRIX_FP16] = VK_COMPONENT_TYPE_FLOAT16_KHR,
    [LW_MATRIX_BF16] = VK_COMPONENT_TYPE_BFLOAT16_KHR};

// How well tiles of this shape suit the kernels: the squares of 16 of most devices before all others,
// then the larger ones.
static uint32_t rank(const struct lw_matrix_shape *shape)
{
    bool square = shape->m == 16 && shape->n == 16 && shape->k == 16;
    return square ? UINT32_MAX : shape->m * shape->n * shape->k;
}

static void keep_better(struct lw_matrix_shape *best, struct lw_matrix_shape shape)
{
    if (rank(&shape) > rank(best)) {
        *best = shape;
    }
}

static void measure_subgroup_shapes(
    const struct lw_instance *instance, struct lw_physical_device *device)
{
    PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR get =
        (PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR)instance->global.GetInstanceProcAddr(
            instance->handle, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    uint32_t count = 0;
    if (!get || get(device->handle, &count, NULL) != VK_SUCCESS) {
        return;
    }
    VkCooperativeMatrixPropertiesKHR *rows = lw_calloc(count, sizeof *rows, NULL);
    for (uint32_t i = 0; rows && i < count; i++) {
        rows[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
    }
    if (rows && get(device->handle, &count, rows) == VK_SUCCESS) {
        for (uint32_t i = 0; i < count; i++) {
            const VkCooperativeMatrixPropertiesKHR *row = &rows[i];
            for (int type = 0; type < LW_MATRIX_OPERANDS; type++) {
                if (row->scope == VK_SCOPE_SUBGROUP_KHR && row->AType == operand_types[type] &&
                    row->BType == operand_types[type] &&
                    row->CType == VK_COMPONENT_TYPE_FLOAT32_KHR &&
                    row->ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR &&
                    !row->saturatingAccumulation) {
                    keep_better(&device->caps.subgroup_matrices[type],
                        (struct lw_matrix_shape){row->MSize, row->NSize, row->KSize});
                }
            }
        }
    }
    lw_free(rows);
}

// The scope of a row of flexible dimensions; LW_MATRIX_SCOPES where no kernel has it.
static enum lw_matrix_scope scope_of(const VkCooperativeMatrixFlexibleDimensionsPropertiesNV *row)
{
    if (row->scope == VK_SCOPE_SUBGROUP_KHR) {
        return LW_MATRIX_SUBGROUP;
    }
    bool workgroup = row->scope == VK_SCOPE_WORKGROUP_KHR;
    return workgroup && row->workgroupInvocations == 128   ? LW_MATRIX_WORKGROUP_128
           : workgroup && row->workgroupInvocations == 256 ? LW_MATRIX_WORKGROUP_256
                                                           : LW_MATRIX_SCOPES;
}

static void measure_flexible_shapes(
    const struct lw_instance *instance, struct lw_physical_device *device)
{
    VkPhysicalDeviceCooperativeMatrix2PropertiesNV limits = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_PROPERTIES_NV};
    VkPhysicalDeviceProperties2 properties = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &limits};
    instance->vulkan.GetPhysicalDeviceProperties2(device->handle, &properties);
    device->caps.max_matrix_size = limits.cooperativeMatrixFlexibleDimensionsMaxDimension;
    PFN_vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV get =
        (PFN_vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV)
            instance->global.GetInstanceProcAddr(instance->handle,
                "vkGetPhysicalDeviceCooperativeMatrixFlexibleDimensionsPropertiesNV");
    uint32_t count = 0;
    if (!get || get(device->handle, &count, NULL) != VK_SUCCESS) {
        return;
    }
    VkCooperativeMatrixFlexibleDimensionsPropertiesNV *rows = lw_calloc(count, sizeof *rows, NULL);
    for (uint32_t i = 0; rows && i < count; i++) {
        rows[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_FLEXIBLE_DIMENSIONS_PROPERTIES_NV;
    }
    if (rows && get(device->handle, &count, rows) == VK_SUCCESS) {
        for (uint32_t i = 0; i < count; i++) {
            const VkCooperativeMatrixFlexibleDimensionsPropertiesNV *row = &rows[i];
            for (int type = 0; type < LW_MATRIX_OPERANDS; type++) {
                enum lw_matrix_scope scope = scope_of(row);
                if (scope < LW_MATRIX_SCOPES && row->AType == operand_types[type] &&
                    row->BType == operand_types[type] &&
                    row->CType == VK_COMPONENT_TYPE_FLOAT32_KHR &&
                    row->ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR &&
                    !row->saturatingAccumulation) {
                    device->caps.flexible_matrices[scope][type] = (struct lw_matrix_shape){
                        row->MGranularity, row->NGranularity, row->KGranularity};
                }
            }
        }
    }
    lw_free(rows);
}

// The features behind the extensions that the device names, as far as Lewin's kernels need them.
static uint32_t measure_features(
    const struct lw_instance *instance, const struct lw_physical_device *device)
{
    uint32_t named = device->caps.features;
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR subgroup = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR};
    VkPhysicalDeviceCooperativeMatrix2FeaturesNV flexible = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV};
    VkPhysicalDeviceShaderBfloat16FeaturesKHR bfloat16 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_BFLOAT16_FEATURES_KHR};
    VkPhysicalDeviceVulkanMemoryModelFeatures model = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES};
    VkPhysicalDeviceFeatures2 features = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &model};
    void **end = &model.pNext;
    if (named & LW_FEATURE_COOPERATIVE_MATRIX) {
        *end = &subgroup;
        end = &subgroup.pNext;
    }
    if (named & LW_FEATURE_COOPERATIVE_MATRIX_2) {
        *end = &flexible;
        end = &flexible.pNext;
    }
    if (named & LW_FEATURE_BFLOAT16) {
        *end = &bfloat16;
    }
    instance->vulkan.GetPhysicalDeviceFeatures2(device->handle, &features);
    uint32_t found = 0;
    bool sized = (named & LW_FEATURE_SUBGROUP_SIZE_CONTROL) != 0;
    // Lavapipe of Mesa 26.1 offers its matrices of 8 x 8 also with vectors of 512 bits and crashes.
    bool broken = device->caps.kind == LW_DEVICE_CPU && device->caps.subgroup_size != 8;
    bool ordered = model.vulkanMemoryModel && model.vulkanMemoryModelDeviceScope;
    if (subgroup.cooperativeMatrix && ordered && sized && !broken) {
        found |= LW_FEATURE_COOPERATIVE_MATRIX;
        // Its kernels are SPIR-V 1.6, of Vulkan 1.3.
        if (device->caps.vulkan_version >= VK_API_VERSION_1_3 &&
            flexible.cooperativeMatrixFlexibleDimensions &&
            flexible.cooperativeMatrixPerElementOperations) {
            found |= LW_FEATURE_COOPERATIVE_MATRIX_2;
        }
        if (found & LW_FEATURE_COOPERATIVE_MATRIX_2 && flexible.cooperativeMatrixWorkgroupScope &&
            flexible.cooperativeMatrixTensorAddressing && flexible.cooperativeMatrixBlockLoads) {
            found |= LW_FEATURE_WORKGROUP_MATRIX;
        }
    }
    if (bfloat16.shaderBFloat16Type && bfloat16.shaderBFloat16CooperativeMatrix) {
        found |= LW_FEATURE_BFLOAT16;
    }
    return found;
}

void lw_caps_measure_matrices(const struct lw_instance *instance, struct lw_physical_device *device)
{
    struct lw_caps *caps = &device->caps;
    uint32_t found = measure_features(instance, device);
    if (found & LW_FEATURE_COOPERATIVE_MATRIX) {
        measure_subgroup_shapes(instance, device);
    }
    if (found & LW_FEATURE_COOPERATIVE_MATRIX_2) {
        measure_flexible_shapes(instance, device);
    }
    caps->features &= ~(uint32_t)(LW_FEATURE_COOPERATIVE_MATRIX | LW_FEATURE_COOPERATIVE_MATRIX_2 |
                                  LW_FEATURE_BFLOAT16);
    bool any =
        caps->subgroup_matrices[LW_MATRIX_FP16].m || caps->subgroup_matrices[LW_MATRIX_BF16].m;
    caps->features |= any ? found : found & LW_FEATURE_BFLOAT16;
}
