// SPDX-License-Identifier: Apache-2.0
// The clock on Windows. See clock.h.
#include "engine/base/clock.h"

#include <time.h>
#include <windows.h>

double lw_clock_seconds(void)
{
    LARGE_INTEGER now, frequency;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&now);
    return (double)now.QuadPart / (double)frequency.QuadPart;
}

int64_t lw_clock_wall(void)
{
    struct timespec now = {0};
    timespec_get(&now, TIME_UTC);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
