// SPDX-License-Identifier: Apache-2.0
// Settings of Vulkan drivers that can be made in no other way than through the environment. Called
// at the start of main by every program that opens a device.
#ifndef LW_GPU_DRIVER_SETTINGS_H
#define LW_GPU_DRIVER_SETTINGS_H

enum lw_workload {
    LW_WORKLOAD_PRODUCTS, // matrix products take most of the time
    LW_WORKLOAD_STREAMS   // so do kernels that touch each element once
};

// Sets the variables that make drivers faster at `workload` on this machine and that the user has not
// set. Only before the first lw_instance_create and before the first thread.
void lw_driver_settings_apply(enum lw_workload workload);

#endif
