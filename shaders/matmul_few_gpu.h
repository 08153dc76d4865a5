// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_MATMUL_FEW_GPU_H
#define LW_SHADERS_MATMUL_FEW_GPU_H

#include "shaders/matmul_few.h"

#define lw_matmul_few_gpu_args lw_matmul_few_args

#endif
