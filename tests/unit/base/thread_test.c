// SPDX-License-Identifier: Apache-2.0
// engine/base/thread: threads that count together, and a queue of one place between two of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/thread.h"

enum { ITEMS = 2000, THREADS = 4 };

struct shared {
    struct lw_mutex *mutex;
    struct lw_condition *changed;
    long sum;
    int item; // 0: none
};

static void count(void *context)
{
    struct shared *shared = context;
    for (int i = 0; i < ITEMS; i++) {
        lw_mutex_lock(shared->mutex);
        shared->sum++;
        lw_mutex_unlock(shared->mutex);
    }
}

static void produce(void *context)
{
    struct shared *shared = context;
    for (int i = 1; i <= ITEMS; i++) {
        lw_mutex_lock(shared->mutex);
        while (shared->item) {
            lw_condition_wait(shared->changed, shared->mutex);
        }
        shared->item = i;
        lw_condition_broadcast(shared->changed);
        lw_mutex_unlock(shared->mutex);
    }
}

static int set_up(void **state)
{
    static struct shared shared;
    shared = (struct shared){0};
    *state = &shared;
    return lw_mutex_create(&shared.mutex, NULL) && lw_condition_create(&shared.changed, NULL) ? 0
                                                                                              : 1;
}

static int tear_down(void **state)
{
    struct shared *shared = *state;
    lw_condition_destroy(shared->changed);
    lw_mutex_destroy(shared->mutex);
    return 0;
}

static void mutex_excludes(void **state)
{
    struct shared *shared = *state;
    struct lw_thread *threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_true(lw_thread_create(&threads[i], count, shared, NULL));
    }
    for (int i = 0; i < THREADS; i++) {
        lw_thread_join(threads[i]);
    }
    assert_int_equal(shared->sum, THREADS * ITEMS);
}

static void condition_wakes(void **state)
{
    struct shared *shared = *state;
    struct lw_thread *producer;
    assert_true(lw_thread_create(&producer, produce, shared, NULL));
    for (int expected = 1; expected <= ITEMS; expected++) {
        lw_mutex_lock(shared->mutex);
        while (!shared->item) {
            lw_condition_wait(shared->changed, shared->mutex);
        }
        assert_int_equal(shared->item, expected);
        shared->item = 0;
        lw_condition_signal(shared->changed);
        lw_mutex_unlock(shared->mutex);
    }
    lw_thread_join(producer);
}

static void failures_leave_nothing(void **state)
{
    (void)state;
    struct lw_thread *thread;
    struct lw_mutex *mutex;
    struct lw_condition *condition;
    lw_memory_fail_after(0);
    assert_false(lw_thread_create(&thread, count, NULL, NULL));
    lw_memory_fail_after(0);
    assert_false(lw_mutex_create(&mutex, NULL));
    lw_memory_fail_after(0);
    assert_false(lw_condition_create(&condition, NULL));
    lw_memory_fail_after(-1);
    assert_null(thread);
    assert_null(mutex);
    assert_null(condition);
    lw_thread_join(NULL);
    lw_mutex_destroy(NULL);
    lw_condition_destroy(NULL);
    assert_true(lw_thread_core_count() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(mutex_excludes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(condition_wakes, set_up, tear_down),
        cmocka_unit_test(failures_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
