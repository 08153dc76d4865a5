// SPDX-License-Identifier: Apache-2.0
// See adapter.h. Names of tensors are those of PEFT's model: "base_model.model.", the base's module,
// and what the tensor is to it. PEFT drops the adapter's own name ("default") when it saves; other
// programs do not.
#include "merger/adapter.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/ops/low_rank.h"
#include "merger/adapter_private.h"
#include "merger/elements.h"
#include "merger/finite.h"
#include "merger/plan.h"

enum piece {
    PIECE_A,
    PIECE_B,
    PIECE_B_BIAS,
    PIECE_EMBEDDING_A,
    PIECE_EMBEDDING_B,
    PIECE_REPLACEMENT,
};

// What a tensor is, by how its name ends; `tensor` is what follows the module in the base's name.
static const struct {
    const char *end;
    enum piece piece;
    const char *tensor;
} ends[] = {
    {".lora_A.weight", PIECE_A, ".weight"},
    {".lora_A.default.weight", PIECE_A, ".weight"},
    {".lora_B.weight", PIECE_B, ".weight"},
    {".lora_B.default.weight", PIECE_B, ".weight"},
    {".lora_B.bias", PIECE_B_BIAS, ".bias"},
    {".lora_B.default.bias", PIECE_B_BIAS, ".bias"},
    {".lora_embedding_A", PIECE_EMBEDDING_A, ".weight"},
    {".lora_embedding_A.default", PIECE_EMBEDDING_A, ".weight"},
    {".lora_embedding_B", PIECE_EMBEDDING_B, ".weight"},
    {".lora_embedding_B.default", PIECE_EMBEDDING_B, ".weight"},
    // The module itself under its adapter: biases that were trained, embeddings saved beside theirs.
    {".base_layer.weight", PIECE_REPLACEMENT, ".weight"},
    {".base_layer.bias", PIECE_REPLACEMENT, ".bias"},
};

// A tensor's name taken apart: "base_model.model.MODULE" and an end, or with an infix of modules that
// were trained as a whole.
struct address {
    enum piece piece;
    size_t module;      // bytes of the module's name, which begins behind the prefix
    const char *tensor; // the rest of the name in the base
};

static const char prefix[] = "base_model.model.";

static bool split_name(const char *name, struct address *address)
{
    size_t length = strlen(name);
    *address = (struct address){.piece = PIECE_REPLACEMENT};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t end = strlen(ends[i].end);
        if (length > end && strcmp(name + length - end, ends[i].end) == 0) {
            *address = (struct address){ends[i].piece, length - end, ends[i].tensor};
            return true;
        }
    }
    static const char *const infixes[] = {".modules_to_save.default.", ".modules_to_save."};
    for (size_t i = 0; i < sizeof infixes / sizeof *infixes; i++) {
        const char *found = strstr(name, infixes[i]);
        if (found && found > name) {
            address->module = (size_t)(found - name);
            address->tensor = found + strlen(infixes[i]) - 1;
            return true;
        }
    }
    address->module = length;
    address->tensor = "";
    return length > 0 && !strstr(name, ".lora_") && !strstr(name, ".token_adapter.") &&
           !strstr(name, ".trainable_tokens_") && !strstr(name, ".original_module.");
}

static bool fail_tensor(
    const struct lw_adapter *adapter, const char *name, const char *problem, struct lw_error *error)
{
    return lw_fail(error, LW_BAD_INPUT, "%s: tensor %.200s %s", adapter->folder, name, problem);
}

static struct lw_adapter_item *find(const struct lw_adapter *adapter, const char *name)
{
    for (size_t i = 0; i < adapter->count; i++) {
        if (strcmp(adapter->items[i].update.name, name) == 0) {
            return &adapter->items[i];
        }
    }
    return NULL;
}

static struct lw_adapter_item *find_or_add(
    struct lw_adapter *adapter, const char *name, struct lw_error *error)
{
    struct lw_adapter_item *item = find(adapter, name);
    if (item) {
        return item;
    }
    if (!lw_reserve(&adapter->items, &adapter->capacity, adapter->count + 1, sizeof *adapter->items,
            error)) {
        return NULL;
    }
    char *copy = lw_strdup(name, error);
    if (!copy) {
        return NULL;
    }
    item = &adapter->items[adapter->count++];
    *item = (struct lw_adapter_item){.update.name = copy};
    return item;
}

// Puts the tensor in its place; false where another has it.
static bool place(struct lw_adapter_item *item, enum piece piece, const struct lw_tensor_info *info)
{
    bool embedding = piece == PIECE_EMBEDDING_A || piece == PIECE_EMBEDDING_B;
    const struct lw_tensor_info **slot = &item->update.replacement;
    if (piece == PIECE_A || piece == PIECE_EMBEDDING_A) {
        slot = &item->a;
    } else if (piece != PIECE_REPLACEMENT) {
        slot = &item->b;
    }
    bool mixed = (item->a || item->b) && item->embedding != embedding;
    if (*slot || (mixed && piece != PIECE_REPLACEMENT)) {
        return false;
    }
    *slot = info;
    item->embedding = item->embedding || embedding;
    return true;
}

static bool add_tensor(
    struct lw_adapter *adapter, const struct lw_tensor_info *info, struct lw_error *error)
{
    struct address address = {0};
    enum lw_type type;
    if (strncmp(info->name, prefix, sizeof prefix - 1) != 0 ||
        !split_name(info->name + sizeof prefix - 1, &address)) {
        return fail_tensor(adapter, info->name,
            "is no part of a LoRA adapter as PEFT saves it, or of a kind that is not folded in",
            error);
    }
    if (!lw_merge_type(info->dtype, &type)) {
        return fail_tensor(adapter, info->name, "is not of F32, BF16 or F16", error);
    }
    struct lw_string name = {0};
    struct lw_adapter_item *item = NULL;
    if (lw_string_add(&name, info->name + sizeof prefix - 1, address.module, error) &&
        lw_string_addf(&name, error, "%s", address.tensor)) {
        item = find_or_add(adapter, lw_string_text(&name), error);
    }
    lw_string_free(&name);
    return item &&
           (place(item, address.piece, info) ||
               fail_tensor(adapter, info->name, "is there twice, under another name", error));
}

static bool open_file(struct lw_adapter *adapter, struct lw_error *error)
{
    struct lw_string path = {0}, other = {0};
    bool opened = lw_path_join(&path, adapter->folder, "adapter_model.safetensors", error) &&
                  lw_path_join(&other, adapter->folder, "adapter_model.bin", error);
    if (opened && !lw_file_exists(lw_string_text(&path)) &&
        lw_file_exists(lw_string_text(&other))) {
        opened = lw_fail(error, LW_BAD_INPUT,
            "%s: adapter_model.bin is a pickle, which is a program and not run; save the adapter "
            "again with safetensors",
            adapter->folder);
    }
    opened = opened && lw_safetensors_open(&adapter->file, lw_string_text(&path), error);
    opened = opened && (lw_safetensors_count(adapter->file) ||
                           lw_fail(error, LW_BAD_INPUT, "%s: there is no tensor in it",
                               lw_string_text(&path)));
    lw_string_free(&path);
    lw_string_free(&other);
    return opened;
}

static bool check_base(
    const char *folder, const struct lw_merge_parent *base, struct lw_error *error)
{
    const cJSON *quantized = cJSON_GetObjectItemCaseSensitive(base->config, "quantization_config");
    return !quantized || cJSON_IsNull(quantized) ||
           lw_fail(error, LW_BAD_INPUT,
               "%s is quantized (quantization_config of its config.json); fold %s into the model "
               "that "
               "it was made from",
               base->folder, folder);
}

bool lw_adapter_open(struct lw_adapter **adapter, const char *folder,
    const struct lw_merge_parent *base, struct lw_error *error)
{
    struct lw_adapter *opened = lw_calloc(1, sizeof *opened, error);
    *adapter = NULL;
    if (!opened) {
        return false;
    }
    opened->folder = folder;
    bool done = check_base(folder, base, error) &&
                lw_adapter_config_read(&opened->config, folder, error) && open_file(opened, error);
    for (size_t i = 0; done && i < lw_safetensors_count(opened->file); i++) {
        done = add_tensor(opened, lw_safetensors_at(opened->file, i), error);
    }
    for (size_t i = 0; done && i < opened->count; i++) {
        done = lw_adapter_fit(opened, &opened->items[i], base, error);
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
        lw_free(adapter->items[i].update.name);
    }
    lw_free(adapter->items);
    lw_safetensors_close(adapter->file);
    lw_adapter_config_free(&adapter->config);
    lw_free(adapter);
}

const struct lw_adapter_update *lw_adapter_find(const struct lw_adapter *adapter, const char *name)
{
    const struct lw_adapter_item *item = find(adapter, name);
    return item ? &item->update : NULL;
}

bool lw_adapter_read(const struct lw_adapter *adapter, const struct lw_tensor_info *info,
    uint64_t start, void *bytes, size_t size, struct lw_error *error)
{
    return lw_safetensors_read(adapter->file, info, start, bytes, size, error);
}

// Element (row, column) of a matrix of the file goes to row * row_step + column * column_step.
struct layout {
    uint64_t row_step, column_step;
};

// The elements of a vector or matrix of the file as fp32.
static bool read_matrix(const struct lw_adapter *adapter, const struct lw_tensor_info *info,
    struct layout layout, float *values, struct lw_error *error)
{
    enum { piece_elements = 8192 };
    enum lw_type type = lw_merge_type_of(info);
    size_t size = lw_type_size(type);
    uint64_t columns = info->shape[info->rank - 1], elements = lw_tensor_elements(info);
    uint32_t piece[piece_elements]; // room for any type
    for (uint64_t done = 0; done < elements; done += piece_elements) {
        uint64_t rest = elements - done;
        size_t count = rest < piece_elements ? (size_t)rest : piece_elements;
        if (!lw_safetensors_read(adapter->file, info, done * size, piece, count * size, error)) {
            return false;
        }
        if (lw_first_nonfinite(piece, type, count) < count) {
            return fail_tensor(adapter, info->name, "holds a NaN or an infinity", error);
        }
        for (uint64_t i = 0; i < count; i++) {
            uint64_t row = (done + i) / columns, column = (done + i) % columns;
            values[row * layout.row_step + column * layout.column_step] =
                lw_element_of(piece, type, i);
        }
    }
    return true;
}

uint64_t lw_adapter_rank(const struct lw_adapter_update *update)
{
    return (update->rank + LW_LOW_RANK_STEP - 1) / LW_LOW_RANK_STEP * LW_LOW_RANK_STEP;
}

bool lw_adapter_read_product(const struct lw_adapter *adapter,
    const struct lw_adapter_update *update, float *left, float *right, struct lw_error *error)
{
    uint64_t rank = lw_adapter_rank(update), columns = update->columns;
    struct layout of_left = {rank, 1}, of_right = {columns, 1};
    if (update->turned) {
        of_left = (struct layout){1, rank};
        of_right = (struct layout){1, columns};
    }
    memset(left, 0, (size_t)(update->rows * rank) * sizeof *left);
    memset(right, 0, (size_t)(rank * columns) * sizeof *right);
    for (uint64_t row = 0; !update->left && row < update->rows; row++) {
        left[row * rank] = 1;
    }
    return (!update->left || read_matrix(adapter, update->left, of_left, left, error)) &&
           read_matrix(adapter, update->right, of_right, right, error);
}
