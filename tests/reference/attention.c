// SPDX-License-Identifier: Apache-2.0
// See attention.h.
#include "tests/reference/attention.h"

#include <math.h>

static double dot(const double *x, const double *y, uint32_t count)
{
    double sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += x[i] * y[i];
    }
    return sum;
}

static const double *key_row(
    const struct reference_attention *attention, const double *rows, uint32_t key, uint32_t head)
{
    uint32_t kv_head = head / (attention->heads / attention->kv_heads);
    return rows + ((uint64_t)key * attention->kv_heads + kv_head) * attention->head_dim;
}

static uint32_t first_key(const struct reference_attention *attention, uint32_t query)
{
    uint32_t start = attention->segment_start[query];
    uint32_t window = attention->window;
    return window == 0 || query < window || query - window + 1 < start ? start : query - window + 1;
}

// The weights of the keys that the query sees, into weights[key]; returns the log of the sum.
static double weigh(
    const struct reference_attention *attention, uint32_t query, uint32_t head, double *weights)
{
    const double *q =
        attention->q + ((uint64_t)query * attention->heads + head) * attention->head_dim;
    double highest = -INFINITY, sum = 0;
    uint32_t first = first_key(attention, query);
    for (uint32_t key = first; key <= query; key++) {
        const double *k = key_row(attention, attention->k, key, head);
        weights[key] = attention->scale * dot(q, k, attention->head_dim);
        highest = fmax(highest, weights[key]);
    }
    for (uint32_t key = first; key <= query; key++) {
        sum += exp(weights[key] - highest);
    }
    double log_sum = highest + log(sum);
    for (uint32_t key = first; key <= query; key++) {
        weights[key] = exp(weights[key] - highest) / sum;
    }
    return log_sum;
}

double reference_attention_row(
    const struct reference_attention *attention, uint32_t query, uint32_t head, double *out)
{
    double *weights = attention->scratch;
    double log_sum = weigh(attention, query, head, weights);
    for (uint32_t d = 0; d < attention->head_dim; d++) {
        out[d] = 0;
    }
    for (uint32_t key = first_key(attention, query); key <= query; key++) {
        const double *v = key_row(attention, attention->v, key, head);
        for (uint32_t d = 0; d < attention->head_dim; d++) {
            out[d] += weights[key] * v[d];
        }
    }
    return log_sum;
}

void reference_attention_forward(
    const struct reference_attention *attention, double *out, double *log_sum)
{
    for (uint32_t query = 0; query < attention->tokens; query++) {
        for (uint32_t head = 0; head < attention->heads; head++) {
            uint64_t row = (uint64_t)query * attention->heads + head;
            log_sum[(uint64_t)head * attention->tokens + query] =
                reference_attention_row(attention, query, head, out + row * attention->head_dim);
        }
    }
}

// out = sum(w * v) and w = softmax(s): dw = g . v, ds = w * (dw - sum(w * dw)), and that last sum
// is g . out.
static void backward_row(const struct reference_attention *attention,
    const struct reference_attention_gradients *gradients, uint32_t query, uint32_t head)
{
    uint32_t size = attention->head_dim;
    uint64_t row = ((uint64_t)query * attention->heads + head) * size;
    const double *q = attention->q + row, *g = gradients->out_gradient + row;
    double *weights = attention->scratch;
    weigh(attention, query, head, weights);
    double delta = dot(g, gradients->out + row, size);
    for (uint32_t key = first_key(attention, query); key <= query; key++) {
        const double *k = key_row(attention, attention->k, key, head);
        const double *v = key_row(attention, attention->v, key, head);
        uint64_t key_place = (uint64_t)(k - attention->k);
        double change = weights[key] * (dot(g, v, size) - delta) * attention->scale;
        for (uint32_t d = 0; d < size; d++) {
            gradients->q[row + d] += change * k[d];
            gradients->k[key_place + d] += change * q[d];
            gradients->v[key_place + d] += weights[key] * g[d];
        }
    }
}

void reference_attention_backward(const struct reference_attention *attention,
    const struct reference_attention_gradients *gradients)
{
    for (uint32_t query = 0; query < attention->tokens; query++) {
        for (uint32_t head = 0; head < attention->heads; head++) {
            backward_row(attention, gradients, query, head);
        }
    }
}
