// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_MATMUL_PACK_ROWS_H
#define LW_SHADERS_MATMUL_PACK_ROWS_H

#include "shaders/matmul_pack.h"

#define lw_matmul_pack_rows_args lw_matmul_pack_args

#endif
