// SPDX-License-Identifier: Apache-2.0
// Any text as a dataset_info.json: each entry is refused as bad input, or names a file and has a
// format that records can be read with.
#include <cJSON.h>
#include <assert.h>
#include <string.h>

#include "engine/io/json.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/data/record.h"
#include "trainer/data/source_entry.h"

static void read_entry(const cJSON *entry)
{
    struct lw_source source = {0};
    struct lw_error error = {0};
    const char *file_name = NULL;
    const char *name = entry->string ? entry->string : "";
    if (!lw_source_read_entry(entry, "dataset_info.json", name, &source, &file_name, &error)) {
        assert(error.status == LW_BAD_INPUT && error.message[0]);
        return;
    }
    assert(file_name && file_name[0]);
    static const char record[] =
        "{\"instruction\": \"a\", \"output\": \"b\", \"conversations\": []}";
    struct lw_conversation conversation = {0};
    struct lw_record_fault fault;
    bool parsed =
        lw_record_parse(record, sizeof record - 1, &source.format, &conversation, &fault, &error);
    assert(parsed && (fault.reason[0] || conversation.count == 2));
    (void)parsed;
    lw_conversation_clear(&conversation);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct lw_json_limits limits = {.bytes = 1 << 20};
    cJSON *info = lw_json_parse((const char *)bytes, size, "dataset_info.json", &limits, NULL);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, info)
    {
        read_entry(entry);
    }
    cJSON_Delete(info);
    return 0;
}
