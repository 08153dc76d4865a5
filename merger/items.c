// SPDX-License-Identifier: Apache-2.0
// See items.h.
#include "merger/items.h"

#include "engine/base/alloc.h"

// Few enough that a part's sums stay in a CPU's cache, enough that a submission's fixed cost (some
// 50 us) does not show.
#define PART_ELEMENTS ((uint64_t)1 << 20)
// The most memory for all slots, for merges of very many models.
#define SLOT_BYTES ((uint64_t)256 << 20)

enum { row_group = 32 };

// Elements of a part: a multiple of 1024 or, of whole rows, of 32 rows.
static uint64_t part_size(const struct lw_merge_outline *outline, uint64_t wanted)
{
    uint64_t per_element = 4 * (outline->plan->most_inputs + 2) * LW_MERGE_SLOTS; // bytes, at most
    uint64_t most = SLOT_BYTES / per_element / 1024 * 1024;
    wanted = wanted ? (wanted + 1023) / 1024 * 1024 : PART_ELEMENTS;
    most = most < 1024 ? 1024 : most < wanted ? most : wanted;
    if (!outline->whole_rows) {
        return most;
    }
    uint64_t group = (uint64_t)outline->columns * row_group;
    return most < group ? group : most / group * group;
}

static bool add_item(
    struct lw_merge_items *items, const struct lw_merge_item *item, struct lw_error *error)
{
    if (!lw_reserve(
            &items->items, &items->capacity, items->count + 1, sizeof *items->items, error)) {
        return false;
    }
    items->items[items->count++] = *item;
    return true;
}

static bool add_pass(struct lw_merge_items *items, const struct lw_merge_outline *outline,
    const struct lw_merge_item *like, uint64_t part, struct lw_error *error)
{
    struct lw_merge_item item = *like;
    for (uint64_t first = 0; first < outline->elements; first += part) {
        uint64_t rest = outline->elements - first;
        item.first = first;
        item.count = rest < part ? rest : part;
        item.ends_pass = rest <= part;
        item.ends = item.ends_pass && (item.pass == LW_PASS_RESULT || item.pass == LW_PASS_COUNT);
        if (!add_item(items, &item, error)) {
            return false;
        }
        item.begins = false;
    }
    return true;
}

static bool add_tensor(struct lw_merge_items *items, const struct lw_merge_outline *outline,
    size_t tensor, uint64_t part, struct lw_error *error)
{
    uint64_t elements = outline->elements;
    uint64_t most = elements < part ? elements : part;
    lw_raise(&items->part_elements, most);
    outline->family->size(outline, most, &items->sizes);
    struct lw_merge_item item = {
        .tensor = tensor, .pass = LW_PASS_COUNT, .checked = true, .begins = true};
    if (elements <= part) {
        return add_pass(items, outline, &item, part, error);
    }
    for (enum lw_merge_pass pass = LW_PASS_SAMPLE; pass < LW_PASS_COUNT; pass++) {
        if (!lw_merge_has_pass(outline->passes, pass)) {
            continue;
        }
        item.pass = pass;
        if (pass == LW_PASS_SAMPLE) {
            item.count = LW_SAMPLE_ELEMENTS;
            item.ends_pass = true;
            lw_raise(&items->part_elements, LW_SAMPLE_ELEMENTS);
            if (!add_item(items, &item, error)) {
                return false;
            }
            item.begins = false;
            continue; // it decides nothing about what is read next
        }
        if (!add_pass(items, outline, &item, part, error)) {
            return false;
        }
        item.begins = item.checked = false;
        item.after = items->count;
    }
    return true;
}

bool lw_merge_items_cut(struct lw_merge_items *items, const struct lw_merge_plan *plan,
    size_t first, uint64_t part_elements, struct lw_error *error)
{
    *items = (struct lw_merge_items){0};
    for (size_t tensor = first; tensor < plan->tensor_count; tensor++) {
        struct lw_merge_outline outline;
        if (!lw_merge_outline(&outline, plan, &plan->tensors[tensor], error) ||
            !add_tensor(items, &outline, tensor, part_size(&outline, part_elements), error)) {
            return false;
        }
    }
    return true;
}

void lw_merge_items_free(struct lw_merge_items *items)
{
    lw_free(items->items);
    items->items = NULL;
}
