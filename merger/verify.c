// SPDX-License-Identifier: Apache-2.0
// See verify.h.
#include "merger/verify.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/sha256.h"
#include "engine/base/stringbuf.h"
#include "engine/io/json.h"
#include "merger/manifest.h"

struct verification {
    const struct lw_merge_verify_params *params;
    const cJSON *outputs;
    size_t wrong; // files of the result
    struct lw_merge_verdict *verdict;
};

static bool tell(
    struct verification *verification, const struct lw_merge_verified *file, struct lw_error *error)
{
    const struct lw_merge_verify_params *params = verification->params;
    bool good = file->state == LW_MERGE_FILE_SAME || file->state == LW_MERGE_FILE_UNKNOWN;
    verification->wrong += !file->input && !good;
    verification->verdict->inputs += file->input;
    verification->verdict->inputs_changed += file->input && !good;
    params->file(params->context, file);
    return !params->stopping || !params->stopping(params->context) ||
           lw_fail(error, LW_INTERRUPTED, "interrupted while the files were read");
}

// Compares the file at `path` with what the manifest says of it.
static bool compare(const char *path, uint64_t size, const char *digest, enum lw_merge_state *state,
    struct lw_error *error)
{
    char found[LW_SHA256_TEXT];
    struct lw_file_stamp stamp;
    uint64_t bytes;
    if (!lw_file_exists(path)) {
        *state = LW_MERGE_FILE_MISSING;
        return true;
    }
    if (!lw_file_stamp(path, &stamp, error)) {
        return false;
    }
    *state = stamp.size != size ? LW_MERGE_FILE_CHANGED : LW_MERGE_FILE_UNKNOWN;
    if (!digest || stamp.size != size) {
        return true;
    }
    if (!lw_sha256_file(path, found, &bytes, NULL, error)) {
        return false;
    }
    *state = strcmp(found, digest) == 0 ? LW_MERGE_FILE_SAME : LW_MERGE_FILE_CHANGED;
    return true;
}

// A name of the manifest leads into its folder and nowhere else.
static bool check_name(const struct lw_json_scope *scope, const char *name, struct lw_error *error)
{
    return (*name && !strpbrk(name, "/\\") && strcmp(name, "..") != 0) ||
           lw_fail(error, LW_BAD_INPUT, "%s: \"file\" must be a name without folders, found \"%s\"",
               scope->name, name);
}

static bool verify_entry(
    struct verification *verification, const cJSON *entry, bool input, struct lw_error *error)
{
    const struct lw_json_scope scope = {entry, LW_MERGE_MANIFEST};
    struct lw_merge_verified file = {.folder = verification->params->folder, .input = input};
    const char *digest = NULL;
    int64_t bytes;
    struct lw_string path = {0};
    bool done = lw_json_is_object(&scope, error) &&
                (!input || lw_json_string(&scope, "model", &file.folder, error)) &&
                lw_json_string(&scope, "file", &file.name, error) &&
                check_name(&scope, file.name, error) &&
                lw_json_integer(&scope, "bytes", 0, (int64_t)1 << 53, &bytes, error) &&
                lw_json_optional_string(&scope, "sha256", &digest, error) &&
                lw_path_join(&path, file.folder, file.name, error) &&
                compare(lw_string_text(&path), (uint64_t)bytes, digest, &file.state, error) &&
                tell(verification, &file, error);
    lw_string_free(&path);
    return done;
}

static bool is_listed(const struct verification *verification, const char *name)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, verification->outputs)
    {
        const char *listed = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "file"));
        if (listed && strcmp(listed, name) == 0) {
            return true;
        }
    }
    return strcmp(name, LW_MERGE_MANIFEST) == 0;
}

// A shard or a config that somebody put beside would be loaded with the rest.
static bool find_extra(struct verification *verification, struct lw_error *error)
{
    struct lw_folder_list list = {0};
    bool done = lw_folder_list(verification->params->folder, &list, error);
    for (size_t i = 0; done && i < list.count; i++) {
        const struct lw_merge_verified file = {.folder = verification->params->folder,
            .name = list.names[i],
            .state = LW_MERGE_FILE_EXTRA};
        done = is_listed(verification, list.names[i]) || tell(verification, &file, error);
    }
    lw_folder_list_free(&list);
    return done;
}

static bool verify_list(
    struct verification *verification, const cJSON *list, bool input, struct lw_error *error)
{
    const cJSON *entry;
    if (!cJSON_IsArray(list)) {
        return lw_fail(error, LW_BAD_INPUT, "%s/%s: \"%s\" must be a list of files",
            verification->params->folder, LW_MERGE_MANIFEST, input ? "inputs" : "outputs");
    }
    cJSON_ArrayForEach(entry, list)
    {
        if (!verify_entry(verification, entry, input, error)) {
            return false;
        }
    }
    return true;
}

static bool read_seed(const cJSON *manifest, uint64_t *seed, struct lw_error *error)
{
    const struct lw_json_scope scope = {manifest, LW_MERGE_MANIFEST};
    const char *text = "0";
    char *end;
    if (!lw_json_optional_string(&scope, "seed", &text, error)) {
        return false;
    }
    *seed = strtoull(text, &end, 10);
    return (end != text && !*end) ||
           lw_fail(error, LW_BAD_INPUT, "%s: \"seed\" must be a number in quotes, found \"%s\"",
               LW_MERGE_MANIFEST, text);
}

bool lw_merge_verify(const struct lw_merge_verify_params *params, struct lw_merge_verdict *verdict,
    struct lw_error *error)
{
    cJSON *manifest = NULL;
    *verdict = (struct lw_merge_verdict){0};
    if (!lw_json_read_object(&manifest, params->folder, LW_MERGE_MANIFEST, true, error)) {
        return false;
    }
    struct verification verification = {.params = params,
        .verdict = verdict,
        .outputs = cJSON_GetObjectItemCaseSensitive(manifest, "outputs")};
    bool done = verify_list(&verification, verification.outputs, false, error) &&
                find_extra(&verification, error) &&
                verify_list(&verification, cJSON_GetObjectItemCaseSensitive(manifest, "inputs"),
                    true, error) &&
                read_seed(manifest, &verdict->seed, error);
    if (done && verification.wrong) {
        done = lw_fail(error, LW_BAD_INPUT,
            "%s: %zu of its files are not as the merge left them; do not use it before you know "
            "why",
            params->folder, verification.wrong);
    }
    cJSON_Delete(manifest);
    return done;
}
