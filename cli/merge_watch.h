// SPDX-License-Identifier: Apache-2.0
// The progress line of a merge. Used by cmd_merge.c and merge_check.c.
#ifndef LW_CLI_MERGE_WATCH_H
#define LW_CLI_MERGE_WATCH_H

#include <stdint.h>

#include "cli/progress_line.h"

struct lw_merge_watch {
    struct lw_progress_line line;
    const char *doing; // "merging"
    double start;      // lw_clock_seconds
};

struct lw_merge_watch lw_merge_watch_start(const char *doing);

// For lw_merge_run_params.progress, with a watch as context: share, GB, GB/s and time left; false once
// the user has interrupted.
bool lw_merge_watch_show(void *watch, uint64_t done, uint64_t total);

// Takes the line away; the seconds since the start.
double lw_merge_watch_end(struct lw_merge_watch *watch);

#endif
