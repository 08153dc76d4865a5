// SPDX-License-Identifier: Apache-2.0
// Any text as JSON for tools and calls: refused as bad input, or written such that reading that
// again gives the same.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/python_json.h"
#include "tests/fuzz/fuzz.h"

static void demand(bool condition, const struct lw_error *error)
{
    if (!condition) {
        fprintf(stderr, "wrong: %s\n", error->message);
        abort();
    }
}

static bool rewrite(struct lw_string *out, const char *text, struct lw_error *error)
{
    struct lw_python_json *json;
    bool done = lw_python_json_read(&json, text, error);
    demand(!done || lw_python_json_write(out, json, error), error);
    lw_python_json_free(json);
    return done;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct lw_error error = {0};
    struct lw_string first = {0}, second = {0};
    char *text = lw_strndup((const char *)bytes, size, &error);
    demand(text != NULL, &error);
    if (rewrite(&first, text, &error)) {
        demand(rewrite(&second, first.data, &error), &error);
        demand(strcmp(first.data, second.data) == 0, &error);
    } else {
        demand(error.status == LW_BAD_INPUT, &error);
    }
    lw_string_free(&first);
    lw_string_free(&second);
    lw_free(text);
    return 0;
}
