// SPDX-License-Identifier: Apache-2.0
// See ceiling.h. This file is compiled for the machine that builds it (meson.build), because the
// point is what its vector units reach.
#include "tests/kernels/ceiling.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/thread.h"
#include "engine/gpu/stream.h"
#include "engine/ops/convert.h"

#define COPY_BYTES ((uint64_t)64 << 20)
#define SAMPLES 5
#define THREADS 64
#define LANES 16  // floats of one chain's step: a multiple of a vector register
#define CHAINS 12 // independent additions under way, enough to hide the latency
#define FMA_STEPS 2000000

double ceilings_clock(const struct ceilings *ceilings)
{
    return ceilings->processor_time ? (double)clock() / CLOCKS_PER_SEC / lw_thread_core_count()
                                    : lw_clock_seconds();
}

static bool measure_kernel_copy(
    struct ceilings *ceilings, struct lw_device *device, struct lw_error *error)
{
    struct lw_arena *arena = NULL;
    struct lw_stream *stream = NULL;
    struct lw_buffer from, to;
    bool done = false;
    struct lw_arena_params params = {.name = "copy measurement", .expected = 2 * COPY_BYTES};
    if (!lw_arena_create(&arena, device, &params, error) ||
        !lw_arena_allocate(arena, COPY_BYTES, &from, error) ||
        !lw_arena_allocate(arena, COPY_BYTES, &to, error) ||
        !lw_stream_create(&stream, device, "copy measurement", error)) {
        goto cleanup;
    }
    lw_convert(stream, &from, LW_F32, &to, LW_F32, COPY_BYTES / 4);
    if (!lw_stream_end(stream, error)) {
        goto cleanup;
    }
    for (int i = 0; i <= SAMPLES; i++) { // the first also compiles the kernel and maps the pages
        double start = ceilings_clock(ceilings);
        uint64_t ticket;
        if (!lw_stream_submit(stream, &ticket, error) || !lw_device_wait(device, ticket, error)) {
            goto cleanup;
        }
        double rate = 2.0 * (double)COPY_BYTES / (ceilings_clock(ceilings) - start);
        ceilings->kernel_copy = i > 0 ? fmax(ceilings->kernel_copy, rate) : 0;
    }
    done = true;
cleanup:
    lw_stream_destroy(stream);
    lw_arena_destroy(arena);
    return done;
}

struct share {
    unsigned char *from, *to;
    size_t size;
    float result;
};

static void copy_share(void *context)
{
    struct share *share = context;
    memcpy(share->to, share->from, share->size);
}

// CHAINS chains of LANES multiply-adds each; the compiler keeps one chain in whole registers.
static void multiply_add(void *context)
{
    struct share *share = context;
    float sums[CHAINS][LANES];
    for (int chain = 0; chain < CHAINS; chain++) {
        for (int lane = 0; lane < LANES; lane++) {
            sums[chain][lane] = (float)(chain + lane);
        }
    }
    for (long step = 0; step < FMA_STEPS; step++) {
        for (int chain = 0; chain < CHAINS; chain++) {
            for (int lane = 0; lane < LANES; lane++) {
                sums[chain][lane] = sums[chain][lane] * 0.999f + 1e-3f;
            }
        }
    }
    for (int chain = 0; chain < CHAINS; chain++) {
        for (int lane = 0; lane < LANES; lane++) {
            share->result += sums[chain][lane];
        }
    }
}

static unsigned core_count(void)
{
    unsigned cores = lw_thread_core_count();
    return cores < THREADS ? cores : THREADS;
}

// Seconds that one run of `work` on each core takes.
static bool time_on_cores(const struct ceilings *ceilings, void (*work)(void *context),
    struct share *shares, double *seconds, struct lw_error *error)
{
    struct lw_thread *threads[THREADS] = {NULL};
    bool done = true;
    unsigned cores = core_count();
    double start = ceilings_clock(ceilings);
    for (unsigned i = 0; i < cores && done; i++) {
        done = lw_thread_create(&threads[i], work, &shares[i], error);
    }
    for (unsigned i = 0; i < cores; i++) {
        lw_thread_join(threads[i]);
    }
    *seconds = ceilings_clock(ceilings) - start;
    return done;
}

static bool measure_cores(struct ceilings *ceilings, struct lw_error *error)
{
    ceilings->memory_copy = ceilings->fma = 0;
    unsigned cores = core_count();
    struct share shares[THREADS] = {{0}};
    unsigned char *memory = lw_calloc(2, COPY_BYTES, error);
    if (!memory) {
        return false;
    }
    memset(memory, 1, 2 * COPY_BYTES);
    size_t size = COPY_BYTES / cores;
    for (unsigned i = 0; i < cores; i++) {
        shares[i].from = memory + i * size;
        shares[i].to = memory + COPY_BYTES + i * size;
        shares[i].size = size;
    }
    bool done = true;
    for (int i = 0; i < SAMPLES && done; i++) {
        double seconds;
        done = time_on_cores(ceilings, copy_share, shares, &seconds, error);
        ceilings->memory_copy = fmax(ceilings->memory_copy, 2.0 * (double)(size * cores) / seconds);
        if (done) {
            done = time_on_cores(ceilings, multiply_add, shares, &seconds, error);
            double operations = 2.0 * CHAINS * LANES * FMA_STEPS * cores;
            ceilings->fma = fmax(ceilings->fma, operations / seconds);
        }
    }
    lw_free(memory);
    return done;
}

bool ceilings_measure(struct ceilings *ceilings, struct lw_device *device, struct lw_error *error)
{
    bool cpu = lw_device_caps(device)->kind == LW_DEVICE_CPU;
    return measure_kernel_copy(ceilings, device, error) && (!cpu || measure_cores(ceilings, error));
}

bool ceilings_refresh(struct ceilings *ceilings, struct lw_error *error)
{
    return ceilings->memory_copy == 0 || measure_cores(ceilings, error);
}
