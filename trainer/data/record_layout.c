// SPDX-License-Identifier: Apache-2.0
// Conversations from the layouts that there are. See record_layout.h.
#include "trainer/data/record_layout.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/stringbuf.h"

// Fills the reason and returns true: the record is judged, nothing failed.
LW_PRINTF(2, 3)
static bool unusable(struct lw_record_fault *fault, const char *format, ...)
{
    char reason[2 * sizeof fault->reason];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    lw_record_fault_set(fault, reason);
    return true;
}

// The last member of that name, as Python's json takes it; NULL when there is none or it is null, or
// when there is no name.
static const cJSON *member(const cJSON *object, const char *name)
{
    const cJSON *found = NULL;
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        if (name && item->string && !strcmp(item->string, name)) {
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

// "WHAT in it", with the keys that there are, for a file in another layout.
static bool absent(const cJSON *record, const char *what, struct lw_record_fault *fault)
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
    return unusable(fault, "%s in it%s%s", what, keys[0] ? ", only: " : "", keys);
}

// --- columns that all layouts have ----------------------------------------------------------------

static bool read_system(const cJSON *record, const char *column,
    struct lw_conversation *conversation, struct lw_record_fault *fault, struct lw_error *error)
{
    const cJSON *system = member(record, column);
    if (!system) {
        return true;
    }
    if (!cJSON_IsString(system)) {
        return unusable(fault, "\"%s\" is %s, not a text", column, type_name(system));
    }
    conversation->system = lw_strdup(system->valuestring, error);
    return conversation->system != NULL;
}

// Tools are JSON as a text, or as it is.
static bool read_tools(const cJSON *record, const char *column,
    struct lw_conversation *conversation, struct lw_record_fault *fault, struct lw_error *error)
{
    const cJSON *tools = member(record, column);
    if (!tools) {
        return true;
    }
    if (cJSON_IsString(tools)) {
        conversation->tools = lw_strdup(tools->valuestring, error);
        return conversation->tools != NULL;
    }
    if (!cJSON_IsArray(tools) && !cJSON_IsObject(tools)) {
        return unusable(fault, "\"%s\" is %s, not a text or a list", column, type_name(tools));
    }
    char *printed = cJSON_PrintUnformatted(tools);
    if (!printed) {
        return lw_fail_memory(error, "the tools of a record", 0);
    }
    conversation->tools = lw_strdup(printed, error);
    cJSON_free(printed);
    return conversation->tools != NULL;
}

static bool read_common(const cJSON *record, const struct lw_record_format *format,
    struct lw_conversation *conversation, struct lw_record_fault *fault, struct lw_error *error)
{
    return read_system(record, format->system, conversation, fault, error) &&
           (fault->reason[0] || read_tools(record, format->tools, conversation, fault, error));
}

static bool add_text(struct lw_conversation *conversation, enum lw_role role, const char *text,
    struct lw_error *error)
{
    return lw_conversation_add(conversation, role, text, strlen(text), error);
}

// --- sharegpt -------------------------------------------------------------------------------------

// Formats whose tags count in a record: one, or both of LW_LAYOUT_ANY's, where no name stands for two
// roles.
struct tags {
    const struct lw_record_format *formats;
    size_t count;
};

// Of two roles with one name the later counts, as in LLaMA-Factory.
static bool find_role(const struct tags *tags, const char *name, enum lw_role *role)
{
    for (size_t i = 0; i < tags->count; i++) {
        const struct lw_record_format *format = &tags->formats[i];
        const struct {
            const char *name;
            enum lw_role role;
        } rows[] = {
            {format->system_tag, LW_ROLE_SYSTEM},
            {format->function_tag, LW_ROLE_FUNCTION},
            {format->observation_tag, LW_ROLE_OBSERVATION},
            {format->assistant_tag, LW_ROLE_ASSISTANT},
            {format->user_tag, LW_ROLE_USER},
        };
        for (size_t j = 0; j < sizeof rows / sizeof rows[0]; j++) {
            if (rows[j].name && !strcmp(rows[j].name, name)) {
                *role = rows[j].role;
                return true;
            }
        }
    }
    return false;
}

// The role and text of one message; the return value is always true, see unusable.
static bool read_message(const cJSON *message, const struct lw_record_format *format,
    const struct tags *tags, size_t number, enum lw_role *role, const char **text,
    struct lw_record_fault *fault)
{
    if (!cJSON_IsObject(message)) {
        return unusable(fault, "message %zu is %s, not an object", number, type_name(message));
    }
    const cJSON *tag = member(message, format->role_tag);
    const cJSON *body = member(message, format->content_tag);
    if (!cJSON_IsString(tag)) {
        return unusable(fault, "message %zu: \"%s\" is %s, not a text", number, format->role_tag,
            type_name(tag));
    }
    if (!find_role(tags, tag->valuestring, role)) {
        fault->is_row = true;
        return unusable(fault, "message %zu: unknown role \"%.40s\"", number, tag->valuestring);
    }
    const cJSON *calls = member(message, "tool_calls");
    if (calls && !(cJSON_IsArray(calls) && cJSON_GetArraySize(calls) == 0)) {
        return unusable(fault,
            "message %zu: \"tool_calls\" is not read; put the calls into a message of the role "
            "function_call",
            number);
    }
    if (!cJSON_IsString(body)) {
        return unusable(fault, "message %zu: \"%s\" is %s, not a text", number, format->content_tag,
            type_name(body));
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

static bool check_count(size_t count, struct lw_record_fault *fault)
{
    fault->is_row = true;
    if (count == 0) {
        return unusable(fault, "no messages");
    }
    if (count == 1) {
        return unusable(fault, "no assistant's turn");
    }
    return count % 2 == 0 || unusable(fault, "the last turn is not the assistant's");
}

static bool read_messages(const cJSON *list, const struct lw_record_format *format,
    const struct tags *tags, struct lw_conversation *conversation, struct lw_record_fault *fault,
    struct lw_error *error)
{
    size_t number = 0;
    const cJSON *message;
    cJSON_ArrayForEach(message, list)
    {
        enum lw_role role = LW_ROLE_USER;
        const char *text = "";
        number++;
        read_message(message, format, tags, number, &role, &text, fault);
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
        if (!add_text(conversation, role, text, error)) {
            return false;
        }
    }
    return check_count(conversation->count, fault);
}

static bool read_sharegpt(const cJSON *record, const struct lw_record_format *format,
    const struct tags *tags, struct lw_conversation *conversation, struct lw_record_fault *fault,
    struct lw_error *error)
{
    const cJSON *list = member(record, format->messages);
    if (!list) {
        char what[80];
        snprintf(what, sizeof what, "no \"%.60s\"", format->messages);
        return absent(record, what, fault);
    }
    if (!cJSON_IsArray(list)) {
        return unusable(fault, "\"%s\" is %s, not a list", format->messages, type_name(list));
    }
    return read_common(record, format, conversation, fault, error) &&
           (fault->reason[0] || read_messages(list, format, tags, conversation, fault, error));
}

static bool read_any(const cJSON *record, struct lw_conversation *conversation,
    struct lw_record_fault *fault, struct lw_error *error)
{
    struct lw_record_format forms[2];
    forms[0] = lw_record_format_default(LW_LAYOUT_SHAREGPT);
    forms[0].system = "system";
    forms[0].tools = "tools";
    forms[1] = (struct lw_record_format){LW_LAYOUT_SHAREGPT, "system", "tools",
        .messages = "messages", .role_tag = "role", .content_tag = "content", .user_tag = "user",
        .assistant_tag = "assistant", .observation_tag = "tool", .function_tag = "function",
        .system_tag = "system"};
    struct tags tags = {forms, 2};
    for (size_t i = 0; i < tags.count; i++) {
        if (member(record, forms[i].messages)) {
            return read_sharegpt(record, &forms[i], &tags, conversation, fault, error);
        }
    }
    if (member(record, "instruction")) {
        return unusable(fault, "neither \"conversations\" nor \"messages\" in it, but "
                               "\"instruction\": alpaca data needs "
                               "an entry in dataset_info.json");
    }
    return absent(record, "neither \"conversations\" nor \"messages\"", fault);
}

// --- alpaca ---------------------------------------------------------------------------------------

// Earlier turns: pairs of a user's text and the answer to it.
static bool read_history(const cJSON *record, const char *column,
    struct lw_conversation *conversation, struct lw_record_fault *fault, struct lw_error *error)
{
    const cJSON *history = member(record, column);
    if (!history || (cJSON_IsString(history) && !history->valuestring[0])) {
        return true;
    }
    if (!cJSON_IsArray(history)) {
        return unusable(fault, "\"%s\" is %s, not a list", column, type_name(history));
    }
    size_t number = 0;
    const cJSON *pair;
    cJSON_ArrayForEach(pair, history)
    {
        const char *prompt = cJSON_GetStringValue(cJSON_GetArrayItem(pair, 0));
        const char *response = cJSON_GetStringValue(cJSON_GetArrayItem(pair, 1));
        number++;
        if (!cJSON_IsArray(pair) || cJSON_GetArraySize(pair) != 2 || !prompt || !response) {
            return unusable(fault, "\"%s\": item %zu is not a pair of texts", column, number);
        }
        if (!add_text(conversation, LW_ROLE_USER, prompt, error) ||
            !add_text(conversation, LW_ROLE_ASSISTANT, response, error)) {
            return false;
        }
    }
    return true;
}

// The prompt and below it the query, either of which may be missing or empty.
static bool read_prompt(const cJSON *record, const struct lw_record_format *format,
    struct lw_conversation *conversation, struct lw_record_fault *fault, struct lw_error *error)
{
    const char *const columns[] = {format->prompt, format->query};
    struct lw_string text = {0};
    bool present = false, read = true;
    for (size_t i = 0; i < 2 && read && !fault->reason[0]; i++) {
        const cJSON *part = member(record, columns[i]);
        if (part && !cJSON_IsString(part)) {
            unusable(fault, "\"%s\" is %s, not a text", columns[i], type_name(part));
        } else if (part) {
            present = true;
            read =
                (!text.length || !part->valuestring[0] || lw_string_add(&text, "\n", 1, error)) &&
                lw_string_add(&text, part->valuestring, strlen(part->valuestring), error);
        }
    }
    if (read && !present && !fault->reason[0]) {
        fault->is_row = true;
        const char *first = format->prompt ? format->prompt : format->query;
        const char *second = format->prompt ? format->query : NULL;
        char what[160];
        snprintf(what, sizeof what, "no \"%.60s\"%s%.60s%s", first, second ? " and no \"" : "",
            second ? second : "", second ? "\"" : "");
        absent(record, what, fault);
    }
    read = read &&
           (fault->reason[0] || add_text(conversation, LW_ROLE_USER, lw_string_text(&text), error));
    lw_string_free(&text);
    return read;
}

static bool read_alpaca(const cJSON *record, const struct lw_record_format *format,
    struct lw_conversation *conversation, struct lw_record_fault *fault, struct lw_error *error)
{
    if (!read_common(record, format, conversation, fault, error) ||
        (!fault->reason[0] && !read_history(record, format->history, conversation, fault, error)) ||
        (!fault->reason[0] && !read_prompt(record, format, conversation, fault, error))) {
        return false;
    }
    if (fault->reason[0]) {
        return true;
    }
    const cJSON *response = member(record, format->response);
    if (!cJSON_IsString(response)) {
        // LLaMA-Factory takes it for data without answers, and drops it from supervised training.
        fault->is_row = true;
        return unusable(fault, "\"%s\" is %s, not a text", format->response, type_name(response));
    }
    return add_text(conversation, LW_ROLE_ASSISTANT, response->valuestring, error);
}

bool lw_record_read(const cJSON *record, const struct lw_record_format *format,
    struct lw_conversation *conversation, struct lw_record_fault *fault, struct lw_error *error)
{
    struct tags tags = {format, 1};
    switch (format->layout) {
    case LW_LAYOUT_SHAREGPT:
        return read_sharegpt(record, format, &tags, conversation, fault, error);
    case LW_LAYOUT_ALPACA:
        return read_alpaca(record, format, conversation, fault, error);
    default:
        return read_any(record, conversation, fault, error);
    }
}
