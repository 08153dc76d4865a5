// SPDX-License-Identifier: Apache-2.0
// Text to token ids and back, exactly as Hugging Face's tokenizers library does it with the
// tokenizer.json of a model folder: added tokens, normalizer, pre-tokenizer, BPE (byte-level, or of
// characters with byte fallback as SentencePiece makes them), decoder. A component that this program
// does not know is refused by name when the tokenizer is opened; none is approximated. Using an open
// tokenizer does not change it, so any number of threads may do so at once.
#ifndef LW_TEXT_TOKENIZER_H
#define LW_TEXT_TOKENIZER_H

#include "engine/base/stringbuf.h"
#include "engine/text/tokens.h"

struct lw_tokenizer;

enum { LW_TOKEN_TEXT_LIMIT = 1024 };

// Reads tokenizer.json and, where there are such files, tokenizer_config.json and
// special_tokens_map.json of `model_folder` (UTF-8 path). LW_BAD_INPUT for a file that is damaged
// or needs what is not supported; the message names the file and the part. On success `*tokenizer`
// is the caller's, to be closed; on failure it is NULL.
bool lw_tokenizer_open(
    struct lw_tokenizer **tokenizer, const char *model_folder, struct lw_error *error);
void lw_tokenizer_close(struct lw_tokenizer *tokenizer); // NULL is fine

// Appends the ids of `length` bytes of UTF-8 at `text` to `out`. Added tokens (also special ones)
// that occur in the text are parsed; nothing is put before or after (HF: add_special_tokens=False).
// Text that is not UTF-8 is LW_BAD_INPUT with the byte offset; `out` is then as it was.
bool lw_tokenizer_encode(const struct lw_tokenizer *tokenizer, const char *text, size_t length,
    struct lw_tokens *out, struct lw_error *error);

// The same, but special tokens in the text are ordinary text, so that no text can pose as the
// structure of a chat; added tokens that are not special are still parsed (HF:
// encode_special_tokens).
bool lw_tokenizer_encode_plain(const struct lw_tokenizer *tokenizer, const char *text,
    size_t length, struct lw_tokens *out, struct lw_error *error);

// The ids that the post-processor puts before and after a single text when asked to add special
// tokens (Llama: BOS before). The lists belong to the tokenizer and may be empty.
const struct lw_tokens *lw_tokenizer_prefix(const struct lw_tokenizer *tokenizer);
const struct lw_tokens *lw_tokenizer_suffix(const struct lw_tokenizer *tokenizer);

// Appends the text of `count` ids to `out`, special tokens left out on request. Bytes that form no
// UTF-8 become U+FFFD as Python's errors="replace" does it. Ids without a token (the padding of an
// embedding matrix) give nothing.
bool lw_tokenizer_decode(const struct lw_tokenizer *tokenizer, const uint32_t *ids, size_t count,
    bool skip_special, struct lw_string *out, struct lw_error *error);

// One past the largest id that has a token.
uint32_t lw_tokenizer_size(const struct lw_tokenizer *tokenizer);

// The id of the token with exactly this text as tokenizer.json writes it ("<|im_end|>"; ordinary
// tokens of a byte-level vocabulary are written in its alphabet, "Ġthe"), or LW_NO_TOKEN, also for a
// text of more than LW_TOKEN_TEXT_LIMIT bytes.
uint32_t lw_tokenizer_token_id(const struct lw_tokenizer *tokenizer, const char *text);

// Appends the bytes that `id` decodes to within a text, which need not be whole UTF-8 characters;
// nothing for an id without a token.
bool lw_tokenizer_show_token(const struct lw_tokenizer *tokenizer, uint32_t id,
    struct lw_string *out, struct lw_error *error);

bool lw_tokenizer_is_special(const struct lw_tokenizer *tokenizer, uint32_t id);

// Beginning and end of a sequence as tokenizer_config.json (else special_tokens_map.json) names
// them; LW_NO_TOKEN where it does not.
uint32_t lw_tokenizer_bos(const struct lw_tokenizer *tokenizer);
uint32_t lw_tokenizer_eos(const struct lw_tokenizer *tokenizer);

// Makes `token` the end of a sequence as transformers' add_special_tokens({"eos_token": token}) does:
// it becomes a special added token that is found in the text as it comes, whatever lstrip, rstrip,
// single_word and normalized say in tokenizer.json. LW_BAD_INPUT when there is no such token. Before
// the tokenizer is used by other threads.
bool lw_tokenizer_register_eos(
    struct lw_tokenizer *tokenizer, const char *token, struct lw_error *error);

// Decoding one id at a time, for showing text while it is generated: only whole characters are
// given out. Zero-initialise, set `tokenizer`; lw_token_stream_free is due unless it is finished.
struct lw_token_stream {
    const struct lw_tokenizer *tokenizer;
    bool skip_special;
    struct lw_decoding *decoding; // how far it is; the stream's own
};

void lw_token_stream_free(struct lw_token_stream *stream); // makes the stream new

// Appends to `out` what has become certain with `id`.
bool lw_token_stream_push(
    struct lw_token_stream *stream, uint32_t id, struct lw_string *out, struct lw_error *error);

// Appends what waits (U+FFFD for a character left incomplete) and makes the stream new. All output
// together equals lw_tokenizer_decode of all ids.
bool lw_token_stream_finish(
    struct lw_token_stream *stream, struct lw_string *out, struct lw_error *error);

#endif
