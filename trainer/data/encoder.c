// SPDX-License-Identifier: Apache-2.0
// Encoding batches of records on several threads. See encoder.h.
#include "trainer/data/encoder.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/hash.h"
#include "engine/base/stringbuf.h"
#include "engine/base/thread.h"
#include "engine/text/template.h"

// A batch is long enough that starting threads for it does not count, and small in memory.
enum { most_records = 4096, most_text = 8 << 20, most_threads = 64 };

struct slot {
    size_t offset, length; // of the text; length 0 for a fault of the cutter
    size_t first;          // of the example's tokens among its worker's
    const struct lw_record_format *format;
    struct lw_encoded encoded;
};

// Each worker takes every n-th slot; what it allocates it keeps for the next batch.
struct worker {
    struct batch *batch;
    unsigned number;
    struct lw_thread *thread;
    struct lw_conversation conversation;
    struct lw_turns turns;
    struct lw_example example;
    uint32_t *ids; // [count] of all its examples in this batch
    uint8_t *trained;
    size_t count, id_capacity, trained_capacity;
    struct lw_error error;
};

struct batch {
    struct lw_encoder *encoder;
    struct lw_string text;
    struct slot slots[most_records];
    size_t count;
    struct worker workers[most_threads];
};

struct lw_encoder {
    struct lw_encoder_params params;
    unsigned worker_count;
    struct batch batches[3]; // at any time one for each of the following
    struct batch *filling, *running, *done;
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
    for (unsigned i = 0; i < 3; i++) {
        struct batch *batch = &made->batches[i];
        batch->encoder = made;
        for (unsigned j = 0; j < made->worker_count; j++) {
            batch->workers[j].batch = batch;
            batch->workers[j].number = j;
        }
    }
    made->filling = &made->batches[0];
    made->running = &made->batches[1];
    made->done = &made->batches[2];
    *encoder = made;
    return true;
}

// Waits for the batch's threads.
static bool finish(struct batch *batch, struct lw_error *error)
{
    bool encoded = true;
    for (unsigned i = 0; i < batch->encoder->worker_count; i++) {
        struct worker *worker = &batch->workers[i];
        lw_thread_join(worker->thread);
        worker->thread = NULL;
        if (worker->error.status != LW_OK) {
            encoded = lw_fail(error, worker->error.status, "%s", worker->error.message);
        }
    }
    return encoded;
}

void lw_encoder_destroy(struct lw_encoder **encoder)
{
    struct lw_encoder *gone = *encoder;
    if (!gone) {
        return;
    }
    finish(gone->running, NULL);
    for (unsigned i = 0; i < 3; i++) {
        struct batch *batch = &gone->batches[i];
        for (unsigned j = 0; j < gone->worker_count; j++) {
            struct worker *worker = &batch->workers[j];
            lw_conversation_clear(&worker->conversation);
            lw_turns_free(&worker->turns);
            lw_example_free(&worker->example);
            lw_free(worker->ids);
            lw_free(worker->trained);
        }
        lw_string_free(&batch->text);
    }
    lw_free(gone);
    *encoder = NULL;
}

bool lw_encoder_is_full(const struct lw_encoder *encoder)
{
    const struct batch *batch = encoder->filling;
    return batch->count == most_records || batch->text.length >= most_text;
}

bool lw_encoder_add(struct lw_encoder *encoder, const struct lw_cut *cut,
    const struct lw_record_format *format, struct lw_error *error)
{
    struct batch *batch = encoder->filling;
    struct slot *slot = &batch->slots[batch->count];
    struct lw_record_fault *fault = &slot->encoded.fault;
    slot->encoded = (struct lw_encoded){.line = cut->line};
    slot->offset = batch->text.length;
    slot->length = 0;
    slot->format = format;
    if (cut->kind == LW_CUT_FAULT) {
        lw_record_fault_set(fault, cut->reason);
    } else {
        slot->length = cut->length;
        // With the zero byte that the parser wants after each text.
        if (!lw_string_add(&batch->text, cut->text, cut->length + 1, error)) {
            return false;
        }
    }
    batch->count++;
    return true;
}

// So that the same words under other roles, or cut into messages elsewhere, give another hash.
static uint64_t hash_conversation(const struct lw_conversation *conversation)
{
    struct lw_hash hash;
    lw_hash_start(&hash, 0);
    const char *heads[] = {conversation->system, conversation->tools};
    for (int i = 0; i < 2; i++) {
        uint64_t length = heads[i] ? strlen(heads[i]) : UINT64_MAX;
        lw_hash_add(&hash, &length, sizeof length);
        if (heads[i]) {
            lw_hash_add(&hash, heads[i], (size_t)length);
        }
    }
    for (size_t i = 0; i < conversation->count; i++) {
        const struct lw_message *message = &conversation->messages[i];
        uint64_t head[] = {(uint64_t)message->role, message->length};
        lw_hash_add(&hash, head, sizeof head);
        lw_hash_add(&hash, message->text, message->length);
    }
    return lw_hash_value(&hash);
}

static bool keep_example(struct worker *worker, struct slot *slot)
{
    const struct lw_example *example = &worker->example;
    size_t needed = worker->count + example->count;
    if (!lw_reserve(
            &worker->ids, &worker->id_capacity, needed, sizeof *worker->ids, &worker->error) ||
        !lw_reserve(&worker->trained, &worker->trained_capacity, needed, 1, &worker->error)) {
        return false;
    }
    if (example->count) {
        memcpy(worker->ids + worker->count, example->ids, example->count * sizeof *example->ids);
        memcpy(worker->trained + worker->count, example->trained, example->count);
    }
    slot->first = worker->count;
    worker->count = needed;
    slot->encoded.view.count = example->count;
    slot->encoded.trained_count = example->trained_count;
    slot->encoded.truncated = example->truncated;
    slot->encoded.stop_cut = example->stop_cut;
    return true;
}

static bool encode(struct worker *worker, struct slot *slot)
{
    const struct lw_encoder_params *params = &worker->batch->encoder->params;
    struct lw_encoded *encoded = &slot->encoded;
    const char *text = worker->batch->text.data + slot->offset;
    if (!lw_record_parse(text, slot->length, slot->format, &worker->conversation, &encoded->fault,
            &worker->error)) {
        return false;
    }
    if (encoded->fault.reason[0]) {
        encoded->line = lw_record_fault_line(text, encoded->line, &encoded->fault);
        return true;
    }
    encoded->conversation = hash_conversation(&worker->conversation);
    if (!params->tokenizer) {
        return true;
    }
    struct lw_error error = {0};
    if (!lw_template_encode(params->chat_template, params->tokenizer, &worker->conversation,
            &params->options, &worker->turns, &error)) {
        if (error.status != LW_BAD_INPUT) {
            worker->error = error;
            return false;
        }
        lw_record_fault_set(&encoded->fault, error.message);
        return true;
    }
    return lw_example_build(&worker->turns, &params->mask, &worker->example, &worker->error) &&
           keep_example(worker, slot);
}

static void run_worker(void *context)
{
    struct worker *worker = context;
    struct batch *batch = worker->batch;
    unsigned step = batch->encoder->worker_count;
    for (size_t i = worker->number; i < batch->count; i += step) {
        if (batch->slots[i].length && !encode(worker, &batch->slots[i])) {
            return;
        }
    }
    // The tokens stay where they are from here on.
    for (size_t i = worker->number; i < batch->count; i += step) {
        struct slot *slot = &batch->slots[i];
        slot->encoded.view.ids = worker->ids + slot->first;
        slot->encoded.view.trained = worker->trained + slot->first;
    }
}

static bool start(struct batch *batch, struct lw_error *error)
{
    for (unsigned i = 0; i < batch->encoder->worker_count && batch->count; i++) {
        struct worker *worker = &batch->workers[i];
        worker->count = 0;
        if (!lw_thread_create(&worker->thread, run_worker, worker, error)) {
            return false;
        }
    }
    return true;
}

bool lw_encoder_run(struct lw_encoder *encoder, struct lw_error *error)
{
    struct batch *finished = encoder->running, *empty = encoder->done;
    bool encoded = finish(finished, error);
    empty->count = 0;
    lw_string_clear(&empty->text);
    encoder->done = finished;
    encoder->running = encoder->filling;
    encoder->filling = empty;
    return encoded && start(encoder->running, error);
}

size_t lw_encoder_count(const struct lw_encoder *encoder)
{
    return encoder->done->count;
}

const struct lw_encoded *lw_encoder_result(const struct lw_encoder *encoder, size_t index)
{
    return &encoder->done->slots[index].encoded;
}
