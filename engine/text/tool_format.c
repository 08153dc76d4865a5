// SPDX-License-Identifier: Apache-2.0
// The qwen format: tools as JSON lines inside <tools>, calls as JSON inside <tool_call>.
#include "engine/text/tool_format.h"

#include <string.h>

#include "engine/text/python_json.h"

static bool add(struct lw_string *out, const char *text, struct lw_error *error)
{
    return lw_string_add(out, text, strlen(text), error);
}

static bool refuse_none(
    enum lw_tool_format format, const char *name, const char *what, struct lw_error *error)
{
    return format != LW_TOOLS_NONE ||
           lw_fail(error, LW_BAD_INPUT, "The template %s does not support %s yet.", name, what);
}

// One tool: {"type": "function", "function": TOOL}, unless it is that already.
static bool describe_tool(
    struct lw_string *out, const struct lw_python_json *tool, struct lw_error *error)
{
    const struct lw_python_json *type = lw_python_json_member(tool, "type");
    bool wrapped = type && strcmp(lw_string_text(&type->text), "\"function\"") == 0;
    if (tool->kind != LW_PYTHON_OBJECT) {
        return lw_fail(error, LW_BAD_INPUT, "A tool must be a JSON object.");
    }
    return add(out, "\n", error) &&
           (wrapped || add(out, "{\"type\": \"function\", \"function\": ", error)) &&
           lw_python_json_write(out, tool, error) && (wrapped || add(out, "}", error));
}

bool lw_tool_format_describe(enum lw_tool_format format, const char *name, const char *tools,
    struct lw_string *out, struct lw_error *error)
{
    static const char before[] =
        "\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
        "You are provided with function signatures within <tools></tools> XML tags:\n<tools>";
    static const char after[] =
        "\n</tools>\n\nFor each function call, return a json object with function name and "
        "arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n"
        "{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>";
    struct lw_python_json *json;
    if (!refuse_none(format, name, "tools", error)) {
        return false;
    }
    if (!lw_python_json_read(&json, tools, error)) {
        return lw_fail_in(error, "The tools");
    }
    bool done = true;
    if (json->kind != LW_PYTHON_ARRAY) {
        done = lw_fail(error, LW_BAD_INPUT, "The tools must be a JSON array.");
    } else if (json->child) {
        done = add(out, before, error);
        for (const struct lw_python_json *tool = json->child; done && tool; tool = tool->next) {
            done = describe_tool(out, tool, error);
        }
        done = done && add(out, after, error);
    }
    lw_python_json_free(json);
    return done;
}

static bool write_call(
    struct lw_string *out, const struct lw_python_json *call, struct lw_error *error)
{
    const struct lw_python_json *name = lw_python_json_member(call, "name");
    const struct lw_python_json *arguments = lw_python_json_member(call, "arguments");
    if (!name || !arguments) {
        return lw_fail(error, LW_BAD_INPUT,
            "A function call must be a JSON object with \"name\" and \"arguments\".");
    }
    return add(out, "<tool_call>\n{\"name\": ", error) && lw_python_json_write(out, name, error) &&
           add(out, ", \"arguments\": ", error) && lw_python_json_write(out, arguments, error) &&
           add(out, "}\n</tool_call>", error);
}

// The calls of a JSON text, one or an array.
static bool write_calls(struct lw_string *out, const char *text, struct lw_error *error)
{
    struct lw_python_json *json;
    if (!lw_python_json_read(&json, text, error)) {
        return false;
    }
    bool done = true;
    if (json->kind == LW_PYTHON_ARRAY) {
        for (const struct lw_python_json *call = json->child; done && call; call = call->next) {
            done = (call == json->child || add(out, "\n", error)) && write_call(out, call, error);
        }
    } else {
        done = write_call(out, json, error);
    }
    lw_python_json_free(json);
    return done;
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

bool lw_tool_format_calls(enum lw_tool_format format, const char *name,
    const struct lw_message *message, struct lw_string *out, struct lw_error *error)
{
    struct enclosed found;
    struct lw_string json = {0};
    const char *text = message->text;
    bool done;
    if (!refuse_none(format, name, "function calls", error)) {
        return false;
    }
    if (strlen(text) != message->length) {
        return lw_fail(error, LW_BAD_INPUT, "A function call holds a zero byte.");
    }
    if (find_enclosed(&found, text, "<tool_call>", "</tool_call>")) {
        done = add_without(out, text, &found, error) &&
               lw_string_add(
                   &json, found.start + found.open, found.length - found.open - found.close, error);
    } else if (find_enclosed(&found, text, "<think>\n", "\n</think>\n\n")) {
        done = lw_string_add(out, found.start, found.length, error) &&
               add_without(&json, text, &found, error);
    } else {
        done = add(&json, text, error);
    }
    done = done && write_calls(out, lw_string_text(&json), error);
    lw_string_free(&json);
    return done ? true : lw_fail_in(error, "A function call");
}
