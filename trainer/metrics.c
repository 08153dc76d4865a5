// SPDX-License-Identifier: Apache-2.0
// trainer_log.jsonl. See metrics.h.
#include "trainer/metrics.h"

#include <cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"

enum { longest_line = 768, largest_log = 1 << 30 };

struct lw_metrics {
    struct lw_file *file;
    uint64_t length; // of the file
};

static double number_of(const cJSON *object, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(value) ? value->valuedouble : NAN;
}

// The bytes of the lines up to `resumed_step`.
static size_t kept_lines(const char *text, size_t length, uint64_t resumed_step)
{
    size_t kept = 0;
    while (kept < length) {
        const char *line = text + kept, *end = memchr(line, '\n', length - kept);
        cJSON *entry = end ? cJSON_ParseWithLength(line, (size_t)(end - line)) : NULL;
        double step = number_of(entry, "current_steps");
        // The line without a loss ends a run, which now goes on.
        bool measured =
            isfinite(number_of(entry, "loss")) || isfinite(number_of(entry, "eval_loss"));
        cJSON_Delete(entry);
        if (!measured || !(step >= 0 && step <= (double)resumed_step)) {
            break;
        }
        kept = (size_t)(end - text) + 1;
    }
    return kept;
}

// Cuts the log of an interrupted run back to the update that it goes on from.
static bool cut_back(
    struct lw_metrics *metrics, const char *path, uint64_t resumed_step, struct lw_error *error)
{
    char *text = NULL;
    size_t length;
    bool done = lw_file_read_whole(path, largest_log, &text, &length, error);
    if (done) {
        metrics->length = kept_lines(text, length, resumed_step);
        done = lw_file_write_whole(path, text, (size_t)metrics->length, error);
    }
    lw_free(text);
    return done;
}

bool lw_metrics_open(
    struct lw_metrics **metrics, const char *path, uint64_t resumed_step, struct lw_error *error)
{
    struct lw_metrics *made = lw_calloc(1, sizeof *made, error);
    bool resumed = resumed_step && lw_file_exists(path);
    if (!made || (resumed && !cut_back(made, path, resumed_step, error))) {
        goto error;
    }
    if (!lw_file_open(&made->file, path, resumed ? LW_FILE_UPDATE : LW_FILE_CREATE, error)) {
        goto error;
    }
    *metrics = made;
    return true;
error:
    lw_metrics_close(&made);
    return lw_fail_in(error, "opening the run's log");
}

void lw_metrics_close(struct lw_metrics **metrics)
{
    if (*metrics) {
        lw_file_close((*metrics)->file);
        lw_free(*metrics);
        *metrics = NULL;
    }
}

// A line in the making. It is never cut: longest_line is more than all keys together take.
struct line {
    char text[longest_line];
    size_t length;
};

LW_PRINTF(2, 3)
static void append(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int added =
        vsnprintf(line->text + line->length, sizeof line->text - line->length, format, arguments);
    va_end(arguments);
    line->length += added > 0 ? (size_t)added : 0;
}

// JSON knows no NaN and no infinity.
static void append_finite(struct line *line, const char *name, double value)
{
    if (isfinite(value)) {
        append(line, ", \"%s\": %.9g", name, value);
    }
}

void lw_metrics_duration(double seconds, char *text, size_t size)
{
    uint64_t whole = seconds > 0 && seconds < 1e12 ? (uint64_t)seconds : 0;
    uint64_t days = whole / 86400;
    int used = 0;
    if (days) {
        used = snprintf(text, size, "%" PRIu64 " day%s, ", days, days == 1 ? "" : "s");
    }
    snprintf(text + used, size - (size_t)used, "%d:%02d:%02d", (int)(whole / 3600 % 24),
        (int)(whole / 60 % 60), (int)(whole % 60));
}

static void format_entry(struct line *line, const struct lw_metrics_entry *entry)
{
    char elapsed[48], remaining[48];
    double total = entry->total_steps ? (double)entry->total_steps : 1;
    lw_metrics_duration(entry->elapsed_seconds, elapsed, sizeof elapsed);
    lw_metrics_duration(entry->remaining_seconds, remaining, sizeof remaining);
    append(line, "{\"current_steps\": %" PRIu64 ", \"total_steps\": %" PRIu64, entry->step,
        entry->total_steps);
    append_finite(line, "loss", entry->loss);
    append_finite(line, "eval_loss", entry->eval_loss);
    append_finite(line, "eval_token_loss", entry->eval_token_loss);
    append_finite(line, "grad_norm", entry->grad_norm);
    append_finite(line, "lr", entry->rate);
    append_finite(line, "epoch", entry->epoch);
    append(line, ", \"percentage\": %.2f", 100 * (double)entry->step / total);
    append(line, ", \"elapsed_time\": \"%s\", \"remaining_time\": \"%s\"", elapsed, remaining);
    append_finite(line, "throughput", round(entry->tokens_per_second * 100) / 100);
    append(line, ", \"total_tokens\": %" PRIu64 "}\n", entry->total_tokens);
}

bool lw_metrics_add(
    struct lw_metrics *metrics, const struct lw_metrics_entry *entry, struct lw_error *error)
{
    struct line line = {.length = 0};
    format_entry(&line, entry);
    if (!lw_file_write_at(metrics->file, metrics->length, line.text, line.length, error)) {
        return false;
    }
    metrics->length += line.length;
    return true;
}
