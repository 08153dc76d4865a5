// SPDX-License-Identifier: Apache-2.0
// What was measured on a device and is worth keeping: small numbers under a name, such as which tile
// suits a product. They are kept in the cache folder, in a text file for each device and driver, and
// forgotten when the kernels of the program change. A missing or damaged file costs time, nothing
// else.
#ifndef LW_GPU_CHOICES_H
#define LW_GPU_CHOICES_H

#include <stdint.h>

#include "engine/base/error.h"

struct lw_device;
struct lw_choices;

// Reads the device's file in `cache_folder` (NULL: nothing is kept on disk).
bool lw_choices_open(struct lw_choices **choices, const struct lw_device *device,
    const char *cache_folder, struct lw_error *error);
// Keeps what is new and frees.
void lw_choices_close(struct lw_choices *choices);

// False where nothing is known under `name`.
bool lw_choice_get(const struct lw_device *device, const char *name, uint32_t *value);

// `name` has no line breaks. Kept on disk by lw_choices_save and when the device is destroyed.
bool lw_choice_set(
    struct lw_device *device, const char *name, uint32_t value, struct lw_error *error);

// Writes the file now, for what must outlive a crash of the driver. A disk that cannot be written is
// no error.
void lw_choices_save(struct lw_device *device);

#endif
