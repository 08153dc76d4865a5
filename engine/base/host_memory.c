// SPDX-License-Identifier: Apache-2.0
// Asks the system for its memory. See host_memory.h.
#ifndef _WIN32
#define _DEFAULT_SOURCE // sysconf's _SC_AVPHYS_PAGES, getrusage
#endif
#include "engine/base/host_memory.h"

#ifdef _WIN32

#include <windows.h>
// After windows.h.
#include <psapi.h>

struct lw_host_memory lw_host_memory_now(void)
{
    MEMORYSTATUSEX status = {.dwLength = sizeof status};
    if (!GlobalMemoryStatusEx(&status)) {
        return (struct lw_host_memory){0};
    }
    return (struct lw_host_memory){status.ullTotalPhys, status.ullAvailPhys};
}

uint64_t lw_host_memory_peak(void)
{
    PROCESS_MEMORY_COUNTERS counters;
    if (!GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof counters)) {
        return 0;
    }
    return counters.PeakWorkingSetSize;
}

#else

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

// Linux: free pages alone would leave out the page cache, which is most of an idle machine's memory.
static uint64_t read_available(void)
{
    FILE *file = fopen("/proc/meminfo", "r");
    char line[128];
    unsigned long long kibibytes = 0;
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "MemAvailable: %llu kB", &kibibytes) == 1) {
            break;
        }
    }
    if (file) {
        fclose(file);
    }
    return (uint64_t)kibibytes * 1024;
}

struct lw_host_memory lw_host_memory_now(void)
{
    struct lw_host_memory memory = {.available = read_available()};
    long page = sysconf(_SC_PAGESIZE), pages = sysconf(_SC_PHYS_PAGES);
    if (page > 0 && pages > 0) {
        memory.total = (uint64_t)page * (uint64_t)pages;
    }
#ifdef _SC_AVPHYS_PAGES
    long unused = sysconf(_SC_AVPHYS_PAGES);
    if (!memory.available && page > 0 && unused > 0) {
        memory.available = (uint64_t)page * (uint64_t)unused;
    }
#endif
    return memory;
}

uint64_t lw_host_memory_peak(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage)) {
        return 0;
    }
#ifdef __APPLE__
    return (uint64_t)usage.ru_maxrss;
#else
    return (uint64_t)usage.ru_maxrss * 1024; // Linux and the BSDs count kibibytes
#endif
}

#endif
