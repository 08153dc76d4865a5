// SPDX-License-Identifier: Apache-2.0
// What a GPU's matrix product does with finished sums: bias, add, rounding, edges. Include after
// kernel.glsl and a declaration of FLAGS and args. OUT_BF16 defined: c and add are bf16.
#include "matmul_out.glsl"

const bool C_VECTOR = (FLAGS & LW_MATMUL_C_VECTOR) != 0;
const bool BIAS = (FLAGS & LW_MATMUL_BIAS) != 0;
const bool ADD = (FLAGS & LW_MATMUL_ADD) != 0;

vec4 load_out_quad(uint64_t address, uint64_t index)
{
#ifdef OUT_BF16
    return load4_bf16(address, index);
#else
    return F32x4(address + index * 4).at[0];
#endif
}

void store_out_quad(uint64_t address, uint64_t index, vec4 value)
{
#ifdef OUT_BF16
    store4_bf16(address, index, value);
#else
    F32x4(address + index * 4).at[0] = value;
#endif
}

// Adds what is to be added and stores row `row`, columns column .. column + 3 of c at `c`, as far as
// they are there.
void store_quad(uint64_t c, uint row, uint column, vec4 value)
{
    uint64_t at = uint64_t(row) * args.c_stride + column;
    uint64_t add_at = uint64_t(row) * args.add_stride + column;
    if (BIAS) {
        [[unroll]] for (uint t = 0; t < 4; t++) {
            value[t] += load_storage(args.bias, min(column + t, args.n - 1));
        }
    }
    if (C_VECTOR) {
        store_out_quad(c, at, ADD ? value + load_out_quad(args.add, add_at) : value);
        return;
    }
    [[unroll]] for (uint t = 0; t < 4; t++) {
        if (column + t < args.n) {
            store_out(c, at + t, ADD ? value[t] + load_out(args.add, add_at + t) : value[t]);
        }
    }
}
