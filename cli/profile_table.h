// SPDX-License-Identifier: Apache-2.0
// What --profile prints.
#ifndef LW_CLI_PROFILE_TABLE_H
#define LW_CLI_PROFILE_TABLE_H

#include <stdio.h>

struct lw_device;

// One line per kernel that ran, the most time first: calls, milliseconds, share of the time of all
// kernels, GB/s and GFLOP/s of useful work. Then, where steps were counted (usage.h), the share of
// their time in which the device had nothing to do. A device that does not profile prints a sentence.
void lw_profile_table_print(struct lw_device *device, FILE *stream);

#endif
