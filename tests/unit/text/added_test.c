// SPDX-License-Identifier: Apache-2.0
// Added tokens whose flags change when one is registered as the end of a sequence. The ids are those
// of Hugging Face's tokenizers 0.23.1 for the same tokenizer.json, before and after
// add_special_tokens([AddedToken("<|stop|>", normalized=False)]).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "engine/text/tokenizer_parts.h"
#include "tests/unit/text/small.h"

static const char text[] = "a<|stop|> <|stop|>\nb";

static struct lw_tokenizer *with_token(const char *added)
{
    struct lw_error error = {0};
    struct lw_tokenizer *tokenizer;
    cJSON *json = small_json();
    cJSON *tokens = cJSON_GetObjectItemCaseSensitive(json, "added_tokens");
    assert_true(cJSON_AddItemToArray(tokens, cJSON_Parse(added)));
    assert_true(lw_tokenizer_build(&tokenizer, json, &error));
    cJSON_Delete(json);
    return tokenizer;
}

static void expect_ids(const struct lw_tokenizer *tokenizer, size_t count, const uint32_t *ids)
{
    struct lw_tokens tokens = {0};
    struct lw_error error = {0};
    assert_true(lw_tokenizer_encode(tokenizer, text, strlen(text), &tokens, &error));
    assert_int_equal(tokens.count, count);
    assert_memory_equal(tokens.ids, ids, count * sizeof *ids);
    lw_tokens_free(&tokens);
}

// a, the token twice with the white space that it takes, b; and with what it leaves.
static const uint32_t stripped[] = {64, 488, 488, 65};
static const uint32_t kept[] = {64, 488, 220, 488, 198, 65};

static void test_registered_as_end(void **state)
{
    static const char *const flags[] = {
        "\"rstrip\":true,\"special\":true",
        "\"lstrip\":true,\"rstrip\":true,\"normalized\":true",
        "\"rstrip\":true,\"normalized\":true,\"special\":true",
    };
    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        char json[256];
        struct lw_error error = {0};
        snprintf(json, sizeof json, "{\"id\":488,\"content\":\"<|stop|>\",%s}", flags[i]);
        struct lw_tokenizer *tokenizer = with_token(json);
        expect_ids(tokenizer, 4, stripped);
        for (int time = 0; time < 2; time++) {
            assert_true(lw_tokenizer_register_eos(tokenizer, "<|stop|>", &error));
            expect_ids(tokenizer, 6, kept);
            assert_int_equal(lw_tokenizer_eos(tokenizer), 488);
            assert_true(lw_tokenizer_is_special(tokenizer, 488));
        }
        lw_tokenizer_close(tokenizer);
    }
}

static void test_token_of_the_model(void **state)
{
    struct lw_tokenizer *tokenizer = small_tokenizer();
    struct lw_tokens tokens = {0};
    struct lw_error error = {0};
    (void)state;
    assert_true(lw_tokenizer_encode(tokenizer, "he", 2, &tokens, &error));
    assert_int_equal(tokens.count, 1);
    // "h" is a token of the model; registered, it is cut out of any text.
    assert_true(lw_tokenizer_register_eos(tokenizer, "h", &error));
    assert_int_equal(lw_tokenizer_eos(tokenizer), 71);
    assert_true(lw_tokenizer_is_special(tokenizer, 71));
    lw_tokens_clear(&tokens);
    assert_true(lw_tokenizer_encode(tokenizer, "he", 2, &tokens, &error));
    assert_int_equal(tokens.count, 2);
    assert_int_equal(tokens.ids[0], 71);
    assert_false(lw_tokenizer_register_eos(tokenizer, "<|none|>", &error));
    small_expect(&error, LW_BAD_INPUT, "no token <|none|>");
    lw_tokens_free(&tokens);
    lw_tokenizer_close(tokenizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registered_as_end),
        cmocka_unit_test(test_token_of_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
