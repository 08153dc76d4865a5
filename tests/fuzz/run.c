// SPDX-License-Identifier: Apache-2.0
// usage: FUZZER [--mutations N] [--seed S] FILE|FOLDER...
// Runs a fuzz target (LLVMFuzzerTestOneInput) on each file and on N mutations of each, the same ones
// for the same seed, so that a corpus is an ordinary test with any compiler. With clang the targets
// can instead be linked with -fsanitize=fuzzer, without this file. To find an input that crashes,
// run with --print, which names each input before it is run.
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"
#include "tests/fuzz/fuzz.h"

static const size_t size_limit = (size_t)1 << 20;

// SplitMix64.
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static size_t below(uint64_t *state, size_t limit)
{
    return limit ? (size_t)(next_random(state) % limit) : 0;
}

// An input; `bytes` has room for twice size_limit.
struct input {
    uint8_t *bytes;
    size_t size;
};

static void insert(struct input *input, size_t at, const void *bytes, size_t size)
{
    if (input->size + size <= size_limit) {
        memmove(input->bytes + at + size, input->bytes + at, input->size - at);
        memcpy(input->bytes + at, bytes, size);
        input->size += size;
    }
}

static void remove_part(struct input *input, size_t at, size_t size)
{
    memmove(input->bytes + at, input->bytes + at + size, input->size - at - size);
    input->size -= size;
}

// What stands between two quotation marks, from a random place on; false when there is none. Half
// the time it is a string, else what stands between two.
static bool find_quoted(const struct input *input, uint64_t *random, size_t *at, size_t *size)
{
    size_t start = below(random, input->size);
    const uint8_t *open = memchr(input->bytes + start, '"', input->size - start);
    size_t after = open ? (size_t)(open + 1 - input->bytes) : 0;
    const uint8_t *close = open ? memchr(open + 1, '"', input->size - after) : NULL;
    *at = after;
    *size = close ? (size_t)(close - open - 1) : 0;
    return close != NULL;
}

// Puts one quoted text in the place of another: the file stays JSON and means something else.
static void copy_quoted(struct input *input, uint64_t *random)
{
    size_t from, from_size, to, to_size;
    uint8_t copy[256];
    if (find_quoted(input, random, &from, &from_size) && from_size <= sizeof copy &&
        find_quoted(input, random, &to, &to_size)) {
        memcpy(copy, input->bytes + from, from_size);
        remove_part(input, to, to_size);
        insert(input, to, copy, from_size);
    }
}

static void change_digit(struct input *input, uint64_t *random)
{
    size_t at = below(random, input->size);
    while (at < input->size && (input->bytes[at] < '0' || input->bytes[at] > '9')) {
        at++;
    }
    if (at < input->size) {
        input->bytes[at] = (uint8_t)('0' + below(random, 10));
    }
}

static void mutate(struct input *input, uint64_t *random)
{
    static const char *const words[] = {"null", "true", "-1", "1e99", "4294967296", "0", "\"\"",
        "{}", "[]", ",", "\"", "{\"a\":", "[[", "\\u0000", "\\ud800", "\xFF", "\xC3", "\xE4\xB8",
        "a", " ", "(", ")*", "+", "\\\\p{L}", "\xCC\x81", "[^\\\\s]"};
    size_t at = below(random, input->size);
    size_t length = 1 + below(random, input->size - at < 40 ? input->size - at : 40);
    uint8_t copy[64];
    const char *word = words[below(random, sizeof words / sizeof *words)];
    switch (next_random(random) % 12) {
    case 0:
        input->size = at;
        break;
    case 1:
        if (input->size > 0) {
            input->bytes[at] ^= (uint8_t)(1u << below(random, 8));
        }
        break;
    case 2:
        if (at + length <= input->size) {
            remove_part(input, at, length);
        }
        break;
    case 3: // a part of it once more, elsewhere
        if (at + length <= input->size) {
            memcpy(copy, input->bytes + at, length);
            insert(input, below(random, input->size), copy, length);
        }
        break;
    case 4:
    case 5:
    case 6:
        copy_quoted(input, random);
        break;
    case 7:
    case 8:
        change_digit(input, random);
        break;
    case 9: // a word into a string
        if (find_quoted(input, random, &at, &length)) {
            insert(input, at + below(random, length + 1), word, strlen(word));
        }
        break;
    default:
        insert(input, at, word, strlen(word));
        break;
    }
}

// Runs the input from a block of just its size, so that a read past its end is found.
static void run(const struct input *input)
{
    uint8_t *exact = malloc(input->size ? input->size : 1);
    if (!exact) {
        fputs("no memory\n", stderr);
        exit(1);
    }
    memcpy(exact, input->bytes, input->size);
    LLVMFuzzerTestOneInput(exact, input->size);
    free(exact);
}

static bool run_file(const char *path, unsigned long mutations, uint64_t seed, bool print)
{
    struct input input = {malloc(2 * size_limit), 0};
    FILE *file = fopen(path, "rb");
    if (!file || !input.bytes) {
        fprintf(stderr, "%s cannot be read\n", path);
        free(input.bytes);
        return false;
    }
    size_t size = fread(input.bytes, 1, size_limit, file);
    uint8_t *original = malloc(size ? size : 1);
    fclose(file);
    for (unsigned long i = 0; original && i <= mutations; i++) {
        uint64_t random = seed + i * 1000003;
        if (i == 0) {
            memcpy(original, input.bytes, size);
        }
        memcpy(input.bytes, original, size);
        input.size = size;
        for (size_t count = i ? 1 + below(&random, 3) : 0; count > 0; count--) {
            mutate(&input, &random);
        }
        if (print) {
            printf("%s, mutation %lu\n", path, i);
            fflush(stdout);
        }
        run(&input);
    }
    free(original);
    free(input.bytes);
    return original != NULL;
}

// Runs a file, or all files of a folder. The number of files, -1 when one cannot be read.
static int run_path(const char *path, unsigned long mutations, uint64_t seed, bool print)
{
    struct lw_folder_list list = {0};
    struct lw_string file = {0};
    if (!lw_folder_exists(path)) {
        return run_file(path, mutations, seed, print) ? 1 : -1;
    }
    bool good = lw_folder_list(path, &list, NULL);
    int files = (int)list.count;
    for (size_t i = 0; good && i < list.count; i++) {
        good = lw_path_join(&file, path, list.names[i], NULL) &&
               run_file(lw_string_text(&file), mutations, seed, print);
    }
    lw_string_free(&file);
    lw_folder_list_free(&list);
    return good ? files : -1;
}

int main(int argc, char **argv)
{
    unsigned long mutations = 0;
    uint64_t seed = 1;
    bool print = false;
    int files = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--mutations") == 0 && i + 1 < argc) {
            mutations = strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            seed = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--print") == 0) {
            print = true;
        } else {
            int found = run_path(argv[i], mutations, seed, print);
            if (found < 0) {
                return 1;
            }
            files += found;
        }
    }
    printf("%d files, %lu mutations of each, seed %" PRIu64 "\n", files, mutations, seed);
    return files > 0 ? 0 : 2;
}
