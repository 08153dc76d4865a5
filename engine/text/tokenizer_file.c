// SPDX-License-Identifier: Apache-2.0
// Reading a JSON file whole.
#include "engine/text/tokenizer_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/stringbuf.h"
#include "engine/text/utf8.h"

static bool read_whole(struct lw_string *text, FILE *file, struct lw_error *error)
{
    static const size_t limit = (size_t)256 << 20;
    char part[16384];
    size_t length;
    while ((length = fread(part, 1, sizeof part, file)) > 0) {
        if (text->length > limit) {
            return lw_fail(error, LW_BAD_INPUT, "The file is larger than 256 MiB.");
        }
        if (!lw_string_add(text, part, length, error)) {
            return false;
        }
    }
    return ferror(file) ? lw_fail(error, LW_FAILED, "Reading failed: %s.", strerror(errno)) : true;
}

// cJSON ends texts at a zero character, so a name with one would silently be another name.
static bool has_zero_character(const char *text)
{
    for (const char *at = text; (at = strstr(at, "\\u0000")); at++) {
        const char *first = at;
        while (first > text && first[-1] == '\\') {
            first--;
        }
        if ((at - first) % 2 == 0) {
            return true;
        }
    }
    return false;
}

static cJSON *parse(const struct lw_string *text, struct lw_error *error)
{
    size_t bad = lw_utf8_check(lw_string_text(text), text->length);
    if (bad < text->length) {
        lw_fail(error, LW_BAD_INPUT, "Byte %zu is not UTF-8.", bad);
        return NULL;
    }
    if (has_zero_character(lw_string_text(text))) {
        lw_fail(error, LW_BAD_INPUT, "A text in it holds a zero character (\\u0000).");
        return NULL;
    }
    const char *end = NULL;
    cJSON *json = cJSON_ParseWithLengthOpts(lw_string_text(text), text->length + 1, &end, true);
    if (!json) {
        lw_fail(error, LW_BAD_INPUT,
            "It is no valid JSON from byte %zu on; the file may be cut off or damaged.",
            end ? (size_t)(end - lw_string_text(text)) : 0);
    } else if (!cJSON_IsObject(json)) {
        lw_fail(error, LW_BAD_INPUT, "It is no JSON object.");
        cJSON_Delete(json);
        json = NULL;
    }
    return json;
}

bool lw_tokenizer_file_read(
    cJSON **json, const char *folder, const char *name, bool required, struct lw_error *error)
{
    struct lw_string path = {0}, text = {0};
    *json = NULL;
    if (!lw_string_addf(&path, error, "%s/%s", folder, name)) {
        return false;
    }
    FILE *file = fopen(path.data, "rb");
    bool done = file || (!required && errno == ENOENT);
    if (!done) {
        lw_fail(error, LW_BAD_INPUT, "%s cannot be opened: %s.", path.data, strerror(errno));
    } else if (file) {
        done = read_whole(&text, file, error) && (*json = parse(&text, error)) != NULL;
        if (!done) {
            lw_fail_in(error, "%s", path.data);
        }
        fclose(file);
    }
    lw_string_free(&path);
    lw_string_free(&text);
    return done;
}
