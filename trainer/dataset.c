// SPDX-License-Identifier: Apache-2.0
// The training set in memory. See dataset.h. Ids lie one example after another in one array, labels
// beside them; a row is where an example begins.
#include "trainer/dataset.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/hash.h"
#include "trainer/encoder.h"
#include "trainer/order.h"
#include "trainer/records.h"
#include "trainer/selection.h"

// A row of the files. One with no tokens was bad or left out; it is kept until the split is drawn,
// which counts it as LLaMA-Factory's does.
struct row {
    uint64_t offset, count;
};

struct lw_dataset {
    uint32_t *ids;
    uint8_t *trained;
    size_t token_count, id_capacity, trained_capacity;
    struct row *rows;
    size_t row_count, row_capacity;
    struct lw_selection selection;
    size_t train_count;
    uint32_t *order; // [train_count] of the epoch below
    uint64_t order_epoch, order_seed;
    bool keep_order, has_order;
    uint64_t fingerprint;
    struct lw_dataset_counts counts;
};

// A source being loaded.
struct loading {
    struct lw_dataset *dataset;
    const struct lw_dataset_params *params;
    struct lw_encoder *encoder;
    const struct lw_source *source;
    const char *path; // the file that is read now
    uint64_t samples; // rows taken from the source
};

static bool add_row(struct lw_dataset *dataset, const struct lw_example_view *example, bool kept,
    struct lw_error *error)
{
    size_t count = kept ? example->count : 0, needed = dataset->token_count + count;
    if (!lw_reserve(&dataset->rows, &dataset->row_capacity, dataset->row_count + 1,
            sizeof *dataset->rows, error) ||
        !lw_reserve(&dataset->ids, &dataset->id_capacity, needed, sizeof *dataset->ids, error) ||
        !lw_reserve(&dataset->trained, &dataset->trained_capacity, needed, 1, error)) {
        return false;
    }
    if (count) {
        memcpy(dataset->ids + dataset->token_count, example->ids, count * sizeof *example->ids);
        memcpy(dataset->trained + dataset->token_count, example->trained, count);
    }
    dataset->rows[dataset->row_count++] = (struct row){dataset->token_count, count};
    dataset->token_count = needed;
    return true;
}

static void count_example(struct lw_dataset_counts *counts, const struct lw_encoded *encoded)
{
    size_t count = encoded->view.count;
    counts->truncated += encoded->truncated;
    counts->stop_cut += encoded->stop_cut;
    counts->untrained += encoded->trained_count == 0;
    counts->tokens += count;
    counts->labels += encoded->trained_count;
    counts->longest = count > counts->longest ? count : counts->longest;
}

static bool take_bad(
    struct loading *loading, const struct lw_encoded *encoded, struct lw_error *error)
{
    const struct lw_dataset_params *params = loading->params;
    struct lw_bad_record bad = {loading->path, encoded->line, encoded->fault.reason};
    loading->dataset->counts.bad++;
    if (params->bad_record) {
        params->bad_record(params->context, &bad);
    }
    if (params->on_bad_record == LW_BAD_RECORD_STOP) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s, line %llu: %s. Mend the record, or leave such records out with "
            "on_bad_record: skip; `lewin data check` lists all of them",
            bad.file, (unsigned long long)bad.line, bad.reason);
    }
    if (!encoded->fault.is_row) {
        return true;
    }
    loading->samples++;
    return add_row(loading->dataset, NULL, false, error);
}

static bool take_result(
    struct loading *loading, const struct lw_encoded *encoded, struct lw_error *error)
{
    struct lw_dataset *dataset = loading->dataset;
    dataset->counts.records++;
    if (encoded->fault.reason[0]) {
        return take_bad(loading, encoded, error);
    }
    bool kept = encoded->view.count && !(loading->params->drop_long && encoded->truncated);
    loading->samples++;
    dataset->counts.dropped += !kept;
    if (kept) {
        count_example(&dataset->counts, encoded);
    }
    return add_row(dataset, &encoded->view, kept, error);
}

static bool wants_more(const struct loading *loading)
{
    uint64_t most = loading->params->max_samples;
    return !most || loading->source->num_samples || loading->samples < most;
}

// Lets the encoder begin with what it holds and takes over what it has finished.
static bool take_batch(struct loading *loading, struct lw_error *error)
{
    if (!lw_encoder_run(loading->encoder, error)) {
        return false;
    }
    size_t count = lw_encoder_count(loading->encoder);
    for (size_t i = 0; i < count && wants_more(loading); i++) {
        if (!take_result(loading, lw_encoder_result(loading->encoder, i), error)) {
            return false;
        }
    }
    return true;
}

static bool load_file(struct loading *loading, struct lw_error *error)
{
    struct lw_records *records = NULL;
    bool loaded = lw_records_open(&records, loading->path, error);
    struct lw_cut cut = {0};
    while (loaded && cut.kind != LW_CUT_END && wants_more(loading)) {
        loaded = lw_records_cut(records, &cut, error);
        if (loaded && cut.kind != LW_CUT_END) {
            loaded = lw_encoder_add(loading->encoder, &cut, &loading->source->format, error);
        }
        if (loaded && lw_encoder_is_full(loading->encoder)) {
            loaded = take_batch(loading, error);
        }
    }
    // The batch that is being filled, and the one that is being encoded.
    loaded = loaded && take_batch(loading, error) && take_batch(loading, error);
    lw_records_close(&records);
    return loaded;
}

static bool load_source(struct loading *loading, struct lw_error *error)
{
    bool loaded = true;
    loading->samples = 0;
    for (size_t i = 0; loaded && i < loading->source->path_count; i++) {
        loading->path = loading->source->paths[i];
        loaded = load_file(loading, error);
    }
    return loaded;
}

// Loads all sources, those to train on first, and counts their rows in `counted`.
static bool load_sources(struct lw_dataset *dataset, const struct lw_dataset_params *params,
    struct lw_mixture_source *counted, struct lw_error *error)
{
    struct loading loading = {.dataset = dataset, .params = params};
    struct lw_encoder_params encoder_params = {
        params->tokenizer, params->chat_template, params->options, params->mask, params->threads};
    bool loaded = lw_encoder_create(&loading.encoder, &encoder_params, error);
    for (size_t i = 0; loaded && i < params->source_count + params->held_out_source_count; i++) {
        loading.source = i < params->source_count
                             ? &params->sources[i]
                             : &params->held_out_sources[i - params->source_count];
        loaded = load_source(&loading, error);
        counted[i] = (struct lw_mixture_source){
            loading.source->name, loading.samples, loading.source->num_samples};
    }
    lw_encoder_destroy(&loading.encoder);
    return loaded;
}

static bool check_content(const struct lw_dataset *dataset, const struct lw_dataset_params *params,
    struct lw_error *error)
{
    const struct lw_dataset_counts *counts = &dataset->counts;
    const char *first = params->source_count ? params->sources[0].name : "(no data)";
    const char *more = params->source_count > 1 ? " and the other data sets" : "";
    if (counts->records == counts->bad + counts->dropped) {
        return lw_fail(error, LW_BAD_INPUT,
            "there is nothing to train on in %s%s: %llu records, of which %llu are bad and %llu "
            "too long",
            first, more, (unsigned long long)counts->records, (unsigned long long)counts->bad,
            (unsigned long long)counts->dropped);
    }
    if (counts->labels == 0) {
        return lw_fail(error, LW_BAD_INPUT,
            "no token of %s%s would be trained on; raise cutoff_len, which cuts off every response",
            first, more);
    }
    return true;
}

// Draws which rows are trained on over all rows, then leaves out the empty ones.
static bool select_rows(struct lw_dataset *dataset, const struct lw_dataset_params *params,
    const struct lw_mixture_source *sources, struct lw_error *error)
{
    struct lw_selection_params selection_params = {.sources = sources,
        .source_count = params->source_count + params->held_out_source_count,
        .held_out_sources = params->held_out_source_count,
        .strategy = params->mix_strategy,
        .probabilities = params->probabilities,
        .max_samples = params->max_samples,
        .val_size = params->val_size,
        .seed = params->split_seed};
    struct lw_selection *selection = &dataset->selection;
    if (!lw_selection_make(selection, &selection_params, error)) {
        return false;
    }
    size_t kept = 0, held_out = 0;
    for (size_t i = 0; i < selection->count; i++) {
        if (dataset->rows[selection->rows[i]].count) {
            held_out += i < selection->held_out_count;
            selection->rows[kept++] = selection->rows[i];
        }
    }
    selection->held_out_count = held_out;
    selection->count = kept;
    dataset->train_count = kept - held_out;
    if (dataset->train_count == 0) {
        return lw_fail(error, LW_BAD_INPUT,
            "of %zu examples none is left to train on; lower val_size (%g), or mend the records",
            kept, params->val_size);
    }
    return true;
}

static void hash_content(struct lw_dataset *dataset)
{
    struct lw_hash hash;
    uint64_t figures[] = {dataset->row_count, dataset->selection.held_out_count,
        dataset->train_count, dataset->order_seed, dataset->keep_order};
    lw_hash_start(&hash, 0);
    lw_hash_add(&hash, figures, sizeof figures);
    lw_hash_add(&hash, dataset->ids, dataset->token_count * sizeof *dataset->ids);
    lw_hash_add(&hash, dataset->trained, dataset->token_count);
    lw_hash_add(&hash, dataset->rows, dataset->row_count * sizeof *dataset->rows);
    lw_hash_add(
        &hash, dataset->selection.rows, dataset->selection.count * sizeof *dataset->selection.rows);
    dataset->fingerprint = lw_hash_value(&hash);
}

bool lw_dataset_load(
    struct lw_dataset **dataset, const struct lw_dataset_params *params, struct lw_error *error)
{
    struct lw_mixture_source *counted =
        lw_calloc(params->source_count + params->held_out_source_count, sizeof *counted, error);
    struct lw_dataset *made = counted ? lw_calloc(1, sizeof *made, error) : NULL;
    if (!made || !load_sources(made, params, counted, error) ||
        !check_content(made, params, error) || !select_rows(made, params, counted, error)) {
        goto error;
    }
    made->order = lw_calloc(made->train_count, sizeof *made->order, error);
    if (!made->order) {
        goto error;
    }
    made->order_seed = params->order_seed;
    made->keep_order = params->keep_order;
    hash_content(made);
    lw_free(counted);
    *dataset = made;
    return true;
error:
    lw_free(counted);
    lw_dataset_destroy(&made);
    return false;
}

void lw_dataset_destroy(struct lw_dataset **dataset)
{
    if (*dataset) {
        lw_free((*dataset)->ids);
        lw_free((*dataset)->trained);
        lw_free((*dataset)->rows);
        lw_selection_free(&(*dataset)->selection);
        lw_free((*dataset)->order);
        lw_free(*dataset);
        *dataset = NULL;
    }
}

const struct lw_dataset_counts *lw_dataset_counts(const struct lw_dataset *dataset)
{
    return &dataset->counts;
}

uint64_t lw_dataset_fingerprint(const struct lw_dataset *dataset)
{
    return dataset->fingerprint;
}

size_t lw_dataset_train_count(const struct lw_dataset *dataset)
{
    return dataset->train_count;
}

size_t lw_dataset_held_out_count(const struct lw_dataset *dataset)
{
    return dataset->selection.held_out_count;
}

static struct lw_example_view view_of(const struct lw_dataset *dataset, size_t place)
{
    const struct row *row = &dataset->rows[dataset->selection.rows[place]];
    return (struct lw_example_view){
        dataset->ids + row->offset, dataset->trained + row->offset, (size_t)row->count};
}

static void order_epoch(struct lw_dataset *dataset, uint64_t epoch)
{
    if (dataset->has_order && dataset->order_epoch == epoch) {
        return;
    }
    lw_order_shuffle(dataset->order_seed + epoch, dataset->order, dataset->train_count);
    dataset->order_epoch = epoch;
    dataset->has_order = true;
}

size_t lw_dataset_step(struct lw_dataset *dataset, uint64_t epoch, uint64_t step,
    size_t global_batch, struct lw_example_view *views)
{
    uint64_t first = step * global_batch;
    size_t count = 0;
    order_epoch(dataset, epoch);
    while (count < global_batch && first + count < dataset->train_count) {
        size_t place = (size_t)first + count;
        place = dataset->keep_order ? place : dataset->order[place];
        views[count++] = view_of(dataset, dataset->selection.held_out_count + place);
    }
    return count;
}

struct lw_example_view lw_dataset_held_out(const struct lw_dataset *dataset, size_t index)
{
    return view_of(dataset, index);
}
