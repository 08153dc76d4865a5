// SPDX-License-Identifier: Apache-2.0
// The feed-forward layer's gate and its gradient.
#include <math.h>
#include <stdlib.h>

#include "engine/ops/mlp.h"
#include "tests/kernels/check.h"
#include "tests/reference/mlp.h"

struct shape {
    enum lw_type type;
    uint32_t rows, columns, gap; // gap: columns between rows that are not the tensor's
    double scale;                // of the gate: exp(-gate) leaves a float's range above 88
};

static bool begin(struct check *check, const char *name, const struct shape *shape)
{
    return check_begin(check, name, "%s, %u rows of %u, gap %u, scale %g",
        check_type_name(shape->type), shape->rows, shape->columns, shape->gap, shape->scale);
}

static struct check_tensor *make(struct check *check, const struct shape *shape, uint32_t columns,
    enum check_fill fill, bool written)
{
    struct check_tensor_params params = {.type = shape->type,
        .rows = shape->rows,
        .columns = columns,
        .stride = columns + shape->gap,
        .fill = fill,
        .written = written};
    return check_tensor(check, &params);
}

static void scale_gate(const struct shape *shape, struct check_tensor *gate_up)
{
    for (uint32_t r = 0; r < shape->rows; r++) {
        for (uint32_t c = 0; c < shape->columns; c++) {
            uint64_t i = (uint64_t)r * 2 * shape->columns + c;
            check_set(gate_up, i, shape->scale * gate_up->values[i]);
        }
    }
}

// exp makes the rounding of a large argument a relative error.
static double tolerance(const struct shape *shape)
{
    return shape->scale > 1 ? 1e-5 : 3e-7;
}

static void forward_case(struct check *check, const struct shape *shape)
{
    if (!begin(check, "swiglu", shape)) {
        return;
    }
    uint32_t rows = shape->rows, columns = shape->columns;
    double count = (double)rows * columns;
    struct check_tensor *gate_up = make(check, shape, 2 * columns, CHECK_NORMAL, false);
    struct check_tensor *y = make(check, shape, columns, CHECK_POISON, true);
    scale_gate(shape, gate_up);
    lw_swiglu(check_stream(check), &gate_up->tensor, &y->tensor);
    check_work(check, 5 * count, 3 * count * (double)lw_type_size(shape->type));
    if (check_run(check)) {
        double *expected = check_doubles(check, (uint64_t)rows * columns);
        reference_swiglu(gate_up->values, rows, columns, expected);
        check_compare(check, "y", y, expected, tolerance(shape));
    }
    check_end(check);
}

static void backward_case(struct check *check, const struct shape *shape, bool in_place)
{
    if (!begin(check, in_place ? "swiglu_backward, in place" : "swiglu_backward", shape)) {
        return;
    }
    uint32_t rows = shape->rows, columns = shape->columns;
    double count = (double)rows * columns;
    struct check_tensor *gate_up = make(check, shape, 2 * columns, CHECK_NORMAL, in_place);
    struct check_tensor *gradient =
        in_place ? gate_up : make(check, shape, 2 * columns, CHECK_POISON, true);
    struct check_tensor *dy = make(check, shape, columns, CHECK_NORMAL, false);
    scale_gate(shape, gate_up);
    double *expected = check_doubles(check, (uint64_t)rows * columns * 2);
    reference_swiglu_backward(gate_up->values, dy->values, rows, columns, expected);
    lw_swiglu_backward(check_stream(check), &gate_up->tensor, &dy->tensor, &gradient->tensor);
    check_work(check, 10 * count, 5 * count * (double)lw_type_size(shape->type));
    if (check_run(check)) {
        check_compare(check, "gate_up_gradient", gradient, expected, tolerance(shape));
    }
    check_end(check);
}

void check_mlp(struct check *check)
{
    for (enum lw_type type = LW_F32; type <= LW_BF16; type++) {
        if (check_is_bench(check)) {
            forward_case(check, &(struct shape){type, 1024, 4864, 0, 1});
            backward_case(check, &(struct shape){type, 1024, 4864, 0, 1}, true);
            continue;
        }
        const double scales[] = {1, 30, 1e4, 1e-10};
        for (unsigned i = 0; i < check_cases(check); i++) {
            struct shape shape = {type, check_size(check, 50), check_size(check, 3000),
                check_random(check, 2) * check_random(check, 9), scales[check_random(check, 4)]};
            forward_case(check, &shape);
            backward_case(check, &shape, check_random(check, 2));
        }
    }
}
