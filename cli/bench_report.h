// SPDX-License-Identifier: Apache-2.0
// What `lewin bench` prints: tables that grow row by row, or one JSON object at the end.
#ifndef LW_CLI_BENCH_REPORT_H
#define LW_CLI_BENCH_REPORT_H

#include "engine/bench/ceilings.h"
#include "engine/bench/kernels.h"
#include "engine/bench/steps.h"

struct cJSON;

struct lw_bench_report {
    const struct lw_device *device;
    const struct lw_ceilings *ceilings; // measured before the first row
    enum lw_type type;
    struct cJSON *json;     // NULL: tables
    const char *kernels_of; // the model whose table of kernels is being printed
    bool steps_begun;       // the head of the steps' table is printed
};

// The type's name on this command's line.
const char *lw_bench_type_name(enum lw_type type);

bool lw_bench_report_begin(struct lw_bench_report *report, bool json, struct lw_error *error);
void lw_bench_report_ceilings(struct lw_bench_report *report);
// For lw_kernels_params; the context is the report.
void lw_bench_report_kernel(void *context, const struct lw_kernel_figures *figures);
void lw_bench_report_steps(struct lw_bench_report *report, const struct lw_steps_figures *figures);
// A part ("kernels", "steps") that the device has no memory for.
void lw_bench_report_skipped(
    struct lw_bench_report *report, const char *model, const char *part, const char *reason);
// Prints the JSON where it is wanted, and frees it. After a failure (`done` false) prints nothing.
bool lw_bench_report_end(struct lw_bench_report *report, bool done, struct lw_error *error);

// The same into report->json (bench_json.c).
bool lw_bench_json_begin(struct lw_bench_report *report, struct lw_error *error);
void lw_bench_json_ceilings(struct lw_bench_report *report);
void lw_bench_json_kernel(struct lw_bench_report *report, const struct lw_kernel_figures *figures);
void lw_bench_json_steps(struct lw_bench_report *report, const struct lw_steps_figures *figures);
void lw_bench_json_skipped(
    struct lw_bench_report *report, const char *model, const char *part, const char *reason);
bool lw_bench_json_end(struct lw_bench_report *report, bool done, struct lw_error *error);

#endif
