// SPDX-License-Identifier: Apache-2.0
// See layers.h.
#include "merger/layers.h"

#include <string.h>

// The part of the name from `text` to the next dot is `word`.
static bool is_component(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static bool is_any_component(const char *text, size_t length, const char *const *words)
{
    for (; *words; words++) {
        if (is_component(text, length, *words)) {
            return true;
        }
    }
    return false;
}

bool lw_merge_layer_find(const char *name, struct lw_merge_layer *layer)
{
    // Llama and most others, GPT-2, MPT and vision towers, BERT.
    static const char *const stacks[] = {"layers", "h", "blocks", "layer", "block", NULL};
    bool counted = false; // the part before this one is a stack's
    for (const char *part = name;; part++) {
        size_t length = strcspn(part, ".");
        size_t digits = strspn(part, "0123456789");
        if (counted && digits == length && digits > 0 && digits < 7) {
            *layer =
                (struct lw_merge_layer){(size_t)(part - name), (size_t)(part - name) + digits, 0};
            for (size_t i = 0; i < digits; i++) {
                layer->number = layer->number * 10 + (uint32_t)(part[i] - '0');
            }
            return true;
        }
        counted = is_any_component(part, length, stacks);
        part += length;
        if (!*part) {
            return false;
        }
    }
}

bool lw_merge_layer_rename(struct lw_string *renamed, const char *name,
    const struct lw_merge_layer *layer, uint32_t number, struct lw_error *error)
{
    lw_string_clear(renamed);
    return lw_string_addf(
        renamed, error, "%.*s%u%s", (int)layer->prefix, name, (unsigned)number, name + layer->end);
}

bool lw_merge_is_input(const char *name)
{
    return !strstr(name, "embed_out") &&
           (strstr(name, "embed") || strstr(name, "wte") || strstr(name, "wpe"));
}

bool lw_merge_is_vocabulary(const char *name)
{
    static const char *const words[] = {"embed_tokens", "wte", "word_embeddings", "tok_embeddings",
        "embed_in", "lm_head", "embed_out", NULL};
    const char *dot = strrchr(name, '.');
    if (!dot || (strcmp(dot, ".weight") != 0 && strcmp(dot, ".bias") != 0)) {
        return false;
    }
    const char *part = name;
    for (const char *next; (next = strchr(part, '.')) < dot;) {
        part = next + 1;
    }
    return is_any_component(part, (size_t)(dot - part), words) ||
           strcmp(name, "output.weight") == 0;
}
