// SPDX-License-Identifier: Apache-2.0
// Decoding: the bytes of the tokens one after the other, read as UTF-8 (HF: decoders/byte_level).
#include "engine/text/tokenizer_parts.h"

#include <string.h>

#include "engine/base/utf8.h"

// The bytes that `id` adds to a text: none for special tokens to be skipped and unknown ids.
static struct lw_text token_text(
    const struct lw_tokenizer *tokenizer, uint32_t id, bool skip_special)
{
    struct lw_text text = {NULL, 0};
    if (!skip_special || !lw_tokenizer_is_special(tokenizer, id)) {
        text.bytes = lw_vocabulary_bytes(&tokenizer->vocabulary, id, &text.length);
    }
    return text;
}

bool lw_tokenizer_decode(const struct lw_tokenizer *tokenizer, const uint32_t *ids, size_t count,
    bool skip_special, struct lw_string *out, struct lw_error *error)
{
    struct lw_string bytes = {0};
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        struct lw_text text = token_text(tokenizer, ids[i], skip_special);
        done = lw_string_add(&bytes, text.bytes, text.length, error);
    }
    done = done && lw_utf8_add_lossy(out, lw_string_text(&bytes), bytes.length, error);
    lw_string_free(&bytes);
    return done;
}

// The length of `text` without a character that is cut off at its end.
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

bool lw_token_stream_push(
    struct lw_token_stream *stream, uint32_t id, struct lw_string *out, struct lw_error *error)
{
    struct lw_text text = token_text(stream->tokenizer, id, stream->skip_special);
    struct lw_string bytes = {0};
    bool done = lw_string_add(&bytes, stream->pending, stream->pending_length, error) &&
                lw_string_add(&bytes, text.bytes, text.length, error);
    size_t complete = done ? complete_length(bytes.data, bytes.length) : 0;
    done = done && lw_utf8_add_lossy(out, bytes.data, complete, error);
    if (done) {
        stream->pending_length = bytes.length - complete;
        memcpy(stream->pending, bytes.data + complete, stream->pending_length);
    }
    lw_string_free(&bytes);
    return done;
}

bool lw_token_stream_finish(
    struct lw_token_stream *stream, struct lw_string *out, struct lw_error *error)
{
    size_t length = stream->pending_length;
    stream->pending_length = 0;
    return lw_utf8_add_lossy(out, (const char *)stream->pending, length, error);
}
