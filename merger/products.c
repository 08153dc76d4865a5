// SPDX-License-Identifier: Apache-2.0
// See products.h. Memory grows to what the largest tensor takes and is used again by the others.
#include "merger/products.h"

#include "engine/base/alloc.h"
#include "engine/gpu/arena.h"
#include "engine/gpu/stream.h"
#include "engine/ops/low_rank.h"

// Memory that grows.
struct room {
    struct lw_arena *arena;
    struct lw_buffer buffer;
};

struct product {
    struct room left, right; // [rows, rank], [rank, columns]
    struct room sums;        // of a part
};

struct lw_merge_products {
    const struct lw_merge_plan *plan;
    struct lw_device *device;
    struct product *products; // [most_inputs], of a tensor's inputs that have one
};

bool lw_merge_products_create(struct lw_merge_products **products, const struct lw_merge_plan *plan,
    struct lw_device *device, struct lw_error *error)
{
    struct lw_merge_products *created = lw_calloc(1, sizeof *created, error);
    *products = NULL;
    if (!created) {
        return false;
    }
    created->plan = plan;
    created->device = device;
    created->products = lw_calloc(plan->most_inputs, sizeof *created->products, error);
    if (!created->products) {
        lw_merge_products_destroy(created);
        return false;
    }
    *products = created;
    return true;
}

void lw_merge_products_destroy(struct lw_merge_products *products)
{
    if (!products) {
        return;
    }
    for (size_t i = 0; products->products && i < products->plan->most_inputs; i++) {
        lw_arena_destroy(products->products[i].left.arena);
        lw_arena_destroy(products->products[i].right.arena);
        lw_arena_destroy(products->products[i].sums.arena);
    }
    lw_free(products->products);
    lw_free(products);
}

// At least `bytes`; what was there before is lost where it was less.
static bool reserve(const struct lw_merge_products *products, struct room *room, uint64_t bytes,
    struct lw_error *error)
{
    if (room->buffer.size >= bytes) {
        return true;
    }
    lw_arena_destroy(room->arena);
    *room = (struct room){0};
    return lw_arena_create(&room->arena, products->device,
               &(struct lw_arena_params){
                   .name = "products of adapters", .memory = LW_MEMORY_HOST, .expected = bytes},
               error) &&
           lw_arena_allocate(room->arena, bytes, &room->buffer, error);
}

// The next of the tensor's inputs from *member on that has a product; NULL: none.
static const struct lw_merge_input *next_product(
    const struct lw_merge_outline *outline, size_t *member)
{
    for (; *member < lw_merge_member_count(outline); (*member)++) {
        const struct lw_merge_input *input = lw_merge_member(outline, *member);
        if (lw_merge_has_product(input)) {
            return input;
        }
    }
    return NULL;
}

bool lw_merge_products_begin(struct lw_merge_products *products,
    const struct lw_merge_outline *outline, struct lw_error *error)
{
    struct product *product = products->products;
    const struct lw_merge_input *input;
    for (size_t member = 0; (input = next_product(outline, &member)); member++, product++) {
        const struct lw_adapter_update *update = input->update;
        const struct lw_adapter *adapter = products->plan->parents[input->parent].updates;
        uint64_t rank = lw_adapter_rank(update);
        uint64_t left = update->rows * rank, right = rank * update->columns;
        if (!reserve(products, &product->left, left * sizeof(float), error) ||
            !reserve(products, &product->right, right * sizeof(float), error) ||
            !lw_adapter_read_product(adapter, update, product->left.buffer.mapped,
                product->right.buffer.mapped, error)) {
            return false;
        }
    }
    return true;
}

static bool record(struct lw_merge_products *products, struct product *product,
    const struct lw_adapter_update *update, const struct lw_merge_range *ranges, size_t range_count,
    struct lw_array *x, struct lw_stream *stream, struct lw_error *error)
{
    const struct lw_merge_range *last = &ranges[range_count - 1];
    if (!reserve(products, &product->sums, (last->at + last->count) * sizeof(float), error)) {
        return false;
    }
    for (size_t i = 0; i < range_count; i++) {
        const struct lw_merge_range *range = &ranges[i];
        uint64_t size = lw_type_size(x->type);
        lw_low_rank_sum(stream,
            &(struct lw_low_rank_sum){.left = product->left.buffer,
                .right = product->right.buffer,
                .rows = (uint32_t)update->rows,
                .columns = (uint32_t)update->columns,
                .rank = (uint32_t)lw_adapter_rank(update),
                .scale = update->scale,
                .first = range->first,
                .count = range->count,
                .x = {lw_buffer_part(&x->buffer, range->at * size, range->count * size), x->type},
                .y = {lw_buffer_part(&product->sums.buffer, range->at * sizeof(float),
                          range->count * sizeof(float)),
                    LW_F32}});
    }
    *x = (struct lw_array){product->sums.buffer, LW_F32};
    return true;
}

bool lw_merge_products_add(struct lw_merge_products *products,
    const struct lw_merge_outline *outline, const struct lw_merge_range *ranges, size_t range_count,
    struct lw_array *x, struct lw_array *base, struct lw_error *error)
{
    struct product *product = products->products;
    size_t member = 0;
    const struct lw_merge_input *input = next_product(outline, &member);
    struct lw_stream *stream = NULL;
    uint64_t ticket;
    if (!input) {
        return true;
    }
    bool done = lw_stream_create(&stream, products->device, "products of adapters", error);
    for (; done && input; input = next_product(outline, &member)) {
        done = record(products, product++, input->update, ranges, range_count,
            member < outline->term_count ? &x[member] : base, stream, error);
        member++;
    }
    done = done && lw_stream_end(stream, error) && lw_stream_submit(stream, &ticket, error) &&
           lw_device_wait(products->device, ticket, error);
    lw_stream_destroy(stream);
    return done;
}
