// SPDX-License-Identifier: Apache-2.0
// Helpers of the golden programs for text.
#include "tests/golden/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"

bool fixture_path(struct lw_string *path, const char *text)
{
    lw_string_clear(path);
    if (*text == '$') {
        char name[64] = {0};
        size_t length = strcspn(text + 1, "/");
        memcpy(name, text + 1, length < sizeof name ? length : sizeof name - 1);
        const char *value = getenv(name);
        if (!value) {
            printf("skipped: %s is not set\n", name);
            return false;
        }
        lw_string_addf(path, NULL, "%s", value);
        text += 1 + length;
        lw_string_addf(path, NULL, "%s", text);
        if (!lw_file_exists(path->data) && !lw_folder_exists(path->data)) {
            printf("skipped: there is no %s\n", path->data);
            return false;
        }
        return true;
    }
    return lw_string_addf(path, NULL, "%s", text);
}

// Turns the escape \u0000 into \ufdd0, a code point that is no character and is not used otherwise.
static bool hide_zeros(char *text, struct lw_error *error)
{
    if (strstr(text, "\\ufdd0")) {
        return lw_fail(error, LW_BAD_INPUT, "The fixture uses U+FDD0.");
    }
    for (char *at = text; (at = strchr(at, '\\')); at += 2) {
        if (strncmp(at, "\\u0000", 6) == 0) {
            memcpy(at + 2, "fdd0", 4);
        }
    }
    return true;
}

cJSON *fixture_read(const char *path, struct lw_error *error)
{
    char *text;
    size_t length;
    cJSON *json = NULL;
    if (!lw_file_read_whole(path, (size_t)1 << 30, &text, &length, error)) {
        return NULL;
    }
    if (hide_zeros(text, error)) {
        json = cJSON_Parse(text);
        if (!json) {
            lw_fail(error, LW_BAD_INPUT, "%s is not JSON.", path);
        }
    }
    lw_free(text);
    return json;
}

bool fixture_text(struct lw_string *out, const cJSON *text, struct lw_error *error)
{
    static const char hidden[] = "\xEF\xB7\x90";
    lw_string_clear(out);
    if (!cJSON_IsString(text)) {
        return lw_fail(error, LW_BAD_INPUT, "The fixture lacks a text.");
    }
    const char *at = text->valuestring, *found;
    while ((found = strstr(at, hidden))) {
        if (!lw_string_add(out, at, (size_t)(found - at), error) ||
            !lw_string_add(out, "", 1, error)) {
            return false;
        }
        at = found + 3;
    }
    return lw_string_add(out, at, strlen(at), error);
}

bool fixture_ids(struct lw_tokens *out, const cJSON *array, struct lw_error *error)
{
    lw_tokens_clear(out);
    if (!cJSON_IsArray(array)) {
        return lw_fail(error, LW_BAD_INPUT, "The fixture lacks a list of ids.");
    }
    for (const cJSON *id = array->child; id; id = id->next) {
        if (!lw_tokens_add(out, (uint32_t)id->valuedouble, error)) {
            return false;
        }
    }
    return true;
}

static void print_text(const struct lw_string *text)
{
    putchar('"');
    for (size_t i = 0; i < text->length && i < 400; i++) {
        unsigned char byte = (unsigned char)text->data[i];
        if (byte < 0x20 || byte == 0x7F || byte == '"' || byte == '\\') {
            printf("\\x%02X", byte);
        } else {
            putchar(byte);
        }
    }
    puts("\"");
}

static void print_ids(const char *name, const struct lw_tokens *tokens)
{
    printf("  %s (%zu):", name, tokens->count);
    for (size_t i = 0; i < tokens->count; i++) {
        printf(" %u", tokens->ids[i]);
    }
    putchar('\n');
}

bool fixture_same_ids(const char *what, const struct lw_string *text,
    const struct lw_tokens *expected, const struct lw_tokens *got)
{
    if (expected->count == got->count &&
        (got->count == 0 || memcmp(expected->ids, got->ids, got->count * sizeof *got->ids) == 0)) {
        return true;
    }
    printf("MISMATCH %s: ", what);
    print_text(text);
    print_ids("expected", expected);
    print_ids("got", got);
    return false;
}

bool fixture_same_text(const char *what, const struct lw_string *text,
    const struct lw_string *expected, const struct lw_string *got)
{
    if (expected->length == got->length &&
        (got->length == 0 || memcmp(expected->data, got->data, got->length) == 0)) {
        return true;
    }
    printf("MISMATCH %s: ", what);
    print_text(text);
    printf("  expected: ");
    print_text(expected);
    printf("  got: ");
    print_text(got);
    return false;
}
