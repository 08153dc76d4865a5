// SPDX-License-Identifier: Apache-2.0
// One record of a data file: the JSON text of an object to a conversation, with the rules of
// LLaMA-Factory's converters (data/converter.py). Called by records.c and encoder.c.
#ifndef LW_TRAINER_DATA_RECORD_H
#define LW_TRAINER_DATA_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/text/conversation.h"
#include "trainer/data/record_format.h"

// Why a record cannot be used, for people.
struct lw_record_fault {
    char reason[240]; // "" while nothing is wrong
    size_t offset;    // byte of the text at which it shows, 0 where the whole record is meant
    // Whether LLaMA-Factory, too, would read this record and drop it later, so that it counts among
    // the rows that the held-out part is drawn from.
    bool is_row;
};

// Parses `length` bytes at `text` (a zero byte follows) into `conversation`, replacing what it held,
// in the layout that `format` describes; see record_format.h. A first message with the system role
// replaces the system column. After that message user or observation and assistant or function call
// must take turns, ending with the latter. Columns that the format does not name are not looked at.
// True with `fault->reason` set for a record that cannot be used; false only without memory.
bool lw_record_parse(const char *text, size_t length, const struct lw_record_format *format,
    struct lw_conversation *conversation, struct lw_record_fault *fault, struct lw_error *error);

// Makes `reason` the fault's: as much as there is room for in whole characters, without those that are
// cut off in it, and without a full stop at its end, because messages go on after it.
void lw_record_fault_set(struct lw_record_fault *fault, const char *reason);

// The line of the file on which the fault shows, for a record whose first byte is on `first_line`.
uint64_t lw_record_fault_line(
    const char *text, uint64_t first_line, const struct lw_record_fault *fault);

#endif
