// SPDX-License-Identifier: Apache-2.0
// One entry of dataset_info.json. Private to source.c.
#ifndef LW_TRAINER_DATA_SOURCE_ENTRY_H
#define LW_TRAINER_DATA_SOURCE_ENTRY_H

#include "trainer/data/source.h"

// Reads the entry `entry` called `name` of the file `info_path`: the format and number of samples go
// to `source`, *file_name is what the entry has. Texts point into `entry`. LW_BAD_INPUT for an entry
// that is wrong or that cannot be served.
bool lw_source_read_entry(const struct cJSON *entry, const char *info_path, const char *name,
    struct lw_source *source, const char **file_name, struct lw_error *error);

#endif
