// SPDX-License-Identifier: Apache-2.0
// Recognising templates by words of the model's own chat template. See recognise.h.
#include "engine/text/recognise.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/stringbuf.h"
#include "engine/io/json.h"

enum { most_words = 3, largest_template = 1 << 20 };

// A row fits when the model is of the type (or has none) and its chat template has all words of the
// one list and none of the other. The first row that fits counts.
struct recognised {
    const char *name;
    const char *model_type; // NULL: any
    const char *present[most_words], *absent[most_words];
};

static const struct recognised rows[] = {
    {"qwen", "qwen2", {"<|im_start|>", "You are Qwen, created by Alibaba Cloud"}, {"<think>"}},
    {"qwen3", "qwen3", {"<|im_start|>", "<think>"}, {NULL}},
    {"qwen3_nothink", "qwen3", {"<|im_start|>"}, {NULL}}, // Qwen3-Instruct-2507
    {"llama3", "llama", {"<|start_header_id|>", "<|eot_id|>"}, {NULL}},
    {"phi", "phi3", {"<|user|>\n", "<|end|>\n"}, {"<|im_sep|>"}},
    {"phi", "phi3", {"<|user|>", "<|end|>", "'\\n'"}, {"<|im_sep|>"}},
    {"phi", "phi3", {"<|user|>\\n", "<|end|>\\n"}, {"<|im_sep|>"}},
    {"phi4_mini", "phi3", {"<|tool|>", "<|/tool|>", "<|end|>"}, {"Your name is Phi"}},
    {"phi4", "phi3", {"<|im_start|>", "<|im_sep|>"}, {NULL}},
    {"llama2", "llama", {"[INST]", "<<SYS>>"}, {NULL}},
    {"mistral", "mistral", {"[INST] ", "[/INST]"}, {"[SYSTEM_PROMPT]"}},
    {"ministral", "mistral", {"[INST]", "[/INST]"}, {"[SYSTEM_PROMPT]"}},
    {"deepseekr1", NULL, {"<｜User｜>", "<｜Assistant｜>", "</think>"}, {NULL}},
    {"deepseek", "llama", {"User: ", "Assistant:"}, {"<think>"}},
    {"smollm2", "llama", {"<|im_start|>", "named SmolLM, trained by Hugging Face"}, {"<think>"}},
    // No default system prompt of their own and no thoughts.
    {"chatml", "llama", {"<|im_start|>", "<|im_end|>"}, {"You are", "<think>", "<|im_sep|>"}},
    {"chatml", "mistral", {"<|im_start|>", "<|im_end|>"}, {"You are", "<think>", "<|im_sep|>"}},
};

static bool add_names(struct lw_string *names, struct lw_error *error)
{
    bool done = true;
    for (size_t i = 0; done && lw_template_name_at(i); i++) {
        done = lw_string_addf(names, error, "%s%s", i ? ", " : "", lw_template_name_at(i));
    }
    return done;
}

static bool fits(const struct recognised *row, const char *model_type, const char *text)
{
    bool fit = !row->model_type || !*model_type || strcmp(row->model_type, model_type) == 0;
    for (size_t i = 0; i < most_words; i++) {
        fit = fit && (!row->present[i] || strstr(text, row->present[i])) &&
              (!row->absent[i] || !strstr(text, row->absent[i]));
    }
    return fit;
}

// The text of "chat_template", or of the one called "default" where there are several.
static const char *named_default(const cJSON *json)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, "chat_template");
    const cJSON *item = cJSON_IsArray(value) ? value->child : NULL;
    for (; item; item = item->next) {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(item, "name");
        if (cJSON_IsString(name) && strcmp(name->valuestring, "default") == 0) {
            value = cJSON_GetObjectItemCaseSensitive(item, "template");
        }
    }
    return cJSON_IsString(value) ? value->valuestring : NULL;
}

// Adds the chat template to `text`, which stays empty when the folder has none.
static bool read_chat_template(struct lw_string *text, const char *folder, struct lw_error *error)
{
    static const char *const files[] = {"tokenizer_config.json", "chat_template.json"};
    struct lw_string path = {0};
    char *bytes = NULL;
    size_t length;
    bool done = lw_string_addf(&path, error, "%s/chat_template.jinja", folder);
    if (done && lw_file_exists(path.data)) {
        done = lw_file_read_whole(path.data, largest_template, &bytes, &length, error) &&
               lw_string_add(text, bytes, length, error);
    }
    for (size_t i = 0; done && !text->length && i < sizeof files / sizeof *files; i++) {
        cJSON *json;
        done = lw_json_read_object(&json, folder, files[i], false, error);
        const char *found = named_default(json);
        done = done && (!found || lw_string_add(text, found, strlen(found), error));
        cJSON_Delete(json);
    }
    lw_free(bytes);
    lw_string_free(&path);
    return done;
}

static bool nothing_fits(const char *folder, const struct lw_string *text, struct lw_error *error)
{
    struct lw_string names = {0};
    if (add_names(&names, error)) {
        lw_fail(error, LW_BAD_INPUT, "%s: %s; say which template its conversations take: %s",
            folder,
            text->length ? "its chat template is none of those that are recognised"
                         : "it has no chat template to recognise",
            names.data);
    }
    lw_string_free(&names);
    return false;
}

static bool recognise(const struct lw_template **chosen, const char *folder, struct lw_error *error)
{
    struct lw_string text = {0};
    cJSON *config = NULL;
    const char *model_type = "";
    *chosen = NULL;
    bool done = read_chat_template(&text, folder, error) &&
                lw_json_read_object(&config, folder, "config.json", false, error);
    if (done && config) {
        const struct lw_json_scope scope = {config, "config.json"};
        done = lw_json_optional_string(&scope, "model_type", &model_type, error) ||
               lw_fail_in(error, "%s", folder);
    }
    for (size_t i = 0; done && !*chosen && i < sizeof rows / sizeof *rows; i++) {
        if (text.length && fits(&rows[i], model_type, text.data)) {
            *chosen = lw_template_find(rows[i].name);
        }
    }
    if (done && !*chosen) {
        done = nothing_fits(folder, &text, error);
    }
    cJSON_Delete(config);
    lw_string_free(&text);
    return done;
}

bool lw_template_choose(const struct lw_template **chosen, const char *name,
    const char *model_folder, struct lw_error *error)
{
    if (!name) {
        return recognise(chosen, model_folder, error);
    }
    *chosen = lw_template_find(name);
    if (!*chosen) {
        struct lw_string names = {0};
        if (add_names(&names, error)) {
            lw_fail(error, LW_USAGE, "template: there is no \"%s\"; known: %s", name, names.data);
        }
        lw_string_free(&names);
    }
    return *chosen != NULL;
}
