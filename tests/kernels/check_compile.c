// SPDX-License-Identifier: Apache-2.0
// What the driver's compiler made of the kernels, for kernelcheck --compile: one table of all
// pipelines that the passes over the device left, the worst of each kernel a row.
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/gpu/pipeline.h"
#include "engine/gpu/statistics.h"
#include "tests/kernels/check_private.h"

struct check_pipelines {
    struct lw_pipeline_statistics *items;
    size_t count, capacity;
};

struct check_pipelines *check_pipelines_create(void)
{
    return check_memory(1, sizeof(struct check_pipelines));
}

void check_pipelines_destroy(struct check_pipelines *pipelines)
{
    lw_free(pipelines->items);
    free(pipelines);
}

static int compare(const void *left_pointer, const void *right_pointer)
{
    const struct lw_pipeline_statistics *left = left_pointer, *right = right_pointer;
    if (left->kernel != right->kernel) {
        return left->kernel < right->kernel ? -1 : 1;
    }
    if (left->subgroup_size != right->subgroup_size) {
        return left->subgroup_size < right->subgroup_size ? -1 : 1;
    }
    return memcmp(left->constants, right->constants, sizeof left->constants);
}

void check_pipelines_add(struct check_pipelines *pipelines, const struct lw_device *device)
{
    for (size_t i = 0; i < lw_device_pipeline_count(device); i++) {
        struct lw_error error = {0};
        struct lw_pipeline_statistics item;
        check_must(lw_device_pipeline_statistics(device, i, &item, &error), &error);
        bool known = false;
        for (size_t j = 0; j < pipelines->count && !known; j++) {
            known = !compare(&pipelines->items[j], &item);
        }
        if (known) {
            continue;
        }
        check_must(lw_reserve(&pipelines->items, &pipelines->capacity, pipelines->count + 1,
                       sizeof item, &error),
            &error);
        pipelines->items[pipelines->count++] = item;
    }
}

// Matrix kernels are in the registry under names of this form.
static bool is_matrix_kernel(enum lw_kernel_id kernel)
{
    return strstr(lw_kernel_rows[kernel].name, "_matrix") != NULL;
}

static bool was_used(const struct check_pipelines *pipelines, enum lw_kernel_id kernel)
{
    for (size_t i = 0; i < pipelines->count; i++) {
        if (pipelines->items[i].kernel == kernel) {
            return true;
        }
    }
    return false;
}

void check_pipelines_print_unused(const struct check_pipelines *pipelines)
{
    printf("kernels that this device does not use:");
    for (int i = 0; i < LW_KERNEL_COUNT; i++) {
        if (!was_used(pipelines, (enum lw_kernel_id)i)) {
            printf(" %s", lw_kernel_rows[i].name);
        }
    }
    printf("\n");
}

// What fails a matrix kernel. Scalars that move to vector registers cost instructions, no memory.
static bool does_spill(const struct lw_pipeline_statistics *item)
{
    return item->spills > 0 || item->scratch > 0;
}

static void print_figure(int64_t figure)
{
    if (figure == LW_STATISTIC_UNKNOWN) {
        printf(" %9s", "-");
    } else {
        printf(" %9lld", (long long)figure);
    }
}

static void print_row(const struct lw_pipeline_statistics *item)
{
    print_figure(item->registers);
    print_figure(item->shared_memory);
    print_figure(item->occupancy);
    print_figure(item->spills);
    print_figure(item->scratch);
    print_figure(item->moves);
}

static void print_pipeline(const struct lw_pipeline_statistics *item)
{
    printf("%-40s %9s", lw_kernel_rows[item->kernel].name, "");
    print_row(item);
    printf("  constants");
    for (uint32_t i = 0; i < item->constant_count; i++) {
        printf(" %u", (unsigned)item->constants[i]);
    }
    printf("\n");
}

// Keeps the worse of both in each figure.
static void worsen(struct lw_pipeline_statistics *worst, const struct lw_pipeline_statistics *item)
{
    worst->registers = item->registers > worst->registers ? item->registers : worst->registers;
    worst->spills = item->spills > worst->spills ? item->spills : worst->spills;
    worst->scratch = item->scratch > worst->scratch ? item->scratch : worst->scratch;
    worst->moves = item->moves > worst->moves ? item->moves : worst->moves;
    worst->shared_memory =
        item->shared_memory > worst->shared_memory ? item->shared_memory : worst->shared_memory;
    worst->occupancy = item->occupancy < worst->occupancy ? item->occupancy : worst->occupancy;
}

// The row of the kernel whose pipelines begin at `items`, those that spill below it; how many they
// are.
static size_t print_kernel(const struct lw_pipeline_statistics *items, size_t left, bool each)
{
    struct lw_pipeline_statistics worst = items[0];
    size_t count = 0;
    for (; count < left && items[count].kernel == items[0].kernel; count++) {
        worsen(&worst, &items[count]);
    }
    printf("%-40s %9zu", lw_kernel_rows[items[0].kernel].name, count);
    print_row(&worst);
    printf("\n");
    for (size_t i = 0; i < count; i++) {
        if (each || does_spill(&items[i])) {
            print_pipeline(&items[i]);
        }
    }
    return count;
}

unsigned check_pipelines_print(struct check_pipelines *pipelines, bool each)
{
    qsort(pipelines->items, pipelines->count, sizeof *pipelines->items, compare);
    printf("%-40s %9s %9s %9s %9s %9s %9s %9s\n", "kernel (the worst of its pipelines)",
        "pipelines", "registers", "shared B", "occupancy", "spills", "scratch B", "moves");
    for (size_t i = 0; i < pipelines->count;) {
        i += print_kernel(&pipelines->items[i], pipelines->count - i, each);
    }
    unsigned spilling = 0, matrices = 0, spilling_matrices = 0;
    int64_t most = 0, most_matrix = 0;
    for (size_t i = 0; i < pipelines->count; i++) {
        const struct lw_pipeline_statistics *item = &pipelines->items[i];
        bool matrix = is_matrix_kernel(item->kernel);
        most = item->registers > most ? item->registers : most;
        most_matrix = matrix && item->registers > most_matrix ? item->registers : most_matrix;
        spilling += does_spill(item);
        matrices += matrix;
        spilling_matrices += matrix && does_spill(item);
    }
    printf("compiled: %zu pipelines, at most %lld registers, %u spill; of matrix kernels %u, at "
           "most %lld registers, %u spill\n",
        pipelines->count, (long long)most, spilling, matrices, (long long)most_matrix,
        spilling_matrices);
    return spilling_matrices;
}
