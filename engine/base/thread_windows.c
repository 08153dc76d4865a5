// SPDX-License-Identifier: Apache-2.0
// Threads on Windows. See thread.h.
#include "engine/base/thread.h"

#include <process.h>
#include <stdint.h>
#include <windows.h>

#include "engine/base/alloc.h"

struct lw_thread {
    HANDLE handle;
    void (*run)(void *context);
    void *context;
};

struct lw_mutex {
    SRWLOCK lock;
};

struct lw_condition {
    CONDITION_VARIABLE variable;
};

static unsigned __stdcall enter_thread(void *argument)
{
    struct lw_thread *thread = argument;
    thread->run(thread->context);
    return 0;
}

bool lw_thread_create(
    struct lw_thread **thread, void (*run)(void *context), void *context, struct lw_error *error)
{
    *thread = NULL;
    struct lw_thread *created = lw_calloc(1, sizeof *created, error);
    if (!created) {
        return false;
    }
    created->run = run;
    created->context = context;
    created->handle = (HANDLE)_beginthreadex(NULL, 0, enter_thread, created, 0, NULL);
    if (!created->handle) {
        lw_free(created);
        return lw_fail(error, LW_NO_RESOURCE, "cannot create a thread: the system has no more");
    }
    *thread = created;
    return true;
}

void lw_thread_join(struct lw_thread *thread)
{
    if (thread) {
        WaitForSingleObject(thread->handle, INFINITE);
        CloseHandle(thread->handle);
        lw_free(thread);
    }
}

bool lw_mutex_create(struct lw_mutex **mutex, struct lw_error *error)
{
    *mutex = lw_calloc(1, sizeof **mutex, error);
    if (*mutex) {
        InitializeSRWLock(&(*mutex)->lock);
    }
    return *mutex != NULL;
}

void lw_mutex_destroy(struct lw_mutex *mutex)
{
    lw_free(mutex);
}

void lw_mutex_lock(struct lw_mutex *mutex)
{
    AcquireSRWLockExclusive(&mutex->lock);
}

void lw_mutex_unlock(struct lw_mutex *mutex)
{
    ReleaseSRWLockExclusive(&mutex->lock);
}

bool lw_condition_create(struct lw_condition **condition, struct lw_error *error)
{
    *condition = lw_calloc(1, sizeof **condition, error);
    if (*condition) {
        InitializeConditionVariable(&(*condition)->variable);
    }
    return *condition != NULL;
}

void lw_condition_destroy(struct lw_condition *condition)
{
    lw_free(condition);
}

void lw_condition_wait(struct lw_condition *condition, struct lw_mutex *mutex)
{
    SleepConditionVariableSRW(&condition->variable, &mutex->lock, INFINITE, 0);
}

void lw_condition_signal(struct lw_condition *condition)
{
    WakeConditionVariable(&condition->variable);
}

void lw_condition_broadcast(struct lw_condition *condition)
{
    WakeAllConditionVariable(&condition->variable);
}

unsigned lw_thread_core_count(void)
{
    DWORD count = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    return count ? (unsigned)count : 1;
}
