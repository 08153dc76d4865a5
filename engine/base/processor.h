// SPDX-License-Identifier: Apache-2.0
// What the processor of this machine can do. Hides the compiler's way of asking.
#ifndef LW_BASE_PROCESSOR_H
#define LW_BASE_PROCESSOR_H

#include <stdbool.h>

// Whether it has vectors of 512 bits, with all that the servers which have them share (AVX-512 F, BW,
// DQ, VL), and the system saves them. false where there is no way to ask.
bool lw_processor_has_avx512(void);

#endif
