// SPDX-License-Identifier: Apache-2.0
// The loss curve as a picture: training_loss.svg, readable in any browser. Called at the end of a
// run.
#ifndef LW_TRAINER_CHART_H
#define LW_TRAINER_CHART_H

#include "trainer/history.h"

// Draws `count` points, in the order of their steps: the loss faint, its smoothed course in strong
// colour, the held-out loss as dots. `title` is plain text.
// The file is replaced as a whole. Without points the picture says that there are none.
bool lw_chart_write(const char *path, const char *title, const struct lw_history_entry *points,
    size_t count, struct lw_error *error);

#endif
