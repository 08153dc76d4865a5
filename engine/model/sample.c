// SPDX-License-Identifier: Apache-2.0
// Drawing a token from logits: temperature and nucleus sampling (arXiv 1904.09751). See generate.h.
#include <math.h>
#include <stdlib.h>

#include "engine/base/random.h"
#include "engine/model/generate.h"

static uint32_t most_likely(const float *logits, uint32_t count)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return best;
}

// A max-heap of token ids by probability, so that only the nucleus is ever sorted.
static void sift_down(const float *probability, uint32_t *heap, uint32_t count, uint32_t root)
{
    for (;;) {
        uint32_t child = 2 * root + 1;
        if (child >= count) {
            return;
        }
        if (child + 1 < count && probability[heap[child + 1]] > probability[heap[child]]) {
            child++;
        }
        if (probability[heap[child]] <= probability[heap[root]]) {
            return;
        }
        uint32_t id = heap[root];
        heap[root] = heap[child];
        heap[child] = id;
        root = child;
    }
}

// Turns logits into probabilities in place.
static void softmax(float *logits, uint32_t count, float temperature)
{
    float top = logits[most_likely(logits, count)];
    double sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        logits[i] = expf((logits[i] - top) / temperature);
        sum += (double)logits[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        logits[i] = (float)((double)logits[i] / sum);
    }
}

uint32_t lw_sample(const struct lw_sampling *sampling, uint64_t index, float *logits,
    uint32_t *order, uint32_t vocab_size)
{
    if (sampling->temperature <= 0) {
        return most_likely(logits, vocab_size);
    }
    softmax(logits, vocab_size, sampling->temperature);
    for (uint32_t i = 0; i < vocab_size; i++) {
        order[i] = i;
    }
    for (uint32_t i = vocab_size / 2; i-- > 0;) {
        sift_down(logits, order, vocab_size, i);
    }
    // The nucleus moves to the back of `order`, the most likely last.
    double mass = 0, wanted = sampling->top_p < 1 ? (double)sampling->top_p : 1;
    uint32_t left = vocab_size;
    while (left > 0 && (left == vocab_size || mass < wanted)) {
        uint32_t id = order[0];
        mass += (double)logits[id];
        order[0] = order[--left];
        order[left] = id;
        sift_down(logits, order, left, 0);
    }
    double draw = lw_random_uniform(sampling->seed, 0, index) * mass;
    for (uint32_t i = vocab_size; i-- > left;) {
        draw -= (double)logits[order[i]];
        if (draw < 0) {
            return order[i];
        }
    }
    return order[left];
}
