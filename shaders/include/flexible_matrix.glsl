// SPDX-License-Identifier: Apache-2.0
// Matrices of VK_NV_cooperative_matrix2 between memory and the invocations that share them. WORKGROUP
// defined: a workgroup's, which the hardware moves by tensor layouts that end at the tensors' edges.
// Else a subgroup's, which move element by element: drivers without tensor layouts offer those.
// Include after matmul_grid.glsl, scale.glsl, matmul_store.glsl, TILE_K and FLAGS.
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

#ifdef WORKGROUP

#define CLAMP gl_CooperativeMatrixClampModeConstantNV
#define TENSOR tensorLayoutNV<2, CLAMP>

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

const bool A_VECTOR = (FLAGS & LW_MATMUL_A_VECTOR) != 0;
const bool B_VECTOR = (FLAGS & LW_MATMUL_B_VECTOR) != 0;
const uint PIECE_A = A_VECTOR ? 8 : 1, PIECE_B = B_VECTOR ? 8 : 1;

// What lies past `lines` and `columns` reads as 0 and is not written. `piece`: elements that the stride
// is a multiple of, which lets the compiler see it.
TENSOR tensor_of(uint lines, uint columns, uint stride, uint piece)
{
    TENSOR tensor = createTensorLayoutNV(2, CLAMP);
    tensor = setTensorLayoutDimensionNV(tensor, lines, columns);
    return setTensorLayoutStrideNV(tensor, stride / piece * piece, 1);
}

// The lines that begin with row `first` of an operand [rows, args.k], or its columns where it is
// transposed: 64-bit arithmetic here, as that of a tensor layout has 32.
uint64_t rows_address(uint64_t address, uint first, uint stride, bool transposed)
{
    return address + uint64_t(first) * (transposed ? 1 : stride) * 2;
}

#define LOAD_TENSOR(matrix, address, vector, part)                                                 \
    if (vector) {                                                                                  \
        coopMatLoadTensorNV(matrix, Wide(address).at, 0, part);                                    \
    } else {                                                                                       \
        coopMatLoadTensorNV(matrix, Narrow(address).at, 0, part);                                  \
    }
#define PART_A part DECODE_A
#define PART_B part DECODE_B
#define TURNED_A part, view DECODE_A
#define TURNED_B part, view DECODE_B

void load_a(out MATRIX_A matrix, Tile tile, uint k)
{
    uint64_t at = rows_address(args.a, tile.m, args.a_stride, A_TRANSPOSED);
    uint rows = args.m - tile.m;
    if (A_TRANSPOSED) {
        TENSOR part = tensor_of(args.k, rows, args.a_stride, PIECE_A);
        part = sliceTensorLayoutNV(part, k, TILE_K, 0, TILE_M);
        tensorViewNV<2, false, 1, 0> view = createTensorViewNV(2, false, 1, 0);
        LOAD_TENSOR(matrix, at, A_VECTOR, TURNED_A)
    } else {
        TENSOR part = tensor_of(rows, args.k, args.a_stride, PIECE_A);
        part = sliceTensorLayoutNV(part, 0, TILE_M, k, TILE_K);
        LOAD_TENSOR(matrix, at, A_VECTOR, PART_A)
    }
}

void load_b(out MATRIX_B matrix, Tile tile, uint k)
{
    uint64_t at = rows_address(args.b, tile.n, args.b_stride, B_TRANSPOSED);
    uint rows = args.n - tile.n;
    if (B_TRANSPOSED) {
        TENSOR part = tensor_of(args.k, rows, args.b_stride, PIECE_B);
        part = sliceTensorLayoutNV(part, k, TILE_K, 0, TILE_N);
        LOAD_TENSOR(matrix, at, B_VECTOR, PART_B)
    } else {
        TENSOR part = tensor_of(rows, args.k, args.b_stride, PIECE_B);
        part = sliceTensorLayoutNV(part, 0, TILE_N, k, TILE_K);
        tensorViewNV<2, false, 1, 0> view = createTensorViewNV(2, false, 1, 0);
        LOAD_TENSOR(matrix, at, B_VECTOR, TURNED_B)
    }
}

#else

// Element [row, k] of an operand [rows, args.k]; 0 past its edges.
ELEMENT load_element(uint64_t address, uint row, uint k, uint rows, uint stride, bool transposed,
    float scale)
{
    bool inside = row < rows && k < args.k;
    uint line = transposed ? k : row, column = transposed ? row : k;
    uint64_t index = inside ? uint64_t(line) * stride + column : 0;
    return ELEMENT(inside ? scale * load_bf16(address, index) : 0);
}

ELEMENT element_a(const in uint row, const in uint column, const in ELEMENT before, const in uint m,
    const in uint k, const in float scale)
{
    return load_element(args.a, m + row, k + column, args.m, args.a_stride, A_TRANSPOSED, scale);
}

ELEMENT element_b(const in uint row, const in uint column, const in ELEMENT before, const in uint n,
    const in uint k, const in float scale)
{
    return load_element(args.b, n + column, k + row, args.n, args.b_stride, B_TRANSPOSED, scale);
}

void load_a(out MATRIX_A matrix, Tile tile, uint k)
{
    matrix = MATRIX_A(0);
    coopMatPerElementNV(matrix, matrix, element_a, tile.m, k, operand_scale(0));
}

void load_b(out MATRIX_B matrix, Tile tile, uint k)
{
    matrix = MATRIX_B(0);
    coopMatPerElementNV(matrix, matrix, element_b, tile.n, k, operand_scale(1));
}

#endif

// Finished sums leave by a tensor layout where there are layouts, and matrices of what c is.
#if defined(WORKGROUP) && (defined(MATRIX_BF16) || !defined(OUT_BF16))
const bool STORE_ELEMENTS = false;
#ifdef OUT_BF16
#define OUT ELEMENT
#else
#define OUT float
#endif
layout(buffer_reference, scalar, buffer_reference_align = 4 * OUT_BYTES) buffer WideOut { OUT at[]; };
layout(buffer_reference, scalar, buffer_reference_align = OUT_BYTES) buffer NarrowOut { OUT at[]; };

void store_matrix(MATRIX_OUT(float) sum, Tile tile)
{
    uint64_t at = tile.c + uint64_t(tile.m) * args.c_stride * OUT_BYTES;
    TENSOR part = tensor_of(args.m - tile.m, args.n, args.c_stride, C_VECTOR ? 4 : 1);
    part = sliceTensorLayoutNV(part, 0, TILE_M, tile.n, TILE_N);
    if (C_VECTOR) {
        coopMatStoreTensorNV(MATRIX_OUT(OUT)(sum), WideOut(at).at, 0, part);
    } else {
        coopMatStoreTensorNV(MATRIX_OUT(OUT)(sum), NarrowOut(at).at, 0, part);
    }
}
#else
const bool STORE_ELEMENTS = true;

void store_matrix(MATRIX_OUT(float) sum, Tile tile)
{
}
#endif
