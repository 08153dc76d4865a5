// SPDX-License-Identifier: Apache-2.0
// Writing and reading training checkpoints. See snapshot.h.
#include "trainer/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/numeric.h"
#include "engine/base/stringbuf.h"
#include "engine/io/json.h"

// Elements that pass through the host at a time.
#define CHUNK ((uint64_t)1 << 20)
#define CHECKPOINT_PREFIX "checkpoint-"
#define STATE_FILE "lewin_state.json"

typedef bool (*add_bytes)(void *writer, const void *bytes, size_t size, struct lw_error *error);

static bool add_to_checkpoint(void *writer, const void *bytes, size_t size, struct lw_error *error)
{
    return lw_checkpoint_writer_add(writer, bytes, size, error);
}

static bool add_to_file(void *writer, const void *bytes, size_t size, struct lw_error *error)
{
    return lw_safetensors_writer_add(writer, bytes, size, error);
}

// Rounds in place to a 16-bit type.
static void narrow(enum lw_dtype dtype, float *values, uint64_t count)
{
    uint16_t *halves = (uint16_t *)values;
    for (uint64_t i = 0; dtype != LW_DTYPE_F32 && i < count; i++) {
        float value;
        memcpy(&value, (char *)values + i * sizeof value, sizeof value);
        uint16_t half = dtype == LW_DTYPE_BF16 ? lw_float_to_bf16(value) : lw_float_to_f16(value);
        memcpy(&halves[i], &half, sizeof half);
    }
}

// Streams one parameter of a store to a writer.
static bool write_parameter(const struct lw_store *store, const struct lw_parameter *parameter,
    enum lw_dtype dtype, add_bytes add, void *writer, struct lw_error *error)
{
    float *values = lw_calloc(CHUNK, sizeof *values, error);
    uint64_t total = (uint64_t)parameter->rows * parameter->columns;
    bool done = values != NULL;
    for (uint64_t first = 0; done && first < total; first += CHUNK) {
        uint64_t count = total - first < CHUNK ? total - first : CHUNK;
        done = lw_store_read(store, parameter, first, values, count, error);
        if (done) {
            narrow(dtype, values, count);
            done = add(writer, values, count * lw_dtype_size(dtype), error);
        }
    }
    lw_free(values);
    return done;
}

static struct lw_tensor_info parameter_info(
    const struct lw_parameter *parameter, const char *name, enum lw_dtype dtype)
{
    struct lw_tensor_info info = {.name = name, .dtype = dtype, .rank = (int)parameter->rank};
    info.shape[0] = parameter->rank == 1 ? parameter->columns : parameter->rows;
    info.shape[1] = parameter->columns;
    return info;
}

static const struct lw_parameter *find_parameter(const struct lw_layout *layout, const char *name)
{
    for (size_t i = 0; i < layout->parameter_count; i++) {
        if (!strcmp(layout->parameters[i].name, name)) {
            return &layout->parameters[i];
        }
    }
    return NULL;
}

// The tensors of `base` that the model has, in their order.
static struct lw_tensor_info *list_tensors(const struct lw_layout *layout,
    const struct lw_checkpoint *base, size_t *count, struct lw_error *error)
{
    struct lw_tensor_info *infos = lw_calloc(lw_checkpoint_count(base), sizeof *infos, error);
    *count = 0;
    for (size_t i = 0; infos && i < lw_checkpoint_count(base); i++) {
        const struct lw_tensor_info *info = lw_checkpoint_at(base, i);
        if (find_parameter(layout, info->name)) {
            infos[(*count)++] = *info;
        }
    }
    return infos;
}

static bool write_weights(struct lw_checkpoint_writer *writer, const struct lw_training *training,
    const struct lw_tensor_info *infos, size_t count, struct lw_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct lw_parameter *parameter = find_parameter(training->layout, infos[i].name);
        if (!write_parameter(
                training->master, parameter, infos[i].dtype, add_to_checkpoint, writer, error)) {
            return false;
        }
    }
    return true;
}

// The three stores of optimizer.safetensors and the prefix of their tensors' names.
static const char *const state_prefixes[] = {"master.", "exp_avg.", "exp_avg_sq."};

static const struct lw_store *state_store(const struct lw_training *training, size_t index)
{
    return index == 0   ? training->master
           : index == 1 ? training->first_moments
                        : training->second_moments;
}

static bool write_state_tensors(
    struct lw_safetensors_writer *file, const struct lw_training *training, struct lw_error *error)
{
    const struct lw_layout *layout = training->layout;
    for (size_t i = 0; i < 3 * layout->parameter_count; i++) {
        if (!write_parameter(state_store(training, i / layout->parameter_count),
                &layout->parameters[i % layout->parameter_count], LW_DTYPE_F32, add_to_file, file,
                error)) {
            return false;
        }
    }
    return lw_safetensors_writer_finish(file, error);
}

static bool write_optimizer(
    const char *folder, const struct lw_training *training, struct lw_error *error)
{
    const struct lw_layout *layout = training->layout;
    size_t count = 3 * layout->parameter_count;
    struct lw_tensor_info *infos = lw_calloc(count, sizeof *infos, error);
    char(*names)[128] = lw_calloc(count, sizeof *names, error);
    struct lw_string path = {0};
    struct lw_safetensors_writer *file = NULL;
    bool done = infos && names;
    for (size_t i = 0; done && i < count; i++) {
        const struct lw_parameter *parameter = &layout->parameters[i % layout->parameter_count];
        snprintf(names[i], sizeof names[i], "%s%s", state_prefixes[i / layout->parameter_count],
            parameter->name);
        infos[i] = parameter_info(parameter, names[i], LW_DTYPE_F32);
    }
    done = done && lw_string_addf(&path, error, "%s/optimizer.safetensors", folder) &&
           lw_safetensors_writer_create(&file, path.data, infos, count, false, error) &&
           write_state_tensors(file, training, error);
    lw_safetensors_writer_destroy(file);
    lw_string_free(&path);
    lw_free(infos);
    lw_free(names);
    return done;
}

// 64-bit hashes as text, doubles so that they come back exactly.
static bool write_state(struct lw_checkpoint_writer *writer, const struct lw_snapshot_state *state,
    struct lw_error *error)
{
    struct lw_string text = {0};
    bool done = lw_string_addf(&text, error,
                    "{\n  \"update\": %" PRIu64 ",\n  \"tokens\": %" PRIu64 ",\n"
                    "  \"data\": \"%016" PRIx64 "\",\n  \"recipe\": \"%016" PRIx64 "\",\n"
                    "  \"tokens_per_batch\": %" PRIu64
                    ",\n  \"elapsed_seconds\": %.17g,\n  \"window_loss\": %.17g,\n"
                    "  \"window_count\": %" PRIu64 ",\n  \"total_loss\": %.17g\n}\n",
                    state->update, state->tokens, state->fingerprint, state->recipe,
                    state->tokens_per_batch, state->elapsed_seconds, state->window_loss,
                    state->window_count, state->total_loss) &&
                lw_checkpoint_writer_file(writer, STATE_FILE, text.data, text.length, error);
    lw_string_free(&text);
    return done;
}

static bool write_report(struct lw_checkpoint_writer *writer, const struct lw_trainer_state *report,
    struct lw_error *error)
{
    struct lw_string text = {0};
    bool done =
        lw_trainer_state_print(report, &text, error) &&
        lw_checkpoint_writer_file(writer, LW_TRAINER_STATE_FILE, text.data, text.length, error);
    lw_string_free(&text);
    return done;
}

// `state` NULL: the model alone.
static bool write_folder(const char *folder, const struct lw_training *training,
    const struct lw_checkpoint *base, const struct lw_snapshot_state *state,
    const struct lw_trainer_state *report, struct lw_error *error)
{
    size_t count;
    struct lw_tensor_info *infos = list_tensors(training->layout, base, &count, error);
    struct lw_checkpoint_writer *writer = NULL;
    const struct lw_checkpoint_params params = {.folder = folder,
        .tensors = infos,
        .count = count,
        .more_bytes = state ? 3 * sizeof(float) * training->layout->parameter_elements : 0};
    bool done = infos && lw_checkpoint_writer_create(&writer, &params, error) &&
                write_weights(writer, training, infos, count, error) &&
                (!state || (write_optimizer(lw_checkpoint_writer_folder(writer), training, error) &&
                               write_state(writer, state, error))) &&
                (!report || write_report(writer, report, error)) &&
                lw_checkpoint_writer_carry(writer, lw_checkpoint_folder(base), error) &&
                lw_checkpoint_writer_finish(writer, error);
    lw_checkpoint_writer_destroy(writer);
    lw_free(infos);
    return done || lw_fail_in(error, "writing %s", folder);
}

void lw_snapshot_path(char *path, size_t size, const char *output, uint64_t step)
{
    snprintf(path, size, "%s/" CHECKPOINT_PREFIX "%" PRIu64, output, step);
}

// Under another name first: a checkpoint whose removal was cut short must not look like one.
static bool remove_checkpoint(const char *folder, struct lw_error *error)
{
    struct lw_string beside = {0};
    bool done = lw_string_addf(&beside, error, "%s" LW_SNAPSHOT_UNFINISHED, folder) &&
                lw_folder_remove(beside.data, error) &&
                lw_file_rename(folder, beside.data, error) && lw_folder_remove(beside.data, error);
    lw_string_free(&beside);
    return done;
}

bool lw_snapshot_save(const char *folder, const struct lw_training *training,
    const struct lw_checkpoint *base, const struct lw_snapshot_state *state,
    const struct lw_trainer_state *report, struct lw_error *error)
{
    if (lw_folder_exists(folder) && !remove_checkpoint(folder, error)) {
        return false;
    }
    return write_folder(folder, training, base, state, report, error);
}

static bool read_hash(
    const struct lw_json_scope *scope, const char *key, uint64_t *hash, struct lw_error *error)
{
    const char *text;
    if (!lw_json_string(scope, key, &text, error)) {
        return false;
    }
    *hash = strtoull(text, NULL, 16);
    return true;
}

static bool parse_state(
    const struct lw_json_scope *scope, struct lw_snapshot_state *state, struct lw_error *error)
{
    const int64_t most = (int64_t)1 << 53;
    int64_t update, tokens, tokens_per_batch, window_count;
    if (!lw_json_integer(scope, "update", 1, most, &update, error) ||
        !lw_json_integer(scope, "tokens", 0, most, &tokens, error) ||
        !read_hash(scope, "data", &state->fingerprint, error) ||
        !read_hash(scope, "recipe", &state->recipe, error) ||
        !lw_json_integer(scope, "tokens_per_batch", 1, 1 << 24, &tokens_per_batch, error) ||
        !lw_json_number(scope, "elapsed_seconds", 0, 1e12, &state->elapsed_seconds, error) ||
        !lw_json_number(scope, "window_loss", -1e300, 1e300, &state->window_loss, error) ||
        !lw_json_integer(scope, "window_count", 0, most, &window_count, error) ||
        !lw_json_number(scope, "total_loss", -1e300, 1e300, &state->total_loss, error)) {
        return false;
    }
    state->update = (uint64_t)update;
    state->tokens = (uint64_t)tokens;
    state->tokens_per_batch = (uint64_t)tokens_per_batch;
    state->window_count = (uint64_t)window_count;
    return true;
}

bool lw_snapshot_read_state(
    const char *folder, struct lw_snapshot_state *state, struct lw_error *error)
{
    *state = (struct lw_snapshot_state){0};
    struct lw_string path = {0};
    cJSON *json = NULL;
    bool done = lw_string_addf(&path, error, "%s/" STATE_FILE, folder);
    if (done && lw_folder_exists(folder) && !lw_file_exists(path.data)) {
        done = lw_fail(error, LW_BAD_INPUT,
            "it has no " STATE_FILE ": it holds a model alone (save_only_model), or is another "
            "program's. Choose another output_dir, or set overwrite_output_dir: true to begin "
            "anew");
    }
    done = done && (json = lw_json_read(path.data, NULL, error)) != NULL;
    const struct lw_json_scope scope = {json, lw_string_text(&path)};
    done = done && lw_json_is_object(&scope, error) && parse_state(&scope, state, error);
    cJSON_Delete(json);
    lw_string_free(&path);
    return done || lw_fail_in(error, "resuming from %s", folder);
}

static bool read_parameter(const struct lw_safetensors *file, const struct lw_store *store,
    const struct lw_parameter *parameter, const char *prefix, float *values, struct lw_error *error)
{
    char name[128];
    snprintf(name, sizeof name, "%s%s", prefix, parameter->name);
    const struct lw_tensor_info *info = lw_safetensors_find(file, name);
    uint64_t total = (uint64_t)parameter->rows * parameter->columns;
    if (!info || info->dtype != LW_DTYPE_F32 || lw_tensor_elements(info) != total) {
        return lw_fail(error, LW_BAD_INPUT,
            "optimizer.safetensors has no tensor %s of this model; the checkpoint belongs to "
            "another model",
            name);
    }
    for (uint64_t first = 0; first < total; first += CHUNK) {
        uint64_t count = total - first < CHUNK ? total - first : CHUNK;
        if (!lw_safetensors_read(
                file, info, first * sizeof *values, values, count * sizeof *values, error) ||
            !lw_store_write(store, parameter, first, values, count, error)) {
            return false;
        }
    }
    return true;
}

bool lw_snapshot_load(const char *folder, struct lw_training *training, struct lw_error *error)
{
    const struct lw_layout *layout = training->layout;
    struct lw_string path = {0};
    struct lw_safetensors *file = NULL;
    float *values = lw_calloc(CHUNK, sizeof *values, error);
    bool done = values && lw_string_addf(&path, error, "%s/optimizer.safetensors", folder) &&
                lw_safetensors_open(&file, path.data, error);
    for (size_t i = 0; done && i < 3 * layout->parameter_count; i++) {
        size_t store = i / layout->parameter_count;
        done = read_parameter(file, state_store(training, store),
            &layout->parameters[i % layout->parameter_count], state_prefixes[store], values, error);
    }
    done = done && lw_training_refresh(training, error);
    lw_safetensors_close(file);
    lw_string_free(&path);
    lw_free(values);
    return done || lw_fail_in(error, "resuming from %s", folder);
}

// The step in a folder name "checkpoint-STEP"; 0 for any other name.
static uint64_t step_of(const char *name)
{
    size_t prefix = strlen(CHECKPOINT_PREFIX);
    const char *digits = name + prefix;
    bool matches = !strncmp(name, CHECKPOINT_PREFIX, prefix) && *digits &&
                   digits[strspn(digits, "0123456789")] == 0;
    return matches ? strtoull(digits, NULL, 10) : 0;
}

// The newest and oldest checkpoints and how many there are.
static bool survey(
    const char *output, uint64_t *newest, uint64_t *oldest, uint64_t *count, struct lw_error *error)
{
    struct lw_folder_list list = {0};
    *newest = *oldest = *count = 0;
    if (!lw_folder_exists(output)) {
        return true;
    }
    bool done = lw_folder_list(output, &list, error);
    for (size_t i = 0; done && i < list.count; i++) {
        uint64_t step = step_of(list.names[i]);
        if (step) {
            *newest = step > *newest ? step : *newest;
            *oldest = *oldest == 0 || step < *oldest ? step : *oldest;
            (*count)++;
        }
    }
    lw_folder_list_free(&list);
    return done;
}

bool lw_snapshot_newest(const char *output, uint64_t *step, struct lw_error *error)
{
    uint64_t oldest, count;
    return survey(output, step, &oldest, &count, error);
}

bool lw_snapshot_prune(const char *output, uint64_t limit, struct lw_error *error)
{
    for (;;) {
        uint64_t newest, oldest, count;
        char path[4096];
        if (!survey(output, &newest, &oldest, &count, error)) {
            return false;
        }
        if (count <= limit) {
            return true;
        }
        lw_snapshot_path(path, sizeof path, output, oldest);
        if (!remove_checkpoint(path, error)) {
            return false;
        }
    }
}
