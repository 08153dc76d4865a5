// SPDX-License-Identifier: Apache-2.0
// `lewin data check`: everything that is in data files, and everything that is wrong with them.
#include "cli/data.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/terminal.h"
#include "engine/text/template.h"
#include "trainer/encoder.h"
#include "trainer/records.h"
#include "trainer/source.h"

struct report {
    uint64_t records, bad;    // over all files
    uint64_t tokens, trained; // of good records, when there is a tokenizer
    uint64_t truncated, stop_cut, untrained;
    uint32_t *lengths; // [count] tokens of each example
    size_t count, capacity;
    bool has_tokens;
};

static bool count_example(
    struct report *report, const struct lw_encoded *encoded, struct lw_error *error)
{
    if (!lw_reserve(&report->lengths, &report->capacity, report->count + 1, sizeof *report->lengths,
            error)) {
        return false;
    }
    report->lengths[report->count++] = (uint32_t)encoded->view.count;
    report->tokens += encoded->view.count;
    report->trained += encoded->trained_count;
    report->truncated += encoded->truncated;
    report->stop_cut += encoded->stop_cut;
    report->untrained += encoded->trained_count == 0;
    return true;
}

// Lets the encoder begin with what it holds; counts and prints what became of the batch before.
static bool take_batch(struct lw_encoder *encoder, struct report *report, struct lw_error *error)
{
    if (!lw_encoder_run(encoder, error)) {
        return false;
    }
    for (size_t i = 0; i < lw_encoder_count(encoder); i++) {
        const struct lw_encoded *encoded = lw_encoder_result(encoder, i);
        report->records++;
        if (encoded->fault.reason[0]) {
            report->bad++;
            printf("  line %" PRIu64 ": %s\n", encoded->line, encoded->fault.reason);
        } else if (report->has_tokens && !count_example(report, encoded, error)) {
            return false;
        }
    }
    return true;
}

static bool check_file(const char *path, const struct lw_record_format *format,
    struct lw_encoder *encoder, struct report *report, struct lw_error *error)
{
    uint64_t records = report->records, bad = report->bad;
    struct lw_records *records_file = NULL;
    struct lw_cut cut = {0};
    printf("%s\n", path);
    bool read = lw_records_open(&records_file, path, error);
    while (read && cut.kind != LW_CUT_END) {
        read = lw_records_cut(records_file, &cut, error);
        if (read && cut.kind != LW_CUT_END) {
            read = lw_encoder_add(encoder, &cut, format, error);
        }
        if (read && lw_encoder_is_full(encoder)) {
            read = take_batch(encoder, report, error);
        }
    }
    // The batch that is being filled, and the one that is being encoded.
    read = read && take_batch(encoder, report, error) && take_batch(encoder, report, error);
    lw_records_close(&records_file);
    if (read) {
        records = report->records - records;
        bad = report->bad - bad;
        printf("  %" PRIu64 " record%s, %" PRIu64 " good, %" PRIu64 " bad\n", records,
            records == 1 ? "" : "s", records - bad, bad);
    }
    return read;
}

static bool check_sources(const struct lw_sources *sources, struct lw_encoder *encoder,
    struct report *report, struct lw_error *error)
{
    for (size_t i = 0; i < sources->count; i++) {
        const struct lw_source *source = &sources->items[i];
        for (size_t j = 0; j < source->path_count; j++) {
            if (!check_file(source->paths[j], &source->format, encoder, report, error)) {
                return false;
            }
        }
    }
    return true;
}

static int compare_lengths(const void *left, const void *right)
{
    uint32_t a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return (a > b) - (a < b);
}

// One bar for each doubling of the length.
static void print_histogram(const struct report *report)
{
    bool terminal = lw_terminal_is(stdout);
    size_t counts[33] = {0}, highest = 1;
    unsigned first = 32, last = 0;
    for (size_t i = 0; i < report->count; i++) {
        unsigned bin = 0;
        while (report->lengths[i] >> bin) {
            bin++;
        }
        counts[bin]++;
        highest = counts[bin] > highest ? counts[bin] : highest;
        first = bin < first ? bin : first;
        last = bin > last ? bin : last;
    }
    unsigned columns = terminal ? lw_terminal_columns(stdout) : 80;
    size_t widest = columns > 60 ? (columns < 110 ? columns : 110) - 36 : 24;
    printf("\n  tokens               examples\n");
    for (unsigned bin = first; bin <= last; bin++) {
        unsigned long low = bin ? 1ul << (bin - 1) : 0, high = bin ? (1ul << bin) - 1 : 0;
        size_t bar = (counts[bin] * widest + highest - 1) / highest;
        printf("  %6lu - %-8lu %10zu  ", low, high, counts[bin]);
        fputs(terminal ? "\033[38;5;34m" : "", stdout);
        for (size_t i = 0; i < bar; i++) {
            fputs(terminal ? "\xe2\x96\x88" : "#", stdout);
        }
        puts(terminal ? "\033[0m" : "");
    }
}

static void print_tokens(struct report *report, const struct lw_data_flags *flags,
    const struct lw_template *chat_template)
{
    size_t count = report->count;
    uint32_t *lengths = report->lengths;
    if (count == 0) {
        return;
    }
    qsort(lengths, count, sizeof *lengths, compare_lengths);
    printf("\ntokens (template %s, cutoff_len %" PRIu64 ")\n", lw_template_name(chat_template),
        flags->cutoff_len);
    printf("  %-22s %12" PRIu64 "\n", "all", report->tokens);
    printf("  %-22s %12" PRIu64 "   %.1f %%\n", "trained on", report->trained,
        report->tokens ? 100 * (double)report->trained / (double)report->tokens : 0);
    printf("  %-22s %12" PRIu32 "\n", "shortest example", lengths[0]);
    printf("  %-22s %12" PRIu32 "\n", "median", lengths[count / 2]);
    printf("  %-22s %12.1f\n", "mean", (double)report->tokens / (double)count);
    printf("  %-22s %12" PRIu32 "\n", "95 % are below", lengths[(count - 1) * 95 / 100]);
    printf("  %-22s %12" PRIu32 "\n", "longest example", lengths[count - 1]);
    printf("  %-22s %12" PRIu64 "\n", "truncated examples", report->truncated);
    printf("  %-22s %12" PRIu64 "\n", "  stop token cut off", report->stop_cut);
    printf("  %-22s %12" PRIu64 "\n", "without trained token", report->untrained);
    print_histogram(report);
}

bool lw_data_check(char **names, int name_count, const struct lw_data_flags *flags,
    const struct lw_template *chat_template, struct lw_error *error)
{
    struct report report = {.has_tokens = flags->model != NULL};
    struct lw_tokenizer *tokenizer = NULL;
    struct lw_encoder *encoder = NULL;
    struct lw_sources sources = {0};
    const struct lw_option_list list = {names, (size_t)name_count};
    bool checked = lw_sources_resolve(&sources, &list, flags->dataset_dir, error) &&
                   (!flags->model ||
                       lw_template_open_tokenizer(chat_template, flags->model, &tokenizer, error));
    struct lw_encoder_params params = {
        tokenizer, chat_template, lw_data_template_options(flags), lw_data_mask(flags), 0};
    checked = checked && lw_encoder_create(&encoder, &params, error) &&
              check_sources(&sources, encoder, &report, error);
    if (checked) {
        print_tokens(&report, flags, chat_template);
    }
    lw_free(report.lengths);
    lw_encoder_destroy(&encoder);
    lw_tokenizer_close(tokenizer);
    lw_sources_free(&sources);
    if (checked && report.bad) {
        return lw_fail(error, LW_BAD_INPUT, "%" PRIu64 " of %" PRIu64 " records cannot be used",
            report.bad, report.records);
    }
    if (checked && report.records == 0) {
        return lw_fail(error, LW_BAD_INPUT, "there is no record in %s%s", names[0],
            name_count > 1 ? " and the other data sets" : "");
    }
    return checked;
}
