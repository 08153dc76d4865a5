// SPDX-License-Identifier: Apache-2.0
// Counting what is in data sets. See data_report.h.
#include "cli/data_report.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

// Rows after which what was read of a cache is let go of: some 40 MB of them.
enum { rows_at_a_time = 1 << 20 };

static bool count_length(struct lw_data_report *report, uint32_t length, struct lw_error *error)
{
    size_t needed = (size_t)length + 1;
    if (needed > report->length_count) {
        if (!lw_reserve(&report->by_length, &report->length_capacity, needed,
                sizeof *report->by_length, error)) {
            return false;
        }
        memset(report->by_length + report->length_count, 0,
            (needed - report->length_count) * sizeof *report->by_length);
        report->length_count = needed;
    }
    report->by_length[length]++;
    return true;
}

bool lw_data_report_add(struct lw_data_report *report, const struct lw_source *source,
    struct lw_token_cache *cache, struct lw_error *error)
{
    if (!lw_reserve(
            &report->parts, &report->capacity, report->count + 1, sizeof *report->parts, error)) {
        lw_token_cache_close(cache);
        return false;
    }
    const struct lw_token_counts *counts = lw_token_cache_counts(cache);
    struct lw_data_part *part = &report->parts[report->count++];
    *part = (struct lw_data_part){.source = source,
        .cache = cache,
        .records = counts->records,
        .bad = counts->faults,
        .tokens = counts->tokens,
        .trained = counts->trained};
    for (uint64_t i = 0; i < counts->rows; i++) {
        const struct lw_token_row *row = lw_token_cache_row(cache, i);
        if (row->flags & LW_ROW_BAD) {
            continue;
        }
        part->truncated += (row->flags & LW_ROW_TRUNCATED) != 0;
        part->stop_cut += (row->flags & LW_ROW_STOP_CUT) != 0;
        part->untrained += row->trained == 0;
        part->longest = row->count > part->longest ? row->count : part->longest;
        if (!count_length(report, row->count, error)) {
            return false;
        }
        if (i % rows_at_a_time == rows_at_a_time - 1) {
            lw_token_cache_release(cache);
        }
    }
    return true;
}

// --- duplicates -----------------------------------------------------------------------------------

struct conversation {
    uint64_t hash;
    uint64_t part; // the data set's number
};

static int compare(const void *left, const void *right)
{
    const struct conversation *a = left, *b = right;
    int by_hash = (a->hash > b->hash) - (a->hash < b->hash);
    return by_hash ? by_hash : (a->part > b->part) - (a->part < b->part);
}

// All good conversations, for lw_free; NULL without memory.
static struct conversation *collect(
    const struct lw_data_report *report, size_t *count, struct lw_error *error)
{
    size_t rows = 0, found = 0;
    for (size_t i = 0; i < report->count; i++) {
        rows += (size_t)lw_token_cache_counts(report->parts[i].cache)->rows;
    }
    struct conversation *all = lw_calloc(rows, sizeof *all, error);
    for (size_t i = 0; all && i < report->count; i++) {
        const struct lw_token_cache *cache = report->parts[i].cache;
        uint64_t in_part = lw_token_cache_counts(cache)->rows;
        for (uint64_t j = 0; j < in_part; j++) {
            const struct lw_token_row *row = lw_token_cache_row(cache, j);
            if (!(row->flags & LW_ROW_BAD)) {
                all[found++] = (struct conversation){row->conversation, i};
            }
        }
        lw_token_cache_release(cache);
    }
    *count = found;
    return all;
}

bool lw_data_report_finish(struct lw_data_report *report, struct lw_error *error)
{
    size_t count = 0;
    struct conversation *all = collect(report, &count, error);
    if (!all) {
        return false;
    }
    qsort(all, count, sizeof *all, compare);
    for (size_t i = 1; i < count; i++) {
        struct lw_data_part *part = &report->parts[all[i].part];
        if (all[i].hash == all[i - 1].hash) {
            part->duplicates += all[i].part == all[i - 1].part;
            part->repeated += all[i].part != all[i - 1].part;
        }
    }
    lw_free(all);
    struct lw_data_part *total = &report->total;
    for (size_t i = 0; i < report->count; i++) {
        const struct lw_data_part *part = &report->parts[i];
        total->records += part->records;
        total->bad += part->bad;
        total->duplicates += part->duplicates;
        total->repeated += part->repeated;
        total->tokens += part->tokens;
        total->trained += part->trained;
        total->truncated += part->truncated;
        total->stop_cut += part->stop_cut;
        total->untrained += part->untrained;
        total->longest = part->longest > total->longest ? part->longest : total->longest;
    }
    return true;
}

void lw_data_report_free(struct lw_data_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        lw_token_cache_close(report->parts[i].cache);
    }
    lw_free(report->parts);
    lw_free(report->by_length);
}

uint64_t lw_data_report_examples(const struct lw_data_report *report)
{
    return report->total.records - report->total.bad;
}

uint64_t lw_data_report_length(const struct lw_data_report *report, double share)
{
    uint64_t examples = lw_data_report_examples(report), seen = 0;
    uint64_t wanted = examples ? (uint64_t)((double)(examples - 1) * share) : 0;
    for (size_t length = 0; length < report->length_count; length++) {
        seen += report->by_length[length];
        if (seen > wanted) {
            return length;
        }
    }
    return 0;
}
