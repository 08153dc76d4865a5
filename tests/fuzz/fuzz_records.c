// SPDX-License-Identifier: Apache-2.0
// Any bytes as a data file: cut into records, each parsed in all layouts. The portions in which the
// bytes arrive must not matter.
#include <assert.h>
#include <string.h>

#include "engine/base/hash.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/data/cutter.h"
#include "trainer/data/record.h"

struct memory_source {
    const uint8_t *bytes;
    size_t size, portion;
};

static bool read_memory(
    void *context, void *buffer, size_t capacity, size_t *length, struct lw_error *error)
{
    struct memory_source *source = context;
    (void)error;
    *length = source->size < source->portion ? source->size : source->portion;
    *length = *length < capacity ? *length : capacity;
    if (*length) {
        memcpy(buffer, source->bytes, *length);
    }
    source->bytes += *length;
    source->size -= *length;
    return true;
}

static void add_record(
    struct lw_hash *hash, const struct lw_cut *cut, const struct lw_record_format *format)
{
    struct lw_conversation conversation = {0};
    struct lw_record_fault fault;
    bool parsed = lw_record_parse(cut->text, cut->length, format, &conversation, &fault, NULL);
    assert(parsed);
    assert(fault.offset <= cut->length);
    assert(fault.reason[0] || (conversation.count && conversation.count % 2 == 0));
    uint64_t line = lw_record_fault_line(cut->text, cut->line, &fault);
    lw_hash_add(hash, &line, sizeof line);
    lw_hash_add(hash, fault.reason, strlen(fault.reason));
    for (size_t i = 0; i < conversation.count; i++) {
        lw_hash_add(hash, conversation.messages[i].text, conversation.messages[i].length);
    }
    lw_conversation_clear(&conversation);
}

// A hash of all that comes out.
static uint64_t read_all(
    const uint8_t *bytes, size_t size, size_t portion, const struct lw_record_format *format)
{
    struct memory_source memory = {bytes, size, portion};
    struct lw_cutter *cutter = NULL;
    struct lw_hash hash;
    struct lw_cut cut = {0};
    lw_hash_start(&hash, 0);
    bool created =
        lw_cutter_create(&cutter, (struct lw_byte_source){read_memory, &memory}, 4096, NULL);
    assert(created);
    for (size_t items = 0; cut.kind != LW_CUT_END; items++) {
        bool next = lw_cutter_next(cutter, &cut, NULL);
        assert(next && items <= size + 1);
        if (cut.kind == LW_CUT_RECORD) {
            assert(cut.text[cut.length] == 0);
            add_record(&hash, &cut, format);
        } else if (cut.kind == LW_CUT_FAULT) {
            lw_hash_add(&hash, &cut.line, sizeof cut.line);
            lw_hash_add(&hash, cut.reason, strlen(cut.reason));
        }
    }
    lw_cutter_destroy(&cutter);
    return lw_hash_value(&hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    for (int layout = LW_LAYOUT_ANY; layout <= LW_LAYOUT_ALPACA; layout++) {
        struct lw_record_format format = lw_record_format_default((enum lw_record_layout)layout);
        format.system = "system";
        format.tools = "tools";
        format.history = "history";
        uint64_t whole = read_all(bytes, size, SIZE_MAX, &format);
        uint64_t pieces = read_all(bytes, size, 3, &format);
        assert(whole == pieces);
        (void)whole;
        (void)pieces;
    }
    return 0;
}
