// SPDX-License-Identifier: Apache-2.0
// Truncation and mask. See examples.h.
#include "trainer/data/examples.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/template.h"

struct lw_kept lw_example_kept(size_t source, size_t target, size_t room)
{
    size_t largest_target;
    if (room == 0) {
        return (struct lw_kept){0, 0};
    }
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

// Tokens of the turns from `first` to before `end`, with the head of the sequence.
static size_t length_of(const struct lw_turns *turns, size_t first, size_t end)
{
    size_t length = first > 0 ? turns->head : 0;
    for (size_t i = first; i < end; i++) {
        length += turns->items[i].source.count + turns->items[i].target.count;
    }
    return length;
}

// The one turn, from `first` on, that does not fit, with the head of the sequence before it. Head,
// message and response share what room the ends leave as lw_example_kept lets two sides share it.
static bool append_shortened(struct lw_example *example, const struct lw_turns *turns, size_t first,
    const struct lw_mask_options *options, struct lw_error *error)
{
    const struct lw_turn *turn = &turns->items[first];
    const struct lw_tokens *source = &turn->source, *target = &turn->target;
    size_t start = first == 0 ? turns->head : 0; // of the message in its source
    size_t message = source->count - turn->header - start;
    size_t response = target->count - turn->ending;
    size_t ends = turn->header + turn->ending;
    if (ends > options->cutoff_len) {
        return true;
    }
    struct lw_kept sides =
        lw_example_kept(turns->head + message, response, options->cutoff_len - ends);
    struct lw_kept read = lw_example_kept(turns->head, message, sides.source);
    bool prompt = options->train_on_prompt;
    return append(example, turns->items[0].source.ids, read.source, prompt, error) &&
           append(example, source->ids + start, read.target, prompt, error) &&
           append(
               example, source->ids + source->count - turn->header, turn->header, prompt, error) &&
           append(example, target->ids, sides.target, true, error) &&
           append(example, target->ids + response, turn->ending, true, error);
}

static bool build_safely(const struct lw_turns *turns, const struct lw_mask_options *options,
    struct lw_example *example, struct lw_error *error)
{
    size_t room = options->cutoff_len, count = turns->count;
    size_t first = options->mask_history && count ? count - 1 : 0;
    size_t end = options->mask_history || !count ? count : 1;
    while (options->mask_history && first > 0 && length_of(turns, first - 1, end) <= room) {
        first--;
    }
    while (end < count && length_of(turns, first, end + 1) <= room) {
        end++;
    }
    if (length_of(turns, first, end) > room) {
        example->truncated = true;
        return append_shortened(example, turns, first, options, error);
    }
    bool done =
        first == 0 || append(example, turns->items[0].source.ids, turns->head, false, error);
    for (size_t i = first; done && i < end; i++) {
        const struct lw_turn *turn = &turns->items[i];
        const struct lw_kept whole = {turn->source.count, turn->target.count};
        done = append_turn(example, turn, whole, i + 1 == count, options, error);
    }
    example->truncated = first > 0 || end < count;
    return done;
}

bool lw_example_build(const struct lw_turns *turns, const struct lw_mask_options *options,
    struct lw_example *example, struct lw_error *error)
{
    example->count = 0;
    example->trained_count = 0;
    example->truncated = false;
    example->stop_cut = false;
    return options->keep_ends      ? build_safely(turns, options, example, error)
           : options->mask_history ? build_backward(turns, options, example, error)
                                   : build_forward(turns, options, example, error);
}

void lw_example_free(struct lw_example *example)
{
    lw_free(example->ids);
    lw_free(example->trained);
    *example = (struct lw_example){0};
}
