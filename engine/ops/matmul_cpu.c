// SPDX-License-Identifier: Apache-2.0
// Matrix products on CPU drivers: shaders/matmul_panels.comp multiplies operands that lie in fp32
// panels. One that is stored depth by depth does so already, its neighbouring panels interleaved;
// others are packed into scratch memory, in rounds where they are larger than its limits.
#include "engine/base/processor.h"
#include "engine/ops/matmul_private.h"
#include "shaders/matmul_pack.h"
#include "shaders/matmul_panels.h"

#define ROW_SCRATCH (16u << 20) // bytes of row panels at a time
#define LANE_SCRATCH (8u << 20) // bytes of lane panels at a time
#define STEP 64u                // depths that the product unrolls
#define SPAN 1024u              // depths that one accumulator adds up where there are far more
#define BLOCK 16u               // lane panels that are walked together
// A panel as it is stored may begin a page with each depth. Up to this many depths caches and TLBs keep
// up, where there is one vector a depth (lanes) or two or three lines (rows); beyond, packing is faster.
#define STORED_LANE_DEPTHS 1024u
#define STORED_ROW_DEPTHS 256u

// One operand of a product, seen as [lines, depth].
struct operand {
    const struct lw_tensor *tensor;
    bool transposed; // stored as [depth, lines]
    bool whole;      // lies in panels as it is stored
    uint32_t tile;   // lines of a panel
    uint32_t round;  // lines that are packed at a time; all where `whole`
    uint64_t bytes;  // of scratch
};

// How one product is cut up.
struct packing {
    struct lw_matmul_shape shape;
    uint32_t depth;             // k, rounded up to STEP
    struct operand rows, lanes; // a, b; the rows' scratch comes first
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

// Panels as they are stored have no padding of zeros behind the last depth; what is read beside the
// last line counts for nothing.
static void plan_operand(struct operand *operand, const struct packing *packing, uint32_t lines,
    uint64_t limit, uint32_t stored_depths)
{
    uint64_t line = (uint64_t)packing->depth * sizeof(float);
    operand->whole = operand->transposed && operand->tensor->type == LW_F32 &&
                     packing->depth == packing->shape.k && packing->depth <= stored_depths;
    operand->round = operand->whole ? lines : round_rows(lines, operand->tile, line, limit);
    operand->bytes = operand->whole ? 0 : round_up(operand->round * line, 256);
}

static struct packing make_packing(const struct lw_device *device, const struct lw_matmul *matmul)
{
    struct packing packing = {.shape = lw_matmul_shape_of(matmul)};
    const struct lw_matmul_shape *shape = &packing.shape;
    packing.depth = (uint32_t)round_up(shape->k, STEP);
    packing.rows = (struct operand){
        .tensor = &matmul->a, .transposed = shape->a_transposed, .tile = pick_tile(shape->m)};
    packing.lanes = (struct operand){
        .tensor = &matmul->b, .transposed = shape->b_transposed, .tile = lw_matmul_lanes(device)};
    plan_operand(&packing.rows, &packing, shape->m, ROW_SCRATCH, STORED_ROW_DEPTHS);
    plan_operand(&packing.lanes, &packing, shape->n, LANE_SCRATCH, STORED_LANE_DEPTHS);
    return packing;
}

uint64_t lw_matmul_cpu_scratch(const struct lw_device *device, const struct lw_matmul *matmul,
    const struct lw_matmul_plan *plan)
{
    (void)plan;
    struct packing packing = make_packing(device, matmul);
    return packing.rows.bytes + packing.lanes.bytes;
}

// Lines of an operand, in panels.
struct panels {
    uint64_t address;
    uint32_t count, stride, step; // stride, step: see shaders/matmul_panels.h
    struct lw_access read;
};

static struct panels panels_of(const struct packing *packing, const struct operand *operand,
    const struct lw_tensor *part, uint64_t scratch)
{
    uint32_t lines = operand->transposed ? part->columns : part->rows;
    struct panels panels = {.count = divide_up(lines, operand->tile)};
    if (operand->whole) {
        panels.address = part->address;
        panels.stride = part->stride;
        panels.step = operand->tile;
        panels.read = lw_tensor_read(part);
    } else {
        panels.address = scratch;
        panels.stride = operand->tile;
        panels.step = packing->depth * operand->tile;
        panels.read = (struct lw_access){
            scratch, (uint64_t)panels.count * panels.step * sizeof(float), false};
    }
    return panels;
}

// Packs what `panels` says of the operand's `part`.
static void pack(struct lw_stream *stream, const struct packing *packing,
    const struct operand *operand, const struct lw_tensor *part, const struct panels *panels)
{
    bool transposed = operand->transposed;
    struct lw_matmul_pack_args args = {.source = part->address,
        .target = panels->address,
        .rows = transposed ? part->columns : part->rows,
        .depth = packing->shape.k,
        .padded_depth = packing->depth,
        .stride = part->stride};
    struct lw_access write = panels->read;
    write.write = true;
    struct lw_dispatch dispatch = {
        .kernel = part->type == LW_BF16 ? LW_KERNEL_MATMUL_PACK_BF16 : LW_KERNEL_MATMUL_PACK_F32,
        .args = &args,
        .constant_count = 3,
        .constants = {packing->lanes.tile, operand->tile, transposed},
        .access_count = 2,
        .accesses = {lw_tensor_read(part), write},
        .bytes = (double)lw_tensor_span(part) + (double)write.size};
    uint32_t a_group = transposed ? LW_PACK_RUN : LW_PACK_CHUNKS * packing->lanes.tile; // depths
    lw_dispatch_linear(&dispatch, (uint64_t)panels->count * divide_up(packing->depth, a_group));
    lw_stream_dispatch(stream, &dispatch);
}

// `count` lines of the operand from `first` on.
static struct lw_tensor part_of(const struct operand *operand, uint32_t first, uint32_t count)
{
    const struct lw_tensor *tensor = operand->tensor;
    return operand->transposed ? lw_tensor_part(tensor, 0, tensor->rows, first, count)
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
    const struct packing *packing, const struct part *part, const struct panels *rows,
    const struct panels *lanes)
{
    struct lw_tensor c = c_part(&matmul->c, part), add = c_part(&matmul->add, part);
    struct lw_tensor bias =
        c_part(&matmul->bias, &(struct part){0, 1, part->column, part->columns});
    struct lw_matmul_panels_args args = {.rows = rows->address,
        .lanes = lanes->address,
        .c = c.address,
        .bias = bias.address,
        .add = add.address,
        .row_stride = rows->stride,
        .row_step = rows->step,
        .lane_stride = lanes->stride,
        .lane_step = lanes->step,
        .m = part->rows,
        .n = part->columns,
        .depth = packing->depth,
        .c_stride = c.stride,
        .add_stride = add.stride,
        .row_panels = rows->count,
        .lane_panels = lanes->count,
        .block = BLOCK};
    struct lw_dispatch dispatch = {
        .kernel = lw_matmul_kernel(matmul, LW_KERNEL_MATMUL_PANELS_F32,
            LW_KERNEL_MATMUL_PANELS_BF16, LW_KERNEL_MATMUL_PANELS_BF16_F32),
        .args = &args,
        .constant_count = 6,
        .constants = {packing->lanes.tile, packing->rows.tile, STEP, bias.address != 0,
            add.address != 0, packing->depth > 16 * SPAN ? SPAN : 0},
        .access_count = 5,
        .accesses = {rows->read, lanes->read, lw_tensor_read(&bias), lw_tensor_read(&add),
            lw_tensor_write(&c)},
        .flops = 2.0 * part->rows * part->columns * packing->shape.k,
        .bytes = (double)rows->read.size + (double)lanes->read.size + (double)lw_tensor_span(&c)};
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
    const struct operand *a = &packing.rows, *b = &packing.lanes;
    const struct lw_matmul_shape *shape = &packing.shape;
    uint64_t scratch = matmul->scratch.address;
    struct part part = {0};
    bool b_ready = b->whole; // all of b lies in panels
    for (; part.row < shape->m; part.row += part.rows) {
        part.rows = at_most(a->round, shape->m - part.row);
        struct lw_tensor a_part = part_of(a, part.row, part.rows);
        struct panels rows = panels_of(&packing, a, &a_part, scratch);
        if (!a->whole) {
            pack(stream, &packing, a, &a_part, &rows);
        }
        for (part.column = 0; part.column < shape->n; part.column += part.columns) {
            part.columns = at_most(b->round, shape->n - part.column);
            struct lw_tensor b_part = part_of(b, part.column, part.columns);
            struct panels lanes = panels_of(&packing, b, &b_part, scratch + a->bytes);
            if (!b_ready) {
                pack(stream, &packing, b, &b_part, &lanes);
                b_ready = part.columns == shape->n;
            }
            multiply(stream, matmul, &packing, &part, &rows, &lanes);
        }
    }
}
