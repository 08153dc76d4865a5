// SPDX-License-Identifier: Apache-2.0
// Reading the "pre_tokenizer" of tokenizer.json: Split, Digits, Metaspace and ByteLevel, in a Sequence
// or alone.
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/json_fields.h"
#include "engine/text/pretokenizer_steps.h"

static const char where[] = "pre_tokenizer";

enum { MOST_STEPS = 64 };

// What ByteLevel splits by with use_regex: GPT-2's pattern (HF: pre_tokenizers/byte_level.rs).
static const char byte_level_pattern[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

static bool add_step(
    struct lw_pretokenizer *pretokenizer, struct lw_pretokenizer_step step, struct lw_error *error)
{
    bool done = pretokenizer->count < MOST_STEPS
                    ? lw_reserve(&pretokenizer->steps, &pretokenizer->capacity,
                          pretokenizer->count + 1, sizeof *pretokenizer->steps, error)
                    : lw_fail(error, LW_BAD_INPUT, "%s: more than %d steps are not supported.",
                          where, MOST_STEPS);
    if (!done) {
        lw_pattern_destroy(step.pattern);
        return false;
    }
    pretokenizer->steps[pretokenizer->count++] = step;
    return true;
}

static bool read_behavior(
    enum lw_split_behavior *behavior, const cJSON *json, struct lw_error *error)
{
    static const char *const names[] = {
        [LW_SPLIT_ISOLATED] = "Isolated",
        [LW_SPLIT_REMOVED] = "Removed",
        [LW_SPLIT_MERGED_WITH_PREVIOUS] = "MergedWithPrevious",
        [LW_SPLIT_MERGED_WITH_NEXT] = "MergedWithNext",
        [LW_SPLIT_CONTIGUOUS] = "Contiguous",
    };
    const char *name;
    if (!lw_json_string(&(struct lw_json_scope){json, where}, "behavior", &name, error)) {
        return false;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            *behavior = (enum lw_split_behavior)i;
            return true;
        }
    }
    return lw_fail(error, LW_BAD_INPUT, "%s: the behavior %s is not known.", where, name);
}

static bool read_split(
    struct lw_pretokenizer *pretokenizer, const cJSON *json, struct lw_error *error)
{
    struct lw_pretokenizer_step step = {0};
    const cJSON *pattern = lw_json_member(json, "pattern");
    const cJSON *regex = lw_json_member(pattern, "Regex");
    const cJSON *text = regex ? regex : lw_json_member(pattern, "String");
    if (!cJSON_IsString(text) || text->valuestring[0] == 0) {
        return lw_fail(
            error, LW_BAD_INPUT, "%s: Split needs a \"pattern\" of Regex or String.", where);
    }
    return read_behavior(&step.behavior, json, error) &&
           lw_json_optional_bool(
               &(struct lw_json_scope){json, where}, "invert", &step.invert, error) &&
           lw_pattern_create(&step.pattern, text->valuestring, !regex, error) &&
           add_step(pretokenizer, step, error);
}

static bool read_byte_level(
    struct lw_pretokenizer *pretokenizer, const cJSON *json, struct lw_error *error)
{
    bool prefix_space = true, use_regex = true;
    if (!lw_json_optional_bool(
            &(struct lw_json_scope){json, where}, "add_prefix_space", &prefix_space, error) ||
        !lw_json_optional_bool(
            &(struct lw_json_scope){json, where}, "use_regex", &use_regex, error)) {
        return false;
    }
    struct lw_pretokenizer_step step = {.kind = LW_STEP_PREFIX_SPACE};
    if (prefix_space && !add_step(pretokenizer, step, error)) {
        return false;
    }
    pretokenizer->is_bytes = true;
    step.kind = LW_STEP_SPLIT;
    return !use_regex || (lw_pattern_create(&step.pattern, byte_level_pattern, false, error) &&
                             add_step(pretokenizer, step, error));
}

static bool read_digits(
    struct lw_pretokenizer *pretokenizer, const cJSON *json, struct lw_error *error)
{
    struct lw_pretokenizer_step step = {0};
    bool individual = false;
    if (!lw_json_optional_bool(
            &(struct lw_json_scope){json, where}, "individual_digits", &individual, error)) {
        return false;
    }
    step.behavior = individual ? LW_SPLIT_ISOLATED : LW_SPLIT_CONTIGUOUS;
    return lw_pattern_create(&step.pattern, "\\p{N}", false, error) &&
           add_step(pretokenizer, step, error);
}

static bool read_metaspace(
    struct lw_pretokenizer *pretokenizer, const cJSON *json, struct lw_error *error)
{
    struct lw_pretokenizer_step step = {.kind = LW_STEP_METASPACE};
    if (!lw_metaspace_read(&step.metaspace, json, where, error)) {
        return false;
    }
    bool first = step.metaspace.scheme == LW_PREPEND_FIRST;
    if (first && pretokenizer->count > 0) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: Metaspace with the prepend_scheme \"first\" after another component is not "
            "supported.",
            where);
    }
    pretokenizer->knows_first |= first;
    if (!add_step(pretokenizer, step, error)) {
        return false;
    }
    struct lw_pretokenizer_step cut = {.behavior = LW_SPLIT_MERGED_WITH_NEXT};
    return !step.metaspace.split ||
           (lw_pattern_create(&cut.pattern, step.metaspace.replacement, true, error) &&
               add_step(pretokenizer, cut, error));
}

static bool read_component(
    struct lw_pretokenizer *pretokenizer, const cJSON *json, struct lw_error *error)
{
    static const struct {
        const char *type;
        bool (*read)(
            struct lw_pretokenizer *pretokenizer, const cJSON *json, struct lw_error *error);
    } components[] = {
        {"ByteLevel", read_byte_level},
        {"Digits", read_digits},
        {"Metaspace", read_metaspace},
        {"Split", read_split},
    };
    const char *type;
    if (pretokenizer->is_bytes) {
        return lw_fail(
            error, LW_BAD_INPUT, "%s: a component after ByteLevel is not supported.", where);
    }
    if (!lw_json_string(&(struct lw_json_scope){json, where}, "type", &type, error)) {
        return false;
    }
    for (size_t i = 0; i < sizeof components / sizeof *components; i++) {
        if (strcmp(type, components[i].type) == 0) {
            return components[i].read(pretokenizer, json, error);
        }
    }
    return lw_fail(error, LW_BAD_INPUT, "The pre-tokenizer %.80s is not supported.", type);
}

static bool read_pretokenizer(
    struct lw_pretokenizer *pretokenizer, const cJSON *json, struct lw_error *error)
{
    const cJSON *type = lw_json_member(json, "type");
    if (!cJSON_IsString(type) || strcmp(type->valuestring, "Sequence") != 0) {
        return read_component(pretokenizer, json, error);
    }
    const cJSON *part = lw_json_member(json, "pretokenizers");
    for (part = part ? part->child : NULL; part; part = part->next) {
        if (!read_pretokenizer(pretokenizer, part, error)) {
            return false;
        }
    }
    return true;
}

bool lw_pretokenizer_open(
    struct lw_pretokenizer *pretokenizer, const cJSON *json, struct lw_error *error)
{
    *pretokenizer = (struct lw_pretokenizer){0};
    if (json && !read_pretokenizer(pretokenizer, json, error)) {
        lw_pretokenizer_close(pretokenizer);
        return false;
    }
    return true;
}

void lw_pretokenizer_close(struct lw_pretokenizer *pretokenizer)
{
    for (size_t i = 0; i < pretokenizer->count; i++) {
        lw_pattern_destroy(pretokenizer->steps[i].pattern);
    }
    lw_free(pretokenizer->steps);
    *pretokenizer = (struct lw_pretokenizer){0};
}
