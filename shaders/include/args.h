// SPDX-License-Identifier: Apache-2.0
// What push-constant structs are written with: text that is legal in C and in GLSL, so that both
// sides include the same declaration. Addresses come first, then 32-bit members, so that C's
// layout equals GLSL's scalar layout; a struct has at most 128 bytes.
#ifndef LW_SHADERS_ARGS_H
#define LW_SHADERS_ARGS_H

// Fours of elements that one invocation of an element-wise kernel owns.
#define LW_CHUNKS 4

// The number of a constant that all pipelines are told (kernel.glsl), behind those of the kernels.
#define LW_CONSTANT_LANES 31
#define LW_MOST_LANES 16 // its largest value

#ifdef VULKAN // GLSL
#define LW_ARGS_SIZE(name, bytes)
#define LW_STRUCT
#else
#include <stdint.h>
#define LW_STRUCT struct // a member that is a struct
#define LW_ARGS_SIZE(name, bytes)                                                                  \
    _Static_assert(sizeof(struct name) == (bytes) && (bytes) <= 128, #name " has another size");
#endif

#endif
