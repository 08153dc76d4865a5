// SPDX-License-Identifier: Apache-2.0
// A parsed record to a conversation: columns, roles and turns. Private to record.c.
#ifndef LW_TRAINER_DATA_RECORD_LAYOUT_H
#define LW_TRAINER_DATA_RECORD_LAYOUT_H

#include <cJSON.h>

#include "trainer/data/record.h"

// Fills `conversation`, which is empty, from an object. As lw_record_parse.
bool lw_record_read(const cJSON *record, const struct lw_record_format *format,
    struct lw_conversation *conversation, struct lw_record_fault *fault, struct lw_error *error);

#endif
