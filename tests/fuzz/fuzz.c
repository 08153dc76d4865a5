// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target as an ordinary test: on every file of a corpus as it is, and on many damaged
// copies of each, the same ones in every run. A target defines LLVMFuzzerTestOneInput, so that
// libFuzzer can drive it as well. usage: NAME_fuzz FOLDER [ROUNDS]
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/alloc.h"
#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"

enum { largest_input = 1 << 20, default_rounds = 2000 };

static uint32_t draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

// One damage: a byte changed, a part left out, doubled, or put over another.
static size_t damage(uint8_t *bytes, size_t size, size_t capacity, uint64_t *state)
{
    if (size == 0) {
        return 0;
    }
    size_t from = draw(state) % size, to = draw(state) % size;
    size_t length = draw(state) % (size - from < 64 ? size - from : 64) + 1;
    length = from + length > size ? size - from : length;
    switch (draw(state) % 5) {
    case 0:
        bytes[from] ^= (uint8_t)(1u << draw(state) % 8);
        return size;
    case 1:
        bytes[from] = (uint8_t)draw(state);
        return size;
    case 2: // leave out
        memmove(bytes + from, bytes + from + length, size - from - length);
        return size - length;
    case 3: // double
        if (size + length > capacity) {
            return size;
        }
        memmove(bytes + from + length, bytes + from, size - from);
        return size + length;
    default: // put over
        length = to + length > size ? size - to : length;
        memmove(bytes + to, bytes + from, length);
        return size;
    }
}

static void run_damaged(const char *bytes, size_t size, long rounds, uint64_t seed)
{
    size_t capacity = size + 1024;
    uint8_t *copy = malloc(capacity);
    if (!copy) {
        abort();
    }
    for (long round = 0; round < rounds; round++) {
        uint64_t state = seed + (uint64_t)round * 0x9e3779b97f4a7c15u;
        size_t length = size, count = draw(&state) % 4 + 1;
        memcpy(copy, bytes, size);
        for (size_t i = 0; i < count; i++) {
            length = damage(copy, length, capacity, &state);
        }
        // From memory of its own length, so that sanitizers see a step past the end.
        uint8_t *input = malloc(length ? length : 1);
        if (!input) {
            abort();
        }
        memcpy(input, copy, length);
        LLVMFuzzerTestOneInput(input, length);
        free(input);
    }
    free(copy);
}

int main(int argc, char **argv)
{
    struct lw_folder_list list = {0};
    struct lw_string path = {0};
    struct lw_error error = {0};
    long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : default_rounds;
    bool good = argc > 1 && lw_folder_list(argv[1], &list, &error);
    for (size_t i = 0; good && i < list.count; i++) {
        char *bytes = NULL;
        size_t size;
        good = lw_path_join(&path, argv[1], list.names[i], &error) &&
               lw_file_read_whole(path.data, largest_input, &bytes, &size, &error);
        if (good) {
            LLVMFuzzerTestOneInput((const uint8_t *)bytes, size);
            run_damaged(bytes, size, rounds, i + 1);
        }
        lw_free(bytes);
    }
    printf("%zu files, %ld damaged copies of each\n", list.count, rounds);
    good = good && list.count > 0;
    if (!good) {
        fprintf(stderr, "no corpus: %s\n", error.message);
    }
    lw_folder_list_free(&list);
    lw_string_free(&path);
    return good ? 0 : 1;
}
