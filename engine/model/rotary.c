// SPDX-License-Identifier: Apache-2.0
// Reads the keys about rope in both layouts of config.json and computes the frequencies. See
// rotary.h.
#include "engine/model/rotary.h"

#include <math.h>
#include <string.h>

#include "engine/io/json.h"

#define MOST_POSITIONS ((int64_t)1 << 31)
#define MOST_FACTOR 1e9

static bool read_kind(
    struct lw_rotary *rotary, const struct lw_json_scope *scope, struct lw_error *error)
{
    static const struct {
        const char *name;
        enum lw_rotary_kind kind;
    } kinds[] = {{"default", LW_ROTARY_PLAIN}, {"linear", LW_ROTARY_LINEAR},
        {"llama3", LW_ROTARY_LLAMA3}, {"longrope", LW_ROTARY_LONGROPE},
        {"su", LW_ROTARY_LONGROPE}}; // in the first configs of Phi-3
    const char *name = "default";
    if (!lw_json_optional_string(scope, "type", &name, error) ||
        !lw_json_optional_string(scope, "rope_type", &name, error)) {
        return false;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!strcmp(kinds[i].name, name)) {
            rotary->kind = kinds[i].kind;
            return true;
        }
    }
    return lw_fail(error, LW_BAD_INPUT,
        "%s: rope type \"%s\" is not supported; default, linear, llama3 and longrope are",
        scope->name, name);
}

static bool read_factors(const struct lw_rotary *rotary, const struct lw_json_scope *scope,
    const char *key, float *factors, struct lw_error *error)
{
    const cJSON *list = lw_json_find(scope, key);
    uint32_t count = rotary->columns / 2;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != (int)count) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: \"%s\" must be a list of %u numbers, one for each frequency", scope->name, key,
            count);
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsNumber(item) || !(item->valuedouble > 0 && item->valuedouble < MOST_FACTOR)) {
            return lw_fail(error, LW_BAD_INPUT, "%s: \"%s\" must hold positive numbers only",
                scope->name, key);
        }
        *factors++ = (float)item->valuedouble;
    }
    return true;
}

static bool read_llama3(
    struct lw_rotary *rotary, const struct lw_json_scope *scope, struct lw_error *error)
{
    if (!lw_json_number(scope, "factor", 1e-3, MOST_FACTOR, &rotary->factor, error) ||
        !lw_json_number(
            scope, "low_freq_factor", 1e-3, MOST_FACTOR, &rotary->low_frequency_factor, error) ||
        !lw_json_number(
            scope, "high_freq_factor", 1e-3, MOST_FACTOR, &rotary->high_frequency_factor, error)) {
        return false;
    }
    return rotary->high_frequency_factor > rotary->low_frequency_factor ||
           lw_fail(error, LW_BAD_INPUT,
               "%s: \"high_freq_factor\" (%g) must be above \"low_freq_factor\" (%g)", scope->name,
               rotary->high_frequency_factor, rotary->low_frequency_factor);
}

// The attention factor of arXiv 2402.13753: sqrt(1 + ln(max / original) / ln(original)).
static bool read_longrope(struct lw_rotary *rotary, const struct lw_json_scope *scope,
    uint32_t max_positions, struct lw_error *error)
{
    double factor = (double)max_positions / rotary->original_positions;
    if (!lw_json_optional_number(scope, "factor", 1e-3, MOST_FACTOR, &factor, error)) {
        return false;
    }
    if (factor > 1 && rotary->original_positions > 1) {
        rotary->attention_factor = sqrt(1 + log(factor) / log(rotary->original_positions));
    }
    return lw_json_optional_number(
               scope, "attention_factor", 1e-3, MOST_FACTOR, &rotary->attention_factor, error) &&
           read_factors(rotary, scope, "short_factor", rotary->short_factor, error) &&
           read_factors(rotary, scope, "long_factor", rotary->long_factor, error);
}

static bool read_columns(struct lw_rotary *rotary, const struct lw_json_scope *outer,
    const struct lw_json_scope *inner, uint32_t head_dim, struct lw_error *error)
{
    double share = 1;
    if (!lw_json_optional_number(outer, "partial_rotary_factor", 0, 1, &share, error) ||
        !lw_json_optional_number(inner, "partial_rotary_factor", 0, 1, &share, error)) {
        return false;
    }
    rotary->columns = (uint32_t)(head_dim * share);
    return (rotary->columns >= 2 && rotary->columns % 2 == 0) ||
           lw_fail(error, LW_BAD_INPUT,
               "%s: \"partial_rotary_factor\": %g of a head dimension of %u is %u; it must be an "
               "even number",
               outer->name, share, head_dim, rotary->columns);
}

bool lw_rotary_read(struct lw_rotary *rotary, const struct lw_json_scope *scope,
    const struct lw_rotary_params *params, struct lw_error *error)
{
    *rotary = (struct lw_rotary){.theta = 10000, .attention_factor = 1};
    // transformers prefers the older name where both are given. An empty object says nothing.
    const cJSON *scaling = lw_json_find(scope, "rope_scaling");
    bool older = scaling && (!cJSON_IsObject(scaling) || scaling->child);
    struct lw_json_scope inner = {older ? scaling : lw_json_find(scope, "rope_parameters"),
        older ? "config.json: rope_scaling" : "config.json: rope_parameters"};
    if (inner.object && !lw_json_is_object(&inner, error)) {
        return false;
    }
    const cJSON *member;
    cJSON_ArrayForEach(member, inner.object)
    {
        if (cJSON_IsObject(member)) {
            return lw_fail(error, LW_BAD_INPUT,
                "%s: settings for each kind of layer (\"%s\") are not supported", inner.name,
                member->string);
        }
    }
    int64_t original =
        params->original_positions ? params->original_positions : params->max_positions;
    if (!read_kind(rotary, &inner, error) ||
        !lw_json_optional_number(scope, "rope_theta", 1, 1e12, &rotary->theta, error) ||
        !lw_json_optional_number(&inner, "rope_theta", 1, 1e12, &rotary->theta, error) ||
        !read_columns(rotary, scope, &inner, params->head_dim, error) ||
        !lw_json_optional_integer(
            &inner, "original_max_position_embeddings", 2, MOST_POSITIONS, &original, error) ||
        !lw_json_optional_integer(
            scope, "original_max_position_embeddings", 2, MOST_POSITIONS, &original, error)) {
        return false;
    }
    rotary->original_positions = (uint32_t)original;
    switch (rotary->kind) {
    case LW_ROTARY_LINEAR:
        return lw_json_number(&inner, "factor", 1e-3, MOST_FACTOR, &rotary->factor, error);
    case LW_ROTARY_LLAMA3:
        return read_llama3(rotary, &inner, error);
    case LW_ROTARY_LONGROPE:
        return read_longrope(rotary, &inner, params->max_positions, error);
    default:
        return true;
    }
}

uint32_t lw_rotary_rows(const struct lw_rotary *rotary)
{
    return rotary->kind == LW_ROTARY_LONGROPE ? 2 : 1;
}

uint32_t lw_rotary_row(const struct lw_rotary *rotary, uint64_t length)
{
    return rotary->kind == LW_ROTARY_LONGROPE && length > rotary->original_positions;
}

// Long waves are stretched by the factor, short ones left as they are, those between interpolated.
static float llama3_frequency(const struct lw_rotary *rotary, float frequency)
{
    float positions = (float)rotary->original_positions;
    float factor = (float)rotary->factor, low = (float)rotary->low_frequency_factor;
    float wavelength = 1.0f / frequency * (float)(2 * 3.14159265358979323846);
    if (wavelength > (float)(rotary->original_positions / rotary->low_frequency_factor)) {
        return frequency / factor;
    }
    if (wavelength < (float)(rotary->original_positions / rotary->high_frequency_factor)) {
        return frequency;
    }
    float span = (float)(rotary->high_frequency_factor - rotary->low_frequency_factor);
    float smooth = (1.0f / wavelength * positions - low) / span;
    return (1.0f - smooth) * frequency / factor + smooth * frequency;
}

static float scaled_frequency(const struct lw_rotary *rotary, uint32_t row, uint32_t i)
{
    // transformers computes the exponent and the power in fp32.
    float exponent = (float)(2 * i) / (float)rotary->columns;
    float power = (float)pow(rotary->theta, (double)exponent);
    switch (rotary->kind) {
    case LW_ROTARY_LINEAR:
        return 1.0f / power / (float)rotary->factor;
    case LW_ROTARY_LLAMA3:
        return llama3_frequency(rotary, 1.0f / power);
    case LW_ROTARY_LONGROPE:
        return 1.0f / ((row ? rotary->long_factor : rotary->short_factor)[i] * power);
    default:
        return 1.0f / power;
    }
}

void lw_rotary_frequencies(const struct lw_rotary *rotary, float *frequencies)
{
    for (uint32_t row = 0; row < lw_rotary_rows(rotary); row++) {
        for (uint32_t i = 0; i < rotary->columns / 2; i++) {
            *frequencies++ = scaled_frequency(rotary, row, i);
        }
    }
}

bool lw_rotary_same(const struct lw_rotary *left, const struct lw_rotary *right)
{
    uint32_t rows = lw_rotary_rows(left);
    if (left->columns != right->columns || rows != lw_rotary_rows(right) ||
        left->attention_factor != right->attention_factor ||
        (rows > 1 && left->original_positions != right->original_positions)) {
        return false;
    }
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t i = 0; i < left->columns / 2; i++) {
            if (scaled_frequency(left, row, i) != scaled_frequency(right, row, i)) {
                return false;
            }
        }
    }
    return true;
}
