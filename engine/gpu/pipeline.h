// SPDX-License-Identifier: Apache-2.0
// Private to engine/gpu: the pipeline of a kernel with its constants.
#ifndef LW_GPU_PIPELINE_H
#define LW_GPU_PIPELINE_H

#include "engine/gpu/kernel.h"
#include "engine/gpu/vulkan.h"

// Finds or makes a pipeline. `constants` are `constant_count` specialization constants.
bool lw_pipelines_get(struct lw_pipelines *pipelines, enum lw_kernel_id kernel,
    const uint32_t *constants, uint32_t constant_count, VkPipeline *pipeline,
    struct lw_error *error);

// The one layout that all pipelines share: 128 bytes of push constants, no descriptors.
VkPipelineLayout lw_pipelines_layout(const struct lw_pipelines *pipelines);

#endif
