// SPDX-License-Identifier: Apache-2.0
// The grid of element-wise kernels over [rows, columns]: a workgroup owns a piece of one row, an
// invocation four of its columns. Include after rows.glsl.

// False: this invocation has nothing to do.
bool find_tile(uint rows, uint columns, out uint row, out uint column)
{
    uint width = gl_WorkGroupSize.x * 4;
    uint groups_a_row = (columns + width - 1) / width;
    uint64_t group = lw_group_index(), whole_row = group / groups_a_row;
    row = uint(whole_row);
    column = uint(group % groups_a_row) * width + gl_LocalInvocationID.x * 4;
    return whole_row < rows && column < columns;
}
