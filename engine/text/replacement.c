// SPDX-License-Identifier: Apache-2.0
// Replacing in texts. A plain text is found without the regular expressions: SentencePiece
// tokenizers replace the spaces of every text.
#include "engine/text/replacement.h"

#include <string.h>

#include "engine/text/json_fields.h"

#define LONGEST ((size_t)1 << 30)

bool lw_replacement_read(struct lw_replacement *replacement, const cJSON *json, const char *where,
    struct lw_error *error)
{
    const struct lw_json_scope scope = {json, where};
    const cJSON *pattern = lw_json_member(json, "pattern");
    const cJSON *regex = lw_json_member(pattern, "Regex");
    const cJSON *sought = regex ? regex : lw_json_member(pattern, "String");
    const char *content;
    if (!cJSON_IsString(sought) || sought->valuestring[0] == 0) {
        return lw_fail(
            error, LW_BAD_INPUT, "%s: Replace needs a \"pattern\" of Regex or String.", where);
    }
    if (!lw_json_string(&scope, "content", &content, error) ||
        !lw_string_add(&replacement->content, content, strlen(content), error)) {
        return false;
    }
    return regex ? lw_pattern_create(&replacement->pattern, sought->valuestring, false, error)
                 : lw_string_add(&replacement->sought, sought->valuestring,
                       strlen(sought->valuestring), error);
}

void lw_replacement_free(struct lw_replacement *replacement)
{
    lw_string_free(&replacement->sought);
    lw_string_free(&replacement->content);
    lw_pattern_destroy(replacement->pattern);
    *replacement = (struct lw_replacement){0};
}

// Where `sought` first occurs in [text, end), or `end`.
static const char *find_text(const struct lw_string *sought, const char *text, const char *end)
{
    while ((size_t)(end - text) >= sought->length) {
        size_t places = (size_t)(end - text) - sought->length + 1;
        const char *found = memchr(text, sought->data[0], places);
        if (!found) {
            break;
        }
        if (memcmp(found, sought->data, sought->length) == 0) {
            return found;
        }
        text = found + 1;
    }
    return end;
}

static bool replace_text(const struct lw_replacement *replacement, const char *text,
    const char *end, struct lw_string *out, struct lw_error *error)
{
    const struct lw_string *content = &replacement->content;
    for (;;) {
        const char *found = find_text(&replacement->sought, text, end);
        if (!lw_string_add(out, text, (size_t)(found - text), error)) {
            return false;
        }
        if (found == end) {
            return true;
        }
        if (!lw_string_add(out, content->data, content->length, error)) {
            return false;
        }
        text = found + replacement->sought.length;
    }
}

bool lw_replacement_run(const struct lw_replacement *replacement, const char *text, size_t length,
    struct lw_matcher *matcher, struct lw_string *out, struct lw_error *error)
{
    const struct lw_string *content = &replacement->content;
    size_t at = 0;
    bool found = length > 0;
    if (length + 1 > LONGEST / (content->length + 1)) {
        return lw_fail(error, LW_BAD_INPUT,
            "Replace could make a text of %zu bytes longer than 1 GiB.", length);
    }
    if (!replacement->pattern) {
        return replace_text(replacement, text, text + length, out, error);
    }
    lw_matcher_begin(matcher, replacement->pattern, text, length);
    while (found) {
        size_t start = length, end = length;
        if (!lw_matcher_next(matcher, &found, &start, &end, error) ||
            !lw_string_add(out, text + at, start - at, error) ||
            (found && !lw_string_add(out, content->data, content->length, error))) {
            return false;
        }
        at = end;
    }
    return true;
}
