// SPDX-License-Identifier: Apache-2.0
// Names to data files. See source.h.
#include "trainer/data/source.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/nearest.h"
#include "engine/base/stringbuf.h"
#include "engine/io/json.h"
#include "trainer/data/source_entry.h"

static const char info_name[] = "dataset_info.json";

// Where names are looked up when the recipe does not say.
static const char default_dir[] = "data";

// What resolving works with.
struct resolving {
    struct lw_sources *sources;
    const char *info_dir;
    const char *path_dir;       // of names that are paths; NULL: none
    struct lw_string info_path; // of dataset_info.json, whether it exists or not
    struct lw_string path;      // scratch
};

// --- files ----------------------------------------------------------------------------------------

// The end of a name that says the type, without the dot; ".zst" does not count. At `length` bytes.
static const char *type_of(const char *path, size_t *length)
{
    const char *name = lw_path_name(path);
    size_t end = strlen(name);
    if (end > 4 && !strcmp(name + end - 4, ".zst")) {
        end -= 4;
    }
    size_t start = end;
    while (start && name[start - 1] != '.') {
        start--;
    }
    *length = start ? end - start : 0;
    return name + start;
}

static bool is_type(const char *path, const char *type)
{
    size_t length;
    const char *found = type_of(path, &length);
    return strlen(type) == length && !memcmp(found, type, length);
}

static bool same_type(const char *left, const char *right)
{
    size_t left_length, right_length;
    const char *a = type_of(left, &left_length), *b = type_of(right, &right_length);
    bool json = (is_type(left, "json") || is_type(left, "jsonl")) &&
                (is_type(right, "json") || is_type(right, "jsonl"));
    return json || (left_length == right_length && !memcmp(a, b, left_length));
}

static bool add_path(struct lw_source *source, const char *path, struct lw_error *error)
{
    static const struct {
        const char *type, *builder, *option; // how Hugging Face datasets reads it
    } tables[] = {{"csv", "csv", ""}, {"tsv", "csv", "sep=\"\\t\", "}, {"parquet", "parquet", ""},
        {"arrow", "arrow", ""}};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (is_type(path, tables[i].type)) {
            return lw_fail(error, LW_BAD_INPUT,
                "%s: %s files are not read; write it as JSON Lines, in Python: "
                "datasets.load_dataset(\"%s\", data_files=\"%s\", %ssplit=\"train\")"
                ".to_json(\"data.jsonl\", force_ascii=False)",
                path, tables[i].type, tables[i].builder, lw_path_name(path), tables[i].option);
        }
    }
    if (source->path_count && !same_type(source->paths[0], path)) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s and %s are of different types; the files of a folder must be of one",
            source->paths[0], path);
    }
    char **grown = lw_realloc(source->paths, source->path_count + 1, sizeof *grown, error);
    if (!grown) {
        return false;
    }
    source->paths = grown;
    char *copy = lw_strdup(path, error);
    if (!copy) {
        return false;
    }
    source->paths[source->path_count++] = copy;
    return true;
}

static bool add_folder(struct lw_source *source, const char *folder, struct lw_error *error)
{
    struct lw_folder_list list = {0};
    struct lw_string path = {0};
    bool added = lw_folder_list(folder, &list, error);
    if (added && list.count == 0) {
        added = lw_fail(error, LW_BAD_INPUT, "there is no file in the folder %s", folder);
    }
    for (size_t i = 0; added && i < list.count; i++) {
        added = lw_path_join(&path, folder, list.names[i], error);
        if (added && lw_folder_exists(path.data)) {
            added = lw_fail(error, LW_BAD_INPUT,
                "%s is a folder inside a folder of data files; only files are read there",
                path.data);
        }
        added = added && add_path(source, path.data, error);
    }
    lw_string_free(&path);
    lw_folder_list_free(&list);
    return added;
}

static bool add_files(struct lw_source *source, const char *path, struct lw_error *error)
{
    return lw_folder_exists(path) ? add_folder(source, path, error) : add_path(source, path, error);
}

// --- names ----------------------------------------------------------------------------------------

// The last entry of that name, as Python's json takes it.
static const cJSON *find_entry(const cJSON *info, const char *name)
{
    const cJSON *found = NULL;
    const cJSON *item;
    cJSON_ArrayForEach(item, info)
    {
        found = strcmp(item->string, name) ? found : item;
    }
    return found;
}

static const char *nearest_entry(const cJSON *info, const char *name)
{
    const char *nearest = NULL;
    const cJSON *item;
    cJSON_ArrayForEach(item, info)
    {
        const char *const candidates[] = {nearest ? nearest : item->string, item->string};
        nearest = lw_nearest_name(name, candidates, 2, sizeof candidates[0]);
    }
    return nearest;
}

static bool fail_unknown(
    const struct resolving *resolving, const char *name, const char *path, struct lw_error *error)
{
    const cJSON *info = resolving->sources->info;
    const char *near = nearest_entry(info, name);
    return lw_fail(error, LW_BAD_INPUT,
        "dataset \"%s\": %s %s%s, and there is no file %s%s%s%s; dataset_dir says where both are "
        "looked for",
        name, info ? "no entry of that name in" : "there is no",
        lw_string_text(&resolving->info_path), info ? "" : " to name it", path,
        near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

static bool resolve_name(
    struct resolving *resolving, const char *name, struct lw_source *source, struct lw_error *error)
{
    source->name = lw_strdup(name, error);
    if (!source->name) {
        return false;
    }
    const cJSON *entry = find_entry(resolving->sources->info, name);
    if (entry) {
        const char *file_name = NULL;
        if (!lw_source_read_entry(
                entry, resolving->info_path.data, name, source, &file_name, error) ||
            !lw_path_join(&resolving->path, resolving->info_dir, file_name, error)) {
            return false;
        }
        const char *path = resolving->path.data;
        if (!lw_file_exists(path) && !lw_folder_exists(path)) {
            return lw_fail(error, LW_BAD_INPUT, "%s, \"%s\": there is no file or folder %s",
                resolving->info_path.data, name, path);
        }
        return add_files(source, path, error);
    }
    if (!lw_path_join(&resolving->path, resolving->path_dir, name, error)) {
        return false;
    }
    const char *path = resolving->path.data;
    if (!lw_file_exists(path) && !lw_folder_exists(path)) {
        return fail_unknown(resolving, name, path, error);
    }
    return add_files(source, path, error);
}

static bool check_names(
    const struct lw_option_list *names, const char *dataset_dir, struct lw_error *error)
{
    if (dataset_dir && (!strcmp(dataset_dir, "ONLINE") || !strncmp(dataset_dir, "REMOTE:", 7))) {
        return lw_fail(error, LW_BAD_INPUT,
            "dataset_dir: %s: nothing is downloaded here; fetch the files and give their folder",
            dataset_dir);
    }
    for (size_t i = 0; i < names->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(names->items[i], names->items[j])) {
                return lw_fail(error, LW_BAD_INPUT,
                    "dataset \"%s\" is named twice; num_samples in dataset_info.json or "
                    "interleave_probs give it more weight",
                    names->items[i]);
            }
        }
    }
    return true;
}

// Reads dataset_info.json where there is one.
static bool read_info(struct resolving *resolving, struct lw_error *error)
{
    struct lw_sources *sources = resolving->sources;
    if (!lw_path_join(&resolving->info_path, resolving->info_dir, info_name, error)) {
        return false;
    }
    if (!lw_file_exists(resolving->info_path.data)) {
        return true;
    }
    sources->info = lw_json_read(resolving->info_path.data, NULL, error);
    struct lw_json_scope scope = {sources->info, resolving->info_path.data};
    return sources->info && lw_json_is_object(&scope, error);
}

bool lw_sources_resolve(struct lw_sources *sources, const struct lw_option_list *names,
    const char *dataset_dir, struct lw_error *error)
{
    bool given = dataset_dir && dataset_dir[0];
    struct resolving resolving = {.sources = sources,
        .info_dir = given ? dataset_dir : default_dir,
        .path_dir = given ? dataset_dir : NULL};
    bool resolved = check_names(names, dataset_dir, error) && read_info(&resolving, error);
    if (resolved) {
        sources->items = lw_calloc(names->count, sizeof *sources->items, error);
        resolved = sources->items != NULL;
    }
    for (size_t i = 0; resolved && i < names->count; i++) {
        resolved =
            resolve_name(&resolving, names->items[i], &sources->items[sources->count++], error);
    }
    lw_string_free(&resolving.info_path);
    lw_string_free(&resolving.path);
    return resolved;
}

void lw_sources_free(struct lw_sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        struct lw_source *source = &sources->items[i];
        for (size_t j = 0; j < source->path_count; j++) {
            lw_free(source->paths[j]);
        }
        lw_free(source->paths);
        lw_free(source->name);
    }
    lw_free(sources->items);
    cJSON_Delete(sources->info);
    *sources = (struct lw_sources){0};
}

const char *lw_source_path(const struct lw_source *source, uint32_t file)
{
    return file < source->path_count ? source->paths[file] : source->name;
}
