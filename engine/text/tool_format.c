// SPDX-License-Identifier: Apache-2.0
// Tools and calls of a conversation: JSON to the text of the format. See tool_format.h; the texts
// are in tool_text.c.
#include "engine/text/tool_format.h"

#include <string.h>

#include "engine/text/thought.h"
#include "engine/text/tool_text.h"

// Without `describe` the JSON text stands as it is. Calls are joined by `between`. Several, or even
// one, stand in the brackets of a JSON array.
struct tool_format {
    bool (*describe)(struct lw_string *out, const struct lw_python_json *tools, const char *date,
        struct lw_error *error);
    bool (*call)(struct lw_string *out, const struct lw_python_json *name,
        const struct lw_python_json *arguments, struct lw_error *error);
    const char *between;
    bool several_bracketed, one_bracketed;
};

static const struct tool_format formats[] = {
    [LW_TOOLS_DEFAULT] = {lw_tools_describe_default, lw_tools_call_default, "\n", false, false},
    [LW_TOOLS_LLAMA3] = {lw_tools_describe_llama3, lw_tools_call_llama3, ", ", true, false},
    [LW_TOOLS_MISTRAL] = {lw_tools_describe_mistral, lw_tools_call_mistral, ", ", true, true},
    [LW_TOOLS_PHI4_MINI] = {NULL, lw_tools_call_default, "\n", false, false},
    [LW_TOOLS_QWEN] = {lw_tools_describe_qwen, lw_tools_call_qwen, "\n", false, false},
};

static bool add(struct lw_string *out, const char *text, struct lw_error *error)
{
    return lw_string_add(out, text, strlen(text), error);
}

static bool check_tools(const struct lw_python_json *tools, struct lw_error *error)
{
    if (tools->kind != LW_PYTHON_ARRAY) {
        return lw_fail(error, LW_BAD_INPUT, "The tools must be a JSON array.");
    }
    for (const struct lw_python_json *tool = tools->child; tool; tool = tool->next) {
        if (tool->kind != LW_PYTHON_OBJECT) {
            return lw_fail(error, LW_BAD_INPUT, "A tool must be a JSON object.");
        }
    }
    return true;
}

bool lw_tool_format_describe(enum lw_tool_format format, const char *tools, const char *date,
    struct lw_string *out, struct lw_error *error)
{
    struct lw_python_json *json;
    if (!lw_python_json_read(&json, tools, error)) {
        return lw_fail_in(error, "The tools");
    }
    const struct tool_format *row = &formats[format];
    bool done = check_tools(json, error);
    if (done && !row->describe) {
        done =
            add(out, "<|tool|>", error) && add(out, tools, error) && add(out, "<|/tool|>", error);
    } else if (done && json->child) {
        done = row->describe(out, json, date, error);
    }
    lw_python_json_free(json);
    return done;
}

static bool write_call(const struct tool_format *format, struct lw_string *out,
    const struct lw_python_json *call, struct lw_error *error)
{
    const struct lw_python_json *name = lw_python_json_member(call, "name");
    const struct lw_python_json *arguments = lw_python_json_member(call, "arguments");
    if (!name || !arguments) {
        return lw_fail(error, LW_BAD_INPUT,
            "A function call must be a JSON object with \"name\" and \"arguments\".");
    }
    return format->call(out, name, arguments, error);
}

// The calls of a JSON text, one or an array.
static bool write_calls(const struct tool_format *format, struct lw_string *out, const char *text,
    struct lw_error *error)
{
    struct lw_python_json *json;
    if (!lw_python_json_read(&json, text, error)) {
        return false;
    }
    bool array = json->kind == LW_PYTHON_ARRAY;
    const struct lw_python_json *first = array ? json->child : json;
    bool one = first && (!array || !first->next);
    bool bracketed = one ? format->one_bracketed : format->several_bracketed;
    bool done = add(out, bracketed ? "[" : "", error);
    for (const struct lw_python_json *call = first; done && call;
         call = array ? call->next : NULL) {
        done = (call == first || add(out, format->between, error)) &&
               write_call(format, out, call, error);
    }
    lw_python_json_free(json);
    return done && add(out, bracketed ? "]" : "", error);
}

// A part of a text: from the first `open` to the first `close` after it, both included.
struct enclosed {
    const char *start;
    size_t length, open, close; // all of it; the bytes of its first and last words
};

static bool find_enclosed(
    struct enclosed *enclosed, const char *text, const char *open, const char *close)
{
    const char *start = strstr(text, open);
    const char *end = start ? strstr(start + strlen(open), close) : NULL;
    if (!end) {
        return false;
    }
    *enclosed = (struct enclosed){
        start, (size_t)(end - start) + strlen(close), strlen(open), strlen(close)};
    return true;
}

// Appends `text` without any occurrence of what is enclosed.
static bool add_without(struct lw_string *out, const char *text, const struct enclosed *enclosed,
    struct lw_error *error)
{
    while (*text) {
        size_t length = strncmp(text, enclosed->start, enclosed->length) == 0 ? 0 : 1;
        if (!lw_string_add(out, text, length, error)) {
            return false;
        }
        text += length ? length : enclosed->length;
    }
    return true;
}

bool lw_tool_format_calls(enum lw_tool_format format, const char *text, size_t length,
    bool takes_thoughts, struct lw_string *out, struct lw_error *error)
{
    struct enclosed found;
    struct lw_string json = {0};
    bool done;
    if (strlen(text) != length) {
        return lw_fail(error, LW_BAD_INPUT, "A function call holds a zero byte.");
    }
    if (takes_thoughts && find_enclosed(&found, text, "<tool_call>", "</tool_call>")) {
        done = add_without(out, text, &found, error) &&
               lw_string_add(
                   &json, found.start + found.open, found.length - found.open - found.close, error);
    } else if (takes_thoughts && find_enclosed(&found, text, LW_THOUGHT_OPEN, LW_THOUGHT_CLOSE)) {
        done = lw_string_add(out, found.start, found.length, error) &&
               add_without(&json, text, &found, error);
    } else {
        done = add(&json, text, error);
    }
    done = done && write_calls(&formats[format], out, lw_string_text(&json), error);
    lw_string_free(&json);
    return done ? true : lw_fail_in(error, "A function call");
}
