// SPDX-License-Identifier: Apache-2.0
// Cases of the kernel checks: their tensors, guard bytes and comparisons. See check.h.
#include "tests/kernels/check_private.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gpu/transfer.h"

#define POISON 0xff       // as bytes of any element type: a NaN
#define GUARD 0xfb        // around what is written, so that a NaN copied past the end shows
#define BENCH_PERIOD 4099 // when only the time matters, random numbers repeat after so many

void check_must(bool done, const struct lw_error *error)
{
    if (!done) {
        fprintf(stderr, "kernelcheck: %s\n", error->message);
        exit(LW_FAILED);
    }
}

void *check_memory(uint64_t count, uint64_t size)
{
    void *memory = calloc(count ? count : 1, size);
    struct lw_error error = {.message = "not enough memory for the host's copies"};
    check_must(memory != NULL, &error);
    return memory;
}

bool check_is_bench(const struct check *check)
{
    return check->mode == CHECK_MODE_BENCH || check->typical_shapes;
}

bool check_is_compile(const struct check *check)
{
    return check->mode == CHECK_MODE_COMPILE;
}

bool check_is_matrices(const struct check *check)
{
    return check->matrices;
}

unsigned check_cases(const struct check *check)
{
    return check->cases;
}

bool check_begin(struct check *check, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(check->parameters, sizeof check->parameters, format, arguments);
    va_end(arguments);
    snprintf(check->name, sizeof check->name, "%s", name);
    check->case_count++;
    if (check->mode == CHECK_MODE_LIST) {
        if (strcmp(check->listed, check->name) != 0) {
            printf("%s: %s\n", check->row, check->name);
            memcpy(check->listed, check->name, sizeof check->listed);
        }
        return false;
    }
    if (check->filter && !strstr(name, check->filter) && strcmp(check->row, check->filter) != 0) {
        return false;
    }
    struct lw_error error = {0};
    struct lw_arena_params params = {.name = "kernel check"};
    check_must(lw_arena_create(&check->arena, check->device, &params, &error), &error);
    check_must(lw_stream_create(&check->stream, check->device, "kernel check", &error), &error);
    check->in_case = true;
    check->case_failed = false;
    check->data_state = check->seed * 0x9e3779b97f4a7c15u + check->case_count;
    check->flops = check->bytes = 0;
    check->run_count++;
    return true;
}

// An operand of `bytes` bytes, poisoned, with its guards.
static struct check_operand *add_operand(struct check *check, uint64_t bytes, bool written)
{
    struct lw_error error = {.message = "a case has too many tensors: raise CHECK_TENSORS"};
    check_must(check->operand_count < CHECK_TENSORS, &error);
    struct check_operand *operand = &check->operands[check->operand_count++];
    memset(operand, 0, sizeof *operand);
    uint64_t whole = bytes + 2 * CHECK_GUARD;
    check_must(lw_arena_allocate(check->arena, whole, &operand->whole, &error), &error);
    operand->tensor.buffer = lw_buffer_part(&operand->whole, CHECK_GUARD, bytes);
    operand->before = check_memory(whole, 1);
    operand->after = check_memory(whole, 1);
    operand->written = written;
    memset(operand->before, written ? GUARD : POISON, whole);
    memset(operand->before + CHECK_GUARD, POISON, bytes);
    return operand;
}

struct check_tensor *check_tensor(struct check *check, const struct check_tensor_params *params)
{
    uint32_t stride = params->stride ? params->stride : params->columns;
    uint64_t size = lw_type_size(params->type), shift = params->offset * size;
    uint64_t count = (uint64_t)params->rows * params->columns;
    uint64_t span = ((uint64_t)(params->rows - 1) * stride + params->columns) * size;
    struct check_operand *operand = add_operand(check, span + shift, params->written);
    struct check_tensor *tensor = &operand->tensor;
    operand->whole = lw_buffer_part(&operand->whole, shift, span + 2 * CHECK_GUARD);
    tensor->buffer = lw_buffer_part(&operand->whole, CHECK_GUARD, span);
    tensor->tensor = lw_tensor_of(&tensor->buffer, params->type, params->rows, params->columns);
    tensor->tensor.stride = stride;
    if (params->written) { // the gaps between rows, and what `shift` moved
        unsigned char *image = operand->before;
        memset(image, GUARD, span + shift + 2 * CHECK_GUARD);
        for (uint64_t row = 0; row < params->rows; row++) {
            memset(image + CHECK_GUARD + row * stride * size, POISON, params->columns * size);
        }
    }
    tensor->values = check_memory(count, sizeof *tensor->values);
    double scale = params->scale != 0 ? params->scale : 1;
    for (uint64_t i = 0; i < count && params->fill != CHECK_POISON; i++) {
        bool again = check_is_bench(check) && i >= BENCH_PERIOD;
        double value = params->fill == CHECK_ZERO ? 0
                       : again                    ? tensor->values[i - BENCH_PERIOD]
                                                  : scale * check_normal(check);
        check_set(tensor, i, value);
    }
    return tensor;
}

struct check_tensor *check_input(
    struct check *check, enum lw_type type, uint32_t rows, uint32_t columns)
{
    return check_tensor(
        check, &(struct check_tensor_params){.type = type, .rows = rows, .columns = columns});
}

struct check_tensor *check_output(
    struct check *check, enum lw_type type, uint32_t rows, uint32_t columns)
{
    return check_tensor(check,
        &(struct check_tensor_params){
            .type = type, .rows = rows, .columns = columns, .fill = CHECK_POISON, .written = true});
}

struct check_tensor *check_words(struct check *check, const uint32_t *words, uint32_t count)
{
    struct check_operand *operand = add_operand(check, (uint64_t)count * sizeof *words, !words);
    struct check_tensor *tensor = &operand->tensor;
    tensor->tensor = lw_tensor_of(&tensor->buffer, LW_F32, 1, count);
    tensor->words = check_memory(count, sizeof *words);
    if (words && count) {
        memcpy(tensor->words, words, count * sizeof *words);
        memcpy(operand->before + CHECK_GUARD, words, count * sizeof *words);
    }
    return tensor;
}

struct lw_buffer check_scratch(struct check *check, uint64_t bytes)
{
    if (!bytes) {
        return (struct lw_buffer){0};
    }
    struct check_operand *operand = add_operand(check, bytes, true);
    operand->scratch = true;
    return operand->tensor.buffer;
}

double *check_doubles(struct check *check, uint64_t count)
{
    struct lw_error error = {.message = "a case has too many arrays: raise CHECK_DOUBLES"};
    check_must(check->doubles_count < CHECK_DOUBLES, &error);
    return check->doubles[check->doubles_count++] = check_memory(count, sizeof(double));
}

struct lw_stream *check_stream(struct check *check)
{
    return check->stream;
}

struct lw_device *check_device(const struct check *check)
{
    return check->device;
}

void check_work(struct check *check, double flops, double bytes)
{
    check->flops = flops;
    check->bytes = bytes;
}

void check_fail(struct check *check, const char *format, ...)
{
    if (check->case_failed) {
        return;
    }
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("FAIL %s [%s] case %u: %s\n", check->name, check->parameters, check->case_count, text);
    check->case_failed = true;
    check->failure_count++;
}

void check_end(struct check *check)
{
    lw_stream_destroy(check->stream);
    lw_arena_destroy(check->arena);
    for (unsigned i = 0; i < check->operand_count; i++) {
        free(check->operands[i].before);
        free(check->operands[i].after);
        free(check->operands[i].tensor.values);
        free(check->operands[i].tensor.words);
    }
    for (unsigned i = 0; i < check->doubles_count; i++) {
        free(check->doubles[i]);
    }
    check->operand_count = check->doubles_count = 0;
    check->in_case = false;
}
