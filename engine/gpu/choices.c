// SPDX-License-Identifier: Apache-2.0
// Names and numbers, kept as lines "VALUE NAME" after a line that says which kernels they are of.
// See choices.h.
#include "engine/gpu/choices.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/stringbuf.h"
#include "engine/gpu/device_private.h"
#include "engine/gpu/kernel.h"

#define MOST_BYTES ((size_t)16 << 20) // of the file

struct choice {
    char *name;
    uint32_t value;
};

struct lw_choices {
    char *file; // NULL: none
    struct choice *items;
    size_t count, capacity;
    bool changed; // since the file was read or written
};

// The first line: two programs with other kernels measure other things.
static bool add_heading(struct lw_string *text, struct lw_error *error)
{
    struct lw_hash hash;
    lw_hash_start(&hash, 0);
    for (int i = 0; i < LW_KERNEL_COUNT; i++) {
        lw_hash_add(&hash, lw_kernel_rows[i].spirv, lw_kernel_rows[i].compressed_size);
    }
    return lw_string_addf(text, error, "lewin choices %016" PRIx64 "\n", lw_hash_value(&hash));
}

static struct choice *find(const struct lw_choices *choices, const char *name)
{
    for (size_t i = 0; i < choices->count; i++) {
        if (!strcmp(choices->items[i].name, name)) {
            return &choices->items[i];
        }
    }
    return NULL;
}

static bool set(
    struct lw_choices *choices, const char *name, uint32_t value, struct lw_error *error)
{
    struct choice *choice = find(choices, name);
    if (!choice) {
        char *copy = lw_strdup(name, error);
        if (!copy || !lw_reserve(&choices->items, &choices->capacity, choices->count + 1,
                         sizeof *choices->items, error)) {
            lw_free(copy);
            return false;
        }
        choice = &choices->items[choices->count++];
        *choice = (struct choice){.name = copy};
    }
    choice->value = value;
    return true;
}

// Takes the lines of a file with the right heading, up to the first that is none of ours.
static bool parse(struct lw_choices *choices, char *text, struct lw_error *error)
{
    struct lw_string heading = {0};
    bool ok = add_heading(&heading, error);
    bool ours = ok && !strncmp(text, heading.data, heading.length);
    char *line = text + (ours ? heading.length : 0);
    lw_string_free(&heading);
    for (char *end; ok && ours && (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        char *name;
        unsigned long value = strtoul(line, &name, 10);
        if (name == line || *name != ' ' || value > UINT32_MAX) {
            break;
        }
        ok = set(choices, name + 1, (uint32_t)value, error);
    }
    return ok;
}

bool lw_choices_open(struct lw_choices **out, const struct lw_device *device,
    const char *cache_folder, struct lw_error *error)
{
    struct lw_choices *choices = *out = lw_calloc(1, sizeof *choices, error);
    if (!choices || !cache_folder) {
        return choices != NULL;
    }
    struct lw_string name = {0};
    bool ok = lw_string_addf(&name, error, "%s/choices-", cache_folder);
    for (size_t i = 0; ok && i < sizeof device->caps.cache_uuid; i++) {
        ok = lw_string_addf(&name, error, "%02x", device->caps.cache_uuid[i]);
    }
    choices->file = name.data;
    char *text = NULL;
    size_t size = 0;
    if (ok && lw_file_read_whole(choices->file, MOST_BYTES, &text, &size, NULL)) {
        ok = parse(choices, text, error);
    }
    lw_free(text);
    if (!ok) {
        lw_choices_close(choices);
        *out = NULL;
    }
    return ok;
}

static void save(struct lw_choices *choices)
{
    struct lw_string text = {0};
    bool ok = add_heading(&text, NULL);
    for (size_t i = 0; ok && i < choices->count; i++) {
        ok = lw_string_addf(
            &text, NULL, "%" PRIu32 " %s\n", choices->items[i].value, choices->items[i].name);
    }
    if (ok && choices->file && choices->changed) {
        lw_file_write_whole(choices->file, text.data, text.length, NULL);
    }
    choices->changed = false;
    lw_string_free(&text);
}

void lw_choices_close(struct lw_choices *choices)
{
    if (!choices) {
        return;
    }
    save(choices);
    for (size_t i = 0; i < choices->count; i++) {
        lw_free(choices->items[i].name);
    }
    lw_free(choices->items);
    lw_free(choices->file);
    lw_free(choices);
}

bool lw_choice_get(const struct lw_device *device, const char *name, uint32_t *value)
{
    const struct choice *choice = find(device->choices, name);
    if (choice) {
        *value = choice->value;
    }
    return choice != NULL;
}

bool lw_choice_set(
    struct lw_device *device, const char *name, uint32_t value, struct lw_error *error)
{
    device->choices->changed = true;
    return set(device->choices, name, value, error);
}

void lw_choices_save(struct lw_device *device)
{
    save(device->choices);
}
