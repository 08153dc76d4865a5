// SPDX-License-Identifier: Apache-2.0
// The tokenizer on what no vector holds: files it must refuse, hostile text, lack of memory, threads.
// That its ids are right is tested by tests/golden/tokenizer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/thread.h"
#include "engine/io/json.h"
#include "engine/text/tokenizer_parts.h"
#include "tests/unit/text/small.h"

// One member of the small tokenizer.json replaced, and what the message must then say.
struct change {
    const char *path; // members, separated by '/'
    const char *json;
    const char *words;
};

static void put(cJSON *json, const char *path, const char *text)
{
    char name[64];
    size_t length = strcspn(path, "/");
    assert_true(length < sizeof name);
    memcpy(name, path, length);
    name[length] = 0;
    if (path[length]) {
        put(cJSON_GetObjectItemCaseSensitive(json, name), path + length + 1, text);
        return;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(json, name);
    assert_true(cJSON_AddItemToObject(json, name, cJSON_Parse(text)));
}

static void test_refused_files(void **state)
{
    static const struct change changes[] = {
        {"normalizer", "{\"type\":\"BertNormalizer\"}",
            "The normalizer BertNormalizer is not supported"},
        {"normalizer", "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Precompiled\"}]}",
            "Precompiled"},
        {"normalizer", "{\"type\":\"Prepend\"}", "\"prepend\""},
        {"normalizer", "{\"type\":\"Strip\",\"strip_left\":true}", "\"strip_right\""},
        {"normalizer", "{\"type\":\"Replace\",\"content\":\"\"}", "\"pattern\""},
        {"normalizer", "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"}}", "\"content\""},
        {"normalizer", "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(a\"},\"content\":\"b\"}",
            "(a is not valid"},
        {"normalizer", "{}", "\"type\""},
        {"normalizer", "7", "\"type\""},
        {"pre_tokenizer", "null", "ByteLevel as decoder without"},
        {"pre_tokenizer", "{\"type\":\"BertPreTokenizer\"}",
            "pre-tokenizer BertPreTokenizer is not supported"},
        {"pre_tokenizer", "{\"type\":\"Metaspace\"}", "\"replacement\""},
        {"pre_tokenizer", "{\"type\":\"Metaspace\",\"replacement\":\"ab\"}", "one character"},
        {"pre_tokenizer",
            "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"odd\"}", "odd"},
        {"pre_tokenizer",
            "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"add_prefix_space\":false}",
            "add_prefix_space false"},
        {"pre_tokenizer",
            "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\"},{\"type\":"
            "\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"first\"}]}",
            "after another component"},
        {"pre_tokenizer", "{\"type\":\"Digits\",\"individual_digits\":1}", "individual_digits"},
        {"pre_tokenizer",
            "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\"},"
            "{\"type\":\"ByteLevel\"}]}",
            "after ByteLevel"},
        {"pre_tokenizer", "{\"type\":\"Sequence\"}", "ByteLevel as decoder without"},
        {"pre_tokenizer", "{\"type\":\"Split\",\"behavior\":\"Isolated\"}", "\"pattern\""},
        {"pre_tokenizer",
            "{\"type\":\"Split\",\"behavior\":\"Odd\",\"pattern\":{\"String\":\"a\"}}", "Odd"},
        {"pre_tokenizer",
            "{\"type\":\"Split\",\"behavior\":\"Removed\",\"pattern\":{\"Regex\":\"(a\"}}",
            "(a is not valid"},
        {"pre_tokenizer",
            "{\"type\":\"Split\",\"behavior\":\"Removed\",\"pattern\":{\"Regex\":\"\\\\w\"}}",
            "not supported"},
        {"decoder", "null", "without a decoder"},
        {"decoder", "{\"type\":\"WordPiece\"}", "decoder WordPiece"},
        {"decoder", "{\"type\":\"Fuse\"}", "ByteLevel as pre-tokenizer without"},
        {"decoder",
            "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},{\"type\":\"ByteFallback\"}]"
            "}",
            "ByteFallback after Fuse"},
        {"decoder",
            "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteFallback\"},"
            "{\"type\":\"ByteFallback\"}]}",
            "ByteFallback twice"},
        {"decoder",
            "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteFallback\"},"
            "{\"type\":\"ByteLevel\"}]}",
            "ByteLevel beside another"},
        {"decoder",
            "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},"
            "{\"type\":\"Strip\",\"content\":\" \",\"start\":0,\"stop\":1}]}",
            "after Fuse"},
        {"decoder", "{\"type\":\"Strip\",\"content\":\"  \",\"start\":0,\"stop\":1}",
            "one character"},
        {"decoder", "{\"type\":\"Strip\",\"content\":\" \",\"start\":-1,\"stop\":1}", "\"start\""},
        {"post_processor", "{\"type\":\"BertProcessing\"}", "post-processor BertProcessing"},
        {"post_processor", "{\"type\":\"TemplateProcessing\"}", "\"single\""},
        {"post_processor",
            "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}}]}",
            "<s>"},
        {"model", "null", "no \"model\""},
        {"model/type", "\"Unigram\"", "model type Unigram"},
        {"model/dropout", "0.1", "dropout"},
        {"model/unk_token", "1", "unk_token"},
        {"model/byte_fallback", "true", "byte_fallback"},
        {"model/byte_fallback", "1", "byte_fallback"},
        {"model/continuing_subword_prefix", "\"##\"", "continuing_subword_prefix"},
        {"model/vocab", "[]", "\"vocab\""},
        {"model/vocab/he", "-1", "token id"},
        {"model/vocab/he", "1.5", "token id"},
        {"model/vocab/he", "1", "Two tokens have the id 1"},
        {"model/vocab/he", "99999999", "is the largest"},
        {"model/merges", "{}", "\"merges\""},
        {"model/merges", "[\"a b c\"]", "a b c"},
        {"model/merges", "[[\"a\"]]", "not of the form"},
        {"model/merges", "[[\"a\",1]]", "not of the form"},
        {"model/merges", "[\"a \\u4e00\"]", "no token of the vocabulary"},
        {"model/merges", "[\"q z\"]", "no token of the vocabulary"},
        {"added_tokens", "{}", "must be an array"},
        {"added_tokens", "[{\"content\":\"x\"}]", "token id"},
        {"added_tokens", "[{\"id\":480}]", "\"content\""},
        {"added_tokens", "[{\"id\":480,\"content\":\"he\"}]", "has the id 480"},
        {"added_tokens", "[{\"id\":0,\"content\":\"new\"}]", "Two tokens have the id 0"},
        {"added_tokens", "[{\"id\":480,\"content\":\"new\",\"special\":2}]", "\"special\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct lw_error error = {0};
        struct lw_tokenizer *tokenizer;
        cJSON *json = small_json();
        put(json, changes[i].path, changes[i].json);
        assert_false(lw_tokenizer_build(&tokenizer, json, &error));
        assert_null(tokenizer);
        small_expect(&error, LW_BAD_INPUT, changes[i].words);
        cJSON_Delete(json);
    }
}

static void test_cut_file(void **state)
{
    (void)state;
    cJSON *whole = small_json();
    char *text = cJSON_PrintUnformatted(whole);
    size_t length = strlen(text);
    for (size_t cut = 0; cut < length; cut += 1 + cut / 20) {
        struct lw_error error = {0};
        assert_null(lw_json_parse(text, cut, "tokenizer.json", NULL, &error));
        small_expect(&error, LW_BAD_INPUT, "tokenizer.json");
    }
    cJSON_free(text);
    cJSON_Delete(whole);
}

static void test_absent_folder(void **state)
{
    struct lw_error error = {0};
    struct lw_tokenizer *tokenizer;
    (void)state;
    assert_false(lw_tokenizer_open(&tokenizer, "no/such/folder", &error));
    assert_null(tokenizer);
    small_expect(&error, LW_BAD_INPUT, "no/such/folder/tokenizer.json");
}

static void test_text_that_is_not_utf8(void **state)
{
    static const struct {
        const char *text, *words;
    } texts[] = {{"abc\xFF", "byte 3 (0xFF)"}, {"\xC3", "byte 0"}, {"ab\xED\xA0\x80", "byte 2"},
        {"\xC0\x80", "byte 0"}, {"12345678901234567890\xE4\xBB", "byte 20"}};
    struct lw_tokenizer *tokenizer = small_tokenizer();
    struct lw_tokens tokens = {0};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct lw_error error = {0};
        size_t before = tokens.count;
        assert_false(
            lw_tokenizer_encode(tokenizer, texts[i].text, strlen(texts[i].text), &tokens, &error));
        assert_int_equal(tokens.count, before);
        small_expect(&error, LW_BAD_INPUT, texts[i].words);
        assert_true(lw_tokenizer_encode(tokenizer, "kept", 4, &tokens, &error));
    }
    lw_tokens_free(&tokens);
    lw_tokenizer_close(tokenizer);
}

// A megabyte without a place to cut it, of different kinds; each must take less than a second, and
// decode to itself.
static void test_long_texts(void **state)
{
    static const char *const units[] = {"a", "theq", " ", "\n", "=", "7", "\xE4\xBB\x8A",
        "\xCC\x81", "<|im_start|", "\xF0\x9F\x98\x80", "'s", " \n x"};
    enum { SIZE = 1 << 20 };
    struct lw_tokenizer *tokenizer = small_tokenizer();
    struct lw_tokens tokens = {0};
    struct lw_string text = {0}, decoded = {0};
    struct lw_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        lw_string_clear(&text);
        lw_string_clear(&decoded);
        lw_tokens_clear(&tokens);
        while (text.length < SIZE) {
            assert_true(lw_string_add(&text, units[i], strlen(units[i]), &error));
        }
        double start = lw_clock_seconds();
        assert_true(lw_tokenizer_encode(tokenizer, text.data, text.length, &tokens, &error));
        double seconds = lw_clock_seconds() - start;
        assert_true(
            lw_tokenizer_decode(tokenizer, tokens.ids, tokens.count, false, &decoded, &error));
        assert_int_equal(decoded.length, text.length);
        assert_memory_equal(decoded.data, text.data, text.length);
        // Ten times the time of an idle machine; what is quadratic takes minutes.
        if (seconds > 10) {
            fail_msg("1 MiB of \"%s\" took %.1f s", units[i], seconds);
        }
    }
    lw_string_free(&text);
    lw_string_free(&decoded);
    lw_tokens_free(&tokens);
    lw_tokenizer_close(tokenizer);
}

static void test_marks_in_reverse_order(void **state)
{
    enum { PAIRS = 200000 };
    struct lw_tokenizer *tokenizer = small_tokenizer();
    struct lw_tokens tokens = {0}, sorted_tokens = {0};
    struct lw_string mixed = {0}, sorted = {0};
    struct lw_error error = {0};
    (void)state;
    for (int i = 0; i < PAIRS; i++) { // U+0301 is of class 230, U+0316 of 220
        assert_true(lw_string_add(&mixed, "\xCC\x81\xCC\x96", 4, &error));
    }
    for (int i = 0; i < 2 * PAIRS; i++) {
        assert_true(lw_string_add(&sorted, i < PAIRS ? "\xCC\x96" : "\xCC\x81", 2, &error));
    }
    assert_true(lw_tokenizer_encode(tokenizer, mixed.data, mixed.length, &tokens, &error));
    assert_true(lw_tokenizer_encode(tokenizer, sorted.data, sorted.length, &sorted_tokens, &error));
    assert_int_equal(tokens.count, sorted_tokens.count);
    assert_memory_equal(tokens.ids, sorted_tokens.ids, tokens.count * sizeof *tokens.ids);
    lw_string_free(&mixed);
    lw_string_free(&sorted);
    lw_tokens_free(&tokens);
    lw_tokens_free(&sorted_tokens);
    lw_tokenizer_close(tokenizer);
}

static void test_look_ups(void **state)
{
    struct lw_tokenizer *tokenizer = small_tokenizer();
    struct lw_string shown = {0};
    struct lw_error error = {0};
    (void)state;
    uint32_t end = lw_tokenizer_token_id(tokenizer, "<|im_end|>");
    assert_int_equal(end, 482);
    assert_int_equal(lw_tokenizer_eos(tokenizer), 482);
    assert_int_equal(lw_tokenizer_bos(tokenizer), LW_NO_TOKEN);
    assert_true(lw_tokenizer_is_special(tokenizer, end));
    assert_false(lw_tokenizer_is_special(tokenizer, 483)); // <tool_call>
    assert_false(lw_tokenizer_is_special(tokenizer, LW_NO_TOKEN));
    assert_int_equal(lw_tokenizer_size(tokenizer), 488);
    uint32_t the = lw_tokenizer_token_id(tokenizer, "\xC4\xA0the");
    assert_int_equal(the, 263);
    assert_int_equal(lw_tokenizer_token_id(tokenizer, " the"), LW_NO_TOKEN);
    assert_true(lw_tokenizer_show_token(tokenizer, the, &shown, &error));
    assert_true(lw_tokenizer_show_token(tokenizer, 488, &shown, &error));
    assert_string_equal(shown.data, " the");
    lw_string_free(&shown);
    lw_tokenizer_close(tokenizer);
    lw_tokenizer_close(NULL);
}

static void test_stream(void **state)
{
    struct lw_tokenizer *tokenizer = small_tokenizer();
    struct lw_token_stream stream = {.tokenizer = tokenizer};
    struct lw_tokens tokens = {0};
    struct lw_string out = {0};
    struct lw_error error = {0};
    (void)state;
    // The emoji is four tokens of one byte each: nothing may come out before the last.
    assert_true(lw_tokenizer_encode(tokenizer, "\xF0\x9F\x98\x80", 4, &tokens, &error));
    assert_int_equal(tokens.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(out.length, 0);
        assert_true(lw_token_stream_push(&stream, tokens.ids[i], &out, &error));
    }
    assert_string_equal(out.data, "\xF0\x9F\x98\x80");
    // A character that is never completed becomes U+FFFD, once something else follows or at the end.
    lw_string_clear(&out);
    assert_true(lw_token_stream_push(&stream, tokens.ids[0], &out, &error));
    assert_true(lw_token_stream_push(&stream, tokens.ids[1], &out, &error));
    assert_int_equal(out.length, 0);
    assert_true(lw_token_stream_push(&stream, 64, &out, &error)); // "a"
    assert_string_equal(out.data, "\xEF\xBF\xBD"
                                  "a");
    assert_true(lw_token_stream_push(&stream, tokens.ids[0], &out, &error));
    assert_true(lw_token_stream_push(&stream, 100000, &out, &error)); // no token
    assert_true(lw_token_stream_finish(&stream, &out, &error));
    assert_true(lw_token_stream_finish(&stream, &out, &error));
    assert_string_equal(out.data, "\xEF\xBF\xBD"
                                  "a\xEF\xBF\xBD");
    lw_string_free(&out);
    lw_tokens_free(&tokens);
    lw_tokenizer_close(tokenizer);
}

static const char mixed_text[] =
    "<|im_start|>user\nIt's 12 o'clock, cafe\xCC\x81 \xE4\xBB\x8A\xE5\xA4\xA9!<|im_end|>\n";

static void test_memory_runs_out(void **state)
{
    (void)state;
    small_check_memory("qwen2", mixed_text,
        "<|im_start|>user\nIt's 12 o'clock, caf\xC3\xA9 \xE4\xBB\x8A\xE5\xA4\xA9!<|im_end|>\n");
}

struct worker {
    const struct lw_tokenizer *tokenizer;
    const struct lw_tokens *expected;
    bool same;
};

static void work(void *context)
{
    struct worker *worker = context;
    struct lw_error error = {0};
    struct lw_tokens tokens = {0};
    worker->same = true;
    for (int i = 0; i < 200 && worker->same; i++) {
        lw_tokens_clear(&tokens);
        worker->same =
            lw_tokenizer_encode(
                worker->tokenizer, mixed_text, sizeof mixed_text - 1, &tokens, &error) &&
            tokens.count == worker->expected->count &&
            memcmp(tokens.ids, worker->expected->ids, tokens.count * sizeof *tokens.ids) == 0;
    }
    lw_tokens_free(&tokens);
}

static void test_threads(void **state)
{
    enum { COUNT = 4 };
    struct lw_tokenizer *tokenizer = small_tokenizer();
    struct lw_error error = {0};
    struct lw_tokens expected = {0};
    struct lw_thread *threads[COUNT];
    struct worker workers[COUNT];
    (void)state;
    assert_true(
        lw_tokenizer_encode(tokenizer, mixed_text, sizeof mixed_text - 1, &expected, &error));
    for (int i = 0; i < COUNT; i++) {
        workers[i] = (struct worker){tokenizer, &expected, false};
        assert_true(lw_thread_create(&threads[i], work, &workers[i], &error));
    }
    for (int i = 0; i < COUNT; i++) {
        lw_thread_join(threads[i]);
        assert_true(workers[i].same);
    }
    lw_tokens_free(&expected);
    lw_tokenizer_close(tokenizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_files),
        cmocka_unit_test(test_cut_file),
        cmocka_unit_test(test_absent_folder),
        cmocka_unit_test(test_text_that_is_not_utf8),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_marks_in_reverse_order),
        cmocka_unit_test(test_look_ups),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_memory_runs_out),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
