// SPDX-License-Identifier: Apache-2.0
// Private to engine/gpu: the pipeline of a kernel with its constants.
#ifndef LW_GPU_PIPELINE_H
#define LW_GPU_PIPELINE_H

#include <stdbool.h>

#include "engine/gpu/kernel.h"
#include "engine/gpu/vulkan.h"

#define LW_PUSH_CONSTANT_BYTES 128

// What distinguishes the pipelines of a kernel.
struct lw_pipeline_key {
    enum lw_kernel_id kernel;
    uint32_t subgroup_size; // required, with full subgroups; 0: the driver's choice
    uint32_t constant_count, constants[LW_KERNEL_CONSTANTS]; // those past the count are 0
    bool divided; // some of the workgroups can be dispatched (vkCmdDispatchBase)
};

// Finds or makes a pipeline.
bool lw_pipelines_get(struct lw_pipelines *pipelines, const struct lw_pipeline_key *key,
    VkPipeline *pipeline, struct lw_error *error);

// How many there are, and the key and handle of number `index`, in the order of making.
size_t lw_pipelines_count(const struct lw_pipelines *pipelines);
const struct lw_pipeline_key *lw_pipelines_at(
    const struct lw_pipelines *pipelines, size_t index, VkPipeline *pipeline);

// The one layout that all pipelines share: LW_PUSH_CONSTANT_BYTES of push constants, no descriptors.
VkPipelineLayout lw_pipelines_layout(const struct lw_pipelines *pipelines);

#endif
