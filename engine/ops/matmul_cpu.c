// SPDX-License-Identifier: Apache-2.0
// Matrix products on CPU drivers: both operands are packed into fp32 panels in scratch memory, then
// multiplied by shaders/matmul_panels.comp. Operands that are larger than the scratch limits go in
// rounds.
#include "engine/base/processor.h"
#include "engine/ops/matmul_private.h"
#include "shaders/matmul_pack.h"
#include "shaders/matmul_panels.h"

#define ROW_SCRATCH (16u << 20) // bytes of row panels at a time
#define LANE_SCRATCH (8u << 20) // bytes of lane panels at a time
#define STEP 32u                // depths that the product unrolls
#define SPAN 1024u              // depths that one accumulator adds up where there are far more
#define BLOCK 16u               // lane panels that are walked together

// How one product is cut up.
struct packing {
    struct lw_matmul_shape shape;
    uint32_t lanes, tile; // columns and rows of one workgroup
    uint32_t depth;       // k, rounded up to STEP
    uint32_t row_round;   // rows of c in a round
    uint32_t lane_round;  // columns of c in a round
    uint64_t row_bytes;   // of scratch, row panels first
    uint64_t lane_bytes;
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

// The tile that covers m rows in the least time: what a tile of t rows costs was measured to be
// near 3 t + 34. A row of it takes a vector register, of which there are 32 with AVX-512, else 16.
static uint32_t pick_tile(uint32_t m)
{
    static const uint32_t tiles[] = {28, 24, 20, 16, 12, 8, 4, 2};
    uint32_t most = lw_processor_has_avx512() ? 28 : 12, best = 2;
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < sizeof tiles / sizeof tiles[0]; i++) {
        uint64_t cost = (uint64_t)divide_up(m, tiles[i]) * (3 * tiles[i] + 34);
        if (tiles[i] <= most && cost < least) {
            least = cost;
            best = tiles[i];
        }
    }
    return best;
}

uint32_t lw_matmul_lanes(const struct lw_device *device)
{
    uint32_t subgroup = lw_device_caps(device)->subgroup_size;
    return subgroup < 4 ? 4 : subgroup;
}

static struct packing make_packing(const struct lw_device *device, const struct lw_matmul *matmul)
{
    struct packing packing = {.shape = lw_matmul_shape_of(matmul)};
    packing.lanes = lw_matmul_lanes(device);
    packing.tile = pick_tile(packing.shape.m);
    packing.depth = (uint32_t)round_up(packing.shape.k, STEP);
    uint64_t line = (uint64_t)packing.depth * sizeof(float);
    packing.row_round = round_rows(packing.shape.m, packing.tile, line, ROW_SCRATCH);
    packing.lane_round = round_rows(packing.shape.n, packing.lanes, line, LANE_SCRATCH);
    packing.row_bytes = round_up(packing.row_round * line, 256);
    packing.lane_bytes = round_up(packing.lane_round * line, 256);
    return packing;
}

uint64_t lw_matmul_cpu_scratch(const struct lw_device *device, const struct lw_matmul *matmul,
    const struct lw_matmul_plan *plan)
{
    (void)plan;
    struct packing packing = make_packing(device, matmul);
    return packing.row_bytes + packing.lane_bytes;
}

// The bytes of `rows` packed rows.
static struct lw_access packed(
    const struct packing *packing, uint64_t address, uint32_t rows, uint32_t tile, bool write)
{
    uint64_t size = round_up(rows, tile) * packing->depth * sizeof(float);
    return (struct lw_access){address, size, write};
}

// Packs [rows, depth], stored as [depth, rows] where `transposed`, into panels of `tile` rows.
static void pack(struct lw_stream *stream, const struct packing *packing,
    const struct lw_tensor *source, bool transposed, uint32_t tile, uint64_t target)
{
    uint32_t rows = transposed ? source->columns : source->rows;
    struct lw_matmul_pack_args args = {.source = source->address,
        .target = target,
        .rows = rows,
        .depth = packing->shape.k,
        .padded_depth = packing->depth,
        .stride = source->stride};
    bool aligned =
        lw_matmul_aligned(source, 8) && source->columns % 4 == 0 && (!transposed || tile % 4 == 0);
    struct lw_access write = packed(packing, target, rows, tile, true);
    struct lw_dispatch dispatch = {
        .kernel = source->type == LW_BF16 ? LW_KERNEL_MATMUL_PACK_BF16 : LW_KERNEL_MATMUL_PACK_F32,
        .args = &args,
        .constant_count = 4,
        .constants = {packing->lanes, tile, transposed, aligned},
        .access_count = 2,
        .accesses = {lw_tensor_read(source), write},
        .bytes = (double)lw_tensor_span(source) + (double)write.size};
    uint32_t invocations = transposed ? packing->depth : packing->depth / 4;
    lw_dispatch_linear(
        &dispatch, (uint64_t)divide_up(rows, tile) * divide_up(invocations, packing->lanes));
    lw_stream_dispatch(stream, &dispatch);
}

static struct lw_tensor part_of(
    const struct lw_tensor *tensor, bool transposed, uint32_t first, uint32_t count)
{
    return transposed ? lw_tensor_part(tensor, 0, tensor->rows, first, count)
                      : lw_tensor_part(tensor, first, count, 0, tensor->columns);
}

// A rectangle of c.
struct part {
    uint32_t row, rows, column, columns;
};

static struct lw_tensor c_part(const struct lw_tensor *tensor, const struct part *part)
{
    return tensor->address
               ? lw_tensor_part(tensor, part->row, part->rows, part->column, part->columns)
               : *tensor;
}

static void multiply(struct lw_stream *stream, const struct lw_matmul *matmul,
    const struct packing *packing, const struct part *part)
{
    struct lw_tensor c = c_part(&matmul->c, part), add = c_part(&matmul->add, part);
    struct lw_tensor bias =
        c_part(&matmul->bias, &(struct part){0, 1, part->column, part->columns});
    struct lw_matmul_panels_args args = {.rows = matmul->scratch.address,
        .lanes = matmul->scratch.address + packing->row_bytes,
        .c = c.address,
        .bias = bias.address,
        .add = add.address,
        .m = part->rows,
        .n = part->columns,
        .depth = packing->depth,
        .c_stride = c.stride,
        .add_stride = add.stride,
        .row_panels = divide_up(part->rows, packing->tile),
        .lane_panels = divide_up(part->columns, packing->lanes),
        .block = BLOCK};
    struct lw_access rows = packed(packing, args.rows, part->rows, packing->tile, false);
    struct lw_access lanes = packed(packing, args.lanes, part->columns, packing->lanes, false);
    struct lw_dispatch dispatch = {
        .kernel = lw_matmul_kernel(matmul, LW_KERNEL_MATMUL_PANELS_F32,
            LW_KERNEL_MATMUL_PANELS_BF16, LW_KERNEL_MATMUL_PANELS_BF16_F32),
        .args = &args,
        .constant_count = 6,
        .constants = {packing->lanes, packing->tile, STEP, bias.address != 0, add.address != 0,
            packing->depth > 16 * SPAN ? SPAN : 0},
        .access_count = 5,
        .accesses = {rows, lanes, lw_tensor_read(&bias), lw_tensor_read(&add), lw_tensor_write(&c)},
        .flops = 2.0 * part->rows * part->columns * packing->shape.k,
        .bytes = (double)rows.size + (double)lanes.size + (double)lw_tensor_span(&c)};
    lw_dispatch_linear(&dispatch, (uint64_t)args.row_panels * args.lane_panels);
    lw_stream_dispatch(stream, &dispatch);
}

static uint32_t at_most(uint32_t value, uint32_t limit)
{
    return value < limit ? value : limit;
}

void lw_matmul_cpu(const struct lw_matmul_variant *variant, struct lw_stream *stream,
    const struct lw_matmul *matmul, const struct lw_matmul_plan *plan)
{
    (void)variant;
    (void)plan;
    struct packing packing = make_packing(lw_stream_device(stream), matmul);
    const struct lw_matmul_shape *shape = &packing.shape;
    struct part part = {0};
    bool packed_whole = false; // all of b lies in the scratch memory
    for (; part.row < shape->m; part.row += part.rows) {
        part.rows = at_most(packing.row_round, shape->m - part.row);
        struct lw_tensor a = part_of(&matmul->a, shape->a_transposed, part.row, part.rows);
        pack(stream, &packing, &a, shape->a_transposed, packing.tile, matmul->scratch.address);
        for (part.column = 0; part.column < shape->n; part.column += part.columns) {
            part.columns = at_most(packing.lane_round, shape->n - part.column);
            if (!packed_whole) {
                struct lw_tensor b =
                    part_of(&matmul->b, shape->b_transposed, part.column, part.columns);
                pack(stream, &packing, &b, shape->b_transposed, packing.lanes,
                    matmul->scratch.address + packing.row_bytes);
                packed_whole = part.columns == shape->n;
            }
            multiply(stream, matmul, &packing, &part);
        }
    }
}
