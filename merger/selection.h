// SPDX-License-Identifier: Apache-2.0
// The search for exact ranks of magnitudes (select.h) over the parts of a tensor, with the device's
// counts: several cuts at once, each of magnitudes of its own. Called by the families of methods
// that keep the largest elements.
#ifndef LW_MERGER_SELECTION_H
#define LW_MERGER_SELECTION_H

#include "engine/ops/task.h"
#include "merger/passes.h"
#include "merger/select.h"

// The passes that a search may take.
#define LW_SELECTION_PASSES (1u << LW_PASS_BRACKET | 1u << LW_PASS_EXACT | 1u << LW_PASS_EQUAL)
// The same with a guess first.
#define LW_SELECTION_GUESSED (LW_SELECTION_PASSES | 1u << LW_PASS_SAMPLE | 1u << LW_PASS_PIVOTS)

struct lw_selection;

bool lw_selection_create(
    struct lw_selection **selection, uint64_t elements, size_t cuts, struct lw_error *error);
void lw_selection_destroy(struct lw_selection *selection); // NULL: nothing

// Cut `i`, to start and to guess.
struct lw_select *lw_selection_cut(struct lw_selection *selection, size_t i);

// Bytes of statistics that parts of up to `part` elements take.
uint64_t lw_selection_statistics(size_t cuts, uint64_t part);

// Records a part of a pass of LW_SELECTION_GUESSED after the sample; magnitudes: one of each cut.
void lw_selection_record(struct lw_selection *selection, enum lw_merge_pass pass,
    const struct lw_task_magnitudes *magnitudes, const struct lw_merge_part *part,
    const struct lw_merge_space *space, struct lw_stream *stream);
bool lw_selection_collect(struct lw_selection *selection, enum lw_merge_pass pass,
    const struct lw_merge_part *part, const struct lw_merge_space *space, struct lw_error *error);

// After the last part of a pass: first the sums of its counts, then what they narrow. The latter
// returns `passes` without those that are not needed any more.
void lw_selection_total(struct lw_selection *selection, enum lw_merge_pass pass);
uint32_t lw_selection_end(struct lw_selection *selection, enum lw_merge_pass pass, uint32_t passes,
    const struct lw_merge_space *space);

// Writes cut `i`, once it is found, for kernels that work on `part`, to byte `offset` of `tables`; of
// elements of the cut's own magnitude the first ones come before it. May record a search for their
// end.
void lw_selection_set_cut(struct lw_selection *selection, size_t i,
    const struct lw_task_magnitudes *magnitudes, const struct lw_merge_part *part,
    const struct lw_buffer *tables, uint64_t offset, struct lw_stream *stream);

#endif
