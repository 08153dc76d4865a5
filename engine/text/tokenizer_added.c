// SPDX-License-Identifier: Apache-2.0
// The added tokens of a tokenizer: reading them from tokenizer.json into the vocabulary and into the
// texts to be looked for, and changing one afterwards.
#include <string.h>

#include "engine/text/json_fields.h"
#include "engine/text/tokenizer_parts.h"

enum { SPECIAL_FLAGS = LW_TOKEN_SPECIAL | LW_TOKEN_SKIPPED };

struct added_flag {
    const char *name;
    unsigned bit;
};

static bool read_flags(unsigned *flags, const cJSON *json, struct lw_error *error)
{
    static const struct added_flag known[] = {{"single_word", LW_ADDED_SINGLE_WORD},
        {"lstrip", LW_ADDED_LSTRIP}, {"rstrip", LW_ADDED_RSTRIP}, {"special", LW_ADDED_SPECIAL}};
    *flags = 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        bool set = false;
        if (!lw_json_optional_bool(
                &(struct lw_json_scope){json, "added_tokens"}, known[i].name, &set, error)) {
            return false;
        }
        *flags |= set ? known[i].bit : 0;
    }
    return true;
}

// Enters the token into the vocabulary, if the model has none of that text.
static bool enter_token(
    struct lw_tokenizer *tokenizer, const char *text, uint32_t id, struct lw_error *error)
{
    struct lw_vocabulary *vocabulary = &tokenizer->vocabulary;
    struct lw_string bytes = {0};
    bool opaque;
    bool done = lw_vocabulary_read(vocabulary, &bytes, text, strlen(text), &opaque, error);
    if (done) {
        uint32_t known =
            lw_vocabulary_find(vocabulary, lw_string_text(&bytes), bytes.length, opaque);
        if (known == LW_NO_TOKEN) {
            done = lw_vocabulary_add(vocabulary, id, lw_string_text(&bytes), bytes.length,
                opaque ? LW_TOKEN_OPAQUE : 0, error);
        } else if (known != id) {
            done = lw_fail(error, LW_BAD_INPUT,
                "added_tokens: %.80s has the id %u there and %u in the vocabulary.", text, id,
                known);
        }
    }
    lw_string_free(&bytes);
    return done;
}

// A token that is looked for in normalized text is also decoded from its normalized text, and then
// not known as special to HF's decode unless normalization leaves it as it is.
static bool show_normalized(struct lw_tokenizer *tokenizer, const char *text,
    const struct lw_text *normalized, uint32_t id, struct lw_error *error)
{
    struct lw_string bytes = {0};
    bool opaque;
    if (normalized->length == strlen(text) && !memcmp(normalized->bytes, text, strlen(text))) {
        return true;
    }
    struct lw_vocabulary *vocabulary = &tokenizer->vocabulary;
    bool done = lw_vocabulary_read(
                    vocabulary, &bytes, normalized->bytes, normalized->length, &opaque, error) &&
                lw_vocabulary_show(vocabulary, id, lw_string_text(&bytes), bytes.length, error);
    vocabulary->entries[id].flags &= ~(unsigned)LW_TOKEN_SKIPPED;
    lw_string_free(&bytes);
    return done;
}

// Enters the text to be looked for, normalized if it is looked for in normalized text.
static bool enter_text(struct lw_tokenizer *tokenizer, const char *text, uint32_t id,
    unsigned flags, bool normalized, struct lw_error *error)
{
    struct lw_normalized memory = {0};
    struct lw_text sought = {text, strlen(text), false};
    bool done =
        !normalized || (lw_normalizer_run(&tokenizer->normalizer, &sought, &memory, error) &&
                           show_normalized(tokenizer, text, &sought, id, error));
    done = done && lw_added_add(normalized ? &tokenizer->added_normalized : &tokenizer->added,
                       sought.bytes, sought.length, id, flags, error);
    lw_normalized_free(&memory);
    return done;
}

static bool read_added(
    struct lw_tokenizer *tokenizer, const cJSON *json, bool specials, struct lw_error *error)
{
    const char *text;
    unsigned flags;
    uint32_t id;
    if (!lw_json_string(&(struct lw_json_scope){json, "added_tokens"}, "content", &text, error) ||
        !lw_json_id(&id, lw_json_member(json, "id"), "id", "added_tokens", error) ||
        !read_flags(&flags, json, error)) {
        return false;
    }
    bool special = flags & LW_ADDED_SPECIAL, normalized = !special;
    if (special != specials || *text == 0) {
        return true;
    }
    if (!lw_json_optional_bool(
            &(struct lw_json_scope){json, "added_tokens"}, "normalized", &normalized, error) ||
        !enter_token(tokenizer, text, id, error)) {
        return false;
    }
    tokenizer->vocabulary.entries[id].flags |= special ? SPECIAL_FLAGS : 0;
    return enter_text(tokenizer, text, id, flags, normalized, error);
}

bool lw_tokenizer_read_added(
    struct lw_tokenizer *tokenizer, const cJSON *tokens, struct lw_error *error)
{
    if (tokens && !cJSON_IsArray(tokens)) {
        return lw_fail(error, LW_BAD_INPUT, "\"added_tokens\" must be an array.");
    }
    for (int pass = 0; pass < 2; pass++) {
        for (const cJSON *token = tokens ? tokens->child : NULL; token; token = token->next) {
            if (!read_added(tokenizer, token, pass == 0, error)) {
                return false;
            }
        }
    }
    return true;
}

bool lw_tokenizer_register_eos(
    struct lw_tokenizer *tokenizer, const char *token, struct lw_error *error)
{
    uint32_t id = lw_tokenizer_token_id(tokenizer, token);
    if (id == LW_NO_TOKEN) {
        return lw_fail(error, LW_BAD_INPUT,
            "The tokenizer has no token %.80s, which is to end a sequence.", token);
    }
    if (!lw_added_set_flags(&tokenizer->added, id, LW_ADDED_SPECIAL) &&
        !lw_added_add(&tokenizer->added, token, strlen(token), id, LW_ADDED_SPECIAL, error)) {
        return false;
    }
    lw_added_remove(&tokenizer->added_normalized, id);
    struct lw_token_entry *entry = &tokenizer->vocabulary.entries[id];
    entry->flags |= SPECIAL_FLAGS;
    entry->shown = entry->offset;
    entry->shown_length = entry->length;
    tokenizer->eos = id;
    return true;
}
