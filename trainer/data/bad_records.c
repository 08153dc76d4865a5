// SPDX-License-Identifier: Apache-2.0
// Listing bad records. See bad_records.h.
#include "trainer/data/bad_records.h"

#include <cJSON.h>

#include "engine/base/file.h"
#include "engine/base/stringbuf.h"

enum { portion = 1 << 16 };

static bool add_line(
    struct lw_string *text, const struct lw_bad_record *record, struct lw_error *error)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "file", record->file);
    cJSON_AddNumberToObject(json, "line", (double)record->line);
    cJSON_AddStringToObject(json, "reason", record->reason);
    char *line = cJSON_PrintUnformatted(json);
    bool added = line ? lw_string_addf(text, error, "%s\n", line)
                      : lw_fail_memory(error, "the list of bad records", 0);
    cJSON_free(line);
    cJSON_Delete(json);
    return added;
}

bool lw_bad_records_write(
    const char *path, const struct lw_dataset *dataset, struct lw_error *error)
{
    if (!lw_dataset_counts(dataset)->bad) {
        return !lw_file_exists(path) || lw_file_remove(path, error);
    }
    struct lw_bad_position position = {0};
    struct lw_bad_record record;
    struct lw_string text = {0};
    struct lw_file *file = NULL;
    uint64_t written = 0;
    bool more = true;
    bool done = lw_file_open(&file, path, LW_FILE_CREATE, error);
    while (done && more) {
        more = lw_dataset_next_bad(dataset, &position, &record);
        done = !more || add_line(&text, &record, error);
        if (done && (!more || text.length >= portion)) {
            done = lw_file_write_at(file, written, text.data, text.length, error);
            written += text.length;
            lw_string_clear(&text);
        }
    }
    lw_file_close(file);
    lw_string_free(&text);
    return done;
}
