// SPDX-License-Identifier: Apache-2.0
// One line a setting, with what it was measured to do. See driver_settings.h.
#include "engine/gpu/driver_settings.h"

#include "engine/base/environment.h"
#include "engine/base/processor.h"

void lw_driver_settings_apply(enum lw_workload workload)
{
    // Lavapipe takes vectors of 256 bits unless it is told. With 512 (subgroups of 16) training
    // steps are faster by a quarter to a third with Mesa 26.1 and as fast as before with 22.3,
    // which runs other kernels; a weighted sum of bf16 takes one and a half times as long.
    // docs/benchmarks.md has the figures.
    if (workload == LW_WORKLOAD_PRODUCTS && lw_processor_has_avx512()) {
        lw_environment_default("LP_NATIVE_VECTOR_WIDTH", "512");
    }
}
