// SPDX-License-Identifier: Apache-2.0
// Timing of a case for --bench: one line with the best and the median time, the rates of the best,
// and their share of what the device can do.
#include <stdlib.h>

#include "engine/bench/timing.h"
#include "tests/kernels/check_private.h"

#define SAMPLES 41
#define SAMPLE_SECONDS 0.004 // a sample is as many runs in a row as take this long

static double time_runs(struct check *check, unsigned runs)
{
    struct lw_error error = {0};
    uint64_t ticket = 0;
    double start = lw_bench_clock(check->ceilings->processor_time);
    for (unsigned i = 0; i < runs; i++) {
        check_must(lw_stream_submit(check->stream, &ticket, &error), &error);
    }
    check_must(lw_device_wait(check->device, ticket, &error), &error);
    return (lw_bench_clock(check->ceilings->processor_time) - start) / runs;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

// "  43.2 (61 %)" of a rate beside its ceiling, in units of 10^9.
static void print_rate(double rate, double ceiling)
{
    printf(" %8.1f", rate * 1e-9);
    if (ceiling > 0) {
        printf(" %3.0f %%", 100 * rate / ceiling);
    } else {
        printf("     -");
    }
}

void check_time(struct check *check)
{
    double seconds[SAMPLES];
    double once = time_runs(check, 2);
    unsigned runs = once < SAMPLE_SECONDS ? (unsigned)(SAMPLE_SECONDS / once) + 1 : 1;
    for (int i = 0; i < SAMPLES; i++) {
        seconds[i] = time_runs(check, runs);
    }
    qsort(seconds, SAMPLES, sizeof seconds[0], compare);
    double best = seconds[0];
    struct lw_ceilings *ceilings = check->ceilings;
    struct lw_error error = {0};
    check_must(lw_ceilings_refresh(ceilings, &error), &error);
    double memory =
        ceilings->cores.memory_copy > 0 ? ceilings->cores.memory_copy : ceilings->kernel_copy;
    double arithmetic =
        ceilings->cores.multiply_add > 0 ? ceilings->cores.multiply_add : ceilings->vector;
    printf("%-24s %-44s %9.3f %9.3f", check->name, check->parameters, best * 1e3,
        seconds[SAMPLES / 2] * 1e3);
    print_rate(check->bytes / best, memory);
    print_rate(check->flops / best, arithmetic);
    printf("\n");
    fflush(stdout);
}
