// SPDX-License-Identifier: Apache-2.0
// See measure.h.
#include "engine/ops/measure.h"

#include "engine/base/clock.h"

#define MOST_RUNS 1000

static bool time_runs(
    struct lw_stream *stream, unsigned runs, double *seconds, struct lw_error *error)
{
    double start = lw_clock_seconds();
    uint64_t ticket = 0;
    for (unsigned i = 0; i < runs; i++) {
        if (!lw_stream_submit(stream, &ticket, error)) {
            return false;
        }
    }
    if (!lw_device_wait(lw_stream_device(stream), ticket, error)) {
        return false;
    }
    *seconds = (lw_clock_seconds() - start) / runs;
    return true;
}

bool lw_measure(
    struct lw_stream *stream, double seconds, double *seconds_per_run, struct lw_error *error)
{
    double once = 0;
    for (int i = 0; i < 2; i++) { // the first run may include setting up
        if (!time_runs(stream, 1, &once, error)) {
            return false;
        }
    }
    double wanted = seconds / 3 / (once > 1e-7 ? once : 1e-7);
    unsigned runs = wanted < 1 ? 1 : wanted > MOST_RUNS ? MOST_RUNS : (unsigned)wanted;
    *seconds_per_run = once;
    for (int i = 0; i < 3; i++) {
        double again;
        if (!time_runs(stream, runs, &again, error)) {
            return false;
        }
        *seconds_per_run = again < *seconds_per_run ? again : *seconds_per_run;
    }
    return true;
}
