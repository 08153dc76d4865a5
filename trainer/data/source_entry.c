// SPDX-License-Identifier: Apache-2.0
// Entries of dataset_info.json, with the meaning that LLaMA-Factory's data/parser.py gives them. See
// source_entry.h.
#include "trainer/data/source_entry.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/nearest.h"
#include "engine/io/json.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct key {
    const char *name;
    const char
        *why; // true, or any text, asks for what there is not: why, and what to do. Else NULL
};

static const char download[] =
    "nothing is downloaded here; fetch its files and give a file or folder as \"file_name\"";

static const struct key entry_keys[] = {
    {"file_name", NULL},
    {"formatting", NULL},
    {"columns", NULL},
    {"tags", NULL},
    {"num_samples", NULL},
    {"split", NULL},
    {"file_sha1", NULL}, // of older files; LLaMA-Factory does not check it either
    {"hf_hub_url", download},
    {"ms_hub_url", download},
    {"om_hub_url", download},
    {"cloud_file_name", download},
    {"script_url",
        "scripts are not run here; let it write JSON Lines and give that file as \"file_name\""},
    {"subset", "a local file has no subsets; give the subset's file as \"file_name\""},
    {"folder", "for a local folder give its path as \"file_name\""},
    {"ranking", "pairs of preferences are for other stages than sft"},
};

struct column {
    const char *name;
    size_t offset;   // of a member of struct lw_record_format
    const char *why; // instead: why it cannot be used
};

#define MEMBER(name) offsetof(struct lw_record_format, name)
static const char media[] = "images, videos and sounds are not trained on here";

static const struct column columns[] = {
    {"messages", MEMBER(messages), NULL},
    {"prompt", MEMBER(prompt), NULL},
    {"query", MEMBER(query), NULL},
    {"response", MEMBER(response), NULL},
    {"history", MEMBER(history), NULL},
    {"system", MEMBER(system), NULL},
    {"tools", MEMBER(tools), NULL},
    {"images", 0, media},
    {"videos", 0, media},
    {"audios", 0, media},
    {"chosen", 0, "preferences are for other stages than sft"},
    {"rejected", 0, "preferences are for other stages than sft"},
    {"kto_tag", 0, "preferences are for other stages than sft"},
};

static const struct column tags[] = {
    {"role_tag", MEMBER(role_tag), NULL},
    {"content_tag", MEMBER(content_tag), NULL},
    {"user_tag", MEMBER(user_tag), NULL},
    {"assistant_tag", MEMBER(assistant_tag), NULL},
    {"observation_tag", MEMBER(observation_tag), NULL},
    {"function_tag", MEMBER(function_tag), NULL},
    {"system_tag", MEMBER(system_tag), NULL},
};

static bool is_set(const cJSON *value)
{
    return !cJSON_IsNull(value) && !cJSON_IsFalse(value) &&
           !(cJSON_IsString(value) && !value->valuestring[0]);
}

// Unknown keys are comments, as in LLaMA-Factory, unless they look like a slip of the keyboard.
static bool check_keys(const struct lw_json_scope *entry, struct lw_error *error)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, entry->object)
    {
        const struct key *key = NULL;
        for (size_t i = 0; i < COUNT(entry_keys); i++) {
            key = strcmp(entry_keys[i].name, item->string) ? key : &entry_keys[i];
        }
        const char *near = key ? NULL
                               : lw_nearest_name(item->string, &entry_keys[0].name,
                                     COUNT(entry_keys), sizeof entry_keys[0]);
        if (near) {
            return lw_fail(error, LW_BAD_INPUT, "%s: unknown key \"%.60s\"; did you mean \"%s\"?",
                entry->name, item->string, near);
        }
        if (key && key->why && is_set(item)) {
            return lw_fail(error, LW_BAD_INPUT, "%s: \"%s\": %s", entry->name, key->name, key->why);
        }
    }
    return true;
}

// Names from `table` of the object `key`. Once there is such an object, what it leaves out is unset,
// whatever the default was.
static bool read_names(const struct lw_json_scope *entry, const char *key,
    const struct column *table, size_t count, struct lw_record_format *format,
    struct lw_error *error)
{
    const cJSON *object = lw_json_find(entry, key);
    if (!object) {
        return true;
    }
    char name[360];
    snprintf(name, sizeof name, "%.300s, \"%s\"", entry->name, key);
    struct lw_json_scope scope = {object, name};
    if (!lw_json_is_object(&scope, error)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const char *text = NULL;
        if (!lw_json_optional_string(&scope, table[i].name, &text, error)) {
            return false;
        }
        if (text && !text[0]) {
            return lw_fail(error, LW_BAD_INPUT, "%s: \"%s\" is empty", name, table[i].name);
        }
        if (text && table[i].why) {
            return lw_fail(
                error, LW_BAD_INPUT, "%s: \"%s\": %s", name, table[i].name, table[i].why);
        }
        if (!table[i].why) {
            memcpy((char *)format + table[i].offset, &text, sizeof text);
        }
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        bool known = false;
        for (size_t i = 0; i < count; i++) {
            known = known || !strcmp(table[i].name, item->string);
        }
        if (!known) {
            const char *near = lw_nearest_name(item->string, &table[0].name, count, sizeof *table);
            return lw_fail(error, LW_BAD_INPUT, "%s: unknown key \"%.60s\"%s%s%s", name,
                item->string, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        }
    }
    return true;
}

// What a layout cannot do without.
static bool check_format(const struct lw_json_scope *entry, const struct lw_record_format *format,
    struct lw_error *error)
{
    const struct {
        bool present;
        const char *name;
    } sharegpt[] = {{format->messages, "columns: messages"}, {format->role_tag, "tags: role_tag"},
        {format->content_tag, "tags: content_tag"}, {format->user_tag, "tags: user_tag"},
        {format->assistant_tag, "tags: assistant_tag"}},
      alpaca[] = {{format->prompt || format->query, "columns: prompt"},
          {format->response, "columns: response"}};
    bool is_alpaca = format->layout == LW_LAYOUT_ALPACA;
    for (size_t i = 0; i < (is_alpaca ? COUNT(alpaca) : COUNT(sharegpt)); i++) {
        if (!(is_alpaca ? alpaca[i].present : sharegpt[i].present)) {
            return lw_fail(error, LW_BAD_INPUT,
                "%s does not give %s; where \"columns\" or \"tags\" stand, the names that they "
                "leave out have no default",
                entry->name, is_alpaca ? alpaca[i].name : sharegpt[i].name);
        }
    }
    return true;
}

static bool read_format(
    const struct lw_json_scope *entry, struct lw_record_format *format, struct lw_error *error)
{
    const char *formatting = "alpaca";
    if (!lw_json_optional_string(entry, "formatting", &formatting, error)) {
        return false;
    }
    bool alpaca = !strcmp(formatting, "alpaca");
    if (!alpaca && strcmp(formatting, "sharegpt")) {
        return lw_fail(error, LW_BAD_INPUT, "%s: formatting is alpaca or sharegpt, not \"%.40s\"%s",
            entry->name, formatting,
            strcmp(formatting, "openai") ? ""
                                         : "; for OpenAI's messages say sharegpt with columns "
                                           "(messages) and tags (role_tag: role, content_tag: "
                                           "content, user_tag: user, assistant_tag: assistant, "
                                           "system_tag: system)");
    }
    *format = lw_record_format_default(alpaca ? LW_LAYOUT_ALPACA : LW_LAYOUT_SHAREGPT);
    return read_names(entry, "columns", columns, COUNT(columns), format, error) &&
           read_names(entry, "tags", tags, COUNT(tags), format, error) &&
           check_format(entry, format, error);
}

bool lw_source_read_entry(const struct cJSON *entry, const char *info_path, const char *name,
    struct lw_source *source, const char **file_name, struct lw_error *error)
{
    char called[320];
    snprintf(called, sizeof called, "%.200s, \"%.100s\"", info_path, name);
    struct lw_json_scope scope = {entry, called};
    const char *split = "train";
    int64_t samples = 0;
    if (!lw_json_is_object(&scope, error) || !check_keys(&scope, error) ||
        !lw_json_string(&scope, "file_name", file_name, error) ||
        !read_format(&scope, &source->format, error) ||
        !lw_json_optional_integer(&scope, "num_samples", 1, UINT32_MAX, &samples, error) ||
        !lw_json_optional_string(&scope, "split", &split, error)) {
        return false;
    }
    if (strcmp(split, "train")) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: \"split\": a local file is all \"train\", it has no \"%.60s\"; give the split's "
            "file as \"file_name\"",
            called, split);
    }
    if (!(*file_name)[0]) {
        return lw_fail(error, LW_BAD_INPUT, "%s: \"file_name\" is empty", called);
    }
    source->num_samples = (uint64_t)samples;
    return true;
}
