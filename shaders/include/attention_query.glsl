// SPDX-License-Identifier: Apache-2.0
// A lane's queries under the online softmax (arXiv 1805.02867, in base 2): the state, its begin and
// end. attention_visit.glsl adds keys. For attention_forward_lane and attention_decode_lane.
#include "attention_lane.glsl"

layout(constant_id = 4) const uint K_STRIDE = 64; // elements
layout(constant_id = 5) const uint V_STRIDE = 64;

vec4 query_row[LANE_ROWS][DIM_QUADS];
vec4 value_sum[LANE_ROWS][DIM_QUADS]; // of weight * v
float top[LANE_ROWS], weight_sum[LANE_ROWS]; // the weights are exp2(score - top)
uint lowest[LANE_ROWS], highest[LANE_ROWS];  // the keys that the query sees

void query_begin(uint r, uint64_t row, uint low, uint high)
{
    [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
        query_row[r][d] = load_own_quad(row, d);
        value_sum[r][d] = vec4(0);
    }
    top[r] = LOWEST;
    weight_sum[r] = 0;
    lowest[r] = low;
    highest[r] = high;
}

void query_store(uint r, uint64_t row)
{
    float inverse = 1 / weight_sum[r];
    [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
        store_quad(row, d, value_sum[r][d] * inverse);
    }
}
