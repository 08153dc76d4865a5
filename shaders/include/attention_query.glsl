// SPDX-License-Identifier: Apache-2.0
// One lane's query under the online softmax (arXiv 1805.02867, in base 2): the state, its begin
// and end. attention_visit.glsl adds keys. For attention_forward_lane and attention_decode_lane.
#include "attention_lane.glsl"

layout(constant_id = 4) const uint K_STRIDE = 64; // elements
layout(constant_id = 5) const uint V_STRIDE = 64;

vec4 query_row[DIM_QUADS];
vec4 value_sum[DIM_QUADS]; // of weight * v
float top, weight_sum;    // the weights are exp2(score - top)

void query_begin(uint64_t row)
{
    [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
        query_row[d] = load_quad(row, 0, 0, d);
        value_sum[d] = vec4(0);
    }
    top = LOWEST;
    weight_sum = 0;
}

void query_store(uint64_t row)
{
    float inverse = 1 / weight_sum;
    [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
        store_quad(row, d, value_sum[d] * inverse);
    }
}
