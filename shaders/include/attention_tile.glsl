// SPDX-License-Identifier: Apache-2.0
// The engine for GPUs without matrix cores (see attention_engine.glsl): 128 threads, 32 rows, 64
// columns. Scores are a product of two staged tiles, 4 x 4 of them a thread: rows thread_row + 8 i,
// columns thread_share + 16 j. Weights then lie in shared memory and multiply staged rows of the
// other side, 4 rows and every 16th quad a thread. Needs no subgroup operations and 27 KiB of shared
// memory.

const uint THREADS = 128, ROWS = 32, COLUMNS = 64;
const uint THREAD_ROWS = 4, THREAD_COLUMNS = 4, SCORES = THREAD_ROWS * THREAD_COLUMNS;
const uint VALUES = SCORE_SETS * SCORES;
const uint SHARES = 16; // threads of a row
const uint CHUNK = 8, PADDED = CHUNK + 1; // quads of a row staged at once for scores
// Columns staged at once for sums; PART * DIM_QUADS <= STAGE.
layout(constant_id = 3) const uint PART = 64;
const uint STAGE = 1024; // quads

const uint SUMS = (DIM_QUADS + 15) / 16; // quads of a sum row in one thread

shared vec4 stage[STAGE];
shared vec4 weights[ROWS * (COLUMNS / 4 + 1)];
shared float row_share[ROWS * 17];

// Quad m of row i of set s is sums[sum_place(s, i, m)].
vec4 sums[SUM_SETS * 4 * SUMS];

uint sum_place(uint set, uint i, uint m)
{
    return (set * 4 + i) * SUMS + m;
}

uint thread_row = gl_LocalInvocationID.x / SHARES;
uint thread_share = gl_LocalInvocationID.x % SHARES;

uint row_of(uint i)
{
    return thread_row + 8 * i;
}

uint column_of(uint j)
{
    return thread_share + SHARES * j;
}

uint score_index(uint set, uint i, uint j)
{
    return set * SCORES + i * THREAD_COLUMNS + j;
}

// The rows are read again with each tile.
void hold_rows(uint first, uint limit)
{
}

// So are the columns, in parts.
void stage_columns(uint first, uint limit)
{
}

// Rows [first, first + rows) of an operand, zeros from `limit` on, quads [quad, quad + quads), into
// stage[place + row * pitch].
void stage_rows(Operand operand, uvec3 first_rows_limit, uint quad, uint quads, uint place,
    uint pitch)
{
    uint total = first_rows_limit.y * quads;
    for (uint i = gl_LocalInvocationID.x; i < total; i += THREADS) {
        uint row = i / quads, column = i - row * quads, source = first_rows_limit.x + row;
        uint64_t source_row = operand.base + uint64_t(source) * operand.stride * STORAGE_BYTES;
        bool inside = source < first_rows_limit.z && quad + column < DIM_QUADS;
        stage[place + row * pitch + column] =
            inside ? load_quad(source_row, 0, 0, quad + column) : vec4(0);
    }
}

void multiply_set(
    uint set, inout float products[VALUES], uint first, uint tile, uint limit)
{
    for (uint quad = 0; quad < DIM_QUADS; quad += CHUNK) {
        barrier();
        stage_rows(row_operand[set], uvec3(first, ROWS, limit), quad, CHUNK, 0, PADDED);
        stage_rows(column_operand[set], uvec3(tile, COLUMNS, limit), quad, CHUNK, ROWS * PADDED,
            PADDED);
        barrier();
        [[dont_unroll]] for (uint c = 0; c < CHUNK; c++) {
            vec4 y[4];
            [[unroll]] for (uint j = 0; j < 4; j++) {
                y[j] = stage[(ROWS + column_of(j)) * PADDED + c];
            }
            [[unroll]] for (uint i = 0; i < 4; i++) {
                vec4 x = stage[row_of(i) * PADDED + c];
                [[unroll]] for (uint j = 0; j < 4; j++) {
                    uint index = score_index(set, i, j);
                    products[index] = add_dot(x, y[j], products[index]);
                }
            }
        }
    }
}

// The products of the rows from `first` on and the columns from `tile` on; zeros from `limit` on.
void multiply(out float products[VALUES], uint first, uint tile, uint limit)
{
    [[unroll]] for (uint i = 0; i < VALUES; i++) {
        products[i] = 0;
    }
    [[unroll]] for (uint set = 0; set < SCORE_SETS; set++) {
        multiply_set(set, products, first, tile, limit);
    }
}

void clear_sums()
{
    [[unroll]] for (uint i = 0; i < SUM_SETS * 4 * SUMS; i++) {
        sums[i] = vec4(0);
    }
}

// Multiplies the sums of the thread's row i by factors[i].
void scale_sums(float factors[THREAD_ROWS])
{
    [[unroll]] for (uint i = 0; i < SUM_SETS * 4 * SUMS; i++) {
        sums[i] *= factors[i / SUMS % 4];
    }
}

// Sums of quad m of row i of a set += the weights of the thread's row i times quad
// thread_share + 16 m of the columns from `tile` on.
void add_products(uint set, uint tile, uint limit)
{
    for (uint part = 0; part < COLUMNS && tile + part < limit; part += PART) {
        barrier();
        stage_rows(column_operand[SUM_COLUMNS(set)], uvec3(tile + part, PART, limit), 0, DIM_QUADS,
            0, DIM_QUADS);
        barrier();
        [[dont_unroll]] for (uint c = 0; c < PART; c += 4) {
            vec4 w[4];
            [[unroll]] for (uint i = 0; i < 4; i++) {
                w[i] = weights[row_of(i) * (COLUMNS / 4 + 1) + (part + c) / 4];
            }
            [[unroll]] for (uint m = 0; m < SUMS; m++) {
                uint quad = min(thread_share + SHARES * m, DIM_QUADS - 1);
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

// Adds to each set of sums its weights times the columns from `tile` on; from `limit` on weights
// are 0.
void add_weighted(float values[VALUES], uint tile, uint limit)
{
    [[unroll]] for (uint set = 0; set < SUM_SETS; set++) {
        if (set > 0) {
            barrier(); // the weights of the set before are read; multiply saw to the first's
        }
        [[unroll]] for (uint i = 0; i < SCORES; i++) {
            uint column = column_of(i % 4);
            weights[row_of(i / 4) * (COLUMNS / 4 + 1) + column / 4][column % 4] =
                values[set * SCORES + i];
        }
        add_products(set, tile, limit);
    }
}

// Writes the rows of a set from `first` on, those of the thread's row i times factors[i].
void store_sums(uint set, float factors[THREAD_ROWS], Operand target, uint first, uint limit)
{
    [[unroll]] for (uint i = 0; i < 4; i++) {
        uint row = first + row_of(i);
        [[unroll]] for (uint m = 0; m < SUMS; m++) {
            uint quad = thread_share + SHARES * m;
            if (row < limit && quad < DIM_QUADS) {
                store_quad(target.base + uint64_t(row) * target.stride * STORAGE_BYTES, quad,
                    sums[sum_place(set, i, m)] * factors[i]);
            }
        }
    }
}

// The 16 threads of each row exchange a value a row.
void share_rows(float values[THREAD_ROWS])
{
    barrier();
    [[unroll]] for (uint i = 0; i < 4; i++) {
        row_share[row_of(i) * 17 + thread_share] = values[i];
    }
    barrier();
}

// The largest value of the threads of each row.
void max_of_rows(inout float values[THREAD_ROWS])
{
    share_rows(values);
    for (uint c = 0; c < SHARES; c++) {
        [[unroll]] for (uint i = 0; i < 4; i++) {
            values[i] = max(values[i], row_share[row_of(i) * 17 + c]);
        }
    }
}

// The sum of the values of the threads of each row.
void sum_of_rows(inout float values[THREAD_ROWS])
{
    share_rows(values);
    [[unroll]] for (uint i = 0; i < 4; i++) {
        values[i] = 0;
    }
    for (uint c = 0; c < SHARES; c++) {
        [[unroll]] for (uint i = 0; i < 4; i++) {
            values[i] += row_share[row_of(i) * 17 + c];
        }
    }
}
