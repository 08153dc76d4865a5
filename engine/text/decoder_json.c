// SPDX-License-Identifier: Apache-2.0
// Reading the "decoder" of tokenizer.json.
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/utf8.h"
#include "engine/text/decoder_steps.h"
#include "engine/text/json_fields.h"

static const char where[] = "decoder";

static bool read_replace(struct lw_decoder_step *step, const cJSON *json, struct lw_error *error)
{
    return lw_replacement_read(&step->replacement, json, where, error);
}

static bool read_metaspace(struct lw_decoder_step *step, const cJSON *json, struct lw_error *error)
{
    return lw_metaspace_read(&step->metaspace, json, where, error);
}

static bool read_strip(struct lw_decoder_step *step, const cJSON *json, struct lw_error *error)
{
    const struct lw_json_scope scope = {json, where};
    const char *content;
    int64_t start, stop;
    if (!lw_json_string(&scope, "content", &content, error) ||
        !lw_json_integer(&scope, "start", 0, UINT32_MAX, &start, error) ||
        !lw_json_integer(&scope, "stop", 0, UINT32_MAX, &stop, error)) {
        return false;
    }
    step->width = strlen(content);
    step->start = (size_t)start;
    step->stop = (size_t)stop;
    if (step->width == 0 || lw_utf8_next(content, step->width).length != step->width) {
        return lw_fail(
            error, LW_BAD_INPUT, "%s: the \"content\" of Strip must be one character.", where);
    }
    memcpy(step->character, content, step->width);
    // The end of the whole text is not known while it is generated.
    return !step->fused || stop == 0
               ? true
               : lw_fail(error, LW_BAD_INPUT,
                     "%s: Strip with a \"stop\" after Fuse is not supported.", where);
}

static const struct {
    const char *type;
    enum lw_decoder_kind kind;
    bool (*read)(struct lw_decoder_step *step, const cJSON *json, struct lw_error *error);
} kinds[] = {
    {"ByteFallback", LW_DECODE_BYTE_FALLBACK, NULL},
    {"ByteLevel", LW_DECODE_BYTE_LEVEL, NULL},
    {"Metaspace", LW_DECODE_METASPACE, read_metaspace},
    {"Replace", LW_DECODE_REPLACE, read_replace},
    {"Strip", LW_DECODE_STRIP, read_strip},
};

// What one step waits with is held in one place, so there is one step that waits.
static bool check_order(const struct lw_decoder *decoder, const struct lw_decoder_step *step,
    const char *type, struct lw_error *error)
{
    if (step->fused && step->kind != LW_DECODE_STRIP) {
        return lw_fail(error, LW_BAD_INPUT, "%s: %s after Fuse is not supported.", where, type);
    }
    if (decoder->is_bytes || (step->kind == LW_DECODE_BYTE_LEVEL && decoder->count > 0)) {
        return lw_fail(
            error, LW_BAD_INPUT, "%s: ByteLevel beside another decoder is not supported.", where);
    }
    for (size_t i = 0; step->kind == LW_DECODE_BYTE_FALLBACK && i < decoder->count; i++) {
        if (decoder->steps[i].kind == step->kind) {
            return lw_fail(error, LW_BAD_INPUT, "%s: ByteFallback twice is not supported.", where);
        }
    }
    return decoder->count < LW_DECODER_STEPS
               ? true
               : lw_fail(error, LW_BAD_INPUT, "%s: more than %d steps are not supported.", where,
                     LW_DECODER_STEPS);
}

static bool read_component(
    struct lw_decoder *decoder, bool *fused, const cJSON *json, struct lw_error *error)
{
    const char *type;
    size_t row = 0, rows = sizeof kinds / sizeof *kinds;
    if (!lw_json_string(&(struct lw_json_scope){json, where}, "type", &type, error)) {
        return false;
    }
    if (strcmp(type, "Fuse") == 0) {
        *fused = true;
        return true;
    }
    while (row < rows && strcmp(type, kinds[row].type) != 0) {
        row++;
    }
    if (row == rows) {
        return lw_fail(error, LW_BAD_INPUT, "The decoder %.80s is not supported.", type);
    }
    struct lw_decoder_step step = {.kind = kinds[row].kind, .fused = *fused};
    if (!check_order(decoder, &step, type, error)) {
        return false;
    }
    decoder->is_bytes = step.kind == LW_DECODE_BYTE_LEVEL;
    struct lw_decoder_step *place = &decoder->steps[decoder->count++];
    *place = step;
    return !kinds[row].read || kinds[row].read(place, json, error);
}

static bool read_decoder(
    struct lw_decoder *decoder, bool *fused, const cJSON *json, struct lw_error *error)
{
    const cJSON *type = lw_json_member(json, "type");
    if (!cJSON_IsString(type) || strcmp(type->valuestring, "Sequence") != 0) {
        return read_component(decoder, fused, json, error);
    }
    const cJSON *part = lw_json_member(json, "decoders");
    for (part = part ? part->child : NULL; part; part = part->next) {
        if (!read_decoder(decoder, fused, part, error)) {
            return false;
        }
    }
    return true;
}

bool lw_decoder_open(struct lw_decoder *decoder, const cJSON *json, struct lw_error *error)
{
    bool fused = false;
    *decoder = (struct lw_decoder){0};
    if (!json) {
        return lw_fail(error, LW_BAD_INPUT, "A tokenizer without a decoder is not supported.");
    }
    decoder->steps = lw_calloc(LW_DECODER_STEPS, sizeof *decoder->steps, error);
    if (!decoder->steps || !read_decoder(decoder, &fused, json, error)) {
        lw_decoder_close(decoder);
        return false;
    }
    return true;
}

void lw_decoder_close(struct lw_decoder *decoder)
{
    for (size_t i = 0; i < decoder->count; i++) {
        lw_replacement_free(&decoder->steps[i].replacement);
    }
    lw_free(decoder->steps);
    *decoder = (struct lw_decoder){0};
}
