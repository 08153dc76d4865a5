// SPDX-License-Identifier: Apache-2.0
// Draws the weights part by part, on all cores, and streams them to the writer. See init.h.
#include "engine/model/init.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/hash.h"
#include "engine/base/numeric.h"
#include "engine/base/random.h"
#include "engine/base/thread.h"
#include "engine/io/checkpoint.h"
#include "engine/model/init_config.h"
#include "engine/model/parameters.h"

// Elements that are drawn at a time, and the most threads that draw them.
#define PART_ELEMENTS ((uint64_t)4 << 20)
enum { most_threads = 64 };

struct init {
    const struct lw_init_params *params;
    struct lw_init_config config;
    struct lw_layout *layout;
    struct lw_tensor_info *tensors; // [layout->parameter_count]
    struct lw_checkpoint_writer *writer;
    void *part; // [PART_ELEMENTS] of the element type
    uint64_t done, total;
};

// A range of a parameter's elements, for one thread.
struct range {
    const struct init *init;
    const struct lw_parameter *parameter;
    uint64_t first, count; // elements
    char *target;
};

static float draw(
    const struct init *init, const struct lw_parameter *parameter, uint64_t stream, uint64_t index)
{
    if (parameter->rank == 1) {
        return parameter->slot == LW_SLOT_QKV_BIAS ? 0.0f : 1.0f;
    }
    const struct lw_init_config *config = &init->config;
    if (parameter->slot == LW_SLOT_EMBEDDING &&
        index / parameter->columns == config->model.pad_token) {
        return 0;
    }
    double normal = lw_random_normal(init->params->seed, stream, index);
    return (float)(normal * config->model.initializer_range);
}

static void fill_range(void *context)
{
    const struct range *range = context;
    const struct lw_parameter *parameter = range->parameter;
    enum lw_type type = range->init->config.model.type;
    uint64_t stream = lw_hash_bytes(parameter->name, strlen(parameter->name), 0);
    for (uint64_t i = 0; i < range->count; i++) {
        float value = draw(range->init, parameter, stream, range->first + i);
        uint16_t half = type == LW_BF16 ? lw_float_to_bf16(value) : lw_float_to_f16(value);
        if (type == LW_F32) {
            memcpy(range->target + i * 4, &value, sizeof value);
        } else {
            memcpy(range->target + i * 2, &half, sizeof half);
        }
    }
}

// Fills the part with elements [first, first + count) of the parameter, on all cores.
static bool fill_part(const struct init *init, const struct lw_parameter *parameter, uint64_t first,
    uint64_t count, struct lw_error *error)
{
    struct lw_thread *threads[most_threads] = {NULL};
    struct range ranges[most_threads];
    uint64_t cores = lw_thread_core_count(), useful = count / 4096 + 1;
    uint64_t pieces = cores < most_threads ? cores : most_threads;
    pieces = pieces < useful ? pieces : useful;
    bool started = true;
    for (uint64_t i = 0; i < pieces; i++) {
        uint64_t begin = count * i / pieces, end = count * (i + 1) / pieces;
        ranges[i] = (struct range){init, parameter, first + begin, end - begin,
            (char *)init->part + begin * lw_type_size(init->config.model.type)};
        if (i + 1 == pieces) {
            fill_range(&ranges[i]);
        } else if (!lw_thread_create(&threads[i], fill_range, &ranges[i], error)) {
            started = false;
            break;
        }
    }
    for (uint64_t i = 0; i < pieces; i++) {
        lw_thread_join(threads[i]);
    }
    return started;
}

static bool write_parameter(
    struct init *init, const struct lw_parameter *parameter, struct lw_error *error)
{
    uint64_t elements = (uint64_t)parameter->rows * parameter->columns;
    uint64_t size = lw_type_size(init->config.model.type);
    for (uint64_t first = 0; first < elements; first += PART_ELEMENTS) {
        uint64_t count = elements - first < PART_ELEMENTS ? elements - first : PART_ELEMENTS;
        if (!fill_part(init, parameter, first, count, error) ||
            !lw_checkpoint_writer_add(init->writer, init->part, count * size, error)) {
            return false;
        }
        init->done += count * size;
        if (init->params->progress &&
            !init->params->progress(init->params->context, init->done, init->total)) {
            return lw_fail(error, LW_INTERRUPTED, "interrupted; nothing was written");
        }
    }
    return true;
}

static bool describe_tensors(struct init *init, struct lw_error *error)
{
    static const enum lw_dtype dtypes[LW_TYPE_COUNT] = {
        [LW_F32] = LW_DTYPE_F32, [LW_BF16] = LW_DTYPE_BF16, [LW_F16] = LW_DTYPE_F16};
    const struct lw_layout *layout = init->layout;
    init->tensors = lw_calloc(layout->parameter_count, sizeof *init->tensors, error);
    init->part = lw_calloc(PART_ELEMENTS, lw_type_size(init->config.model.type), error);
    if (!init->tensors || !init->part) {
        return false;
    }
    for (size_t i = 0; i < layout->parameter_count; i++) {
        const struct lw_parameter *parameter = &layout->parameters[i];
        struct lw_tensor_info *info = &init->tensors[i];
        info->name = parameter->name;
        info->dtype = dtypes[init->config.model.type];
        info->rank = (int)parameter->rank;
        info->shape[0] = parameter->rank == 1 ? parameter->columns : parameter->rows;
        info->shape[1] = parameter->rank == 1 ? 0 : parameter->columns;
    }
    return true;
}

static bool write_files(struct init *init, struct lw_error *error)
{
    const struct lw_init_tokenizer *tokenizer = init->params->tokenizer;
    const struct lw_string *config = &init->config.text, *generation = &init->config.generation;
    return lw_checkpoint_writer_file(
               init->writer, "config.json", config->data, config->length, error) &&
           lw_checkpoint_writer_file(init->writer, "generation_config.json", generation->data,
               generation->length, error) &&
           (!tokenizer || lw_checkpoint_writer_carry(init->writer, tokenizer->folder, error));
}

bool lw_model_init(
    const struct lw_init_params *params, struct lw_init_result *result, struct lw_error *error)
{
    struct init init = {.params = params};
    bool done = lw_init_config_make(&init.config, params, error) &&
                lw_layout_create(&init.layout, &init.config.model, UINT64_MAX, error) &&
                describe_tensors(&init, error);
    if (done) {
        init.total = init.layout->parameter_elements * lw_type_size(init.config.model.type);
        struct lw_checkpoint_params output = {.folder = params->output,
            .tensors = init.tensors,
            .count = init.layout->parameter_count};
        done = lw_checkpoint_writer_create(&init.writer, &output, error);
    }
    for (size_t i = 0; done && i < init.layout->parameter_count; i++) {
        done = write_parameter(&init, &init.layout->parameters[i], error);
    }
    done = done && write_files(&init, error) && lw_checkpoint_writer_finish(init.writer, error);
    if (done && result) {
        *result = (struct lw_init_result){init.layout->parameter_elements, init.total};
    }
    lw_checkpoint_writer_destroy(init.writer);
    lw_layout_destroy(init.layout);
    lw_init_config_free(&init.config);
    lw_free(init.tensors);
    lw_free(init.part);
    return done;
}
