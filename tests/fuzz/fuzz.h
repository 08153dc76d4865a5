// SPDX-License-Identifier: Apache-2.0
// The function that a fuzz target defines and run.c calls, as libFuzzer names it.
#ifndef LW_TESTS_FUZZ_H
#define LW_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

// Does whatever the input makes the target do; wrong is only what crashes, hangs, leaks or fails an
// assertion. Returns 0.
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
