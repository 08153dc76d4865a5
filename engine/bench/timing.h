// SPDX-License-Identifier: Apache-2.0
// How long one run of an operation takes on the device: recorded as often in a row as makes the host's
// part of the time small, then run until the figures are steady.
#ifndef LW_BENCH_TIMING_H
#define LW_BENCH_TIMING_H

#include "engine/gpu/stream.h"

// Seconds from some moment on: the wall clock, or the time that the cores worked for this process,
// which other processes disturb less.
double lw_bench_clock(bool processor_time);

struct lw_timing_params {
    struct lw_device *device;
    // Records the operation once.
    void (*record)(struct lw_stream *stream, const void *operation);
    const void *operation;
    double seconds;      // to spend on it, about; an operation that takes longer runs twice
    bool processor_time; // the clock to take
};

struct lw_timing {
    double best, median; // seconds of one run
};

bool lw_timing_measure(
    struct lw_timing *timing, const struct lw_timing_params *params, struct lw_error *error);

#endif
