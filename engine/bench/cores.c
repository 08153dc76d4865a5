// SPDX-License-Identifier: Apache-2.0
// See cores.h.
#include "engine/bench/cores.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "engine/bench/cores_loop.h"
#include "engine/bench/timing.h"
#include "engine/base/alloc.h"
#include "engine/base/thread.h"

#define COPY_BYTES ((uint64_t)64 << 20)
#define SAMPLES 5
#define THREADS 64
#define LOOP_STEPS 2000000

struct share {
    unsigned char *from, *to;
    size_t size;
    float result; // keeps the loop from being left out
};

static void copy_share(void *context)
{
    struct share *share = context;
    memcpy(share->to, share->from, share->size);
}

static void multiply_add(void *context)
{
    struct share *share = context;
    share->result = lw_cores_loop_choose()(LOOP_STEPS);
}

static unsigned core_count(void)
{
    unsigned cores = lw_thread_core_count();
    return cores < THREADS ? cores : THREADS;
}

// One run of `work` on each core.
struct round {
    void (*work)(void *context);
    struct share *shares;
    bool processor_time;
};

static bool time_round(const struct round *round, double *seconds, struct lw_error *error)
{
    struct lw_thread *threads[THREADS] = {NULL};
    bool done = true;
    unsigned cores = core_count();
    double start = lw_bench_clock(round->processor_time);
    for (unsigned i = 0; i < cores && done; i++) {
        done = lw_thread_create(&threads[i], round->work, &round->shares[i], error);
    }
    for (unsigned i = 0; i < cores; i++) {
        lw_thread_join(threads[i]);
    }
    *seconds = lw_bench_clock(round->processor_time) - start;
    return done;
}

bool lw_cores_measure(struct lw_cores *cores, bool processor_time, struct lw_error *error)
{
    *cores = (struct lw_cores){0};
    unsigned count = core_count();
    struct share shares[THREADS] = {{0}};
    unsigned char *memory = lw_calloc(2, COPY_BYTES, error);
    if (!memory) {
        return false;
    }
    memset(memory, 1, 2 * COPY_BYTES);
    size_t size = COPY_BYTES / count;
    for (unsigned i = 0; i < count; i++) {
        shares[i].from = memory + i * size;
        shares[i].to = memory + COPY_BYTES + i * size;
        shares[i].size = size;
    }
    const struct round copy = {copy_share, shares, processor_time};
    const struct round loop = {multiply_add, shares, processor_time};
    bool done = true;
    for (int i = 0; i < SAMPLES && done; i++) {
        double seconds;
        done = time_round(&copy, &seconds, error);
        cores->memory_copy = fmax(cores->memory_copy, 2.0 * (double)(size * count) / seconds);
        if (done) {
            done = time_round(&loop, &seconds, error);
            double operations = 2.0 * LW_CORES_CHAINS * LW_CORES_LANES * LOOP_STEPS * count;
            cores->multiply_add = fmax(cores->multiply_add, operations / seconds);
        }
    }
    lw_free(memory);
    return done;
}
