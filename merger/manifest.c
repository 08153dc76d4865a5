// SPDX-License-Identifier: Apache-2.0
// See manifest.h.
#include "merger/manifest.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/sha256.h"
#include "engine/base/thread.h"

struct input_file {
    const char *folder; // a parent's
    char *name;
    uint64_t bytes;
    char digest[LW_SHA256_TEXT];
};

struct lw_merge_hashing {
    struct input_file *files; // [count]
    size_t count, capacity;
    bool digests;
    struct lw_thread *thread;
    atomic_bool stopped;
    bool failed;
    struct lw_error error;
};

// What of a model's folder goes into a merge: config, tokenizer and tensors.
static bool is_input(const char *name)
{
    size_t length = strlen(name);
    const char *end = strrchr(name, '.');
    return length && end &&
           (strcmp(end, ".safetensors") == 0 || strcmp(end, ".json") == 0 ||
               strcmp(end, ".jinja") == 0 || strcmp(end, ".model") == 0);
}

static bool is_listed(const struct lw_merge_hashing *hashing, const char *folder)
{
    for (size_t i = 0; i < hashing->count; i++) {
        if (strcmp(hashing->files[i].folder, folder) == 0) {
            return true;
        }
    }
    return false;
}

static bool list_folder(
    struct lw_merge_hashing *hashing, const char *folder, struct lw_error *error)
{
    struct lw_folder_list list = {0};
    struct lw_string path = {0};
    if (is_listed(hashing, folder)) {
        return true;
    }
    bool done = lw_folder_list(folder, &list, error);
    for (size_t i = 0; done && i < list.count; i++) {
        done = lw_path_join(&path, folder, list.names[i], error);
        if (!done || !is_input(list.names[i]) || !lw_file_exists(lw_string_text(&path))) {
            continue;
        }
        done = lw_reserve(
            &hashing->files, &hashing->capacity, hashing->count + 1, sizeof *hashing->files, error);
        char *name = done ? lw_strdup(list.names[i], error) : NULL;
        if ((done = name != NULL)) {
            hashing->files[hashing->count++] = (struct input_file){.folder = folder, .name = name};
        }
    }
    lw_string_free(&path);
    lw_folder_list_free(&list);
    return done;
}

static bool read_file(
    struct lw_merge_hashing *hashing, struct input_file *file, struct lw_error *error)
{
    struct lw_string path = {0};
    struct lw_file_stamp stamp;
    bool done = lw_path_join(&path, file->folder, file->name, error) &&
                lw_file_stamp(lw_string_text(&path), &stamp, error);
    file->bytes = done ? stamp.size : 0;
    done = done && (!hashing->digests || lw_sha256_file(lw_string_text(&path), file->digest,
                                             &file->bytes, &hashing->stopped, error));
    lw_string_free(&path);
    return done;
}

static void read_files(void *context)
{
    struct lw_merge_hashing *hashing = context;
    for (size_t i = 0; !hashing->failed && i < hashing->count; i++) {
        hashing->failed = !read_file(hashing, &hashing->files[i], &hashing->error);
    }
}

bool lw_merge_hashing_start(struct lw_merge_hashing **hashing, const struct lw_merge_plan *plan,
    bool digests, struct lw_error *error)
{
    struct lw_merge_hashing *created = lw_calloc(1, sizeof *created, error);
    *hashing = NULL;
    bool done = created != NULL;
    for (size_t i = 0; done && i < plan->parent_count; i++) {
        const struct lw_merge_parent *parent = &plan->parents[i];
        done = list_folder(created, parent->folder, error) &&
               (!parent->adapter || list_folder(created, parent->adapter, error));
    }
    if (done) {
        created->digests = digests;
        done = lw_thread_create(&created->thread, read_files, created, error);
    }
    if (!done) {
        lw_merge_hashing_destroy(created);
        return false;
    }
    *hashing = created;
    return true;
}

bool lw_merge_hashing_wait(struct lw_merge_hashing *hashing, struct lw_error *error)
{
    lw_thread_join(hashing->thread);
    hashing->thread = NULL;
    return !hashing->failed || lw_fail(error, hashing->error.status, "%s", hashing->error.message);
}

void lw_merge_hashing_destroy(struct lw_merge_hashing *hashing)
{
    if (!hashing) {
        return;
    }
    atomic_store(&hashing->stopped, true);
    lw_thread_join(hashing->thread);
    for (size_t i = 0; i < hashing->count; i++) {
        lw_free(hashing->files[i].name);
    }
    lw_free(hashing->files);
    lw_free(hashing);
}

static bool add_file(cJSON *list, const char *folder, const char *name, uint64_t bytes,
    const char *digest, struct lw_error *error)
{
    cJSON *file = cJSON_CreateObject();
    bool added = file && (!folder || cJSON_AddStringToObject(file, "model", folder)) &&
                 cJSON_AddStringToObject(file, "file", name) &&
                 cJSON_AddNumberToObject(file, "bytes", (double)bytes) &&
                 (!digest || cJSON_AddStringToObject(file, "sha256", digest)) &&
                 cJSON_AddItemToArray(list, file);
    if (!added) {
        cJSON_Delete(file);
        return lw_fail_memory(error, "the manifest", 0);
    }
    return true;
}

static bool add_inputs(cJSON *list, struct lw_merge_hashing *hashing, struct lw_error *error)
{
    bool done = lw_merge_hashing_wait(hashing, error);
    for (size_t i = 0; done && i < hashing->count; i++) {
        const struct input_file *file = &hashing->files[i];
        done = add_file(list, file->folder, file->name, file->bytes,
            hashing->digests ? file->digest : NULL, error);
    }
    return done;
}

// The size of a file of the result, and its digest unless the writer knows it.
static bool read_output(const char *folder, const char *name, const char *known, bool wanted,
    struct lw_file_stamp *stamp, char digest[LW_SHA256_TEXT], struct lw_error *error)
{
    struct lw_string path = {0};
    uint64_t bytes;
    bool done = lw_path_join(&path, folder, name, error) &&
                lw_file_stamp(lw_string_text(&path), stamp, error);
    if (done && known) {
        memcpy(digest, known, LW_SHA256_TEXT);
    } else if (done && wanted) {
        done = lw_sha256_file(lw_string_text(&path), digest, &bytes, NULL, error);
    }
    lw_string_free(&path);
    return done;
}

static bool add_outputs(
    cJSON *list, const struct lw_checkpoint_writer *writer, bool wanted, struct lw_error *error)
{
    struct lw_folder_list names = {0};
    const char *folder = lw_checkpoint_writer_folder(writer);
    bool done = lw_folder_list(folder, &names, error);
    for (size_t i = 0; done && i < names.count; i++) {
        const char *name = names.names[i];
        char digest[LW_SHA256_TEXT];
        struct lw_file_stamp stamp;
        done = *name == '.' || // the writer's own
               (read_output(folder, name, lw_checkpoint_writer_digest(writer, name), wanted, &stamp,
                    digest, error) &&
                   add_file(list, NULL, name, stamp.size, wanted ? digest : NULL, error));
    }
    lw_folder_list_free(&names);
    return done;
}

bool lw_merge_manifest_write(const struct lw_merge_plan *plan, struct lw_merge_hashing *hashing,
    const char *device, struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    cJSON *manifest = cJSON_CreateObject();
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)plan->seed);
    bool made = manifest && cJSON_AddStringToObject(manifest, "lewin", LW_VERSION) &&
                cJSON_AddStringToObject(manifest, "method", plan->method->name) &&
                (!plan->method->random || cJSON_AddStringToObject(manifest, "seed", seed)) &&
                cJSON_AddStringToObject(manifest, "device", device);
    cJSON *inputs = made ? cJSON_AddArrayToObject(manifest, "inputs") : NULL;
    cJSON *outputs = inputs ? cJSON_AddArrayToObject(manifest, "outputs") : NULL;
    bool written = outputs && add_inputs(inputs, hashing, error) &&
                   add_outputs(outputs, writer, hashing->digests, error);
    char *text = written ? cJSON_Print(manifest) : NULL;
    if (!outputs || (written && !text)) {
        lw_fail_memory(error, "the manifest", 0);
    }
    written =
        text && lw_checkpoint_writer_file(writer, LW_MERGE_MANIFEST, text, strlen(text), error);
    cJSON_free(text);
    cJSON_Delete(manifest);
    return written;
}
