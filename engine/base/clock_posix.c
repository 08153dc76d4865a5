// SPDX-License-Identifier: Apache-2.0
// The clock on POSIX. See clock.h.
#define _POSIX_C_SOURCE 200809L
#include "engine/base/clock.h"

#include <time.h>

double lw_clock_seconds(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int64_t lw_clock_wall(void)
{
    struct timespec now = {0};
    timespec_get(&now, TIME_UTC);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void lw_clock_date(char date[LW_CLOCK_DATE_SIZE])
{
    time_t now = time(NULL);
    struct tm local = {0};
    localtime_r(&now, &local);
    // The program sets no locale, so the months are English.
    strftime(date, LW_CLOCK_DATE_SIZE, "%d %b %Y", &local);
}

void lw_clock_sleep(double seconds)
{
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    (void)nanosleep(&time, NULL);
}
