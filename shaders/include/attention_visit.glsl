// SPDX-License-Identifier: Apache-2.0
// Defines VISIT(k_tile, v_tile, key, low, high, scale): adds the VISIT_KEYS keys from number `key`
// on, whose rows begin at k_tile and v_tile, to the lane's query, which sees keys low to high;
// `scale` is in base 2. Included once for each number of keys, which must be a constant.
void VISIT(uint64_t k_tile, uint64_t v_tile, uint key, uint low, uint high, float scale)
{
    float p[VISIT_KEYS];
    [[unroll]] for (uint j = 0; j < VISIT_KEYS; j++) {
        p[j] = 0;
    }
    [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
        [[unroll]] for (uint j = 0; j < VISIT_KEYS; j++) {
            vec4 k = load_quad(k_tile, j, K_STRIDE, d);
            p[j] = add_dot(query_row[d], k, p[j]);
        }
    }
    float old_top = top;
    [[unroll]] for (uint j = 0; j < VISIT_KEYS; j++) {
        p[j] = key + j >= low && key + j <= high ? p[j] * scale : LOWEST;
        top = max(top, p[j]);
    }
    float shrink = exp2(old_top - top);
    weight_sum *= shrink;
    [[unroll]] for (uint j = 0; j < VISIT_KEYS; j++) {
        p[j] = p[j] == LOWEST ? 0.0 : exp2(p[j] - top);
        weight_sum += p[j];
    }
    // Blocks of two quads: eight chains of sums hide the latency of fma.
    [[unroll]] for (uint d = 0; d < DIM_QUADS; d += 2) {
        [[unroll]] for (uint e = d; e < min(d + 2, DIM_QUADS); e++) {
            value_sum[e] *= shrink;
        }
        [[unroll]] for (uint j = 0; j < VISIT_KEYS; j++) {
            [[unroll]] for (uint e = d; e < min(d + 2, DIM_QUADS); e++) {
                value_sum[e] = fma(vec4(p[j]), load_quad(v_tile, j, V_STRIDE, e), value_sum[e]);
            }
        }
    }
}
#undef VISIT
#undef VISIT_KEYS
