// SPDX-License-Identifier: Apache-2.0
// A record from JSON: what JSON itself asks for. See record.h.
#include "trainer/data/record.h"

#include <cJSON.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "trainer/data/record_layout.h"

// Returns true: the record is judged, nothing failed.
static bool unusable_at(struct lw_record_fault *fault, size_t offset, const char *reason)
{
    fault->offset = offset;
    lw_record_fault_set(fault, reason);
    return true;
}

// --- what cJSON lets pass or does not explain -----------------------------------------------------

// The value of the four hexadecimal digits at `text`, -1 if they are none. Stops at a zero byte.
static int hexadecimal(const char *text)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char digit = text[i];
        if (digit >= '0' && digit <= '9') {
            value = value * 16 + digit - '0';
        } else if ((digit | 32) >= 'a' && (digit | 32) <= 'f') {
            value = value * 16 + (digit | 32) - 'a' + 10;
        } else {
            return -1;
        }
    }
    return value;
}

// What is wrong with the \u escape at `text`, or NULL. `*length` becomes the bytes of the escape.
static const char *unicode_fault(const char *text, size_t *length)
{
    int unit = hexadecimal(text + 2);
    *length = 6;
    if (unit < 0) {
        return "\\u without four hexadecimal digits";
    }
    if (unit == 0) {
        return "the escape \\u0000, which stands for no text";
    }
    if (unit >= 0xdc00 && unit <= 0xdfff) {
        return "the second half of a surrogate pair without its first (\\uDC00-\\uDFFF)";
    }
    if (unit >= 0xd800 && unit <= 0xdbff) {
        int second = text[6] == '\\' && text[7] == 'u' ? hexadecimal(text + 8) : -1;
        *length = 12;
        if (second < 0xdc00 || second > 0xdfff) {
            return "the first half of a surrogate pair without its second (\\uD800-\\uDBFF)";
        }
    }
    return NULL;
}

// Checks escapes and control characters of all strings in `text`.
static const char *string_fault(const char *text, size_t length, size_t *offset)
{
    bool inside = false;
    for (size_t i = 0; i < length;) {
        size_t step = 1;
        const char *reason = NULL;
        if (inside && text[i] == '\\') {
            step = 2;
            if (text[i + 1] == 'u') {
                reason = unicode_fault(text + i, &step);
            } else if (!text[i + 1] || !strchr("\"\\/bfnrt", text[i + 1])) {
                reason = "a backslash before a character that JSON does not escape";
            }
        } else if (inside && (unsigned char)text[i] < 0x20) {
            reason = "a control character inside a string (JSON wants \\n, \\t, ...)";
        } else if (text[i] == '"') {
            inside = !inside;
        }
        if (reason) {
            *offset = i;
            return reason;
        }
        i += step;
    }
    return NULL;
}

void lw_record_fault_set(struct lw_record_fault *fault, const char *reason)
{
    size_t length = strlen(reason), kept = 0;
    for (size_t at = 0; at < length;) {
        struct lw_utf8_step step = lw_utf8_next(reason + at, length - at);
        if (kept + step.length >= sizeof fault->reason) {
            break;
        }
        if (step.kind == LW_UTF8_CHARACTER) {
            memcpy(fault->reason + kept, reason + at, step.length);
            kept += step.length;
        }
        at += step.length;
    }
    kept -= kept && fault->reason[kept - 1] == '.';
    fault->reason[kept] = 0;
}

uint64_t lw_record_fault_line(
    const char *text, uint64_t first_line, const struct lw_record_fault *fault)
{
    uint64_t line = first_line;
    for (size_t i = 0; i < fault->offset; i++) {
        line += text[i] == '\n';
    }
    return line;
}

bool lw_record_parse(const char *text, size_t length, const struct lw_record_format *format,
    struct lw_conversation *conversation, struct lw_record_fault *fault, struct lw_error *error)
{
    lw_conversation_clear(conversation);
    *fault = (struct lw_record_fault){0};
    size_t offset = lw_utf8_valid_length(text, length);
    if (offset < length) {
        return unusable_at(fault, offset, "bytes that are not UTF-8");
    }
    const char *reason = string_fault(text, length, &offset);
    if (reason) {
        return unusable_at(fault, offset, reason);
    }
    const char *end = text;
    cJSON *record = cJSON_ParseWithLengthOpts(text, length, &end, 0);
    if (!cJSON_IsObject(record) || end != text + length) {
        cJSON_Delete(record);
        return unusable_at(fault, (size_t)(end - text), "not valid JSON");
    }
    bool judged = lw_record_read(record, format, conversation, fault, error);
    cJSON_Delete(record);
    return judged;
}
