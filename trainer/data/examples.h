// SPDX-License-Identifier: Apache-2.0
// One training example: the token ids of a conversation and, per token, whether it is learned.
// Truncation and mask are LLaMA-Factory's (data/processor/supervised.py), but for keep_ends, and this
// is the one place where they are decided. Called by encoder.c.
#ifndef LW_TRAINER_DATA_EXAMPLES_H
#define LW_TRAINER_DATA_EXAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct lw_turns;

// What later stages see of an example; they own nothing of it.
struct lw_example_view {
    const uint32_t *ids;    // [count]
    const uint8_t *trained; // [count], 1 where the token is a label
    size_t count;
};

// What a conversation's tokens teach.
struct lw_mask_options {
    size_t cutoff_len;    // longest example, in tokens
    bool train_on_prompt; // prompts are labels too
    bool mask_history;    // only the last turn's response is; not with train_on_prompt
    // Of a conversation that is too long, whole turns are left out: the last, or with mask_history
    // the first, whose head (BOS and system prompt) then stays. Of a turn that is too long by itself,
    // head, message and response lose their ends, but not the assistant's header and the stop token,
    // so that every response still has both. Wants turns encoded with mark_ends.
    bool keep_ends;
};

// Zero-initialise before use; lw_example_free releases it. Building anew keeps the memory.
struct lw_example {
    uint32_t *ids;
    uint8_t *trained;
    size_t count;
    size_t id_capacity, trained_capacity;
    size_t trained_count; // labels among the tokens
    bool truncated;       // some token of the conversation was left out
    bool stop_cut;        // a response that is a label lost its end, stop token and all
};

// Makes the example of `turns`. It may come out with no label at all, or empty: with keep_ends where
// cutoff_len has no room even for a header and a stop token.
bool lw_example_build(const struct lw_turns *turns, const struct lw_mask_options *options,
    struct lw_example *example, struct lw_error *error);
void lw_example_free(struct lw_example *example);

// How many tokens of a prompt of `source` and a response of `target` tokens are kept, from the
// front of each, where there is room for `room` (LLaMA-Factory: infer_seqlen). A short side is kept
// whole at the other's cost, two long ones share the room in proportion.
struct lw_kept {
    size_t source, target;
};
struct lw_kept lw_example_kept(size_t source, size_t target, size_t room);

#endif
