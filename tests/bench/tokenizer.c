// SPDX-License-Identifier: Apache-2.0
// usage: tokenizer TOKENIZER_FOLDER TEXTS.json [THREADS]
// Encodes each text of a JSON array of texts by itself, all of them several times, and prints the
// best rate. tools/compare_tokenizer.py runs it beside Hugging Face's library.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/thread.h"
#include "engine/io/json.h"
#include "engine/text/tokenizer.h"

enum { PASSES = 7, MOST_THREADS = 64 };

struct work {
    const struct lw_tokenizer *tokenizer;
    char **texts;
    size_t count;
    atomic_size_t next; // text
    atomic_size_t tokens;
    atomic_bool failed;
};

// Threads take texts in batches as long as there are any.
static void encode_texts(void *context)
{
    enum { BATCH = 16 };
    struct work *work = context;
    struct lw_tokens tokens = {0};
    struct lw_error error = {0};
    for (;;) {
        size_t first = atomic_fetch_add(&work->next, BATCH);
        for (size_t i = first; i < first + BATCH && i < work->count; i++) {
            lw_tokens_clear(&tokens);
            if (!lw_tokenizer_encode(
                    work->tokenizer, work->texts[i], strlen(work->texts[i]), &tokens, &error)) {
                fprintf(stderr, "%s\n", error.message);
                atomic_store(&work->failed, true);
            }
            atomic_fetch_add(&work->tokens, tokens.count);
        }
        if (first >= work->count) {
            break;
        }
    }
    lw_tokens_free(&tokens);
}

// The seconds that one pass takes, or a negative number.
static double run_pass(struct work *work, unsigned threads)
{
    struct lw_thread *started[MOST_THREADS] = {0};
    struct lw_error error = {0};
    atomic_store(&work->next, 0);
    atomic_store(&work->tokens, 0);
    double start = lw_clock_seconds();
    for (unsigned i = 1; i < threads; i++) {
        if (!lw_thread_create(&started[i], encode_texts, work, &error)) {
            fprintf(stderr, "%s\n", error.message);
            atomic_store(&work->failed, true);
        }
    }
    encode_texts(work);
    for (unsigned i = 1; i < threads; i++) {
        lw_thread_join(started[i]);
    }
    return atomic_load(&work->failed) ? -1 : lw_clock_seconds() - start;
}

// The texts of the array, which stay its own.
static size_t list_texts(const cJSON *array, char ***texts, size_t *bytes)
{
    size_t count = 0;
    *texts = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof **texts);
    *bytes = 0;
    for (const cJSON *text = array->child; *texts && text; text = text->next) {
        if (cJSON_IsString(text)) {
            (*texts)[count++] = text->valuestring;
            *bytes += strlen(text->valuestring);
        }
    }
    return count;
}

static int measure(struct work *work, size_t bytes, unsigned threads)
{
    double best = 0;
    for (int pass = 0; pass < PASSES; pass++) {
        double seconds = run_pass(work, threads);
        if (seconds < 0) {
            return 1;
        }
        best = pass == 0 || seconds < best ? seconds : best;
    }
    printf("%zu texts, %zu bytes, %zu tokens, %u threads: %.2f MB/s, %.0f tokens/s\n", work->count,
        bytes, atomic_load(&work->tokens), threads, (double)bytes / best / 1e6,
        (double)atomic_load(&work->tokens) / best);
    return 0;
}

int main(int argc, char **argv)
{
    struct lw_error error = {0};
    struct lw_tokenizer *tokenizer = NULL;
    char **texts = NULL;
    size_t bytes;
    int status = 1;
    unsigned threads = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1;
    if (argc < 3 || argc > 4 || threads < 1 || threads > MOST_THREADS) {
        fputs("usage: tokenizer TOKENIZER_FOLDER TEXTS.json [THREADS]\n", stderr);
        return 2;
    }
    cJSON *json = lw_json_read(argv[2], NULL, &error);
    if (json && lw_tokenizer_open(&tokenizer, argv[1], &error)) {
        struct work work = {.tokenizer = tokenizer};
        work.count = list_texts(json, &texts, &bytes);
        work.texts = texts;
        status = texts ? measure(&work, bytes, threads) : 1;
    } else {
        fprintf(stderr, "%s\n", error.message);
    }
    free(texts);
    lw_tokenizer_close(tokenizer);
    cJSON_Delete(json);
    return status;
}
