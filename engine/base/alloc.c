// SPDX-License-Identifier: Apache-2.0
// Host memory with a failure hook for tests. See alloc.h.
#include "engine/base/alloc.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// The one piece of process-wide state: the countdown of the test hook. Below zero it is off.
static atomic_long allocations_until_failure = -1;

void lw_memory_fail_after(long successes)
{
    atomic_store(&allocations_until_failure, successes);
}

static bool allocation_fails(void)
{
    if (atomic_load(&allocations_until_failure) < 0) {
        return false;
    }
    return atomic_fetch_sub(&allocations_until_failure, 1) == 0;
}

static bool multiply(size_t count, size_t size, size_t *bytes)
{
    if (size && count > SIZE_MAX / size) {
        return false;
    }
    size_t product = count * size;
    *bytes = product ? product : 1;
    return true;
}

void *lw_calloc(size_t count, size_t size, struct lw_error *error)
{
    size_t bytes = SIZE_MAX;
    void *memory = multiply(count, size, &bytes) && !allocation_fails() ? calloc(1, bytes) : NULL;
    if (!memory) {
        lw_fail_memory(error, "working memory", bytes);
    }
    return memory;
}

void *lw_realloc(void *memory, size_t count, size_t size, struct lw_error *error)
{
    size_t bytes = SIZE_MAX;
    bool possible = multiply(count, size, &bytes) && !allocation_fails();
    void *resized = possible ? realloc(memory, bytes) : NULL;
    if (!resized) {
        lw_fail_memory(error, "working memory", bytes);
    }
    return resized;
}

char *lw_strndup(const char *text, size_t length, struct lw_error *error)
{
    char *copy = lw_calloc(length + 1, 1, error);
    if (copy && length) {
        memcpy(copy, text, length);
    }
    return copy;
}

char *lw_strdup(const char *text, struct lw_error *error)
{
    return lw_strndup(text, strlen(text), error);
}

void lw_free(void *memory)
{
    free(memory);
}

bool lw_reserve(void *items, size_t *capacity, size_t needed, size_t size, struct lw_error *error)
{
    if (needed <= *capacity) {
        return true;
    }
    size_t larger = *capacity < 8 ? 8 : *capacity * 2;
    if (larger < needed) {
        larger = needed;
    }
    void *memory;
    memcpy(&memory, items, sizeof memory);
    memory = lw_realloc(memory, larger, size, error);
    if (!memory) {
        return false;
    }
    memcpy(items, &memory, sizeof memory);
    *capacity = larger;
    return true;
}
