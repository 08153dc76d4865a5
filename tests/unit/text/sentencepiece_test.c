// SPDX-License-Identifier: Apache-2.0
// A SentencePiece-style tokenizer on what no vector holds: long texts without a pre-tokenizer, text
// that comes token by token, lack of memory, hostile files. That its ids are right is tested by
// tests/golden/tokenizer and tests/golden/tokenizers_test.py.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/text/tokenizer_parts.h"
#include "tests/unit/text/small.h"

// A megabyte of each; what is quadratic takes minutes. It decodes to itself.
static void check_long_texts(const struct lw_tokenizer *tokenizer)
{
    static const char *const units[] = {"a", "the", " ", "\n", "the ", "7", "\xE4\xBB\x8A",
        "\xCC\x81", "<|end|", "\xF0\x9F\x98\x80", "\xE2\x96\x81\xE2\x80\x83", "x\xE2\x96\x82"};
    enum { SIZE = 1 << 20 };
    struct lw_tokens tokens = {0};
    struct lw_string text = {0}, decoded = {0};
    struct lw_error error = {0};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        lw_string_clear(&text);
        lw_string_clear(&decoded);
        lw_tokens_clear(&tokens);
        while (text.length < SIZE) {
            assert_true(lw_string_add(&text, units[i], strlen(units[i]), &error));
        }
        double start = lw_clock_seconds();
        assert_true(lw_tokenizer_encode(tokenizer, text.data, text.length, &tokens, &error));
        assert_true(
            lw_tokenizer_decode(tokenizer, tokens.ids, tokens.count, false, &decoded, &error));
        double seconds = lw_clock_seconds() - start;
        if (strncmp(units[i], "\xE2\x96\x81", 3) != 0) { // which decodes to a space
            assert_int_equal(decoded.length, text.length);
            assert_memory_equal(decoded.data, text.data, text.length);
        }
        if (seconds > 10) {
            fail_msg("1 MiB of \"%s\" took %.1f s", units[i], seconds);
        }
    }
    lw_string_free(&text);
    lw_string_free(&decoded);
    lw_tokens_free(&tokens);
}

static void test_long_texts(void **state)
{
    (void)state;
    struct lw_tokenizer *tokenizer = small_tokenizer_named("phi3");
    assert_true(tokenizer->bpe.splits_words);
    check_long_texts(tokenizer);
    tokenizer->bpe.splits_words = false; // the whole text is one piece then
    check_long_texts(tokenizer);
    lw_tokenizer_close(tokenizer);
}

static void push(struct lw_token_stream *stream, const char *token, const char *expected)
{
    struct lw_string out = {0};
    struct lw_error error = {0};
    uint32_t id = lw_tokenizer_token_id(stream->tokenizer, token);
    assert_int_not_equal(id, LW_NO_TOKEN);
    assert_true(lw_token_stream_push(stream, id, &out, &error));
    assert_string_equal(lw_string_text(&out), expected);
    lw_string_free(&out);
}

static void finish(struct lw_token_stream *stream, const char *expected)
{
    struct lw_string out = {0};
    struct lw_error error = {0};
    assert_true(lw_token_stream_finish(stream, &out, &error));
    assert_string_equal(lw_string_text(&out), expected);
    lw_string_free(&out);
}

static void test_stream(void **state)
{
    struct lw_tokenizer *tokenizer = small_tokenizer_named("phi3");
    struct lw_token_stream stream = {.tokenizer = tokenizer, .skip_special = true};
    (void)state;
    // The space with which everything begins is not text, later ones are.
    push(&stream, "<|assistant|>", "");
    push(&stream, "\xE2\x96\x81the", "the");
    push(&stream, "\xE2\x96\x81the", " the");
    // Byte tokens wait for the end of their run, across tokens that are left out.
    push(&stream, "<0x0A>", "");
    push(&stream, "<0xE4>", "");
    push(&stream, "<|end|>", "");
    push(&stream, "<0xBB>", "");
    push(&stream, "<0x8A>", "");
    push(&stream, "a",
        "\n\xE4\xBB\x8A"
        "a");
    push(&stream, "<0x0A>", "");
    finish(&stream, "\n");
    // A run that is not UTF-8 as a whole is as many U+FFFD as it has bytes. The stream is new again.
    push(&stream, "<0x41>", "");
    push(&stream, "<0xE4>", "");
    push(&stream, "\xE2\x96\x81the", "\xEF\xBF\xBD\xEF\xBF\xBD the");
    push(&stream, "<0xE4>", "");
    lw_token_stream_free(&stream);
    finish(&stream, "");
    lw_tokenizer_close(tokenizer);
}

static void test_shown_tokens(void **state)
{
    struct lw_tokenizer *tokenizer = small_tokenizer_named("phi3");
    struct lw_string shown = {0};
    struct lw_error error = {0};
    static const char *const tokens[] = {"\xE2\x96\x81the", "<0xE4>", "<0x0A>", "<|end|>"};
    (void)state;
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        uint32_t id = lw_tokenizer_token_id(tokenizer, tokens[i]);
        assert_true(lw_tokenizer_show_token(tokenizer, id, &shown, &error));
    }
    assert_string_equal(shown.data, " the\xE4\n<|end|>");
    lw_string_free(&shown);
    lw_tokenizer_close(tokenizer);
}

// LLaMA-Factory's phi template registers <|end|>, which then leaves the white space after it.
static void test_end_keeps_white_space(void **state)
{
    static const char text[] = "a<|end|>\nb";
    static const uint32_t before[] = {264, 502, 273}, after[] = {264, 502, 481, 13, 432};
    struct lw_tokenizer *tokenizer = small_tokenizer_named("phi3");
    struct lw_tokens tokens = {0};
    struct lw_error error = {0};
    (void)state;
    assert_true(lw_tokenizer_encode(tokenizer, text, strlen(text), &tokens, &error));
    assert_int_equal(tokens.count, 3);
    assert_memory_equal(tokens.ids, before, sizeof before);
    assert_true(lw_tokenizer_register_eos(tokenizer, "<|end|>", &error));
    lw_tokens_clear(&tokens);
    assert_true(lw_tokenizer_encode(tokenizer, text, strlen(text), &tokens, &error));
    assert_int_equal(tokens.count, 5);
    assert_memory_equal(tokens.ids, after, sizeof after);
    lw_tokens_free(&tokens);
    lw_tokenizer_close(tokenizer);
}

static struct lw_tokenizer *changed(const char *name, const char *part, struct lw_error *error)
{
    struct lw_tokenizer *tokenizer;
    cJSON *json = small_json_named("phi3");
    cJSON_DeleteItemFromObjectCaseSensitive(json, name);
    assert_true(cJSON_AddItemToObject(json, name, cJSON_Parse(part)));
    lw_tokenizer_build(&tokenizer, json, error);
    cJSON_Delete(json);
    return tokenizer;
}

static void test_refused(void **state)
{
    struct lw_error error = {0};
    (void)state;
    assert_null(changed("pre_tokenizer",
        "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"first\"}", &error));
    small_expect(&error, LW_BAD_INPUT, "after a Prepend or Replace normalizer");
    assert_null(changed("decoder", "{\"type\":\"ByteLevel\"}", &error));
    small_expect(&error, LW_BAD_INPUT, "ByteLevel as decoder without ByteLevel as pre-tokenizer");
    assert_null(changed("model",
        "{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[],\"unk_token\":\"?\"}", &error));
    small_expect(&error, LW_BAD_INPUT, "\"?\" is no token of the vocabulary");
}

// Each step makes the text a thousand times as long.
static void test_text_that_grows(void **state)
{
    struct lw_string part = {0};
    struct lw_tokens tokens = {0};
    struct lw_error error = {0};
    (void)state;
    assert_true(lw_string_addf(&part, &error, "{\"type\":\"Sequence\",\"normalizers\":["));
    for (int step = 0; step < 6; step++) {
        assert_true(lw_string_addf(&part, &error,
            "%s{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"%0*d\"},"
            "{\"type\":\"Replace\",\"pattern\":{\"String\":\"0\"},\"content\":\"a\"}",
            step ? "," : "", 1000, 0));
    }
    assert_true(lw_string_addf(&part, &error, "]}"));
    struct lw_tokenizer *tokenizer = changed("normalizer", part.data, &error);
    assert_non_null(tokenizer);
    assert_false(lw_tokenizer_encode(tokenizer, "a", 1, &tokens, &error));
    small_expect(&error, LW_BAD_INPUT, "longer than 1 GiB");
    lw_string_free(&part);
    lw_tokenizer_close(tokenizer);
}

static const char mixed_text[] = "<|user|>\nIt's  12 \xE4\xBB\x8A\xF0\x9F\x98\x80!<|end|> the\t";

static void test_memory_runs_out(void **state)
{
    (void)state;
    small_check_memory(
        "phi3", mixed_text, "<|user|> It's  12 \xE4\xBB\x8A\xF0\x9F\x98\x80!<|end|> the\t");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_shown_tokens),
        cmocka_unit_test(test_end_keeps_white_space),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_text_that_grows),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
