// SPDX-License-Identifier: Apache-2.0
// Time for measuring how long something takes.
#ifndef LW_BASE_CLOCK_H
#define LW_BASE_CLOCK_H

// Seconds since some fixed moment; never goes back, not touched by changes of the wall clock.
double lw_clock_seconds(void);

#endif
