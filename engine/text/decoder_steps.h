// SPDX-License-Identifier: Apache-2.0
// The steps that decoder_json.c reads and decoder.c runs. Private to these two.
#ifndef LW_TEXT_DECODER_STEPS_H
#define LW_TEXT_DECODER_STEPS_H

#include "engine/text/decoder.h"
#include "engine/text/metaspace.h"
#include "engine/text/replacement.h"

// More than this are refused: a token goes through them by recursion.
#define LW_DECODER_STEPS 16

enum lw_decoder_kind {
    LW_DECODE_BYTE_LEVEL,
    LW_DECODE_BYTE_FALLBACK, // byte tokens become text
    LW_DECODE_REPLACE,
    LW_DECODE_STRIP, // up to `start` first and `stop` last of a character are dropped
    LW_DECODE_METASPACE
};

struct lw_decoder_step {
    enum lw_decoder_kind kind;
    bool fused; // after Fuse, which makes all tokens one: the whole text is meant, not each token
    struct lw_replacement replacement;
    struct lw_metaspace metaspace;
    char character[5];
    size_t width; // bytes of the character
    size_t start, stop;
};

#endif
