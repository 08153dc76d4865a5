// SPDX-License-Identifier: Apache-2.0
// See cores_loop.h. LW_CORES_LOOP is the name of the function in this build of the file.
#include "engine/bench/cores_loop.h"

float LW_CORES_LOOP(long steps)
{
    // The compiler keeps each chain in whole registers.
    float sums[LW_CORES_CHAINS][LW_CORES_LANES];
    for (int chain = 0; chain < LW_CORES_CHAINS; chain++) {
        for (int lane = 0; lane < LW_CORES_LANES; lane++) {
            sums[chain][lane] = (float)(chain + lane);
        }
    }
    for (long step = 0; step < steps; step++) {
        for (int chain = 0; chain < LW_CORES_CHAINS; chain++) {
            for (int lane = 0; lane < LW_CORES_LANES; lane++) {
                sums[chain][lane] = sums[chain][lane] * 0.999f + 1e-3f;
            }
        }
    }
    float result = 0;
    for (int chain = 0; chain < LW_CORES_CHAINS; chain++) {
        for (int lane = 0; lane < LW_CORES_LANES; lane++) {
            result += sums[chain][lane];
        }
    }
    return result;
}
