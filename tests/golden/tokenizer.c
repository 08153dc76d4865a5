// SPDX-License-Identifier: Apache-2.0
// usage: tokenizer TOKENIZER_FOLDER VECTORS
// Checks a tokenizer against a vectors file (shared/fixtures/README.md, "tokenizers"): ids, ids with
// the special prefix, ids with special tokens as text, decoding with and without special tokens, and
// decoding token by token. Prints each mismatch and the counts; exits non-zero when there is one.
// Either argument may begin with $VARIABLE; when that is not set, the test is skipped (exit 77).
#include <stdio.h>

#include "engine/text/tokenizer.h"
#include "tests/golden/fixture.h"

// One vector and what is found for it.
struct check {
    const struct lw_tokenizer *tokenizer;
    struct lw_string text, expected_text, got_text;
    struct lw_tokens ids, expected, got;
    char what[128];
    unsigned long checks, mismatches;
    struct lw_error error;
};

static const cJSON *member(const cJSON *vector, const char *name, const char *otherwise)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(vector, name);
    return value ? value : cJSON_GetObjectItemCaseSensitive(vector, otherwise);
}

static void begin(struct check *check, const cJSON *vector, const char *name)
{
    const cJSON *group = cJSON_GetObjectItemCaseSensitive(vector, "group");
    snprintf(check->what, sizeof check->what, "%s, %s",
        cJSON_IsString(group) ? group->valuestring : "no group", name);
    lw_tokens_clear(&check->got);
    lw_string_clear(&check->got_text);
    check->checks++;
}

static bool compare_ids(struct check *check, const cJSON *expected)
{
    if (!fixture_ids(&check->expected, expected, &check->error)) {
        return false;
    }
    check->mismatches +=
        !fixture_same_ids(check->what, &check->text, &check->expected, &check->got);
    return true;
}

static bool compare_text(struct check *check, const cJSON *expected)
{
    if (!fixture_text(&check->expected_text, expected, &check->error)) {
        return false;
    }
    check->mismatches +=
        !fixture_same_text(check->what, &check->text, &check->expected_text, &check->got_text);
    return true;
}

static bool check_encoding(struct check *check, const cJSON *vector)
{
    const struct lw_tokenizer *tokenizer = check->tokenizer;
    const struct lw_tokens *prefix = lw_tokenizer_prefix(tokenizer);
    const struct lw_tokens *suffix = lw_tokenizer_suffix(tokenizer);
    const char *text = lw_string_text(&check->text);
    size_t length = check->text.length;
    struct lw_error *error = &check->error;
    begin(check, vector, "ids");
    if (!lw_tokenizer_encode(tokenizer, text, length, &check->got, error) ||
        !compare_ids(check, member(vector, "ids", "ids"))) {
        return false;
    }
    begin(check, vector, "ids_with_special_prefix");
    if (!lw_tokens_append(&check->got, prefix->ids, prefix->count, error) ||
        !lw_tokenizer_encode(tokenizer, text, length, &check->got, error) ||
        !lw_tokens_append(&check->got, suffix->ids, suffix->count, error) ||
        !compare_ids(check, member(vector, "ids_with_special_prefix", "ids"))) {
        return false;
    }
    begin(check, vector, "ids_specials_as_text");
    return lw_tokenizer_encode_plain(tokenizer, text, length, &check->got, error) &&
           compare_ids(check, member(vector, "ids_specials_as_text", "ids"));
}

static bool decode_stream(struct check *check, bool skip_special)
{
    struct lw_token_stream stream = {.tokenizer = check->tokenizer, .skip_special = skip_special};
    for (size_t i = 0; i < check->ids.count; i++) {
        if (!lw_token_stream_push(&stream, check->ids.ids[i], &check->got_text, &check->error)) {
            return false;
        }
    }
    return lw_token_stream_finish(&stream, &check->got_text, &check->error);
}

static bool check_decoding(struct check *check, const cJSON *vector)
{
    static const char *const names[] = {"decoded", "decoded_skip_special"};
    static const char *const stream_names[] = {"decoded, streamed", "skip_special, streamed"};
    if (!fixture_ids(&check->ids, member(vector, "ids", "ids"), &check->error)) {
        return false;
    }
    for (int skip = 0; skip < 2; skip++) {
        const cJSON *expected = member(vector, names[skip], "decoded");
        begin(check, vector, names[skip]);
        if (!lw_tokenizer_decode(check->tokenizer, check->ids.ids, check->ids.count, skip,
                &check->got_text, &check->error) ||
            !compare_text(check, expected)) {
            return false;
        }
        begin(check, vector, stream_names[skip]);
        if (!decode_stream(check, skip) || !compare_text(check, expected)) {
            return false;
        }
    }
    return true;
}

static bool check_all(struct check *check, const cJSON *vectors)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(vectors, "vectors");
    if (!cJSON_IsArray(list) || !list->child) {
        return lw_fail(&check->error, LW_BAD_INPUT, "The file has no \"vectors\".");
    }
    unsigned long count = 0;
    for (const cJSON *vector = list->child; vector; vector = vector->next, count++) {
        if (!fixture_text(&check->text, member(vector, "text", "text"), &check->error) ||
            !check_encoding(check, vector) || !check_decoding(check, vector)) {
            return lw_fail_in(&check->error, "vector %lu", count);
        }
    }
    printf("%lu vectors, %lu checks, %lu mismatches\n", count, check->checks, check->mismatches);
    return check->mismatches == 0;
}

int main(int argc, char **argv)
{
    struct lw_string folder = {0}, file = {0};
    struct check check = {0};
    struct lw_tokenizer *tokenizer = NULL;
    cJSON *vectors = NULL;
    int status = 1;
    if (argc != 3) {
        fputs("usage: tokenizer TOKENIZER_FOLDER VECTORS\n", stderr);
        return 2;
    }
    if (!fixture_path(&folder, argv[1]) || !fixture_path(&file, argv[2])) {
        status = FIXTURE_SKIPPED;
    } else if (lw_tokenizer_open(&tokenizer, folder.data, &check.error) &&
               (vectors = fixture_read(file.data, &check.error))) {
        check.tokenizer = tokenizer;
        status = check_all(&check, vectors) ? 0 : 1;
    }
    if (check.error.message[0]) {
        fprintf(stderr, "%s\n", check.error.message);
    }
    cJSON_Delete(vectors);
    lw_tokenizer_close(tokenizer);
    lw_string_free(&folder);
    lw_string_free(&file);
    lw_string_free(&check.text);
    lw_string_free(&check.expected_text);
    lw_string_free(&check.got_text);
    lw_tokens_free(&check.ids);
    lw_tokens_free(&check.expected);
    lw_tokens_free(&check.got);
    return status;
}
