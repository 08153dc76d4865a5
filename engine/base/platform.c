// SPDX-License-Identifier: Apache-2.0
// The wording of system failures. See platform.h.
#include "engine/base/platform.h"

bool lw_fail_system(struct lw_error *error, const char *action, const char *path,
    enum lw_system_reason reason, const char *text)
{
    static const struct {
        enum lw_status status;
        const char *advice;
    } rows[] = {
        [LW_REASON_OTHER] = {LW_FAILED, ""},
        [LW_REASON_ABSENT] = {LW_BAD_INPUT, ". Check the path"},
        [LW_REASON_PERMISSION] = {LW_BAD_INPUT,
            ". Change its permissions, or choose a place that this user may use"},
        [LW_REASON_DISK_FULL] = {LW_FAILED, ". Free space there, or choose another disk"},
        [LW_REASON_MEMORY] = {LW_NO_RESOURCE, ". Close other programs, or use a larger machine"},
        [LW_REASON_UNUSABLE] = {LW_BAD_INPUT, ". Check the path"},
        [LW_REASON_EXISTS] = {LW_BAD_INPUT, ". Remove it, or choose another name"},
    };
    return lw_fail(
        error, rows[reason].status, "cannot %s %s: %s%s", action, path, text, rows[reason].advice);
}
