// SPDX-License-Identifier: Apache-2.0
// From files to a file of tokens. See token_build.h.
#include "trainer/data/token_build.h"

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/stringbuf.h"
#include "trainer/data/records.h"
#include "trainer/data/token_key.h"
#include "trainer/data/token_writer.h"

struct build {
    const struct lw_token_store *store;
    const struct lw_token_job *job;
    struct lw_encoder *encoder;
    struct lw_token_writer *writer;
    struct lw_records *records; // of the file being read
    uint32_t file;              // its number
    uint64_t rows;
    double started;
    struct lw_store_event progress;
    uint64_t bytes_before; // of the files before this one
};

bool lw_fail_keeping(const struct lw_token_store *store, struct lw_error *error)
{
    return lw_fail_in(error,
        "keeping the encoded data in %s (--cache DIR or tokenized_path chooses another folder)",
        store->folder);
}

bool lw_fail_bad_record(struct lw_error *error, const char *path, uint64_t line, const char *reason)
{
    return lw_fail(error, LW_BAD_INPUT,
        "%s, line %llu: %s. Mend the record, or leave such records out with "
        "on_bad_record: skip; `lewin data check` lists all of them",
        path, (unsigned long long)line, reason);
}

static bool wants_more(const struct build *build)
{
    return !build->job->most_rows || build->rows < build->job->most_rows;
}

static bool take(struct build *build, const struct lw_encoded *encoded, struct lw_error *error)
{
    const struct lw_token_job *job = build->job;
    build->progress.records++;
    if (encoded->fault.reason[0]) {
        const struct lw_token_fault fault = {
            encoded->line, build->file, encoded->fault.is_row, encoded->fault.reason};
        build->rows += fault.is_row;
        return job->stop_at_bad
                   ? lw_fail_bad_record(error, job->paths[build->file], fault.line, fault.reason)
                   : lw_token_writer_add_fault(build->writer, &fault, error) ||
                         lw_fail_keeping(build->store, error);
    }
    const struct lw_token_row row = {.conversation = encoded->conversation,
        .line = encoded->line,
        .file = build->file,
        .count = (uint32_t)encoded->view.count,
        .trained = (uint32_t)encoded->trained_count,
        .flags = (encoded->truncated ? LW_ROW_TRUNCATED : 0u) |
                 (encoded->stop_cut ? LW_ROW_STOP_CUT : 0u)};
    build->rows++;
    return lw_token_writer_add(
               build->writer, &row, encoded->view.ids, encoded->view.trained, error) ||
           lw_fail_keeping(build->store, error);
}

static void report(struct build *build, enum lw_store_event_kind kind)
{
    build->progress.kind = kind;
    build->progress.seconds = lw_clock_seconds() - build->started;
    if (build->records) {
        build->progress.bytes = build->bytes_before + lw_records_consumed(build->records);
    }
    if (build->store->event) {
        build->store->event(build->store->context, &build->progress);
    }
}

// Lets the encoder begin with what it holds and writes what it has finished.
static bool take_batch(struct build *build, struct lw_error *error)
{
    if (!lw_encoder_run(build->encoder, error)) {
        return false;
    }
    size_t count = lw_encoder_count(build->encoder);
    for (size_t i = 0; i < count && wants_more(build); i++) {
        if (!take(build, lw_encoder_result(build->encoder, i), error)) {
            return false;
        }
    }
    report(build, LW_STORE_ENCODING);
    return !build->store->stopping || !build->store->stopping() ||
           lw_fail(error, LW_INTERRUPTED,
               "stopped while the data was encoded, of which nothing is kept");
}

static bool take_records(struct build *build, struct lw_error *error)
{
    struct lw_cut cut = {0};
    while (wants_more(build)) {
        if (!lw_records_cut(build->records, &cut, error)) {
            return false;
        }
        if (cut.kind == LW_CUT_END) {
            break;
        }
        if (!lw_encoder_add(build->encoder, &cut, &build->job->format, error) ||
            (lw_encoder_is_full(build->encoder) && !take_batch(build, error))) {
            return false;
        }
    }
    // The batch that is being filled, and the one that is being encoded.
    bool taken = true;
    for (int i = 0; taken && i < 2; i++) {
        taken = take_batch(build, error);
    }
    return taken;
}

static bool take_file(struct build *build, struct lw_string *key, struct lw_error *error)
{
    uint64_t hash = 0, size = 0;
    const struct lw_encoder_params *params = &build->job->encoder;
    bool done = lw_records_open(&build->records, build->job->paths[build->file], error) &&
                lw_encoder_create(&build->encoder, params, error) && take_records(build, error) &&
                lw_records_finish(build->records, &hash, error);
    if (done) {
        size = lw_records_consumed(build->records);
        done = lw_token_key_file(key, size, hash, error);
    }
    lw_encoder_destroy(&build->encoder);
    lw_records_close(&build->records);
    build->bytes_before += size;
    return done;
}

static bool add_sizes(struct build *build, struct lw_error *error)
{
    for (size_t i = 0; i < build->job->path_count; i++) {
        struct lw_file_stamp stamp;
        if (!lw_file_stamp(build->job->paths[i], &stamp, error)) {
            return false;
        }
        build->progress.total_bytes += stamp.is_regular ? stamp.size : 0;
    }
    return true;
}

bool lw_token_build(const char *path, const struct lw_token_store *store,
    const struct lw_token_job *job, struct lw_string *key, struct lw_error *error)
{
    struct build build = {.store = store,
        .job = job,
        .started = lw_clock_seconds(),
        .progress = {.name = job->name, .path = store->folder}};
    bool done = add_sizes(&build, error) &&
                (lw_token_writer_open(&build.writer, path, error) || lw_fail_keeping(store, error));
    for (; done && build.file < job->path_count; build.file++) {
        done = take_file(&build, key, error);
    }
    done = done && (lw_token_writer_finish(build.writer, lw_string_text(key), error) ||
                       lw_fail_keeping(store, error));
    lw_token_writer_close(build.writer);
    if (done) {
        report(&build, LW_STORE_ENCODED);
    }
    return done;
}
