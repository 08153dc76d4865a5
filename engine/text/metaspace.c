// SPDX-License-Identifier: Apache-2.0
// Reading Metaspace.
#include "engine/text/metaspace.h"

#include <string.h>

#include "engine/base/utf8.h"
#include "engine/text/json_fields.h"

static bool read_scheme(
    enum lw_prepend_scheme *scheme, const struct lw_json_scope *scope, struct lw_error *error)
{
    static const char *const names[] = {
        [LW_PREPEND_ALWAYS] = "always",
        [LW_PREPEND_FIRST] = "first",
        [LW_PREPEND_NEVER] = "never",
    };
    const char *name = "always";
    bool add_prefix_space = true;
    if (!lw_json_optional_string(scope, "prepend_scheme", &name, error) ||
        !lw_json_optional_bool(scope, "add_prefix_space", &add_prefix_space, error)) {
        return false;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            *scheme = (enum lw_prepend_scheme)i;
            return add_prefix_space || *scheme == LW_PREPEND_NEVER
                       ? true
                       : lw_fail(error, LW_BAD_INPUT,
                             "%s: Metaspace has add_prefix_space false, which goes with the "
                             "prepend_scheme \"never\" only.",
                             scope->name);
        }
    }
    return lw_fail(
        error, LW_BAD_INPUT, "%s: the prepend_scheme %.80s is not known.", scope->name, name);
}

bool lw_metaspace_read(
    struct lw_metaspace *metaspace, const cJSON *json, const char *where, struct lw_error *error)
{
    const struct lw_json_scope scope = {json, where};
    const char *replacement;
    *metaspace = (struct lw_metaspace){.split = true};
    if (!lw_json_string(&scope, "replacement", &replacement, error)) {
        return false;
    }
    size_t length = strlen(replacement);
    if (length == 0 || lw_utf8_next(replacement, length).length != length) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: the \"replacement\" of Metaspace must be one character.", where);
    }
    memcpy(metaspace->replacement, replacement, length);
    metaspace->length = length;
    return read_scheme(&metaspace->scheme, &scope, error) &&
           lw_json_optional_bool(&scope, "split", &metaspace->split, error);
}
