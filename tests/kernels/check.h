// SPDX-License-Identifier: Apache-2.0
// The frame that every kernel check is written in (after dav1d's checkasm): tensors with random
// contents under guard bytes, one recorded stream, results compared with a double-precision
// reference. A check file exports one function, which stands in check_table.h:
//
//     static void negate_case(struct check *check, enum lw_type type, uint32_t rows)
//     {
//         if (!check_begin(check, "negate", "%s, %u rows", check_type_name(type), rows)) {
//             return;
//         }
//         struct check_tensor *x = check_input(check, type, rows, 5);
//         struct check_tensor *y = check_output(check, type, rows, 5);
//         lw_negate(check_stream(check), &x->tensor, &y->tensor);
//         check_work(check, flops, bytes);
//         if (check_run(check)) {
//             double *expected = check_doubles(check, rows * 5);
//             reference_negate(x->values, expected, rows * 5);
//             check_compare(check, "y", y, expected, 1e-6);
//         }
//         check_end(check);
//     }
//
// With --bench check_run times the stream, prints the figures and returns false; with --compile,
// where nothing can run, it only ends the stream and returns false. A host failure
// (no memory, a lost device) ends the program with a message; nothing here returns NULL.
#ifndef LW_TESTS_KERNELS_CHECK_H
#define LW_TESTS_KERNELS_CHECK_H

#include "engine/ops/tensor.h"
#include "tests/kernels/check_table.h"

// Whether figures are wanted instead of comparisons: choose large, typical shapes then.
bool check_is_bench(const struct check *check);
// Whether kernels are only compiled: record every way of doing the operation that the device has.
bool check_is_compile(const struct check *check);
// Whether only what matrix cores run is to be compiled: leave out all other types and variants.
bool check_is_matrices(const struct check *check);
// How many random shapes to try (--cases).
unsigned check_cases(const struct check *check);

// Deterministic random numbers. Draw a case's shape before check_begin: inside a case the numbers
// depend only on the seed and the case's number, so that --kernel finds the same data again.
uint32_t check_random(struct check *check, uint32_t limit); // uniform in [0, limit)
double check_uniform(struct check *check);                  // [0, 1)
double check_normal(struct check *check);                   // mean 0, variance 1
// A size in [1, limit]: often 1, a power of two or one beside it, else anything.
uint32_t check_size(struct check *check, uint32_t limit);

const char *check_type_name(enum lw_type type);
// What storing `value` in `type` keeps, rounded to nearest even.
double check_round(enum lw_type type, double value);

// Starts a case: `name` is the operation, the text its parameters. False when --kernel or --list
// leaves it out; then nothing else may be called for it.
LW_PRINTF(3, 4)
bool check_begin(struct check *check, const char *name, const char *format, ...);

enum check_fill {
    CHECK_NORMAL, // normal with deviation `scale` (0 means 1)
    CHECK_POISON, // NaN everywhere
    CHECK_ZERO
};

struct check_tensor_params {
    enum lw_type type;
    uint32_t rows, columns;
    uint32_t stride; // 0: columns
    uint32_t offset; // elements from an aligned address to the first one
    enum check_fill fill;
    double scale;
    bool written; // the kernel may change the elements; else that is a failure
};

// Owned by the case, gone after check_end.
struct check_tensor {
    struct lw_tensor tensor; // as the kernel sees it
    struct lw_buffer buffer; // the same memory
    // [rows, columns] without gaps. Before check_run: what the device is given (change it with
    // check_set); after it: the device's result where `written`, else still the input.
    double *values;
    uint32_t *words; // instead of values, for integer tensors
};

struct check_tensor *check_tensor(struct check *check, const struct check_tensor_params *params);
// Dense, normal, read only; and dense, poisoned, written.
struct check_tensor *check_input(
    struct check *check, enum lw_type type, uint32_t rows, uint32_t columns);
struct check_tensor *check_output(
    struct check *check, enum lw_type type, uint32_t rows, uint32_t columns);
// Integers. NULL words: poisoned (all bits set) and written; else read only.
struct check_tensor *check_words(struct check *check, const uint32_t *words, uint32_t count);
// Poisoned bytes that the kernel may use as it likes; an empty buffer for 0 bytes.
struct lw_buffer check_scratch(struct check *check, uint64_t bytes);

// Element `index` of values becomes `value` as the type rounds it.
void check_set(struct check_tensor *tensor, uint64_t index, double value);

// `count` zeroes, owned by the case.
double *check_doubles(struct check *check, uint64_t count);

// The case's stream: record the operation into it.
struct lw_stream *check_stream(struct check *check);
struct lw_device *check_device(const struct check *check);

// The useful work of one run of the stream, for --bench.
void check_work(struct check *check, double flops, double bytes);

// Runs the stream twice on the same inputs, checks that both runs left the same bytes, that guard
// bytes, gaps and inputs are untouched, and fetches the results. False: nothing to compare.
bool check_run(struct check *check);

// Compares the values with `expected`: the norm of the difference over the norm of the expected,
// and each element's difference against `tolerance` of the larger of it and the root mean square.
// The rounding of a 16-bit type is allowed on top of `tolerance`. NaN and infinities must agree.
void check_compare(struct check *check, const char *what, const struct check_tensor *tensor,
    const double *expected, double tolerance);
// The same where `expected` is a difference of larger terms, whose size `tolerance` is of.
void check_compare_terms(struct check *check, const char *what, const struct check_tensor *tensor,
    const double *expected, const double *terms, double tolerance);
void check_compare_words(struct check *check, const char *what, const struct check_tensor *tensor,
    const uint32_t *expected);

// Prints the case with its parameters and counts it as failed, once per case.
LW_PRINTF(2, 3)
void check_fail(struct check *check, const char *format, ...);

void check_end(struct check *check);

#endif
