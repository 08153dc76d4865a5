// SPDX-License-Identifier: Apache-2.0
// The engine on matrix cores (see attention_engine.glsl), bf16 operands, fp32 sums. A team of TEAM
// subgroups shares TEAM_ROWS rows: a member has a part of the columns of each score and a part of
// the dims of each sum. The rows' operands stay in registers; tiles of both column operands lie in
// shared memory, lines padded by 16 bytes against bank conflicts. Scores pass through shared memory
// to the threads, SHARES neighbours a row, and come back as weights: the sum of two 16-bit numbers,
// which keeps them as exact as fp32 sums need. What the matrices hold: scale.glsl.
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "scale.glsl"

layout(constant_id = 3) const uint ROWS = 64;
layout(constant_id = 4) const uint COLUMNS = 64;
layout(constant_id = 5) const uint TEAM = 1;
layout(constant_id = 6) const uint TEAM_ROWS = 16;
layout(constant_id = 7) const uint MATRIX_M = 16;
layout(constant_id = 8) const uint MATRIX_N = 16;
layout(constant_id = 9) const uint MATRIX_K = 16;
layout(constant_id = 10) const uint SUBGROUP = 32; // invocations
layout(constant_id = 11) const uint DIMS = 64;     // HEAD_DIM rounded up to whole matrices

const uint SUBGROUPS = ROWS / TEAM_ROWS * TEAM, THREADS = SUBGROUPS * SUBGROUP;
const uint SHARES = THREADS / ROWS; // threads of a row, a power of two
const uint THREAD_ROWS = 1, THREAD_COLUMNS = COLUMNS / SHARES, SCORES = THREAD_COLUMNS;
const uint VALUES = SCORE_SETS * SCORES;
const uint MATRICES = TEAM_ROWS / MATRIX_M; // one below the other
const uint DEPTHS = DIMS / MATRIX_K;
const uint SCORE_BLOCKS = (COLUMNS / MATRIX_N + TEAM - 1) / TEAM; // of a member, across
const uint SUM_BLOCKS = (DIMS / MATRIX_N + TEAM - 1) / TEAM;
const uint LINE = DIMS / 8 + 1, TILE = COLUMNS * LINE; // pieces of 16 bytes
// A line of scores, and later of weights: the upper parts, then what they lack.
const uint SCORE_LINE = COLUMNS / 4 + 2, SCORE_SET = ROWS * SCORE_LINE, LOWER = COLUMNS / 8 + 1;
const uint MATRIX_QUADS = MATRIX_M * MATRIX_N / 4;
const uint SCORES_SIZE = SCORE_SETS * SCORE_SET; // pieces; never fewer sets than of sums
const uint FINISHED_SIZE = SUBGROUPS * MATRIX_QUADS;

#define MATRIX_A coopmat<ELEMENT, gl_ScopeSubgroup, MATRIX_M, MATRIX_K, gl_MatrixUseA>
#define MATRIX_B coopmat<ELEMENT, gl_ScopeSubgroup, MATRIX_K, MATRIX_N, gl_MatrixUseB>
#define MATRIX_SUM coopmat<float, gl_ScopeSubgroup, MATRIX_M, MATRIX_N, gl_MatrixUseAccumulator>

shared uvec4 tiles[2 * TILE];
shared uvec4 scores[SCORES_SIZE > FINISHED_SIZE ? SCORES_SIZE : FINISHED_SIZE];
shared float row_values[ROWS];

MATRIX_A held[SCORE_SETS * MATRICES * DEPTHS];
MATRIX_SUM sums[SUM_SETS * MATRICES * SUM_BLOCKS];

uint thread = gl_SubgroupID * SUBGROUP + gl_SubgroupInvocationID;
uint thread_row = thread / SHARES, thread_share = thread % SHARES;
uint team_row = gl_SubgroupID / TEAM * TEAM_ROWS, member = gl_SubgroupID % TEAM;

uint row_of(uint i)
{
    return thread_row;
}

uint column_of(uint j)
{
    return 4 * (thread_share + SHARES * (j / 4)) + j % 4;
}

uint score_index(uint set, uint i, uint j)
{
    return set * SCORES + j;
}

// The member's block number `i` of `blocks`. Where they do not divide among the members, the last is
// computed by several, with the same result: matrices in a branch are beyond some drivers.
uint block_of(uint i, uint blocks)
{
    return min(member + i * TEAM, blocks - 1);
}

// Four bf16 elements of a row.
uvec2 load_bits(uint64_t row, uint quad)
{
    if (QUADS) {
        return QuadBf16(row).at[quad];
    }
    uvec4 bits = floatBitsToUint(load_quad(row, 0, 0, quad));
    return uvec2(bits.x >> 16 | bits.y & 0xffff0000u, bits.z >> 16 | bits.w & 0xffff0000u);
}

// Rows [first, first + count) of an operand, scaled, into lines of `tiles` from `place` on; zeros
// from row `limit` on and past HEAD_DIM.
void stage_lines(Operand operand, uint first, uint count, uint limit, uint place)
{
    float scale = operand_scale(operand.scale);
    for (uint i = thread; i < count * (DIMS / 8); i += THREADS) {
        uint line = i / (DIMS / 8), piece = i % (DIMS / 8), row = first + line;
        uint64_t address = operand.base + uint64_t(min(row, limit - 1)) * operand.stride * 2;
        uvec2 low = load_bits(address, min(2 * piece, DIM_QUADS - 1));
        uvec2 high = load_bits(address, min(2 * piece + 1, DIM_QUADS - 1));
        low = row < limit && 2 * piece < DIM_QUADS ? low : uvec2(0);
        high = row < limit && 2 * piece + 1 < DIM_QUADS ? high : uvec2(0);
        tiles[place + line * LINE + piece] = uvec4(convert_pair(low.x, scale),
            convert_pair(low.y, scale), convert_pair(high.x, scale), convert_pair(high.y, scale));
    }
}

// Takes the row operands into registers. ROWS <= 2 COLUMNS.
void hold_rows(uint first, uint limit)
{
    [[unroll]] for (uint set = 0; set < SCORE_SETS; set++) {
        barrier();
        stage_lines(row_operand[set], first, ROWS, limit, 0);
        barrier();
        [[unroll]] for (uint r = 0; r < MATRICES; r++) {
            [[unroll]] for (uint d = 0; d < DEPTHS; d++) {
                coopMatLoad(held[(set * MATRICES + r) * DEPTHS + d], tiles,
                    (team_row + r * MATRIX_M) * LINE + d * MATRIX_K / 8, LINE,
                    gl_CooperativeMatrixLayoutRowMajor);
            }
        }
    }
}

// Takes columns [first, first + COLUMNS) of both column operands into shared memory.
void stage_columns(uint first, uint limit)
{
    barrier();
    stage_lines(column_operand[0], first, COLUMNS, limit, 0);
    stage_lines(column_operand[1], first, COLUMNS, limit, TILE);
    barrier();
}

// Puts the member's products of a set into `scores`.
void multiply_set(uint set)
{
    MATRIX_SUM products[MATRICES * SCORE_BLOCKS];
    [[unroll]] for (uint i = 0; i < MATRICES * SCORE_BLOCKS; i++) {
        products[i] = MATRIX_SUM(0);
    }
    [[unroll]] for (uint d = 0; d < DEPTHS; d++) {
        [[unroll]] for (uint b = 0; b < SCORE_BLOCKS; b++) {
            uint block = block_of(b, COLUMNS / MATRIX_N);
            MATRIX_B y;
            coopMatLoad(y, tiles, set * TILE + block * MATRIX_N * LINE + d * MATRIX_K / 8, LINE,
                gl_CooperativeMatrixLayoutColumnMajor);
            [[unroll]] for (uint r = 0; r < MATRICES; r++) {
                products[r * SCORE_BLOCKS + b] =
                    coopMatMulAdd(held[(set * MATRICES + r) * DEPTHS + d], y,
                        products[r * SCORE_BLOCKS + b]);
            }
        }
    }
    [[unroll]] for (uint b = 0; b < SCORE_BLOCKS; b++) {
        uint block = block_of(b, COLUMNS / MATRIX_N);
        [[unroll]] for (uint r = 0; r < MATRICES; r++) {
            coopMatStore(products[r * SCORE_BLOCKS + b], scores,
                set * SCORE_SET + (team_row + r * MATRIX_M) * SCORE_LINE + block * MATRIX_N / 4,
                SCORE_LINE, gl_CooperativeMatrixLayoutRowMajor);
        }
    }
}

// The products of the held rows and the staged columns.
void multiply(out float products[VALUES], uint first, uint tile, uint limit)
{
    [[unroll]] for (uint set = 0; set < SCORE_SETS; set++) {
        multiply_set(set);
    }
    barrier();
    [[unroll]] for (uint set = 0; set < SCORE_SETS; set++) {
        // A power of two each, and not their product, which could leave the range of fp32.
        float row_back = 1 / operand_scale(row_operand[set].scale);
        float column_back = 1 / operand_scale(column_operand[set].scale);
        [[unroll]] for (uint q = 0; q < THREAD_COLUMNS / 4; q++) {
            vec4 quad = uintBitsToFloat(scores[set * SCORE_SET + thread_row * SCORE_LINE +
                                               thread_share + SHARES * q]);
            quad = quad * row_back * column_back;
            [[unroll]] for (uint i = 0; i < 4; i++) {
                products[set * SCORES + 4 * q + i] = quad[i];
            }
        }
    }
}

void clear_sums()
{
    [[unroll]] for (uint i = 0; i < SUM_SETS * MATRICES * SUM_BLOCKS; i++) {
        sums[i] = MATRIX_SUM(0);
    }
}

// Multiplies the sums of a set by a factor for each row.
void scale_set(uint set, float factors[THREAD_ROWS])
{
    if (thread_share == 0) {
        row_values[thread_row] = factors[0];
    }
    barrier();
    [[unroll]] for (uint r = 0; r < MATRICES; r++) {
        MATRIX_SUM factor; // each column of it is the rows' factors
        coopMatLoad(factor, row_values, team_row + r * MATRIX_M, 0,
            gl_CooperativeMatrixLayoutColumnMajor);
        [[unroll]] for (uint b = 0; b < SUM_BLOCKS; b++) {
            uint index = (set * MATRICES + r) * SUM_BLOCKS + b;
            [[unroll]] for (uint i = 0; i < factor.length(); i++) {
                sums[index][i] *= factor[i];
            }
        }
    }
}

void scale_sums(float factors[THREAD_ROWS])
{
    [[unroll]] for (uint set = 0; set < SUM_SETS; set++) {
        scale_set(set, factors);
    }
}

// The scale of the weights of a set, in factors whose product could leave the range of fp32.
// Weights of a softmax are at most 1. Their gradients, weight (out_gradient . v - delta), are at
// most 2 HEAD_DIM max|out_gradient| max|v|, so that those scaled are at most 2^14.
vec3 weight_scale(uint set)
{
    if (!SCALED) {
        return vec3(1);
    }
    return WEIGHT_GRADIENTS != 0 && set == 0
               ? vec3(operand_scale(3), operand_scale(2), 1.0 / (131072.0 * DIMS))
               : vec3(16384, 1, 1);
}

// Puts the thread's weights of a set where the matrices are loaded from.
void share_weights(uint set, float values[VALUES])
{
    vec3 scale = weight_scale(set);
    uint line = set * SCORE_SET + thread_row * SCORE_LINE;
    [[unroll]] for (uint q = 0; q < THREAD_COLUMNS / 4; q++) {
        uint column = thread_share + SHARES * q, piece = line + column / 2, word = column % 2 * 2;
        [[unroll]] for (uint i = 0; i < 2; i++) {
            uint place = set * SCORES + 4 * q + 2 * i;
            vec2 pair = vec2(values[place], values[place + 1]) * scale.x * scale.y * scale.z;
            uint upper = encode_pair(pair);
            scores[piece][word + i] = upper;
            scores[piece + LOWER][word + i] = encode_pair(pair - decode_pair(upper));
        }
    }
}

// Adds to the member's sums of a set the weights times the staged columns.
void add_products(uint set)
{
    [[unroll]] for (uint c = 0; c < COLUMNS; c += MATRIX_K) {
        MATRIX_A upper[MATRICES], lower[MATRICES];
        [[unroll]] for (uint r = 0; r < MATRICES; r++) {
            uint place = set * SCORE_SET + (team_row + r * MATRIX_M) * SCORE_LINE + c / 8;
            coopMatLoad(upper[r], scores, place, SCORE_LINE, gl_CooperativeMatrixLayoutRowMajor);
            coopMatLoad(
                lower[r], scores, place + LOWER, SCORE_LINE, gl_CooperativeMatrixLayoutRowMajor);
        }
        [[unroll]] for (uint b = 0; b < SUM_BLOCKS; b++) {
            uint block = block_of(b, DIMS / MATRIX_N);
            MATRIX_B y;
            coopMatLoad(y, tiles,
                SUM_COLUMNS(set) * TILE + c * LINE + block * MATRIX_N / 8, LINE,
                gl_CooperativeMatrixLayoutRowMajor);
            [[unroll]] for (uint r = 0; r < MATRICES; r++) {
                uint index = (set * MATRICES + r) * SUM_BLOCKS + b;
                sums[index] = coopMatMulAdd(upper[r], y, sums[index]);
                sums[index] = coopMatMulAdd(lower[r], y, sums[index]);
            }
        }
    }
}

// Adds to each set of sums its weights times the staged columns.
void add_weighted(float values[VALUES], uint tile, uint limit)
{
    barrier(); // the scores are read
    [[unroll]] for (uint set = 0; set < SUM_SETS; set++) {
        share_weights(set, values);
    }
    barrier();
    [[unroll]] for (uint set = 0; set < SUM_SETS; set++) {
        add_products(set);
    }
}

// Writes a finished matrix, whose corner is row `row`, dim 4 `quad`, by way of shared memory.
void store_matrix(MATRIX_SUM finished, vec4 back, Operand target, uint row, uint quad, uint limit)
{
    uint place = gl_SubgroupID * MATRIX_QUADS;
    coopMatStore(finished, scores, place, MATRIX_N / 4, gl_CooperativeMatrixLayoutRowMajor);
    subgroupBarrier();
    for (uint q = gl_SubgroupInvocationID; q < MATRIX_QUADS; q += SUBGROUP) {
        uint q_row = row + q / (MATRIX_N / 4), q_quad = quad + q % (MATRIX_N / 4);
        if (q_row < limit && q_quad < DIM_QUADS) {
            vec4 value = uintBitsToFloat(scores[place + q]) * back.x * back.y * back.z * back.w;
            store_quad(target.base + uint64_t(q_row) * target.stride * STORAGE_BYTES, q_quad, value);
        }
    }
    subgroupBarrier();
}

// Writes the rows of a set from `first` on, times their factors.
void store_sums(uint set, float factors[THREAD_ROWS], Operand target, uint first, uint limit)
{
    barrier(); // the weights and the factors before are read
    scale_set(set, factors);
    vec4 back =
        1 / vec4(weight_scale(set), operand_scale(column_operand[SUM_COLUMNS(set)].scale));
    [[unroll]] for (uint r = 0; r < MATRICES; r++) {
        [[unroll]] for (uint b = 0; b < SUM_BLOCKS; b++) {
            uint block = block_of(b, DIMS / MATRIX_N);
            store_matrix(sums[(set * MATRICES + r) * SUM_BLOCKS + b], back, target,
                first + team_row + r * MATRIX_M, block * MATRIX_N / 4, limit);
        }
    }
}

// The largest value of the threads of each row.
void max_of_rows(inout float values[THREAD_ROWS])
{
    [[unroll]] for (uint step = 1; step < SHARES; step *= 2) {
        values[0] = max(values[0], subgroupShuffleXor(values[0], step));
    }
}

// The sum of the values of the threads of each row.
void sum_of_rows(inout float values[THREAD_ROWS])
{
    [[unroll]] for (uint step = 1; step < SHARES; step *= 2) {
        values[0] += subgroupShuffleXor(values[0], step);
    }
}
