// SPDX-License-Identifier: Apache-2.0
// The head of kernels that walk along rows in fours. Include after kernel.glsl.
layout(local_size_x_id = 0) in;
// 2: every row begins at a multiple of 8 bytes and has a multiple of 4 elements; 1: it only begins
// there; 0: neither.
layout(constant_id = 1) const uint FOURS = 1;

#define BLOCK 4 // fours of an invocation in one step of a loop over whole blocks

// The columns that a workgroup walks in whole blocks. A loop over them depends on nothing that
// differs by invocation: CPU drivers run it without masks, and its overhead falls once a block. What
// is left is taken with load_some and store_some.
uint block_columns(uint columns)
{
    uint width = gl_WorkGroupSize.x * 4 * BLOCK;
    return FOURS != 0 ? columns / width * width : 0;
}

// Whether the elements index .. index + 3 may be taken at once; index < end. With FOURS 2 nothing of
// the other way's code is left, which CPU drivers would run, masked, every time.
bool is_whole(uint index, uint end)
{
    return FOURS == 2 || (FOURS == 1 && index + 4 <= end);
}

// Elements index .. index + 3 of an array, of which those from `end` on count as zero.
vec4 load_some(uint64_t address, uint index, uint end)
{
    if (is_whole(index, end)) {
        return load4_storage(address, index);
    }
    vec4 value = vec4(0);
    [[unroll]] for (uint i = 0; i < 4; i++) {
        if (index + i < end) {
            value[i] = load_storage(address, index + i);
        }
    }
    return value;
}

// The same of an fp32 array whatever the storage type.
vec4 load_some_f32(uint64_t address, uint index, uint end)
{
    if (is_whole(index, end)) {
        return load4_f32(address, index);
    }
    vec4 value = vec4(0);
    [[unroll]] for (uint i = 0; i < 4; i++) {
        if (index + i < end) {
            value[i] = load_f32(address, index + i);
        }
    }
    return value;
}

// Stores the elements before `end`.
void store_some(uint64_t address, uint index, uint end, vec4 value)
{
    if (is_whole(index, end)) {
        store4_storage(address, index, value);
        return;
    }
    [[unroll]] for (uint i = 0; i < 4; i++) {
        if (index + i < end) {
            store_storage(address, index + i, value[i]);
        }
    }
}

void store_some_f32(uint64_t address, uint index, uint end, vec4 value)
{
    if (is_whole(index, end)) {
        store4_f32(address, index, value);
        return;
    }
    [[unroll]] for (uint i = 0; i < 4; i++) {
        if (index + i < end) {
            store_f32(address, index + i, value[i]);
        }
    }
}

// Copies elements index .. index + 3 bit for bit.
void copy4_storage(uint64_t to, uint64_t from, uint index)
{
    uint64_t offset = uint64_t(index) * STORAGE_BYTES;
    [[unroll]] for (uint i = 0; i < STORAGE_BYTES / 2; i++) {
        U64(to + offset).at[i] = U64(from + offset).at[i];
    }
}

// The address of row `row` of a tensor of the storage type.
uint64_t row_address(uint64_t address, uint row, uint stride)
{
    return address + uint64_t(row) * stride * STORAGE_BYTES;
}
