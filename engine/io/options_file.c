// SPDX-License-Identifier: Apache-2.0
// Recipes in YAML. See options_file.h.
#include "engine/io/options_file.h"

#include <string.h>
#include <yaml.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/stringbuf.h"

enum { RECIPE_BYTES = 1 << 20 };

struct reading {
    const struct lw_option *table;
    void *values;
    const char *path;
    yaml_document_t *document;
    struct lw_string value, source;
    struct lw_error *error;
};

static unsigned long line_of(const yaml_node_t *node)
{
    return (unsigned long)node->start_mark.line + 1;
}

static const char *text_of(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

// A zero byte, written as "\0", would end the text early.
static bool is_text(const yaml_node_t *node)
{
    return node && node->type == YAML_SCALAR_NODE &&
           strlen(text_of(node)) == node->data.scalar.length;
}

static bool is_null(const yaml_node_t *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        return false;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(text_of(node), words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool refuse_value(struct reading *reading, const char *key, const yaml_node_t *node)
{
    return lw_fail(reading->error, LW_USAGE,
        "%s:%lu: the value of %.100s must be a number, a text, or a list of texts without commas",
        reading->path, line_of(node), key);
}

// Puts a list's items in reading->value, with commas between.
static bool gather_list(struct reading *reading, const char *key, const yaml_node_t *node)
{
    const yaml_node_item_t *item = node->data.sequence.items.start;
    for (; item < node->data.sequence.items.top; item++) {
        const yaml_node_t *part = yaml_document_get_node(reading->document, *item);
        if (!is_text(part) || strchr(text_of(part), ',')) {
            return refuse_value(reading, key, node);
        }
        if (!lw_string_addf(&reading->value, reading->error, "%s%s",
                item == node->data.sequence.items.start ? "" : ",", text_of(part))) {
            return false;
        }
    }
    return true;
}

// Puts a map in reading->value as "{name: value, ...}"; what is deeper is "[]", which no map that is
// flat takes.
static bool gather_map(struct reading *reading, const yaml_node_t *node)
{
    const yaml_node_pair_t *first = node->data.mapping.pairs.start;
    bool done = true;
    for (const yaml_node_pair_t *pair = first; pair < node->data.mapping.pairs.top && done;
         pair++) {
        const yaml_node_t *name = yaml_document_get_node(reading->document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(reading->document, pair->value);
        done =
            lw_string_addf(&reading->value, reading->error, "%s%s: %s", pair == first ? "{" : ", ",
                is_text(name) ? text_of(name) : "[]", is_text(value) ? text_of(value) : "[]");
    }
    return done && lw_string_addf(&reading->value, reading->error, "%s",
                       first == node->data.mapping.pairs.top ? "{}" : "}");
}

// Puts the node's value in reading->value.
static bool gather_value(struct reading *reading, const char *key, const yaml_node_t *node)
{
    const struct lw_option *row = lw_options_find(reading->table, key);
    bool foreign = row && (row->type == LW_OPTION_IGNORED || row->type == LW_OPTION_REFUSED);
    lw_string_clear(&reading->value);
    if (is_text(node)) {
        return lw_string_addf(&reading->value, reading->error, "%s", text_of(node));
    }
    if (node->type == YAML_MAPPING_NODE && row && (foreign || row->type == LW_OPTION_MAP)) {
        return gather_map(reading, node);
    }
    if (node->type == YAML_SEQUENCE_NODE && foreign) {
        return lw_string_addf(&reading->value, reading->error, "[...]");
    }
    return node->type == YAML_SEQUENCE_NODE ? gather_list(reading, key, node)
                                            : refuse_value(reading, key, node);
}

static bool read_pair(struct reading *reading, const yaml_node_t *key, const yaml_node_t *value)
{
    bool absent = is_null(value);
    lw_string_clear(&reading->source);
    return (absent || gather_value(reading, text_of(key), value)) &&
           lw_string_addf(
               &reading->source, reading->error, "%s:%lu", reading->path, line_of(key)) &&
           lw_options_set(reading->table, reading->values, text_of(key),
               absent ? NULL : lw_string_text(&reading->value), lw_string_text(&reading->source),
               reading->error);
}

static bool read_map(struct reading *reading, const yaml_node_t *map)
{
    const yaml_node_pair_t *first = map->data.mapping.pairs.start;
    for (const yaml_node_pair_t *pair = first; pair < map->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(reading->document, pair->key);
        if (!is_text(key)) {
            return lw_fail(reading->error, LW_USAGE, "%s:%lu: a key must be a text", reading->path,
                line_of(key));
        }
        for (const yaml_node_pair_t *other = first; other < pair; other++) {
            const yaml_node_t *before = yaml_document_get_node(reading->document, other->key);
            if (strcmp(text_of(before), text_of(key)) == 0) {
                return lw_fail(reading->error, LW_USAGE,
                    "%s:%lu: %.100s again; it has a value in line %lu", reading->path, line_of(key),
                    text_of(key), line_of(before));
            }
        }
        if (!read_pair(reading, key, yaml_document_get_node(reading->document, pair->value))) {
            return false;
        }
    }
    return true;
}

static bool read_document(
    struct reading *reading, const char *text, size_t size, yaml_parser_t *parser)
{
    yaml_document_t document;
    yaml_parser_set_input_string(parser, (const unsigned char *)text, size);
    if (!yaml_parser_load(parser, &document)) {
        const char *problem = parser->problem ? parser->problem : "not YAML";
        return parser->error == YAML_MEMORY_ERROR
                   ? lw_fail_memory(reading->error, reading->path, size)
                   : lw_fail(reading->error, LW_USAGE, "%s:%lu: %s", reading->path,
                         (unsigned long)parser->problem_mark.line + 1, problem);
    }
    reading->document = &document;
    const yaml_node_t *root = yaml_document_get_root_node(&document);
    bool done;
    if (!root || is_null(root)) {
        done = true; // an empty file, or only comments: everything stays as it is
    } else if (root->type == YAML_MAPPING_NODE) {
        done = read_map(reading, root);
    } else {
        done = lw_fail(reading->error, LW_USAGE, "%s:%lu: expected lines of the form `key: value`",
            reading->path, line_of(root));
    }
    yaml_document_delete(&document);
    reading->document = NULL;
    return done;
}

bool lw_options_read(
    const struct lw_option *table, void *values, const char *path, struct lw_error *error)
{
    char *text = NULL;
    size_t size;
    yaml_parser_t parser;
    if (!lw_file_read_whole(path, RECIPE_BYTES, &text, &size, error)) {
        return false;
    }
    if (!yaml_parser_initialize(&parser)) {
        lw_free(text);
        return lw_fail_memory(error, path, size);
    }
    struct reading reading = {.table = table, .values = values, .path = path, .error = error};
    bool done = read_document(&reading, text, size, &parser);
    yaml_parser_delete(&parser);
    lw_string_free(&reading.value);
    lw_string_free(&reading.source);
    lw_free(text);
    return done;
}
