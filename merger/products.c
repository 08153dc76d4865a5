// SPDX-License-Identifier: Apache-2.0
// See products.h. Of the product only the rows are computed that a range touches; memory grows to what
// the largest tensor takes and is used again by the others.
#include "merger/products.h"

#include "engine/base/alloc.h"
#include "engine/gpu/arena.h"
#include "engine/gpu/stream.h"
#include "engine/ops/convert.h"
#include "engine/ops/matmul.h"

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
    struct room plane;        // [rows, columns], the product
    struct room scratch;
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
    lw_arena_destroy(products->plane.arena);
    lw_arena_destroy(products->scratch.arena);
    lw_free(products->products);
    lw_free(products);
}

// At least `bytes`; what was there before is lost where it was less.
static bool reserve(struct lw_merge_products *products, struct room *room, enum lw_memory memory,
    uint64_t bytes, struct lw_error *error)
{
    if (room->buffer.size >= bytes) {
        return true;
    }
    lw_arena_destroy(room->arena);
    *room = (struct room){0};
    return lw_arena_create(&room->arena, products->device,
               &(struct lw_arena_params){
                   .name = "products of adapters", .memory = memory, .expected = bytes},
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
        uint64_t left = update->rows * update->rank, right = update->rank * update->columns;
        if (!reserve(products, &product->left, LW_MEMORY_HOST, left * sizeof(float), error) ||
            !reserve(products, &product->right, LW_MEMORY_HOST, right * sizeof(float), error) ||
            !lw_adapter_read_product(adapter, update, product->left.buffer.mapped,
                product->right.buffer.mapped, error)) {
            return false;
        }
    }
    return true;
}

// The rows of the product that a range touches.
static struct lw_matmul rows_of(const struct lw_merge_products *products,
    const struct product *product, const struct lw_adapter_update *update,
    const struct lw_merge_range *range)
{
    uint64_t row = range->first / update->columns;
    uint64_t rows = (range->first + range->count - 1) / update->columns + 1 - row;
    uint32_t rank = (uint32_t)update->rank, columns = (uint32_t)update->columns;
    struct lw_tensor left =
        lw_tensor_of(&product->left.buffer, LW_F32, (uint32_t)update->rows, rank);
    return (struct lw_matmul){.layout = LW_MATMUL_NN,
        .a = lw_tensor_part(&left, (uint32_t)row, (uint32_t)rows, 0, rank),
        .b = lw_tensor_of(&product->right.buffer, LW_F32, rank, columns),
        .c = lw_tensor_of(&products->plane.buffer, LW_F32, (uint32_t)rows, columns),
        .scratch = products->scratch.buffer};
}

static bool make_room(struct lw_merge_products *products, const struct product *product,
    const struct lw_adapter_update *update, const struct lw_merge_range *range,
    struct lw_error *error)
{
    struct lw_matmul matmul = rows_of(products, product, update, range);
    uint64_t plane = (uint64_t)matmul.c.rows * matmul.c.columns * sizeof(float);
    if (!reserve(products, &products->plane, LW_MEMORY_DEVICE, plane, error)) {
        return false;
    }
    matmul = rows_of(products, product, update, range);
    return reserve(products, &products->scratch, LW_MEMORY_DEVICE,
        lw_matmul_scratch(products->device, &matmul), error);
}

static void record(const struct lw_merge_products *products, const struct product *product,
    const struct lw_adapter_update *update, const struct lw_merge_range *range,
    const struct lw_array *x, struct lw_stream *stream)
{
    const struct lw_matmul matmul = rows_of(products, product, update, range);
    uint64_t size = lw_type_size(x->type), above = range->first % update->columns;
    struct lw_buffer in = lw_buffer_part(&x->buffer, range->at * size, range->count * size);
    struct lw_buffer out = lw_buffer_part(
        &product->sums.buffer, range->at * sizeof(float), range->count * sizeof(float));
    struct lw_buffer added = lw_buffer_part(
        &products->plane.buffer, above * sizeof(float), range->count * sizeof(float));
    const struct lw_weighted_term terms[] = {{&in, x->type, 1}, {&added, LW_F32, update->scale}};
    lw_matmul(stream, &matmul);
    lw_weighted_sum(stream, terms, 2, &out, LW_F32, range->count);
}

static bool add_product(struct lw_merge_products *products, struct product *product,
    const struct lw_adapter_update *update, const struct lw_merge_range *ranges, size_t range_count,
    struct lw_array *x, struct lw_stream *stream, struct lw_error *error)
{
    const struct lw_merge_range *last = &ranges[range_count - 1];
    bool done = reserve(
        products, &product->sums, LW_MEMORY_HOST, (last->at + last->count) * sizeof(float), error);
    for (size_t i = 0; done && i < range_count; i++) {
        done = make_room(products, product, update, &ranges[i], error);
    }
    for (size_t i = 0; done && i < range_count; i++) {
        record(products, product, update, &ranges[i], x, stream);
    }
    *x = (struct lw_array){product->sums.buffer, LW_F32};
    return done;
}

bool lw_merge_products_add(struct lw_merge_products *products,
    const struct lw_merge_outline *outline, const struct lw_merge_range *ranges, size_t range_count,
    struct lw_array *x, struct lw_array *base, struct lw_error *error)
{
    struct product *product = products->products;
    const struct lw_merge_input *input;
    bool done = true;
    for (size_t member = 0; done && (input = next_product(outline, &member)); member++, product++) {
        struct lw_stream *stream = NULL;
        uint64_t ticket;
        done = lw_stream_create(&stream, products->device, "products of adapters", error) &&
               add_product(products, product, input->update, ranges, range_count,
                   member < outline->term_count ? &x[member] : base, stream, error) &&
               lw_stream_end(stream, error) && lw_stream_submit(stream, &ticket, error) &&
               lw_device_wait(products->device, ticket, error);
        lw_stream_destroy(stream);
    }
    return done;
}
