// SPDX-License-Identifier: Apache-2.0
// The optimizer over all weights of a model: clipping by the global norm, then AdamW. Recorded once;
// what changes from step to step goes to the device through two staging copies, and the step's
// figures come back the same way, so that the host reads them one step late.
#ifndef LW_MODEL_ADAMW_H
#define LW_MODEL_ADAMW_H

#include "engine/model/store.h"
#include "engine/ops/optimizer.h"

struct lw_adamw_params {
    const struct lw_store *weights; // the working copy
    const struct lw_store *master;  // fp32; the weights themselves when they are fp32
    const struct lw_store *gradients, *first_moments, *second_moments; // fp32
    struct lw_buffer loss_sum; // one fp32, reported with the step and set to 0 for the next
    double beta1, beta2, epsilon, weight_decay;
    bool decay_all; // norms and biases too; else transformers' rule
};

// The device's report of a step.
struct lw_step_report {
    float loss;      // what loss_sum held
    float grad_norm; // global L2 norm before clipping
};

struct lw_optimizer;

bool lw_optimizer_create(struct lw_optimizer **optimizer, struct lw_device *device,
    const struct lw_adamw_params *params, struct lw_error *error);
void lw_optimizer_destroy(struct lw_optimizer *optimizer); // the device must be done

// Device and staging bytes that lw_optimizer_create takes besides the stores, for the plan.
uint64_t lw_optimizer_size(const struct lw_layout *layout);

// Submits update number `update` (from 1 over the whole training) with this learning rate; 0 for
// max_grad_norm: no clipping. Gradients are 0 afterwards. `ticket` is for lw_optimizer_report.
bool lw_optimizer_submit(struct lw_optimizer *optimizer, uint64_t update, double learning_rate,
    float max_grad_norm, uint64_t *ticket, struct lw_error *error);

// Waits for that update (one of the last two) and reads its report. A loss or norm that is not
// finite is LW_FAILED: the weights are then no longer to be trusted.
bool lw_optimizer_report(struct lw_optimizer *optimizer, uint64_t update, uint64_t ticket,
    struct lw_step_report *report, struct lw_error *error);

#endif
