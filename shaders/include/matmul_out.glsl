// SPDX-License-Identifier: Apache-2.0
// Stores and loads of a matrix product's c and add: OUT_BF16 defined: bf16; else fp32.
#ifdef OUT_BF16
#define OUT_BYTES 2
#define load_out load_bf16
#define store_out store_bf16
#define load4_out load4_bf16
#define store4_out store4_bf16
#else
#define OUT_BYTES 4
#define load_out load_f32
#define store_out store_f32
#define load4_out load4_f32
#define store4_out store4_f32
#endif
