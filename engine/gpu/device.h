// SPDX-License-Identifier: Apache-2.0
// One logical device with one compute queue. Work is ordered by a timeline: each submission gets a
// ticket, a later ticket is reached after all earlier ones. Use a device from one thread at a time.
#ifndef LW_GPU_DEVICE_H
#define LW_GPU_DEVICE_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/log.h"
#include "engine/gpu/caps.h"
#include "engine/gpu/instance.h"

struct lw_device;

struct lw_device_params {
    size_t index;             // into the instance's devices
    uint32_t hidden_features; // enum lw_feature bits to do without, so one machine tests all
    const char *cache_folder; // for compiled kernels; NULL: none is kept
    bool profile;             // time every dispatch
    bool statistics;          // the driver keeps its compiler's figures (engine/gpu/statistics.h)
    const struct lw_log *log; // may be NULL
};

// The instance must outlive the device.
bool lw_device_create(struct lw_device **device, struct lw_instance *instance,
    const struct lw_device_params *params, struct lw_error *error);
// Waits for the work under way. Everything made from the device must be destroyed before.
void lw_device_destroy(struct lw_device *device);

// Capabilities, less the hidden ones.
const struct lw_caps *lw_device_caps(const struct lw_device *device);

// Bytes that may still be allocated: the driver's figure where it tells, else the heap's size less
// what this device object holds.
uint64_t lw_device_memory_free(const struct lw_device *device);
// Bytes that this device object holds.
uint64_t lw_device_memory_held(const struct lw_device *device);

// Blocks until the work of `ticket` is done. A lost device is LW_FAILED.
bool lw_device_wait(struct lw_device *device, uint64_t ticket, struct lw_error *error);
// The same for everything submitted so far.
bool lw_device_wait_all(struct lw_device *device, struct lw_error *error);

#endif
