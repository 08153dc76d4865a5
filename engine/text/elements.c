// SPDX-License-Identifier: Apache-2.0
// Elements of a template. See elements.h.
#include "engine/text/elements.h"

#include <string.h>

static const char placeholder[] = "{content}";

void lw_element_writer_free(struct lw_element_writer *writer)
{
    lw_string_free(&writer->text);
    lw_tokens_free(&writer->end);
}

// LLaMA-Factory's user elements have a second placeholder, {{idx}}, for the number of the turn. No
// template here uses it, but one in the content of a message is replaced all the same.
static bool replace_turn(struct lw_string *element, size_t turn, struct lw_error *error)
{
    static const char mark[] = "{{idx}}";
    const char *text = element->data;
    const char *end = text + element->length;
    const char *at = text;
    while (at && (size_t)(end - at) >= sizeof mark - 1 && memcmp(at, mark, sizeof mark - 1) != 0) {
        at = memchr(at + 1, '{', (size_t)(end - at - 1));
    }
    if (!at || (size_t)(end - at) < sizeof mark - 1) {
        return true;
    }
    const char *rest = at + sizeof mark - 1;
    struct lw_string replaced = {0};
    bool done = lw_string_add(&replaced, text, (size_t)(at - text), error) &&
                lw_string_addf(&replaced, error, "%zu", turn) &&
                lw_string_add(&replaced, rest, (size_t)(end - rest), error);
    lw_string_free(element);
    *element = replaced;
    return done;
}

// Appends the token that an element stands for; *is_token is false for text. A tokenizer without
// that token adds none, as in LLaMA-Factory.
static bool add_token(const struct lw_tokenizer *tokenizer, const char *element, bool *is_token,
    struct lw_tokens *out, struct lw_error *error)
{
    bool bos = strcmp(element, "{bos}") == 0;
    *is_token = bos || strcmp(element, "{eos}") == 0;
    uint32_t id = !*is_token ? LW_NO_TOKEN
                  : bos      ? lw_tokenizer_bos(tokenizer)
                             : lw_tokenizer_eos(tokenizer);
    return id == LW_NO_TOKEN || lw_tokens_add(out, id, error);
}

bool lw_element_fill(struct lw_string *out, const char *element, const char *content, size_t length,
    struct lw_error *error)
{
    const char *place = strstr(element, placeholder);
    const char *after = place ? place + sizeof placeholder - 1 : element;
    return (!place || (lw_string_add(out, element, (size_t)(place - element), error) &&
                          lw_string_add(out, content, length, error))) &&
           lw_string_add(out, after, strlen(after), error);
}

static bool encode_text(struct lw_element_writer *writer, const char *pattern,
    const struct lw_element_content *content, struct lw_tokens *out, struct lw_error *error)
{
    struct lw_string *text = &writer->text;
    lw_string_clear(text);
    return lw_element_fill(text, pattern, content->text, content->length, error) &&
           (!content->takes_turn || replace_turn(text, content->turn, error)) &&
           (text->length == 0 ||
               lw_tokenizer_encode(writer->tokenizer, text->data, text->length, out, error));
}

bool lw_elements_encode(struct lw_element_writer *writer, const lw_elements elements,
    const struct lw_element_content *content, struct lw_tokens *out, struct lw_error *error)
{
    for (size_t i = 0; i < LW_MOST_ELEMENTS && elements[i]; i++) {
        bool is_token;
        if (!add_token(writer->tokenizer, elements[i], &is_token, out, error) ||
            (!is_token && !encode_text(writer, elements[i], content, out, error))) {
            return false;
        }
    }
    return true;
}

bool lw_elements_end(struct lw_element_writer *writer, const lw_elements elements,
    const struct lw_tokens *ids, size_t *count, struct lw_error *error)
{
    size_t first = 0;
    const char *place = NULL;
    lw_tokens_clear(&writer->end);
    while (first < LW_MOST_ELEMENTS && elements[first] && !place) {
        place = strstr(elements[first++], placeholder);
    }
    // The tail of the element by itself, then whole elements.
    const char *tail = place ? place + sizeof placeholder - 1 : "";
    bool done = lw_tokenizer_encode(writer->tokenizer, tail, strlen(tail), &writer->end, error);
    for (size_t i = first; done && i < LW_MOST_ELEMENTS && elements[i]; i++) {
        static const struct lw_element_content none = {.text = ""};
        bool is_token;
        done = add_token(writer->tokenizer, elements[i], &is_token, &writer->end, error) &&
               (is_token || encode_text(writer, elements[i], &none, &writer->end, error));
    }
    // The beginning of the tail may have become one token with the end of the content.
    size_t common = 0;
    while (common < writer->end.count && common < ids->count &&
           writer->end.ids[writer->end.count - 1 - common] == ids->ids[ids->count - 1 - common]) {
        common++;
    }
    *count = common;
    return done;
}
