// SPDX-License-Identifier: Apache-2.0
// Asks the processor. See processor.h. GCC's and Clang's builtins read cpuid and the registers that
// the system saves; both are compiler extensions, and this file is the one place that needs them.
#include "engine/base/processor.h"

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))

bool lw_processor_has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

#else

bool lw_processor_has_avx512(void)
{
    return false;
}

#endif
