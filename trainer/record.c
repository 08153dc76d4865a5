// SPDX-License-Identifier: Apache-2.0
// A ShareGPT record from JSON. See record.h.
#include "trainer/record.h"

#include <cJSON.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/utf8.h"

// Fills the reason and returns true: the record is judged, nothing failed.
LW_PRINTF(2, 3)
static bool unusable(struct lw_record_fault *fault, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->reason, sizeof fault->reason, format, arguments);
    va_end(arguments);
    return true;
}

static bool unusable_at(struct lw_record_fault *fault, size_t offset, const char *reason)
{
    fault->offset = offset;
    return unusable(fault, "%s", reason);
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

// The last member of that name, as Python's json takes it; NULL when there is none or it is null.
static const cJSON *member(const cJSON *object, const char *name)
{
    const cJSON *found = NULL;
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        if (item->string && !strcmp(item->string, name)) {
            found = item;
        }
    }
    return found && !cJSON_IsNull(found) ? found : NULL;
}

static const char *type_name(const cJSON *value)
{
    if (!value) {
        return "missing";
    }
    return cJSON_IsString(value)   ? "a text"
           : cJSON_IsNumber(value) ? "a number"
           : cJSON_IsArray(value)  ? "a list"
           : cJSON_IsObject(value) ? "an object"
                                   : "true or false";
}

// --- messages -------------------------------------------------------------------------------------

struct role_tag {
    const char *name;
    enum lw_role role;
};

// ShareGPT's tags, then OpenAI's; no name stands for two roles, so both forms take all of them.
static const struct role_tag role_tags[] = {
    {"human", LW_ROLE_USER},
    {"gpt", LW_ROLE_ASSISTANT},
    {"system", LW_ROLE_SYSTEM},
    {"observation", LW_ROLE_OBSERVATION},
    {"function_call", LW_ROLE_FUNCTION},
    {"user", LW_ROLE_USER},
    {"assistant", LW_ROLE_ASSISTANT},
    {"tool", LW_ROLE_OBSERVATION},
    {"function", LW_ROLE_FUNCTION},
};

// Which of the two forms the record has.
struct form {
    const char *list, *role, *text;
};
static const struct form forms[] = {
    {"conversations", "from", "value"}, {"messages", "role", "content"}};

static bool find_role(const char *name, enum lw_role *role)
{
    for (size_t i = 0; i < sizeof role_tags / sizeof role_tags[0]; i++) {
        if (!strcmp(role_tags[i].name, name)) {
            *role = role_tags[i].role;
            return true;
        }
    }
    return false;
}

// The role and text of one message; the return value is always true, see unusable.
static bool read_message(const cJSON *message, const struct form *form, size_t number,
    enum lw_role *role, const char **text, struct lw_record_fault *fault)
{
    if (!cJSON_IsObject(message)) {
        return unusable(fault, "message %zu is %s, not an object", number, type_name(message));
    }
    const cJSON *tag = member(message, form->role), *body = member(message, form->text);
    if (!cJSON_IsString(tag)) {
        return unusable(
            fault, "message %zu: \"%s\" is %s, not a text", number, form->role, type_name(tag));
    }
    if (!find_role(tag->valuestring, role)) {
        fault->is_row = true;
        return unusable(fault, "message %zu: unknown role \"%.40s\"", number, tag->valuestring);
    }
    if (member(message, "tool_calls")) {
        return unusable(fault,
            "message %zu: \"tool_calls\" is not read; put the calls into a message of the role "
            "function_call",
            number);
    }
    if (!cJSON_IsString(body)) {
        return unusable(
            fault, "message %zu: \"%s\" is %s, not a text", number, form->text, type_name(body));
    }
    *text = body->valuestring;
    return true;
}

// What stands out of turn at `place` (from 0, the system message not counted), or NULL.
static const char *turn_fault(size_t place, enum lw_role role)
{
    bool prompts = role == LW_ROLE_USER || role == LW_ROLE_OBSERVATION;
    if (role == LW_ROLE_SYSTEM) {
        return "a system message that is not the first";
    }
    if (place % 2 == 0 && !prompts) {
        return "an assistant's turn where a user's or an observation should be";
    }
    return place % 2 == 1 && prompts ? "a user's turn where an assistant's should be" : NULL;
}

static bool read_messages(const cJSON *list, const struct form *form,
    struct lw_conversation *conversation, struct lw_record_fault *fault, struct lw_error *error)
{
    size_t number = 0;
    const cJSON *message;
    cJSON_ArrayForEach(message, list)
    {
        enum lw_role role = LW_ROLE_USER;
        const char *text = "";
        number++;
        read_message(message, form, number, &role, &text, fault);
        if (fault->reason[0]) {
            return true;
        }
        if (number == 1 && role == LW_ROLE_SYSTEM) {
            lw_free(conversation->system);
            conversation->system = lw_strdup(text, error);
            if (!conversation->system) {
                return false;
            }
            continue;
        }
        const char *reason = turn_fault(conversation->count, role);
        if (reason) {
            fault->is_row = true;
            return unusable(fault, "message %zu: %s", number, reason);
        }
        if (!lw_conversation_add(conversation, role, text, strlen(text), error)) {
            return false;
        }
    }
    fault->is_row = true;
    if (conversation->count == 0) {
        return unusable(fault, "no messages");
    }
    if (conversation->count == 1) {
        return unusable(fault, "no assistant's turn");
    }
    if (conversation->count % 2) {
        return unusable(fault, "the last turn is not the assistant's");
    }
    return true;
}

// --- the record -----------------------------------------------------------------------------------

static bool read_system(const cJSON *record, struct lw_conversation *conversation,
    struct lw_record_fault *fault, struct lw_error *error)
{
    const cJSON *system = member(record, "system");
    if (!system) {
        return true;
    }
    if (!cJSON_IsString(system)) {
        return unusable(fault, "\"system\" is %s, not a text", type_name(system));
    }
    conversation->system = lw_strdup(system->valuestring, error);
    return conversation->system != NULL;
}

// Tools are JSON as a text, or as it is.
static bool read_tools(const cJSON *record, struct lw_conversation *conversation,
    struct lw_record_fault *fault, struct lw_error *error)
{
    const cJSON *tools = member(record, "tools");
    if (!tools) {
        return true;
    }
    if (cJSON_IsString(tools)) {
        conversation->tools = lw_strdup(tools->valuestring, error);
        return conversation->tools != NULL;
    }
    if (!cJSON_IsArray(tools) && !cJSON_IsObject(tools)) {
        return unusable(fault, "\"tools\" is %s, not a text or a list", type_name(tools));
    }
    char *printed = cJSON_PrintUnformatted(tools);
    if (!printed) {
        return lw_fail_memory(error, "the tools of a record", 0);
    }
    conversation->tools = lw_strdup(printed, error);
    cJSON_free(printed);
    return conversation->tools != NULL;
}

// Names the keys that there are, for a file in another format.
static bool no_messages_fault(const cJSON *record, struct lw_record_fault *fault)
{
    char keys[120] = "";
    size_t length = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, record)
    {
        int added = snprintf(keys + length, sizeof keys - length, "%s%.24s", length ? ", " : "",
            item->string ? item->string : "");
        length += added > 0 ? (size_t)added : 0;
        if (length >= sizeof keys) {
            break;
        }
    }
    return unusable(fault, "neither \"conversations\" nor \"messages\" in it%s%s",
        keys[0] ? ", only: " : "", keys);
}

static bool read_record(const cJSON *record, struct lw_conversation *conversation,
    struct lw_record_fault *fault, struct lw_error *error)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const cJSON *list = member(record, forms[i].list);
        if (!list) {
            continue;
        }
        if (!cJSON_IsArray(list)) {
            return unusable(fault, "\"%s\" is %s, not a list", forms[i].list, type_name(list));
        }
        if (!read_system(record, conversation, fault, error) ||
            !read_tools(record, conversation, fault, error)) {
            return false;
        }
        return fault->reason[0] || read_messages(list, &forms[i], conversation, fault, error);
    }
    return no_messages_fault(record, fault);
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

bool lw_record_parse(const char *text, size_t length, struct lw_conversation *conversation,
    struct lw_record_fault *fault, struct lw_error *error)
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
    bool judged = read_record(record, conversation, fault, error);
    cJSON_Delete(record);
    return judged;
}
