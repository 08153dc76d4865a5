// SPDX-License-Identifier: Apache-2.0
// Reading and running a normalizer: each step is a row of a table, with a function that reads its
// settings and one that applies it.
#include "engine/text/normalizer.h"

#include <string.h>
#include <utf8proc.h>

#include "engine/base/alloc.h"
#include "engine/base/utf8.h"
#include "engine/text/json_fields.h"
#include "engine/text/replacement.h"
#include "engine/text/unicode.h"

static const char where[] = "normalizer";

enum { MOST_STEPS = 64 };

struct lw_normalizer_step {
    const struct step_kind *kind;
    struct lw_replacement replacement;
    struct lw_string prefix;
    bool left, right; // what Strip strips
};

// Appends what the step makes of the text to `out`; or changes `*text` itself and appends nothing.
typedef bool step_run(const struct lw_normalizer_step *step, struct lw_text *text,
    struct lw_normalized *memory, struct lw_string *out, struct lw_error *error);

struct step_kind {
    const char *type;
    bool (*read)(struct lw_normalizer_step *step, const cJSON *json, struct lw_error *error);
    step_run *run;
    enum lw_unicode_form form;
    bool inserts;
};

static bool read_prepend(struct lw_normalizer_step *step, const cJSON *json, struct lw_error *error)
{
    const char *prefix;
    return lw_json_string(&(struct lw_json_scope){json, where}, "prepend", &prefix, error) &&
           lw_string_add(&step->prefix, prefix, strlen(prefix), error);
}

static bool read_replace(struct lw_normalizer_step *step, const cJSON *json, struct lw_error *error)
{
    return lw_replacement_read(&step->replacement, json, where, error);
}

static bool read_strip(struct lw_normalizer_step *step, const cJSON *json, struct lw_error *error)
{
    const struct lw_json_scope scope = {json, where};
    return lw_json_bool(&scope, "strip_left", &step->left, error) &&
           lw_json_bool(&scope, "strip_right", &step->right, error);
}

static bool run_form(const struct lw_normalizer_step *step, struct lw_text *text,
    struct lw_normalized *memory, struct lw_string *out, struct lw_error *error)
{
    return lw_unicode_has_form(step->kind->form, text->bytes, text->length) ||
           lw_unicode_write_form(
               step->kind->form, text->bytes, text->length, &memory->characters, out, error);
}

// Rust's char::to_lowercase: the simple mappings, and the one character that becomes two (U+0130).
static bool run_lowercase(const struct lw_normalizer_step *step, struct lw_text *text,
    struct lw_normalized *memory, struct lw_string *out, struct lw_error *error)
{
    (void)step;
    (void)memory;
    for (size_t at = 0; at < text->length;) {
        struct lw_utf8_step from = lw_utf8_next(text->bytes + at, text->length - at);
        char bytes[4] = "i\xCC\x87";
        unsigned length = 3;
        if (from.character != 0x130) {
            length =
                lw_utf8_write((uint32_t)utf8proc_tolower((utf8proc_int32_t)from.character), bytes);
        }
        if (!lw_string_add(out, bytes, length, error)) {
            return false;
        }
        at += from.length;
    }
    return true;
}

static bool run_strip(const struct lw_normalizer_step *step, struct lw_text *text,
    struct lw_normalized *memory, struct lw_string *out, struct lw_error *error)
{
    (void)memory;
    (void)out;
    (void)error;
    size_t spaces = step->left ? lw_text_spaces_at_begin(text->bytes, text->length) : 0;
    text->bytes += spaces;
    text->length -= spaces;
    text->cut |= spaces > 0;
    text->length -= step->right ? lw_text_spaces_at_end(text->bytes, text->length) : 0;
    return true;
}

static bool run_prepend(const struct lw_normalizer_step *step, struct lw_text *text,
    struct lw_normalized *memory, struct lw_string *out, struct lw_error *error)
{
    (void)memory;
    return text->length == 0 ||
           (lw_string_add(out, step->prefix.data, step->prefix.length, error) &&
               lw_string_add(out, text->bytes, text->length, error));
}

static bool run_replace(const struct lw_normalizer_step *step, struct lw_text *text,
    struct lw_normalized *memory, struct lw_string *out, struct lw_error *error)
{
    bool done = lw_replacement_run(
        &step->replacement, text->bytes, text->length, &memory->matcher, out, error);
    text->length = out->length ? text->length : 0; // everything may have gone
    return done;
}

static const struct step_kind kinds[] = {
    {"NFC", NULL, run_form, LW_FORM_NFC, false},
    {"NFD", NULL, run_form, LW_FORM_NFD, false},
    {"NFKC", NULL, run_form, LW_FORM_NFKC, false},
    {"NFKD", NULL, run_form, LW_FORM_NFKD, false},
    {"Lowercase", NULL, run_lowercase, 0, false},
    {"Strip", read_strip, run_strip, 0, false},
    {"Prepend", read_prepend, run_prepend, 0, true},
    {"Replace", read_replace, run_replace, 0, true},
};

static bool read_component(
    struct lw_normalizer *normalizer, const cJSON *json, struct lw_error *error)
{
    const char *type;
    size_t kind = 0, count = sizeof kinds / sizeof *kinds;
    if (!lw_json_string(&(struct lw_json_scope){json, where}, "type", &type, error)) {
        return false;
    }
    while (kind < count && strcmp(type, kinds[kind].type) != 0) {
        kind++;
    }
    if (kind == count) {
        return lw_fail(error, LW_BAD_INPUT, "The normalizer %.80s is not supported.", type);
    }
    if (normalizer->count == MOST_STEPS) {
        return lw_fail(
            error, LW_BAD_INPUT, "%s: more than %d steps are not supported.", where, MOST_STEPS);
    }
    if (!lw_reserve(&normalizer->steps, &normalizer->capacity, normalizer->count + 1,
            sizeof *normalizer->steps, error)) {
        return false;
    }
    struct lw_normalizer_step *step = &normalizer->steps[normalizer->count++];
    *step = (struct lw_normalizer_step){.kind = &kinds[kind]};
    normalizer->inserts |= kinds[kind].inserts;
    return !kinds[kind].read || kinds[kind].read(step, json, error);
}

static bool read_normalizer(
    struct lw_normalizer *normalizer, const cJSON *json, struct lw_error *error)
{
    const cJSON *type = lw_json_member(json, "type");
    if (!cJSON_IsString(type) || strcmp(type->valuestring, "Sequence") != 0) {
        return read_component(normalizer, json, error);
    }
    const cJSON *part = lw_json_member(json, "normalizers");
    for (part = part ? part->child : NULL; part; part = part->next) {
        if (!read_normalizer(normalizer, part, error)) {
            return false;
        }
    }
    return true;
}

bool lw_normalizer_open(struct lw_normalizer *normalizer, const cJSON *json, struct lw_error *error)
{
    *normalizer = (struct lw_normalizer){0};
    if (json && !read_normalizer(normalizer, json, error)) {
        lw_normalizer_close(normalizer);
        return false;
    }
    return true;
}

void lw_normalizer_close(struct lw_normalizer *normalizer)
{
    for (size_t i = 0; i < normalizer->count; i++) {
        lw_replacement_free(&normalizer->steps[i].replacement);
        lw_string_free(&normalizer->steps[i].prefix);
    }
    lw_free(normalizer->steps);
    *normalizer = (struct lw_normalizer){0};
}

bool lw_normalizer_run(const struct lw_normalizer *normalizer, struct lw_text *text,
    struct lw_normalized *memory, struct lw_error *error)
{
    size_t next = 0; // which of the two texts is free
    for (size_t i = 0; i < normalizer->count; i++) {
        const struct lw_normalizer_step *step = &normalizer->steps[i];
        struct lw_string *out = &memory->texts[next];
        lw_string_clear(out);
        if (!step->kind->run(step, text, memory, out, error)) {
            return false;
        }
        if (out->length > 0) {
            text->bytes = out->data;
            text->length = out->length;
            next = !next;
        }
    }
    return true;
}

void lw_normalized_free(struct lw_normalized *memory)
{
    lw_string_free(&memory->texts[0]);
    lw_string_free(&memory->texts[1]);
    lw_characters_free(&memory->characters);
    lw_matcher_free(&memory->matcher);
    *memory = (struct lw_normalized){0};
}
