// SPDX-License-Identifier: Apache-2.0
// See methods.h.
#include "merger/methods.h"

#include <math.h>
#include <string.h>

#include "engine/ops/convert.h"

// result = sum of weight_i x_i in fp32, in the order of the models, rounded once at the end. With two
// weights of a half the fp32 sum is (a + b) / 2 rounded once, because halving is exact. More models
// than one kernel takes go through it in turns, the sum so far in fp32 as the first term.
static void record_linear(struct lw_stream *stream, const struct lw_merge_operands *operands)
{
    struct lw_weighted_term terms[LW_WEIGHTED_TERMS];
    size_t term_count = 0;
    for (size_t i = 0; i < operands->count; i++) {
        if (term_count == LW_WEIGHTED_TERMS) {
            lw_weighted_sum(stream, terms, term_count, &operands->sum, LW_F32, operands->elements);
            terms[0] = (struct lw_weighted_term){&operands->sum, LW_F32, 1};
            term_count = 1;
        }
        terms[term_count++] = (struct lw_weighted_term){&operands->inputs[i], operands->types[i],
            (float)operands->values[i].value[LW_MERGE_WEIGHT]};
    }
    lw_weighted_sum(
        stream, terms, term_count, &operands->output, operands->output_type, operands->elements);
}

// Parameters of each model, then of the tensor; the fallback is left out where the methods differ.
#define WEIGHT "weight", LW_MERGE_WEIGHT, true, true, NAN
#define DENSITY "density", LW_MERGE_DENSITY, true, false, 1
#define GAMMA "gamma", LW_MERGE_GAMMA, true, false, 0.01
#define EPSILON "epsilon", LW_MERGE_EPSILON, true, false, 0.15
#define SCALE "scale", LW_MERGE_SCALE, true, false, NAN
#define T "t", LW_MERGE_T, false, true, NAN
#define LAMBDA "lambda", LW_MERGE_LAMBDA, false, false, 1
#define NORMALIZE "normalize", LW_MERGE_NORMALIZE, false, false
#define RESCALE "rescale", LW_MERGE_RESCALE, false, false
#define INT8_MASK "int8_mask", LW_MERGE_INT8_MASK, false, false, 0

#define ARXIV "https://arxiv.org/abs/"

static const struct lw_merge_method methods[] = {
    {"linear", "Linear", ARXIV "2203.05482", LW_MERGE_BASE_MEMBER, 1, SIZE_MAX, false,
        {{WEIGHT}, {NORMALIZE, 1}}, record_linear},
    {"slerp", "SLERP", "https://en.wikipedia.org/wiki/Slerp", LW_MERGE_BASE_REQUIRED, 1, 1, false,
        {{T}}, NULL},
    {"nuslerp", "NuSLERP", NULL, LW_MERGE_BASE_OPTIONAL, 2, 2, false,
        {{WEIGHT}, {"nuslerp_row_wise", LW_MERGE_ROW_WISE, false, false, 0},
            {"nuslerp_flatten", LW_MERGE_FLATTEN, false, false, 1}},
        NULL},
    {"multislerp", "Multi-SLERP", "https://goddard.blog/posts/multislerp-wow-what-a-cool-idea",
        LW_MERGE_BASE_OPTIONAL, 1, SIZE_MAX, false,
        {{WEIGHT}, {"normalize_weights", LW_MERGE_NORMALIZE_WEIGHTS, false, false, 1},
            {"eps", LW_MERGE_EPS, false, false, 1e-8}},
        NULL},
    {"karcher", "Karcher Mean", "https://en.wikipedia.org/wiki/Karcher_mean", LW_MERGE_BASE_MEMBER,
        1, SIZE_MAX, false,
        {{"max_iter", LW_MERGE_MAX_ITER, false, false, 10},
            {"tol", LW_MERGE_TOL, false, false, 1e-5}},
        NULL},
    {"task_arithmetic", "Task Arithmetic", ARXIV "2212.04089", LW_MERGE_BASE_REQUIRED, 1, SIZE_MAX,
        false, {{WEIGHT}, {DENSITY}, {LAMBDA}, {NORMALIZE, 0}, {RESCALE, 0}, {INT8_MASK}}, NULL},
    {"ties", "TIES", ARXIV "2306.01708", LW_MERGE_BASE_REQUIRED, 1, SIZE_MAX, false,
        {{WEIGHT}, {DENSITY}, {LAMBDA}, {NORMALIZE, 1}, {RESCALE, 0}, {INT8_MASK}}, NULL},
    {"dare_linear", "Linear DARE", ARXIV "2311.03099", LW_MERGE_BASE_REQUIRED, 1, SIZE_MAX, true,
        {{WEIGHT}, {DENSITY}, {LAMBDA}, {NORMALIZE, 0}, {RESCALE, 1}, {INT8_MASK}}, NULL},
    {"dare_ties", "DARE TIES", ARXIV "2311.03099", LW_MERGE_BASE_REQUIRED, 1, SIZE_MAX, true,
        {{WEIGHT}, {DENSITY}, {LAMBDA}, {NORMALIZE, 0}, {RESCALE, 1}, {INT8_MASK}}, NULL},
    {"della_linear", "Linear DELLA", ARXIV "2406.11617", LW_MERGE_BASE_REQUIRED, 1, SIZE_MAX, true,
        {{WEIGHT}, {DENSITY}, {EPSILON}, {LAMBDA}, {NORMALIZE, 0}, {RESCALE, 1}, {INT8_MASK}},
        NULL},
    {"della", "DELLA", ARXIV "2406.11617", LW_MERGE_BASE_REQUIRED, 1, SIZE_MAX, true,
        {{WEIGHT}, {DENSITY}, {EPSILON}, {LAMBDA}, {NORMALIZE, 1}, {RESCALE, 1}, {INT8_MASK}},
        NULL},
    {"breadcrumbs", "Model Breadcrumbs", ARXIV "2312.06795", LW_MERGE_BASE_REQUIRED, 1, SIZE_MAX,
        false, {{WEIGHT}, {DENSITY}, {GAMMA}, {LAMBDA}, {NORMALIZE, 0}, {RESCALE, 0}, {INT8_MASK}},
        NULL},
    {"breadcrumbs_ties", "Model Breadcrumbs with TIES", ARXIV "2312.06795", LW_MERGE_BASE_REQUIRED,
        1, SIZE_MAX, false,
        {{WEIGHT}, {DENSITY}, {GAMMA}, {LAMBDA}, {NORMALIZE, 0}, {RESCALE, 0}, {INT8_MASK}}, NULL},
    {"model_stock", "Model Stock", ARXIV "2403.19522", LW_MERGE_BASE_REQUIRED, 2, SIZE_MAX, false,
        {{"filter_wise", LW_MERGE_FILTER_WISE, false, false, 0}}, NULL},
    {"sce", "SCE", ARXIV "2408.07990", LW_MERGE_BASE_REQUIRED, 1, SIZE_MAX, false,
        {{INT8_MASK}, {"select_topk", LW_MERGE_SELECT_TOPK, false, false, 1}}, NULL},
    {"arcee_fusion", "Arcee Fusion", "https://arcee.ai", LW_MERGE_BASE_REQUIRED, 1, 1, false, {{0}},
        NULL},
    {"nearswap", "NearSwap", "https://huggingface.co/alchemonaut/QuartetAnemoi-70B-t0.0001",
        LW_MERGE_BASE_REQUIRED, 1, 1, false, {{T}}, NULL},
    {"passthrough", "Passthrough", NULL, LW_MERGE_BASE_MEMBER, 1, 1, false, {{SCALE}}, NULL},
};

const struct lw_merge_method *lw_merge_method_at(size_t index)
{
    return index < sizeof methods / sizeof *methods ? &methods[index] : NULL;
}

const struct lw_merge_method *lw_merge_method_find(const char *name)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(methods[i].name, name) == 0) {
            return &methods[i];
        }
    }
    return NULL;
}
