// SPDX-License-Identifier: Apache-2.0
// Truncation and mask. See examples.h.
#include "trainer/examples.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/template.h"

struct lw_kept lw_example_kept(size_t source, size_t target, size_t room)
{
    size_t largest_target;
    if (target * 2 < room) {
        largest_target = room;
    } else if (source * 2 < room) {
        largest_target = room - source;
    } else {
        // Python: int(room * (target / (source + target))), in doubles.
        largest_target = (size_t)((double)room * ((double)target / (double)(source + target)));
    }
    struct lw_kept kept = {0, target < largest_target ? target : largest_target};
    size_t left = room > kept.target ? room - kept.target : 0;
    kept.source = source < left ? source : left;
    return kept;
}

static bool append(struct lw_example *example, const uint32_t *ids, size_t count, bool trained,
    struct lw_error *error)
{
    size_t needed = example->count + count;
    if (!lw_reserve(&example->ids, &example->id_capacity, needed, sizeof *example->ids, error) ||
        !lw_reserve(&example->trained, &example->trained_capacity, needed, 1, error)) {
        return false;
    }
    if (count) {
        memcpy(example->ids + example->count, ids, count * sizeof *ids);
        memset(example->trained + example->count, trained, count);
    }
    example->count = needed;
    example->trained_count += trained ? count : 0;
    return true;
}

static bool append_turn(struct lw_example *example, const struct lw_turn *turn, struct lw_kept kept,
    bool is_last, const struct lw_mask_options *options, struct lw_error *error)
{
    bool learned = is_last || !options->mask_history;
    example->truncated |= kept.source < turn->source.count || kept.target < turn->target.count;
    example->stop_cut |= learned && kept.target < turn->target.count;
    return append(example, turn->source.ids, kept.source, options->train_on_prompt, error) &&
           append(example, turn->target.ids, kept.target, learned, error);
}

// From the first turn on, until the room is used up.
static bool build_forward(const struct lw_turns *turns, const struct lw_mask_options *options,
    struct lw_example *example, struct lw_error *error)
{
    for (size_t i = 0; i < turns->count; i++) {
        const struct lw_turn *turn = &turns->items[i];
        if (example->count >= options->cutoff_len) {
            example->truncated = true;
            return true;
        }
        struct lw_kept kept = lw_example_kept(
            turn->source.count, turn->target.count, options->cutoff_len - example->count);
        if (!append_turn(example, turn, kept, i + 1 == turns->count, options, error)) {
            return false;
        }
    }
    return true;
}

// With mask_history the room goes to the last turn first, then to the one before it: found by a
// walk backwards that only counts, then written in order by the same walk from each turn.
static bool build_backward(const struct lw_turns *turns, const struct lw_mask_options *options,
    struct lw_example *example, struct lw_error *error)
{
    size_t first = turns->count, room = options->cutoff_len;
    struct lw_kept first_kept = {0, 0};
    while (first > 0 && room > 0) {
        const struct lw_turn *turn = &turns->items[--first];
        first_kept = lw_example_kept(turn->source.count, turn->target.count, room);
        room -= first_kept.source + first_kept.target;
    }
    example->truncated = first > 0;
    for (size_t i = first; i < turns->count; i++) {
        // Only the turn that was reached last can have been cut: a cut one uses up all the room.
        const struct lw_turn *turn = &turns->items[i];
        struct lw_kept kept = {turn->source.count, turn->target.count};
        if (!append_turn(example, turn, i == first ? first_kept : kept, i + 1 == turns->count,
                options, error)) {
            return false;
        }
    }
    return true;
}

bool lw_example_build(const struct lw_turns *turns, const struct lw_mask_options *options,
    struct lw_example *example, struct lw_error *error)
{
    example->count = 0;
    example->trained_count = 0;
    example->truncated = false;
    example->stop_cut = false;
    return options->mask_history ? build_backward(turns, options, example, error)
                                 : build_forward(turns, options, example, error);
}

void lw_example_free(struct lw_example *example)
{
    lw_free(example->ids);
    lw_free(example->trained);
    *example = (struct lw_example){0};
}
