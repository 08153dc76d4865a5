// SPDX-License-Identifier: Apache-2.0
// The report of `lewin data check` for machines. See data_report.h.
#include <cJSON.h>
#include <stdio.h>

#include "cli/data_report.h"

static void add_number(cJSON *object, const char *name, uint64_t value)
{
    cJSON_AddNumberToObject(object, name, (double)value);
}

static void add_counts(
    cJSON *object, const struct lw_data_report *report, const struct lw_data_part *part)
{
    add_number(object, "records", part->records);
    add_number(object, "good", part->records - part->bad);
    add_number(object, "bad", part->bad);
    add_number(object, "duplicates", part->duplicates);
    add_number(object, "repeated_from_others", part->repeated);
    if (report->template_name) {
        add_number(object, "tokens", part->tokens);
        add_number(object, "trained_tokens", part->trained);
        add_number(object, "truncated", part->truncated);
        add_number(object, "stop_token_cut", part->stop_cut);
        add_number(object, "without_trained_token", part->untrained);
        add_number(object, "longest", part->longest);
    }
}

static cJSON *make_part(const struct lw_data_report *report, const struct lw_data_part *part)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", part->source->name);
    cJSON *files = cJSON_AddArrayToObject(object, "files");
    for (size_t i = 0; i < part->source->path_count; i++) {
        cJSON_AddItemToArray(files, cJSON_CreateString(part->source->paths[i]));
    }
    add_counts(object, report, part);
    cJSON *faults = cJSON_AddArrayToObject(object, "bad_records");
    struct lw_token_position position = {0};
    struct lw_token_fault fault;
    while (lw_token_cache_next_fault(part->cache, &position, &fault)) {
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "file", lw_source_path(part->source, fault.file));
        add_number(row, "line", fault.line);
        cJSON_AddStringToObject(row, "reason", fault.reason);
        cJSON_AddItemToArray(faults, row);
    }
    return object;
}

static void add_total(cJSON *whole, const struct lw_data_report *report)
{
    cJSON *total = cJSON_AddObjectToObject(whole, "total");
    add_counts(total, report, &report->total);
    uint64_t examples = lw_data_report_examples(report);
    if (report->template_name && examples) {
        add_number(total, "shortest", lw_data_report_length(report, 0));
        add_number(total, "median", lw_data_report_length(report, 0.5));
        add_number(total, "percentile_95", lw_data_report_length(report, 0.95));
        cJSON_AddNumberToObject(total, "mean", (double)report->total.tokens / (double)examples);
    }
}

static void add_run(cJSON *whole, const struct lw_data_run *run)
{
    cJSON *object = cJSON_AddObjectToObject(whole, "run");
    add_number(object, "examples", run->examples);
    add_number(object, "held_out", run->held_out);
    add_number(object, "examples_per_step", run->batch);
    add_number(object, "steps_per_epoch", run->steps_per_epoch);
    add_number(object, "steps", run->steps);
    cJSON_AddNumberToObject(object, "epochs", run->epochs);
}

bool lw_data_print_json(
    const struct lw_data_report *report, const struct lw_error *failure, struct lw_error *error)
{
    cJSON *whole = cJSON_CreateObject();
    if (report->template_name) {
        cJSON_AddStringToObject(whole, "template", report->template_name);
        add_number(whole, "cutoff_len", report->cutoff_len);
    }
    cJSON *parts = cJSON_AddArrayToObject(whole, "datasets");
    for (size_t i = 0; i < report->count; i++) {
        cJSON_AddItemToArray(parts, make_part(report, &report->parts[i]));
    }
    add_total(whole, report);
    if (report->run.batch) {
        add_run(whole, &report->run);
    }
    if (failure->status != LW_OK) {
        cJSON_AddStringToObject(whole, "error", failure->message);
    }
    add_number(whole, "status", (uint64_t)failure->status);
    char *text = cJSON_Print(whole);
    bool printed = text != NULL || lw_fail_memory(error, "the report", 0);
    if (printed) {
        puts(text);
    }
    cJSON_free(text);
    cJSON_Delete(whole);
    return printed;
}
