// SPDX-License-Identifier: Apache-2.0
// Encoding data on the screen. See store_progress.h.
#include "cli/store_progress.h"

#include <inttypes.h>

#include "engine/base/terminal.h"

// Seconds between plain lines.
#define PLAIN_INTERVAL 15

static double per_second(double amount, double seconds)
{
    return seconds > 0 ? amount / seconds : 0;
}

static void format_encoding(const struct lw_store_event *event, char *text, size_t size)
{
    char share[64] = "", left[32];
    double bytes = (double)event->bytes, total = (double)event->total_bytes;
    if (event->total_bytes && event->bytes) {
        lw_progress_duration(left, event->seconds * (total - bytes) / bytes);
        snprintf(share, sizeof share, "%.0f %%, %s left, ", 100 * bytes / total, left);
    }
    // The name, which may be a long path, goes last: a terminal's line is cut.
    snprintf(text, size, "encoding  %s%" PRIu64 " examples, %.0f/s, %.1f MB/s  %s", share,
        event->records, per_second((double)event->records, event->seconds),
        per_second(bytes / 1e6, event->seconds), event->name);
}

static void show_encoding(struct lw_store_progress *progress, const struct lw_store_event *event)
{
    char text[512];
    if (lw_terminal_is(progress->line.stream)) {
        if (lw_progress_due(&progress->line)) {
            format_encoding(event, text, sizeof text);
            lw_progress_draw(&progress->line, "%s", text);
        }
        return;
    }
    if (event->seconds - progress->told >= PLAIN_INTERVAL) {
        format_encoding(event, text, sizeof text);
        fprintf(progress->line.stream, "%s\n", text);
        progress->told = event->seconds;
    }
}

static void show_reading(struct lw_store_progress *progress, const struct lw_store_event *event)
{
    if (lw_progress_due(&progress->line)) {
        lw_progress_draw(&progress->line, "reading %s  %.0f of %.0f MB", event->name,
            (double)event->bytes / 1e6, (double)event->total_bytes / 1e6);
    }
}

void lw_store_progress_show(struct lw_store_progress *progress, const struct lw_store_event *event)
{
    FILE *stream = progress->line.stream;
    if (event->kind == LW_STORE_ENCODING) {
        show_encoding(progress, event);
        return;
    }
    if (event->kind == LW_STORE_READING) {
        show_reading(progress, event);
        return;
    }
    lw_progress_clear(&progress->line);
    switch (event->kind) {
    case LW_STORE_WAITING:
        fprintf(stream, "waiting for another run that encodes %s (it holds %s)\n", event->name,
            event->path);
        break;
    case LW_STORE_ENCODED:
        progress->told = 0;
        fprintf(stream,
            "encoded   %s: %" PRIu64 " records in %.1f s, %.0f examples/s, %.1f MB/s; kept in "
            "%s\n",
            event->name, event->records, event->seconds,
            per_second((double)event->records, event->seconds),
            per_second((double)event->bytes / 1e6, event->seconds), event->path);
        break;
    case LW_STORE_FOUND:
        fprintf(stream, "encoded   %s: %" PRIu64 " records from an earlier run, %s\n", event->name,
            event->records, event->path);
        break;
    case LW_STORE_DAMAGED:
        fprintf(stream, "encoding %s anew: %s is of no use: %s\n", event->name, event->path,
            event->reason);
        break;
    case LW_STORE_ENCODING:
    case LW_STORE_READING:
        break;
    }
    fflush(stream);
}
