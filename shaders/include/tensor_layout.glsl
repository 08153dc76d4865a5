// SPDX-License-Identifier: Apache-2.0
// A part of a matrix in memory, from which the matrices of VK_NV_cooperative_matrix2 are filled: lines
// and columns that are there, elements from line to line, and the corner of the part. What is not there
// reads as 0 and is not written. WORKGROUP defined: such parts are the extension's tensor layouts. Else,
// for drivers without those, a struct, and matrices are filled element by element.
struct Layout {
    uvec3 size; // lines, columns, stride
    uvec2 corner;
};

Layout layout_of(uint lines, uint columns, uint stride)
{
    return Layout(uvec3(lines, columns, stride), uvec2(0));
}

// The index of element [row, column] of a layout's part (turned: of its transpose); false where there is
// none. Functions for single elements cannot take structs.
bool find_element(uvec3 size, uvec2 corner, uint row, uint column, bool turned, out uint64_t index)
{
    uvec2 at = corner + (turned ? uvec2(column, row) : uvec2(row, column));
    bool inside = at.x < size.x && at.y < size.y;
    index = inside ? uint64_t(at.x) * size.z + at.y : 0;
    return inside;
}

#ifdef WORKGROUP

#define CLAMP gl_CooperativeMatrixClampModeConstantNV
#define TENSOR tensorLayoutNV<2, CLAMP>

// `piece`: elements that the stride is a multiple of, which lets the compiler see it.
TENSOR tensor_of(uint lines, uint columns, uint stride, uint piece)
{
    TENSOR tensor = createTensorLayoutNV(2, CLAMP);
    tensor = setTensorLayoutDimensionNV(tensor, lines, columns);
    return setTensorLayoutStrideNV(tensor, stride / piece * piece, 1);
}

TENSOR part_of(TENSOR tensor, uint line, uint lines, uint column, uint columns)
{
    return sliceTensorLayoutNV(tensor, line, lines, column, columns);
}

#else

#define TENSOR Layout

TENSOR tensor_of(uint lines, uint columns, uint stride, uint piece)
{
    return layout_of(lines, columns, stride);
}

#endif

Layout part_of(Layout whole, uint line, uint lines, uint column, uint columns)
{
    return Layout(whole.size, uvec2(line, column));
}
