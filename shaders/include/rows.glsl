// SPDX-License-Identifier: Apache-2.0
// The head of kernels that walk along rows in fours. Include after kernel.glsl.
layout(local_size_x_id = 0) in;
// 2: every row begins at a multiple of 8 bytes and has a multiple of 4 elements; 1: it only begins
// there; 0: neither. With 2 nothing of a tail's code is left, which CPU drivers would run, masked,
// every time.
layout(constant_id = 1) const uint FOURS = 1;

// Whether the elements index .. index + 3 may be taken at once; index < end.
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

// Copies the elements before `end`, bit for bit where whole.
void copy_some(uint64_t to, uint64_t from, uint index, uint end)
{
    if (FOURS != 2) {
        store_some(to, index, end, load_some(from, index, end));
        return;
    }
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
