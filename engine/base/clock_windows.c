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
    FILETIME now; // 100 nanoseconds since 1601
    GetSystemTimeAsFileTime(&now);
    uint64_t ticks = (uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime;
    return (int64_t)(ticks - 116444736000000000) * 100;
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
