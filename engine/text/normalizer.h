// SPDX-License-Identifier: Apache-2.0
// The normalizer: rewrites text before it is cut. Unicode's canonical composition (NFC), alone or in
// a Sequence; anything else is refused by name. HF: normalizers/.
#ifndef LW_TEXT_NORMALIZER_H
#define LW_TEXT_NORMALIZER_H

#include <cJSON.h>
#include <stdint.h>

#include "engine/base/stringbuf.h"

struct lw_normalizer {
    bool compose; // NFC; doing it twice is doing it once
};

// Memory of runs; zero-initialise, keep for the next text.
struct lw_normalized {
    struct lw_string text;
    int32_t *characters;
    size_t capacity;
};

// Reads `json`, the "normalizer" of tokenizer.json; NULL (absent or null) changes nothing.
bool lw_normalizer_open(
    struct lw_normalizer *normalizer, const cJSON *json, struct lw_error *error);

// Some bytes of UTF-8, not owned.
struct lw_text {
    const char *bytes;
    size_t length;
};

// Makes `*text` the normalized form of itself: unchanged where there is nothing to change, else in
// memory of `memory`, which the next run overwrites. The time is O(n log n) for any text.
bool lw_normalizer_run(const struct lw_normalizer *normalizer, struct lw_text *text,
    struct lw_normalized *memory, struct lw_error *error);

void lw_normalized_free(struct lw_normalized *memory);

#endif
