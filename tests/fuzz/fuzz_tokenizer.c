// SPDX-License-Identifier: Apache-2.0
// Any bytes as tokenizer.json: refused as bad input, or a tokenizer that encodes and decodes.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/io/json.h"
#include "engine/text/tokenizer_parts.h"
#include "tests/fuzz/fuzz.h"

static void demand(bool condition, const char *what, const struct lw_error *error)
{
    if (!condition) {
        fprintf(stderr, "%s: %s\n", what, error->message);
        abort();
    }
}

static void use(const struct lw_tokenizer *tokenizer)
{
    static const char text[] =
        "<|im_start|>The cafe\xCC\x81's 12 \xE4\xBB\x8A\n\n  \xF0\x9F\x98\x80 ab"
        "<|im_end|> <think>\t";
    struct lw_tokens tokens = {0};
    struct lw_string decoded = {0};
    struct lw_error error = {0};
    // A regular expression or a replacement may be too much for the text.
    bool done = lw_tokenizer_encode(tokenizer, text, sizeof text - 1, &tokens, &error) &&
                lw_tokenizer_encode_plain(tokenizer, text, sizeof text - 1, &tokens, &error) &&
                lw_tokenizer_decode(tokenizer, tokens.ids, tokens.count, true, &decoded, &error);
    demand(done || error.status == LW_BAD_INPUT, "use", &error);
    for (size_t i = 0; i < tokens.count; i++) {
        demand(tokens.ids[i] < lw_tokenizer_size(tokenizer), "id", &error);
    }
    lw_tokens_free(&tokens);
    lw_string_free(&decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct lw_error error = {0};
    struct lw_tokenizer *tokenizer = NULL;
    cJSON *json = lw_json_parse((const char *)bytes, size, "fuzz", NULL, &error);
    if (json && lw_tokenizer_build(&tokenizer, json, &error)) {
        use(tokenizer);
    } else {
        demand(error.status == LW_BAD_INPUT && error.message[0], "status", &error);
    }
    lw_tokenizer_close(tokenizer);
    cJSON_Delete(json);
    return 0;
}
