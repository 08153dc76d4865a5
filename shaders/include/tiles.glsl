// SPDX-License-Identifier: Apache-2.0
// The grid of element-wise kernels over [rows, columns]: a workgroup owns a piece of one row, an
// invocation CHUNKS fours of its columns, those of one chunk lying side by side over the
// workgroup. Include after rows.glsl.
layout(constant_id = 2) const uint CHUNKS = 1;

uint chunk_width()
{
    return gl_WorkGroupSize.x * 4;
}

// A workgroup's row and its first column.
void find_tile(uint columns, out uint row, out uint start)
{
    uint width = chunk_width() * CHUNKS, groups_a_row = (columns + width - 1) / width;
    uint64_t group = lw_group_index();
    row = uint(group / groups_a_row);
    start = uint(group % groups_a_row) * width;
}

// Whether the whole tile goes in fours. The answer is the same for all invocations, so that CPU
// drivers branch on it and store without masks.
bool tile_is_whole(uint start, uint columns)
{
    return FOURS != 0 && start + chunk_width() * CHUNKS <= columns;
}

// Where a tile that is not whole ends; an invocation begins at start + four() and goes on by
// chunk_width().
uint tile_end(uint start, uint columns)
{
    return min(start + chunk_width() * CHUNKS, columns);
}

// This invocation's first element in a chunk.
uint four()
{
    return gl_LocalInvocationID.x * 4;
}

// The bytes from the row's begin to chunk `chunk` of a tile: a literal but for the start.
uint64_t chunk_bytes(uint start, uint chunk)
{
    return uint64_t(start + chunk * chunk_width()) * STORAGE_BYTES;
}
