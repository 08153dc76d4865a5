// SPDX-License-Identifier: Apache-2.0
// Opening a tokenizer: tokenizer.json into its parts, and the names of the special tokens from
// tokenizer_config.json and special_tokens_map.json.
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/json_fields.h"
#include "engine/text/post_processor.h"
#include "engine/text/tokenizer_parts.h"

// The parts must go together: what is read as bytes must be written as bytes.
static bool check_parts(const struct lw_tokenizer *tokenizer, struct lw_error *error)
{
    if (tokenizer->pretokenizer.is_bytes != tokenizer->decoder.is_bytes) {
        return lw_fail(error, LW_BAD_INPUT,
            "ByteLevel as %s without ByteLevel as %s is not supported.",
            tokenizer->decoder.is_bytes ? "decoder" : "pre-tokenizer",
            tokenizer->decoder.is_bytes ? "pre-tokenizer" : "decoder");
    }
    if (tokenizer->pretokenizer.knows_first && tokenizer->normalizer.inserts) {
        return lw_fail(error, LW_BAD_INPUT,
            "Metaspace with the prepend_scheme \"first\" after a Prepend or Replace normalizer is "
            "not supported.");
    }
    return true;
}

static bool read_tokenizer(
    struct lw_tokenizer *tokenizer, const cJSON *json, struct lw_error *error)
{
    if (!lw_normalizer_open(&tokenizer->normalizer, lw_json_member(json, "normalizer"), error) ||
        !lw_pretokenizer_open(
            &tokenizer->pretokenizer, lw_json_member(json, "pre_tokenizer"), error) ||
        !lw_decoder_open(&tokenizer->decoder, lw_json_member(json, "decoder"), error) ||
        !check_parts(tokenizer, error)) {
        return false;
    }
    tokenizer->vocabulary.byte_level = tokenizer->pretokenizer.is_bytes;
    return lw_bpe_open(
               &tokenizer->bpe, &tokenizer->vocabulary, lw_json_member(json, "model"), error) &&
           lw_tokenizer_read_added(tokenizer, lw_json_member(json, "added_tokens"), error) &&
           lw_post_processor_read(&tokenizer->prefix, &tokenizer->suffix,
               lw_json_member(json, "post_processor"), error);
}

// The id of the token that `name` has in a configuration: a text or an object with "content".
static void read_name(
    const struct lw_tokenizer *tokenizer, uint32_t *id, const cJSON *json, const char *name)
{
    const cJSON *token = lw_json_member(json, name);
    const cJSON *content = cJSON_IsObject(token) ? lw_json_member(token, "content") : token;
    if (*id == LW_NO_TOKEN && cJSON_IsString(content)) {
        *id = lw_tokenizer_token_id(tokenizer, content->valuestring);
    }
}

static bool read_names(struct lw_tokenizer *tokenizer, const char *folder, struct lw_error *error)
{
    static const char *const files[] = {"tokenizer_config.json", "special_tokens_map.json"};
    bool done = true;
    for (size_t i = 0; done && i < sizeof files / sizeof *files; i++) {
        cJSON *json;
        done = lw_json_read_object(&json, folder, files[i], false, error);
        read_name(tokenizer, &tokenizer->bos, json, "bos_token");
        read_name(tokenizer, &tokenizer->eos, json, "eos_token");
        cJSON_Delete(json);
    }
    return done;
}

bool lw_tokenizer_build(struct lw_tokenizer **tokenizer, const cJSON *json, struct lw_error *error)
{
    *tokenizer = lw_calloc(1, sizeof **tokenizer, error);
    if (!*tokenizer) {
        return false;
    }
    (*tokenizer)->bos = (*tokenizer)->eos = LW_NO_TOKEN;
    if (!read_tokenizer(*tokenizer, json, error)) {
        lw_tokenizer_close(*tokenizer);
        *tokenizer = NULL;
        return false;
    }
    return true;
}

bool lw_tokenizer_open(
    struct lw_tokenizer **tokenizer, const char *model_folder, struct lw_error *error)
{
    cJSON *json;
    *tokenizer = NULL;
    if (!lw_json_read_object(&json, model_folder, "tokenizer.json", true, error)) {
        return false;
    }
    bool done = lw_tokenizer_build(tokenizer, json, error);
    cJSON_Delete(json);
    if (!done) {
        return lw_fail_in(error, "%s/tokenizer.json", model_folder);
    }
    if (!read_names(*tokenizer, model_folder, error)) {
        lw_tokenizer_close(*tokenizer);
        *tokenizer = NULL;
        return false;
    }
    return true;
}

void lw_tokenizer_close(struct lw_tokenizer *tokenizer)
{
    if (!tokenizer) {
        return;
    }
    lw_vocabulary_free(&tokenizer->vocabulary);
    lw_added_free(&tokenizer->added);
    lw_added_free(&tokenizer->added_normalized);
    lw_normalizer_close(&tokenizer->normalizer);
    lw_pretokenizer_close(&tokenizer->pretokenizer);
    lw_decoder_close(&tokenizer->decoder);
    lw_bpe_close(&tokenizer->bpe);
    lw_tokens_free(&tokenizer->prefix);
    lw_tokens_free(&tokenizer->suffix);
    lw_free(tokenizer);
}
