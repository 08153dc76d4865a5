// SPDX-License-Identifier: Apache-2.0
// Encoding batches of records on several threads. See encoder.h.
#include "trainer/encoder.h"

#include <stdio.h>

#include "engine/base/alloc.h"
#include "engine/base/stringbuf.h"
#include "engine/base/thread.h"
#include "engine/text/template.h"

// A batch is long enough that starting threads for it does not count, and small in memory.
enum { most_records = 4096, most_text = 8 << 20, most_threads = 64 };

struct slot {
    size_t offset, length; // of the text; length 0 for a fault of the cutter
    struct lw_encoded encoded;
};

// Each worker takes every n-th slot; what it allocates it keeps for the next batch.
struct worker {
    struct lw_encoder *encoder;
    unsigned number;
    struct lw_thread *thread;
    struct lw_conversation conversation;
    struct lw_turns turns;
    struct lw_error error;
};

struct lw_encoder {
    struct lw_encoder_params params;
    struct lw_string text;
    struct slot slots[most_records];
    size_t count;
    struct worker workers[most_threads];
    unsigned worker_count;
};

bool lw_encoder_create(
    struct lw_encoder **encoder, const struct lw_encoder_params *params, struct lw_error *error)
{
    struct lw_encoder *made = lw_calloc(1, sizeof *made, error);
    if (!made) {
        return false;
    }
    unsigned wanted = params->threads ? params->threads : lw_thread_core_count();
    made->params = *params;
    made->worker_count = wanted < most_threads ? wanted : most_threads;
    for (unsigned i = 0; i < made->worker_count; i++) {
        made->workers[i].encoder = made;
        made->workers[i].number = i;
    }
    *encoder = made;
    return true;
}

void lw_encoder_destroy(struct lw_encoder **encoder)
{
    struct lw_encoder *gone = *encoder;
    if (!gone) {
        return;
    }
    for (size_t i = 0; i < most_records; i++) {
        lw_example_free(&gone->slots[i].encoded.example);
    }
    for (unsigned i = 0; i < gone->worker_count; i++) {
        lw_conversation_clear(&gone->workers[i].conversation);
        lw_turns_free(&gone->workers[i].turns);
    }
    lw_string_free(&gone->text);
    lw_free(gone);
    *encoder = NULL;
}

bool lw_encoder_is_full(const struct lw_encoder *encoder)
{
    return encoder->count == most_records || encoder->text.length >= most_text;
}

bool lw_encoder_add(struct lw_encoder *encoder, const struct lw_cut *cut, struct lw_error *error)
{
    struct slot *slot = &encoder->slots[encoder->count];
    struct lw_record_fault *fault = &slot->encoded.fault;
    *fault = (struct lw_record_fault){0};
    slot->encoded.line = cut->line;
    slot->offset = encoder->text.length;
    slot->length = 0;
    if (cut->kind == LW_CUT_FAULT) {
        snprintf(fault->reason, sizeof fault->reason, "%s", cut->reason);
    } else {
        slot->length = cut->length;
        // With the zero byte that the parser wants after each text.
        if (!lw_string_add(&encoder->text, cut->text, cut->length + 1, error)) {
            return false;
        }
    }
    encoder->count++;
    return true;
}

static bool encode(struct worker *worker, struct slot *slot)
{
    const struct lw_encoder_params *params = &worker->encoder->params;
    struct lw_encoded *encoded = &slot->encoded;
    const char *text = worker->encoder->text.data + slot->offset;
    if (!lw_record_parse(
            text, slot->length, &worker->conversation, &encoded->fault, &worker->error)) {
        return false;
    }
    if (encoded->fault.reason[0]) {
        encoded->line = lw_record_fault_line(text, encoded->line, &encoded->fault);
        return true;
    }
    if (!params->tokenizer) {
        return true;
    }
    struct lw_error error = {0};
    if (!lw_template_encode(params->chat_template, params->tokenizer, &worker->conversation,
            &worker->turns, &error)) {
        if (error.status != LW_BAD_INPUT) {
            worker->error = error;
            return false;
        }
        snprintf(encoded->fault.reason, sizeof encoded->fault.reason, "%.239s", error.message);
        return true;
    }
    return lw_example_build(&worker->turns, &params->mask, &encoded->example, &worker->error);
}

static void run_worker(void *context)
{
    struct worker *worker = context;
    struct lw_encoder *encoder = worker->encoder;
    for (size_t i = worker->number; i < encoder->count; i += encoder->worker_count) {
        if (encoder->slots[i].length && !encode(worker, &encoder->slots[i])) {
            return;
        }
    }
}

bool lw_encoder_run(struct lw_encoder *encoder, struct lw_error *error)
{
    bool started = true;
    for (unsigned i = 1; i < encoder->worker_count && started; i++) {
        struct worker *worker = &encoder->workers[i];
        started = lw_thread_create(&worker->thread, run_worker, worker, error);
    }
    if (started) {
        run_worker(&encoder->workers[0]);
    }
    bool encoded = started;
    for (unsigned i = 0; i < encoder->worker_count; i++) {
        struct worker *worker = &encoder->workers[i];
        lw_thread_join(worker->thread);
        worker->thread = NULL;
        if (worker->error.status != LW_OK) {
            encoded = lw_fail(error, worker->error.status, "%s", worker->error.message);
        }
    }
    return encoded;
}

size_t lw_encoder_count(const struct lw_encoder *encoder)
{
    return encoder->count;
}

const struct lw_encoded *lw_encoder_result(const struct lw_encoder *encoder, size_t index)
{
    return &encoder->slots[index].encoded;
}

void lw_encoder_clear(struct lw_encoder *encoder)
{
    encoder->count = 0;
    lw_string_clear(&encoder->text);
}
