// SPDX-License-Identifier: Apache-2.0
// See yaml_tree.h (which is not called yaml.h: libyaml is). Libyaml's events build the tree from the top; a value is hung into its parent when it
// begins, so that whatever happens the root owns everything. cJSON keeps no lines: they are put where
// it keeps a number's integer, which nothing here reads (numbers are valuedouble).
#include "engine/io/yaml_tree.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "engine/base/alloc.h"
#include "engine/io/yaml_scalar.h"

enum { MOST_DEPTH = 64 };

// The key of a map's entries that are merged in when it ends; no key of a file has it as its text.
static const char merge_key[] = "\x01<<";

struct anchor {
    char *name;
    const cJSON *value;
};

struct reading {
    yaml_parser_t *parser;
    const char *name;
    struct lw_yaml_limits limits;
    cJSON *root, *merged;        // the document; values of <<, which are no part of it
    cJSON *open[MOST_DEPTH + 1]; // lists and maps that have not ended, outermost first
    size_t depth, values;
    char *key; // of the next value, where the innermost is a map; else NULL
    int key_line;
    struct anchor *anchors;
    size_t anchor_count, anchor_capacity;
    struct lw_error *error;
};

int lw_yaml_line(const cJSON *value)
{
    return value->valueint;
}

static int line_of(const yaml_event_t *event)
{
    return (int)event->start_mark.line + 1;
}

static bool refuse(struct reading *reading, int line, const char *reason)
{
    return lw_fail(reading->error, LW_USAGE, "%s:%d: %s", reading->name, line, reason);
}

static bool out_of_memory(struct reading *reading)
{
    return lw_fail_memory(reading->error, reading->name, 0);
}

// Hangs a value in its place; `value` is gone, whatever comes out. NULL: there was no memory for it.
static bool place(struct reading *reading, cJSON *value, int line)
{
    cJSON *parent = reading->depth ? reading->open[reading->depth - 1] : NULL;
    bool placed = value != NULL;
    if (value) {
        value->valueint = line;
    }
    if (value && !parent) {
        reading->root = value;
    } else if (value && reading->key) {
        value->valueint = reading->key_line;
        placed = cJSON_AddItemToObject(parent, reading->key, value);
    } else if (value) {
        placed = cJSON_AddItemToArray(parent, value);
    }
    lw_free(reading->key);
    reading->key = NULL;
    if (!placed) {
        cJSON_Delete(value);
        return out_of_memory(reading);
    }
    return true;
}

static bool count_values(struct reading *reading, size_t count, int line)
{
    reading->values += count;
    return (count <= reading->limits.values && reading->values <= reading->limits.values) ||
           refuse(reading, line, "too many values");
}

static bool add_anchor(struct reading *reading, const yaml_char_t *name, const cJSON *value)
{
    if (!name) {
        return true;
    }
    if (!lw_reserve(&reading->anchors, &reading->anchor_capacity, reading->anchor_count + 1,
            sizeof *reading->anchors, reading->error)) {
        return false;
    }
    char *copy = lw_strdup((const char *)name, reading->error);
    if (copy) {
        reading->anchors[reading->anchor_count++] = (struct anchor){copy, value};
    }
    return copy != NULL;
}

static size_t count_tree(const cJSON *value, size_t *depth)
{
    size_t count = 1, deepest = 0;
    for (const cJSON *child = value->child; child; child = child->next) {
        size_t below;
        count += count_tree(child, &below); // no deeper than MOST_DEPTH
        deepest = below + 1 > deepest ? below + 1 : deepest;
    }
    *depth = deepest;
    return count;
}

static bool read_alias(struct reading *reading, const yaml_event_t *event)
{
    const cJSON *value = NULL;
    size_t depth;
    for (size_t i = reading->anchor_count; !value && i-- > 0;) { // the last of the name holds
        if (strcmp(reading->anchors[i].name, (const char *)event->data.alias.anchor) == 0) {
            value = reading->anchors[i].value;
        }
    }
    if (!value) {
        return refuse(reading, line_of(event), "an alias of an anchor that is not there");
    }
    for (size_t i = 0; i < reading->depth; i++) {
        if (reading->open[i] == value) {
            return refuse(reading, line_of(event), "an alias inside of what it names");
        }
    }
    size_t count = count_tree(value, &depth);
    if (reading->depth + depth > reading->limits.depth) {
        return refuse(reading, line_of(event), "lists or maps nested too deep");
    }
    return count_values(reading, count, line_of(event)) &&
           place(reading, cJSON_Duplicate(value, true), line_of(event));
}

static bool is_tag(const yaml_char_t *tag, const char *kind)
{
    static const char prefix[] = "tag:yaml.org,2002:";
    const char *text = (const char *)tag;
    return strncmp(text, prefix, sizeof prefix - 1) == 0 &&
           strcmp(text + sizeof prefix - 1, kind) == 0;
}

static bool has_zero(const yaml_event_t *event)
{
    return strlen((const char *)event->data.scalar.value) != event->data.scalar.length;
}

// The kind of a scalar with its tag; -1: refused.
static int kind_of(struct reading *reading, const yaml_event_t *event, double *number)
{
    const char *text = (const char *)event->data.scalar.value;
    const yaml_char_t *tag = event->data.scalar.tag;
    enum lw_yaml_kind kind = lw_yaml_resolve(text, number);
    if (!tag) {
        return event->data.scalar.plain_implicit ? (int)kind : LW_YAML_TEXT;
    }
    if (strcmp((const char *)tag, "!") == 0 || is_tag(tag, "str")) {
        return LW_YAML_TEXT;
    }
    if ((is_tag(tag, "null") && kind == LW_YAML_NULL) ||
        (is_tag(tag, "bool") && kind == LW_YAML_BOOL) ||
        ((is_tag(tag, "int") || is_tag(tag, "float")) && kind == LW_YAML_NUMBER)) {
        return (int)kind;
    }
    lw_fail(reading->error, LW_USAGE, "%s:%d: the tag %.100s does not fit here", reading->name,
        line_of(event), tag);
    return -1;
}

// Takes a scalar as the key of the next value.
static bool read_key(struct reading *reading, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    const cJSON *map = reading->open[reading->depth - 1];
    bool merges = strcmp(text, "<<") == 0 && event->data.scalar.plain_implicit;
    if (has_zero(event) || strcmp(text, merge_key) == 0) {
        return refuse(reading, line_of(event), "a control character in a key");
    }
    const cJSON *before = cJSON_GetObjectItemCaseSensitive(map, merges ? merge_key : text);
    if (before) {
        return lw_fail(reading->error, LW_USAGE, "%s:%d: %.100s again; it has a value in line %d",
            reading->name, line_of(event), text, before->valueint);
    }
    reading->key = lw_strdup(merges ? merge_key : text, reading->error);
    reading->key_line = line_of(event);
    return reading->key != NULL;
}

static bool wants_key(const struct reading *reading)
{
    return reading->depth && cJSON_IsObject(reading->open[reading->depth - 1]) && !reading->key;
}

static bool read_scalar(struct reading *reading, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    double number;
    if (wants_key(reading)) {
        return (!event->data.scalar.anchor ||
                   refuse(reading, line_of(event), "an anchor at a key")) &&
               read_key(reading, event);
    }
    if (has_zero(event)) {
        return refuse(reading, line_of(event), "a zero character, which no text here may hold");
    }
    int kind = kind_of(reading, event, &number);
    if (kind < 0 || !count_values(reading, 1, line_of(event))) {
        return false;
    }
    cJSON *value = kind == LW_YAML_NULL     ? cJSON_CreateNull()
                   : kind == LW_YAML_BOOL   ? cJSON_CreateBool(number != 0)
                   : kind == LW_YAML_NUMBER ? cJSON_CreateNumber(number)
                                            : cJSON_CreateString(text);
    return place(reading, value, line_of(event)) &&
           add_anchor(reading, event->data.scalar.anchor, value);
}

static bool begin(struct reading *reading, const yaml_event_t *event, bool map)
{
    const yaml_char_t *anchor =
        map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    const yaml_char_t *tag = map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    int line = line_of(event);
    if (wants_key(reading)) {
        return refuse(reading, line, "a key that is a list or a map");
    }
    if (tag && strcmp((const char *)tag, "!") != 0 && !is_tag(tag, map ? "map" : "seq")) {
        return lw_fail(reading->error, LW_USAGE, "%s:%d: the tag %.100s does not fit here",
            reading->name, line, tag);
    }
    if (reading->depth >= reading->limits.depth) {
        return refuse(reading, line, "lists or maps nested too deep");
    }
    cJSON *value = map ? cJSON_CreateObject() : cJSON_CreateArray();
    if (!count_values(reading, 1, line)) {
        cJSON_Delete(value);
        return false;
    }
    if (!place(reading, value, line) || !add_anchor(reading, anchor, value)) {
        return false;
    }
    reading->open[reading->depth++] = value;
    return true;
}

// Adds the entries of `from` whose keys `map` lacks.
static bool merge_map(struct reading *reading, cJSON *map, const cJSON *from, int line)
{
    if (!cJSON_IsObject(from)) {
        return refuse(reading, line, "<< takes a map or a list of maps");
    }
    for (const cJSON *entry = from->child; entry; entry = entry->next) {
        if (cJSON_GetObjectItemCaseSensitive(map, entry->string)) {
            continue;
        }
        size_t depth;
        cJSON *copy = NULL;
        if (!count_values(reading, count_tree(entry, &depth), line)) {
            return false;
        }
        copy = cJSON_Duplicate(entry, true);
        if (!copy || !cJSON_AddItemToObject(map, entry->string, copy)) {
            cJSON_Delete(copy);
            return out_of_memory(reading);
        }
    }
    return true;
}

static bool end(struct reading *reading, int line)
{
    cJSON *value = reading->open[--reading->depth];
    cJSON *merged =
        cJSON_IsObject(value) ? cJSON_DetachItemFromObjectCaseSensitive(value, merge_key) : NULL;
    bool done = true;
    if (merged && cJSON_IsArray(merged)) {
        for (const cJSON *from = merged->child; done && from; from = from->next) {
            done = merge_map(reading, value, from, line);
        }
    } else if (merged) {
        done = merge_map(reading, value, merged, lw_yaml_line(merged));
    }
    // An anchor may stand in what was merged: it is kept to the end.
    if (merged && !cJSON_AddItemToArray(reading->merged, merged)) {
        cJSON_Delete(merged);
        return out_of_memory(reading);
    }
    return done;
}

static bool read_event(struct reading *reading, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return !reading->root ||
               refuse(reading, line_of(event), "a second document; a file holds one");
    case YAML_ALIAS_EVENT:
        return wants_key(reading) ? refuse(reading, line_of(event), "an alias as a key")
                                  : read_alias(reading, event);
    case YAML_SCALAR_EVENT:
        return read_scalar(reading, event);
    case YAML_SEQUENCE_START_EVENT:
        return begin(reading, event, false);
    case YAML_MAPPING_START_EVENT:
        return begin(reading, event, true);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return end(reading, line_of(event));
    default:
        return true;
    }
}

static bool read_events(struct reading *reading)
{
    for (bool more = true; more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(reading->parser, &event)) {
            const yaml_parser_t *parser = reading->parser;
            return parser->error == YAML_MEMORY_ERROR
                       ? out_of_memory(reading)
                       : refuse(reading, (int)parser->problem_mark.line + 1,
                             parser->problem ? parser->problem : "not YAML");
        }
        more = event.type != YAML_STREAM_END_EVENT;
        bool done = read_event(reading, &event);
        yaml_event_delete(&event);
        if (!done) {
            return false;
        }
    }
    return true;
}

cJSON *lw_yaml_parse(const char *text, size_t length, const char *name,
    const struct lw_yaml_limits *limits, struct lw_error *error)
{
    yaml_parser_t parser;
    struct reading reading = {.parser = &parser, .name = name, .error = error};
    reading.limits = limits ? *limits : reading.limits;
    reading.limits.bytes = reading.limits.bytes ? reading.limits.bytes : (size_t)1 << 20;
    reading.limits.depth = reading.limits.depth ? reading.limits.depth : 32;
    reading.limits.depth = reading.limits.depth < MOST_DEPTH ? reading.limits.depth : MOST_DEPTH;
    reading.limits.values = reading.limits.values ? reading.limits.values : 20000;
    if (length > reading.limits.bytes) {
        lw_fail(error, LW_USAGE, "%s: %zu bytes of YAML, more than the %zu that are accepted", name,
            length, reading.limits.bytes);
        return NULL;
    }
    if (!yaml_parser_initialize(&parser)) {
        lw_fail_memory(error, name, length);
        return NULL;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    reading.merged = cJSON_CreateArray();
    bool done = reading.merged ? read_events(&reading) : out_of_memory(&reading);
    if (done && !reading.root) {
        done = place(&reading, cJSON_CreateNull(), 1);
    }
    yaml_parser_delete(&parser);
    for (size_t i = 0; i < reading.anchor_count; i++) {
        lw_free(reading.anchors[i].name);
    }
    lw_free(reading.anchors);
    lw_free(reading.key);
    cJSON_Delete(reading.merged);
    if (!done) {
        cJSON_Delete(reading.root);
        return NULL;
    }
    return reading.root;
}
