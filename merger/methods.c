// SPDX-License-Identifier: Apache-2.0
// See methods.h.
#include "merger/methods.h"

#include <math.h>
#include <string.h>

#include "merger/coefficients.h"
#include "merger/passes.h"

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

#define ANGLES(solve, base_first) &lw_merge_family_angles, LW_DROP_NONE, false, solve, base_first
#define TASK(drop, consensus) &lw_merge_family_task, drop, consensus, NULL, false
#define FAMILY(name) &lw_merge_family_##name, LW_DROP_NONE, false, NULL, false

static const struct lw_merge_method methods[] = {
    {"linear", "Linear", ARXIV "2203.05482", LW_MERGE_BASE_MEMBER, 1, SIZE_MAX, false,
        {{WEIGHT}, {NORMALIZE, 1}}, FAMILY(linear)},
    {"slerp", "SLERP", "https://en.wikipedia.org/wiki/Slerp", LW_MERGE_BASE_REQUIRED, 1, 1, false,
        {{T}}, ANGLES(lw_solve_slerp, true)},
    {"nuslerp", "NuSLERP", NULL, LW_MERGE_BASE_OPTIONAL, 2, 2, false,
        {{WEIGHT}, {"nuslerp_row_wise", LW_MERGE_ROW_WISE, false, false, 0},
            {"nuslerp_flatten", LW_MERGE_FLATTEN, false, false, 1}},
        ANGLES(lw_solve_nuslerp, false)},
    {"multislerp", "Multi-SLERP", "https://goddard.blog/posts/multislerp-wow-what-a-cool-idea",
        LW_MERGE_BASE_OPTIONAL, 1, SIZE_MAX, false,
        {{WEIGHT}, {"normalize_weights", LW_MERGE_NORMALIZE_WEIGHTS, false, false, 1},
            {"eps", LW_MERGE_EPS, false, false, 1e-8}},
        ANGLES(lw_solve_multislerp, false)},
    {"karcher", "Karcher Mean", "https://en.wikipedia.org/wiki/Karcher_mean", LW_MERGE_BASE_MEMBER,
        1, SIZE_MAX, false,
        {{"max_iter", LW_MERGE_MAX_ITER, false, false, 10},
            {"tol", LW_MERGE_TOL, false, false, 1e-5}},
        ANGLES(lw_solve_karcher, false)},
    {"task_arithmetic", "Task Arithmetic", ARXIV "2212.04089", LW_MERGE_BASE_REQUIRED, 1, SIZE_MAX,
        false, {{WEIGHT}, {DENSITY}, {LAMBDA}, {NORMALIZE, 0}, {RESCALE, 0}, {INT8_MASK}},
        TASK(LW_DROP_NONE, false)},
    {"ties", "TIES", ARXIV "2306.01708", LW_MERGE_BASE_REQUIRED, 1, SIZE_MAX, false,
        {{WEIGHT}, {DENSITY}, {LAMBDA}, {NORMALIZE, 1}, {RESCALE, 0}, {INT8_MASK}},
        TASK(LW_DROP_SMALL, true)},
    {"dare_linear", "Linear DARE", ARXIV "2311.03099", LW_MERGE_BASE_REQUIRED, 1, SIZE_MAX, true,
        {{WEIGHT}, {DENSITY}, {LAMBDA}, {NORMALIZE, 0}, {RESCALE, 1}, {INT8_MASK}},
        TASK(LW_DROP_RANDOM, false)},
    {"dare_ties", "DARE TIES", ARXIV "2311.03099", LW_MERGE_BASE_REQUIRED, 1, SIZE_MAX, true,
        {{WEIGHT}, {DENSITY}, {LAMBDA}, {NORMALIZE, 0}, {RESCALE, 1}, {INT8_MASK}},
        TASK(LW_DROP_RANDOM, true)},
    {"della_linear", "Linear DELLA", ARXIV "2406.11617", LW_MERGE_BASE_REQUIRED, 1, SIZE_MAX, true,
        {{WEIGHT}, {DENSITY}, {EPSILON}, {LAMBDA}, {NORMALIZE, 0}, {RESCALE, 1}, {INT8_MASK}},
        TASK(LW_DROP_BY_RANK, false)},
    {"della", "DELLA", ARXIV "2406.11617", LW_MERGE_BASE_REQUIRED, 1, SIZE_MAX, true,
        {{WEIGHT}, {DENSITY}, {EPSILON}, {LAMBDA}, {NORMALIZE, 1}, {RESCALE, 1}, {INT8_MASK}},
        TASK(LW_DROP_BY_RANK, true)},
    {"breadcrumbs", "Model Breadcrumbs", ARXIV "2312.06795", LW_MERGE_BASE_REQUIRED, 1, SIZE_MAX,
        false, {{WEIGHT}, {DENSITY}, {GAMMA}, {LAMBDA}, {NORMALIZE, 0}, {RESCALE, 0}, {INT8_MASK}},
        TASK(LW_DROP_OUTLIERS, false)},
    {"breadcrumbs_ties", "Model Breadcrumbs with TIES", ARXIV "2312.06795", LW_MERGE_BASE_REQUIRED,
        1, SIZE_MAX, false,
        {{WEIGHT}, {DENSITY}, {GAMMA}, {LAMBDA}, {NORMALIZE, 0}, {RESCALE, 0}, {INT8_MASK}},
        TASK(LW_DROP_OUTLIERS, true)},
    {"model_stock", "Model Stock", ARXIV "2403.19522", LW_MERGE_BASE_REQUIRED, 2, SIZE_MAX, false,
        {{"filter_wise", LW_MERGE_FILTER_WISE, false, false, 0}},
        ANGLES(lw_solve_model_stock, false)},
    {"sce", "SCE", ARXIV "2408.07990", LW_MERGE_BASE_REQUIRED, 1, SIZE_MAX, false,
        {{INT8_MASK}, {"select_topk", LW_MERGE_SELECT_TOPK, false, false, 1}}, FAMILY(sce)},
    {"arcee_fusion", "Arcee Fusion", "https://arcee.ai", LW_MERGE_BASE_REQUIRED, 1, 1, false, {{0}},
        FAMILY(fusion)},
    {"nearswap", "NearSwap", "https://huggingface.co/alchemonaut/QuartetAnemoi-70B-t0.0001",
        LW_MERGE_BASE_REQUIRED, 1, 1, false, {{T}}, FAMILY(near)},
    {"passthrough", "Passthrough", NULL, LW_MERGE_BASE_MEMBER, 1, 1, false, {{SCALE}},
        FAMILY(linear)},
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

bool lw_merge_method_takes(const struct lw_merge_method *method, enum lw_merge_parameter parameter)
{
    for (size_t i = 0; i < LW_MERGE_METHOD_PARAMETERS && method->parameters[i].name; i++) {
        if (method->parameters[i].parameter == parameter) {
            return true;
        }
    }
    return false;
}
