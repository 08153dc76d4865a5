// SPDX-License-Identifier: Apache-2.0
// Time for measuring how long something takes, the time of day, and waiting.
#ifndef LW_BASE_CLOCK_H
#define LW_BASE_CLOCK_H

#include <stdint.h>

// Seconds since some fixed moment; never goes back, not touched by changes of the wall clock.
double lw_clock_seconds(void);

// The wall clock: nanoseconds since 1970 (UTC), to compare with the times of files.
int64_t lw_clock_wall(void);

// Today by the local calendar, in English: "26 Jul 2024".
enum { LW_CLOCK_DATE_SIZE = 16 };
void lw_clock_date(char date[LW_CLOCK_DATE_SIZE]);

// Returns after that many seconds, or a little earlier.
void lw_clock_sleep(double seconds);

#endif
