// SPDX-License-Identifier: Apache-2.0
// Cuts the top-level records out of a stream of JSON, one at a time, so that a file of any size
// costs the memory of its largest record. Takes a JSON array or JSON Lines (also objects over
// several lines, one after another), finds out itself which. It only follows quotes and brackets;
// whether the text between them is JSON is for record.c. Called by records.c.
#ifndef LW_TRAINER_DATA_CUTTER_H
#define LW_TRAINER_DATA_CUTTER_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

// Where the bytes come from. `read` puts up to `capacity` bytes at `buffer` and their number into
// `*length`, 0 at the end; false with `error` filled when reading fails.
struct lw_byte_source {
    bool (*read)(
        void *context, void *buffer, size_t capacity, size_t *length, struct lw_error *error);
    void *context;
};

enum lw_cut_kind {
    LW_CUT_RECORD, // text of an object, from { to }
    LW_CUT_FAULT,  // something that is no record; `reason` says what
    LW_CUT_END     // nothing follows
};

struct lw_cut {
    enum lw_cut_kind kind;
    const char *text; // the cutter's, until the next call; a zero byte follows
    size_t length;
    uint64_t line; // from 1: of the record's first byte or of the fault
    const char *reason;
};

struct lw_cutter;

// `largest_record`: bytes above which a record is a fault instead of being held in memory.
bool lw_cutter_create(struct lw_cutter **cutter, struct lw_byte_source source,
    size_t largest_record, struct lw_error *error);
void lw_cutter_destroy(struct lw_cutter **cutter);

// The next record or fault. After a fault the search goes on behind it: at the next line in JSON
// Lines, behind the closing bracket in an array. False only when reading or memory fails.
bool lw_cutter_next(struct lw_cutter *cutter, struct lw_cut *cut, struct lw_error *error);

#endif
