// SPDX-License-Identifier: Apache-2.0
// See passes.h.
#include "merger/passes.h"

#include <math.h>

const struct lw_merge_input *lw_merge_term(const struct lw_merge_outline *outline, size_t i)
{
    const struct lw_merge_tensor *tensor = outline->tensor;
    const struct lw_merge_input *skipped = outline->base;
    if (outline->plan->method->base_first && tensor->base) {
        if (i == 0) {
            return tensor->base;
        }
        skipped = tensor->base;
        i--;
    }
    for (size_t k = 0; k < tensor->input_count; k++) {
        if (&tensor->inputs[k] != skipped && i-- == 0) {
            return &tensor->inputs[k];
        }
    }
    return NULL;
}

size_t lw_merge_member_count(const struct lw_merge_outline *outline)
{
    return outline->term_count + (outline->base != NULL);
}

const struct lw_merge_input *lw_merge_member(const struct lw_merge_outline *outline, size_t i)
{
    return i < outline->term_count ? lw_merge_term(outline, i) : outline->base;
}

double lw_merge_term_value(
    const struct lw_merge_outline *outline, size_t i, enum lw_merge_parameter parameter)
{
    return lw_merge_term(outline, i)->values.value[parameter];
}

double lw_merge_value(const struct lw_merge_outline *outline, enum lw_merge_parameter parameter)
{
    return outline->tensor->values.value[parameter];
}

bool lw_merge_flag(const struct lw_merge_outline *outline, enum lw_merge_parameter parameter)
{
    return lw_merge_value(outline, parameter) > 0; // not a NaN
}

static void set_shape(struct lw_merge_outline *outline)
{
    const struct lw_tensor_info *info = &outline->tensor->info;
    uint64_t columns = info->rank > 0 ? info->shape[info->rank - 1] : 1;
    outline->elements = lw_tensor_elements(info);
    outline->columns = (uint32_t)columns;
    outline->rows = columns ? (uint32_t)(outline->elements / columns) : 0;
}

// What the result is where the models do not all have the tensor, as in mergekit: of the base alone
// the base, of one model where a method needs two that one. NULL: it is computed.
static const struct lw_merge_input *sole_input(const struct lw_merge_outline *outline)
{
    const struct lw_merge_method *method = outline->plan->method;
    bool angles = method->solve != NULL;
    bool differences = method->base == LW_MERGE_BASE_REQUIRED && !method->base_first;
    if (outline->base) {
        // model_stock's angle is between two models; with one there is none, and the base stays.
        size_t least = angles && differences ? 2 : 1;
        if (outline->term_count < least) {
            return outline->base;
        }
        return angles && !differences && outline->term_count == 1 ? lw_merge_term(outline, 0)
                                                                  : NULL;
    }
    bool pair = method->base == LW_MERGE_BASE_REQUIRED && method->most == 1;
    return outline->term_count == 1 && (pair || (angles && !differences))
               ? lw_merge_term(outline, 0)
               : NULL;
}

bool lw_merge_outline(struct lw_merge_outline *outline, const struct lw_merge_plan *plan,
    const struct lw_merge_tensor *tensor, struct lw_error *error)
{
    const struct lw_merge_method *method = plan->method;
    bool origin = method->base != LW_MERGE_BASE_MEMBER && !method->base_first;
    *outline = (struct lw_merge_outline){.plan = plan,
        .tensor = tensor,
        .base = origin ? tensor->base : NULL,
        .family = method->family,
        .passes = 1u << LW_PASS_RESULT};
    set_shape(outline);
    outline->term_count = tensor->input_count;
    if (outline->base && outline->base >= tensor->inputs &&
        outline->base < tensor->inputs + tensor->input_count) {
        outline->term_count--;
    }
    outline->copied = sole_input(outline);
    if (outline->copied) {
        outline->family = &lw_merge_family_linear;
    } else if (method->base == LW_MERGE_BASE_REQUIRED && !tensor->base) {
        return lw_fail(error, LW_BAD_INPUT,
            "tensor %s is not in the base model, from which %s takes differences",
            tensor->info.name, method->name);
    } else if (outline->term_count < 1 || outline->term_count - method->base_first > method->most) {
        return lw_fail(error, LW_BAD_INPUT, "tensor %s comes from %zu models; %s takes %zu%s",
            tensor->info.name, outline->term_count, method->name, method->least,
            method->most > method->least ? " or more" : "");
    }
    return outline->family->outline(outline, error);
}
