// SPDX-License-Identifier: Apache-2.0
// The idea of the lane kernels of attention, for CPU drivers: a workgroup is one subgroup, a lane
// owns a row or two (queries, or keys) and all lanes walk the same rows of the other side, whose
// addresses are free of the invocation id: the driver turns those loads into broadcast operands.
// Arrays are only indexed by constants once the loops are unrolled; strides are constants (4 and 5,
// declared by each kernel), so that one pointer a tile serves all its loads, which are of quads,
// because compile time grows with the square of their number. LANE_ROWS rows a lane share each load
// and, of bf16, its decoding. Loops test behind their body, because the driver runs a loop that tests
// before it once more in vain. No barriers, no shared memory, nothing crosses lanes.
#include "attention_common.glsl"

layout(constant_id = 3) const uint TILE = 16; // rows of the walked side per step
layout(constant_id = 6) const uint LANE_ROWS = 1;
