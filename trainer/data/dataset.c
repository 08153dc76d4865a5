// SPDX-License-Identifier: Apache-2.0
// The training set. See dataset.h. Rows are numbered through over all sources, those of bad records
// too: they are there until the held-out part is drawn, which counts them as LLaMA-Factory's does.
#include "trainer/data/dataset.h"

#include "engine/base/alloc.h"
#include "engine/base/hash.h"
#include "trainer/data/knapsack.h"
#include "trainer/data/order.h"
#include "trainer/data/selection.h"
#include "trainer/data/token_store.h"

// What an example may bring into memory besides itself: the system maps the neighbours of a page that
// is looked at, 64 KiB of them on Linux, where a row is, and where its example begins and ends.
#define MAPPED_AROUND ((uint64_t)3 << 16)
#define MOST_MAPPED ((uint64_t)64 << 20)

// A source's rows, and the number of the first of them.
struct part {
    const struct lw_source *source;
    struct lw_token_cache *cache;
    uint64_t first;
    uint64_t rows, examples; // see struct lw_dataset_share
};

struct lw_dataset {
    struct part *parts; // [part_count]
    size_t part_count;
    uint64_t mapped;               // bytes of the caches that may be in memory
    size_t row_count;              // of all sources
    struct lw_selection selection; // of those rows
    struct lw_packs packs;         // of examples, by their place in the selection; or none
    bool packed;
    size_t most_members; // of a pack
    // Of examples, or of packs where there are any: held out first, then to train on.
    size_t held_out_count, train_count;
    uint32_t *order; // [train_count] of the epoch below
    uint64_t order_epoch, order_seed;
    bool keep_order, has_order, drop_long;
    uint64_t fingerprint;
    struct lw_dataset_counts counts;
};

// Lets go of what was mapped, when that is much.
static void limit_mapped(struct lw_dataset *dataset, uint64_t more)
{
    dataset->mapped += more;
    if (dataset->mapped > MOST_MAPPED) {
        for (size_t i = 0; i < dataset->part_count; i++) {
            lw_token_cache_release(dataset->parts[i].cache);
        }
        dataset->mapped = more;
    }
}

// The row of that number and the source that it is in.
static const struct lw_token_row *find_row(
    const struct lw_dataset *dataset, uint32_t number, struct part **part)
{
    size_t low = 0, high = dataset->part_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        low = dataset->parts[middle].first <= number ? middle : low;
        high = low == middle ? high : middle;
    }
    *part = &dataset->parts[low];
    return lw_token_cache_row((*part)->cache, number - (*part)->first);
}

// Whether the row is an example of the run.
static bool is_used(const struct lw_dataset *dataset, const struct lw_token_row *row)
{
    return row->count && !(dataset->drop_long && (row->flags & LW_ROW_TRUNCATED));
}

// --- the sources ----------------------------------------------------------------------------------

static struct lw_bad_record bad_record(const struct part *part, const struct lw_token_fault *fault)
{
    return (struct lw_bad_record){
        lw_source_path(part->source, fault->file), fault->line, fault->reason};
}

// Tells of a source's bad records, or stops at the first.
static bool take_faults(struct lw_dataset *dataset, const struct lw_dataset_params *params,
    const struct part *part, struct lw_error *error)
{
    struct lw_token_position position = {0};
    struct lw_token_fault fault;
    while (lw_token_cache_next_fault(part->cache, &position, &fault)) {
        const struct lw_bad_record bad = bad_record(part, &fault);
        dataset->counts.bad++;
        if (params->on_bad_record == LW_BAD_RECORD_STOP) {
            return lw_fail_bad_record(error, bad.file, bad.line, bad.reason);
        }
        if (params->bad_record) {
            params->bad_record(params->context, &bad);
        }
    }
    return true;
}

static bool load_source(struct lw_dataset *dataset, const struct lw_dataset_params *params,
    struct part *part, struct lw_error *error)
{
    const struct lw_source *source = part->source;
    const struct lw_token_job job = {.name = source->name,
        .paths = (const char *const *)source->paths,
        .path_count = source->path_count,
        // Where rows are drawn from the whole source, all of them are wanted.
        .most_rows = source->num_samples ? 0 : params->max_samples,
        .format = source->format,
        .encoder = {params->tokenizer, params->chat_template, params->options, params->mask,
            params->threads},
        .model_folder = params->model_folder,
        .stop_at_bad = params->on_bad_record == LW_BAD_RECORD_STOP};
    if (!lw_token_store_get(&part->cache, params->store, &job, error)) {
        return false;
    }
    const struct lw_token_counts *counts = lw_token_cache_counts(part->cache);
    part->first = dataset->row_count;
    dataset->part_count++;
    dataset->counts.records += counts->records;
    dataset->row_count += (size_t)counts->rows;
    return take_faults(dataset, params, part, error);
}

// Loads all sources, those to train on first, and counts their rows in `counted`.
static bool load_sources(struct lw_dataset *dataset, const struct lw_dataset_params *params,
    struct lw_mixture_source *counted, struct lw_error *error)
{
    size_t count = params->source_count + params->held_out_source_count;
    dataset->parts = lw_calloc(count, sizeof *dataset->parts, error);
    bool loaded = dataset->parts != NULL;
    for (size_t i = 0; loaded && i < count; i++) {
        struct part *part = &dataset->parts[i];
        part->source = i < params->source_count
                           ? &params->sources[i]
                           : &params->held_out_sources[i - params->source_count];
        loaded = load_source(dataset, params, part, error);
        part->rows = dataset->row_count - part->first;
        counted[i] =
            (struct lw_mixture_source){part->source->name, part->rows, part->source->num_samples};
    }
    return loaded;
}

static void count_row(struct lw_dataset_counts *counts, const struct lw_token_row *row, bool used)
{
    counts->dropped += !used && !(row->flags & LW_ROW_BAD);
    if (used) {
        counts->truncated += (row->flags & LW_ROW_TRUNCATED) != 0;
        counts->stop_cut += (row->flags & LW_ROW_STOP_CUT) != 0;
        counts->untrained += row->trained == 0;
        counts->tokens += row->count;
        counts->labels += row->trained;
        counts->longest = row->count > counts->longest ? row->count : counts->longest;
    }
}

// Rows of the selection that are gone through together.
struct window {
    size_t begin, end;
    uint32_t *places, *lengths; // [end - begin] of the examples among them; of packs alone
};

// Moves the window's rows that are examples down to place `kept`, counts them, as often as they were
// drawn, and packs them.
static bool keep_rows(struct lw_dataset *dataset, const struct lw_dataset_params *params,
    const struct window *window, size_t *kept, struct lw_error *error)
{
    struct lw_selection *selection = &dataset->selection;
    size_t count = 0;
    for (size_t i = window->begin; i < window->end; i++) {
        struct part *part;
        const struct lw_token_row *row = find_row(dataset, selection->rows[i], &part);
        bool used = is_used(dataset, row);
        count_row(&dataset->counts, row, used);
        part->examples += used;
        if (used && row->count > params->mask.cutoff_len) {
            return lw_fail(error, LW_BAD_INPUT,
                "the encoded data holds an example of %u tokens, more than cutoff_len: its file "
                "was "
                "tampered with; overwrite_cache: true makes it anew",
                row->count);
        }
        if (used) {
            if (dataset->packed) {
                window->places[count] = (uint32_t)*kept;
                window->lengths[count++] = (uint32_t)row->count;
            }
            selection->rows[(*kept)++] = selection->rows[i];
        }
        limit_mapped(dataset, MAPPED_AROUND / 3);
    }
    return !dataset->packed || lw_packs_add(&dataset->packs, window->places, window->lengths, count,
                                   params->pack_tokens, error);
}

// The rows from `begin` to `end` of the selection, as many at a time as are packed together.
static bool keep_part(struct lw_dataset *dataset, const struct lw_dataset_params *params,
    size_t begin, size_t end, size_t *kept, struct lw_error *error)
{
    size_t rows = end - begin, batch = dataset->packed ? params->pack_batch : rows;
    size_t most = !dataset->packed || !rows ? 1 : batch < rows ? batch : rows;
    uint32_t *memory = lw_calloc(most, 2 * sizeof *memory, error);
    bool done = memory != NULL;
    for (size_t first = 0; first < rows && done;) {
        size_t last = lw_packs_batch_end(rows, params->pack_workers, batch, first);
        const struct window window = {begin + first, begin + last, memory, memory + most};
        done = keep_rows(dataset, params, &window, kept, error);
        first = last;
    }
    lw_free(memory);
    return done;
}

static size_t largest_pack(const struct lw_packs *packs)
{
    size_t largest = 1, count;
    for (size_t i = 0; i < packs->count; i++) {
        (void)lw_packs_at(packs, i, &count);
        largest = count > largest ? count : largest;
    }
    return largest;
}

// Draws which rows are trained on over all rows, then leaves out those that are no examples.
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
    size_t kept = 0, border = selection->held_out_count;
    if (!keep_part(dataset, params, 0, border, &kept, error)) {
        return false;
    }
    dataset->held_out_count = dataset->packed ? dataset->packs.count : kept;
    if (!keep_part(dataset, params, border, selection->count, &kept, error)) {
        return false;
    }
    dataset->train_count =
        (dataset->packed ? dataset->packs.count : kept) - dataset->held_out_count;
    dataset->most_members = largest_pack(&dataset->packs);
    selection->count = kept;
    return true;
}

static bool check_content(const struct lw_dataset *dataset, const struct lw_dataset_params *params,
    struct lw_error *error)
{
    const struct lw_dataset_counts *counts = &dataset->counts;
    const char *first = params->source_count ? params->sources[0].name : "(no data)";
    const char *more = params->source_count > 1 ? " and the other data sets" : "";
    if (counts->tokens == 0) {
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
    if (dataset->train_count == 0) {
        return lw_fail(error, LW_BAD_INPUT,
            "of %zu examples none is left to train on; lower val_size (%g), or mend the records",
            dataset->selection.count, params->val_size);
    }
    return true;
}

// The caches know what their tokens hash to; which rows of them are used is hashed here.
static void hash_content(struct lw_dataset *dataset)
{
    struct lw_hash hash;
    const struct lw_packs *packs = &dataset->packs;
    uint64_t figures[] = {dataset->row_count, dataset->held_out_count, dataset->train_count,
        dataset->order_seed, dataset->keep_order};
    lw_hash_start(&hash, 0);
    lw_hash_add(&hash, figures, sizeof figures);
    for (size_t i = 0; i < dataset->part_count; i++) {
        uint64_t tokens = lw_token_cache_hash(dataset->parts[i].cache);
        lw_hash_add(&hash, &tokens, sizeof tokens);
    }
    lw_hash_add(
        &hash, dataset->selection.rows, dataset->selection.count * sizeof *dataset->selection.rows);
    if (dataset->packed) {
        lw_hash_add(&hash, packs->members, packs->member_count * sizeof *packs->members);
        lw_hash_add(&hash, packs->ends, packs->count * sizeof *packs->ends);
    }
    dataset->fingerprint = lw_hash_value(&hash);
}

bool lw_dataset_load(
    struct lw_dataset **dataset, const struct lw_dataset_params *params, struct lw_error *error)
{
    struct lw_mixture_source *counted =
        lw_calloc(params->source_count + params->held_out_source_count, sizeof *counted, error);
    struct lw_dataset *made = counted ? lw_calloc(1, sizeof *made, error) : NULL;
    if (!made) {
        goto error;
    }
    made->drop_long = params->drop_long;
    made->order_seed = params->order_seed;
    made->keep_order = params->keep_order;
    made->packed = params->pack_tokens != 0;
    if (!load_sources(made, params, counted, error) || !select_rows(made, params, counted, error) ||
        !check_content(made, params, error)) {
        goto error;
    }
    made->order = lw_calloc(made->train_count, sizeof *made->order, error);
    if (!made->order) {
        goto error;
    }
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
        for (size_t i = 0; i < (*dataset)->part_count; i++) {
            lw_token_cache_close((*dataset)->parts[i].cache);
        }
        lw_free((*dataset)->parts);
        lw_selection_free(&(*dataset)->selection);
        lw_packs_free(&(*dataset)->packs);
        lw_free((*dataset)->order);
        lw_free(*dataset);
        *dataset = NULL;
    }
}

const struct lw_dataset_counts *lw_dataset_counts(const struct lw_dataset *dataset)
{
    return &dataset->counts;
}

bool lw_dataset_next_bad(const struct lw_dataset *dataset, struct lw_bad_position *position,
    struct lw_bad_record *record)
{
    struct lw_token_fault fault;
    while (position->source < dataset->part_count) {
        const struct part *part = &dataset->parts[position->source];
        if (lw_token_cache_next_fault(part->cache, &position->place, &fault)) {
            *record = bad_record(part, &fault);
            return true;
        }
        *position = (struct lw_bad_position){.source = position->source + 1};
    }
    return false;
}

bool lw_dataset_share(
    const struct lw_dataset *dataset, size_t index, struct lw_dataset_share *share)
{
    if (index >= dataset->part_count) {
        return false;
    }
    const struct part *part = &dataset->parts[index];
    *share = (struct lw_dataset_share){part->source->name, part->rows, part->examples};
    return true;
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
    return dataset->held_out_count;
}

static struct lw_example_view view_of(struct lw_dataset *dataset, size_t place)
{
    struct part *part;
    const struct lw_token_row *row = find_row(dataset, dataset->selection.rows[place], &part);
    struct lw_example_view view = lw_token_cache_view(part->cache, row);
    limit_mapped(dataset, view.count * (sizeof *view.ids + 1) + MAPPED_AROUND);
    return view;
}

// The example or the pack of that number.
static size_t views_of(struct lw_dataset *dataset, size_t number, struct lw_example_view *views)
{
    if (!dataset->packed) {
        views[0] = view_of(dataset, number);
        return 1;
    }
    size_t count;
    const uint32_t *members = lw_packs_at(&dataset->packs, number, &count);
    for (size_t i = 0; i < count; i++) {
        views[i] = view_of(dataset, members[i]);
    }
    return count;
}

size_t lw_dataset_most_examples(const struct lw_dataset *dataset, size_t count)
{
    return count * dataset->most_members;
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
    for (size_t i = 0; i < global_batch && first + i < dataset->train_count; i++) {
        size_t place = (size_t)first + i;
        place = dataset->keep_order ? place : dataset->order[place];
        count += views_of(dataset, dataset->held_out_count + place, views + count);
    }
    return count;
}

size_t lw_dataset_held_out(struct lw_dataset *dataset, size_t index, struct lw_example_view *views)
{
    return views_of(dataset, index, views);
}
