// SPDX-License-Identifier: Apache-2.0
// Comparing and printing. See report.h.
#include "tests/golden/report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void golden_report_note(struct golden_report *report, bool passed, const char *format, ...)
{
    report->checked++;
    report->failed += !passed;
    va_list arguments;
    va_start(arguments, format);
    printf("%s ", passed ? "ok  " : "FAIL");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

static void keep_worst(struct golden_report *report, const char *kind, double relative)
{
    for (size_t i = 0; i < sizeof report->worst / sizeof *report->worst; i++) {
        if (!report->worst[i].kind) {
            report->worst[i].kind = kind;
            report->worst[i].relative = relative;
            return;
        }
        if (!strcmp(report->worst[i].kind, kind)) {
            double worst = report->worst[i].relative;
            report->worst[i].relative = relative <= worst ? worst : relative; // NaN stays
            return;
        }
    }
}

void golden_report_worst(const struct golden_report *report)
{
    printf("largest relative error:");
    for (size_t i = 0; i < sizeof report->worst / sizeof *report->worst; i++) {
        if (report->worst[i].kind) {
            printf("%s %s %.1e", i ? "," : "", report->worst[i].kind, report->worst[i].relative);
        }
    }
    printf("\n");
}

void golden_compare(struct golden_report *report, const char *kind, const char *name,
    const float *actual, const float *expected, uint64_t count, double tolerance)
{
    double difference = 0, norm = 0, largest = 0;
    for (uint64_t i = 0; i < count; i++) {
        double off = (double)actual[i] - (double)expected[i];
        difference += off * off;
        norm += (double)expected[i] * (double)expected[i];
        largest = fabs(off) > largest || isnan(off) ? fabs(off) : largest;
    }
    double relative = norm > 0 ? sqrt(difference / norm) : sqrt(difference);
    keep_worst(report, kind, relative);
    golden_report_note(report, relative <= tolerance,
        "%-9s %-52s max abs %.2e  relative %.2e  (%.0e)", kind, name, largest, relative, tolerance);
}

void golden_compare_number(struct golden_report *report, const char *kind, const char *name,
    double actual, double expected, double tolerance)
{
    double off = fabs(actual - expected);
    double relative = expected != 0 ? off / fabs(expected) : off;
    keep_worst(report, kind, relative);
    golden_report_note(report, relative <= tolerance,
        "%-9s %-52s max abs %.2e  relative %.2e  (%.0e)  %.9g", kind, name, off, relative,
        tolerance, actual);
}

void golden_compare_weights(struct golden_report *report, const char *name, const float *actual,
    const float *expected, uint64_t count, double allowed, double most_off)
{
    double largest = 0, difference = 0, norm = 0;
    uint64_t off_count = 0;
    for (uint64_t i = 0; i < count; i++) {
        double off = fabs((double)actual[i] - (double)expected[i]);
        off_count += !(off <= allowed);
        difference += off * off;
        norm += (double)expected[i] * (double)expected[i];
        largest = off > largest || isnan(off) ? off : largest;
    }
    double share = (double)off_count / (double)count;
    keep_worst(report, "weights", norm > 0 ? sqrt(difference / norm) : sqrt(difference));
    golden_report_note(report, share <= most_off || off_count <= 2,
        "%-9s %-52s max abs %.2e  off by over %.1e: %.3f %%  (%.1f %%)", "weights", name, largest,
        allowed, 100 * share, 100 * most_off);
}
