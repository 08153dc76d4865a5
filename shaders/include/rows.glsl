// SPDX-License-Identifier: Apache-2.0
// The head of kernels that walk along rows in fours. Include after kernel.glsl.
layout(local_size_x_id = 0) in;
// 1: every row begins at a multiple of 8 bytes, so that fours may be loaded at once.
layout(constant_id = 1) const uint FOURS = 1;

// Elements index .. index + 3 of an array, of which those from `end` on count as zero.
vec4 load_some(uint64_t address, uint index, uint end)
{
    if (FOURS != 0 && index + 4 <= end) {
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
    if (FOURS != 0 && index + 4 <= end) {
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
    if (FOURS != 0 && index + 4 <= end) {
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
    if (FOURS != 0 && index + 4 <= end) {
        store4_f32(address, index, value);
        return;
    }
    [[unroll]] for (uint i = 0; i < 4; i++) {
        if (index + i < end) {
            store_f32(address, index + i, value[i]);
        }
    }
}

// The address of row `row` of a tensor of the storage type.
uint64_t row_address(uint64_t address, uint row, uint stride)
{
    return address + uint64_t(row) * stride * STORAGE_BYTES;
}
