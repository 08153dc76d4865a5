// SPDX-License-Identifier: Apache-2.0
// See timing.h.
#include "engine/bench/timing.h"

#include <stdlib.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/base/thread.h"

#define SAMPLES 41           // at most
#define SAMPLE_SECONDS 0.005 // of one submission, at least...
#define MOST_REPEATS 256     // ...unless it has this many runs

double lw_bench_clock(bool processor_time)
{
    return processor_time ? (double)clock() / CLOCKS_PER_SEC / lw_thread_core_count()
                          : lw_clock_seconds();
}

static bool record(struct lw_stream **stream, const struct lw_timing_params *params,
    unsigned repeats, struct lw_error *error)
{
    if (!lw_stream_create(stream, params->device, "measurement", error)) {
        return false;
    }
    for (unsigned i = 0; i < repeats; i++) {
        params->record(*stream, params->operation);
    }
    return lw_stream_end(*stream, error);
}

static bool run(struct lw_stream *stream, const struct lw_timing_params *params, double *seconds,
    struct lw_error *error)
{
    uint64_t ticket;
    double start = lw_bench_clock(params->processor_time);
    if (!lw_stream_submit(stream, &ticket, error) ||
        !lw_device_wait(params->device, ticket, error)) {
        return false;
    }
    *seconds = lw_bench_clock(params->processor_time) - start;
    return true;
}

// The second run's time: the first also maps pages.
static bool run_once(const struct lw_timing_params *params, double *seconds, struct lw_error *error)
{
    struct lw_stream *stream = NULL;
    bool done = record(&stream, params, 1, error) && run(stream, params, seconds, error) &&
                run(stream, params, seconds, error);
    lw_stream_destroy(stream);
    return done;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

bool lw_timing_measure(
    struct lw_timing *timing, const struct lw_timing_params *params, struct lw_error *error)
{
    double samples[SAMPLES] = {0}, spent = 0;
    if (!run_once(params, &samples[0], error)) {
        return false;
    }
    *timing = (struct lw_timing){samples[0], samples[0]};
    if (samples[0] > params->seconds) {
        return true;
    }
    double wanted = samples[0] > 0 ? SAMPLE_SECONDS / samples[0] + 1 : MOST_REPEATS;
    unsigned repeats = wanted < MOST_REPEATS ? (unsigned)wanted : MOST_REPEATS, count = 0;
    struct lw_stream *stream = NULL;
    bool done = record(&stream, params, repeats, error) && run(stream, params, &samples[0], error);
    while (done && count < SAMPLES && (count < 3 || spent < params->seconds)) {
        done = run(stream, params, &samples[count], error);
        spent += samples[count];
        samples[count++] /= repeats;
    }
    lw_stream_destroy(stream);
    if (done) {
        qsort(samples, count, sizeof *samples, compare);
        *timing = (struct lw_timing){samples[0], samples[count / 2]};
    }
    return done;
}
