// SPDX-License-Identifier: Apache-2.0
// Running a case and comparing what it left. See check.h.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/numeric.h"
#include "engine/gpu/transfer.h"
#include "tests/kernels/check_private.h"

static double decode(enum lw_type type, const unsigned char *bytes)
{
    uint16_t half;
    float value;
    memcpy(&half, bytes, sizeof half);
    if (type == LW_F32) {
        memcpy(&value, bytes, sizeof value);
        return value;
    }
    return type == LW_BF16 ? lw_bf16_to_float(half) : lw_f16_to_float(half);
}

// `value` must be one that the type holds.
static void encode(enum lw_type type, double value, unsigned char *bytes)
{
    float single = (float)value;
    uint16_t half = type == LW_BF16 ? lw_float_to_bf16(single) : lw_float_to_f16(single);
    memcpy(bytes, type == LW_F32 ? (const void *)&single : &half, lw_type_size(type));
}

static uint64_t offset_of(const struct lw_tensor *shape, uint64_t index)
{
    uint64_t row = index / shape->columns, column = index % shape->columns;
    return CHECK_GUARD + (row * shape->stride + column) * lw_type_size(shape->type);
}

void check_set(struct check_tensor *tensor, uint64_t index, double value)
{
    struct check_operand *operand = (struct check_operand *)tensor; // its first member
    const struct lw_tensor *shape = &tensor->tensor;
    tensor->values[index] = check_round(shape->type, value);
    encode(shape->type, tensor->values[index], operand->before + offset_of(shape, index));
}

// One run on fresh inputs; what it leaves goes to `after`, or is compared with it.
static void run_once(struct check *check, bool again)
{
    struct lw_error error = {0};
    for (unsigned i = 0; i < check->operand_count; i++) {
        struct check_operand *operand = &check->operands[i];
        check_must(lw_upload(check->device, &operand->whole, 0, operand->before,
                       operand->whole.size, &error),
            &error);
    }
    uint64_t ticket;
    check_must(lw_stream_submit(check->stream, &ticket, &error), &error);
    check_must(lw_device_wait(check->device, ticket, &error), &error);
    for (unsigned i = 0; i < check->operand_count; i++) {
        struct check_operand *operand = &check->operands[i];
        uint64_t size = operand->whole.size;
        unsigned char *image = again ? check_memory(size, 1) : operand->after;
        check_must(lw_download(check->device, &operand->whole, 0, image, size, &error), &error);
        if (again) {
            if (!operand->scratch && memcmp(image, operand->after, size) != 0) {
                check_fail(check, "operand %u: two runs on the same inputs differ", i);
            }
            free(image);
        }
    }
}

// Whether byte `at` of the image lies in an element that the kernel may change.
static bool may_change(const struct check_operand *operand, uint64_t at)
{
    const struct lw_tensor *shape = &operand->tensor.tensor;
    uint64_t inner = operand->tensor.buffer.size;
    if (!operand->written || at < CHECK_GUARD || at >= CHECK_GUARD + inner) {
        return false;
    }
    return operand->scratch ||
           (at - CHECK_GUARD) / lw_type_size(shape->type) % shape->stride < shape->columns;
}

static void check_untouched(struct check *check, unsigned index)
{
    const struct check_operand *operand = &check->operands[index];
    for (uint64_t i = 0; i < operand->whole.size; i++) {
        if (operand->before[i] != operand->after[i] && !may_change(operand, i)) {
            check_fail(check, "operand %u: byte %lld of %llu was written%s", index,
                (long long)i - CHECK_GUARD, (unsigned long long)operand->tensor.buffer.size,
                operand->written ? "" : " although it is an input");
            return;
        }
    }
}

static void fetch(struct check_operand *operand)
{
    struct check_tensor *tensor = &operand->tensor;
    const struct lw_tensor *shape = &tensor->tensor;
    if (tensor->words) {
        memcpy(tensor->words, operand->after + CHECK_GUARD, tensor->buffer.size);
    } else if (tensor->values) {
        for (uint64_t i = 0; i < (uint64_t)shape->rows * shape->columns; i++) {
            tensor->values[i] = decode(shape->type, operand->after + offset_of(shape, i));
        }
    }
}

bool check_run(struct check *check)
{
    struct lw_error error = {0};
    if (!lw_stream_end(check->stream, &error)) {
        check_fail(check, "recording failed: %s", error.message);
        return false;
    }
    if (check->mode == CHECK_MODE_COMPILE) {
        return false;
    }
    run_once(check, false);
    if (check->mode == CHECK_MODE_BENCH) {
        check_time(check);
        return false;
    }
    run_once(check, true);
    for (unsigned i = 0; i < check->operand_count; i++) {
        check_untouched(check, i);
        if (check->operands[i].written) {
            fetch(&check->operands[i]);
        }
    }
    return true;
}

// The difference of one element; infinite where one is NaN or infinite and the other is not it.
static double difference(double value, double expected)
{
    if (isnan(expected) && isnan(value)) {
        return 0;
    }
    if (!isfinite(expected) || !isfinite(value)) {
        return value == expected ? 0 : INFINITY;
    }
    return fabs(value - expected);
}

void check_compare(struct check *check, const char *what, const struct check_tensor *tensor,
    const double *expected, double tolerance)
{
    check_compare_terms(check, what, tensor, expected, expected, tolerance);
}

void check_compare_terms(struct check *check, const char *what, const struct check_tensor *tensor,
    const double *expected, const double *terms, double tolerance)
{
    const struct lw_tensor *shape = &tensor->tensor;
    uint64_t count = (uint64_t)shape->rows * shape->columns, worst = 0;
    // Half a unit in the last place of the stored type.
    double rounding = shape->type == LW_BF16 ? 0x1p-8 : shape->type == LW_F16 ? 0x1p-11 : 0x1p-24;
    double norm = 0, error = 0, worst_excess = -INFINITY;
    for (uint64_t i = 0; i < count; i++) {
        norm += isfinite(terms[i]) ? terms[i] * terms[i] : 0;
    }
    double mean = sqrt(norm / (double)count);
    for (uint64_t i = 0; i < count; i++) {
        double d = difference(tensor->values[i], expected[i]);
        double size = isfinite(expected[i]) ? fabs(expected[i]) : 0;
        double term = isfinite(terms[i]) ? fabs(terms[i]) : 0;
        // 16-bit subnormals are coarser than their relative rounding.
        double smallest = shape->type == LW_F16 ? 0x1p-25 : 0x1p-134;
        double excess =
            d - 8 * tolerance * fmax(fmax(size, term), mean) - rounding * size - smallest;
        if (excess > worst_excess) {
            worst_excess = excess;
            worst = i;
        }
        error += d * d;
    }
    double relative = error > 0 ? sqrt(error / (norm > 0 ? norm : 1)) : 0;
    if (worst_excess > 0 || !(relative <= tolerance + rounding + 0x1p-120)) {
        check_fail(check,
            "%s: relative error %.3g for a tolerance of %.3g; worst at row %llu, column %llu: got "
            "%.9g, expected %.9g",
            what, relative, tolerance, (unsigned long long)(worst / shape->columns),
            (unsigned long long)(worst % shape->columns), tensor->values[worst], expected[worst]);
    }
}

void check_compare_words(struct check *check, const char *what, const struct check_tensor *tensor,
    const uint32_t *expected)
{
    for (uint32_t i = 0; i < tensor->tensor.columns; i++) {
        if (tensor->words[i] != expected[i]) {
            check_fail(check, "%s: element %u: got %u, expected %u", what, i, tensor->words[i],
                expected[i]);
            return;
        }
    }
}
