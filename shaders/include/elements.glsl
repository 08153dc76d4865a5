// SPDX-License-Identifier: Apache-2.0
// The grid of element-wise kernels over whole arrays: an invocation owns LW_CHUNKS fours of
// neighbours, those of one chunk lying side by side over the workgroup. The last workgroup, and all
// where the arrays are not aligned, go one by one. Include after kernel.glsl. A kernel of several arrays
// one behind the other defines ELEMENTS_GROUP, the workgroup's number in its array, and ELEMENTS_FOURS.
layout(local_size_x_id = 0) in;
#ifndef ELEMENTS_GROUP
layout(constant_id = 1) const uint FOURS = 1; // 1: the arrays begin at multiples of 8 bytes
#define ELEMENTS_GROUP lw_group_index()
#define ELEMENTS_FOURS FOURS
#endif

// Elements of a workgroup, and its first one.
uint64_t group_width()
{
    return gl_WorkGroupSize.x * 4 * LW_CHUNKS;
}

uint64_t group_start()
{
    return ELEMENTS_GROUP * group_width();
}

// Whether this workgroup goes in fours. The answer is the same for all its invocations, so that CPU
// drivers branch on it and store without masks.
bool group_is_whole(uint64_t count)
{
    return ELEMENTS_FOURS != 0 && group_start() + group_width() <= count;
}

// The first element of this invocation's four in the first chunk. Those of chunk c lie
// chunk_offset(c) elements on: add that to the array's address, where it is a literal.
uint64_t first_four()
{
    return group_start() + gl_LocalInvocationID.x * 4;
}

uint64_t chunk_offset(uint chunk)
{
    return chunk * gl_WorkGroupSize.x * 4;
}

// Where a workgroup that goes one by one ends; an invocation begins at group_start() plus its
// number and goes on by gl_WorkGroupSize.x.
uint64_t group_end(uint64_t count)
{
    return min(group_start() + group_width(), count);
}
