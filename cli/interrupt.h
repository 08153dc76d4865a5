// SPDX-License-Identifier: Apache-2.0
// Ctrl-C (SIGINT, SIGTERM): the first asks the running command to stop at its next safe point, a
// second ends the program at once. The commands that run long poll it.
#ifndef LW_CLI_INTERRUPT_H
#define LW_CLI_INTERRUPT_H

#include <stdbool.h>

void lw_interrupt_catch(void);
bool lw_interrupt_requested(void);

#endif
