// SPDX-License-Identifier: Apache-2.0
// Thoughts in responses. See thought.h.
#include "engine/text/thought.h"

#include <string.h>

// The place of `word` in [text, end), which may hold zero bytes; NULL when it is not there.
static const char *find(const char *text, const char *end, const char *word)
{
    size_t length = strlen(word);
    while ((size_t)(end - text) >= length) {
        const char *at = memchr(text, word[0], (size_t)(end - text) - length + 1);
        if (!at || memcmp(at, word, length) == 0) {
            return at;
        }
        text = at + 1;
    }
    return NULL;
}

bool lw_thought_occurs(const char *text, size_t length)
{
    return find(text, text + length, "<think>") || find(text, text + length, "</think>");
}

bool lw_thought_remove(
    struct lw_string *out, const char *text, size_t length, struct lw_error *error)
{
    static const char open[] = LW_THOUGHT_OPEN, close[] = LW_THOUGHT_CLOSE;
    const char *end = text + length;
    size_t start = out->length;
    bool done = true;
    while (done && text < end) {
        const char *thought = find(text, end, open);
        const char *last = thought ? find(thought + sizeof open - 1, end, close) : NULL;
        done = lw_string_add(out, text, (size_t)((last ? thought : end) - text), error);
        text = last ? last + sizeof close - 1 : end;
    }
    size_t feeds = 0;
    while (start + feeds < out->length && out->data[start + feeds] == '\n') {
        feeds++;
    }
    if (feeds) {
        out->length -= feeds;
        memmove(out->data + start, out->data + start + feeds, out->length - start);
        out->data[out->length] = 0;
    }
    return done;
}
