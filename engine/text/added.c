// SPDX-License-Identifier: Apache-2.0
// Finding added tokens: a tree of their bytes, walked from each place where one can begin.
#include "engine/text/added.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/unicode.h"

#define NO_NODE UINT32_MAX

// The first child and the next sibling; node 0 is the root.
struct lw_added_node {
    uint32_t child, sibling;
    uint32_t token; // index of the token that ends here, or NO_NODE
    unsigned char byte;
};

struct lw_added_token {
    uint32_t id;
    unsigned flags;
};

static bool add_node(
    struct lw_added *added, unsigned char byte, uint32_t sibling, struct lw_error *error)
{
    if (added->node_count >= NO_NODE) {
        return lw_fail(error, LW_BAD_INPUT, "The added tokens hold more than 4 GiB of text.");
    }
    if (!lw_reserve(&added->nodes, &added->node_capacity, added->node_count + 1,
            sizeof *added->nodes, error)) {
        return false;
    }
    added->nodes[added->node_count++] = (struct lw_added_node){NO_NODE, sibling, NO_NODE, byte};
    return true;
}

static uint32_t find_child(const struct lw_added *added, uint32_t node, unsigned char byte)
{
    uint32_t child = added->nodes[node].child;
    while (child != NO_NODE && added->nodes[child].byte != byte) {
        child = added->nodes[child].sibling;
    }
    return child;
}

bool lw_added_add(struct lw_added *added, const char *text, size_t length, uint32_t id,
    unsigned flags, struct lw_error *error)
{
    if (length == 0) {
        return true;
    }
    if (added->node_count == 0 && !add_node(added, 0, NO_NODE, error)) {
        return false;
    }
    uint32_t node = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        uint32_t child = find_child(added, node, byte);
        if (child == NO_NODE) {
            if (!add_node(added, byte, added->nodes[node].child, error)) {
                return false;
            }
            child = added->nodes[node].child = (uint32_t)added->node_count - 1;
        }
        node = child;
    }
    if (added->nodes[node].token != NO_NODE) {
        return true;
    }
    if (!lw_reserve(
            &added->tokens, &added->capacity, added->count + 1, sizeof *added->tokens, error)) {
        return false;
    }
    added->tokens[added->count] = (struct lw_added_token){id, flags};
    added->nodes[node].token = (uint32_t)added->count++;
    added->first[(unsigned char)text[0]] = true;
    return true;
}

bool lw_added_set_flags(struct lw_added *added, uint32_t id, unsigned flags)
{
    bool found = false;
    for (size_t i = 0; i < added->count; i++) {
        if (added->tokens[i].id == id) {
            added->tokens[i].flags = flags;
            found = true;
        }
    }
    return found;
}

void lw_added_remove(struct lw_added *added, uint32_t id)
{
    for (size_t i = 0; i < added->node_count; i++) {
        struct lw_added_node *node = &added->nodes[i];
        if (node->token != NO_NODE && added->tokens[node->token].id == id) {
            node->token = NO_NODE;
        }
    }
}

// The longest token at the beginning of the text, or NULL; `*length` becomes its length.
static const struct lw_added_token *longest_at(
    const struct lw_added *added, const char *text, size_t *length)
{
    const struct lw_added_token *token = NULL;
    size_t available = *length;
    uint32_t node = 0;
    for (size_t i = 0; i < available; i++) {
        node = find_child(added, node, (unsigned char)text[i]);
        if (node == NO_NODE) {
            break;
        }
        if (added->nodes[node].token != NO_NODE) {
            token = &added->tokens[added->nodes[node].token];
            *length = i + 1;
        }
    }
    return token;
}

static bool add_part(
    struct lw_added_parts *parts, size_t start, size_t end, uint32_t id, struct lw_error *error)
{
    if (!lw_reserve(
            &parts->items, &parts->capacity, parts->count + 1, sizeof *parts->items, error)) {
        return false;
    }
    parts->items[parts->count++] = (struct lw_added_part){start, end, id};
    return true;
}

// A place where a token was found, in a text.
struct match {
    const char *text;
    size_t length; // of the text
    size_t start, end;
};

// What the flags make of a match: false where it does not count, else its borders are moved.
// `taken` is the end of the token before, whose white space is not taken twice.
static bool apply_flags(struct match *match, unsigned flags, size_t taken, bool plain)
{
    const char *after = match->text + match->end;
    size_t rest = match->length - match->end;
    if (plain && flags & LW_ADDED_SPECIAL) {
        return false;
    }
    if (flags & LW_ADDED_SINGLE_WORD && (lw_text_ends_with_word(match->text, match->start) ||
                                            lw_text_begins_with_word(after, rest))) {
        return false;
    }
    if (flags & LW_ADDED_LSTRIP) {
        size_t free = match->start > taken ? match->start - taken : 0;
        match->start = taken + free - lw_text_spaces_at_end(match->text + taken, free);
    }
    if (flags & LW_ADDED_RSTRIP) {
        match->end += lw_text_spaces_at_begin(after, rest);
    }
    return match->start < match->end; // a white space token may be taken up by the one before
}

bool lw_added_split(const struct lw_added *added, const char *text, size_t length, bool plain,
    struct lw_added_parts *parts, struct lw_error *error)
{
    size_t taken = 0;
    parts->count = 0;
    for (size_t at = 0; at < length;) {
        size_t found = length - at;
        const struct lw_added_token *token =
            added->first[(unsigned char)text[at]] ? longest_at(added, text + at, &found) : NULL;
        if (!token) {
            at++;
            continue;
        }
        struct match match = {text, length, at, at + found};
        at += found;
        if (!apply_flags(&match, token->flags, taken, plain)) {
            continue;
        }
        if (taken < match.start && !add_part(parts, taken, match.start, LW_NO_TOKEN, error)) {
            return false;
        }
        if (!add_part(parts, match.start, match.end, token->id, error)) {
            return false;
        }
        taken = match.end;
    }
    return taken == length || add_part(parts, taken, length, LW_NO_TOKEN, error);
}

void lw_added_free(struct lw_added *added)
{
    lw_free(added->nodes);
    lw_free(added->tokens);
    *added = (struct lw_added){0};
}

void lw_added_free_parts(struct lw_added_parts *parts)
{
    lw_free(parts->items);
    *parts = (struct lw_added_parts){0};
}
