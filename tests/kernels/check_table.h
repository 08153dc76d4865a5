// SPDX-License-Identifier: Apache-2.0
// The table of checks: row NAME is the function check_NAME of check_NAME.c.
#ifndef LW_TESTS_KERNELS_CHECK_TABLE_H
#define LW_TESTS_KERNELS_CHECK_TABLE_H

#define CHECK_TABLE(ROW)                                                                           \
    ROW(attention)                                                                                 \
    ROW(convert)                                                                                   \
    ROW(embedding)                                                                                 \
    ROW(fill_random)                                                                               \
    ROW(fusion)                                                                                    \
    ROW(gram)                                                                                      \
    ROW(loss)                                                                                      \
    ROW(low_rank)                                                                                  \
    ROW(matmul)                                                                                    \
    ROW(mlp)                                                                                       \
    ROW(multiply_add)                                                                              \
    ROW(norm)                                                                                      \
    ROW(optimizer)                                                                                 \
    ROW(qk_norm)                                                                                   \
    ROW(rope)                                                                                      \
    ROW(task)

struct check;

#define CHECK_PROTOTYPE(name) void check_##name(struct check *check);
CHECK_TABLE(CHECK_PROTOTYPE)

#endif
