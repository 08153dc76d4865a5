// SPDX-License-Identifier: Apache-2.0
// merger/pipe.h: order, the bound on memory, and failures of every stage at every item.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "merger/pipe.h"

enum { slots = 3, items = 50 };

struct work {
    atomic_size_t done[3]; // items finished by reading, computing, writing
    size_t content[slots]; // plus the number of stages that have worked on it
    int failing;           // stage, -1: none
    size_t failing_item;
    atomic_bool wrong;
};

static bool stage(struct work *work, int number, size_t item, size_t slot, struct lw_error *error)
{
    bool in_order = atomic_load(&work->done[number]) == item && slot == item % slots;
    bool ready = number == 0 ? item < atomic_load(&work->done[2]) + slots
                             : item < atomic_load(&work->done[number - 1]);
    if (number == 0) {
        work->content[slot] = item * 10;
    } else {
        ready = ready && work->content[slot] == item * 10 + (size_t)number;
    }
    work->content[slot]++;
    if (!in_order || !ready) {
        atomic_store(&work->wrong, true);
    }
    if (number == work->failing && item == work->failing_item) {
        return lw_fail(error, LW_BAD_INPUT, "stage %d, item %zu", number, item);
    }
    atomic_fetch_add(&work->done[number], 1);
    return true;
}

static bool read_item(void *work, size_t item, size_t slot, struct lw_error *error)
{
    return stage(work, 0, item, slot, error);
}

static bool compute_item(void *work, size_t item, size_t slot, struct lw_error *error)
{
    return stage(work, 1, item, slot, error);
}

static bool write_item(void *work, size_t item, size_t slot, struct lw_error *error)
{
    return stage(work, 2, item, slot, error);
}

static bool run(struct work *work, size_t count, struct lw_error *error)
{
    return lw_pipe_run(&(struct lw_pipe_params){.item_count = count,
                           .slot_count = slots,
                           .context = work,
                           .read = read_item,
                           .compute = compute_item,
                           .write = write_item},
        error);
}

static void keeps_order(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, slots, slots + 1, 2000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct work work = {.failing = -1};
        struct lw_error error = {0};
        assert_true(run(&work, counts[i], &error));
        assert_false(work.wrong);
        assert_int_equal(work.done[2], counts[i]);
    }
}

static void stops_at_failures(void **state)
{
    (void)state;
    for (int failing = 0; failing < 3; failing++) {
        for (size_t item = 0; item < items; item += 7) {
            struct work work = {.failing = failing, .failing_item = item};
            struct lw_error error = {0};
            char message[64];
            snprintf(message, sizeof message, "stage %d, item %zu", failing, item);
            assert_false(run(&work, items, &error));
            assert_int_equal(error.status, LW_BAD_INPUT);
            assert_string_equal(error.message, message);
            assert_false(work.wrong);
            assert_int_equal(work.done[failing], item);
        }
    }
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    bool done = false;
    for (long successes = 0; !done; successes++) {
        struct work work = {.failing = -1};
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        done = run(&work, items, &error);
        lw_memory_fail_after(-1);
        assert_true(done || error.status == LW_NO_RESOURCE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keeps_order),
        cmocka_unit_test(stops_at_failures), cmocka_unit_test(survives_lack_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
