// SPDX-License-Identifier: Apache-2.0
// One line per golden quantity: how far off it is, and whether that is within its tolerance.
#ifndef LW_TESTS_GOLDEN_REPORT_H
#define LW_TESTS_GOLDEN_REPORT_H

#include <stdbool.h>
#include <stdint.h>

struct golden_report {
    unsigned checked, failed;
    struct {
        const char *kind;
        double relative; // the largest error of a quantity of this kind
    } worst[8];
};

// Compares by the relative norm of the difference, ||actual - expected|| / ||expected||.
void golden_compare(struct golden_report *report, const char *kind, const char *name,
    const float *actual, const float *expected, uint64_t count, double tolerance);

// Compares one number relatively.
void golden_compare_number(struct golden_report *report, const char *kind, const char *name,
    double actual, double expected, double tolerance);

// Weights after training: Adam turns a gradient of rounding size into a whole step, so a few
// elements may be far off. At most `most_off` (a share, but two elements in any case) may be further
// off than `allowed`.
void golden_compare_weights(struct golden_report *report, const char *name, const float *actual,
    const float *expected, uint64_t count, double allowed, double most_off);

// Prints the largest relative error of each kind of quantity.
void golden_report_worst(const struct golden_report *report);

// Counts and prints one line.
void golden_report_note(struct golden_report *report, bool passed, const char *format, ...);

#endif
