// SPDX-License-Identifier: Apache-2.0
// Threads, mutexes and conditions. Hides pthreads and Windows.
#ifndef LW_BASE_THREAD_H
#define LW_BASE_THREAD_H

#include "engine/base/error.h"

struct lw_thread;
struct lw_mutex;
struct lw_condition;

// Starts run(context) on a new thread. lw_thread_join must follow, once.
bool lw_thread_create(
    struct lw_thread **thread, void (*run)(void *context), void *context, struct lw_error *error);
void lw_thread_join(struct lw_thread *thread); // waits for its end and frees it; NULL: nothing

// Not recursive.
bool lw_mutex_create(struct lw_mutex **mutex, struct lw_error *error);
void lw_mutex_destroy(struct lw_mutex *mutex); // NULL: nothing
void lw_mutex_lock(struct lw_mutex *mutex);
void lw_mutex_unlock(struct lw_mutex *mutex);

bool lw_condition_create(struct lw_condition **condition, struct lw_error *error);
void lw_condition_destroy(struct lw_condition *condition); // NULL: nothing

// Unlocks the mutex, which the caller holds, waits, and locks it again. May return without a signal:
// call it in a loop over what is waited for.
void lw_condition_wait(struct lw_condition *condition, struct lw_mutex *mutex);
void lw_condition_signal(struct lw_condition *condition);    // wakes one waiting thread
void lw_condition_broadcast(struct lw_condition *condition); // wakes all

// The processor cores that this process may use, at least 1.
unsigned lw_thread_core_count(void);

#endif
