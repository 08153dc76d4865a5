// SPDX-License-Identifier: Apache-2.0
// The steps that pretokenizer_json.c reads and pretokenizer.c runs. Private to these two.
#ifndef LW_TEXT_PRETOKENIZER_STEPS_H
#define LW_TEXT_PRETOKENIZER_STEPS_H

#include "engine/text/metaspace.h"
#include "engine/text/pretokenizer.h"

// What becomes of the parts that the pattern matches.
enum lw_split_behavior {
    LW_SPLIT_ISOLATED,             // pieces of their own
    LW_SPLIT_REMOVED,              // dropped
    LW_SPLIT_MERGED_WITH_PREVIOUS, // joined to the part before
    LW_SPLIT_MERGED_WITH_NEXT,     // joined to the part after
    LW_SPLIT_CONTIGUOUS            // runs of matches are one piece
};

enum lw_step_kind {
    LW_STEP_SPLIT,        // cut each piece by the pattern
    LW_STEP_PREFIX_SPACE, // put a space before pieces that begin with none
    LW_STEP_METASPACE     // write spaces as the replacement, and put one before as the scheme says
};

struct lw_pretokenizer_step {
    enum lw_step_kind kind;
    struct lw_pattern *pattern;
    enum lw_split_behavior behavior;
    bool invert; // what lies between the matches counts as match
    struct lw_metaspace metaspace;
};

#endif
