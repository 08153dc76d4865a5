// SPDX-License-Identifier: Apache-2.0
// Threads on POSIX. See thread.h.
#define _POSIX_C_SOURCE 200809L
#include "engine/base/thread.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/alloc.h"

struct lw_thread {
    pthread_t handle;
    void (*run)(void *context);
    void *context;
};

struct lw_mutex {
    pthread_mutex_t handle;
};

struct lw_condition {
    pthread_cond_t handle;
};

static void *enter_thread(void *argument)
{
    struct lw_thread *thread = argument;
    thread->run(thread->context);
    return NULL;
}

static bool fail_create(struct lw_error *error, const char *what, int code)
{
    char text[256] = "";
    if (strerror_r(code, text, sizeof text) != 0) {
        memcpy(text, "unknown reason", sizeof "unknown reason");
    }
    return lw_fail(error, LW_NO_RESOURCE, "cannot create a %s: %s", what, text);
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
    int code = pthread_create(&created->handle, NULL, enter_thread, created);
    if (code != 0) {
        lw_free(created);
        return fail_create(error, "thread", code);
    }
    *thread = created;
    return true;
}

void lw_thread_join(struct lw_thread *thread)
{
    if (thread) {
        int code = pthread_join(thread->handle, NULL);
        assert(code == 0);
        (void)code;
        lw_free(thread);
    }
}

bool lw_mutex_create(struct lw_mutex **mutex, struct lw_error *error)
{
    *mutex = lw_calloc(1, sizeof **mutex, error);
    if (!*mutex) {
        return false;
    }
    int code = pthread_mutex_init(&(*mutex)->handle, NULL);
    if (code != 0) {
        lw_free(*mutex);
        *mutex = NULL;
        return fail_create(error, "mutex", code);
    }
    return true;
}

void lw_mutex_destroy(struct lw_mutex *mutex)
{
    if (mutex) {
        pthread_mutex_destroy(&mutex->handle);
        lw_free(mutex);
    }
}

void lw_mutex_lock(struct lw_mutex *mutex)
{
    pthread_mutex_lock(&mutex->handle);
}

void lw_mutex_unlock(struct lw_mutex *mutex)
{
    pthread_mutex_unlock(&mutex->handle);
}

bool lw_condition_create(struct lw_condition **condition, struct lw_error *error)
{
    *condition = lw_calloc(1, sizeof **condition, error);
    if (!*condition) {
        return false;
    }
    int code = pthread_cond_init(&(*condition)->handle, NULL);
    if (code != 0) {
        lw_free(*condition);
        *condition = NULL;
        return fail_create(error, "condition", code);
    }
    return true;
}

void lw_condition_destroy(struct lw_condition *condition)
{
    if (condition) {
        pthread_cond_destroy(&condition->handle);
        lw_free(condition);
    }
}

void lw_condition_wait(struct lw_condition *condition, struct lw_mutex *mutex)
{
    pthread_cond_wait(&condition->handle, &mutex->handle);
}

void lw_condition_signal(struct lw_condition *condition)
{
    pthread_cond_signal(&condition->handle);
}

void lw_condition_broadcast(struct lw_condition *condition)
{
    pthread_cond_broadcast(&condition->handle);
}

unsigned lw_thread_core_count(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (unsigned)count : 1;
}
