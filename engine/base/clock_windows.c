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

void lw_clock_date(char date[LW_CLOCK_DATE_SIZE])
{
    time_t now = time(NULL);
    struct tm local = {0};
    localtime_s(&local, &now);
    // The program sets no locale, so the months are English.
    strftime(date, LW_CLOCK_DATE_SIZE, "%d %b %Y", &local);
}

void lw_clock_sleep(double seconds)
{
    Sleep((DWORD)(seconds * 1000));
}
