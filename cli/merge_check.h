// SPDX-License-Identifier: Apache-2.0
// `lewin merge --verify`. Called by cmd_merge.c.
#ifndef LW_CLI_MERGE_CHECK_H
#define LW_CLI_MERGE_CHECK_H

#include "cli/device_options.h"

// Compares the files of a merged model with its manifest, then, where the models that went in are as
// they were, its tensors with the merge done again. Prints a line for each file, and what the second
// comparison found.
bool lw_merge_check(
    const char *folder, const struct lw_device_options *options, struct lw_error *error);

#endif
