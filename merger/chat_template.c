// SPDX-License-Identifier: Apache-2.0
// See chat_template.h.
#include "merger/chat_template.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/io/json.h"
#include "engine/io/yaml_tree.h"
#include "merger/vocabulary.h"

enum { TEMPLATE_BYTES = 1 << 20 };

static const char file_name[] = "chat_template.jinja";

// As transformers gives it to models that have no other.
static const char chatml[] =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] "
    "+ '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\\n' }}{% endif %}";

// The template in a tokenizer_config.json: a text, or the default one of a list of named ones.
static const char *find_template(const cJSON *config)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(config, "chat_template");
    for (const cJSON *item = cJSON_IsArray(value) ? value->child : NULL; item; item = item->next) {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "name"));
        if (name && strcmp(name, "default") == 0) {
            value = cJSON_GetObjectItemCaseSensitive(item, "template");
            break;
        }
    }
    return cJSON_GetStringValue(value);
}

// A copy without white space at either end.
static char *stripped(const char *text, size_t length, struct lw_error *error)
{
    static const char white[] = " \t\r\n\v\f";
    while (length && strchr(white, *text)) {
        text++;
        length--;
    }
    while (length && strchr(white, text[length - 1])) {
        length--;
    }
    return lw_strndup(text, length, error);
}

// Sets *text to the template of a model's folder, owned; NULL where it has none.
static bool read_template(const char *folder, char **text, struct lw_error *error)
{
    struct lw_string path = {0};
    char *bytes = NULL;
    size_t size;
    cJSON *config = NULL;
    *text = NULL;
    bool done = lw_path_join(&path, folder, file_name, error);
    if (done && lw_file_exists(lw_string_text(&path))) {
        done = lw_file_read_whole(lw_string_text(&path), TEMPLATE_BYTES, &bytes, &size, error) &&
               (*text = stripped(bytes, size, error));
    } else if (done) {
        done = lw_json_read_object(&config, folder, "tokenizer_config.json", false, error);
        const char *found = done && config ? find_template(config) : NULL;
        done = done && (!found || (*text = stripped(found, strlen(found), error)));
    }
    cJSON_Delete(config);
    lw_free(bytes);
    lw_string_free(&path);
    return done;
}

static size_t count_same(char *const *texts, size_t count, const char *text)
{
    size_t same = 0;
    for (size_t i = 0; i < count; i++) {
        same += texts[i] && strcmp(texts[i], text) == 0;
    }
    return same;
}

static bool choose(struct lw_merge_plan *plan, struct lw_error *error)
{
    char **texts = lw_calloc(plan->parent_count, sizeof *texts, error);
    size_t most = 0, best = 0;
    bool done = texts != NULL;
    for (size_t i = 0; done && i < plan->parent_count; i++) {
        done = read_template(plan->parents[i].folder, &texts[i], error);
    }
    for (size_t i = 0; done && i < plan->parent_count; i++) {
        size_t same = texts[i] ? count_same(texts, plan->parent_count, texts[i]) : 0;
        best = same > most ? i : best;
        most = same > most ? same : most;
    }
    if (done && most && (!texts[0] || strcmp(texts[best], texts[0]) != 0)) {
        plan->chat_template = lw_strdup(texts[best], error);
        done = plan->chat_template != NULL;
    }
    for (size_t i = 0; texts && i < plan->parent_count; i++) {
        lw_free(texts[i]);
    }
    lw_free(texts);
    return done;
}

bool lw_merge_chat_template(struct lw_merge_plan *plan, struct lw_error *error)
{
    const struct lw_merge_recipe *recipe = plan->recipe;
    const char *text = recipe->chat_template;
    if (!text || !*text) {
        return true;
    }
    if (strcmp(text, "auto") == 0) {
        return choose(plan, error);
    }
    if (strcmp(text, "chatml") == 0) {
        text = chatml;
    } else if (strlen(text) < 20 || !strchr(text, '{')) {
        return lw_fail(error, LW_USAGE,
            "%s:%d: chat_template \"%.60s\" is not known; it can be auto, chatml or a Jinja text",
            recipe->name,
            lw_yaml_line(cJSON_GetObjectItemCaseSensitive(recipe->tree, "chat_template")), text);
    }
    plan->chat_template = lw_strdup(text, error);
    return plan->chat_template != NULL;
}

static bool write_tokenizer_config(
    const struct lw_merge_plan *plan, struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    static const char name[] = "tokenizer_config.json", key[] = "chat_template";
    const char *folder =
        plan->vocabulary ? lw_merge_vocabulary_folder(plan->vocabulary) : plan->parents[0].folder;
    cJSON *config = NULL;
    if (!lw_json_read_object(&config, folder, name, false, error)) {
        return false;
    }
    if (!config) {
        return true;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(config, key);
    char *text =
        cJSON_AddStringToObject(config, key, plan->chat_template) ? cJSON_Print(config) : NULL;
    bool written = text ? lw_checkpoint_writer_file(writer, name, text, strlen(text), error)
                        : lw_fail_memory(error, name, 0);
    cJSON_free(text);
    cJSON_Delete(config);
    return written;
}

bool lw_merge_write_chat_template(
    const struct lw_merge_plan *plan, struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    const char *text = plan->chat_template;
    return !text || (lw_checkpoint_writer_file(writer, file_name, text, strlen(text), error) &&
                        write_tokenizer_config(plan, writer, error));
}
