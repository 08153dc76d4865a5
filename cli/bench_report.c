// SPDX-License-Identifier: Apache-2.0
// The tables of `lewin bench`. See bench_report.h.
#include "cli/bench_report.h"

#include <stdio.h>
#include <string.h>

const char *lw_bench_type_name(enum lw_type type)
{
    return type == LW_BF16 ? "bf16" : "fp32";
}

bool lw_bench_report_begin(struct lw_bench_report *report, bool json, struct lw_error *error)
{
    const struct lw_caps *caps = lw_device_caps(report->device);
    if (json) {
        return lw_bench_json_begin(report, error);
    }
    printf("%s, %s, %s\n", caps->name, caps->driver, lw_bench_type_name(report->type));
    fflush(stdout);
    return true;
}

void lw_bench_report_ceilings(struct lw_bench_report *report)
{
    const struct lw_ceilings *ceilings = report->ceilings;
    enum lw_type type = report->type;
    if (report->json) {
        lw_bench_json_ceilings(report);
        return;
    }
    printf("\n%-44s %10.1f GB/s\n", "copy kernel", ceilings->kernel_copy * 1e-9);
    if (ceilings->cores.memory_copy > 0) {
        printf("%-44s %10.1f GB/s\n", "memcpy on all cores", ceilings->cores.memory_copy * 1e-9);
    }
    printf("%-44s %10.1f GFLOP/s\n", "multiply-adds in registers, fp32", ceilings->vector * 1e-9);
    if (ceilings->cores.multiply_add > 0) {
        printf("%-44s %10.1f GFLOP/s\n", "the same by C code on all cores",
            ceilings->cores.multiply_add * 1e-9);
    }
    printf("%s product, %u x %u x %-17u %10.1f GFLOP/s\n", lw_bench_type_name(type),
        ceilings->product_size, ceilings->product_size, ceilings->product_size,
        ceilings->products[type] * 1e-9);
    printf("Shares are of %.1f GB/s and %.1f GFLOP/s, the highest of each.\n",
        lw_ceilings_copy(ceilings) * 1e-9, lw_ceilings_matrix(ceilings, type) * 1e-9);
    fflush(stdout);
}

static void print_kernels_head(struct lw_bench_report *report, const char *model)
{
    if (report->kernels_of && !strcmp(report->kernels_of, model)) {
        return;
    }
    report->kernels_of = model;
    printf("\n%s\n%-26s %-34s %10s %10s %9s %6s %10s %6s\n", model, "kernel", "shape", "best ms",
        "median ms", "GB/s", "share", "GFLOP/s", "share");
}

void lw_bench_report_kernel(void *context, const struct lw_kernel_figures *figures)
{
    struct lw_bench_report *report = context;
    const struct lw_ceilings *ceilings = report->ceilings;
    if (report->json) {
        lw_bench_json_kernel(report, figures);
        return;
    }
    double bandwidth = figures->bytes / figures->seconds, rate = figures->flops / figures->seconds;
    print_kernels_head(report, figures->model);
    printf("%-26s %-34s %10.3f %10.3f %9.1f %5.1f%% %10.1f %5.1f%%\n", figures->kernel,
        figures->shape, figures->seconds * 1e3, figures->median * 1e3, bandwidth * 1e-9,
        100 * bandwidth / lw_ceilings_copy(ceilings), rate * 1e-9,
        100 * rate / lw_ceilings_matrix(ceilings, figures->type));
    fflush(stdout);
}

static void print_steps_head(struct lw_bench_report *report)
{
    if (!report->steps_begun) {
        report->steps_begun = true;
        printf("\n%-16s %10s %16s %11s %10s %10s %10s %6s %6s %8s\n", "training step", "parameters",
            "tokens a step", "kept", "mean ms", "tokens/s", "GFLOP/s", "share", "idle", "GiB");
    }
}

void lw_bench_report_steps(struct lw_bench_report *report, const struct lw_steps_figures *figures)
{
    if (report->json) {
        lw_bench_json_steps(report, figures);
        return;
    }
    char tokens[40];
    double rate = figures->model_flops / figures->seconds;
    snprintf(tokens, sizeof tokens, "%u x %u", figures->batch, figures->sequence);
    print_steps_head(report);
    printf("%-16s %8.1f M %16s %11s %10.2f %10.1f %10.1f %5.1f%% %5.1f%% %8.2f\n", figures->model,
        (double)figures->parameters * 1e-6, tokens, figures->keep == LW_KEEP_ALL ? "all" : "inputs",
        figures->seconds * 1e3, figures->tokens / figures->seconds, rate * 1e-9,
        100 * rate / lw_ceilings_matrix(report->ceilings, figures->type),
        100 * lw_usage_idle_share(&figures->usage), (double)figures->memory_bytes / 0x1p30);
    fflush(stdout);
}

void lw_bench_report_skipped(
    struct lw_bench_report *report, const char *model, const char *part, const char *reason)
{
    if (report->json) {
        lw_bench_json_skipped(report, model, part, reason);
        return;
    }
    printf("\n%s, %s left out: %s\n", model, part, reason);
    fflush(stdout);
}

bool lw_bench_report_end(struct lw_bench_report *report, bool done, struct lw_error *error)
{
    return report->json ? lw_bench_json_end(report, done, error) : done;
}
