// SPDX-License-Identifier: Apache-2.0
// See adapter.h.
#include "merger/adapter.h"

#include <math.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/folder.h"
#include "merger/adapter_config.h"
#include "merger/elements.h"
#include "merger/finite.h"
#include "merger/plan.h"

struct lw_adapter {
    const char *folder;
    struct lw_adapter_config config;
    struct lw_safetensors *file;
    struct lw_adapter_update *updates; // [count]
    size_t count, capacity;
};

// What a tensor of the file is, by its name.
struct part {
    enum { PART_A, PART_B, PART_WHOLE } kind;
    bool embedding; // lora_embedding_A and _B
    struct lw_string module;
};

static bool fail_tensor(
    const struct lw_adapter *adapter, const char *name, const char *problem, struct lw_error *error)
{
    return lw_fail(error, LW_BAD_INPUT, "%s: tensor %.200s %s", adapter->folder, name, problem);
}

// Takes `word` out of the module's name, where it is a part of it.
static void take_out(struct lw_string *name, const char *word)
{
    char *found = strstr(name->data, word);
    if (found) {
        size_t length = strlen(word);
        memmove(found, found + length, strlen(found + length) + 1);
        name->length -= length;
    }
}

// "base_model.model.X.lora_A.weight", with the adapter's name before "weight" or not; all else under
// the prefix is a tensor that was trained whole.
static bool parse_name(
    const struct lw_adapter *adapter, const char *name, struct part *part, struct lw_error *error)
{
    static const char prefix[] = "base_model.model.";
    static const struct {
        const char *mark;
        int kind;
        bool embedding;
    } marks[] = {{".lora_A.", PART_A, false}, {".lora_B.", PART_B, false},
        {".lora_embedding_A", PART_A, true}, {".lora_embedding_B", PART_B, true}};
    *part = (struct part){.kind = PART_WHOLE};
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) {
        return fail_tensor(adapter, name, "does not begin with base_model.model.", error);
    }
    const char *rest = name + sizeof prefix - 1;
    if (strstr(rest, "lora_magnitude_vector") || strstr(rest, ".lora_B.bias") ||
        strstr(rest, "token_adapter") || strstr(rest, "lora_ga")) {
        return fail_tensor(adapter, name, "is of a kind that is not folded in", error);
    }
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *found = strstr(rest, marks[i].mark);
        if (found) {
            part->kind = marks[i].kind;
            part->embedding = marks[i].embedding;
            return lw_string_add(&part->module, rest, (size_t)(found - rest), error) &&
                   lw_string_add(&part->module, ".weight", 7, error);
        }
    }
    if (strstr(rest, "lora_")) {
        return fail_tensor(adapter, name, "is of a kind that is not folded in", error);
    }
    if (!lw_string_add(&part->module, rest, strlen(rest), error)) {
        return false;
    }
    take_out(&part->module, ".modules_to_save.default");
    take_out(&part->module, ".modules_to_save");
    take_out(&part->module, ".original_module");
    take_out(&part->module, ".base_layer");
    return true;
}

static struct lw_adapter_update *find(const struct lw_adapter *adapter, const char *name)
{
    for (size_t i = 0; i < adapter->count; i++) {
        if (strcmp(adapter->updates[i].name, name) == 0) {
            return &adapter->updates[i];
        }
    }
    return NULL;
}

static struct lw_adapter_update *find_or_add(
    struct lw_adapter *adapter, const char *name, struct lw_error *error)
{
    struct lw_adapter_update *update = find(adapter, name);
    if (update) {
        return update;
    }
    if (!lw_reserve(&adapter->updates, &adapter->capacity, adapter->count + 1,
            sizeof *adapter->updates, error)) {
        return NULL;
    }
    char *copy = lw_strdup(name, error);
    if (!copy) {
        return NULL;
    }
    update = &adapter->updates[adapter->count++];
    *update = (struct lw_adapter_update){.name = copy};
    return update;
}

// The elements of a tensor of the file as fp32, transposed on request, for lw_free.
static float *read_matrix(const struct lw_adapter *adapter, const struct lw_tensor_info *info,
    bool transposed, struct lw_error *error)
{
    enum lw_type type;
    uint64_t count = lw_tensor_elements(info);
    if (info->rank != 2 || !lw_merge_type(info->dtype, &type)) {
        fail_tensor(adapter, info->name, "is no matrix of F32, BF16 or F16", error);
        return NULL;
    }
    void *bytes = lw_calloc(count, lw_dtype_size(info->dtype), error);
    float *values = bytes ? lw_calloc(count, sizeof *values, error) : NULL;
    bool done = values && lw_safetensors_read(adapter->file, info, 0, bytes, info->bytes, error);
    if (done && lw_first_nonfinite(bytes, type, count) < count) {
        done = fail_tensor(adapter, info->name, "holds a NaN or an infinity", error);
    }
    uint64_t rows = info->shape[0], columns = info->shape[1];
    for (uint64_t i = 0; done && i < count; i++) {
        values[transposed ? i % columns * rows + i / columns : i] = lw_element_of(bytes, type, i);
    }
    lw_free(bytes);
    if (!done) {
        lw_free(values);
    }
    return done ? values : NULL;
}

// A is [rank, in] and B [out, rank]. The base's tensor is [out, in], or [in, out] of embeddings and
// with fan_in_fan_out: then A's transpose is to the left.
static bool add_factor(struct lw_adapter *adapter, struct lw_adapter_update *update,
    const struct part *part, const struct lw_tensor_info *info, struct lw_error *error)
{
    bool turned = part->embedding || adapter->config.fan_in_fan_out, a = part->kind == PART_A;
    float **factor = a != turned ? &update->right : &update->left;
    if (*factor || update->replacement) {
        return fail_tensor(adapter, info->name, "is there twice, under another name", error);
    }
    *factor = read_matrix(adapter, info, turned, error);
    if (!*factor) {
        return false;
    }
    uint64_t rank = info->shape[a ? 0 : 1];
    if (update->rank && update->rank != rank) {
        return fail_tensor(adapter, info->name, "is of another rank than its partner", error);
    }
    update->rank = rank;
    *(a != turned ? &update->columns : &update->rows) = info->shape[a ? 1 : 0];
    double alpha = lw_adapter_alpha(&adapter->config, lw_string_text(&part->module));
    double divisor = adapter->config.use_rslora ? sqrt((double)rank) : (double)rank;
    update->scale = (float)(alpha / divisor);
    return true;
}

static bool add_tensor(
    struct lw_adapter *adapter, const struct lw_tensor_info *info, struct lw_error *error)
{
    struct part part;
    struct lw_adapter_update *update = NULL;
    bool added = parse_name(adapter, info->name, &part, error) &&
                 (update = find_or_add(adapter, lw_string_text(&part.module), error)) != NULL;
    if (added && part.kind != PART_WHOLE) {
        added = add_factor(adapter, update, &part, info, error);
    } else if (added && (update->replacement || update->left || update->right)) {
        added = fail_tensor(adapter, info->name, "is there twice, under another name", error);
    } else if (added) {
        update->replacement = info;
    }
    lw_string_free(&part.module);
    return added;
}

static bool check_update(const struct lw_adapter *adapter, const struct lw_adapter_update *update,
    const struct lw_checkpoint *base, struct lw_error *error)
{
    const struct lw_tensor_info *info = lw_checkpoint_find(base, update->name);
    const struct lw_tensor_info *whole = update->replacement;
    if (!info) {
        return lw_fail(error, LW_BAD_INPUT, "%s is for a tensor %.200s, which %s does not have",
            adapter->folder, update->name, lw_checkpoint_folder(base));
    }
    enum lw_type type;
    if (whole && !lw_merge_type(whole->dtype, &type)) {
        return fail_tensor(adapter, whole->name, "is not of F32, BF16 or F16", error);
    }
    if (!whole && (!update->left || !update->right)) {
        return fail_tensor(adapter, update->name, "has only one of lora_A and lora_B", error);
    }
    bool fits = whole ? whole->rank == info->rank && !memcmp(whole->shape, info->shape,
                                                         (size_t)info->rank * sizeof *info->shape)
                      : info->rank == 2 && info->shape[0] == update->rows &&
                            info->shape[1] == update->columns;
    return fits || lw_fail(error, LW_BAD_INPUT,
                       "%s: what it has for tensor %.200s does not have its shape in %s",
                       adapter->folder, update->name, lw_checkpoint_folder(base));
}

bool lw_adapter_open(struct lw_adapter **adapter, const char *folder,
    const struct lw_checkpoint *base, struct lw_error *error)
{
    struct lw_adapter *opened = lw_calloc(1, sizeof *opened, error);
    struct lw_string path = {0};
    *adapter = NULL;
    if (!opened) {
        return false;
    }
    opened->folder = folder;
    bool done = lw_adapter_config_read(&opened->config, folder, error) &&
                lw_path_join(&path, folder, "adapter_model.safetensors", error) &&
                lw_safetensors_open(&opened->file, lw_string_text(&path), error);
    lw_string_free(&path);
    for (size_t i = 0; done && i < lw_safetensors_count(opened->file); i++) {
        done = add_tensor(opened, lw_safetensors_at(opened->file, i), error);
    }
    for (size_t i = 0; done && i < opened->count; i++) {
        done = check_update(opened, &opened->updates[i], base, error);
    }
    if (!done) {
        lw_adapter_close(opened);
        return false;
    }
    *adapter = opened;
    return true;
}

void lw_adapter_close(struct lw_adapter *adapter)
{
    if (!adapter) {
        return;
    }
    for (size_t i = 0; i < adapter->count; i++) {
        lw_free(adapter->updates[i].name);
        lw_free(adapter->updates[i].left);
        lw_free(adapter->updates[i].right);
    }
    lw_free(adapter->updates);
    lw_safetensors_close(adapter->file);
    lw_adapter_config_free(&adapter->config);
    lw_free(adapter);
}

const struct lw_adapter_update *lw_adapter_find(const struct lw_adapter *adapter, const char *name)
{
    return find(adapter, name);
}

bool lw_adapter_read(const struct lw_adapter *adapter, const struct lw_tensor_info *info,
    uint64_t start, void *bytes, size_t size, struct lw_error *error)
{
    return lw_safetensors_read(adapter->file, info, start, bytes, size, error);
}

void lw_adapter_add(
    const struct lw_adapter_update *update, uint64_t first, float *values, uint64_t count)
{
    enum { strip = 256 };
    while (count) {
        uint64_t row = first / update->columns, column = first % update->columns;
        uint64_t rest = update->columns - column;
        uint64_t taken = rest < count ? rest : count;
        taken = taken < strip ? taken : strip;
        // The product first and by itself, as PEFT rounds it, then its scale and the sum.
        float sums[strip] = {0};
        for (uint64_t k = 0; k < update->rank; k++) {
            float left = update->left[row * update->rank + k];
            const float *right = update->right + k * update->columns + column;
            for (uint64_t i = 0; i < taken; i++) {
                sums[i] += left * right[i];
            }
        }
        for (uint64_t i = 0; i < taken; i++) {
            values[i] += update->scale * sums[i];
        }
        first += taken;
        values += taken;
        count -= taken;
    }
}
