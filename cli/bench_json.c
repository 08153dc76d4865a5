// SPDX-License-Identifier: Apache-2.0
// The JSON of `lewin bench`. See bench_report.h. Times are in seconds, rates a second.
#include <stdio.h>

#include <cJSON.h>

#include "cli/bench_report.h"

static void add(cJSON *object, const char *name, double value)
{
    cJSON_AddNumberToObject(object, name, value);
}

bool lw_bench_json_begin(struct lw_bench_report *report, struct lw_error *error)
{
    const struct lw_caps *caps = lw_device_caps(report->device);
    report->json = cJSON_CreateObject();
    cJSON *device = cJSON_AddObjectToObject(report->json, "device");
    cJSON_AddStringToObject(device, "name", caps->name);
    cJSON_AddStringToObject(device, "driver", caps->driver);
    cJSON_AddStringToObject(report->json, "type", lw_bench_type_name(report->type));
    cJSON_AddArrayToObject(report->json, "kernels");
    cJSON_AddArrayToObject(report->json, "steps");
    cJSON_AddArrayToObject(report->json, "skipped");
    return report->json != NULL || lw_fail_memory(error, "the report", 0);
}

void lw_bench_json_ceilings(struct lw_bench_report *report)
{
    const struct lw_ceilings *ceilings = report->ceilings;
    enum lw_type type = report->type;
    cJSON *object = cJSON_AddObjectToObject(report->json, "ceilings");
    add(object, "copy_kernel_bytes_per_second", ceilings->kernel_copy);
    add(object, "vector_flops_per_second", ceilings->vector);
    if (ceilings->cores.memory_copy > 0) {
        add(object, "memcpy_bytes_per_second", ceilings->cores.memory_copy);
        add(object, "cores_flops_per_second", ceilings->cores.multiply_add);
    }
    add(object, "product_size", ceilings->product_size);
    add(object, "product_flops_per_second", ceilings->products[type]);
    add(object, "copy_peak", lw_ceilings_copy(ceilings));
    add(object, "matrix_peak", lw_ceilings_matrix(ceilings, type));
}

static void add_rate(cJSON *object, double flops, double seconds, double peak)
{
    add(object, "flops_per_second", flops / seconds);
    add(object, "share_of_matrix_peak", flops / seconds / peak);
}

void lw_bench_json_kernel(struct lw_bench_report *report, const struct lw_kernel_figures *figures)
{
    double bandwidth = figures->bytes / figures->seconds;
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "model", figures->model);
    cJSON_AddStringToObject(row, "kernel", figures->kernel);
    cJSON_AddStringToObject(row, "shape", figures->shape);
    cJSON_AddStringToObject(row, "type", lw_bench_type_name(figures->type));
    cJSON_AddStringToObject(row, "limit", figures->product ? "matrix" : "copy");
    add(row, "seconds", figures->seconds);
    add(row, "median_seconds", figures->median);
    add(row, "bytes", figures->bytes);
    add(row, "flops", figures->flops);
    add(row, "bytes_per_second", bandwidth);
    add(row, "share_of_copy_peak", bandwidth / lw_ceilings_copy(report->ceilings));
    add_rate(
        row, figures->flops, figures->seconds, lw_ceilings_matrix(report->ceilings, figures->type));
    cJSON_AddItemToArray(cJSON_GetObjectItem(report->json, "kernels"), row);
}

void lw_bench_json_steps(struct lw_bench_report *report, const struct lw_steps_figures *figures)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "model", figures->model);
    cJSON_AddStringToObject(row, "type", lw_bench_type_name(figures->type));
    cJSON_AddStringToObject(row, "kept", figures->keep == LW_KEEP_ALL ? "all" : "inputs");
    add(row, "parameters", (double)figures->parameters);
    add(row, "sequence", figures->sequence);
    add(row, "batch", figures->batch);
    add(row, "micro_batch", figures->micro_batch);
    add(row, "tokens", figures->tokens);
    add(row, "steps", figures->steps);
    add(row, "seconds", figures->seconds);
    add(row, "tokens_per_second", figures->tokens / figures->seconds);
    add(row, "model_flops", figures->model_flops);
    add_rate(row, figures->model_flops, figures->seconds,
        lw_ceilings_matrix(report->ceilings, figures->type));
    add(row, "memory_bytes", (double)figures->memory_bytes);
    add(row, "loss", figures->loss);
    add(row, "host_waits_per_step", (double)figures->usage.waits / figures->steps);
    if (figures->usage.busy > 0) {
        add(row, "device_idle_share", lw_usage_idle_share(&figures->usage));
    }
    cJSON_AddItemToArray(cJSON_GetObjectItem(report->json, "steps"), row);
}

void lw_bench_json_skipped(
    struct lw_bench_report *report, const char *model, const char *part, const char *reason)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "model", model);
    cJSON_AddStringToObject(row, "part", part);
    cJSON_AddStringToObject(row, "reason", reason);
    cJSON_AddItemToArray(cJSON_GetObjectItem(report->json, "skipped"), row);
}

bool lw_bench_json_end(struct lw_bench_report *report, bool done, struct lw_error *error)
{
    char *text = done ? cJSON_Print(report->json) : NULL;
    bool printed = text != NULL || (done && lw_fail_memory(error, "the report", 0));
    if (printed) {
        puts(text);
    }
    cJSON_free(text);
    cJSON_Delete(report->json);
    report->json = NULL;
    return done && printed;
}
