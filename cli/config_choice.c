// SPDX-License-Identifier: Apache-2.0
// See config_choice.h.
#include "cli/config_choice.h"

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/model/presets.h"

bool lw_find_config(const char *name, struct lw_string *text, struct lw_error *error)
{
    const struct lw_preset *preset = lw_preset_find(name);
    if (preset) {
        return lw_preset_config(preset, text, error);
    }
    if (!lw_file_exists(name)) {
        return lw_fail(error, LW_USAGE,
            "\"%s\" is neither a preset (lewin init --list shows them) nor a file", name);
    }
    char *bytes = NULL;
    size_t size;
    bool done = lw_file_read_whole(name, (size_t)16 << 20, &bytes, &size, error) &&
                lw_string_add(text, bytes, size, error);
    lw_free(bytes);
    return done;
}
