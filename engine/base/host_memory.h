// SPDX-License-Identifier: Apache-2.0
// The main memory of this machine. Hides /proc, sysconf and GlobalMemoryStatusEx.
#ifndef LW_BASE_HOST_MEMORY_H
#define LW_BASE_HOST_MEMORY_H

#include <stdint.h>

// Bytes; 0 where the system does not tell. `available` is what programs can still take without
// swapping: free memory and the caches that the system would give up.
struct lw_host_memory {
    uint64_t total, available;
};

struct lw_host_memory lw_host_memory_now(void);

// Bytes that this process holds in main memory at its highest, 0 where the system does not tell.
uint64_t lw_host_memory_peak(void);

#endif
