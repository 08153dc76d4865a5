// SPDX-License-Identifier: Apache-2.0
// See types.h.
#include "cli/types.h"

#include <string.h>

bool lw_parse_type(const char *name, enum lw_type *type, struct lw_error *error)
{
    static const char *const names[LW_TYPE_COUNT] = {
        [LW_F32] = "float32", [LW_BF16] = "bfloat16", [LW_F16] = "float16"};
    for (int i = 0; i < LW_TYPE_COUNT; i++) {
        if (!strcmp(names[i], name)) {
            *type = (enum lw_type)i;
            return true;
        }
    }
    return lw_fail(error, LW_USAGE, "--dtype is float32, bfloat16 or float16, not \"%s\"", name);
}
