// SPDX-License-Identifier: Apache-2.0
// Any bytes as a token cache, once as they are and once with the hash of its tail put right, so that
// wrong offsets get past it. What is accepted can be read to its last token and fault.
#include <string.h>

#include "engine/base/hash.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scratch.h"
#include "trainer/data/token_cache.h"
#include "trainer/data/token_format.h"

static const char path[] = "tokens_fuzz.tmp";

static void check_file(const void *bytes, size_t size)
{
    struct lw_token_cache *cache;
    struct lw_error error = {0};
    scratch_write(path, bytes, size);
    if (!lw_token_cache_open(&cache, path, "key\n", &error)) {
        assert(error.status == LW_BAD_INPUT && error.message[0]);
        return;
    }
    const struct lw_token_counts *counts = lw_token_cache_counts(cache);
    uint64_t tokens = 0, faults = 0, sum = 0;
    for (uint64_t i = 0; i < counts->rows; i++) {
        struct lw_example_view view = lw_token_cache_view(cache, lw_token_cache_row(cache, i));
        for (size_t j = 0; j < view.count; j++) {
            sum += view.ids[j] + view.trained[j];
        }
        tokens += view.count;
    }
    struct lw_token_position position = {0};
    struct lw_token_fault fault;
    while (lw_token_cache_next_fault(cache, &position, &fault)) {
        sum += strlen(fault.reason);
        faults++;
    }
    assert(tokens == counts->tokens && faults == counts->faults);
    if (lw_token_cache_verify(cache, &error)) {
        assert(sum || !tokens);
    }
    lw_token_cache_close(cache);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static uint8_t fixed[1 << 16];
    struct lw_token_tail tail;
    check_file(bytes, size);
    if (size >= sizeof tail && size <= sizeof fixed) {
        memcpy(fixed, bytes, size);
        memcpy(&tail, fixed + size - sizeof tail, sizeof tail);
        tail.size = size;
        tail.tail_hash = lw_hash_bytes(&tail, offsetof(struct lw_token_tail, tail_hash), 0);
        memcpy(fixed + size - sizeof tail, &tail, sizeof tail);
        check_file(fixed, size);
    }
    return 0;
}
