// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_MATMUL_FEW_CPU_H
#define LW_SHADERS_MATMUL_FEW_CPU_H

#include "shaders/matmul_few.h"

#define lw_matmul_few_cpu_args lw_matmul_few_args

#endif
