// SPDX-License-Identifier: Apache-2.0
// The multiply-add loop of cores.c, compiled once for each kind of vector unit that the processor
// family may have (bench/meson.build), and the choice among them at run time: the only place that
// asks a compiler builtin about the processor.
#ifndef LW_BENCH_CORES_LOOP_H
#define LW_BENCH_CORES_LOOP_H

#define LW_CORES_LANES 16  // floats of one chain's step: a multiple of a vector register
#define LW_CORES_CHAINS 12 // independent sums under way, enough to hide the latency

// Makes `steps` multiply-adds in each lane of each chain; returns what depends on all of them.
typedef float lw_cores_loop(long steps);

lw_cores_loop lw_cores_loop_plain;
#ifdef LW_CORES_X86
lw_cores_loop lw_cores_loop_avx2, lw_cores_loop_avx512;
#endif

static inline lw_cores_loop *lw_cores_loop_choose(void)
{
#ifdef LW_CORES_X86
    if (__builtin_cpu_supports("avx512f")) {
        return lw_cores_loop_avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        return lw_cores_loop_avx2;
    }
#endif
    return lw_cores_loop_plain;
}

#endif
