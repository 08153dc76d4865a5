// SPDX-License-Identifier: Apache-2.0
// The idea of the tile kernels of attention, for GPUs without matrix cores: a workgroup of 128
// threads owns 32 rows (queries, or keys) and walks the other side 64 columns at a time. Scores are
// a product of two staged tiles, 4 x 4 of them a thread: rows thread_row + 8 i, columns
// thread_column + 16 j. Weights then lie in shared memory and multiply staged rows of the other
// side, 4 rows and every 16th quad a thread. Needs no subgroup operations and 27 KiB of shared
// memory.
#include "attention_common.glsl"

const uint THREADS = 128, ROWS = 32, COLUMNS = 64;
const uint CHUNK = 8, PADDED = CHUNK + 1; // quads of a row staged at once for scores
// Columns staged at once for sums; PART * DIM_QUADS <= STAGE.
layout(constant_id = 3) const uint PART = 64;
const uint STAGE = 1024; // quads

const uint SUMS = (DIM_QUADS + 15) / 16; // quads of a sum row in one thread

shared vec4 stage[STAGE];
shared vec4 weights[ROWS * (COLUMNS / 4 + 1)];
shared float row_share[ROWS * 17];

// SUM_SETS (defined by the kernel) sets of sums of the thread: quad m of its row i of set s is
// sums[sum_place(s, i, m)].
vec4 sums[SUM_SETS * 4 * SUMS];

uint sum_place(uint set, uint i, uint m)
{
    return (set * 4 + i) * SUMS + m;
}

uint thread_row = gl_LocalInvocationID.x / 16, thread_column = gl_LocalInvocationID.x % 16;

// Rows [first, first + rows) of `base`, zeros from `limit` on, quads [quad, quad + quads), into
// stage[place + row * pitch].
void stage_rows(uint64_t base, uint stride, uvec3 first_rows_limit, uint quad, uint quads,
    uint place, uint pitch)
{
    uint total = first_rows_limit.y * quads;
    for (uint i = gl_LocalInvocationID.x; i < total; i += THREADS) {
        uint row = i / quads, column = i - row * quads, source = first_rows_limit.x + row;
        uint64_t source_row = base + uint64_t(source) * stride * STORAGE_BYTES;
        bool inside = source < first_rows_limit.z && quad + column < DIM_QUADS;
        stage[place + row * pitch + column] =
            inside ? load_quad(source_row, 0, 0, quad + column) : vec4(0);
    }
}

// products[4 * i + j] = the thread's row i of `a` times its column j, a row of `b`.
void multiply(out float products[16], uint64_t a, uint a_stride, uint a_first, uint64_t b,
    uint b_stride, uint b_first, uint limit)
{
    [[unroll]] for (uint i = 0; i < 16; i++) {
        products[i] = 0;
    }
    for (uint quad = 0; quad < DIM_QUADS; quad += CHUNK) {
        barrier();
        stage_rows(a, a_stride, uvec3(a_first, ROWS, limit), quad, CHUNK, 0, PADDED);
        stage_rows(b, b_stride, uvec3(b_first, COLUMNS, limit), quad, CHUNK, ROWS * PADDED, PADDED);
        barrier();
        [[dont_unroll]] for (uint c = 0; c < CHUNK; c++) {
            vec4 y[4];
            [[unroll]] for (uint j = 0; j < 4; j++) {
                y[j] = stage[(ROWS + thread_column + 16 * j) * PADDED + c];
            }
            [[unroll]] for (uint i = 0; i < 4; i++) {
                vec4 x = stage[(thread_row + 8 * i) * PADDED + c];
                [[unroll]] for (uint j = 0; j < 4; j++) {
                    products[4 * i + j] = add_dot(x, y[j], products[4 * i + j]);
                }
            }
        }
    }
}

// Puts the thread's weights where add_weighted reads them. All threads must be past the last
// add_weighted, which multiply sees to.
void share_weights(float values[16])
{
    [[unroll]] for (uint i = 0; i < 16; i++) {
        uint row = thread_row + 8 * (i / 4), column = thread_column + 16 * (i % 4);
        weights[row * (COLUMNS / 4 + 1) + column / 4][column % 4] = values[i];
    }
}

void clear_sums()
{
    [[unroll]] for (uint i = 0; i < SUM_SETS * 4 * SUMS; i++) {
        sums[i] = vec4(0);
    }
}

// Sums of quad m of row i of a set += the weights of the thread's row i times quad
// thread_column + 16 m of rows [first, first + COLUMNS) of `base`; from `limit` on weights are 0.
void add_weighted(uint set, uint64_t base, uint stride, uint first, uint limit)
{
    for (uint part = 0; part < COLUMNS && first + part < limit; part += PART) {
        barrier();
        stage_rows(base, stride, uvec3(first + part, PART, limit), 0, DIM_QUADS, 0, DIM_QUADS);
        barrier();
        [[dont_unroll]] for (uint c = 0; c < PART; c += 4) {
            vec4 w[4];
            [[unroll]] for (uint i = 0; i < 4; i++) {
                w[i] = weights[(thread_row + 8 * i) * (COLUMNS / 4 + 1) + (part + c) / 4];
            }
            [[unroll]] for (uint m = 0; m < SUMS; m++) {
                uint quad = min(thread_column + 16 * m, DIM_QUADS - 1);
                [[unroll]] for (uint n = 0; n < 4; n++) {
                    vec4 x = stage[(c + n) * DIM_QUADS + quad];
                    [[unroll]] for (uint i = 0; i < 4; i++) {
                        uint place = sum_place(set, i, m);
                        sums[place] = fma(vec4(w[i][n]), x, sums[place]);
                    }
                }
            }
        }
    }
}

// Writes the thread's part of the rows from `first` on, times `factors`, to `base`.
void store_sums(uint set, vec4 factors, uint64_t base, uint stride, uint first,
    uint limit)
{
    [[unroll]] for (uint i = 0; i < 4; i++) {
        uint row = first + thread_row + 8 * i;
        [[unroll]] for (uint m = 0; m < SUMS; m++) {
            uint quad = thread_column + 16 * m;
            if (row < limit && quad < DIM_QUADS) {
                store_quad(base + uint64_t(row) * stride * STORAGE_BYTES, quad,
                    sums[sum_place(set, i, m)] * factors[i]);
            }
        }
    }
}

// The 16 threads of each row exchange a value a row: row_share[row * 17 + thread_column].
void share_rows(vec4 values)
{
    barrier();
    [[unroll]] for (uint i = 0; i < 4; i++) {
        row_share[(thread_row + 8 * i) * 17 + thread_column] = values[i];
    }
    barrier();
}

vec4 max_of_rows(vec4 values)
{
    share_rows(values);
    for (uint c = 0; c < 16; c++) {
        [[unroll]] for (uint i = 0; i < 4; i++) {
            values[i] = max(values[i], row_share[(thread_row + 8 * i) * 17 + c]);
        }
    }
    return values;
}

vec4 sum_of_rows(vec4 values)
{
    share_rows(values);
    vec4 sums = vec4(0);
    for (uint c = 0; c < 16; c++) {
        [[unroll]] for (uint i = 0; i < 4; i++) {
            sums[i] += row_share[(thread_row + 8 * i) * 17 + c];
        }
    }
    return sums;
}
