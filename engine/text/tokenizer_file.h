// SPDX-License-Identifier: Apache-2.0
// Reading the JSON files of a tokenizer.
#ifndef LW_TEXT_TOKENIZER_FILE_H
#define LW_TEXT_TOKENIZER_FILE_H

#include <cJSON.h>

#include "engine/base/error.h"

// Parses `folder`/`name`; the caller deletes `*json`. A file that is absent is a failure if
// `required`, else `*json` is NULL. LW_BAD_INPUT for a file that is no JSON object in UTF-8.
bool lw_tokenizer_file_read(
    cJSON **json, const char *folder, const char *name, bool required, struct lw_error *error);

#endif
