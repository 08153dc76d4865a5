// SPDX-License-Identifier: Apache-2.0
// The grid of element-wise kernels over [rows, columns]: a workgroup owns a piece of one row, an
// invocation CHUNKS fours of its columns, those of one chunk lying side by side over the
// workgroup. Include after rows.glsl.
layout(constant_id = 2) const uint CHUNKS = 1;

// The row, and the first column of this invocation's first chunk. The next chunk begins
// chunk_width() later; columns past the end may come out.
void find_tile(uint columns, out uint row, out uint column)
{
    uint width = gl_WorkGroupSize.x * 4 * CHUNKS;
    uint groups_a_row = (columns + width - 1) / width;
    uint64_t group = lw_group_index();
    row = uint(group / groups_a_row);
    column = uint(group % groups_a_row) * width + gl_LocalInvocationID.x * 4;
}

uint chunk_width()
{
    return gl_WorkGroupSize.x * 4;
}
