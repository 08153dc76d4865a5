// SPDX-License-Identifier: Apache-2.0
// Reading the "pre_tokenizer" of tokenizer.json: Split and ByteLevel, in a Sequence or alone. It
// must end in ByteLevel, since the model takes its pieces as bytes.
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/json_fields.h"
#include "engine/text/pretokenizer_steps.h"

static const char where[] = "pre_tokenizer";

// What ByteLevel splits by with use_regex: GPT-2's pattern (HF: pre_tokenizers/byte_level.rs).
static const char byte_level_pattern[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

static bool add_step(
    struct lw_pretokenizer *pretokenizer, struct lw_split_step step, struct lw_error *error)
{
    if (!lw_reserve(&pretokenizer->steps, &pretokenizer->capacity, pretokenizer->count + 1,
            sizeof *pretokenizer->steps, error)) {
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
    struct lw_split_step step = {0};
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
    if (prefix_space && !add_step(pretokenizer, (struct lw_split_step){0}, error)) {
        return false;
    }
    struct lw_split_step step = {0};
    return !use_regex || (lw_pattern_create(&step.pattern, byte_level_pattern, false, error) &&
                             add_step(pretokenizer, step, error));
}

// Reads one component. `*is_bytes` tells that it turns text into bytes, so none may follow.
static bool read_component(
    struct lw_pretokenizer *pretokenizer, const cJSON *json, bool *is_bytes, struct lw_error *error)
{
    const char *type;
    if (*is_bytes) {
        return lw_fail(
            error, LW_BAD_INPUT, "%s: a component after ByteLevel is not supported.", where);
    }
    if (!lw_json_string(&(struct lw_json_scope){json, where}, "type", &type, error)) {
        return false;
    }
    if (strcmp(type, "Split") == 0) {
        return read_split(pretokenizer, json, error);
    }
    if (strcmp(type, "ByteLevel") == 0) {
        *is_bytes = true;
        return read_byte_level(pretokenizer, json, error);
    }
    return lw_fail(error, LW_BAD_INPUT, "The pre-tokenizer %.80s is not supported.", type);
}

bool lw_pretokenizer_open(
    struct lw_pretokenizer *pretokenizer, const cJSON *json, struct lw_error *error)
{
    bool is_bytes = false, done = true;
    *pretokenizer = (struct lw_pretokenizer){0};
    const cJSON *type = lw_json_member(json, "type");
    if (cJSON_IsString(type) && strcmp(type->valuestring, "Sequence") == 0) {
        const cJSON *component = lw_json_member(json, "pretokenizers");
        for (component = component ? component->child : NULL; done && component;
             component = component->next) {
            done = read_component(pretokenizer, component, &is_bytes, error);
        }
    } else if (json) {
        done = read_component(pretokenizer, json, &is_bytes, error);
    }
    if (done && !is_bytes) {
        done = lw_fail(error, LW_BAD_INPUT,
            "A pre-tokenizer that does not end in ByteLevel is not supported.");
    }
    if (!done) {
        lw_pretokenizer_close(pretokenizer);
    }
    return done;
}

void lw_pretokenizer_close(struct lw_pretokenizer *pretokenizer)
{
    for (size_t i = 0; i < pretokenizer->count; i++) {
        lw_pattern_destroy(pretokenizer->steps[i].pattern);
    }
    lw_free(pretokenizer->steps);
    *pretokenizer = (struct lw_pretokenizer){0};
}
