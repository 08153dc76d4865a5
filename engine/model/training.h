// SPDX-License-Identifier: Apache-2.0
// All that training holds on the device: weights, masters, gradients, moments, the decoder and the
// optimizer, and the plan of how much memory that takes before any of it is allocated.
#ifndef LW_MODEL_TRAINING_H
#define LW_MODEL_TRAINING_H

#include "engine/model/adamw.h"
#include "engine/model/decoder.h"

struct lw_checkpoint;

struct lw_training_params {
    const struct lw_config *config;
    enum lw_type type; // of weights and activations: fp32 or bf16
    uint32_t tokens;   // per micro-batch
    enum lw_keep keep; // LW_KEEP_INPUTS or LW_KEEP_ALL
    float beta1, beta2, epsilon, weight_decay;
    bool decay_all;
};

struct lw_training {
    struct lw_training_params params;
    struct lw_device *device;
    struct lw_layout *layout;
    struct lw_store *weights, *master; // one store when type is fp32
    struct lw_store *gradients, *first_moments, *second_moments;
    struct lw_decoder *decoder;
    struct lw_optimizer *optimizer;
};

#define LW_PLAN_ROWS 10

struct lw_plan {
    struct {
        const char *name;
        uint64_t bytes;
    } rows[LW_PLAN_ROWS];
    size_t row_count;
    uint64_t total, available; // bytes
};

// What lw_training_create with these parameters takes, and what the device has free now.
bool lw_training_plan(struct lw_plan *plan, const struct lw_device *device,
    const struct lw_training_params *params, struct lw_error *error);

// Measures which way of doing each matrix product of this training suits the device (matmul.h), and
// keeps it for this run and later ones. Takes memory only while it measures: call it before
// lw_training_create. Changes no figure of lw_training_plan.
bool lw_training_tune(struct lw_device *device, const struct lw_training_params *params,
    enum lw_tune tune, struct lw_error *error);

// The config must outlive the object. Weights are loaded from `checkpoint`; NULL: they are zero until
// the caller fills the masters and calls lw_training_refresh.
bool lw_training_create(struct lw_training **training, struct lw_device *device,
    const struct lw_training_params *params, const struct lw_checkpoint *checkpoint,
    struct lw_error *error);
void lw_training_destroy(struct lw_training *training); // the device must be done

// Makes the bf16 working copy equal to the masters, after the masters were written from outside.
bool lw_training_refresh(struct lw_training *training, struct lw_error *error);

#endif
