// SPDX-License-Identifier: Apache-2.0
// Which rows of a model's embedding, or head, stand for the rows of the result, and the making of
// those that stand in no file. See vocabulary.h. mergekit: tokenizer/embed.py.
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/numeric.h"
#include "merger/vocabulary_private.h"

#define PIECE_BYTES ((uint64_t)1 << 20)

// A model that has rows for the tensor: one of its inputs, or the base beside them.
struct source {
    size_t parent;
    const struct lw_tensor_info *info;
    uint32_t *own; // [tokens of the output]: its row of each, LW_NO_TOKEN where it has none
};

// What stands for a row.
enum choice_kind { CHOICE_ZERO, CHOICE_ROW, CHOICE_MEAN_OF_MODELS, CHOICE_MEAN_OF_ROWS };

struct choice {
    enum choice_kind kind;
    size_t source;
    uint32_t row;
};

struct task {
    struct lw_merge_vocabulary *vocabulary;
    struct lw_merge_tensor *tensor;
    struct source *sources; // [count], the inputs in their order first
    size_t count;
    size_t base; // among the sources; count: there is none
    uint64_t columns;
    double *sum; // [columns]
    void *row;   // room for one of a file
    struct lw_error *error;
};

static double element(const void *row, enum lw_dtype dtype, uint64_t i)
{
    switch (dtype) {
    case LW_DTYPE_BF16:
        return lw_bf16_to_float(((const uint16_t *)row)[i]);
    case LW_DTYPE_F16:
        return lw_f16_to_float(((const uint16_t *)row)[i]);
    default:
        return ((const float *)row)[i];
    }
}

static void set_element(void *row, enum lw_dtype dtype, uint64_t i, double value)
{
    switch (dtype) {
    case LW_DTYPE_BF16:
        ((uint16_t *)row)[i] = lw_float_to_bf16((float)value);
        break;
    case LW_DTYPE_F16:
        ((uint16_t *)row)[i] = lw_float_to_f16((float)value);
        break;
    default:
        ((float *)row)[i] = (float)value;
    }
}

static const struct lw_merge_parent *parent_of(const struct task *task, size_t source)
{
    return &task->vocabulary->params.parents[task->sources[source].parent];
}

static bool check_tensor(const struct task *task, size_t index)
{
    const struct source *source = &task->sources[index];
    const struct lw_tensor_info *info = source->info, *first = task->sources[0].info;
    const char *folder = parent_of(task, index)->folder;
    enum lw_type type;
    if (!lw_merge_type(info->dtype, &type)) {
        return lw_fail(task->error, LW_BAD_INPUT,
            "%s: tensor %s has type %s; F32, BF16 and F16 can be merged", folder, info->name,
            lw_dtype_name(info->dtype));
    }
    if (info->rank < 1 || info->rank != first->rank ||
        memcmp(info->shape + 1, first->shape + 1, (size_t)(info->rank - 1) * sizeof *info->shape) !=
            0) {
        return lw_fail(task->error, LW_BAD_INPUT,
            "%s: the rows of tensor %s have another shape than those of %s in %s", folder,
            info->name, first->name, parent_of(task, 0)->folder);
    }
    const struct lw_vocabulary *tokens = &task->vocabulary->tables[source->parent].tokens;
    uint64_t needed = task->vocabulary->limits[source->parent];
    needed = needed < tokens->count ? needed : tokens->count;
    return info->shape[0] >= needed ||
           lw_fail(task->error, LW_BAD_INPUT,
               "%s: tensor %s has %llu rows, but the tokenizer has ids up to %llu", folder,
               info->name, (unsigned long long)info->shape[0], (unsigned long long)needed - 1);
}

static bool find_own(const struct task *task, size_t index)
{
    struct source *source = &task->sources[index];
    const struct lw_vocabulary *output = &task->vocabulary->output.tokens;
    source->own = lw_calloc(output->count, sizeof *source->own, task->error);
    if (!source->own) {
        return false;
    }
    for (uint32_t id = 0; id < output->count; id++) {
        size_t length;
        const char *text = lw_vocabulary_bytes(output, id, &length);
        source->own[id] =
            text ? lw_merge_token_row(task->vocabulary, source->parent, text, length) : LW_NO_TOKEN;
    }
    return true;
}

// The tensor of a parent that is none of the inputs.
static const struct lw_tensor_info *find_tensor(const struct task *task, size_t index)
{
    const struct lw_merge_parent *parent = &task->vocabulary->params.parents[index];
    const char *name = task->tensor->inputs[0].info->name;
    const struct lw_tensor_info *info = lw_checkpoint_find(parent->checkpoint, name);
    return info || !parent->tied || !parent->embedding
               ? info
               : lw_checkpoint_find(parent->checkpoint, parent->embedding);
}

static bool gather(struct task *task)
{
    const struct lw_merge_tensor *tensor = task->tensor;
    const struct lw_merge_vocabulary_params *params = &task->vocabulary->params;
    task->sources = lw_calloc(tensor->input_count + 1, sizeof *task->sources, task->error);
    if (!task->sources) {
        return false;
    }
    bool base = false;
    for (size_t i = 0; i < tensor->input_count; i++) {
        task->sources[task->count++] =
            (struct source){.parent = tensor->inputs[i].parent, .info = tensor->inputs[i].info};
        base = base || tensor->inputs[i].parent == 0;
    }
    const struct lw_tensor_info *beside = params->has_base && !base ? find_tensor(task, 0) : NULL;
    if (beside) {
        task->sources[task->count++] = (struct source){.info = beside};
    }
    task->base = task->count;
    task->columns = 1;
    for (int i = 1; i < task->sources[0].info->rank; i++) {
        task->columns *= task->sources[0].info->shape[i];
    }
    for (size_t i = 0; i < task->count; i++) {
        if (!check_tensor(task, i) || !find_own(task, i)) {
            return false;
        }
        if (params->has_base && task->sources[i].parent == 0 && task->base == task->count) {
            task->base = i;
        }
    }
    task->sum = lw_calloc(task->columns, sizeof *task->sum, task->error);
    task->row = lw_calloc(task->columns, sizeof(float), task->error);
    return task->sum && task->row;
}

static bool choose_override(
    const struct task *task, const struct lw_token_override *override, struct choice *choice)
{
    if (override->source == LW_TOKEN_ZERO) {
        *choice = (struct choice){.kind = CHOICE_ZERO};
        return true;
    }
    for (size_t i = 0; i < task->count; i++) {
        if (task->sources[i].parent == override->parent &&
            override->row < task->sources[i].info->shape[0]) {
            *choice = (struct choice){CHOICE_ROW, i, override->row};
            return true;
        }
    }
    size_t length;
    const char *text = lw_vocabulary_bytes(&task->vocabulary->output.tokens, override->id, &length);
    return lw_fail(task->error, LW_BAD_INPUT,
        "%s: tokens: \"%.*s\": %s gives no row %u to tensor %s, into which it does not go",
        task->vocabulary->params.recipe, (int)(length < 80 ? length : 80), text,
        task->vocabulary->params.parents[override->parent].folder, override->row,
        task->tensor->info.name);
}

// What stands for a token in the models that lack it.
static bool choose(const struct task *task, uint32_t id, struct choice *choice)
{
    const struct lw_token_override *override = lw_merge_token_override(task->vocabulary, id);
    size_t present = 0, last = 0;
    if (override) {
        return choose_override(task, override, choice);
    }
    for (size_t i = 0; i < task->count; i++) {
        bool has = task->sources[i].own[id] != LW_NO_TOKEN;
        present += has;
        last = has ? i : last;
    }
    if (task->base < task->count && task->sources[task->base].own[id] != LW_NO_TOKEN) {
        last = task->base;
        present = 1;
    }
    *choice = (struct choice){CHOICE_ROW, last, task->sources[last].own[id]};
    choice->kind = present == 0 ? CHOICE_ZERO : present == 1 ? CHOICE_ROW : CHOICE_MEAN_OF_MODELS;
    return true;
}

// A row of a source's tensor that belongs to none of its tokens.
static bool is_padding(const struct task *task, size_t source, uint64_t row)
{
    const struct source *from = &task->sources[source];
    return row < from->info->shape[0] &&
           (row >= LW_TOKEN_ID_LIMIT ||
               !lw_vocabulary_flags(&task->vocabulary->tables[from->parent].tokens, (uint32_t)row));
}

static bool is_token(const struct task *task, uint64_t id)
{
    return id < LW_TOKEN_ID_LIMIT &&
           lw_vocabulary_flags(&task->vocabulary->output.tokens, (uint32_t)id);
}

// What stands in row `id` of the input, wherever it comes from.
static bool choose_for(const struct task *task, size_t input, uint64_t id, struct choice *choice)
{
    if (is_token(task, id)) {
        const struct lw_token_override *override =
            lw_merge_token_override(task->vocabulary, (uint32_t)id);
        uint32_t own = task->sources[input].own[id];
        if (own == LW_NO_TOKEN || (override && override->force)) {
            return choose(task, (uint32_t)id, choice);
        }
        *choice = (struct choice){CHOICE_ROW, input, own};
        return true;
    }
    bool free = !task->vocabulary->params.pad_to_multiple_of;
    *choice = (struct choice){CHOICE_MEAN_OF_ROWS, input, 0};
    if (free && is_padding(task, input, id)) {
        *choice = (struct choice){CHOICE_ROW, input, (uint32_t)id};
    } else if (free && task->base < task->count && is_padding(task, task->base, id)) {
        *choice = (struct choice){CHOICE_ROW, task->base, (uint32_t)id};
    }
    return true;
}

static bool add_row(const struct task *task, size_t source, uint64_t row)
{
    const struct lw_tensor_info *info = task->sources[source].info;
    uint64_t bytes = task->columns * lw_dtype_size(info->dtype);
    if (!lw_checkpoint_read(parent_of(task, source)->checkpoint, info, row * bytes, task->row,
            bytes, task->error)) {
        return false;
    }
    for (uint64_t i = 0; i < task->columns; i++) {
        task->sum[i] += element(task->row, info->dtype, i);
    }
    return true;
}

// Sets `task->sum` to the mean of the input's rows of tokens, in one pass over its tensor.
static bool sum_rows(const struct task *task, size_t input, const struct lw_merge_row_map *map)
{
    const struct lw_tensor_info *info = task->sources[input].info;
    const struct lw_merge_parent *parent = parent_of(task, input);
    uint64_t tokens = task->vocabulary->output.tokens.count, used = 0;
    uint64_t bytes = task->columns * lw_dtype_size(info->dtype);
    uint64_t step = bytes < PIECE_BYTES ? PIECE_BYTES / bytes : 1;
    uint32_t *uses = lw_calloc(info->shape[0], sizeof *uses, task->error);
    char *piece = lw_calloc(step, bytes, task->error);
    bool done = uses && piece;
    memset(task->sum, 0, task->columns * sizeof *task->sum);
    for (uint64_t id = 0; done && id < tokens; id++) {
        int64_t row = map->rows[id];
        used += is_token(task, id);
        if (is_token(task, id) && row >= 0) {
            uses[row]++;
        } else if (is_token(task, id) && row <= -2) {
            const char *made = (const char *)map->made + (uint64_t)(-2 - row) * bytes;
            for (uint64_t i = 0; i < task->columns; i++) {
                task->sum[i] += element(made, info->dtype, i);
            }
        }
    }
    for (uint64_t first = 0; done && first < info->shape[0]; first += step) {
        uint64_t count = info->shape[0] - first < step ? info->shape[0] - first : step;
        done = lw_checkpoint_read(
            parent->checkpoint, info, first * bytes, piece, count * bytes, task->error);
        for (uint64_t row = 0; done && row < count; row++) {
            for (uint64_t i = 0; uses[first + row] && i < task->columns; i++) {
                task->sum[i] += uses[first + row] * element(piece + row * bytes, info->dtype, i);
            }
        }
    }
    for (uint64_t i = 0; i < task->columns; i++) {
        task->sum[i] /= (double)(used ? used : 1);
    }
    lw_free(uses);
    lw_free(piece);
    return done;
}

// Sets `task->sum` to a row of the input.
static bool compute(const struct task *task, size_t input, uint64_t id, const struct choice *choice,
    const struct lw_merge_row_map *map)
{
    size_t models = 0;
    if (choice->kind == CHOICE_MEAN_OF_ROWS) {
        return sum_rows(task, input, map);
    }
    for (uint64_t i = 0; i < task->columns; i++) {
        task->sum[i] = -0.0; // keeps the sign of a zero that is copied
    }
    if (choice->kind == CHOICE_ROW) {
        return add_row(task, choice->source, choice->row);
    }
    for (size_t i = 0; i < task->count; i++) {
        uint32_t own = task->sources[i].own[id];
        if (own != LW_NO_TOKEN && !add_row(task, i, own)) {
            return false;
        }
        models += own != LW_NO_TOKEN;
    }
    for (uint64_t i = 0; i < task->columns; i++) {
        task->sum[i] /= (double)models;
    }
    return true;
}

// Fills map->rows; `*made` counts the rows to be made. All that are the mean of the rows are one.
static bool lay_out(
    const struct task *task, size_t input, struct lw_merge_row_map *map, uint64_t *made)
{
    int64_t mean = 0;
    for (uint64_t id = 0; id < task->vocabulary->rows; id++) {
        struct choice choice = {0};
        if (!choose_for(task, input, id, &choice)) {
            return false;
        }
        if (choice.kind == CHOICE_ZERO) {
            map->rows[id] = -1;
        } else if (choice.kind == CHOICE_ROW &&
                   task->sources[choice.source].info == task->sources[input].info) {
            map->rows[id] = choice.row;
        } else if (choice.kind == CHOICE_MEAN_OF_ROWS && mean) {
            map->rows[id] = mean;
        } else {
            map->rows[id] = -2 - (int64_t)(*made)++;
            mean = choice.kind == CHOICE_MEAN_OF_ROWS ? map->rows[id] : mean;
        }
    }
    return true;
}

// Makes the rows that lay_out counted. The mean of the rows needs the others, so it comes last.
static bool make_rows(
    const struct task *task, size_t input, struct lw_merge_row_map *map, uint64_t count)
{
    enum lw_dtype dtype = task->sources[input].info->dtype;
    uint64_t bytes = task->columns * lw_dtype_size(dtype);
    map->made = count ? lw_calloc(count, bytes, task->error) : NULL;
    if (count && !map->made) {
        return false;
    }
    for (int pass = 0; pass < 2; pass++) {
        for (uint64_t id = 0; id < task->vocabulary->rows; id++) {
            struct choice choice = {0};
            if (map->rows[id] > -2) {
                continue;
            }
            if (!choose_for(task, input, id, &choice)) {
                return false;
            }
            bool mean = choice.kind == CHOICE_MEAN_OF_ROWS;
            if (mean != (pass == 1)) {
                continue;
            }
            if (!compute(task, input, id, &choice, map)) {
                return false;
            }
            char *row = (char *)map->made + (uint64_t)(-2 - map->rows[id]) * bytes;
            for (uint64_t i = 0; i < task->columns; i++) {
                set_element(row, dtype, i, task->sum[i]);
            }
            if (mean) {
                return true;
            }
        }
    }
    return true;
}

static bool is_identity(const struct task *task, size_t input, const struct lw_merge_row_map *map)
{
    bool same = task->sources[input].info->shape[0] == task->vocabulary->rows;
    for (uint64_t i = 0; same && i < task->vocabulary->rows; i++) {
        same = map->rows[i] == (int64_t)i;
    }
    return same;
}

static bool map_input(const struct task *task, size_t input)
{
    struct lw_merge_vocabulary *vocabulary = task->vocabulary;
    if (!lw_reserve(&vocabulary->maps, &vocabulary->map_capacity, vocabulary->map_count + 1,
            sizeof *vocabulary->maps, task->error)) {
        return false;
    }
    struct lw_merge_row_map *map = lw_calloc(1, sizeof *map, task->error);
    if (!map) {
        return false;
    }
    vocabulary->maps[vocabulary->map_count++] = map;
    map->rows = lw_calloc(vocabulary->rows, sizeof *map->rows, task->error);
    uint64_t made = 0;
    if (!map->rows || !lay_out(task, input, map, &made)) {
        return false;
    }
    if (is_identity(task, input, map)) {
        vocabulary->map_count--;
        lw_free(map->rows);
        lw_free(map);
        return true;
    }
    task->tensor->inputs[input].map = map;
    return make_rows(task, input, map, made);
}

bool lw_merge_vocabulary_rows(
    struct lw_merge_vocabulary *vocabulary, struct lw_merge_tensor *tensor, struct lw_error *error)
{
    struct task task = {.vocabulary = vocabulary, .tensor = tensor, .error = error};
    bool done = gather(&task);
    for (size_t i = 0; done && i < tensor->input_count; i++) {
        done = map_input(&task, i);
    }
    tensor->info.shape[0] = vocabulary->rows;
    lw_tensor_set_bytes(&tensor->info);
    for (size_t i = 0; task.sources && i < task.count; i++) {
        lw_free(task.sources[i].own);
    }
    lw_free(task.sources);
    lw_free(task.sum);
    lw_free(task.row);
    return done;
}
