// SPDX-License-Identifier: Apache-2.0
// What --profile prints.
#ifndef LW_CLI_PROFILE_TABLE_H
#define LW_CLI_PROFILE_TABLE_H

#include <stdio.h>

struct lw_device;

// One line per kernel that ran, the most time first: calls, milliseconds, share of the time of all
// kernels, GB/s and GFLOP/s of useful work. A device that does not profile prints a sentence.
void lw_profile_table_print(const struct lw_device *device, FILE *stream);

#endif
