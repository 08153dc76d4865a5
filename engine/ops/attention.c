// SPDX-License-Identifier: Apache-2.0
// Attention: checks shapes, fills the kernels' parameters, declares what they read and write, and
// leaves the choice of kernel and tile to attention_variants.c. See attention.h.
#include "engine/ops/attention.h"

#include "engine/ops/attention_private.h"
#include "engine/ops/magnitude.h"
#include "shaders/attention_decode.h"
#include "shaders/attention_forward.h"
#include "shaders/attention_key_gradient.h"
#include "shaders/attention_query_gradient.h"

static bool check_shape(struct lw_stream *stream, const struct lw_tensor *tensor, const char *name,
    uint32_t rows, uint32_t heads, const struct lw_attention_shape *shape)
{
    uint64_t columns = (uint64_t)heads * shape->head_dim;
    if (tensor->address && tensor->rows >= rows && tensor->columns == columns &&
        tensor->stride >= columns && tensor->type == shape->type) {
        return true;
    }
    lw_stream_fail(stream, LW_FAILED,
        "attention: %s is [%u, %u] of stride %u and type %d, not [%u, %llu] of type %d", name,
        (unsigned)tensor->rows, (unsigned)tensor->columns, (unsigned)tensor->stride,
        (int)tensor->type, (unsigned)rows, (unsigned long long)columns, (int)shape->type);
    return false;
}

static bool check_heads(struct lw_stream *stream, const struct lw_attention_shape *shape)
{
    bool known_type = shape->type == LW_F32 || shape->type == LW_BF16;
    if (known_type && shape->head_dim && shape->head_dim <= LW_ATTENTION_MAX_HEAD_DIM &&
        shape->kv_heads && shape->heads && shape->heads % shape->kv_heads == 0) {
        return true;
    }
    lw_stream_fail(stream, LW_FAILED,
        "attention: %u heads of size %u on %u key heads in type %d are not supported",
        (unsigned)shape->heads, (unsigned)shape->head_dim, (unsigned)shape->kv_heads,
        (int)shape->type);
    return false;
}

// The window as kernels take it: 0 where it hides nothing.
static uint32_t kernel_window(uint32_t window, uint32_t keys)
{
    return window >= keys ? 0 : window;
}

// Query-key pairs that are seen if all tokens are one segment.
static double pair_count(const struct lw_attention *attention)
{
    double tokens = attention->tokens;
    double window = kernel_window(attention->window, attention->tokens);
    if (window == 0) {
        window = tokens;
    }
    return attention->heads * (window * (window + 1) / 2 + (tokens - window) * window);
}

static struct lw_attention_shape shape_of(const struct lw_attention *attention)
{
    return (struct lw_attention_shape){.type = attention->q.type,
        .tokens = attention->tokens,
        .heads = attention->heads,
        .kv_heads = attention->kv_heads,
        .head_dim = attention->head_dim,
        .q = &attention->q,
        .k = &attention->k,
        .v = &attention->v,
        .out = &attention->out,
        .scratch = &attention->scratch};
}

static struct lw_access words_read(const struct lw_buffer *buffer, uint32_t count)
{
    return (struct lw_access){buffer->address, (uint64_t)count * 4, false};
}

static struct lw_access statistic_access(
    const struct lw_tensor *tensor, const struct lw_attention *attention, bool write)
{
    uint64_t size = (uint64_t)attention->heads * attention->tokens * 4;
    return (struct lw_access){tensor->address, size, write};
}

// log_sum and delta are dense; so are the segments' bounds.
static bool check_statistic(struct lw_stream *stream, const struct lw_tensor *tensor,
    const char *name, const struct lw_attention *attention)
{
    if (tensor->address && tensor->type == LW_F32 && tensor->rows == attention->heads &&
        tensor->columns == attention->tokens && tensor->stride == tensor->columns) {
        return true;
    }
    lw_stream_fail(stream, LW_FAILED, "attention: %s is not a dense fp32 [%u, %u]", name,
        (unsigned)attention->heads, (unsigned)attention->tokens);
    return false;
}

static bool check_bounds(struct lw_stream *stream, const struct lw_buffer *buffer, const char *name,
    const struct lw_attention *attention)
{
    if (buffer->address && buffer->size >= (uint64_t)attention->tokens * 4) {
        return true;
    }
    lw_stream_fail(stream, LW_FAILED, "attention: %s has %llu bytes for %u tokens", name,
        (unsigned long long)buffer->size, (unsigned)attention->tokens);
    return false;
}

static bool check_scratch(struct lw_stream *stream, const struct lw_attention *attention)
{
    uint64_t size = lw_attention_scratch(lw_stream_device(stream), attention->q.type);
    if (attention->scratch.size >= size) {
        return true;
    }
    lw_stream_fail(stream, LW_FAILED, "attention: scratch has %llu bytes, not %llu",
        (unsigned long long)attention->scratch.size, (unsigned long long)size);
    return false;
}

static bool check_attention(struct lw_stream *stream, const struct lw_attention *attention)
{
    struct lw_attention_shape shape = shape_of(attention);
    uint32_t tokens = attention->tokens;
    return check_heads(stream, &shape) &&
           check_shape(stream, &attention->q, "q", tokens, shape.heads, &shape) &&
           check_shape(stream, &attention->k, "k", tokens, shape.kv_heads, &shape) &&
           check_shape(stream, &attention->v, "v", tokens, shape.kv_heads, &shape) &&
           check_shape(stream, &attention->out, "out", tokens, shape.heads, &shape) &&
           check_statistic(stream, &attention->log_sum, "log_sum", attention) &&
           check_bounds(stream, &attention->segment_start, "segment_start", attention) &&
           check_scratch(stream, attention);
}

// What the arguments of the forward kernel and of both gradients' have in common; each is a struct
// of its own, so that this is text.
#define INPUTS(a)                                                                                  \
    .q = (a)->q.address, .k = (a)->k.address, .v = (a)->v.address,                                 \
    .log_sum = (a)->log_sum.address, .q_stride = (a)->q.stride, .k_stride = (a)->k.stride,         \
    .v_stride = (a)->v.stride, .tokens = (a)->tokens, .group = (a)->heads / (a)->kv_heads,         \
    .window = kernel_window((a)->window, (a)->tokens), .scale = (a)->scale,                        \
    .scales = (a)->scratch.address

// Of the magnitudes in the scratch memory; where there is none, nothing is read.
static struct lw_access scales_read(const struct lw_attention *attention)
{
    const struct lw_buffer *scratch = &attention->scratch;
    uint64_t size = scratch->size < LW_MAGNITUDES_SIZE ? scratch->size : LW_MAGNITUDES_SIZE;
    return (struct lw_access){scratch->address, size, false};
}

void lw_attention_forward(struct lw_stream *stream, const struct lw_attention *attention)
{
    const struct lw_attention *a = attention;
    if (!a->tokens || !check_attention(stream, a)) {
        return;
    }
    struct lw_attention_forward_args args = {INPUTS(a), .result = a->out.address,
        .segment_start = a->segment_start.address, .result_stride = a->out.stride,
        .heads = a->heads};
    struct lw_dispatch dispatch = {.args = &args,
        .access_count = 7,
        .accesses = {scales_read(a), lw_tensor_read(&a->q), lw_tensor_read(&a->k),
            lw_tensor_read(&a->v), words_read(&a->segment_start, a->tokens),
            lw_tensor_write(&a->out), statistic_access(&a->log_sum, a, true)},
        .flops = pair_count(a) * 4 * a->head_dim};
    struct lw_attention_shape shape = shape_of(a);
    lw_attention_plan(stream, LW_ATTENTION_FORWARD, &shape, &dispatch);
    lw_stream_dispatch(stream, &dispatch);
}

static void record_query_gradient(
    struct lw_stream *stream, const struct lw_attention_backward *backward)
{
    const struct lw_attention *a = &backward->forward;
    struct lw_attention_query_gradient_args args = {INPUTS(a), .result = a->out.address,
        .out_gradient = backward->out_gradient.address, .segment_start = a->segment_start.address,
        .delta = backward->delta.address, .q_gradient = backward->q_gradient.address,
        .result_stride = a->out.stride, .out_gradient_stride = backward->out_gradient.stride,
        .q_gradient_stride = backward->q_gradient.stride, .heads = a->heads};
    struct lw_dispatch dispatch = {.args = &args,
        .access_count = 10,
        .accesses = {scales_read(a), lw_tensor_read(&a->q), lw_tensor_read(&a->k),
            lw_tensor_read(&a->v), lw_tensor_read(&a->out), lw_tensor_read(&backward->out_gradient),
            statistic_access(&a->log_sum, a, false), words_read(&a->segment_start, a->tokens),
            statistic_access(&backward->delta, a, true), lw_tensor_write(&backward->q_gradient)},
        .flops = pair_count(a) * 6 * a->head_dim};
    struct lw_attention_shape shape = shape_of(a);
    shape.out_gradient = &backward->out_gradient;
    shape.q_gradient = &backward->q_gradient;
    lw_attention_plan(stream, LW_ATTENTION_QUERY_GRADIENT, &shape, &dispatch);
    lw_stream_dispatch(stream, &dispatch);
}

static void record_key_gradient(
    struct lw_stream *stream, const struct lw_attention_backward *backward)
{
    const struct lw_attention *a = &backward->forward;
    struct lw_attention_key_gradient_args args = {INPUTS(a),
        .out_gradient = backward->out_gradient.address, .delta = backward->delta.address,
        .segment_end = a->segment_end.address, .k_gradient = backward->k_gradient.address,
        .v_gradient = backward->v_gradient.address,
        .out_gradient_stride = backward->out_gradient.stride,
        .k_gradient_stride = backward->k_gradient.stride,
        .v_gradient_stride = backward->v_gradient.stride, .kv_heads = a->kv_heads};
    struct lw_dispatch dispatch = {.args = &args,
        .access_count = 10,
        .accesses = {scales_read(a), lw_tensor_read(&a->q), lw_tensor_read(&a->k),
            lw_tensor_read(&a->v), lw_tensor_read(&backward->out_gradient),
            statistic_access(&a->log_sum, a, false), statistic_access(&backward->delta, a, false),
            words_read(&a->segment_end, a->tokens), lw_tensor_write(&backward->k_gradient),
            lw_tensor_write(&backward->v_gradient)},
        .flops = pair_count(a) * 8 * a->head_dim};
    struct lw_attention_shape shape = shape_of(a);
    shape.out_gradient = &backward->out_gradient;
    shape.k_gradient = &backward->k_gradient;
    shape.v_gradient = &backward->v_gradient;
    lw_attention_plan(stream, LW_ATTENTION_KEY_GRADIENT, &shape, &dispatch);
    lw_stream_dispatch(stream, &dispatch);
}

void lw_attention_backward(struct lw_stream *stream, const struct lw_attention_backward *backward)
{
    const struct lw_attention *a = &backward->forward;
    struct lw_attention_shape shape = shape_of(a);
    if (a->tokens && check_attention(stream, a) &&
        check_shape(stream, &backward->out_gradient, "out_gradient", a->tokens, a->heads, &shape) &&
        check_shape(stream, &backward->q_gradient, "q_gradient", a->tokens, a->heads, &shape) &&
        check_shape(stream, &backward->k_gradient, "k_gradient", a->tokens, a->kv_heads, &shape) &&
        check_shape(stream, &backward->v_gradient, "v_gradient", a->tokens, a->kv_heads, &shape) &&
        check_statistic(stream, &backward->delta, "delta", a) &&
        check_bounds(stream, &a->segment_end, "segment_end", a)) {
        record_query_gradient(stream, backward);
        record_key_gradient(stream, backward);
    }
}

void lw_attention_decode(struct lw_stream *stream, const struct lw_attention_decode *decode)
{
    struct lw_attention_shape shape = {.type = decode->q.type,
        .tokens = decode->capacity,
        .heads = decode->heads,
        .kv_heads = decode->kv_heads,
        .head_dim = decode->head_dim,
        .q = &decode->q,
        .k = &decode->k,
        .v = &decode->v,
        .out = &decode->out};
    if (!decode->capacity || !check_heads(stream, &shape) ||
        !check_shape(stream, &decode->q, "q", 1, decode->heads, &shape) ||
        !check_shape(stream, &decode->k, "k", decode->capacity, decode->kv_heads, &shape) ||
        !check_shape(stream, &decode->v, "v", decode->capacity, decode->kv_heads, &shape) ||
        !check_shape(stream, &decode->out, "out", 1, decode->heads, &shape)) {
        return;
    }
    struct lw_attention_decode_args args = {.q = decode->q.address,
        .k = decode->k.address,
        .v = decode->v.address,
        .result = decode->out.address,
        .position = decode->position_buffer.address,
        .k_stride = decode->k.stride,
        .v_stride = decode->v.stride,
        .heads = decode->heads,
        .group = decode->heads / decode->kv_heads,
        .window = kernel_window(decode->window, decode->capacity),
        .scale = decode->scale};
    struct lw_dispatch dispatch = {.args = &args,
        .access_count = 5,
        .accesses = {lw_tensor_read(&decode->q), lw_tensor_read(&decode->k),
            lw_tensor_read(&decode->v), words_read(&decode->position_buffer, 1),
            lw_tensor_write(&decode->out)},
        .bytes = (double)(lw_tensor_span(&decode->k) + lw_tensor_span(&decode->v)) / 2};
    lw_attention_plan(stream, LW_ATTENTION_DECODE, &shape, &dispatch);
    lw_stream_dispatch(stream, &dispatch);
}
