// SPDX-License-Identifier: Apache-2.0
// What the tool formats write (LLaMA-Factory: src/llamafactory/data/tool_utils.py), down to the last
// space: default (Action: ...), llama3, mistral, qwen.
#include "engine/text/tool_text.h"

#include <string.h>

#include "engine/base/clock.h"

static bool add(struct lw_string *out, const char *text, struct lw_error *error)
{
    return lw_string_add(out, text, strlen(text), error);
}

static bool says_function(const struct lw_python_json *tool)
{
    const struct lw_python_json *type = lw_python_json_member(tool, "type");
    return type && strcmp(lw_string_text(&type->text), "\"function\"") == 0;
}

// One tool as {"type": "function", "function": TOOL}, which it may be already.
static bool add_wrapped(
    struct lw_string *out, const struct lw_python_json *tool, struct lw_error *error)
{
    bool wrapped = says_function(tool);
    return (wrapped || add(out, "{\"type\": \"function\", \"function\": ", error)) &&
           lw_python_json_write(out, tool, error) && (wrapped || add(out, "}", error));
}

bool lw_tools_describe_qwen(struct lw_string *out, const struct lw_python_json *tools,
    const char *date, struct lw_error *error)
{
    static const char before[] =
        "\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
        "You are provided with function signatures within <tools></tools> XML tags:\n<tools>";
    static const char after[] =
        "\n</tools>\n\nFor each function call, return a json object with function name and "
        "arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n"
        "{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>";
    (void)date;
    bool done = add(out, before, error);
    for (const struct lw_python_json *tool = tools->child; done && tool; tool = tool->next) {
        done = add(out, "\n", error) && add_wrapped(out, tool, error);
    }
    return done && add(out, after, error);
}

bool lw_tools_describe_mistral(struct lw_string *out, const struct lw_python_json *tools,
    const char *date, struct lw_error *error)
{
    (void)date;
    bool done = add(out, "[AVAILABLE_TOOLS] [", error);
    for (const struct lw_python_json *tool = tools->child; done && tool; tool = tool->next) {
        done = (tool == tools->child || add(out, ", ", error)) && add_wrapped(out, tool, error);
    }
    return done && add(out, "][/AVAILABLE_TOOLS]", error);
}

bool lw_tools_describe_llama3(struct lw_string *out, const struct lw_python_json *tools,
    const char *date, struct lw_error *error)
{
    char today[LW_CLOCK_DATE_SIZE];
    lw_clock_date(today);
    bool done = lw_string_addf(out, error,
        "Cutting Knowledge Date: December 2023\nToday Date: %s\n\nYou have access to the following "
        "functions. To call a function, please respond with JSON for a function call. Respond in "
        "the format {\"name\": function name, \"parameters\": dictionary of argument name and its "
        "value}. Do not use variables.\n\n",
        date ? date : today);
    for (const struct lw_python_json *tool = tools->child; done && tool; tool = tool->next) {
        bool wrapped = says_function(tool);
        done = (wrapped || add(out, "{\n    \"type\": \"function\",\n    \"function\": ", error)) &&
               lw_python_json_write_indented(out, tool, wrapped ? 0 : 1, error) &&
               add(out, wrapped ? "\n\n" : "\n}\n\n", error);
    }
    return done;
}

static bool lacks(const char *what, struct lw_error *error)
{
    return lw_fail(error, LW_BAD_INPUT, "A tool needs %s.", what);
}

// Python's str() of a value; none for what is absent, an array or an object.
static bool add_plain(struct lw_string *out, const struct lw_python_json *value, const char *what,
    struct lw_error *error)
{
    static const char *const words[][2] = {{"true", "True"}, {"false", "False"}, {"null", "None"}};
    if (!value) {
        return true;
    }
    if (value->kind != LW_PYTHON_SCALAR) {
        return lw_fail(error, LW_BAD_INPUT, "The %s of a tool's parameter must be a text.", what);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(lw_string_text(&value->text), words[i][0]) == 0) {
            return add(out, words[i][1], error);
        }
    }
    return lw_python_json_add_text(out, &value->text, error);
}

static bool is_text(const struct lw_python_json *value)
{
    return value && value->kind == LW_PYTHON_SCALAR && lw_string_text(&value->text)[0] == '"';
}

// Whether the array `required` of a tool's parameters names this one.
static bool is_required(const struct lw_python_json *parameters, const struct lw_string *name)
{
    const struct lw_python_json *required = lw_python_json_member(parameters, "required");
    const struct lw_python_json *item =
        required && required->kind == LW_PYTHON_ARRAY ? required->child : NULL;
    while (item && strcmp(lw_string_text(&item->text), lw_string_text(name)) != 0) {
        item = item->next;
    }
    return item != NULL;
}

static bool add_choices(
    struct lw_string *out, const struct lw_python_json *parameter, struct lw_error *error)
{
    const struct lw_python_json *choices = lw_python_json_member(parameter, "enum");
    if (!choices || strcmp(lw_string_text(&choices->text), "null") == 0) {
        return true;
    }
    if (choices->kind != LW_PYTHON_ARRAY) {
        return lacks("an enum of texts", error);
    }
    if (!choices->child) {
        return true;
    }
    bool done = add(out, ", should be one of [", error);
    for (const struct lw_python_json *choice = choices->child; done && choice;
         choice = choice->next) {
        done = !is_text(choice) ? lacks("an enum of texts", error)
                                : (choice == choices->child || add(out, ", ", error)) &&
                                      lw_python_json_add_text(out, &choice->text, error);
    }
    return done && add(out, "]", error);
}

static bool add_items(
    struct lw_string *out, const struct lw_python_json *parameter, struct lw_error *error)
{
    const struct lw_python_json *items = lw_python_json_member(parameter, "items");
    return !items || !items->child ||
           (add(out, ", where each item should be ", error) &&
               add_plain(out, lw_python_json_member(items, "type"), "item type", error));
}

static bool add_parameter(struct lw_string *out, const struct lw_python_json *parameters,
    const struct lw_python_json *parameter, struct lw_error *error)
{
    return add(out, "  - ", error) && lw_python_json_add_text(out, &parameter->name, error) &&
           add(out, " (", error) &&
           add_plain(out, lw_python_json_member(parameter, "type"), "type", error) &&
           add(out, is_required(parameters, &parameter->name) ? ", required): " : "): ", error) &&
           add_plain(out, lw_python_json_member(parameter, "description"), "description", error) &&
           add_choices(out, parameter, error) && add_items(out, parameter, error) &&
           add(out, "\n", error);
}

static const struct lw_python_json *unwrapped(const struct lw_python_json *tool)
{
    return says_function(tool) ? lw_python_json_member(tool, "function") : tool;
}

static bool add_tool(
    struct lw_string *out, const struct lw_python_json *tool, struct lw_error *error)
{
    const struct lw_python_json *name = tool ? lw_python_json_member(tool, "name") : NULL;
    const struct lw_python_json *parameters =
        tool ? lw_python_json_member(tool, "parameters") : NULL;
    const struct lw_python_json *properties =
        parameters ? lw_python_json_member(parameters, "properties") : NULL;
    if (!is_text(name)) {
        return lacks("a \"name\"", error);
    }
    if (!properties || properties->kind != LW_PYTHON_OBJECT) {
        return lacks("\"parameters\" with an object \"properties\"", error);
    }
    bool done = add(out, "> Tool Name: ", error) &&
                lw_python_json_add_text(out, &name->text, error) &&
                add(out, "\nTool Description: ", error) &&
                add_plain(out, lw_python_json_member(tool, "description"), "description", error) &&
                add(out, "\nTool Args:\n", error);
    for (const struct lw_python_json *parameter = properties->child; done && parameter;
         parameter = parameter->next) {
        done = parameter->kind == LW_PYTHON_OBJECT
                   ? add_parameter(out, parameters, parameter, error)
                   : lacks("parameters that are objects", error);
    }
    return done && add(out, "\n", error);
}

bool lw_tools_describe_default(struct lw_string *out, const struct lw_python_json *tools,
    const char *date, struct lw_error *error)
{
    (void)date;
    bool done = add(out, "You have access to the following tools:\n", error);
    for (const struct lw_python_json *tool = tools->child; done && tool; tool = tool->next) {
        done = add_tool(out, unwrapped(tool), error);
    }
    done = done &&
           add(out, "Use the following format if using a tool:\n```\nAction: tool name (one of [",
               error);
    for (const struct lw_python_json *tool = tools->child; done && tool; tool = tool->next) {
        const struct lw_python_json *name = lw_python_json_member(unwrapped(tool), "name");
        done = (tool == tools->child || add(out, ", ", error)) &&
               lw_python_json_add_text(out, &name->text, error);
    }
    return done && add(out,
                       "])\nAction Input: the input to the tool, in a JSON format representing the "
                       "kwargs (e.g. ```{\"input\": \"hello world\", \"num_beams\": 5}```)\n```\n",
                       error);
}

bool lw_tools_call_default(struct lw_string *out, const struct lw_python_json *name,
    const struct lw_python_json *arguments, struct lw_error *error)
{
    if (!is_text(name)) {
        return lw_fail(error, LW_BAD_INPUT, "The \"name\" of a function call must be a text.");
    }
    return add(out, "Action: ", error) && lw_python_json_add_text(out, &name->text, error) &&
           add(out, "\nAction Input: ", error) && lw_python_json_write(out, arguments, error);
}

static bool add_object(struct lw_string *out, const struct lw_python_json *name, const char *key,
    const struct lw_python_json *arguments, struct lw_error *error)
{
    return add(out, "{\"name\": ", error) && lw_python_json_write(out, name, error) &&
           lw_string_addf(out, error, ", \"%s\": ", key) &&
           lw_python_json_write(out, arguments, error) && add(out, "}", error);
}

bool lw_tools_call_llama3(struct lw_string *out, const struct lw_python_json *name,
    const struct lw_python_json *arguments, struct lw_error *error)
{
    return add_object(out, name, "parameters", arguments, error);
}

bool lw_tools_call_mistral(struct lw_string *out, const struct lw_python_json *name,
    const struct lw_python_json *arguments, struct lw_error *error)
{
    return add_object(out, name, "arguments", arguments, error);
}

bool lw_tools_call_qwen(struct lw_string *out, const struct lw_python_json *name,
    const struct lw_python_json *arguments, struct lw_error *error)
{
    return add(out, "<tool_call>\n", error) &&
           add_object(out, name, "arguments", arguments, error) &&
           add(out, "\n</tool_call>", error);
}
