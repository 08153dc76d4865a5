// SPDX-License-Identifier: Apache-2.0
// How a product's matrices of VK_NV_cooperative_matrix2 are filled and stored. WORKGROUP defined: they
// are a workgroup's, which the hardware moves by tensor layouts. Else a subgroup's, which move element by
// element. Include after matmul_grid.glsl, scale.glsl, matmul_store.glsl, TILE_K and FLAGS.
#include "tensor_layout.glsl"

#ifdef WORKGROUP
#define SCOPE gl_ScopeWorkgroup
#else
#define SCOPE gl_ScopeSubgroup
#endif
#define MATRIX_A coopmat<ELEMENT, SCOPE, TILE_M, TILE_K, gl_MatrixUseA>
#define MATRIX_B coopmat<ELEMENT, SCOPE, TILE_K, TILE_N, gl_MatrixUseB>
#define MATRIX_OUT(type) coopmat<type, SCOPE, TILE_M, TILE_N, gl_MatrixUseAccumulator>

const bool A_TRANSPOSED = (FLAGS & LW_MATMUL_A_TRANSPOSED) != 0;
const bool B_TRANSPOSED = (FLAGS & LW_MATMUL_B_TRANSPOSED) != 0;
const bool A_VECTOR = (FLAGS & LW_MATMUL_A_VECTOR) != 0;
const bool B_VECTOR = (FLAGS & LW_MATMUL_B_VECTOR) != 0;
const uint PIECE_A = A_VECTOR ? 8 : 1, PIECE_B = B_VECTOR ? 8 : 1;

#ifdef WORKGROUP

// fp16 matrices take each bf16 element through a function.
#ifdef MATRIX_BF16
#define MEMORY ELEMENT
#define DECODE_A
#define DECODE_B
#else
#define MEMORY uint16_t
#define DECODE_A , decode_a
#define DECODE_B , decode_b
layout(buffer_reference, scalar, buffer_reference_align = 2) buffer Block { uint16_t bits; };

ELEMENT decode_a(const in Block block, const in uint block_at[2], const in uint in_block[2])
{
    return ELEMENT(operand_scale(0) * bf16_decode(uint(block.bits)));
}

ELEMENT decode_b(const in Block block, const in uint block_at[2], const in uint in_block[2])
{
    return ELEMENT(operand_scale(1) * bf16_decode(uint(block.bits)));
}
#endif

// An operand whose lines are at multiples of 16 bytes, and any.
layout(buffer_reference, scalar, buffer_reference_align = 16) buffer Wide { MEMORY at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 2) buffer Narrow { MEMORY at[]; };

#define TURNED createTensorViewNV(2, false, 1, 0)
#define PART_A part DECODE_A
#define PART_B part DECODE_B
#define TURNED_A part, TURNED DECODE_A
#define TURNED_B part, TURNED DECODE_B
#define LOAD(matrix, address, vector, part)                                                        \
    if (vector) {                                                                                  \
        coopMatLoadTensorNV(matrix, Wide(address).at, 0, part);                                    \
    } else {                                                                                       \
        coopMatLoadTensorNV(matrix, Narrow(address).at, 0, part);                                  \
    }

#else

ELEMENT load_element(const in uint row, const in uint column, const in ELEMENT before,
    const in uint64_t address, const in uvec3 size, const in uvec2 corner, const in bool turned,
    const in float scale)
{
    uint64_t index;
    bool inside = find_element(size, corner, row, column, turned, index);
    return ELEMENT(inside ? scale * load_bf16(address, index) : 0);
}

#define PART_A part.size, part.corner, false, operand_scale(0)
#define PART_B part.size, part.corner, false, operand_scale(1)
#define TURNED_A part.size, part.corner, true, operand_scale(0)
#define TURNED_B part.size, part.corner, true, operand_scale(1)
#define LOAD(matrix, address, vector, part)                                                        \
    coopMatPerElementNV(matrix, matrix, load_element, address, part);

#endif

// Where row `first` of an operand [rows, args.k] begins, which is a column where it is transposed:
// 64-bit arithmetic here, as that of a tensor layout has 32.
uint64_t rows_address(uint64_t address, uint first, uint stride, bool transposed)
{
    return address + uint64_t(first) * (transposed ? 1 : stride) * 2;
}

void load_a(out MATRIX_A matrix, Tile tile, uint k)
{
    uint64_t at = rows_address(args.a, tile.m, args.a_stride, A_TRANSPOSED);
    uint rows = args.m - tile.m;
    matrix = MATRIX_A(0);
    if (A_TRANSPOSED) {
        TENSOR part = tensor_of(args.k, rows, args.a_stride, PIECE_A);
        part = part_of(part, k, TILE_K, 0, TILE_M);
        LOAD(matrix, at, A_VECTOR, TURNED_A)
    } else {
        TENSOR part = tensor_of(rows, args.k, args.a_stride, PIECE_A);
        part = part_of(part, 0, TILE_M, k, TILE_K);
        LOAD(matrix, at, A_VECTOR, PART_A)
    }
}

void load_b(out MATRIX_B matrix, Tile tile, uint k)
{
    uint64_t at = rows_address(args.b, tile.n, args.b_stride, B_TRANSPOSED);
    uint rows = args.n - tile.n;
    matrix = MATRIX_B(0);
    if (B_TRANSPOSED) {
        TENSOR part = tensor_of(args.k, rows, args.b_stride, PIECE_B);
        part = part_of(part, k, TILE_K, 0, TILE_N);
        LOAD(matrix, at, B_VECTOR, PART_B)
    } else {
        TENSOR part = tensor_of(rows, args.k, args.b_stride, PIECE_B);
        part = part_of(part, 0, TILE_N, k, TILE_K);
        LOAD(matrix, at, B_VECTOR, TURNED_B)
    }
}

// c leaves by a tensor layout where there are layouts, and matrices of what c is.
#if defined(WORKGROUP) && (defined(MATRIX_BF16) || !defined(OUT_BF16))
#ifdef OUT_BF16
#define OUT ELEMENT
#else
#define OUT float
#endif
layout(buffer_reference, scalar, buffer_reference_align = 4 * OUT_BYTES) buffer WideOut { OUT at[]; };
layout(buffer_reference, scalar, buffer_reference_align = OUT_BYTES) buffer NarrowOut { OUT at[]; };

#define OUT_TENSOR TENSOR
#define out_of(lines, columns, stride) tensor_of(lines, columns, stride, C_VECTOR ? 4 : 1)
#define STORE(matrix, address, part)                                                               \
    if (C_VECTOR) {                                                                                \
        coopMatStoreTensorNV(MATRIX_OUT(OUT)(matrix), WideOut(address).at, 0, part);               \
    } else {                                                                                       \
        coopMatStoreTensorNV(MATRIX_OUT(OUT)(matrix), NarrowOut(address).at, 0, part);             \
    }
#else
float store_element(const in uint row, const in uint column, const in float value,
    const in uint64_t address, const in uvec3 size, const in uvec2 corner)
{
    uint64_t index;
    if (find_element(size, corner, row, column, false, index)) {
        store_out(address, index, value);
    }
    return value;
}

#define OUT_TENSOR Layout
#define out_of layout_of
#define STORE(matrix, address, part)                                                               \
    coopMatPerElementNV(matrix, matrix, store_element, address, part.size, part.corner);
#endif

void store_c(MATRIX_OUT(float) sum, Tile tile)
{
    uint64_t at = tile.c + uint64_t(tile.m) * args.c_stride * OUT_BYTES;
    OUT_TENSOR part = out_of(args.m - tile.m, args.n, args.c_stride);
    part = part_of(part, 0, TILE_M, tile.n, TILE_N);
    STORE(sum, at, part)
}
