// SPDX-License-Identifier: Apache-2.0
// See compute.h. The items of a plan (items.h) go through the three stages of pipe.h in slots of
// host-visible memory, which the device reads and writes in place: each byte is used once in a pass,
// so copying it to device memory first would only add a copy. A further pass reads the files again;
// the system's page cache has them.
#include "merger/compute.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/gpu/arena.h"
#include "engine/gpu/stream.h"
#include "merger/items.h"
#include "merger/pipe.h"
#include "merger/products.h"
#include "merger/reader.h"

enum { plane_count = 4 };

struct slot {
    struct lw_buffer *buffers; // [most_inputs]: the terms, then the base
    struct lw_array *arrays;   // [most_inputs], over them
    struct lw_buffer output;
};

struct computation {
    const struct lw_merge_plan *plan;
    const struct lw_merge_compute_params *params;
    struct lw_device *device;
    struct lw_arena *host, *scratch;
    struct lw_merge_space space;
    struct slot slots[LW_MERGE_SLOTS];
    struct lw_merge_items items;
    // The tensor whose items are being computed.
    struct lw_merge_outline outline;
    struct lw_merge_work work;
    struct lw_merge_products *products; // NULL: no input has one
    double computed; // bytes of the result, of unfinished tensors the share of their passes
    uint64_t reported;
};

static const struct lw_merge_tensor *tensor_of(const struct computation *run, size_t item)
{
    return &run->plan->tensors[run->items.items[item].tensor];
}

static bool allocate_slot(struct computation *run, struct slot *slot, struct lw_error *error)
{
    size_t most = run->plan->most_inputs;
    slot->buffers = lw_calloc(most, sizeof *slot->buffers, error);
    slot->arrays = lw_calloc(most, sizeof *slot->arrays, error);
    uint64_t bytes = run->items.part_elements * sizeof(float);
    bool allocated =
        slot->buffers && slot->arrays && lw_arena_allocate(run->host, bytes, &slot->output, error);
    for (size_t i = 0; allocated && i < most; i++) {
        allocated = lw_arena_allocate(run->host, bytes, &slot->buffers[i], error);
    }
    return allocated;
}

static bool allocate_space(struct computation *run, struct lw_error *error)
{
    const struct lw_merge_sizes *sizes = &run->items.sizes;
    struct lw_merge_space *space = &run->space;
    struct {
        struct lw_buffer *buffer;
        uint64_t size;
    } const pieces[] = {{&space->statistics, sizes->statistics}, {&space->tables, sizes->tables},
        {&space->factors, sizes->factors}, {&space->bits, sizes->bits}};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        if (pieces[i].size &&
            !lw_arena_allocate(run->host, pieces[i].size, pieces[i].buffer, error)) {
            return false;
        }
    }
    if (!sizes->plane) {
        return true;
    }
    uint64_t plane = (sizes->plane + 255) / 256 * 256;
    struct lw_buffer planes;
    if (!lw_arena_allocate(run->scratch, plane_count * plane, &planes, error)) {
        return false;
    }
    for (size_t i = 0; i < plane_count; i++) {
        space->planes[i] = lw_buffer_part(&planes, i * plane, plane);
    }
    space->sums = lw_buffer_part(&planes, 0, 3 * plane);
    return true;
}

static bool allocate(struct computation *run, struct lw_error *error)
{
    const struct lw_merge_sizes *sizes = &run->items.sizes;
    uint64_t all = run->items.part_elements * sizeof(float) * LW_MERGE_SLOTS;
    if (!lw_arena_create(&run->host, run->device,
            &(struct lw_arena_params){.name = "buffers of the merge",
                .memory = LW_MEMORY_HOST,
                .expected = all * (run->plan->most_inputs + 1) + sizes->statistics + sizes->tables +
                            sizes->factors + sizes->bits + 4096},
            error) ||
        !lw_arena_create(&run->scratch, run->device,
            &(struct lw_arena_params){.name = "planes of the merge",
                .memory = LW_MEMORY_DEVICE,
                .expected = plane_count * (sizes->plane + 256)},
            error)) {
        return false;
    }
    for (size_t i = 0; i < LW_MERGE_SLOTS; i++) {
        if (!allocate_slot(run, &run->slots[i], error)) {
            return false;
        }
    }
    return allocate_space(run, error);
}

// A few pieces of neighbours at equal distances, from all over the tensor.
static bool read_sample(struct lw_merge_stretch *stretch, char *target, struct lw_error *error)
{
    uint64_t elements = lw_tensor_elements(&stretch->tensor->info);
    size_t size = lw_dtype_size(lw_merge_input_file(stretch->input)->dtype);
    stretch->count = LW_SAMPLE_PIECE;
    for (uint64_t i = 0; i < LW_SAMPLE_PIECES; i++) {
        stretch->first = lw_sample_first(elements, i);
        if (!lw_merge_read(stretch, target + i * LW_SAMPLE_PIECE * size, error)) {
            return false;
        }
    }
    return true;
}

static size_t items_before(void *context, size_t item)
{
    const struct computation *run = context;
    return run->items.items[item].after;
}

// Passes that turned out not to be needed are not read. Which ones is known: `after` made the first
// item of a pass wait for the pass before.
static bool is_needed(const struct computation *run, const struct lw_merge_item *item)
{
    return item->checked || lw_merge_has_pass(run->work.passes, item->pass);
}

// Reads what goes into the item to the slot; `finite`: a NaN or an infinity in it is an error.
static bool read_inputs(const struct computation *run, const struct lw_merge_outline *outline,
    const struct lw_merge_item *item, struct slot *slot, bool finite, struct lw_error *error)
{
    for (size_t i = 0; i < lw_merge_member_count(outline); i++) {
        struct lw_merge_stretch stretch = {.plan = run->plan,
            .tensor = outline->tensor,
            .input = lw_merge_member(outline, i),
            .first = item->first,
            .count = item->count,
            .finite = finite};
        bool read = item->pass == LW_PASS_SAMPLE
                        ? read_sample(&stretch, slot->buffers[i].mapped, error)
                        : lw_merge_read(&stretch, slot->buffers[i].mapped, error);
        if (!read) {
            return false;
        }
    }
    return true;
}

static bool read_part(void *context, size_t number, size_t slot, struct lw_error *error)
{
    struct computation *run = context;
    const struct lw_merge_item *item = &run->items.items[number];
    struct lw_merge_outline outline;
    if (!is_needed(run, item)) {
        return true;
    }
    return lw_merge_outline(&outline, run->plan, tensor_of(run, number), error) &&
           read_inputs(run, &outline, item, &run->slots[slot],
               item->checked && !outline.nonfinite_shows && !run->params->allow_nonfinite, error);
}

static struct lw_array array_of(const struct lw_buffer *buffer, const struct lw_merge_input *input)
{
    return (struct lw_array){*buffer, lw_merge_type_of(lw_merge_input_file(input))};
}

// Adds what adapters add to the slot's content.
static bool add_products(struct computation *run, const struct lw_merge_item *item,
    struct slot *slot, struct lw_array *base, struct lw_error *error)
{
    struct lw_merge_range ranges[LW_SAMPLE_PIECES] = {{0, item->first, item->count}};
    bool sample = item->pass == LW_PASS_SAMPLE;
    for (uint64_t i = 0; sample && i < LW_SAMPLE_PIECES; i++) {
        ranges[i] = (struct lw_merge_range){
            i * LW_SAMPLE_PIECE, lw_sample_first(run->outline.elements, i), LW_SAMPLE_PIECE};
    }
    return lw_merge_products_add(run->products, &run->outline, ranges,
        sample ? LW_SAMPLE_PIECES : 1, slot->arrays, base, error);
}

// The slot's content as operands.
static bool make_part(struct computation *run, struct slot *slot, const struct lw_merge_item *item,
    struct lw_merge_part *part, struct lw_error *error)
{
    const struct lw_merge_outline *outline = &run->outline;
    *part = (struct lw_merge_part){.first = item->first,
        .count = item->count,
        .x = slot->arrays,
        .y = {slot->output, lw_merge_type_of(&outline->tensor->info)}};
    for (size_t i = 0; i < outline->term_count; i++) {
        slot->arrays[i] = array_of(&slot->buffers[i], lw_merge_term(outline, i));
    }
    if (outline->base) {
        part->base = array_of(&slot->buffers[outline->term_count], outline->base);
    }
    return !run->products || !is_needed(run, item) ||
           add_products(run, item, slot, &part->base, error);
}

static bool compute_pass(struct computation *run, enum lw_merge_pass pass,
    const struct lw_merge_part *part, struct lw_error *error)
{
    const struct lw_merge_family *family = run->outline.family;
    struct lw_stream *stream = NULL;
    uint64_t ticket;
    bool computed = lw_stream_create(&stream, run->device, "merge", error) &&
                    family->record(&run->work, pass, part, stream, error) &&
                    lw_stream_end(stream, error) &&
                    (pass == LW_PASS_SAMPLE || (lw_stream_submit(stream, &ticket, error) &&
                                                   lw_device_wait(run->device, ticket, error)));
    lw_stream_destroy(stream);
    return computed && (!family->collect || family->collect(&run->work, pass, part, error));
}

static bool end_pass(struct computation *run, enum lw_merge_pass pass, struct lw_error *error)
{
    const struct lw_merge_family *family = run->outline.family;
    return !family->end || family->end(&run->work, pass, error);
}

static bool begin_tensor(struct computation *run, size_t number, struct lw_error *error)
{
    run->work = (struct lw_merge_work){.outline = &run->outline, .space = &run->space};
    if (!lw_merge_outline(&run->outline, run->plan, tensor_of(run, number), error)) {
        return false;
    }
    run->work.passes = run->outline.passes;
    return (!run->products || lw_merge_products_begin(run->products, &run->outline, error)) &&
           run->outline.family->begin(&run->work, error);
}

static void finish_tensor(struct computation *run)
{
    if (run->work.outline) {
        run->outline.family->finish(&run->work);
        run->work = (struct lw_merge_work){0};
    }
}

static bool report_progress(
    struct computation *run, const struct lw_merge_item *item, struct lw_error *error)
{
    const struct lw_tensor_info *info = &run->plan->tensors[item->tensor].info;
    unsigned passes = 1;
    for (int i = 0; i < LW_PASS_RESULT && item->pass != LW_PASS_COUNT; i++) {
        passes +=
            i != LW_PASS_SAMPLE && lw_merge_has_pass(run->outline.passes, (enum lw_merge_pass)i);
    }
    if (item->pass != LW_PASS_SAMPLE) {
        run->computed += (double)item->count * (double)lw_dtype_size(info->dtype) / passes;
    }
    uint64_t done = (uint64_t)(run->computed + 0.5);
    done = done < run->plan->bytes_written ? done : run->plan->bytes_written;
    if (!run->params->progress || done <= run->reported) {
        return true;
    }
    run->reported = done;
    return run->params->progress(run->params->context, done, run->plan->bytes_written) ||
           lw_fail(error, LW_INTERRUPTED, "the merge was interrupted");
}

static bool compute_part(void *context, size_t number, size_t slot_index, struct lw_error *error)
{
    struct computation *run = context;
    const struct lw_merge_item *item = &run->items.items[number];
    if (item->begins && !begin_tensor(run, number, error)) {
        return false;
    }
    struct lw_merge_part part;
    if (!make_part(run, &run->slots[slot_index], item, &part, error)) {
        return false;
    }
    bool all = item->pass == LW_PASS_COUNT;
    enum lw_merge_pass first = all ? LW_PASS_SAMPLE : item->pass;
    enum lw_merge_pass last = all ? LW_PASS_RESULT : item->pass;
    for (enum lw_merge_pass pass = first; pass <= last; pass++) {
        if (!lw_merge_has_pass(run->work.passes, pass)) {
            continue;
        }
        if (!compute_pass(run, pass, &part, error) ||
            (item->ends_pass && !end_pass(run, pass, error))) {
            return false;
        }
    }
    bool reported = report_progress(run, item, error);
    if (item->ends) {
        finish_tensor(run);
    }
    return reported;
}

// Where an input shows its NaNs in the result only, it is named when there is one.
static bool check_result(struct computation *run, size_t number, struct slot *slot,
    const struct lw_merge_made *made, struct lw_error *error)
{
    struct lw_merge_outline outline;
    struct lw_error found = {0};
    if (lw_merge_check_finite(
            made->info, "the result", made->elements, made->first, made->count, &found)) {
        return true;
    }
    return lw_merge_outline(&outline, run->plan, tensor_of(run, number), error) &&
           (!outline.nonfinite_shows ||
               read_inputs(run, &outline, &run->items.items[number], slot, true, error)) &&
           lw_fail(error, found.status, "%s", found.message);
}

static bool hand_on_part(void *context, size_t number, size_t slot_index, struct lw_error *error)
{
    struct computation *run = context;
    struct slot *slot = &run->slots[slot_index];
    const struct lw_merge_item *item = &run->items.items[number];
    const struct lw_merge_made made = {.info = &tensor_of(run, number)->info,
        .first = item->first,
        .count = item->count,
        .elements = slot->output.mapped};
    return (item->pass != LW_PASS_COUNT && item->pass != LW_PASS_RESULT) ||
           ((run->params->allow_nonfinite || check_result(run, number, slot, &made, error)) &&
               run->params->take(run->params->taker, &made, error));
}

static bool create_products(struct computation *run, struct lw_error *error)
{
    bool any = false;
    for (size_t i = 0; i < run->plan->parent_count; i++) {
        any = any || run->plan->parents[i].updates;
    }
    return !any || lw_merge_products_create(&run->products, run->plan, run->device, error);
}

// All tensors from the first that is wanted.
static bool make_tensors(struct computation *run, struct lw_error *error)
{
    const struct lw_merge_plan *plan = run->plan;
    for (size_t i = 0; i < run->params->first_tensor; i++) {
        run->computed += (double)plan->tensors[i].info.bytes;
    }
    return lw_merge_items_cut(
               &run->items, plan, run->params->first_tensor, run->params->part_elements, error) &&
           (run->items.count == 0 ||
               (allocate(run, error) && create_products(run, error) &&
                   lw_pipe_run(&(struct lw_pipe_params){.item_count = run->items.count,
                                   .slot_count = LW_MERGE_SLOTS,
                                   .context = run,
                                   .read = read_part,
                                   .after = items_before,
                                   .compute = compute_part,
                                   .write = hand_on_part},
                       error)));
}

bool lw_merge_compute(const struct lw_merge_plan *plan, struct lw_device *device,
    const struct lw_merge_compute_params *params, struct lw_error *error)
{
    struct computation run = {.plan = plan, .params = params, .device = device};
    bool computed = make_tensors(&run, error);
    finish_tensor(&run);
    lw_merge_products_destroy(run.products);
    for (size_t i = 0; i < LW_MERGE_SLOTS; i++) {
        lw_free(run.slots[i].buffers);
        lw_free(run.slots[i].arrays);
    }
    lw_arena_destroy(run.scratch);
    lw_arena_destroy(run.host);
    lw_merge_items_free(&run.items);
    return computed;
}
