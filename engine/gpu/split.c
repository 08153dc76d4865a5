// SPDX-License-Identifier: Apache-2.0
// See split.h.
#include "engine/gpu/split.h"

#include "engine/base/alloc.h"

#define SHORTEST 1e-9 // seconds of a portion, so that nothing is divided by 0

unsigned lw_command_divided_dimension(const struct lw_command *command)
{
    const uint32_t *groups = command->groups;
    unsigned widest = groups[2] > groups[1] ? 2 : 1;
    return groups[widest] > 1 ? widest : 0;
}

uint32_t lw_command_divisions(const struct lw_command *command)
{
    if (command->kind == LW_COMMAND_DISPATCH) {
        return command->groups[lw_command_divided_dimension(command)];
    }
    return (uint32_t)((command->size + LW_PORTION_BYTES - 1) / LW_PORTION_BYTES);
}

static bool add_portion(
    struct lw_split *split, const struct lw_portion *portion, struct lw_error *error)
{
    if (!lw_reserve(&split->portions, &split->portion_capacity, split->portion_count + 1,
            sizeof *split->portions, error)) {
        return false;
    }
    split->portions[split->portion_count++] = *portion;
    return true;
}

bool lw_split_plan(struct lw_split *split, const struct lw_command *commands, size_t count,
    double limit, struct lw_error *error)
{
    double filled = 0;
    *split = (struct lw_split){.count = count ? 1 : 0};
    for (size_t i = 0; i < count; i++) {
        uint64_t divisions = lw_command_divisions(&commands[i]);
        double room = limit / commands[i].seconds * (double)divisions;
        uint64_t most = room < 1 ? 1 : room < (double)divisions ? (uint64_t)room : divisions;
        uint64_t parts = (divisions + most - 1) / most;
        for (uint64_t part = 0; part < parts; part++) {
            uint64_t first = divisions * part / parts, end = divisions * (part + 1) / parts;
            double seconds = commands[i].seconds * (double)(end - first) / (double)divisions;
            if (filled > 0 && filled + seconds > limit) {
                split->count++;
                filled = 0;
            }
            filled += seconds;
            struct lw_portion portion = {
                (uint32_t)i, (uint32_t)first, (uint32_t)(end - first), split->count - 1, seconds};
            if (!add_portion(split, &portion, error)) {
                return false;
            }
        }
    }
    return true;
}

void lw_split_free(struct lw_split *split)
{
    lw_free(split->portions);
    *split = (struct lw_split){0};
}

void lw_split_learn(
    const struct lw_split *split, const double *seconds, struct lw_command *commands)
{
    for (size_t i = 0; i < split->portion_count; i++) {
        commands[split->portions[i].command].seconds = 0;
    }
    for (size_t first = 0, end; first < split->portion_count; first = end) {
        uint32_t piece = split->portions[first].piece;
        double expected = 0;
        for (end = first; end < split->portion_count && split->portions[end].piece == piece;
             end++) {
            expected += split->portions[end].seconds;
        }
        for (size_t i = first; i < end; i++) {
            double share = split->portions[i].seconds * seconds[piece] / expected;
            commands[split->portions[i].command].seconds += share > SHORTEST ? share : SHORTEST;
        }
    }
}
