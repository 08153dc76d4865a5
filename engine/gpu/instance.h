// SPDX-License-Identifier: Apache-2.0
// The Vulkan loader and the devices that it finds, best first.
#ifndef LW_GPU_INSTANCE_H
#define LW_GPU_INSTANCE_H

#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/log.h"
#include "engine/gpu/caps.h"

struct lw_instance;

struct lw_instance_params {
    bool validation;          // VK_LAYER_KHRONOS_validation with synchronization validation
    const struct lw_log *log; // validation messages; may be NULL
};

// Opens the loader and lists the devices. No loader, no driver or no device is LW_NO_RESOURCE with
// a sentence that says what to install.
bool lw_instance_create(
    struct lw_instance **instance, const struct lw_instance_params *params, struct lw_error *error);
void lw_instance_destroy(struct lw_instance *instance);

size_t lw_instance_device_count(const struct lw_instance *instance);
// Device `index`, ordered best first: usable before unusable, discrete, integrated, other, CPU,
// then by memory.
const struct lw_caps *lw_instance_caps(const struct lw_instance *instance, size_t index);

// The device that `selector` means: NULL or "" for the best, a number for that index, else the
// first whose name contains it (case does not matter). LW_USAGE names the choices.
bool lw_instance_select(const struct lw_instance *instance, const char *selector, size_t *index,
    struct lw_error *error);

// Validation messages so far.
unsigned lw_instance_message_count(const struct lw_instance *instance);

#endif
