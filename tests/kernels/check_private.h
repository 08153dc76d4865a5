// SPDX-License-Identifier: Apache-2.0
// Private to kernelcheck: the state of one pass over the table on one device.
#ifndef LW_TESTS_KERNELS_CHECK_PRIVATE_H
#define LW_TESTS_KERNELS_CHECK_PRIVATE_H

#include <stdio.h>

#include "engine/bench/ceilings.h"
#include "tests/kernels/check.h"

#define CHECK_TENSORS 32
#define CHECK_DOUBLES 16
#define CHECK_GUARD 256u // bytes before and after each tensor

enum check_mode { CHECK_MODE_CHECK, CHECK_MODE_BENCH, CHECK_MODE_LIST, CHECK_MODE_COMPILE };

// A tensor with the bytes around it.
struct check_operand {
    struct check_tensor tensor;
    struct lw_buffer whole; // guard, elements, guard
    bool written, scratch;
    unsigned char *before, *after; // images of `whole`
};

struct check {
    // Set by kernelcheck.c
    enum check_mode mode;
    struct lw_device *device;
    struct lw_ceilings *ceilings;
    uint64_t seed;
    unsigned cases;
    const char *filter; // NULL: everything
    const char *row;    // the table's row
    // The state of the random numbers of shapes, and of the data inside a case.
    uint64_t shape_state, data_state;
    bool matrices;       // of --compile: only what matrix cores run
    bool typical_shapes; // of --compile: those of --bench instead of the odd ones
    bool in_case, case_failed;
    unsigned case_count, run_count, failure_count;
    char name[64], parameters[256];
    char listed[64]; // the last name that --list printed
    struct lw_arena *arena;
    struct lw_stream *stream;
    struct check_operand operands[CHECK_TENSORS];
    unsigned operand_count;
    double *doubles[CHECK_DOUBLES];
    unsigned doubles_count;
    double flops, bytes;
};

// Ends the program with the message unless `done`.
void check_must(bool done, const struct lw_error *error);

// Zeroed memory, or the end of the program.
void *check_memory(uint64_t count, uint64_t size);

// --compile (check_compile.c): the pipelines of several devices objects, each once.
struct check_pipelines;
struct check_pipelines *check_pipelines_create(void);
void check_pipelines_destroy(struct check_pipelines *pipelines);
// Prints the names of the kernels without a pipeline: those for devices of other kinds.
void check_pipelines_print_unused(const struct check_pipelines *pipelines);
// Adds those that the device made.
void check_pipelines_add(struct check_pipelines *pipelines, const struct lw_device *device);
// Prints a row for each kernel (`each`: for each pipeline) and the sum of all; the number of matrix
// kernels' pipelines that spill.
unsigned check_pipelines_print(struct check_pipelines *pipelines, bool each);

// Times the case's stream and prints one line (check_bench.c).
void check_time(struct check *check);

#endif
