// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_MATMUL_PACK_LANES_H
#define LW_SHADERS_MATMUL_PACK_LANES_H

#include "shaders/matmul_pack.h"

#define lw_matmul_pack_lanes_args lw_matmul_pack_args

#endif
