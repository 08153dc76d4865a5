// SPDX-License-Identifier: Apache-2.0
// Any bytes as a dataset file that may be compressed. The portions asked for must not matter, and
// reading ends.
#include <string.h>

#include "engine/base/hash.h"
#include "engine/io/input.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scratch.h"

static const char path[] = "zstd_fuzz.tmp";

// A hash of what comes out, 0 when it ends with an error: how much came before depends on the
// portions.
static uint64_t read_all(size_t portion, size_t size)
{
    static const uint64_t longest = 1 << 20; // bytes: a damaged frame may promise more
    struct lw_input *input;
    struct lw_hash hash;
    char bytes[4096];
    uint64_t total = 0;
    struct lw_error error = {0};
    bool opened = lw_input_open(&input, path, NULL);
    assert(opened);
    (void)opened;
    lw_hash_start(&hash, 0);
    while (total < longest) {
        size_t got;
        if (!lw_input_read(input, bytes, portion, &got, &error)) {
            assert(error.status == LW_BAD_INPUT && strstr(error.message, path));
            break;
        }
        if (got == 0) {
            assert(lw_input_consumed(input) == size);
            break;
        }
        assert(got <= portion);
        lw_hash_add(&hash, bytes, got);
        total += got;
    }
    lw_input_close(input);
    return error.status == LW_OK ? lw_hash_value(&hash) : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    scratch_write(path, bytes, size);
    uint64_t large = read_all(4096, size), small = read_all(64, size);
    assert(large == small);
    (void)large;
    (void)small;
    return 0;
}
