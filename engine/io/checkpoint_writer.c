// SPDX-License-Identifier: Apache-2.0
// The writer of Hugging Face model folders. See checkpoint.h. Everything goes to FOLDER.lewin-tmp; the
// rename at the end is the one moment at which FOLDER comes to be.
#include "engine/io/checkpoint_private.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/io/json.h"

static const uint64_t DEFAULT_SHARD_BYTES = 5000000000; // "5GB", transformers' default for long
static const uint64_t SPARE_BYTES = 16 << 20;           // headers and side files

static const char partial[] = ".partial"; // after the name of a shard that is being written

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static bool check_unique(const struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    const char **names = lw_calloc(writer->count, sizeof *names, error);
    if (!names) {
        return false;
    }
    for (size_t i = 0; i < writer->count; i++) {
        names[i] = writer->infos[i].name;
    }
    qsort(names, writer->count, sizeof *names, compare_names);
    bool unique = true;
    for (size_t i = 1; unique && i < writer->count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0) {
            unique = lw_fail(error, LW_FAILED, "%s: tensor %.200s twice",
                lw_string_text(&writer->folder), names[i]);
        }
    }
    lw_free(names);
    return unique;
}

// Copies the tensors' descriptions and deals them to shards as huggingface_hub does: in order, a new
// shard when the next tensor would take the current one over the limit.
static bool plan_shards(struct lw_checkpoint_writer *writer,
    const struct lw_checkpoint_params *params, struct lw_error *error)
{
    uint64_t limit = params->shard_bytes ? params->shard_bytes : DEFAULT_SHARD_BYTES;
    uint64_t filled = 0;
    writer->infos = lw_calloc(params->count, sizeof *writer->infos, error);
    writer->shard_of = lw_calloc(params->count, sizeof *writer->shard_of, error);
    if (!writer->infos || !writer->shard_of) {
        return false;
    }
    for (size_t i = 0; i < params->count; i++) {
        struct lw_tensor_info info = params->tensors[i];
        if (!lw_tensor_set_bytes(&info) || info.bytes > INT64_MAX - writer->bytes) {
            return lw_fail(error, LW_FAILED, "tensor %.200s has an absurd size", info.name);
        }
        info.name = lw_strdup(params->tensors[i].name, error);
        if (!info.name) {
            return false;
        }
        writer->infos[writer->count++] = info;
        if (filled && info.bytes > (filled < limit ? limit - filled : 0)) {
            writer->shard_count++;
            filled = 0;
        }
        writer->shard_of[i] = writer->shard_count;
        filled += info.bytes;
        writer->bytes += info.bytes;
    }
    writer->shard_count++;
    return check_unique(writer, error);
}

static bool check_target(struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    const char *folder = lw_string_text(&writer->folder);
    bool empty;
    if (lw_file_exists(folder)) {
        return lw_fail(error, LW_BAD_INPUT,
            "cannot write the model to %s: there is a file of this name. Choose another name",
            folder);
    }
    if (!lw_folder_is_empty(folder, &empty, error)) {
        return false;
    }
    if (!empty) {
        return lw_fail(error, LW_BAD_INPUT,
            "cannot write the model to %s: the folder already holds something. Remove it, or "
            "choose "
            "another name",
            folder);
    }
    // Taken away now, so that a folder that cannot be replaced (a mount point, a link) shows before
    // the work and not after it.
    return !lw_folder_exists(folder) || lw_folder_remove_empty(folder, error);
}

static bool check_space(const struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    uint64_t available, needed = writer->bytes + writer->more_bytes + SPARE_BYTES;
    for (size_t i = 0; i < writer->resumed; i++) {
        needed -= writer->infos[i].bytes;
    }
    if (!lw_folder_free_bytes(lw_string_text(&writer->beside), &available, error)) {
        return false;
    }
    if (available < needed) {
        const char *unit = needed < 10000000000 ? "MB" : "GB";
        double scale = needed < 10000000000 ? 1e-6 : 1e-9;
        return lw_fail(error, LW_FAILED,
            "not enough room for the model %s: it takes %.1f %s, %.1f %s are free there, %.1f %s "
            "are "
            "missing. Free space, or choose another disk",
            lw_string_text(&writer->folder), (double)needed * scale, unit,
            (double)available * scale, unit, (double)(needed - available) * scale, unit);
    }
    return true;
}

bool lw_checkpoint_shard_name(const struct lw_checkpoint_writer *writer, size_t shard,
    struct lw_string *name, struct lw_error *error)
{
    lw_string_clear(name);
    return writer->shard_count == 1
               ? lw_string_addf(name, error, "model.safetensors")
               : lw_string_addf(name, error, "model-%05zu-of-%05zu.safetensors", shard + 1,
                     writer->shard_count);
}

static bool open_shard(struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    size_t end = writer->tensor;
    while (end < writer->count && writer->shard_of[end] == writer->current) {
        end++;
    }
    struct lw_string name = {0}, path = {0};
    bool done =
        lw_checkpoint_shard_name(writer, writer->current, &name, error) &&
        lw_string_addf(&name, error, "%s", partial) &&
        lw_path_join(&path, lw_string_text(&writer->beside), lw_string_text(&name), error) &&
        lw_safetensors_writer_create(&writer->shard, lw_string_text(&path),
            writer->infos + writer->tensor, end - writer->tensor, writer->digests != NULL, error);
    lw_string_free(&name);
    lw_string_free(&path);
    return done;
}

bool lw_checkpoint_writer_create(struct lw_checkpoint_writer **writer,
    const struct lw_checkpoint_params *params, struct lw_error *error)
{
    *writer = NULL;
    struct lw_string parent = {0};
    bool resumes = false;
    size_t length = strlen(params->folder);
    while (
        length > 1 && (params->folder[length - 1] == '/' || params->folder[length - 1] == '\\')) {
        length--;
    }
    struct lw_checkpoint_writer *created = lw_calloc(1, sizeof *created, error);
    if (!created) {
        return false;
    }
    created->finished = true; // nothing to remove yet
    created->more_bytes = params->more_bytes;
    if (!params->count) {
        lw_fail(error, LW_FAILED, "cannot write a model without tensors to %s", params->folder);
        goto error;
    }
    if (!lw_string_add(&created->folder, params->folder, length, error) ||
        !lw_string_addf(
            &created->beside, error, "%s.lewin-tmp", lw_string_text(&created->folder)) ||
        !plan_shards(created, params, error) || !check_target(created, error) ||
        !lw_path_parent(&parent, lw_string_text(&created->beside), error) ||
        !lw_folder_create(lw_string_text(&parent), error) ||
        (params->key && params->resume &&
            !lw_checkpoint_can_resume(created, params->key, &resumes, error)) ||
        !(resumes ? lw_checkpoint_resume(created, error)
                  : lw_folder_remove(lw_string_text(&created->beside), error)) ||
        !check_space(created, error)) {
        goto error;
    }
    created->finished = false;
    if (params->digests) {
        created->digests = lw_calloc(created->shard_count, sizeof *created->digests, error);
        if (!created->digests) {
            goto error;
        }
    }
    if (!lw_folder_create(lw_string_text(&created->beside), error) ||
        (params->key && !resumes && !lw_checkpoint_keep(created, params->key, error)) ||
        (created->tensor < created->count && !open_shard(created, error))) {
        goto error;
    }
    lw_string_free(&parent);
    *writer = created;
    return true;
error:
    lw_string_free(&parent);
    lw_checkpoint_writer_destroy(created);
    return false;
}

size_t lw_checkpoint_writer_resumed(const struct lw_checkpoint_writer *writer)
{
    return writer->resumed;
}

bool lw_checkpoint_writer_keeps(const struct lw_checkpoint_writer *writer)
{
    return writer->keeps && !writer->finished && writer->current > 0;
}

const char *lw_checkpoint_writer_folder(const struct lw_checkpoint_writer *writer)
{
    return lw_string_text(&writer->beside);
}

// Gives a shard that is whole and on the disk its name.
static bool name_shard(const struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    struct lw_string name = {0}, from = {0}, to = {0};
    bool done = lw_checkpoint_shard_name(writer, writer->current, &name, error) &&
                lw_path_join(&to, lw_string_text(&writer->beside), lw_string_text(&name), error) &&
                lw_string_addf(&from, error, "%s%s", lw_string_text(&to), partial) &&
                lw_file_rename(lw_string_text(&from), lw_string_text(&to), error);
    lw_string_free(&name);
    lw_string_free(&from);
    lw_string_free(&to);
    return done;
}

static bool close_shard(struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    bool done = lw_safetensors_writer_finish(writer->shard, error) && name_shard(writer, error);
    if (writer->digests) {
        memcpy(writer->digests[writer->current], lw_safetensors_writer_digest(writer->shard),
            sizeof *writer->digests);
    }
    lw_safetensors_writer_destroy(writer->shard);
    writer->shard = NULL;
    return done;
}

// Passes by tensors that are full, and goes on to the next shard when the current one is. False only
// on failure; writer->tensor == writer->count when everything is written.
static bool advance(struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    while (
        writer->tensor < writer->count && writer->written == writer->infos[writer->tensor].bytes) {
        writer->tensor++;
        writer->written = 0;
        bool ends =
            writer->tensor == writer->count || writer->shard_of[writer->tensor] != writer->current;
        if (ends && !close_shard(writer, error)) {
            return false;
        }
        if (ends && writer->tensor < writer->count) {
            writer->current++;
            if (!open_shard(writer, error)) {
                return false;
            }
        }
    }
    return true;
}

bool lw_checkpoint_writer_add(
    struct lw_checkpoint_writer *writer, const void *bytes, size_t size, struct lw_error *error)
{
    const char *next = bytes;
    while (size) {
        if (!advance(writer, error)) {
            return false;
        }
        if (writer->tensor == writer->count) {
            return lw_fail(error, LW_FAILED, "%s: %zu bytes more than its tensors have",
                lw_string_text(&writer->folder), size);
        }
        uint64_t room = writer->infos[writer->tensor].bytes - writer->written;
        size_t part = size < room ? size : (size_t)room;
        if (!lw_safetensors_writer_add(writer->shard, next, part, error)) {
            return false;
        }
        writer->written += part;
        next += part;
        size -= part;
    }
    return true;
}

bool lw_checkpoint_writer_file(struct lw_checkpoint_writer *writer, const char *name,
    const void *bytes, size_t size, struct lw_error *error)
{
    struct lw_string path = {0};
    bool done = lw_path_join(&path, lw_string_text(&writer->beside), name, error) &&
                lw_file_write_whole(lw_string_text(&path), bytes, size, error);
    lw_string_free(&path);
    return done;
}

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);
    return length > tail && strcmp(name + length - tail, end) == 0;
}

static bool is_side_file(const char *name)
{
    static const char *const names[] = {"config.json", "generation_config.json", "tokenizer.json",
        "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
        "vocab.txt", "merges.txt", "chat_template.json"};
    // Vocabularies of SentencePiece and tiktoken, chat templates, and the code that a config's
    // auto_map may name.
    static const char *const ends[] = {".model", ".tiktoken", ".jinja", ".py"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (ends_with(name, ends[i])) {
            return true;
        }
    }
    return false;
}

bool lw_checkpoint_writer_carry(
    struct lw_checkpoint_writer *writer, const char *source, struct lw_error *error)
{
    struct lw_folder_list list = {0};
    struct lw_string from = {0}, to = {0};
    bool done = lw_folder_list(source, &list, error);
    for (size_t i = 0; done && i < list.count; i++) {
        const char *name = list.names[i];
        done = lw_path_join(&from, source, name, error) &&
               lw_path_join(&to, lw_string_text(&writer->beside), name, error);
        if (done && is_side_file(name) && lw_file_exists(lw_string_text(&from)) &&
            !lw_file_exists(lw_string_text(&to))) {
            done = lw_file_copy(lw_string_text(&from), lw_string_text(&to), error);
        }
    }
    lw_string_free(&from);
    lw_string_free(&to);
    lw_folder_list_free(&list);
    return done;
}

// Which shard holds which tensor, laid out as transformers writes it.
static bool write_index(struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    struct lw_string text = {0}, name = {0};
    bool done = lw_string_addf(&text, error,
        "{\n  \"metadata\": {\n    \"total_size\": %llu\n  },\n  \"weight_map\": {",
        (unsigned long long)writer->bytes);
    for (size_t i = 0; done && i < writer->count; i++) {
        done = lw_checkpoint_shard_name(writer, writer->shard_of[i], &name, error) &&
               lw_string_addf(&text, error, "%s\n    ", i ? "," : "") &&
               lw_json_quote(&text, writer->infos[i].name, error) &&
               lw_string_addf(&text, error, ": \"%s\"", lw_string_text(&name));
    }
    done = done && lw_string_addf(&text, error, "\n  }\n}\n") &&
           lw_checkpoint_writer_file(
               writer, "model.safetensors.index.json", text.data, text.length, error);
    lw_string_free(&text);
    lw_string_free(&name);
    return done;
}

bool lw_checkpoint_writer_end_tensors(struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    if (writer->ended || !advance(writer, error)) {
        return writer->ended;
    }
    if (writer->tensor < writer->count) {
        return lw_fail(error, LW_FAILED, "%s: only %zu of its %zu tensors were written",
            lw_string_text(&writer->folder), writer->tensor, writer->count);
    }
    writer->ended = writer->shard_count == 1 || write_index(writer, error);
    return writer->ended;
}

const char *lw_checkpoint_writer_digest(const struct lw_checkpoint_writer *writer, const char *name)
{
    struct lw_string shard = {0};
    const char *found = NULL;
    for (size_t i = 0; writer->digests && !found && i < writer->shard_count; i++) {
        if (lw_checkpoint_shard_name(writer, i, &shard, NULL) &&
            strcmp(lw_string_text(&shard), name) == 0) {
            found = *writer->digests[i] ? writer->digests[i] : NULL;
        }
    }
    lw_string_free(&shard);
    return found;
}

bool lw_checkpoint_writer_finish(struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    writer->finished =
        lw_checkpoint_writer_end_tensors(writer, error) && lw_checkpoint_forget(writer, error) &&
        lw_folder_sync(lw_string_text(&writer->beside), error) &&
        lw_file_rename(lw_string_text(&writer->beside), lw_string_text(&writer->folder), error);
    return writer->finished;
}

void lw_checkpoint_writer_destroy(struct lw_checkpoint_writer *writer)
{
    if (!writer) {
        return;
    }
    lw_safetensors_writer_destroy(writer->shard);
    if (!writer->finished && !lw_checkpoint_writer_keeps(writer)) {
        lw_folder_remove(lw_string_text(&writer->beside), NULL);
    }
    for (size_t i = 0; i < writer->count; i++) {
        lw_free((char *)writer->infos[i].name);
    }
    lw_free(writer->infos);
    lw_free(writer->shard_of);
    lw_free(writer->digests);
    lw_string_free(&writer->folder);
    lw_string_free(&writer->beside);
    lw_free(writer);
}
