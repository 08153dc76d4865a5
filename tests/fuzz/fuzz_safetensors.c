// SPDX-License-Identifier: Apache-2.0
// Any bytes as a safetensors file. What is accepted must keep the reader's promises: tensors one
// after the other up to the file's end, found by name, readable to the last byte.
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/io/safetensors.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scratch.h"

static const char path[] = "safetensors_fuzz.tmp";

static void check_tensor(const struct lw_safetensors *tensors, const struct lw_tensor_info *info)
{
    assert(lw_safetensors_find(tensors, info->name) == info);
    assert(info->rank >= 0 && info->rank <= LW_TENSOR_MAX_RANK);
    assert(lw_tensor_elements(info) * lw_dtype_size(info->dtype) == info->bytes);
    for (uint64_t at = 0; at < info->bytes; at += 64) {
        char part[64];
        uint64_t left = info->bytes - at;
        bool read = lw_safetensors_read(
            tensors, info, at, part, left < sizeof part ? (size_t)left : sizeof part, NULL);
        assert(read);
        (void)read;
    }
}

static void check_file(const void *bytes, size_t size)
{
    struct lw_safetensors *tensors;
    struct lw_error error = {0};
    scratch_write(path, bytes, size);
    if (!lw_safetensors_open(&tensors, path, &error)) {
        assert(error.status == LW_BAD_INPUT && strstr(error.message, path));
        return;
    }
    size_t count = lw_safetensors_count(tensors);
    uint64_t end = count ? lw_safetensors_at(tensors, 0)->offset : size;
    for (size_t i = 0; i < count; i++) {
        const struct lw_tensor_info *info = lw_safetensors_at(tensors, i);
        assert(info->offset == end);
        end += info->bytes;
        check_tensor(tensors, info);
    }
    assert(end == size);
    lw_safetensors_close(tensors);
}

// The input as it is, and once more with the length that its header then has: a change in the header
// would else never get past the first check.
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    check_file(bytes, size);
    size_t end = size;
    while (end > 8 && bytes[end - 1] != '}') {
        end--;
    }
    uint8_t *fixed = end > 8 ? lw_calloc(size, 1, NULL) : NULL;
    if (fixed) {
        memcpy(fixed, bytes, size);
        for (int i = 0; i < 8; i++) {
            fixed[i] = (uint8_t)((uint64_t)(end - 8) >> 8 * i);
        }
        check_file(fixed, size);
    }
    lw_free(fixed);
    return 0;
}
