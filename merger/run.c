// SPDX-License-Identifier: Apache-2.0
// See run.h.
#include "merger/run.h"

#include "engine/base/alloc.h"
#include "merger/compute.h"
#include "merger/manifest.h"
#include "merger/resume_key.h"
#include "merger/side_files.h"

struct run {
    const struct lw_merge_plan *plan;
    const struct lw_merge_run_params *params;
    struct lw_checkpoint_writer *writer;
};

static bool create_writer(struct run *run, struct lw_error *error)
{
    struct lw_string key = {0};
    struct lw_tensor_info *infos = lw_calloc(run->plan->tensor_count, sizeof *infos, error);
    if (!infos || !lw_merge_resume_key(&key, run->plan, run->params, error)) {
        lw_string_free(&key);
        lw_free(infos);
        return false;
    }
    for (size_t i = 0; i < run->plan->tensor_count; i++) {
        infos[i] = run->plan->tensors[i].info;
    }
    struct lw_checkpoint_params params = {.folder = run->params->output,
        .tensors = infos,
        .count = run->plan->tensor_count,
        .shard_bytes = run->params->shard_bytes,
        .digests = !run->params->no_hash,
        .key = lw_string_text(&key),
        .resume = run->params->resume};
    bool created = lw_checkpoint_writer_create(&run->writer, &params, error);
    lw_string_free(&key);
    lw_free(infos);
    return created;
}

static bool write_made(void *context, const struct lw_merge_made *made, struct lw_error *error)
{
    struct run *run = context;
    return lw_checkpoint_writer_add(
        run->writer, made->elements, made->count * lw_dtype_size(made->info->dtype), error);
}

static bool write_tensors(struct run *run, struct lw_device *device, struct lw_error *error)
{
    const struct lw_merge_run_params *params = run->params;
    return lw_merge_compute(run->plan, device,
        &(struct lw_merge_compute_params){.first_tensor = lw_checkpoint_writer_resumed(run->writer),
            .allow_nonfinite = params->allow_nonfinite,
            .part_elements = params->part_elements,
            .take = write_made,
            .taker = run,
            .progress = params->progress,
            .context = params->context},
        error);
}

// After a failure that says nothing of the models.
static void tell_what_stays(const struct run *run, struct lw_error *error)
{
    if (!error || (error->status != LW_INTERRUPTED && error->status != LW_FAILED)) {
        return;
    }
    const struct lw_error before = *error;
    *error = (struct lw_error){0};
    if (lw_checkpoint_writer_keeps(run->writer)) {
        lw_fail(error, before.status,
            "%s; %s keeps the files that are whole, and --resume goes on behind them",
            before.message, lw_checkpoint_writer_folder(run->writer));
    } else {
        lw_fail(error, before.status, "%s; nothing was written", before.message);
    }
}

bool lw_merge_run(const struct lw_merge_plan *plan, struct lw_device *device,
    const struct lw_merge_run_params *params, struct lw_error *error)
{
    struct run run = {.plan = plan, .params = params};
    struct lw_merge_hashing *hashing = NULL;
    bool merged =
        create_writer(&run, error) &&
        lw_merge_hashing_start(&hashing, plan, !params->no_hash, error) &&
        write_tensors(&run, device, error) && lw_merge_write_side_files(plan, run.writer, error) &&
        lw_checkpoint_writer_end_tensors(run.writer, error) &&
        lw_merge_manifest_write(plan, hashing, lw_device_caps(device)->name, run.writer, error) &&
        lw_checkpoint_writer_finish(run.writer, error);
    lw_merge_hashing_destroy(hashing);
    if (!merged && run.writer) {
        tell_what_stays(&run, error);
    }
    lw_checkpoint_writer_destroy(run.writer);
    return merged;
}
