// SPDX-License-Identifier: Apache-2.0
// Private to engine/gpu: one recorded command of a stream, with all that it takes to encode it anew.
#ifndef LW_GPU_COMMAND_H
#define LW_GPU_COMMAND_H

#include "engine/gpu/pipeline.h"

enum lw_command_kind { LW_COMMAND_DISPATCH, LW_COMMAND_FILL, LW_COMMAND_COPY };

struct lw_command {
    enum lw_command_kind kind;
    bool barrier; // before it, for what it shares with commands before
    // A dispatch.
    struct lw_pipeline_key key;
    unsigned char args[LW_PUSH_CONSTANT_BYTES];
    uint32_t groups[3];
    double flops, bytes; // of useful work
    // A fill of `to` with `word`, or a copy.
    VkBuffer from, to;
    VkDeviceSize from_offset, to_offset, size;
    uint32_t word;
    // That it is expected to take on the device: first guessed, then measured.
    double seconds;
};

#endif
