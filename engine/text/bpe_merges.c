// SPDX-License-Identifier: Apache-2.0
// Reading the merges of a BPE model, in both their spellings: "a b" and ["a", "b"].
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/bpe_pairs.h"

bool lw_bpe_find_token(const struct lw_bpe *bpe, uint32_t *id, const struct lw_token_text *token,
    struct lw_string *scratch, struct lw_error *error)
{
    bool opaque;
    if (!lw_vocabulary_read(bpe->vocabulary, scratch, token->text, token->length, &opaque, error)) {
        return false;
    }
    *id = opaque ? LW_NO_TOKEN
                 : lw_vocabulary_find(
                       bpe->vocabulary, lw_string_text(scratch), scratch->length, false);
    return *id != LW_NO_TOKEN
               ? true
               : lw_fail(error, LW_BAD_INPUT, "\"%.*s\" is no token of the vocabulary.",
                     (int)(token->length < 80 ? token->length : 80), token->text);
}

bool lw_token_ends_with_word_start(const struct lw_token_text *token)
{
    size_t width = strlen(LW_WORD_START);
    return token->length >= width &&
           memcmp(token->text + token->length - width, LW_WORD_START, width) == 0;
}

static bool begins_with_word_start(const struct lw_token_text *token)
{
    return token->length >= strlen(LW_WORD_START) &&
           memcmp(token->text, LW_WORD_START, strlen(LW_WORD_START)) == 0;
}

// The two parts of a merge.
struct merge_text {
    struct lw_token_text left, right;
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
            *text = (struct merge_text){
                {merge->valuestring, (size_t)(space - merge->valuestring)},
                {space + 1, strlen(space + 1)},
            };
            return true;
        }
    } else if (cJSON_IsArray(merge) && cJSON_GetArraySize(merge) == 2) {
        const cJSON *left = merge->child, *right = left->next;
        if (cJSON_IsString(left) && cJSON_IsString(right)) {
            *text = (struct merge_text){
                {left->valuestring, strlen(left->valuestring)},
                {right->valuestring, strlen(right->valuestring)},
            };
            return true;
        }
    }
    return lw_fail(error, LW_BAD_INPUT,
        "model.merges: an entry%s%.80s is not of the form \"a b\" or [\"a\", \"b\"].",
        cJSON_IsString(merge) ? " " : "", cJSON_IsString(merge) ? merge->valuestring : "");
}

// Reads the merge of rank `rank`; of two merges of the same pair the later counts.
static bool add_merge(struct lw_bpe *bpe, const struct merge_text *text, uint32_t rank,
    struct lw_string *scratch, struct lw_error *error)
{
    const struct lw_token_text *left = &text->left, *right = &text->right;
    uint32_t left_id, right_id;
    struct lw_string *both = &scratch[1];
    lw_string_clear(both);
    if (!lw_string_add(both, left->text, left->length, error) ||
        !lw_string_add(both, right->text, right->length, error)) {
        return false;
    }
    const struct lw_token_text merged = {both->data, both->length};
    if (!lw_bpe_find_token(bpe, &left_id, left, scratch, error) ||
        !lw_bpe_find_token(bpe, &right_id, right, scratch, error) ||
        !lw_bpe_find_token(bpe, &bpe->merged[rank], &merged, scratch, error)) {
        return lw_fail_in(error, "model.merges");
    }
    *lw_bpe_pair_slot(bpe, left_id, right_id) = (struct lw_bpe_pair){left_id, right_id, rank};
    bpe->splits_words &= !begins_with_word_start(right) || lw_token_ends_with_word_start(left);
    return true;
}

bool lw_bpe_read_merges(struct lw_bpe *bpe, const cJSON *merges, struct lw_error *error)
{
    if (!cJSON_IsArray(merges)) {
        return lw_fail(error, LW_BAD_INPUT, "model: \"merges\" must be an array.");
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
