// SPDX-License-Identifier: Apache-2.0
// See reader.h.
#include "merger/reader.h"

#include <string.h>

#include "merger/finite.h"

// Bytes that are read, and then looked through for NaNs while they are in the cache.
#define PIECE_BYTES ((size_t)1 << 18)
// How far before they are read the disk is asked for bytes: systems look ahead by a few hundred
// kilobytes, too little to keep a fast disk busy with several files.
#define AHEAD_BYTES ((uint64_t)16 << 20)

bool lw_merge_check_finite(const struct lw_tensor_info *info, const char *where,
    const void *elements, uint64_t first, uint64_t count, struct lw_error *error)
{
    size_t bad = lw_first_nonfinite(elements, lw_merge_type_of(info), count);
    if (bad < count) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: tensor %s holds a NaN or an infinity at element %llu; nothing was written", where,
            info->name, (unsigned long long)(first + bad));
    }
    return true;
}

// `count` elements of the input's own tensor from `first` on.
static bool read_own(const struct lw_merge_stretch *stretch, uint64_t first, uint64_t count,
    char *target, struct lw_error *error)
{
    const struct lw_merge_parent *from = &stretch->plan->parents[stretch->input->parent];
    const struct lw_tensor_info *info = lw_merge_input_file(stretch->input);
    bool replaced = info != stretch->input->info;
    size_t size = lw_dtype_size(info->dtype);
    if (!replaced) {
        lw_checkpoint_read_ahead(from->checkpoint, info, first * size + AHEAD_BYTES, count * size);
    }
    for (uint64_t done = 0; done < count; done += PIECE_BYTES / size) {
        uint64_t rest = count - done, at = (first + done) * size;
        size_t piece = rest < PIECE_BYTES / size ? rest : PIECE_BYTES / size;
        char *bytes = target + done * size;
        bool read =
            replaced ? lw_adapter_read(from->updates, info, at, bytes, piece * size, error)
                     : lw_checkpoint_read(from->checkpoint, info, at, bytes, piece * size, error);
        if (!read || (stretch->finite &&
                         !lw_merge_check_finite(info, replaced ? from->adapter : from->folder,
                             bytes, first + done, piece, error))) {
            return false;
        }
    }
    return true;
}

// Columns [begin, end) of row `row` of the result; *rows of the input that follow each other are read
// at once where whole rows are wanted, and `rows` says how many are left.
static bool read_rows(const struct lw_merge_stretch *stretch, uint64_t row, uint64_t rows,
    uint64_t begin, uint64_t end, char *target, struct lw_error *error)
{
    const struct lw_merge_row_map *map = stretch->input->map;
    uint64_t columns = stretch->tensor->info.shape[stretch->tensor->info.rank - 1];
    size_t size = lw_dtype_size(stretch->input->info->dtype);
    int64_t from = map->rows[row];
    size_t bytes = (rows - 1) * columns * size + (end - begin) * size;
    if (from == -1) {
        memset(target, 0, bytes);
        return true;
    }
    if (from < 0) {
        uint64_t made = (uint64_t)(-2 - from);
        memcpy(target, (const char *)map->made + (made * columns + begin) * size, bytes);
        return true;
    }
    return read_own(stretch, (uint64_t)from * columns + begin, bytes / size, target, error);
}

// How many rows from `row` on, up to `most`, lie one after the other.
static uint64_t run_length(const int64_t *rows, uint64_t row, uint64_t most)
{
    uint64_t length = 1;
    int64_t step = rows[row] >= 0 ? 1 : rows[row] == -1 ? 0 : -1;
    while (length < most && rows[row + length] == rows[row] + step * (int64_t)length) {
        length++;
    }
    return length;
}

bool lw_merge_read(const struct lw_merge_stretch *stretch, void *target, struct lw_error *error)
{
    if (!stretch->input->map) {
        return read_own(stretch, stretch->first, stretch->count, target, error);
    }
    const struct lw_tensor_info *info = &stretch->tensor->info;
    uint64_t columns = info->shape[info->rank - 1];
    size_t size = lw_dtype_size(stretch->input->info->dtype);
    uint64_t at = stretch->first, end = stretch->first + stretch->count;
    char *bytes = target;
    while (at < end) {
        uint64_t row = at / columns, begin = at % columns, rest = end - at;
        uint64_t rows = 1, last = begin + rest < columns ? begin + rest : columns;
        if (begin == 0 && rest >= columns) {
            rows = run_length(stretch->input->map->rows, row, rest / columns);
        }
        if (!read_rows(stretch, row, rows, begin, last, bytes, error)) {
            return false;
        }
        uint64_t done = (rows - 1) * columns + (last - begin);
        at += done;
        bytes += done * size;
    }
    return true;
}
