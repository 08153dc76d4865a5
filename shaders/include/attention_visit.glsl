// SPDX-License-Identifier: Apache-2.0
// Defines VISIT(k_tile, v_tile, key, from, scale): adds the VISIT_KEYS keys from number `key` on,
// those before `from` left out, whose rows begin at k_tile and v_tile, to the lane's queries;
// `scale` is in base 2. Included once for each number of keys, which must be a constant.
void VISIT(uint64_t k_tile, uint64_t v_tile, uint key, uint from, float scale)
{
    float p[LANE_ROWS][VISIT_KEYS];
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        [[unroll]] for (uint j = 0; j < VISIT_KEYS; j++) {
            p[r][j] = 0;
        }
    }
    [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
        [[unroll]] for (uint j = 0; j < VISIT_KEYS; j++) {
            vec4 k = load_quad(k_tile, j, K_STRIDE, d);
            [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
                p[r][j] = add_dot(query_row[r][d], k, p[r][j]);
            }
        }
    }
    [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
        float old_top = top[r];
        uint low = max(lowest[r], from);
        [[unroll]] for (uint j = 0; j < VISIT_KEYS; j++) {
            p[r][j] = key + j >= low && key + j <= highest[r] ? p[r][j] * scale : LOWEST;
            top[r] = max(top[r], p[r][j]);
        }
        float shrink = exp2(old_top - top[r]);
        weight_sum[r] *= shrink;
        [[unroll]] for (uint j = 0; j < VISIT_KEYS; j++) {
            p[r][j] = p[r][j] == LOWEST ? 0.0 : exp2(p[r][j] - top[r]);
            weight_sum[r] += p[r][j];
        }
        [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
            value_sum[r][d] *= shrink;
        }
    }
    [[unroll]] for (uint d = 0; d < DIM_QUADS; d++) {
        [[unroll]] for (uint j = 0; j < VISIT_KEYS; j++) {
            vec4 v = load_quad(v_tile, j, V_STRIDE, d);
            [[unroll]] for (uint r = 0; r < LANE_ROWS; r++) {
                value_sum[r][d] = fma(vec4(p[r][j]), v, value_sum[r][d]);
            }
        }
    }
}
#undef VISIT
#undef VISIT_KEYS
