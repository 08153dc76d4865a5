// SPDX-License-Identifier: Apache-2.0
// Lays the decoder's weights out over groups and lists the parameters by their names. See
// parameters.h.
#include "engine/model/parameters.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"

// Slots begin at multiples of this many elements, so that every type's slots are 128-byte aligned.
#define ALIGNMENT 64u

static struct lw_place slot_shape(const struct lw_config *config, enum lw_slot slot)
{
    uint32_t hidden = config->hidden_size;
    uint32_t q = config->heads * config->head_dim;
    uint32_t qkv = q + 2 * config->kv_heads * config->head_dim;
    bool bias = config->family->qkv_bias;
    switch (slot) {
    case LW_SLOT_EMBEDDING:
        return (struct lw_place){.rows = config->vocab_size, .columns = hidden};
    case LW_SLOT_HEAD:
        return (struct lw_place){.rows = config->tied ? 0 : config->vocab_size, .columns = hidden};
    case LW_SLOT_QKV:
        return (struct lw_place){.rows = qkv, .columns = hidden};
    case LW_SLOT_ATTENTION:
        return (struct lw_place){.rows = hidden, .columns = q};
    case LW_SLOT_GATE_UP:
        return (struct lw_place){.rows = 2 * config->intermediate_size, .columns = hidden};
    case LW_SLOT_DOWN:
        return (struct lw_place){.rows = hidden, .columns = config->intermediate_size};
    case LW_SLOT_QKV_BIAS:
        return (struct lw_place){.rows = bias ? 1 : 0, .columns = qkv};
    case LW_SLOT_Q_NORM:
    case LW_SLOT_K_NORM:
        return (struct lw_place){
            .rows = config->family->qk_norm ? 1 : 0, .columns = config->head_dim};
    default:
        return (struct lw_place){.rows = 1, .columns = hidden};
    }
}

static bool slot_decays(enum lw_slot slot)
{
    return slot < LW_SLOT_INPUT_NORM;
}

// Gives one slot its place at the end of the last group, or of a new one.
static bool add_slot(struct lw_layout *layout, const struct lw_config *config, uint32_t layer,
    enum lw_slot slot, uint64_t group_limit, struct lw_error *error)
{
    struct lw_place place = slot_shape(config, slot);
    if (place.rows) {
        uint64_t size = (uint64_t)place.rows * place.columns;
        size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        struct lw_group *group =
            layout->group_count ? &layout->groups[layout->group_count - 1] : NULL;
        if (!group || group->count + size > group_limit) {
            if (!lw_reserve(&layout->groups, &layout->group_capacity, layout->group_count + 1,
                    sizeof *layout->groups, error)) {
                return false;
            }
            group = &layout->groups[layout->group_count++];
            *group = (struct lw_group){0};
        }
        place.group = (uint32_t)(layout->group_count - 1);
        place.offset = group->count;
        group->count += size;
        if (slot_decays(slot)) {
            group->decayed = group->count;
        }
    }
    layout->places[(size_t)layer * LW_SLOT_COUNT + slot] = place;
    return true;
}

// All slots that decay come before all that do not, so that a group has at most two ranges.
static bool place_slots(struct lw_layout *layout, const struct lw_config *config,
    uint64_t group_limit, struct lw_error *error)
{
    for (int decays = 1; decays >= 0; decays--) {
        for (uint32_t layer = 0; layer < config->layers; layer++) {
            for (int i = 0; i < LW_SLOT_COUNT; i++) {
                enum lw_slot slot = (enum lw_slot)i;
                bool here =
                    slot_decays(slot) == (decays == 1) && (layer == 0 || lw_slot_per_layer(slot));
                if (here && !add_slot(layout, config, layer, slot, group_limit, error)) {
                    return false;
                }
            }
        }
    }
    return true;
}

// First row and row count of a part of its slot (entries, for a vector).
static void part_rows(const struct lw_config *config, enum lw_part part, uint32_t all,
    uint32_t *first, uint32_t *count)
{
    uint32_t q = config->heads * config->head_dim, kv = config->kv_heads * config->head_dim;
    uint32_t inner = config->intermediate_size;
    *first = part == LW_PART_K ? q : part == LW_PART_V ? q + kv : part == LW_PART_UP ? inner : 0;
    *count = part == LW_PART_Q                            ? q
             : part == LW_PART_K || part == LW_PART_V     ? kv
             : part == LW_PART_GATE || part == LW_PART_UP ? inner
                                                          : all;
}

static void format_name(char *name, size_t size, const char *format, uint32_t layer)
{
    const char *number = strstr(format, "%u");
    if (number) {
        snprintf(name, size, "%.*s%u%s", (int)(number - format), format, layer, number + 2);
    } else {
        snprintf(name, size, "%s", format);
    }
}

static void add_parameter(struct lw_layout *layout, const struct lw_config *config,
    const struct lw_parameter_name *name, uint32_t layer)
{
    const struct lw_place *place = lw_layout_place(layout, layer, name->slot);
    if (!place->rows) {
        return;
    }
    struct lw_parameter *parameter = &layout->parameters[layout->parameter_count++];
    format_name(parameter->name, sizeof parameter->name, name->format, layer);
    parameter->slot = name->slot;
    parameter->layer = layer;
    parameter->decayed = slot_decays(name->slot);
    parameter->rank = place->rows > 1 ? 2 : 1;
    uint32_t first;
    if (place->rows > 1) {
        part_rows(config, name->part, place->rows, &first, &parameter->rows);
        parameter->columns = place->columns;
        parameter->offset = (uint64_t)first * place->columns;
    } else {
        part_rows(config, name->part, place->columns, &first, &parameter->columns);
        parameter->rows = 1;
        parameter->offset = first;
    }
    layout->parameter_elements += (uint64_t)parameter->rows * parameter->columns;
}

// Names that repeat per layer stand together in the table; they are listed layer by layer.
static bool list_parameters(
    struct lw_layout *layout, const struct lw_config *config, struct lw_error *error)
{
    const struct lw_parameter_name *names = config->family->names;
    size_t count = 0;
    while (names[count].format) {
        count++;
    }
    layout->parameters = lw_calloc(count * config->layers, sizeof *layout->parameters, error);
    if (!layout->parameters) {
        return false;
    }
    for (size_t first = 0, end; first < count; first = end) {
        bool layered = lw_slot_per_layer(names[first].slot);
        end = first + 1;
        while (layered && end < count && lw_slot_per_layer(names[end].slot)) {
            end++;
        }
        for (uint32_t layer = 0; layer < (layered ? config->layers : 1); layer++) {
            for (size_t i = first; i < end; i++) {
                add_parameter(layout, config, &names[i], layer);
            }
        }
    }
    return true;
}

bool lw_layout_create(struct lw_layout **out, const struct lw_config *config, uint64_t group_limit,
    struct lw_error *error)
{
    *out = NULL;
    struct lw_layout *layout = lw_calloc(1, sizeof *layout, error);
    if (!layout) {
        return false;
    }
    layout->places =
        lw_calloc((size_t)config->layers * LW_SLOT_COUNT, sizeof *layout->places, error);
    if (!layout->places || !place_slots(layout, config, group_limit, error) ||
        !list_parameters(layout, config, error)) {
        lw_layout_destroy(layout);
        return false;
    }
    *out = layout;
    return true;
}

void lw_layout_destroy(struct lw_layout *layout)
{
    if (layout) {
        lw_free(layout->places);
        lw_free(layout->groups);
        lw_free(layout->parameters);
        lw_free(layout);
    }
}

const struct lw_place *lw_layout_place(
    const struct lw_layout *layout, uint32_t layer, enum lw_slot slot)
{
    size_t row = lw_slot_per_layer(slot) ? layer : 0;
    return &layout->places[row * LW_SLOT_COUNT + slot];
}

uint64_t lw_layout_elements(const struct lw_layout *layout)
{
    uint64_t elements = 0;
    for (size_t i = 0; i < layout->group_count; i++) {
        elements += layout->groups[i].count;
    }
    return elements;
}
