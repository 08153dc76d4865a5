// SPDX-License-Identifier: Apache-2.0
// Reading a BPE model from tokenizer.json: the vocabulary, what stands for unknown characters, and the
// refusal of what this program does not do. HF: models/bpe/{model,serialization}.rs. The merges:
// bpe_merges.c.
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/bpe_pairs.h"
#include "engine/text/json_fields.h"

static const char where[] = "model";

static bool refuse_unsupported(const cJSON *model, struct lw_error *error)
{
    const cJSON *type = lw_json_member(model, "type");
    if (type && !(cJSON_IsString(type) && strcmp(type->valuestring, "BPE") == 0)) {
        return lw_fail(error, LW_BAD_INPUT, "The model type %s is not supported, only BPE.",
            cJSON_IsString(type) ? type->valuestring : "(not a text)");
    }
    static const char *const texts[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const cJSON *member = lw_json_member(model, texts[i]);
        if (member && !(cJSON_IsString(member) && member->valuestring[0] == 0)) {
            return lw_fail(error, LW_BAD_INPUT, "A BPE model with %s is not supported.", texts[i]);
        }
    }
    const cJSON *dropout = lw_json_member(model, "dropout");
    if (dropout && !(cJSON_IsNumber(dropout) && dropout->valuedouble == 0)) {
        return lw_fail(error, LW_BAD_INPUT, "A BPE model with dropout is not supported.");
    }
    return true;
}

static bool read_vocabulary(struct lw_bpe *bpe, struct lw_vocabulary *vocabulary,
    const cJSON *tokens, struct lw_error *error)
{
    if (!cJSON_IsObject(tokens)) {
        return lw_fail(error, LW_BAD_INPUT, "%s: \"vocab\" must be an object.", where);
    }
    bool done = false;
    struct lw_string bytes = {0};
    for (const cJSON *token = tokens->child; token; token = token->next) {
        uint32_t id;
        bool opaque;
        if (!lw_json_id(&id, token, token->string, "model.vocab", error) ||
            !lw_vocabulary_read(
                vocabulary, &bytes, token->string, strlen(token->string), &opaque, error) ||
            !lw_vocabulary_add(vocabulary, id, lw_string_text(&bytes), bytes.length,
                LW_TOKEN_MODEL | (opaque ? LW_TOKEN_OPAQUE : 0), error)) {
            goto cleanup;
        }
        if (!opaque && bytes.length > bpe->longest) {
            bpe->longest = bytes.length;
        }
    }
    for (unsigned byte = 0; byte < 256; byte++) {
        char text = (char)byte;
        bpe->byte_ids[byte] = lw_vocabulary_find(vocabulary, &text, 1, false);
    }
    done = true;
cleanup:
    lw_string_free(&bytes);
    return done;
}

// Whether every byte of a text has a token, so that nothing is ever unknown.
static bool covers_all(const struct lw_bpe *bpe)
{
    const uint32_t *ids = bpe->vocabulary->byte_level ? bpe->byte_ids : bpe->fallback_ids;
    bool all = true;
    for (unsigned byte = 0; byte < 256; byte++) {
        all = all && ids[byte] != LW_NO_TOKEN;
    }
    return all;
}

static bool read_fallback(struct lw_bpe *bpe, const cJSON *model, struct lw_error *error)
{
    bool fallback = false;
    if (!lw_json_optional_bool(
            &(struct lw_json_scope){model, where}, "byte_fallback", &fallback, error)) {
        return false;
    }
    if (fallback && bpe->vocabulary->byte_level) {
        return lw_fail(
            error, LW_BAD_INPUT, "A byte-level BPE model with byte_fallback is not supported.");
    }
    for (unsigned byte = 0; byte < 256; byte++) {
        char token[8];
        snprintf(token, sizeof token, "<0x%02X>", byte);
        bpe->fallback_ids[byte] =
            fallback ? lw_vocabulary_find(bpe->vocabulary, token, 6, false) : LW_NO_TOKEN;
    }
    return true;
}

static bool read_unknown(struct lw_bpe *bpe, const cJSON *model, struct lw_error *error)
{
    const struct lw_json_scope scope = {model, where};
    const char *unknown = NULL;
    struct lw_string scratch = {0};
    bpe->unknown = LW_NO_TOKEN;
    if (!lw_json_optional_string(&scope, "unk_token", &unknown, error) ||
        !lw_json_optional_bool(&scope, "fuse_unk", &bpe->fuse_unknown, error)) {
        return false;
    }
    if (covers_all(bpe)) {
        return true;
    }
    if (!unknown) {
        bpe->splits_words = false; // what is unknown vanishes: words that it parts may be merged
        return true;
    }
    const struct lw_token_text text = {unknown, strlen(unknown)};
    bpe->splits_words &= !lw_token_ends_with_word_start(&text);
    bool done = lw_bpe_find_token(bpe, &bpe->unknown, &text, &scratch, error);
    lw_string_free(&scratch);
    return done ? true : lw_fail_in(error, "model.unk_token");
}

// Finds the tokens that a piece of their bytes becomes, so that encoding such a piece, which most
// words are, is one look-up. With ignore_merges that is every token by definition.
static bool mark_whole(struct lw_bpe *bpe, struct lw_vocabulary *vocabulary, bool ignore_merges,
    struct lw_error *error)
{
    bool done = false;
    struct lw_bpe_scratch scratch = {0};
    struct lw_tokens ids = {0};
    for (uint32_t id = 0; id < vocabulary->count; id++) {
        struct lw_token_entry *entry = &vocabulary->entries[id];
        if (!entry->flags || entry->flags & LW_TOKEN_OPAQUE) {
            continue;
        }
        lw_tokens_clear(&ids);
        if (!ignore_merges && !lw_bpe_encode(bpe, vocabulary->bytes.data + entry->offset,
                                  entry->length, &scratch, &ids, error)) {
            goto cleanup;
        }
        if (ignore_merges || (ids.count == 1 && ids.ids[0] == id)) {
            entry->flags |= LW_TOKEN_WHOLE;
        }
    }
    done = true;
cleanup:
    lw_bpe_scratch_free(&scratch);
    lw_tokens_free(&ids);
    return done;
}

bool lw_bpe_open(struct lw_bpe *bpe, struct lw_vocabulary *vocabulary, const cJSON *model,
    struct lw_error *error)
{
    *bpe = (struct lw_bpe){.vocabulary = vocabulary};
    bool ignore_merges = false;
    if (!cJSON_IsObject(model)) {
        return lw_fail(error, LW_BAD_INPUT, "There is no \"model\" object.");
    }
    if (!refuse_unsupported(model, error) ||
        !lw_json_optional_bool(
            &(struct lw_json_scope){model, where}, "ignore_merges", &ignore_merges, error) ||
        !read_vocabulary(bpe, vocabulary, lw_json_member(model, "vocab"), error)) {
        return false;
    }
    // With ignore_merges a piece of several words may be one token.
    bpe->splits_words =
        !vocabulary->byte_level && !ignore_merges &&
        lw_vocabulary_find(vocabulary, LW_WORD_START, strlen(LW_WORD_START), false) != LW_NO_TOKEN;
    if (read_fallback(bpe, model, error) && read_unknown(bpe, model, error) &&
        lw_bpe_read_merges(bpe, lw_json_member(model, "merges"), error) &&
        mark_whole(bpe, vocabulary, ignore_merges, error)) {
        return true;
    }
    lw_bpe_close(bpe);
    return false;
}

void lw_bpe_close(struct lw_bpe *bpe)
{
    lw_free(bpe->pairs);
    lw_free(bpe->merged);
    *bpe = (struct lw_bpe){0};
}
