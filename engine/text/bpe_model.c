// SPDX-License-Identifier: Apache-2.0
// Reading a BPE model from tokenizer.json: vocabulary, merges in both their spellings ("a b" and
// ["a", "b"]), and the refusal of what this program does not do. HF: models/bpe/{model,serialization}.rs.
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/bpe_pairs.h"
#include "engine/text/bytelevel.h"
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
    if (lw_json_member(model, "unk_token")) {
        return lw_fail(error, LW_BAD_INPUT, "A BPE model with an unk_token is not supported.");
    }
    bool byte_fallback = false;
    if (!lw_json_optional_bool(
            &(struct lw_json_scope){model, where}, "byte_fallback", &byte_fallback, error)) {
        return false;
    }
    return byte_fallback
               ? lw_fail(error, LW_BAD_INPUT, "A BPE model with byte_fallback is not supported.")
               : true;
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
            !lw_bytelevel_read(&bytes, token->string, strlen(token->string), &opaque, error) ||
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

// The two parts of a merge, as slices of its JSON texts.
struct merge_text {
    const char *left, *right;
    size_t left_length, right_length;
};

// `*skip` tells a line of the old text format that is no merge.
static bool split_merge(
    struct merge_text *text, bool *skip, const cJSON *merge, struct lw_error *error)
{
    *skip = false;
    if (cJSON_IsString(merge)) {
        const char *space = strchr(merge->valuestring, ' ');
        *skip = strncmp(merge->valuestring, "#version", 8) == 0;
        if (*skip) {
            return true;
        }
        if (space && !strchr(space + 1, ' ')) {
            *text = (struct merge_text){merge->valuestring, space + 1,
                (size_t)(space - merge->valuestring), strlen(space + 1)};
            return true;
        }
    } else if (cJSON_IsArray(merge) && cJSON_GetArraySize(merge) == 2) {
        const cJSON *left = merge->child, *right = left->next;
        if (cJSON_IsString(left) && cJSON_IsString(right)) {
            *text = (struct merge_text){left->valuestring, right->valuestring,
                strlen(left->valuestring), strlen(right->valuestring)};
            return true;
        }
    }
    return lw_fail(error, LW_BAD_INPUT,
        "model.merges: an entry%s%.80s is not of the form \"a b\" or [\"a\", \"b\"].",
        cJSON_IsString(merge) ? " " : "", cJSON_IsString(merge) ? merge->valuestring : "");
}

// Text in the byte-level alphabet to its token. `bytes` is scratch.
static bool find_part(uint32_t *id, struct lw_string *bytes, const struct lw_vocabulary *vocabulary,
    const char *text, size_t length, struct lw_error *error)
{
    bool opaque;
    if (!lw_bytelevel_read(bytes, text, length, &opaque, error)) {
        return false;
    }
    *id = opaque ? LW_NO_TOKEN
                 : lw_vocabulary_find(vocabulary, lw_string_text(bytes), bytes->length, false);
    if (*id == LW_NO_TOKEN) {
        return lw_fail(error, LW_BAD_INPUT, "model.merges: \"%.*s\" is no token of the vocabulary.",
            (int)(length < 80 ? length : 80), text);
    }
    return true;
}

// Reads the merge of rank `rank`; of two merges of the same pair the later counts.
static bool add_merge(struct lw_bpe *bpe, const struct merge_text *text, uint32_t rank,
    struct lw_string *scratch, struct lw_error *error)
{
    uint32_t left, right, merged;
    struct lw_string *bytes = &scratch[0], *both = &scratch[1];
    lw_string_clear(both);
    if (!find_part(&left, bytes, bpe->vocabulary, text->left, text->left_length, error) ||
        !lw_string_add(both, text->left, text->left_length, error) ||
        !find_part(&right, bytes, bpe->vocabulary, text->right, text->right_length, error) ||
        !lw_string_add(both, text->right, text->right_length, error) ||
        !find_part(&merged, bytes, bpe->vocabulary, both->data, both->length, error)) {
        return false;
    }
    *lw_bpe_pair_slot(bpe, left, right) = (struct lw_bpe_pair){left, right, rank};
    bpe->merged[rank] = merged;
    return true;
}

static bool read_merges(struct lw_bpe *bpe, const cJSON *merges, struct lw_error *error)
{
    if (!cJSON_IsArray(merges)) {
        return lw_fail(error, LW_BAD_INPUT, "%s: \"merges\" must be an array.", where);
    }
    size_t count = (size_t)cJSON_GetArraySize(merges);
    for (bpe->pair_slots = 1; bpe->pair_slots < count + count / 2 + 1;) {
        bpe->pair_slots *= 2;
    }
    bool done = false;
    struct lw_string scratch[2] = {{0}};
    bpe->pairs = lw_realloc(NULL, bpe->pair_slots, sizeof *bpe->pairs, error);
    bpe->merged = bpe->pairs ? lw_calloc(count, sizeof *bpe->merged, error) : NULL;
    if (!bpe->merged) {
        return false;
    }
    memset(bpe->pairs, 0xFF, bpe->pair_slots * sizeof *bpe->pairs);
    uint32_t rank = 0;
    for (const cJSON *merge = merges->child; merge; merge = merge->next) {
        struct merge_text text = {0};
        bool skip;
        if (!split_merge(&text, &skip, merge, error) ||
            (!skip && !add_merge(bpe, &text, rank, scratch, error))) {
            goto cleanup;
        }
        rank += !skip;
    }
    done = true;
cleanup:
    lw_string_free(&scratch[0]);
    lw_string_free(&scratch[1]);
    return done;
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
    if (refuse_unsupported(model, error) &&
        lw_json_optional_bool(
            &(struct lw_json_scope){model, where}, "ignore_merges", &ignore_merges, error) &&
        read_vocabulary(bpe, vocabulary, lw_json_member(model, "vocab"), error) &&
        read_merges(bpe, lw_json_member(model, "merges"), error) &&
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
