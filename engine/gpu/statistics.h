// SPDX-License-Identifier: Apache-2.0
// What the driver's compiler says about the pipelines of a device that was opened with
// lw_device_params.statistics: the figures by which tiles are chosen, also where no work can run
// (a driver that compiles for a GPU that is not there).
#ifndef LW_GPU_STATISTICS_H
#define LW_GPU_STATISTICS_H

#include "engine/gpu/device.h"
#include "engine/gpu/kernel.h"

#define LW_STATISTIC_UNKNOWN (-1) // the driver does not tell

struct lw_pipeline_statistics {
    enum lw_kernel_id kernel;
    uint32_t subgroup_size; // that was required; 0: the driver's choice
    uint32_t constant_count, constants[LW_KERNEL_CONSTANTS]; // those past the count are 0
    int64_t registers;     // vector registers of an invocation (ANV: 32 bytes each, of a subgroup)
    int64_t shared_memory; // bytes a workgroup
    int64_t occupancy;     // subgroups that a unit holds at once (RADV: of a SIMD, NVK: of an SM)
    int64_t spills;        // values that did not fit and went to memory, as the driver counts them
    int64_t moves;         // scalars or predicates that did not fit and went to vector registers
    int64_t scratch; // bytes of memory of an invocation (RADV: of a subgroup), for spills or arrays
};

// Pipelines made so far.
size_t lw_device_pipeline_count(const struct lw_device *device);

// Fills the figures of pipeline `index`, in the order of making. Fails where the driver has none or
// the device was opened without statistics.
bool lw_device_pipeline_statistics(const struct lw_device *device, size_t index,
    struct lw_pipeline_statistics *statistics, struct lw_error *error);

#endif
