// SPDX-License-Identifier: Apache-2.0
// See kernels.h.
#include "engine/bench/kernels.h"

#include "engine/bench/kernel_case.h"
#include "engine/bench/random_batch.h"

bool lw_bench_kernels(const struct lw_kernels_params *params, struct lw_error *error)
{
    static void (*const groups[])(struct lw_kernel_case *) = {
        lw_bench_products, lw_bench_attention, lw_bench_rows, lw_bench_vocabulary};
    struct lw_kernel_case c = {.params = params, .error = error};
    struct lw_batch batch = {0};
    c.failed =
        !lw_random_batch(&batch, params->config, params->tokens, params->sequence, 1, error) ||
        !lw_inputs_create(
            &c.inputs, params->device, params->tokens, params->config->pad_token, error) ||
        !lw_inputs_submit(c.inputs, &batch, 1 / (float)batch.trained, error);
    for (size_t i = 0; i < sizeof groups / sizeof *groups && !c.failed; i++) {
        groups[i](&c);
    }
    lw_device_wait_all(params->device, NULL);
    lw_inputs_destroy(c.inputs);
    lw_random_batch_free(&batch);
    return !c.failed;
}
