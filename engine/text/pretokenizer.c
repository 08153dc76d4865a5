// SPDX-License-Identifier: Apache-2.0
// Running a pre-tokenizer: two lists of pieces take turns as input and output of the steps. Reading
// it from tokenizer.json: pretokenizer_json.c.
#include "engine/text/pretokenizer.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/pretokenizer_steps.h"

// Pieces may be empty (an empty match); they count when parts are joined and for nothing else.
static bool add_piece(struct lw_pieces *pieces, size_t start, size_t end, struct lw_error *error)
{
    if (pieces->count == pieces->capacity && !lw_reserve(&pieces->items, &pieces->capacity,
                                                 pieces->count + 1, sizeof *pieces->items, error)) {
        return false;
    }
    pieces->items[pieces->count++] = (struct lw_piece){start, end};
    return true;
}

// Makes the pieces found so far the input of the next step.
static void turn(struct lw_pieces *pieces)
{
    struct lw_piece *items = pieces->items;
    size_t capacity = pieces->capacity;
    pieces->items = pieces->before;
    pieces->capacity = pieces->before_capacity;
    pieces->before = items;
    pieces->before_count = pieces->count;
    pieces->before_capacity = capacity;
    pieces->count = 0;
}

// A part of a piece: what a pattern matches, or what lies between two matches.
struct part {
    size_t start, end;
    bool is_match; // after inversion
};

// Puts a part into the output by the behaviour of the step. `previous` is whether the part before
// it was a match (false at first); `first` whether the step has yet put nothing for this piece.
// HF: tokenizer/normalizer.rs, NormalizedString::split.
static bool put_part(struct lw_pieces *pieces, const struct lw_pretokenizer_step *step,
    const struct part *part, bool previous, bool first, struct lw_error *error)
{
    bool join = false;
    switch (step->behavior) {
    case LW_SPLIT_REMOVED:
        if (part->is_match) {
            return true;
        }
        break;
    case LW_SPLIT_CONTIGUOUS:
        join = part->is_match == previous;
        break;
    case LW_SPLIT_MERGED_WITH_PREVIOUS:
        join = part->is_match && !previous;
        break;
    case LW_SPLIT_MERGED_WITH_NEXT: // a match waits for the part after it
        join = !part->is_match && previous;
        break;
    case LW_SPLIT_ISOLATED:
        break;
    }
    if (join && !first) {
        pieces->items[pieces->count - 1].end = part->end;
        return true;
    }
    return add_piece(pieces, part->start, part->end, error);
}

static bool split_piece(struct lw_pieces *pieces, const struct lw_pretokenizer_step *step,
    struct lw_piece piece, struct lw_error *error)
{
    size_t first = pieces->count;
    size_t at = piece.start;
    bool previous = false;
    lw_matcher_begin(
        &pieces->matcher, step->pattern, pieces->text + piece.start, piece.end - piece.start);
    for (;;) {
        bool found;
        size_t start = piece.end - piece.start, end = start;
        if (!lw_matcher_next(&pieces->matcher, &found, &start, &end, error)) {
            return false;
        }
        struct part between = {at, piece.start + start, step->invert};
        if (between.start != between.end) {
            if (!put_part(pieces, step, &between, previous, pieces->count == first, error)) {
                return false;
            }
            previous = between.is_match;
        }
        if (!found) {
            return true;
        }
        struct part match = {piece.start + start, piece.start + end, !step->invert};
        if (!put_part(pieces, step, &match, previous, pieces->count == first, error)) {
            return false;
        }
        previous = match.is_match;
        at = match.end;
    }
}

// ByteLevel's add_prefix_space: a text that does not begin with a space gets one.
static bool add_space(
    struct lw_string *copy, const char *text, size_t length, struct lw_error *error)
{
    return (*text == ' ' || lw_string_add(copy, " ", 1, error)) &&
           lw_string_add(copy, text, length, error);
}

static bool add_metaspace(struct lw_string *copy, const struct lw_metaspace *metaspace,
    const char *text, size_t length, bool first, struct lw_error *error)
{
    const char *end = text + length;
    bool prepend =
        metaspace->scheme == LW_PREPEND_ALWAYS || (metaspace->scheme == LW_PREPEND_FIRST && first);
    bool has_it = *text == ' ' || (length >= metaspace->length &&
                                      !memcmp(text, metaspace->replacement, metaspace->length));
    if (prepend && !has_it &&
        !lw_string_add(copy, metaspace->replacement, metaspace->length, error)) {
        return false;
    }
    for (;;) {
        const char *space = memchr(text, ' ', (size_t)(end - text));
        size_t part = (size_t)((space ? space : end) - text);
        if (!lw_string_add(copy, text, part, error)) {
            return false;
        }
        if (!space) {
            return true;
        }
        if (!lw_string_add(copy, metaspace->replacement, metaspace->length, error)) {
            return false;
        }
        text = space + 1;
    }
}

// Rewrites all pieces into a copy.
static bool rewrite(struct lw_pieces *pieces, const struct lw_pretokenizer_step *step, bool first,
    struct lw_error *error)
{
    struct lw_string *copy = &pieces->copies[pieces->text == pieces->copies[0].data];
    lw_string_clear(copy);
    for (size_t i = 0; i < pieces->before_count; i++) {
        struct lw_piece piece = pieces->before[i];
        const char *text = pieces->text + piece.start;
        size_t length = piece.end - piece.start, start = copy->length;
        if (length == 0) {
            continue;
        }
        bool done = step->kind == LW_STEP_METASPACE ? add_metaspace(copy, &step->metaspace, text,
                                                          length, first && piece.start == 0, error)
                                                    : add_space(copy, text, length, error);
        if (!done || !add_piece(pieces, start, copy->length, error)) {
            return false;
        }
    }
    pieces->text = lw_string_text(copy);
    return true;
}

bool lw_pretokenizer_run(const struct lw_pretokenizer *pretokenizer, const char *text,
    size_t length, bool first, struct lw_pieces *pieces, struct lw_error *error)
{
    pieces->text = text;
    pieces->count = 0;
    if (!add_piece(pieces, 0, length, error)) {
        return false;
    }
    for (size_t i = 0; i < pretokenizer->count; i++) {
        const struct lw_pretokenizer_step *step = &pretokenizer->steps[i];
        turn(pieces);
        if (step->kind != LW_STEP_SPLIT) {
            if (!rewrite(pieces, step, first, error)) {
                return false;
            }
            continue;
        }
        for (size_t piece = 0; piece < pieces->before_count; piece++) {
            struct lw_piece input = pieces->before[piece];
            if (input.start != input.end && !split_piece(pieces, step, input, error)) {
                return false;
            }
        }
    }
    return true;
}

void lw_pieces_free(struct lw_pieces *pieces)
{
    lw_free(pieces->items);
    lw_free(pieces->before);
    lw_string_free(&pieces->copies[0]);
    lw_string_free(&pieces->copies[1]);
    lw_matcher_free(&pieces->matcher);
    *pieces = (struct lw_pieces){0};
}
