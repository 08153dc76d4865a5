// SPDX-License-Identifier: Apache-2.0
// Decoding: the tokens that the ids stand for, through the decoder (HF: tokenizer/mod.rs, decode).
#include "engine/text/tokenizer_parts.h"

bool lw_token_stream_push(
    struct lw_token_stream *stream, uint32_t id, struct lw_string *out, struct lw_error *error)
{
    const struct lw_tokenizer *tokenizer = stream->tokenizer;
    unsigned flags = lw_vocabulary_flags(&tokenizer->vocabulary, id);
    size_t length;
    const char *token = lw_vocabulary_bytes(&tokenizer->vocabulary, id, &length);
    if (!token || (stream->skip_special && flags & LW_TOKEN_SKIPPED)) {
        return true;
    }
    return lw_decoder_push(&tokenizer->decoder, &stream->decoding, token, length, out, error);
}

bool lw_token_stream_finish(
    struct lw_token_stream *stream, struct lw_string *out, struct lw_error *error)
{
    return lw_decoder_finish(&stream->tokenizer->decoder, &stream->decoding, out, error);
}

void lw_token_stream_free(struct lw_token_stream *stream)
{
    lw_decoding_free(stream->decoding);
    stream->decoding = NULL;
}

bool lw_tokenizer_decode(const struct lw_tokenizer *tokenizer, const uint32_t *ids, size_t count,
    bool skip_special, struct lw_string *out, struct lw_error *error)
{
    struct lw_token_stream stream = {.tokenizer = tokenizer, .skip_special = skip_special};
    bool done = true;
    for (size_t i = 0; done && i < count; i++) {
        done = lw_token_stream_push(&stream, ids[i], out, error);
    }
    done = done && lw_token_stream_finish(&stream, out, error);
    lw_token_stream_free(&stream);
    return done;
}

bool lw_tokenizer_show_token(const struct lw_tokenizer *tokenizer, uint32_t id,
    struct lw_string *out, struct lw_error *error)
{
    size_t length;
    const char *token = lw_vocabulary_bytes(&tokenizer->vocabulary, id, &length);
    return !token || lw_decoder_show(&tokenizer->decoder, token, length, out, error);
}
