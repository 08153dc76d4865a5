// SPDX-License-Identifier: Apache-2.0
// The clock on Windows. See clock.h.
#include "engine/base/clock.h"

#include <windows.h>

double lw_clock_seconds(void)
{
    LARGE_INTEGER now, frequency;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&now);
    return (double)now.QuadPart / (double)frequency.QuadPart;
}
