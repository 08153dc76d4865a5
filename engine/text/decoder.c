// SPDX-License-Identifier: Apache-2.0
// Running a decoder: a token goes through the steps by recursion, since one step may give several
// tokens to the next. Reading it from tokenizer.json: decoder_json.c.
#include "engine/text/decoder.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/utf8.h"
#include "engine/text/decoder_steps.h"

struct step_state {
    struct lw_string text; // what the step makes of a token
    bool begun;            // a token came by; for Strip of the whole text: it strips no more
    size_t stripped;       // characters
};

struct lw_decoding {
    struct step_state steps[LW_DECODER_STEPS];
    struct lw_string pending; // bytes that wait for more: a run of byte tokens, part of a character
    struct lw_matcher matcher;
    bool show; // a single token is to be shown: nothing waits
};

// A token on its way; what all steps need.
struct flow {
    const struct lw_decoder *decoder;
    struct lw_decoding *decoding;
    struct lw_string *out;
    struct lw_error *error;
};

static bool give(struct flow *flow, size_t index, const char *token, size_t length);

// ByteLevel. The length of `text` without a character that is cut off at its end.
static size_t complete_length(const char *text, size_t length)
{
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        const char *last = text + length - back;
        if (((unsigned char)*last & 0xC0) != 0x80) {
            return lw_utf8_next(last, back).kind == LW_UTF8_INCOMPLETE ? length - back : length;
        }
    }
    return length;
}

static bool give_bytes(struct flow *flow, size_t index, const char *token, size_t length)
{
    struct lw_string *pending = &flow->decoding->pending;
    if (flow->decoding->show) {
        return give(flow, index + 1, token, length);
    }
    if (!lw_string_add(pending, token, length, flow->error)) {
        return false;
    }
    struct lw_string *text = &flow->decoding->steps[index].text;
    size_t complete = complete_length(pending->data, pending->length);
    lw_string_clear(text);
    if (!lw_utf8_add_lossy(text, lw_string_text(pending), complete, flow->error)) {
        return false;
    }
    memmove(pending->data, pending->data + complete, pending->length - complete);
    pending->length -= complete;
    return give(flow, index + 1, lw_string_text(text), text->length);
}

// The byte that a token like <0x0A> stands for, or -1. As Rust's from_str_radix reads it, which
// takes a plus sign.
static int byte_of(const char *token, size_t length)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    int value = 0;
    if (length != 6 || memcmp(token, "<0x", 3) != 0 || token[5] != '>') {
        return -1;
    }
    for (int i = token[3] == '+' ? 4 : 3; i < 5; i++) {
        const char *digit = token[i] ? strchr(digits, token[i]) : NULL;
        if (!digit) {
            return -1;
        }
        value = 16 * value + (int)((digit - digits) % 16);
    }
    return value;
}

// A run of byte tokens is over: its text, or one U+FFFD for each byte.
static bool give_run(struct flow *flow, size_t index)
{
    struct lw_string *pending = &flow->decoding->pending;
    size_t length = pending->length;
    bool valid = lw_utf8_valid_length(lw_string_text(pending), length) == length;
    bool done = length == 0 || !valid || give(flow, index + 1, pending->data, length);
    for (size_t i = 0; done && !valid && i < length; i++) {
        done = give(flow, index + 1, "\xEF\xBF\xBD", 3);
    }
    pending->length = 0;
    return done;
}

static bool give_fallback(struct flow *flow, size_t index, const char *token, size_t length)
{
    int value = byte_of(token, length);
    char byte = (char)value;
    if (value >= 0) {
        return flow->decoding->show
                   ? give(flow, index + 1, &byte, 1)
                   : lw_string_add(&flow->decoding->pending, &byte, 1, flow->error);
    }
    return give_run(flow, index) && give(flow, index + 1, token, length);
}

static bool give_replaced(struct flow *flow, size_t index, const char *token, size_t length)
{
    struct lw_string *text = &flow->decoding->steps[index].text;
    lw_string_clear(text);
    return lw_replacement_run(&flow->decoder->steps[index].replacement, token, length,
               &flow->decoding->matcher, text, flow->error) &&
           give(flow, index + 1, lw_string_text(text), text->length);
}

// Strip: how many of the first and of the last characters, at most so many, are the one to strip.
static size_t count_first(
    const struct lw_decoder_step *step, const char *text, size_t length, size_t limit)
{
    size_t count = 0;
    while (count < limit && length - count * step->width >= step->width &&
           memcmp(text + count * step->width, step->character, step->width) == 0) {
        count++;
    }
    return count;
}

static size_t count_last(const struct lw_decoder_step *step, const char *text, size_t length)
{
    size_t count = 0;
    while (count < step->stop && length >= (count + 1) * step->width &&
           memcmp(text + length - (count + 1) * step->width, step->character, step->width) == 0) {
        count++;
    }
    return count;
}

static bool give_stripped(struct flow *flow, size_t index, const char *token, size_t length)
{
    const struct lw_decoder_step *step = &flow->decoder->steps[index];
    struct step_state *state = &flow->decoding->steps[index];
    size_t limit = !step->fused ? step->start : state->begun ? 0 : step->start - state->stripped;
    size_t first = count_first(step, token, length, limit);
    token += first * step->width;
    length -= first * step->width;
    if (step->fused) {
        state->stripped += first;
        state->begun |= length > 0;
    }
    return give(flow, index + 1, token, length - count_last(step, token, length) * step->width);
}

// Metaspace: spaces for the character, none for those of the first token.
static bool give_spaced(struct flow *flow, size_t index, const char *token, size_t length)
{
    const struct lw_metaspace *metaspace = &flow->decoder->steps[index].metaspace;
    struct step_state *state = &flow->decoding->steps[index];
    bool drop = !state->begun && metaspace->scheme != LW_PREPEND_NEVER;
    state->begun = true;
    lw_string_clear(&state->text);
    for (size_t at = 0; at < length;) {
        size_t width = lw_utf8_next(token + at, length - at).length;
        bool is_space =
            width == metaspace->length && !memcmp(token + at, metaspace->replacement, width);
        if (is_space ? !drop && !lw_string_add(&state->text, " ", 1, flow->error)
                     : !lw_string_add(&state->text, token + at, width, flow->error)) {
            return false;
        }
        at += width;
    }
    return give(flow, index + 1, lw_string_text(&state->text), state->text.length);
}

// Gives a token to the step `index`, and what comes out of it to the next.
static bool give(struct flow *flow, size_t index, const char *token, size_t length)
{
    static bool (*const run[])(struct flow *, size_t, const char *, size_t) = {
        [LW_DECODE_BYTE_LEVEL] = give_bytes,
        [LW_DECODE_BYTE_FALLBACK] = give_fallback,
        [LW_DECODE_REPLACE] = give_replaced,
        [LW_DECODE_STRIP] = give_stripped,
        [LW_DECODE_METASPACE] = give_spaced,
    };
    return index == flow->decoder->count
               ? lw_string_add(flow->out, token, length, flow->error)
               : run[flow->decoder->steps[index].kind](flow, index, token, length);
}

static bool begin(struct lw_decoding **decoding, struct lw_error *error)
{
    *decoding = *decoding ? *decoding : lw_calloc(1, sizeof **decoding, error);
    return *decoding;
}

bool lw_decoder_push(const struct lw_decoder *decoder, struct lw_decoding **decoding,
    const char *token, size_t length, struct lw_string *out, struct lw_error *error)
{
    return begin(decoding, error) &&
           give(&(struct flow){decoder, *decoding, out, error}, 0, token, length);
}

bool lw_decoder_finish(const struct lw_decoder *decoder, struct lw_decoding **decoding,
    struct lw_string *out, struct lw_error *error)
{
    bool done = true;
    for (size_t i = 0; done && *decoding && i < decoder->count; i++) {
        struct flow flow = {decoder, *decoding, out, error};
        struct lw_string *pending = &(*decoding)->pending;
        if (decoder->steps[i].kind == LW_DECODE_BYTE_FALLBACK) {
            done = give_run(&flow, i);
        } else if (decoder->steps[i].kind == LW_DECODE_BYTE_LEVEL) {
            done = lw_utf8_add_lossy(out, lw_string_text(pending), pending->length, error);
        }
    }
    lw_decoding_free(*decoding);
    *decoding = NULL;
    return done;
}

bool lw_decoder_show(const struct lw_decoder *decoder, const char *token, size_t length,
    struct lw_string *out, struct lw_error *error)
{
    struct lw_decoding *decoding = NULL;
    if (!begin(&decoding, error)) {
        return false;
    }
    decoding->show = true;
    for (size_t i = 0; i < decoder->count; i++) {
        decoding->steps[i].begun = true;
    }
    bool done = lw_decoder_push(decoder, &decoding, token, length, out, error);
    lw_decoding_free(decoding);
    return done;
}

void lw_decoding_free(struct lw_decoding *decoding)
{
    if (!decoding) {
        return;
    }
    for (size_t i = 0; i < LW_DECODER_STEPS; i++) {
        lw_string_free(&decoding->steps[i].text);
    }
    lw_string_free(&decoding->pending);
    lw_matcher_free(&decoding->matcher);
    lw_free(decoding);
}
