// SPDX-License-Identifier: Apache-2.0
// The normalizer: rewrites text before it is cut. Steps in the order of tokenizer.json: Unicode's
// forms (NFC, NFD, NFKC, NFKD), Lowercase, Strip, Prepend, Replace, alone or in a Sequence; any other
// is refused by name. HF: normalizers/.
#ifndef LW_TEXT_NORMALIZER_H
#define LW_TEXT_NORMALIZER_H

#include <cJSON.h>

#include "engine/base/stringbuf.h"
#include "engine/text/pattern.h"
#include "engine/text/unicode_form.h"

// Zero-initialise before use.
struct lw_normalizer {
    struct lw_normalizer_step *steps;
    size_t count, capacity;
    bool inserts; // Prepend or Replace are among them
};

// Memory of runs; zero-initialise, keep for the next text.
struct lw_normalized {
    struct lw_string texts[2];
    struct lw_characters characters;
    struct lw_matcher matcher;
};

// Reads `json`, the "normalizer" of tokenizer.json; NULL (absent or null) changes nothing.
bool lw_normalizer_open(
    struct lw_normalizer *normalizer, const cJSON *json, struct lw_error *error);
void lw_normalizer_close(struct lw_normalizer *normalizer);

// Some bytes of UTF-8, not owned.
struct lw_text {
    const char *bytes;
    size_t length;
    bool cut; // what it began with was stripped
};

// Makes `*text` the normalized form of itself: unchanged where there is nothing to change, else in
// memory of `memory`, which the next run overwrites. The time is O(n log n) for any text, regular
// expressions aside.
bool lw_normalizer_run(const struct lw_normalizer *normalizer, struct lw_text *text,
    struct lw_normalized *memory, struct lw_error *error);

void lw_normalized_free(struct lw_normalized *memory);

#endif
