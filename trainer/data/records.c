// SPDX-License-Identifier: Apache-2.0
// Data files as streams. See records.h.
#include "trainer/data/records.h"

#include "engine/base/alloc.h"
#include "engine/io/input.h"

enum { largest_record = 64 << 20 };

struct lw_records {
    struct lw_input *input;
    struct lw_cutter *cutter;
};

static bool read_input(
    void *context, void *buffer, size_t capacity, size_t *length, struct lw_error *error)
{
    return lw_input_read(context, buffer, capacity, length, error);
}

bool lw_records_open(struct lw_records **records, const char *path, struct lw_error *error)
{
    struct lw_records *made = lw_calloc(1, sizeof *made, error);
    if (!made || !lw_input_open(&made->input, path, error)) {
        goto error;
    }
    struct lw_byte_source source = {read_input, made->input};
    if (!lw_cutter_create(&made->cutter, source, largest_record, error)) {
        goto error;
    }
    *records = made;
    return true;
error:
    lw_records_close(&made);
    return false;
}

void lw_records_close(struct lw_records **records)
{
    if (*records) {
        lw_cutter_destroy(&(*records)->cutter);
        lw_input_close((*records)->input);
        lw_free(*records);
        *records = NULL;
    }
}

bool lw_records_cut(struct lw_records *records, struct lw_cut *cut, struct lw_error *error)
{
    return lw_cutter_next(records->cutter, cut, error);
}

uint64_t lw_records_consumed(const struct lw_records *records)
{
    return lw_input_consumed(records->input);
}

bool lw_records_finish(struct lw_records *records, uint64_t *hash, struct lw_error *error)
{
    char bytes[4096];
    size_t got;
    do {
        if (!lw_input_read(records->input, bytes, sizeof bytes, &got, error)) {
            return false;
        }
    } while (got);
    *hash = lw_input_hash(records->input);
    return true;
}

bool lw_records_next(struct lw_records *records, const struct lw_record_format *format,
    struct lw_record *record, struct lw_error *error)
{
    struct lw_cut cut;
    if (!lw_cutter_next(records->cutter, &cut, error)) {
        return false;
    }
    record->line = cut.line;
    record->fault = (struct lw_record_fault){0};
    if (cut.kind == LW_CUT_END) {
        record->kind = LW_RECORD_END;
        return true;
    }
    if (cut.kind == LW_CUT_FAULT) {
        record->kind = LW_RECORD_BAD;
        lw_record_fault_set(&record->fault, cut.reason);
        return true;
    }
    if (!lw_record_parse(
            cut.text, cut.length, format, &record->conversation, &record->fault, error)) {
        return false;
    }
    record->kind = record->fault.reason[0] ? LW_RECORD_BAD : LW_RECORD_GOOD;
    record->line = lw_record_fault_line(cut.text, cut.line, &record->fault);
    return true;
}
