// SPDX-License-Identifier: Apache-2.0
// The report of `lewin data check` as text. See data_report.h.
#include <inttypes.h>
#include <stdio.h>

#include "cli/data_report.h"
#include "engine/base/terminal.h"

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void print_part(const struct lw_data_report *report, const struct lw_data_part *part)
{
    struct lw_token_position position = {0};
    struct lw_token_fault fault;
    const struct lw_source *source = part->source;
    printf("%s\n", source->name);
    while (lw_token_cache_next_fault(part->cache, &position, &fault)) {
        // One file has the data set's name, mostly.
        printf("  %s%sline %" PRIu64 ": %s\n",
            source->path_count > 1 ? lw_source_path(source, fault.file) : "",
            source->path_count > 1 ? ", " : "", fault.line, fault.reason);
    }
    printf("  %" PRIu64 " record%s, %" PRIu64 " good, %" PRIu64 " bad", part->records,
        plural(part->records), part->records - part->bad, part->bad);
    if (part->duplicates || part->repeated) {
        printf(", %" PRIu64 " duplicate%s", part->duplicates, plural(part->duplicates));
    }
    if (part->repeated) {
        printf(" and %" PRIu64 " of data sets above", part->repeated);
    }
    if (report->template_name) {
        printf("; %" PRIu64 " tokens, %" PRIu64 " trained on, %" PRIu64 " truncated", part->tokens,
            part->trained, part->truncated);
    }
    printf("\n");
}

// One bar for each doubling of the length.
static void print_histogram(const struct lw_data_report *report)
{
    bool terminal = lw_terminal_is(stdout);
    uint64_t counts[33] = {0}, highest = 1;
    unsigned first = 32, last = 0;
    for (size_t length = 0; length < report->length_count; length++) {
        unsigned bin = 0;
        while (length >> bin) {
            bin++;
        }
        if (report->by_length[length]) {
            counts[bin] += report->by_length[length];
            highest = counts[bin] > highest ? counts[bin] : highest;
            first = bin < first ? bin : first;
            last = bin > last ? bin : last;
        }
    }
    unsigned columns = terminal ? lw_terminal_columns(stdout) : 80;
    uint64_t widest = columns > 60 ? (columns < 110 ? columns : 110) - 36 : 24;
    printf("\n  tokens               examples\n");
    for (unsigned bin = first; bin <= last; bin++) {
        unsigned long low = bin ? 1ul << (bin - 1) : 0, high = bin ? (1ul << bin) - 1 : 0;
        uint64_t bar = (counts[bin] * widest + highest - 1) / highest;
        printf("  %6lu - %-8lu %10" PRIu64 "  ", low, high, counts[bin]);
        fputs(terminal ? "\033[38;5;34m" : "", stdout);
        for (uint64_t i = 0; i < bar; i++) {
            fputs(terminal ? "\xe2\x96\x88" : "#", stdout);
        }
        puts(terminal ? "\033[0m" : "");
    }
}

static void print_row(const char *name, uint64_t value)
{
    printf("  %-22s %12" PRIu64 "\n", name, value);
}

static void print_tokens(const struct lw_data_report *report)
{
    const struct lw_data_part *total = &report->total;
    uint64_t examples = lw_data_report_examples(report);
    printf("\ntokens (template %s, cutoff_len %" PRIu64 ")\n", report->template_name,
        report->cutoff_len);
    print_row("all", total->tokens);
    printf("  %-22s %12" PRIu64 "   %.1f %%\n", "trained on", total->trained,
        total->tokens ? 100 * (double)total->trained / (double)total->tokens : 0);
    print_row("shortest example", lw_data_report_length(report, 0));
    print_row("median", lw_data_report_length(report, 0.5));
    printf("  %-22s %12.1f\n", "mean", (double)total->tokens / (double)examples);
    print_row("95 % are below", lw_data_report_length(report, 0.95));
    print_row("longest example", total->longest);
    print_row("truncated examples", total->truncated);
    print_row("  stop token cut off", total->stop_cut);
    print_row("without trained token", total->untrained);
    print_histogram(report);
}

static void print_run(const struct lw_data_run *run)
{
    printf("\nrun\n");
    print_row("examples to train on", run->examples);
    print_row("held out", run->held_out);
    print_row("examples per step", run->batch);
    print_row("steps per epoch", run->steps_per_epoch);
    printf("  %-22s %12" PRIu64 "   %g epochs\n", "steps", run->steps, run->epochs);
}

void lw_data_print(const struct lw_data_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        print_part(report, &report->parts[i]);
    }
    const struct lw_data_part *total = &report->total;
    if (report->count > 1) {
        printf("all\n  %" PRIu64 " record%s, %" PRIu64 " good, %" PRIu64 " bad, %" PRIu64
               " conversation%s that came before, word for word\n",
            total->records, plural(total->records), total->records - total->bad, total->bad,
            total->duplicates + total->repeated, plural(total->duplicates + total->repeated));
    }
    if (report->template_name && lw_data_report_examples(report)) {
        print_tokens(report);
    }
    if (report->run.batch) {
        print_run(&report->run);
    }
}
