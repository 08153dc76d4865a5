// SPDX-License-Identifier: Apache-2.0
// Tells the static analyzer, which looks at one file at a time, what the comments promise: the
// lw_fail functions return false always. .ci/lint puts it before every
// file that defines none.
#ifndef LW_CI_LINT_H
#define LW_CI_LINT_H

#include "engine/base/error.h"
#include "engine/base/platform.h"
#include "engine/gpu/vulkan.h"

#define lw_fail(...) (lw_fail(__VA_ARGS__), 0)
#define lw_fail_in(...) (lw_fail_in(__VA_ARGS__), 0)
#define lw_fail_memory(...) (lw_fail_memory(__VA_ARGS__), 0)
#define lw_fail_system(...) (lw_fail_system(__VA_ARGS__), 0)
#define lw_fail_last_error(...) (lw_fail_last_error(__VA_ARGS__), 0)
#define lw_fail_vulkan(...) (lw_fail_vulkan(__VA_ARGS__), 0)

#endif
