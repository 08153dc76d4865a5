// SPDX-License-Identifier: Apache-2.0
// trainer/data/dataset: which rows a run sees in which step, held out or not, beside the rows that
// datasets.train_test_split and torch.randperm name; bad records under both policies; the same
// content whatever the number of threads. More than 500 lines because all of it works on the same
// made-up files and caches.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/folder.h"
#include "engine/text/template.h"
#include "tests/unit/trainer/mixture_vectors.h"
#include "tests/unit/trainer/scratch.h"
#include "trainer/budget.h"
#include "trainer/data/dataset.h"
#include "trainer/data/knapsack.h"
#include "trainer/data/pack.h"
#include "trainer/data/token_store.h"

static struct lw_tokenizer *tokenizer;
static struct lw_token_store store; // in a folder of this process
static char model_folder[1024];

static int open_tokenizer(void **state)
{
    (void)state;
    const char *data = getenv("LEWIN_TEST_DATA");
    snprintf(model_folder, sizeof model_folder, "%s/tokenizers/qwen2", data ? data : "tests/data");
    store.folder = scratch_path("dataset_cache");
    struct lw_error error = {0};
    if (!lw_tokenizer_open(&tokenizer, model_folder, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    return 0;
}

static int close_tokenizer(void **state)
{
    (void)state;
    lw_tokenizer_close(tokenizer);
    return lw_folder_remove(store.folder, NULL) ? 0 : 1;
}

// JSON Lines of the conversations `first` to `end`, not included, of different lengths; row `bad` has
// its roles in a wrong order, row `broken` is no JSON.
static char *make_part(const char *name, size_t first, size_t end, size_t bad, size_t broken)
{
    static char text[65536];
    size_t used = 0;
    for (size_t i = first; i < end; i++) {
        if (i == broken) {
            used += (size_t)snprintf(text + used, sizeof text - used, "{\"messages\": oops}\n");
            continue;
        }
        used += (size_t)snprintf(text + used, sizeof text - used,
            "{\"messages\": [{\"role\": \"%s\", \"content\": \"%0*d\"}, "
            "{\"role\": \"assistant\", \"content\": \"row %zu\"}]}\n",
            i == bad ? "assistant" : "user", (int)i + 1, 0, i);
    }
    assert_true(used < sizeof text);
    return scratch_file(name, text);
}

static char *make_file(const char *name, size_t count, size_t bad, size_t broken)
{
    return make_part(name, 0, count, bad, broken);
}

enum { none = 1000, most_sources = 3 };

// Valid until the next call.
static struct lw_dataset_params params_for(char **paths, size_t count)
{
    static struct lw_source sources[most_sources];
    assert_true(count <= most_sources);
    for (size_t i = 0; i < count; i++) {
        sources[i] = (struct lw_source){.name = paths[i], .paths = &paths[i], .path_count = 1};
    }
    return (struct lw_dataset_params){.sources = sources,
        .source_count = count,
        .store = &store,
        .tokenizer = tokenizer,
        .model_folder = model_folder,
        .chat_template = lw_template_find("qwen"),
        .mask = {.cutoff_len = 512},
        .split_seed = 42,
        .order_seed = 42,
        .threads = 1};
}

static struct lw_dataset *load(const struct lw_dataset_params *params)
{
    struct lw_dataset *dataset = NULL;
    struct lw_error error = {0};
    bool loaded = lw_dataset_load(&dataset, params, &error);
    assert_string_equal(error.message, "");
    assert_true(loaded);
    return dataset;
}

// Which row of the file an example is, by its content: `plain` has the rows as they lie.
static size_t row_of(struct lw_dataset *plain, struct lw_example_view view)
{
    size_t count = lw_dataset_train_count(plain);
    for (size_t i = 0; i < count; i++) {
        struct lw_example_view row;
        assert_int_equal(lw_dataset_step(plain, 0, i, 1, &row), 1);
        if (row.count == view.count && !memcmp(row.ids, view.ids, row.count * sizeof *row.ids)) {
            return i;
        }
    }
    return none;
}

static struct lw_example_view held_out_view(struct lw_dataset *dataset, size_t index)
{
    struct lw_example_view view;
    assert_int_equal(lw_dataset_held_out(dataset, index, &view), 1);
    return view;
}

static void orders_as_torch_and_numpy(void **state)
{
    (void)state;
    char *path = make_file("ordered.jsonl", 12, none, none);
    struct lw_dataset_params params = params_for(&path, 1);
    params.keep_order = true;
    struct lw_dataset *plain = load(&params);
    params.keep_order = false;
    params.val_size = 2;
    struct lw_dataset *split = load(&params);
    assert_int_equal(lw_dataset_train_count(plain), 12);
    assert_int_equal(lw_dataset_train_count(split), 10);
    assert_int_equal(lw_dataset_held_out_count(split), 2);
    // numpy: default_rng(42).permutation(12); torch: randperm(10), seeds 42 and 43.
    const size_t rows[12] = {0, 7, 6, 9, 11, 3, 5, 2, 4, 10, 1, 8};
    const size_t orders[2][10] = {{2, 6, 1, 8, 4, 5, 0, 9, 3, 7}, {8, 4, 9, 0, 5, 1, 6, 7, 2, 3}};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(row_of(plain, held_out_view(split, i)), rows[i]);
    }
    for (uint64_t epoch = 0; epoch < 2; epoch++) {
        for (uint64_t step = 0; step < 3; step++) {
            struct lw_example_view views[4];
            size_t count = lw_dataset_step(split, epoch, step, 4, views);
            assert_int_equal(count, step < 2 ? 4 : 2);
            for (size_t i = 0; i < count; i++) {
                size_t place = orders[epoch][step * 4 + i];
                assert_int_equal(row_of(plain, views[i]), rows[2 + place]);
            }
        }
    }
    assert_int_equal(lw_dataset_step(split, 0, 3, 4, NULL), 0);
    lw_dataset_destroy(&split);
    lw_dataset_destroy(&plain);
    scratch_free(path);
}

struct seen {
    size_t count;
    uint64_t lines[4];
};

static void see(void *context, const struct lw_bad_record *record)
{
    struct seen *seen = context;
    seen->lines[seen->count++ % 4] = record->line;
}

// A row with a wrong order of roles takes part in the split, as in LLaMA-Factory, and is gone
// afterwards; one that is no JSON never was a row.
static void skips_bad_records(void **state)
{
    (void)state;
    char *path = make_file("skipped.jsonl", 13, 7, 12);
    char *whole = make_file("whole.jsonl", 12, none, none);
    struct seen seen = {0};
    struct lw_dataset_params params = params_for(&whole, 1);
    params.keep_order = true;
    struct lw_dataset *plain = load(&params);
    params = params_for(&path, 1);
    params.on_bad_record = LW_BAD_RECORD_SKIP;
    params.bad_record = see;
    params.context = &seen;
    params.val_size = 2;
    struct lw_dataset *dataset = load(&params);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.lines[0], 8);
    assert_int_equal(seen.lines[1], 13);
    assert_int_equal(lw_dataset_counts(dataset)->records, 13);
    assert_int_equal(lw_dataset_counts(dataset)->bad, 2);
    // Held out were rows 0 and 7, see above.
    assert_int_equal(lw_dataset_held_out_count(dataset), 1);
    assert_int_equal(lw_dataset_train_count(dataset), 10);
    assert_int_equal(row_of(plain, held_out_view(dataset, 0)), 0);
    lw_dataset_destroy(&dataset);
    lw_dataset_destroy(&plain);
    scratch_free(whole);
    scratch_free(path);
}

// Loads and expects LW_BAD_INPUT with `part` in its message.
static void refuse(const struct lw_dataset_params *params, const char *part)
{
    struct lw_dataset *dataset = NULL;
    struct lw_error error = {0};
    assert_false(lw_dataset_load(&dataset, params, &error));
    assert_null(dataset);
    assert_int_equal(error.status, LW_BAD_INPUT);
    if (!strstr(error.message, part)) {
        fail_msg("\"%s\" is not in \"%s\"", part, error.message);
    }
}

static void stops_at_bad_data(void **state)
{
    (void)state;
    static const struct {
        const char *text, *stop, *skip; // parts of the messages under both policies
    } rows[] = {
        {"", "line 1: the file is empty", "nothing to train on"},
        {"[]", "nothing to train on", "nothing to train on"},
        {"[\n{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}]",
            "line 2: no assistant's turn", "1 records, of which 1 are bad"},
        {"{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\"}]}\n{}",
            "line 1: message 1: an assistant's turn", "2 records, of which 2 are bad"},
        {"[{\"messages\": [{\"role\": \"us", "line 1: the file ends inside a record",
            "nothing to train on"},
        {"[{\"a\": \"\xc3\x28\"}]", "line 1: bytes that are not UTF-8", "nothing to train on"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *path = scratch_file("refused.json", rows[i].text);
        struct lw_dataset_params params = params_for(&path, 1);
        refuse(&params, rows[i].stop);
        params.on_bad_record = LW_BAD_RECORD_SKIP;
        refuse(&params, rows[i].skip);
        scratch_free(path);
    }
    char *absent = scratch_path("absent.json");
    struct lw_dataset_params params = params_for(&absent, 1);
    refuse(&params, "absent.json");
    scratch_free(absent);
}

static void limits_lengths_and_rows(void **state)
{
    (void)state;
    char *paths[2] = {
        make_file("first.jsonl", 12, 0, none), make_file("second.jsonl", 3, none, none)};
    struct lw_dataset_params params = params_for(paths, 2);
    params.on_bad_record = LW_BAD_RECORD_SKIP;
    params.max_samples = 5; // of each file, the bad row among them
    struct lw_dataset *dataset = load(&params);
    assert_int_equal(lw_dataset_train_count(dataset), 7);
    uint64_t longest = lw_dataset_counts(dataset)->longest;
    uint64_t fingerprint = lw_dataset_fingerprint(dataset);
    lw_dataset_destroy(&dataset);
    params.mask.cutoff_len = (size_t)longest - 1;
    dataset = load(&params);
    assert_int_equal(lw_dataset_counts(dataset)->truncated, 1);
    assert_int_equal(lw_dataset_counts(dataset)->longest, longest - 1);
    assert_true(lw_dataset_fingerprint(dataset) != fingerprint);
    lw_dataset_destroy(&dataset);
    params.drop_long = true;
    dataset = load(&params);
    assert_int_equal(lw_dataset_counts(dataset)->dropped, 1);
    assert_int_equal(lw_dataset_train_count(dataset), 6);
    lw_dataset_destroy(&dataset);
    params.mask.cutoff_len = 4;
    refuse(&params, "too long");
    params.drop_long = false;
    params.mask.cutoff_len = 1;
    refuse(&params, "raise cutoff_len");
    params.mask.cutoff_len = 512;
    params.val_size = 500;
    refuse(&params, "val_size 500 holds out all 8 records");
    scratch_free(paths[0]);
    scratch_free(paths[1]);
}

// A row that `plain` lacks is numbered too.
static size_t numbered_row_of(struct lw_dataset *plain, struct lw_example_view view, size_t lacking)
{
    size_t row = row_of(plain, view);
    return row + (row >= lacking);
}

// Three data sets taking turns, one of them drawn from, a share held out, over two epochs.
static void mixes_as_llama_factory(void **state)
{
    (void)state;
    enum { bad = 11, batch = 4 };
    char *paths[] = {make_part("a.jsonl", 0, 9, none, none), make_part("b.jsonl", 9, 15, bad, none),
        make_part("c.jsonl", 15, 27, none, none)};
    struct lw_dataset_params params = params_for(paths, 3);
    params.on_bad_record = LW_BAD_RECORD_SKIP;
    params.keep_order = true;
    struct lw_dataset *plain = load(&params);
    assert_int_equal(lw_dataset_train_count(plain), 26);
    static const double probabilities[] = {0.25, 0.25, 0.5};
    struct lw_source sources[3];
    memcpy(sources, params.sources, sizeof sources);
    sources[2].num_samples = 8;
    params.sources = sources;
    params.keep_order = false;
    params.mix_strategy = LW_MIX_OVER;
    params.probabilities = probabilities;
    params.val_size = 0.15;
    struct lw_dataset *mixed = load(&params);
    size_t held_out = sizeof run_held_out / sizeof run_held_out[0];
    size_t count = sizeof run_epochs / sizeof run_epochs[0] / 2;
    assert_int_equal(lw_dataset_held_out_count(mixed), held_out);
    assert_int_equal(lw_dataset_train_count(mixed), count);
    uint64_t tokens = 0; // what is counted is what the run sees
    for (size_t i = 0; i < held_out; i++) {
        struct lw_example_view view = held_out_view(mixed, i);
        assert_int_equal(numbered_row_of(plain, view, bad), run_held_out[i]);
        tokens += view.count;
    }
    for (size_t epoch = 0, place = 0; epoch < 2; epoch++) {
        for (size_t step = 0; step * batch < count; step++) {
            struct lw_example_view views[batch];
            size_t got = lw_dataset_step(mixed, epoch, step, batch, views);
            for (size_t i = 0; i < got; i++) {
                assert_int_equal(numbered_row_of(plain, views[i], bad), run_epochs[place++]);
                tokens += epoch ? 0 : views[i].count;
            }
        }
        assert_int_equal(place, (epoch + 1) * count);
    }
    assert_int_equal(lw_dataset_counts(mixed)->tokens, tokens);
    lw_dataset_destroy(&plain);
    lw_dataset_destroy(&mixed);
    for (size_t i = 0; i < 3; i++) {
        scratch_free(paths[i]);
    }
}

// Data sets of their own are held out as they lie, and do not change what is trained on.
static void holds_out_other_data(void **state)
{
    (void)state;
    char *paths[] = {make_part("d.jsonl", 0, 9, none, none), make_part("e.jsonl", 9, 15, 11, none)};
    struct lw_dataset_params params = params_for(paths, 2);
    params.on_bad_record = LW_BAD_RECORD_SKIP;
    params.keep_order = true;
    struct lw_dataset *plain = load(&params);
    params.held_out_sources = params.sources + 1;
    params.held_out_source_count = 1;
    params.source_count = 1;
    params.max_samples = 4;
    struct lw_dataset *dataset = load(&params);
    assert_int_equal(lw_dataset_train_count(dataset), 4);
    assert_int_equal(lw_dataset_held_out_count(dataset), 3); // the bad one is among the four
    struct lw_example_view views[4];
    assert_int_equal(lw_dataset_step(dataset, 0, 0, 4, views), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(row_of(plain, views[i]), i);
    }
    static const size_t held_out[] = {9, 10, 12};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(numbered_row_of(plain, held_out_view(dataset, i), 11), held_out[i]);
    }
    lw_dataset_destroy(&plain);
    lw_dataset_destroy(&dataset);
    scratch_free(paths[0]);
    scratch_free(paths[1]);
}

// The chosen budget holds the longest example, is a multiple of what was asked for, and packs the
// first steps into fewer computed tokens than its neighbours do.
static void chooses_a_budget(void **state)
{
    (void)state;
    char *path = make_file("budget.jsonl", 60, none, none);
    struct lw_dataset_params params = params_for(&path, 1);
    struct lw_dataset *dataset = load(&params);
    uint64_t longest = lw_dataset_counts(dataset)->longest;
    struct lw_budget_params wanted = {.global_batch = 6, .multiple = 16, .largest = 2000};
    uint32_t budget = 0, small = 0;
    assert_true(lw_budget_choose(dataset, &wanted, &budget, NULL));
    assert_int_equal(budget % 16, 0);
    assert_true(budget >= longest && budget <= 2000);
    // All of the ten steps go into one or two micro-batches with little room left.
    struct lw_pack *pack = NULL;
    struct lw_example_view views[6];
    size_t batches = 0;
    assert_true(lw_pack_create(&pack, budget, 6, NULL));
    for (uint64_t step = 0; step < 10; step++) {
        batches += lw_pack_step(pack, views, lw_dataset_step(dataset, 0, step, 6, views));
    }
    lw_pack_destroy(&pack);
    assert_true((double)lw_dataset_counts(dataset)->tokens > 0.8 * (double)batches * budget);
    wanted.largest = 1;
    assert_true(lw_budget_choose(dataset, &wanted, &small, NULL));
    assert_int_equal(small, (longest + 15) / 16 * 16);
    lw_dataset_destroy(&dataset);
    scratch_free(path);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    char *path = make_file("threads.jsonl", 200, 17, 90);
    uint64_t fingerprints[3];
    store.rebuild = true;
    for (unsigned i = 0; i < 3; i++) {
        struct lw_dataset_params params = params_for(&path, 1);
        params.on_bad_record = LW_BAD_RECORD_SKIP;
        params.threads = i * 3; // as many as cores, 3, 6
        struct lw_dataset *dataset = load(&params);
        assert_int_equal(lw_dataset_train_count(dataset), 198);
        fingerprints[i] = lw_dataset_fingerprint(dataset);
        lw_dataset_destroy(&dataset);
    }
    store.rebuild = false;
    assert_true(fingerprints[0] == fingerprints[1] && fingerprints[1] == fingerprints[2]);
    scratch_free(path);
}

static void nothing_leaks_without_memory(void **state)
{
    (void)state;
    char *path = make_file("memory.jsonl", 3, 1, none);
    struct lw_dataset_params params = params_for(&path, 1);
    params.on_bad_record = LW_BAD_RECORD_SKIP;
    // Encoded anew, then found.
    for (int found = 0; found < 2; found++) {
        bool loaded = false;
        store.rebuild = !found;
        for (long successes = 0; !loaded; successes++) {
            struct lw_error error = {0};
            struct lw_dataset *dataset = NULL;
            lw_memory_fail_after(successes);
            loaded = lw_dataset_load(&dataset, &params, &error);
            lw_memory_fail_after(-1);
            assert_int_equal(error.status, loaded ? LW_OK : LW_NO_RESOURCE);
            lw_dataset_destroy(&dataset);
        }
    }
    scratch_free(path);
}

// Twelve rows, the sixth of them bad, packed four at a time: a bad row takes its place among the four.
static void packs_as_llama_factory(void **state)
{
    (void)state;
    enum { rows = 12, bad = 5, window = 4 };
    char *path = make_file("packed.jsonl", rows, bad, none);
    struct lw_dataset_params params = params_for(&path, 1);
    params.keep_order = true;
    params.on_bad_record = LW_BAD_RECORD_SKIP;
    struct lw_dataset *plain = load(&params);
    params.pack_tokens = 5 * (uint32_t)lw_dataset_counts(plain)->longest / 2;
    params.pack_batch = window;
    struct lw_dataset *packed = load(&params);
    struct lw_packs expected = {0};
    for (uint32_t begin = 0, example = 0; begin < rows; begin += window) {
        uint32_t examples[window], lengths[window];
        size_t count = 0;
        for (uint32_t row = begin; row < begin + window; row++) {
            struct lw_example_view view;
            if (row != bad) {
                assert_int_equal(lw_dataset_step(plain, 0, example, 1, &view), 1);
                examples[count] = example++;
                lengths[count++] = (uint32_t)view.count;
            }
        }
        assert_true(lw_packs_add(&expected, examples, lengths, count, params.pack_tokens, NULL));
    }
    assert_int_equal(lw_dataset_train_count(packed), expected.count);
    assert_true(expected.count < rows - 1);
    struct lw_example_view views[rows];
    assert_true(lw_dataset_most_examples(packed, 1) <= window);
    size_t next = 0;
    for (size_t step = 0; step < expected.count; step++) {
        size_t got = lw_dataset_step(packed, 0, step, 1, views);
        for (size_t i = 0; i < got; i++, next++) {
            assert_int_equal(row_of(plain, views[i]), expected.members[next]);
        }
        assert_int_equal(next, expected.ends[step]);
    }
    // Steps and the held-out part count packs.
    assert_int_equal(lw_dataset_step(packed, 0, 0, expected.count, views), rows - 1);
    lw_dataset_destroy(&packed);
    params.val_size = 4;
    packed = load(&params);
    assert_int_equal(lw_dataset_train_count(plain), rows - 1);
    assert_true(lw_dataset_held_out_count(packed) >= 1 && lw_dataset_held_out_count(packed) <= 4);
    size_t held = 0;
    for (size_t i = 0; i < lw_dataset_held_out_count(packed); i++) {
        held += lw_dataset_held_out(packed, i, views);
    }
    assert_true(held == 3 || held == 4); // the bad row may be among the four
    lw_packs_free(&expected);
    lw_dataset_destroy(&packed);
    lw_dataset_destroy(&plain);
    scratch_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs_as_llama_factory),
        cmocka_unit_test(orders_as_torch_and_numpy),
        cmocka_unit_test(skips_bad_records),
        cmocka_unit_test(stops_at_bad_data),
        cmocka_unit_test(limits_lengths_and_rows),
        cmocka_unit_test(mixes_as_llama_factory),
        cmocka_unit_test(holds_out_other_data),
        cmocka_unit_test(chooses_a_budget),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(nothing_leaks_without_memory),
    };
    return cmocka_run_group_tests(tests, open_tokenizer, close_tokenizer);
}
