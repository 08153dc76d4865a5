// SPDX-License-Identifier: Apache-2.0
// See run.h. A tensor is cut into parts of at most PART_ELEMENTS; parts go through the three stages
// of pipe.h in slots of host-visible memory, which the device reads and writes in place: each byte
// is used once, so copying it to device memory first would only add a copy.
#include "merger/run.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/gpu/arena.h"
#include "engine/gpu/stream.h"
#include "merger/finite.h"
#include "merger/manifest.h"
#include "merger/methods.h"
#include "merger/pipe.h"
#include "merger/side_files.h"

// Few enough that a part's sums stay in a CPU's cache, enough that a submission's fixed cost (some
// 50 us) does not show.
#define PART_ELEMENTS ((uint64_t)1 << 20)
// The most memory for all slots, for merges of very many models.
#define SLOT_BYTES ((uint64_t)256 << 20)
// Bytes that are read, and then looked through for NaNs while they are in the cache.
#define PIECE_BYTES ((size_t)1 << 18)

enum { slot_count = 4 };

struct part {
    size_t tensor;
    uint64_t first, count; // elements
};

struct slot {
    struct lw_merge_operands operands;
    struct lw_buffer *inputs;       // [most_inputs]
    enum lw_type *types;            // [most_inputs]
    struct lw_merge_values *values; // [most_inputs]
    struct lw_stream *stream;       // the last part's recording; NULL before the first
    uint64_t capacity;              // elements
};

struct run {
    const struct lw_merge_plan *plan;
    const struct lw_merge_run_params *params;
    struct lw_device *device;
    struct lw_arena *host, *scratch;
    struct lw_checkpoint_writer *writer;
    struct slot slots[slot_count];
    struct part *parts;
    size_t part_count, part_capacity;
    uint64_t part_elements; // the most in a part
    uint64_t computed;      // bytes of the result
};

static enum lw_type type_of(const struct lw_tensor_info *info)
{
    enum lw_type type = LW_F32;
    lw_merge_type(info->dtype, &type); // the plan has only such tensors
    return type;
}

static bool cut_parts(struct run *run, struct lw_error *error)
{
    uint64_t per_element = 4 * (run->plan->most_inputs + 2) * slot_count; // bytes, at most
    uint64_t most = SLOT_BYTES / per_element / 1024 * 1024;
    run->part_elements = most < 1024 ? 1024 : most < PART_ELEMENTS ? most : PART_ELEMENTS;
    for (size_t tensor = 0; tensor < run->plan->tensor_count; tensor++) {
        uint64_t elements = lw_tensor_elements(&run->plan->tensors[tensor].info);
        for (uint64_t first = 0; first < elements; first += run->part_elements) {
            uint64_t rest = elements - first;
            if (!lw_reserve(&run->parts, &run->part_capacity, run->part_count + 1,
                    sizeof *run->parts, error)) {
                return false;
            }
            run->parts[run->part_count++] =
                (struct part){tensor, first, rest < run->part_elements ? rest : run->part_elements};
        }
    }
    return true;
}

static bool allocate_slot(struct run *run, struct slot *slot, struct lw_error *error)
{
    size_t most = run->plan->most_inputs;
    slot->inputs = lw_calloc(most, sizeof *slot->inputs, error);
    slot->types = lw_calloc(most, sizeof *slot->types, error);
    slot->values = lw_calloc(most, sizeof *slot->values, error);
    uint64_t bytes = run->part_elements * sizeof(float);
    bool allocated = slot->inputs && slot->types && slot->values &&
                     lw_arena_allocate(run->host, bytes, &slot->operands.output, error) &&
                     lw_arena_allocate(run->scratch, bytes, &slot->operands.sum, error);
    for (size_t i = 0; allocated && i < most; i++) {
        allocated = lw_arena_allocate(run->host, bytes, &slot->inputs[i], error);
    }
    slot->operands.inputs = slot->inputs;
    slot->operands.types = slot->types;
    slot->operands.values = slot->values;
    return allocated;
}

static bool allocate(struct run *run, struct lw_error *error)
{
    uint64_t all = run->part_elements * sizeof(float) * slot_count;
    if (!lw_arena_create(&run->host, run->device,
            &(struct lw_arena_params){.name = "buffers of the merge",
                .memory = LW_MEMORY_HOST,
                .expected = all * (run->plan->most_inputs + 1)},
            error) ||
        !lw_arena_create(&run->scratch, run->device,
            &(struct lw_arena_params){
                .name = "sums of the merge", .memory = LW_MEMORY_DEVICE, .expected = all},
            error)) {
        return false;
    }
    for (size_t i = 0; i < slot_count; i++) {
        if (!allocate_slot(run, &run->slots[i], error)) {
            return false;
        }
    }
    return true;
}

static bool check_finite(const struct lw_tensor_info *info, const char *where, const void *elements,
    uint64_t first, uint64_t count, struct lw_error *error)
{
    size_t bad = lw_first_nonfinite(elements, type_of(info), count);
    if (bad < count) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: tensor %s holds a NaN or an infinity at element %llu; nothing was written", where,
            info->name, (unsigned long long)(first + bad));
    }
    return true;
}

static bool read_input(const struct run *run, const struct part *part,
    const struct lw_merge_input *input, char *target, struct lw_error *error)
{
    const struct lw_merge_parent *from = &run->plan->parents[input->parent];
    size_t size = lw_dtype_size(input->info->dtype);
    for (uint64_t done = 0; done < part->count; done += PIECE_BYTES / size) {
        uint64_t rest = part->count - done;
        size_t count = rest < PIECE_BYTES / size ? rest : PIECE_BYTES / size;
        char *piece = target + done * size;
        uint64_t first = part->first + done;
        if (!lw_checkpoint_read(
                from->checkpoint, input->info, first * size, piece, count * size, error) ||
            !check_finite(input->info, from->folder, piece, first, count, error)) {
            return false;
        }
    }
    return true;
}

static bool read_part(void *context, size_t item, size_t slot_index, struct lw_error *error)
{
    struct run *run = context;
    struct slot *slot = &run->slots[slot_index];
    const struct part *part = &run->parts[item];
    const struct lw_merge_tensor *tensor = &run->plan->tensors[part->tensor];
    for (size_t i = 0; i < tensor->input_count; i++) {
        if (!read_input(run, part, &tensor->inputs[i], slot->inputs[i].mapped, error)) {
            return false;
        }
    }
    return true;
}

// What a weight is divided by: the sum of all, where the recipe wants that.
static double divisor_of(const struct lw_merge_tensor *tensor)
{
    double sum = 0;
    for (size_t i = 0; i < tensor->input_count; i++) {
        sum += tensor->inputs[i].values.value[LW_MERGE_WEIGHT];
    }
    return tensor->values.value[LW_MERGE_NORMALIZE] == 0 ? 1 : sum;
}

// Records the slot's work on the part, unless its last part was of the same tensor and size.
static bool prepare(
    const struct run *run, struct slot *slot, const struct part *part, struct lw_error *error)
{
    struct lw_merge_operands *operands = &slot->operands;
    const struct lw_merge_tensor *tensor = &run->plan->tensors[part->tensor];
    enum lw_type output_type = type_of(&tensor->info);
    bool same = slot->stream && operands->elements == part->count &&
                operands->output_type == output_type && operands->count == tensor->input_count;
    for (size_t i = 0; i < tensor->input_count; i++) {
        const struct lw_merge_input *input = &tensor->inputs[i];
        enum lw_type type = type_of(input->info);
        struct lw_merge_values values = input->values;
        values.value[LW_MERGE_WEIGHT] /= divisor_of(tensor);
        same =
            same && slot->types[i] == type && memcmp(&slot->values[i], &values, sizeof values) == 0;
        slot->types[i] = type;
        slot->values[i] = values;
    }
    if (same) {
        return true;
    }
    operands->count = tensor->input_count;
    operands->elements = part->count;
    operands->output_type = output_type;
    lw_stream_destroy(slot->stream);
    slot->stream = NULL;
    if (!lw_stream_create(&slot->stream, run->device, "merge", error)) {
        return false;
    }
    run->plan->method->record(slot->stream, operands);
    return lw_stream_end(slot->stream, error);
}

static bool compute_part(void *context, size_t item, size_t slot_index, struct lw_error *error)
{
    struct run *run = context;
    struct slot *slot = &run->slots[slot_index];
    const struct part *part = &run->parts[item];
    uint64_t ticket;
    if (!prepare(run, slot, part, error) || !lw_stream_submit(slot->stream, &ticket, error) ||
        !lw_device_wait(run->device, ticket, error)) {
        return false;
    }
    run->computed += part->count * lw_dtype_size(run->plan->tensors[part->tensor].info.dtype);
    if (run->params->progress &&
        !run->params->progress(run->params->context, run->computed, run->plan->bytes_written)) {
        return lw_fail(error, LW_INTERRUPTED, "the merge was interrupted; nothing was written");
    }
    return true;
}

static bool write_part(void *context, size_t item, size_t slot_index, struct lw_error *error)
{
    struct run *run = context;
    const struct part *part = &run->parts[item];
    const struct lw_tensor_info *tensor = &run->plan->tensors[part->tensor].info;
    const void *output = run->slots[slot_index].operands.output.mapped;
    size_t size = part->count * lw_dtype_size(tensor->dtype);
    return check_finite(tensor, "the result", output, part->first, part->count, error) &&
           lw_checkpoint_writer_add(run->writer, output, size, error);
}

static bool create_writer(struct run *run, struct lw_error *error)
{
    struct lw_tensor_info *infos = lw_calloc(run->plan->tensor_count, sizeof *infos, error);
    if (!infos) {
        return false;
    }
    for (size_t i = 0; i < run->plan->tensor_count; i++) {
        infos[i] = run->plan->tensors[i].info;
    }
    struct lw_checkpoint_params params = {.folder = run->params->output,
        .tensors = infos,
        .count = run->plan->tensor_count,
        .digests = !run->params->no_hash};
    bool created = lw_checkpoint_writer_create(&run->writer, &params, error);
    lw_free(infos);
    return created;
}

bool lw_merge_run(const struct lw_merge_plan *plan, struct lw_device *device,
    const struct lw_merge_run_params *params, struct lw_error *error)
{
    struct run run = {.plan = plan, .params = params, .device = device};
    struct lw_merge_hashing *hashing = NULL;
    bool merged =
        cut_parts(&run, error) && allocate(&run, error) && create_writer(&run, error) &&
        (params->no_hash || lw_merge_hashing_start(&hashing, plan, error)) &&
        lw_pipe_run(&(struct lw_pipe_params){.item_count = run.part_count,
                        .slot_count = slot_count,
                        .context = &run,
                        .read = read_part,
                        .compute = compute_part,
                        .write = write_part},
            error) &&
        lw_merge_write_side_files(plan, run.writer, error) &&
        lw_checkpoint_writer_end_tensors(run.writer, error) &&
        lw_merge_manifest_write(plan, hashing, lw_device_caps(device)->name, run.writer, error) &&
        lw_checkpoint_writer_finish(run.writer, error);
    lw_merge_hashing_destroy(hashing);
    lw_checkpoint_writer_destroy(run.writer);
    for (size_t i = 0; i < slot_count; i++) {
        lw_stream_destroy(run.slots[i].stream);
        lw_free(run.slots[i].inputs);
        lw_free(run.slots[i].types);
        lw_free(run.slots[i].values);
    }
    lw_arena_destroy(run.scratch);
    lw_arena_destroy(run.host);
    lw_free(run.parts);
    return merged;
}
