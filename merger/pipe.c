// SPDX-License-Identifier: Apache-2.0
// See pipe.h. What a stage may do follows from how many items each stage has finished: reading may
// run ahead of writing by the number of slots.
#include "merger/pipe.h"

#include "engine/base/thread.h"

enum stage { READ, COMPUTE, WRITE, STAGE_COUNT };

struct pipe {
    const struct lw_pipe_params *params;
    struct lw_mutex *mutex;
    struct lw_condition *changed;
    size_t done[STAGE_COUNT]; // items that the stage has finished
    bool stopped;
    struct lw_error error; // of the first stage that failed
};

// The number of items that a stage may have finished with what the others have done. Holds the mutex.
static size_t allowed(const struct pipe *pipe, enum stage stage)
{
    if (stage != READ) {
        return pipe->done[stage - 1];
    }
    const struct lw_pipe_params *params = pipe->params;
    size_t ahead = pipe->done[WRITE] + params->slot_count, next = pipe->done[READ];
    if (params->after && next < params->item_count &&
        pipe->done[COMPUTE] < params->after(params->context, next)) {
        return next;
    }
    return ahead < params->item_count ? ahead : params->item_count;
}

// Waits for the stage's next item; false when the pipe has stopped.
static bool wait_for_item(struct pipe *pipe, enum stage stage)
{
    lw_mutex_lock(pipe->mutex);
    while (!pipe->stopped && pipe->done[stage] >= allowed(pipe, stage)) {
        lw_condition_wait(pipe->changed, pipe->mutex);
    }
    bool go_on = !pipe->stopped;
    lw_mutex_unlock(pipe->mutex);
    return go_on;
}

// The stage has finished an item, or failed with `error`.
static void report(struct pipe *pipe, enum stage stage, bool done, const struct lw_error *error)
{
    lw_mutex_lock(pipe->mutex);
    if (done) {
        pipe->done[stage]++;
    } else if (!pipe->stopped) {
        pipe->stopped = true;
        pipe->error = *error;
    }
    lw_condition_broadcast(pipe->changed);
    lw_mutex_unlock(pipe->mutex);
}

static void run_stage(struct pipe *pipe, enum stage stage, lw_pipe_stage work)
{
    const struct lw_pipe_params *params = pipe->params;
    struct lw_error error = {0};
    bool done = true;
    for (size_t item = 0; done && item < params->item_count; item++) {
        if (!wait_for_item(pipe, stage)) {
            return;
        }
        done = work(params->context, item, item % params->slot_count, &error);
        report(pipe, stage, done, &error);
    }
}

static void run_reader(void *context)
{
    struct pipe *pipe = context;
    run_stage(pipe, READ, pipe->params->read);
}

static void run_writer(void *context)
{
    struct pipe *pipe = context;
    run_stage(pipe, WRITE, pipe->params->write);
}

bool lw_pipe_run(const struct lw_pipe_params *params, struct lw_error *error)
{
    struct pipe pipe = {.params = params};
    struct lw_thread *reader = NULL, *writer = NULL;
    bool started = lw_mutex_create(&pipe.mutex, error) &&
                   lw_condition_create(&pipe.changed, error) &&
                   lw_thread_create(&reader, run_reader, &pipe, error);
    if (started && !lw_thread_create(&writer, run_writer, &pipe, error)) {
        started = false;
        report(&pipe, WRITE, false, error);
    }
    if (started) {
        run_stage(&pipe, COMPUTE, params->compute);
    }
    lw_thread_join(reader);
    lw_thread_join(writer);
    lw_condition_destroy(pipe.changed);
    lw_mutex_destroy(pipe.mutex);
    if (started && pipe.stopped) {
        return lw_fail(error, pipe.error.status, "%s", pipe.error.message);
    }
    return started;
}
