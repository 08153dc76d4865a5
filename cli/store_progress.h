// SPDX-License-Identifier: Apache-2.0
// Encoding data on the screen: a line that renews itself on a terminal, a line now and then elsewhere.
// Used by `lewin train` and `lewin data check`.
#ifndef LW_CLI_STORE_PROGRESS_H
#define LW_CLI_STORE_PROGRESS_H

#include "cli/progress_line.h"
#include "trainer/data/token_store.h"

// Zero-initialise but for the line's stream.
struct lw_store_progress {
    struct lw_progress_line line;
    double told; // the seconds of the last plain line
};

void lw_store_progress_show(struct lw_store_progress *progress, const struct lw_store_event *event);

#endif
