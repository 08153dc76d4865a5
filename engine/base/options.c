// SPDX-License-Identifier: Apache-2.0
// Options by table: reading, printing, describing. See options.h.
#include "engine/base/options.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/nearest.h"
#include "engine/base/options_private.h"
#include "engine/base/stringbuf.h"

static void *member_of(const struct lw_option *row, void *values)
{
    return (char *)values + row->offset;
}

static bool is_foreign(const struct lw_option *row)
{
    return row->type == LW_OPTION_IGNORED || row->type == LW_OPTION_REFUSED;
}

// The letters of an entry of `choices` that are the key, before "=" and harmless values.
static size_t key_length(const char *entry)
{
    return strcspn(entry, "=");
}

// Of a row of foreign keys the entry for `name`, or NULL.
static const char *find_entry(const struct lw_option *row, const char *name)
{
    size_t length = strlen(name);
    for (const char *const *entry = row->choices; *entry; entry++) {
        if (key_length(*entry) == length && memcmp(*entry, name, length) == 0) {
            return *entry;
        }
    }
    return NULL;
}

const struct lw_option *lw_options_find(const struct lw_option *table, const char *name)
{
    for (; table->name; table++) {
        bool named = table->type != LW_OPTION_HEADING && strcmp(table->name, name) == 0;
        if (is_foreign(table) ? find_entry(table, name) != NULL : named) {
            return table;
        }
    }
    return NULL;
}

static bool has_limits(const struct lw_option *row)
{
    return row->minimum != 0 || row->maximum != 0;
}

static bool refuse(
    const struct lw_option *row, const char *found, const char *source, struct lw_error *error)
{
    struct lw_string wanted = {0};
    if (lw_option_describe(row, &wanted, error)) {
        // Where there is one choice, its help says why.
        bool single = row->type == LW_OPTION_CHOICE && !row->choices[1];
        lw_fail(error, LW_USAGE, "%s: %s must be %s, found \"%.200s\"%s%s", source, row->name,
            lw_string_text(&wanted), found, single ? ": " : "", single ? row->help : "");
    }
    lw_string_free(&wanted);
    return false;
}

// YAML 1.1's spellings, which recipes come with.
static bool parse_bool(const char *text, bool *value)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = {{"true", true}, {"True", true}, {"TRUE", true}, {"yes", true}, {"Yes", true},
        {"YES", true}, {"on", true}, {"On", true}, {"ON", true}, {"false", false}, {"False", false},
        {"FALSE", false}, {"no", false}, {"No", false}, {"NO", false}, {"off", false},
        {"Off", false}, {"OFF", false}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].text, text) == 0) {
            *value = words[i].value;
            return true;
        }
    }
    return false;
}

static bool in_limits(const struct lw_option *row, double value)
{
    return !has_limits(row) || (value >= row->minimum && value <= row->maximum);
}

static bool parse_integer(const struct lw_option *row, const char *text, int64_t *value)
{
    char *end;
    const char *digits = text + (text[0] == '-' || text[0] == '+');
    if (!digits[0] || strspn(digits, "0123456789") != strlen(digits)) {
        return false;
    }
    errno = 0;
    long long number = strtoll(text, &end, 10);
    *value = number;
    return !errno && in_limits(row, (double)number);
}

static bool read_number(const char *text, double *value)
{
    char *end;
    if (!text[0] || strspn(text, "0123456789+-.eE") != strlen(text)) {
        return false; // what strtod takes besides: hexadecimal, inf, nan, leading space
    }
    *value = strtod(text, &end);
    return !*end && isfinite(*value);
}

static bool parse_number(const struct lw_option *row, const char *text, double *value)
{
    return read_number(text, value) && in_limits(row, *value);
}

// "true" and "false" among the choices may be spelled as in YAML.
static bool parse_choice(const struct lw_option *row, const char *text, int *value)
{
    bool truth = false, choice = false;
    bool is_bool = parse_bool(text, &truth);
    for (int i = 0; row->choices[i]; i++) {
        bool word = strcmp(row->choices[i], "true") == 0 || strcmp(row->choices[i], "false") == 0;
        if (strcmp(row->choices[i], text) == 0 ||
            (word && is_bool && parse_bool(row->choices[i], &choice) && choice == truth)) {
            *value = i;
            return true;
        }
    }
    return false;
}

static void free_list(struct lw_option_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        lw_free(list->items[i]);
    }
    lw_free(list->items);
    *list = (struct lw_option_list){0};
}

static bool add_item(struct lw_option_list *list, const char *text, size_t length, size_t *capacity,
    struct lw_error *error)
{
    char *item;
    if (!lw_reserve(&list->items, capacity, list->count + 1, sizeof *list->items, error) ||
        !(item = lw_strndup(text, length, error))) {
        return false;
    }
    list->items[list->count++] = item;
    return true;
}

// The `length` letters of `text` between commas, spaces around the parts taken off.
static bool parse_list(
    const char *text, size_t length, struct lw_option_list *list, struct lw_error *error)
{
    const char *all = text + length;
    size_t capacity = 0;
    *list = (struct lw_option_list){0};
    while (text < all) {
        const char *comma = memchr(text, ',', (size_t)(all - text));
        const char *start = text, *end = comma ? comma : all;
        text = comma ? comma + 1 : all;
        while (start < end && strchr(" \t\r\n", *start)) {
            start++;
        }
        while (end > start && strchr(" \t\r\n", end[-1])) {
            end--;
        }
        if (start < end && !add_item(list, start, (size_t)(end - start), &capacity, error)) {
            free_list(list);
            return false;
        }
    }
    return true;
}

// A part of a pair: without the spaces and quotes around it.
static size_t trim(const char **text, size_t length)
{
    static const char around[] = " \t\r\n\"'";
    while (length && strchr(around, **text)) {
        (*text)++;
        length--;
    }
    while (length && strchr(around, (*text)[length - 1])) {
        length--;
    }
    return length;
}

// Puts "name: value" in the place of an item of that meaning; false for anything else, and, with
// the error set, without memory.
static bool tidy_pair(char **item, struct lw_error *error)
{
    const char *name = *item, *colon = strchr(name, ':'), *value = colon ? colon + 1 : name;
    size_t name_length = colon ? trim(&name, (size_t)(colon - name)) : 0;
    size_t value_length = trim(&value, strlen(value));
    if (!name_length || !value_length || strpbrk(*item, "{}[]")) {
        return false;
    }
    struct lw_string pair = {0};
    bool made = lw_string_addf(
        &pair, error, "%.*s: %.*s", (int)name_length, name, (int)value_length, value);
    char *copy = made ? lw_strndup(pair.data, pair.length, error) : NULL;
    if (copy) {
        lw_free(*item);
        *item = copy;
    }
    lw_string_free(&pair);
    return copy != NULL;
}

static bool store_map(const struct lw_option *row, struct lw_option_list *member, const char *text,
    const char *source, struct lw_error *error)
{
    const char *inner = text;
    size_t length = trim(&inner, strlen(text));
    struct lw_option_list list = {0};
    struct lw_error problem = {0};
    bool done = length >= 2 && inner[0] == '{' && inner[length - 1] == '}' &&
                parse_list(inner + 1, length - 2, &list, &problem);
    for (size_t i = 0; done && i < list.count; i++) {
        done = tidy_pair(&list.items[i], &problem);
    }
    if (done) {
        free_list(member);
        *member = list;
        return true;
    }
    free_list(&list);
    return problem.status == LW_OK ? refuse(row, text, source, error)
                                   : lw_fail(error, problem.status, "%s", problem.message);
}

static bool store(const struct lw_option *row, void *values, const char *text, const char *source,
    struct lw_error *error)
{
    void *member = member_of(row, values);
    switch (row->type) {
    case LW_OPTION_BOOL: {
        bool value;
        if (!parse_bool(text, &value)) {
            return refuse(row, text, source, error);
        }
        *(bool *)member = value;
        return true;
    }
    case LW_OPTION_INTEGER: {
        int64_t value;
        if (!parse_integer(row, text, &value)) {
            return refuse(row, text, source, error);
        }
        *(int64_t *)member = value;
        return true;
    }
    case LW_OPTION_NUMBER: {
        double value;
        if (!parse_number(row, text, &value)) {
            return refuse(row, text, source, error);
        }
        *(double *)member = value;
        return true;
    }
    case LW_OPTION_CHOICE: {
        int value;
        if (!parse_choice(row, text, &value)) {
            return refuse(row, text, source, error);
        }
        *(int *)member = value;
        return true;
    }
    case LW_OPTION_STRING: {
        char *copy = lw_strdup(text, error);
        if (!copy) {
            return false;
        }
        lw_free(*(char **)member);
        *(char **)member = copy;
        return true;
    }
    case LW_OPTION_LIST: {
        struct lw_option_list list;
        if (!parse_list(text, strlen(text), &list, error)) {
            return false;
        }
        free_list(member);
        *(struct lw_option_list *)member = list;
        return true;
    }
    case LW_OPTION_MAP:
        return store_map(row, member, text, source, error);
    case LW_OPTION_IGNORED:
    case LW_OPTION_REFUSED:
    case LW_OPTION_HEADING:
        break; // lw_options_set deals with foreign keys
    }
    return false;
}

// Remembers, once, that the key was given.
static bool note(const char *name, struct lw_option_list *member, struct lw_error *error)
{
    for (size_t i = 0; i < member->count; i++) {
        if (strcmp(member->items[i], name) == 0) {
            return true;
        }
    }
    size_t capacity = member->count;
    return add_item(member, name, strlen(name), &capacity, error);
}

// Whether two texts are the same value, as a switch, a number or a word.
static bool same_value(const char *one, const char *other)
{
    bool first, second;
    double left, right;
    return strcmp(one, other) == 0 ||
           (parse_bool(one, &first) && parse_bool(other, &second) && first == second) ||
           (read_number(one, &left) && read_number(other, &right) && left == right);
}

// Whether `text` is one of the values after "=" in "key=value|value".
static bool is_harmless(const char *entry, const char *text)
{
    char value[64];
    for (entry += key_length(entry); *entry; entry += strcspn(entry, "|")) {
        entry++;
        snprintf(value, sizeof value, "%.*s", (int)strcspn(entry, "|"), entry);
        if (same_value(value, text)) {
            return true;
        }
    }
    return false;
}

static bool set_foreign(const struct lw_option *row, void *values, const char *name,
    const char *text, const char *source, struct lw_error *error)
{
    if (row->type == LW_OPTION_IGNORED) {
        return note(name, member_of(row, values), error);
    }
    return is_harmless(find_entry(row, name), text) ||
           lw_fail(error, LW_USAGE, "%s: %s: %.100s cannot be done here: %s", source, name, text,
               row->help);
}

static void clear(const struct lw_option *row, void *values)
{
    void *member = member_of(row, values);
    switch (row->type) {
    case LW_OPTION_BOOL:
        *(bool *)member = false;
        break;
    case LW_OPTION_INTEGER:
        *(int64_t *)member = 0;
        break;
    case LW_OPTION_NUMBER:
        *(double *)member = 0;
        break;
    case LW_OPTION_CHOICE:
        *(int *)member = 0;
        break;
    case LW_OPTION_STRING:
        *(char **)member = NULL;
        break;
    case LW_OPTION_LIST:
    case LW_OPTION_MAP:
    case LW_OPTION_IGNORED:
        *(struct lw_option_list *)member = (struct lw_option_list){0};
        break;
    case LW_OPTION_REFUSED:
    case LW_OPTION_HEADING:
        break;
    }
}

bool lw_options_defaults(const struct lw_option *table, void *values, struct lw_error *error)
{
    for (const struct lw_option *row = table; row->name; row++) {
        clear(row, values);
    }
    for (const struct lw_option *row = table; row->name; row++) {
        if (row->default_text && !store(row, values, row->default_text, "default", error)) {
            return false;
        }
    }
    return true;
}

// Names the nearest of the keys that have a value.
static bool refuse_unknown(
    const struct lw_option *table, const char *name, const char *source, struct lw_error *error)
{
    size_t rows = 0, count = 0;
    while (table[rows].name) {
        rows++;
    }
    const char **names = lw_calloc(rows + 1, sizeof *names, NULL);
    for (size_t i = 0; names && i < rows; i++) {
        if (!is_foreign(&table[i]) && table[i].type != LW_OPTION_HEADING) {
            names[count++] = table[i].name;
        }
    }
    const char *nearest = lw_nearest_name(name, names, count, sizeof *names);
    lw_free(names);
    return nearest ? lw_fail(error, LW_USAGE, "%s: there is no option %.100s; did you mean %s?",
                         source, name, nearest)
                   : lw_fail(error, LW_USAGE, "%s: there is no option %.100s", source, name);
}

bool lw_options_set(const struct lw_option *table, void *values, const char *name, const char *text,
    const char *source, struct lw_error *error)
{
    const struct lw_option *row = lw_options_find(table, name);
    if (!row) {
        return refuse_unknown(table, name, source, error);
    }
    int null;
    if (!text && (row->type != LW_OPTION_CHOICE || !parse_choice(row, "null", &null))) {
        return true;
    }
    text = text ? text : "null";
    return is_foreign(row) ? set_foreign(row, values, name, text, source, error)
                           : store(row, values, text, source, error);
}

bool lw_options_assign(
    const struct lw_option *table, void *values, const char *assignment, struct lw_error *error)
{
    const char *start = assignment + (strncmp(assignment, "--", 2) == 0 ? 2 : 0);
    const char *equals = strchr(start, '=');
    if (!equals || equals == start) {
        return lw_fail(
            error, LW_USAGE, "command line: \"%.100s\" is not of the form key=value", assignment);
    }
    char *name = lw_strndup(start, (size_t)(equals - start), error);
    bool done = name && lw_options_set(table, values, name, equals + 1, "command line", error);
    lw_free(name);
    return done;
}

void lw_options_free(const struct lw_option *table, void *values)
{
    for (const struct lw_option *row = table; row->name; row++) {
        if (row->type == LW_OPTION_STRING) {
            lw_free(*(char **)member_of(row, values));
        } else if (row->type == LW_OPTION_LIST || row->type == LW_OPTION_MAP ||
                   row->type == LW_OPTION_IGNORED) {
            free_list(member_of(row, values));
        }
        clear(row, values);
    }
}
