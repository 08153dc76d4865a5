// SPDX-License-Identifier: Apache-2.0
// The list of bad records that a run left out (on_bad_record: skip). Called by run.c.
#ifndef LW_TRAINER_DATA_BAD_RECORDS_H
#define LW_TRAINER_DATA_BAD_RECORDS_H

#include "trainer/data/dataset.h"

#define LW_BAD_RECORDS_FILE "bad_records.jsonl"

// Writes the file anew, a line {"file": ..., "line": ..., "reason": ...} for each; without bad
// records an old file is removed.
bool lw_bad_records_write(
    const char *path, const struct lw_dataset *dataset, struct lw_error *error);

#endif
