// SPDX-License-Identifier: Apache-2.0
// The reader of Hugging Face model folders. See checkpoint.h; the writer is in checkpoint_writer.c.
#include "engine/io/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/stringbuf.h"
#include "engine/io/json.h"

struct entry {
    const struct lw_tensor_info *info; // belongs to the shard
    const struct lw_safetensors *shard;
};

struct lw_checkpoint {
    char *folder;
    char **names; // of the shard files, sorted, each once
    struct lw_safetensors **shards;
    size_t shard_count, shard_capacity;
    struct entry *entries; // shard by shard, in the order of their bytes
    struct entry *by_name;
    size_t count;
    uint64_t bytes;
};

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    return strcmp(a->info->name, b->info->name);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static bool add_shard(struct lw_checkpoint *checkpoint, const char *name, struct lw_error *error)
{
    char *copy = NULL;
    if (!lw_reserve(&checkpoint->names, &checkpoint->shard_capacity, checkpoint->shard_count + 1,
            sizeof *checkpoint->names, error) ||
        !(copy = lw_strdup(name, error))) {
        return false;
    }
    checkpoint->names[checkpoint->shard_count++] = copy;
    return true;
}

// The shard's position in checkpoint->names, shard_count when it is none.
static size_t find_shard(const struct lw_checkpoint *checkpoint, const char *name)
{
    char **found = bsearch(&name, checkpoint->names, checkpoint->shard_count,
        sizeof *checkpoint->names, compare_names);
    return found ? (size_t)(found - checkpoint->names) : checkpoint->shard_count;
}

// Fills the names from the index's map of tensors to shard files. A name that leads out of the folder
// is refused: an index is downloaded data.
static bool name_shards(struct lw_checkpoint *checkpoint, const cJSON *map, const char *index_path,
    struct lw_error *error)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, map)
    {
        const char *name = cJSON_IsString(item) ? item->valuestring : "";
        if (!name[0] || strpbrk(name, "/\\:") || strcmp(name, "..") == 0) {
            return lw_fail(error, LW_BAD_INPUT,
                "%s: \"weight_map\" gives no plain file name for tensor %.200s", index_path,
                item->string);
        }
        // Maps come sorted by tensor or by shard: runs of one shard are usual, so this keeps the
        // list short before it is sorted.
        if (checkpoint->shard_count &&
            strcmp(checkpoint->names[checkpoint->shard_count - 1], name) == 0) {
            continue;
        }
        if (!add_shard(checkpoint, name, error)) {
            return false;
        }
    }
    if (!checkpoint->shard_count) {
        return lw_fail(error, LW_BAD_INPUT, "%s: \"weight_map\" is empty", index_path);
    }
    qsort(checkpoint->names, checkpoint->shard_count, sizeof *checkpoint->names, compare_names);
    size_t kept = 1;
    for (size_t i = 1; i < checkpoint->shard_count; i++) {
        if (strcmp(checkpoint->names[kept - 1], checkpoint->names[i]) == 0) {
            lw_free(checkpoint->names[i]);
        } else {
            checkpoint->names[kept++] = checkpoint->names[i];
        }
    }
    checkpoint->shard_count = kept;
    return true;
}

static bool open_shards(
    struct lw_checkpoint *checkpoint, const char *index_path, struct lw_error *error)
{
    struct lw_string path = {0};
    bool done = true;
    checkpoint->shards = lw_calloc(checkpoint->shard_count, sizeof *checkpoint->shards, error);
    if (!checkpoint->shards) {
        return false;
    }
    for (size_t i = 0; done && i < checkpoint->shard_count; i++) {
        done = lw_path_join(&path, checkpoint->folder, checkpoint->names[i], error);
        if (done && !lw_file_exists(lw_string_text(&path))) {
            done = lw_fail(error, LW_BAD_INPUT,
                "%s is missing, but %s names it. Get the whole model again", lw_string_text(&path),
                index_path);
        }
        done = done && lw_safetensors_open(&checkpoint->shards[i], lw_string_text(&path), error);
    }
    lw_string_free(&path);
    return done;
}

static bool gather_entries(struct lw_checkpoint *checkpoint, struct lw_error *error)
{
    for (size_t i = 0; i < checkpoint->shard_count; i++) {
        checkpoint->count += lw_safetensors_count(checkpoint->shards[i]);
    }
    size_t count = checkpoint->count, next = 0;
    checkpoint->entries = lw_calloc(count, sizeof *checkpoint->entries, error);
    checkpoint->by_name = lw_calloc(count, sizeof *checkpoint->by_name, error);
    if (!checkpoint->entries || !checkpoint->by_name) {
        return false;
    }
    for (size_t i = 0; i < checkpoint->shard_count; i++) {
        const struct lw_safetensors *shard = checkpoint->shards[i];
        for (size_t k = 0; k < lw_safetensors_count(shard); k++) {
            struct entry entry = {lw_safetensors_at(shard, k), shard};
            checkpoint->bytes += entry.info->bytes;
            checkpoint->by_name[next] = entry;
            checkpoint->entries[next++] = entry;
        }
    }
    if (count) {
        qsort(checkpoint->by_name, count, sizeof *checkpoint->by_name, compare_entries);
    }
    for (size_t i = 1; i < count; i++) {
        if (compare_entries(&checkpoint->by_name[i - 1], &checkpoint->by_name[i]) == 0) {
            return lw_fail(error, LW_BAD_INPUT, "%s: tensor %.200s is in two shards",
                checkpoint->folder, checkpoint->by_name[i].info->name);
        }
    }
    return true;
}

static const struct entry *find_entry(const struct lw_checkpoint *checkpoint, const char *name)
{
    struct lw_tensor_info info = {.name = name};
    struct entry key = {&info, NULL};
    return bsearch(
        &key, checkpoint->by_name, checkpoint->count, sizeof *checkpoint->by_name, compare_entries);
}

// Every tensor that the index promises lies in the shard that it names.
static bool check_index(const struct lw_checkpoint *checkpoint, const cJSON *map,
    const char *index_path, struct lw_error *error)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, map)
    {
        const struct entry *entry = find_entry(checkpoint, item->string);
        size_t shard = find_shard(checkpoint, item->valuestring);
        if (!entry || shard == checkpoint->shard_count ||
            entry->shard != checkpoint->shards[shard]) {
            return lw_fail(error, LW_BAD_INPUT,
                "%s says that tensor %.200s is in %s, but it is not", index_path, item->string,
                item->valuestring);
        }
    }
    return true;
}

static bool open_indexed(
    struct lw_checkpoint *checkpoint, const char *index_path, struct lw_error *error)
{
    cJSON *index = lw_json_read(index_path, NULL, error);
    struct lw_json_scope scope = {index, index_path};
    bool done = false;
    if (!index || !lw_json_is_object(&scope, error)) {
        goto error;
    }
    const cJSON *map = lw_json_find(&scope, "weight_map");
    if (!cJSON_IsObject(map)) {
        lw_fail(error, LW_BAD_INPUT, "%s: \"weight_map\" must be an object", index_path);
        goto error;
    }
    done = name_shards(checkpoint, map, index_path, error) &&
           open_shards(checkpoint, index_path, error) && gather_entries(checkpoint, error) &&
           check_index(checkpoint, map, index_path, error);
error:
    cJSON_Delete(index);
    return done;
}

bool lw_checkpoint_open(
    struct lw_checkpoint **checkpoint, const char *folder, struct lw_error *error)
{
    *checkpoint = NULL;
    struct lw_string path = {0};
    bool done = false;
    struct lw_checkpoint *opened = lw_calloc(1, sizeof *opened, error);
    if (!opened || !(opened->folder = lw_strdup(folder, error)) ||
        !lw_path_join(&path, folder, "model.safetensors", error)) {
        goto error;
    }
    if (!lw_folder_exists(folder)) {
        lw_fail(error, LW_BAD_INPUT,
            "%s is no folder. A model is a folder in Hugging Face's format, with config.json, the "
            "tokenizer and safetensors files",
            folder);
    } else if (lw_file_exists(lw_string_text(&path))) {
        done = add_shard(opened, "model.safetensors", error) &&
               open_shards(opened, folder, error) && gather_entries(opened, error);
    } else if (lw_path_join(&path, folder, "model.safetensors.index.json", error)) {
        done = lw_file_exists(lw_string_text(&path))
                   ? open_indexed(opened, lw_string_text(&path), error)
                   : lw_fail(error, LW_BAD_INPUT,
                         "%s holds neither model.safetensors nor model.safetensors.index.json. "
                         "Weights in other formats (.bin, .gguf) must be converted to safetensors "
                         "first",
                         folder);
    }
error:
    lw_string_free(&path);
    if (done) {
        *checkpoint = opened;
    } else {
        lw_checkpoint_close(opened);
    }
    return done;
}

void lw_checkpoint_close(struct lw_checkpoint *checkpoint)
{
    if (!checkpoint) {
        return;
    }
    for (size_t i = 0; i < checkpoint->shard_count; i++) {
        lw_free(checkpoint->names[i]);
        if (checkpoint->shards) {
            lw_safetensors_close(checkpoint->shards[i]);
        }
    }
    lw_free(checkpoint->names);
    lw_free(checkpoint->shards);
    lw_free(checkpoint->entries);
    lw_free(checkpoint->by_name);
    lw_free(checkpoint->folder);
    lw_free(checkpoint);
}

const char *lw_checkpoint_folder(const struct lw_checkpoint *checkpoint)
{
    return checkpoint->folder;
}

size_t lw_checkpoint_count(const struct lw_checkpoint *checkpoint)
{
    return checkpoint->count;
}

const struct lw_tensor_info *lw_checkpoint_at(const struct lw_checkpoint *checkpoint, size_t index)
{
    return checkpoint->entries[index].info;
}

const struct lw_tensor_info *lw_checkpoint_find(
    const struct lw_checkpoint *checkpoint, const char *name)
{
    const struct entry *entry = find_entry(checkpoint, name);
    return entry ? entry->info : NULL;
}

uint64_t lw_checkpoint_bytes(const struct lw_checkpoint *checkpoint)
{
    return checkpoint->bytes;
}

bool lw_checkpoint_read(const struct lw_checkpoint *checkpoint, const struct lw_tensor_info *info,
    uint64_t start, void *bytes, size_t size, struct lw_error *error)
{
    const struct entry *entry = find_entry(checkpoint, info->name);
    return lw_safetensors_read(entry->shard, entry->info, start, bytes, size, error);
}

void lw_checkpoint_read_ahead(const struct lw_checkpoint *checkpoint,
    const struct lw_tensor_info *info, uint64_t start, uint64_t size)
{
    const struct entry *entry = find_entry(checkpoint, info->name);
    lw_safetensors_read_ahead(entry->shard, entry->info, start, size);
}
