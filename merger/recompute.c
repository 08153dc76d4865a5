// SPDX-License-Identifier: Apache-2.0
// See recompute.h.
#include "merger/recompute.h"

#include <math.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "merger/compute.h"
#include "merger/elements.h"

enum { piece_bytes = 1 << 18 };

struct comparison {
    struct lw_checkpoint *checkpoint; // the merged model's
    const char *folder;
    char *piece; // [piece_bytes]
    struct lw_merge_recomputed *recomputed;
};

// The distance from `value` to its neighbour in `type`, away from zero.
static double last_place(double value, enum lw_type type)
{
    static const struct {
        int digits, least; // of the significand, exponent of the smallest subnormal
    } types[] = {[LW_F32] = {24, -149}, [LW_BF16] = {8, -133}, [LW_F16] = {11, -24}};
    int exponent;
    frexp(value, &exponent);
    int place = exponent - types[type].digits;
    return ldexp(1, place > types[type].least ? place : types[type].least);
}

static double largest_of(const void *elements, enum lw_type type, uint64_t count)
{
    double largest = 0;
    for (uint64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)lw_element_of(elements, type, i)));
    }
    return largest;
}

// Compares `count` elements from `made` on, of which the bits of some differ, with the piece.
static bool judge(struct comparison *comparison, const struct lw_merge_made *made, uint64_t count,
    struct lw_error *error)
{
    enum lw_type type = lw_merge_type_of(made->info);
    double slack = largest_of(made->elements, type, count) * 0x1p-20;
    struct lw_merge_recomputed *recomputed = comparison->recomputed;
    for (uint64_t i = 0; i < count; i++) {
        double wanted = (double)lw_element_of(made->elements, type, i);
        double found = (double)lw_element_of(comparison->piece, type, i);
        double difference = fabs(wanted - found);
        if (wanted == found || (isnan(wanted) && isnan(found))) {
            continue;
        }
        if (!(difference <= last_place(fmax(fabs(wanted), fabs(found)), type) + slack)) {
            return lw_fail(error, LW_BAD_INPUT,
                "%s: tensor %s is not what the merge makes of its models: element %llu is %.9g, "
                "and should be %.9g",
                comparison->folder, made->info->name, (unsigned long long)(made->first + i), found,
                wanted);
        }
        recomputed->differing++;
        recomputed->largest = fmax(recomputed->largest, difference);
    }
    return true;
}

static bool compare_made(void *taker, const struct lw_merge_made *made, struct lw_error *error)
{
    struct comparison *comparison = taker;
    const struct lw_tensor_info *info =
        lw_checkpoint_find(comparison->checkpoint, made->info->name);
    size_t size = lw_dtype_size(info->dtype);
    for (uint64_t done = 0; done < made->count; done += piece_bytes / size) {
        uint64_t rest = made->count - done;
        uint64_t count = rest < piece_bytes / size ? rest : piece_bytes / size;
        const struct lw_merge_made piece = {.info = info,
            .first = made->first + done,
            .count = count,
            .elements = (const char *)made->elements + done * size};
        if (!lw_checkpoint_read(comparison->checkpoint, info, piece.first * size, comparison->piece,
                count * size, error) ||
            (memcmp(piece.elements, comparison->piece, count * size) != 0 &&
                !judge(comparison, &piece, count, error))) {
            return false;
        }
    }
    comparison->recomputed->elements += made->count;
    return true;
}

static bool check_tensors(
    const struct comparison *comparison, const struct lw_merge_plan *plan, struct lw_error *error)
{
    for (size_t i = 0; i < plan->tensor_count; i++) {
        const struct lw_tensor_info *wanted = &plan->tensors[i].info;
        const struct lw_tensor_info *found =
            lw_checkpoint_find(comparison->checkpoint, wanted->name);
        if (!found || found->dtype != wanted->dtype || !lw_tensor_same_shape(found, wanted)) {
            return lw_fail(error, LW_BAD_INPUT, "%s: tensor %s is %s", comparison->folder,
                wanted->name,
                found ? "of another type or shape than the merge makes it" : "missing");
        }
    }
    size_t count = lw_checkpoint_count(comparison->checkpoint);
    return count == plan->tensor_count ||
           lw_fail(error, LW_BAD_INPUT, "%s: it holds %zu tensors, the merge makes %zu",
               comparison->folder, count, plan->tensor_count);
}

bool lw_merge_recompute(const struct lw_merge_plan *plan, struct lw_device *device,
    const struct lw_merge_recompute_params *params, struct lw_merge_recomputed *recomputed,
    struct lw_error *error)
{
    *recomputed = (struct lw_merge_recomputed){0};
    struct comparison comparison = {.folder = params->folder,
        .piece = lw_calloc(1, piece_bytes, error),
        .recomputed = recomputed};
    // NaNs and infinities were judged when the model was made.
    bool same = comparison.piece &&
                lw_checkpoint_open(&comparison.checkpoint, params->folder, error) &&
                check_tensors(&comparison, plan, error) &&
                lw_merge_compute(plan, device,
                    &(struct lw_merge_compute_params){.allow_nonfinite = true,
                        .take = compare_made,
                        .taker = &comparison,
                        .progress = params->progress,
                        .context = params->context},
                    error);
    lw_checkpoint_close(comparison.checkpoint);
    lw_free(comparison.piece);
    return same;
}
