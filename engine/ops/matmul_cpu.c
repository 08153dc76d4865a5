// SPDX-License-Identifier: Apache-2.0
// Matrix products on CPU drivers: both operands are packed into scratch memory (the lanes' one only
// where it cannot be read as it lies), then multiplied by shaders/matmul_panels.comp. Operands that
// are larger than the scratch limits go in rounds.
#include <string.h>

#include "engine/ops/matmul_private.h"
#include "shaders/matmul_pack_lanes.h"
#include "shaders/matmul_pack_rows.h"
#include "shaders/matmul_panels.h"

#define ROW_SCRATCH (64u << 20)  // bytes of row panels at a time
#define LANE_SCRATCH (16u << 20) // bytes of lane panels at a time
#define STEP 16u                 // depths that the product unrolls
#define BLOCK 32u                // lane groups that are walked together
#define WORDS_PER_PACK 8u        // of shaders/matmul_pack_lanes.comp

// How one product is cut up.
struct plan {
    struct lw_matmul_shape shape;
    uint32_t lanes, tile; // columns and rows of one workgroup
    uint32_t depth;       // k, rounded up to STEP
    uint32_t row_round;   // rows of c in a round
    uint32_t lane_round;  // columns of c in a round
    uint64_t row_bytes;   // of scratch, row panels first
    uint64_t lane_bytes;  //
    bool native;          // the lanes' operand is not packed
};

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

static uint32_t divide_up(uint64_t value, uint64_t unit)
{
    return (uint32_t)((value + unit - 1) / unit);
}

// `count` rows of `bytes` each in equal rounds of at most `limit` bytes, a round being a multiple
// of `unit` rows.
static uint32_t round_rows(uint32_t count, uint32_t unit, uint64_t bytes, uint64_t limit)
{
    uint64_t most = limit / (bytes * unit) * unit;
    if (most < unit) {
        most = unit;
    }
    uint32_t rounds = divide_up(count, most);
    return (uint32_t)round_up(divide_up(count, rounds), unit);
}

static struct plan make_plan(const struct lw_device *device, const struct lw_matmul *matmul)
{
    struct plan plan = {.shape = lw_matmul_shape_of(matmul)};
    uint32_t subgroup = lw_device_caps(device)->subgroup_size;
    uint64_t size = lw_type_size(matmul->b.type);
    plan.lanes = subgroup < 4 ? 4 : subgroup;
    plan.tile = plan.shape.m <= 2 ? 2 : plan.shape.m <= 4 ? 4 : plan.shape.m <= 8 ? 8 : 16;
    plan.depth = (uint32_t)round_up(plan.shape.k, STEP);
    plan.row_round =
        round_rows(plan.shape.m, plan.tile, (uint64_t)plan.depth * sizeof(float), ROW_SCRATCH);
    plan.lane_round =
        round_rows(plan.shape.n, plan.lanes, (uint64_t)plan.depth * size, LANE_SCRATCH);
    plan.row_bytes = round_up((uint64_t)plan.row_round * plan.depth * sizeof(float), 256);
    plan.lane_bytes = round_up((uint64_t)plan.lane_round * plan.depth * size, 256);
    plan.native =
        !plan.shape.b_transposed && plan.depth == plan.shape.k && lw_matmul_aligned(&matmul->b, 8);
    if (plan.native) {
        plan.lane_round = (uint32_t)round_up(plan.shape.n, plan.lanes);
    }
    return plan;
}

uint64_t lw_matmul_cpu_scratch(const struct lw_device *device, const struct lw_matmul *matmul)
{
    struct plan plan = make_plan(device, matmul);
    return plan.row_bytes + plan.lane_bytes;
}

static struct lw_tensor part_of(
    const struct lw_tensor *tensor, bool transposed, uint32_t first, uint32_t count)
{
    return transposed ? lw_tensor_part(tensor, 0, tensor->rows, first, count)
                      : lw_tensor_part(tensor, first, count, 0, tensor->columns);
}

static struct lw_access scratch_access(uint64_t address, uint64_t size, bool write)
{
    return (struct lw_access){address, size, write};
}

// Rows [row, row + rows) of a into row panels.
static void pack_rows(struct lw_stream *stream, const struct lw_matmul *matmul,
    const struct plan *plan, uint32_t row, uint32_t rows)
{
    bool transposed = plan->shape.a_transposed;
    struct lw_tensor source = part_of(&matmul->a, transposed, row, rows);
    struct lw_matmul_pack_args args = {.source = source.address,
        .target = matmul->scratch.address,
        .rows = rows,
        .depth = plan->shape.k,
        .padded_depth = plan->depth,
        .stride = source.stride};
    bool aligned = lw_matmul_aligned(&source, 8) && source.columns % 4 == 0 &&
                   (!transposed || plan->tile % 4 == 0);
    uint32_t panels = divide_up(rows, plan->tile);
    uint64_t size = (uint64_t)panels * plan->tile * plan->depth * sizeof(float);
    struct lw_dispatch dispatch = {.kernel = matmul->a.type == LW_BF16
                                                 ? LW_KERNEL_MATMUL_PACK_ROWS_BF16
                                                 : LW_KERNEL_MATMUL_PACK_ROWS_F32,
        .args = &args,
        .constant_count = 4,
        .constants = {plan->lanes, plan->tile, transposed, aligned},
        .access_count = 2,
        .accesses = {lw_tensor_read(&source), scratch_access(matmul->scratch.address, size, true)},
        .bytes = (double)lw_tensor_span(&source) + (double)size};
    uint32_t invocations = transposed ? plan->depth : plan->depth / 4;
    lw_dispatch_linear(&dispatch, (uint64_t)panels * divide_up(invocations, plan->lanes));
    lw_stream_dispatch(stream, &dispatch);
}

// Columns [column, column + columns) of c: that part of b into lane panels.
static void pack_lanes(struct lw_stream *stream, const struct lw_matmul *matmul,
    const struct plan *plan, uint32_t column, uint32_t columns)
{
    bool transposed = plan->shape.b_transposed;
    struct lw_tensor source = part_of(&matmul->b, transposed, column, columns);
    struct lw_matmul_pack_args args = {.source = source.address,
        .target = matmul->scratch.address + plan->row_bytes,
        .rows = columns,
        .depth = plan->shape.k,
        .padded_depth = plan->depth,
        .stride = source.stride};
    uint32_t per_word = 8 / (uint32_t)lw_type_size(source.type);
    bool aligned = lw_matmul_aligned(&source, 8) && source.columns % per_word == 0;
    uint32_t groups = divide_up(columns, plan->lanes), words = plan->depth / per_word;
    uint64_t size = (uint64_t)groups * plan->lanes * plan->depth * lw_type_size(source.type);
    struct lw_dispatch dispatch = {.kernel = matmul->b.type == LW_BF16
                                                 ? LW_KERNEL_MATMUL_PACK_LANES_BF16
                                                 : LW_KERNEL_MATMUL_PACK_LANES_F32,
        .args = &args,
        .constant_count = 3,
        .constants = {plan->lanes, transposed, aligned},
        .access_count = 2,
        .accesses = {lw_tensor_read(&source), scratch_access(args.target, size, true)},
        .bytes = (double)lw_tensor_span(&source) + (double)size};
    lw_dispatch_linear(&dispatch, transposed ? (uint64_t)words * divide_up(groups, per_word)
                                             : (uint64_t)groups * divide_up(words, WORDS_PER_PACK));
    lw_stream_dispatch(stream, &dispatch);
}

static enum lw_kernel_id product_kernel(const struct lw_matmul *matmul)
{
    return matmul->a.type == LW_F32   ? LW_KERNEL_MATMUL_PANELS_F32
           : matmul->c.type == LW_F32 ? LW_KERNEL_MATMUL_PANELS_BF16_F32
                                      : LW_KERNEL_MATMUL_PANELS_BF16;
}

// The part [row, row + rows) x [column, column + columns) of c.
static void multiply(struct lw_stream *stream, const struct lw_matmul *matmul,
    const struct plan *plan, const uint32_t row_range[2], const uint32_t column_range[2])
{
    uint32_t rows = row_range[1], columns = column_range[1];
    struct lw_tensor c = lw_tensor_part(&matmul->c, row_range[0], rows, column_range[0], columns);
    struct lw_tensor add = matmul->add, bias = matmul->bias;
    if (add.address) {
        add = lw_tensor_part(&add, row_range[0], rows, column_range[0], columns);
    }
    if (bias.address) {
        bias = lw_tensor_part(&bias, 0, 1, column_range[0], columns);
    }
    uint64_t lanes_address = matmul->scratch.address + plan->row_bytes;
    uint32_t panels = divide_up(rows, plan->tile), groups = divide_up(columns, plan->lanes);
    uint64_t size = lw_type_size(matmul->b.type);
    struct lw_matmul_panels_args args = {.rows = matmul->scratch.address,
        .lanes = plan->native ? matmul->b.address : lanes_address,
        .c = c.address,
        .bias = bias.address,
        .add = add.address,
        .m = rows,
        .n = columns,
        .depth = plan->depth,
        .lane_stride = matmul->b.stride,
        .c_stride = c.stride,
        .add_stride = add.stride,
        .panels = panels,
        .groups = groups,
        .block = BLOCK};
    struct lw_access lanes_read =
        plan->native ? lw_tensor_read(&matmul->b)
                     : scratch_access(lanes_address,
                           (uint64_t)groups * plan->lanes * plan->depth * size, false);
    uint64_t rows_size = (uint64_t)panels * plan->tile * plan->depth * sizeof(float);
    struct lw_dispatch dispatch = {.kernel = product_kernel(matmul),
        .args = &args,
        .constant_count = 6,
        .constants = {plan->lanes, plan->tile, STEP, plan->native, bias.address != 0,
            add.address != 0},
        .access_count = 5,
        .accesses = {scratch_access(args.rows, rows_size, false), lanes_read, lw_tensor_read(&bias),
            lw_tensor_read(&add), lw_tensor_write(&c)},
        .flops = 2.0 * rows * columns * plan->shape.k,
        .bytes = (double)rows_size + (double)lanes_read.size + (double)lw_tensor_span(&c)};
    lw_dispatch_linear(&dispatch, (uint64_t)panels * groups);
    lw_stream_dispatch(stream, &dispatch);
}

void lw_matmul_cpu(struct lw_stream *stream, const struct lw_matmul *matmul)
{
    struct plan plan = make_plan(lw_stream_device(stream), matmul);
    bool packed_whole = false;
    for (uint32_t row = 0; row < plan.shape.m; row += plan.row_round) {
        uint32_t rows = plan.shape.m - row < plan.row_round ? plan.shape.m - row : plan.row_round;
        pack_rows(stream, matmul, &plan, row, rows);
        for (uint32_t column = 0; column < plan.shape.n; column += plan.lane_round) {
            uint32_t left = plan.shape.n - column;
            uint32_t columns = left < plan.lane_round ? left : plan.lane_round;
            if (!plan.native && !packed_whole) {
                pack_lanes(stream, matmul, &plan, column, columns);
                packed_whole = columns == plan.shape.n;
            }
            multiply(stream, matmul, &plan, (uint32_t[]){row, rows}, (uint32_t[]){column, columns});
        }
    }
}
