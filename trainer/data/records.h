// SPDX-License-Identifier: Apache-2.0
// A data file as a stream of conversations: a JSON array or JSON Lines, plain or compressed by
// zstd, in the memory of its largest record. What cannot be used comes out as an event with line and
// reason, in its place; what to do about it is the caller's choice.
#ifndef LW_TRAINER_DATA_RECORDS_H
#define LW_TRAINER_DATA_RECORDS_H

#include "trainer/data/cutter.h"
#include "trainer/data/record.h"

struct lw_records;

// Opens the file at `path`, which is copied. Records above 64 MiB are faults.
bool lw_records_open(struct lw_records **records, const char *path, struct lw_error *error);
void lw_records_close(struct lw_records **records);

// The next record as text, unparsed, so that threads can share the parsing: see cutter.h. A file
// that cannot be read or decompressed to its end fails.
bool lw_records_cut(struct lw_records *records, struct lw_cut *cut, struct lw_error *error);

// Bytes of the file taken so far (compressed ones, when it is).
uint64_t lw_records_consumed(const struct lw_records *records);

// Reads on to the end of the file, if that has not been reached, and gives the XXH64 of all of its
// bytes. Nothing can be read afterwards.
bool lw_records_finish(struct lw_records *records, uint64_t *hash, struct lw_error *error);

enum lw_record_kind { LW_RECORD_GOOD, LW_RECORD_BAD, LW_RECORD_END };

// Zero-initialise before use and clear the conversation after it.
struct lw_record {
    enum lw_record_kind kind;
    struct lw_conversation conversation; // of a good record
    uint64_t line;                       // from 1
    struct lw_record_fault fault;        // of a bad one
};

// The next record, parsed; `record` is reused from call to call.
bool lw_records_next(struct lw_records *records, const struct lw_record_format *format,
    struct lw_record *record, struct lw_error *error);

#endif
