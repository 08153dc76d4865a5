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
#include "engine/base/stringbuf.h"

static void *member_of(const struct lw_option *row, void *values)
{
    return (char *)values + row->offset;
}

static const struct lw_option *find_row(const struct lw_option *table, const char *name)
{
    for (; table->name; table++) {
        if (strcmp(table->name, name) == 0) {
            return table;
        }
    }
    return NULL;
}

static bool has_limits(const struct lw_option *row)
{
    return row->minimum != 0 || row->maximum != 0;
}

// Appends what the option takes: "a number from 0 to 1".
static bool describe(const struct lw_option *row, struct lw_string *text, struct lw_error *error)
{
    static const char *const kinds[] = {
        [LW_OPTION_BOOL] = "true or false",
        [LW_OPTION_INTEGER] = "a whole number",
        [LW_OPTION_NUMBER] = "a number",
        [LW_OPTION_STRING] = "a text",
        [LW_OPTION_CHOICE] = "one of",
        [LW_OPTION_LIST] = "a list, comma-separated",
    };
    if (!lw_string_addf(text, error, "%s", kinds[row->type])) {
        return false;
    }
    if (row->type == LW_OPTION_CHOICE) {
        for (const char *const *choice = row->choices; *choice; choice++) {
            const char *separator = choice == row->choices ? "" : ",";
            if (!lw_string_addf(text, error, "%s %s", separator, *choice)) {
                return false;
            }
        }
    }
    bool numeric = row->type == LW_OPTION_INTEGER || row->type == LW_OPTION_NUMBER;
    if (!numeric || !has_limits(row)) {
        return true;
    }
    return isfinite(row->maximum) && row->maximum < 0x1p62
               ? lw_string_addf(text, error, " from %.15g to %.15g", row->minimum, row->maximum)
               : lw_string_addf(text, error, " from %.15g up", row->minimum);
}

static bool refuse(
    const struct lw_option *row, const char *found, const char *source, struct lw_error *error)
{
    struct lw_string wanted = {0};
    if (describe(row, &wanted, error)) {
        lw_fail(error, LW_USAGE, "%s: %s must be %s, found \"%.200s\"", source, row->name,
            lw_string_text(&wanted), found);
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

static bool parse_number(const struct lw_option *row, const char *text, double *value)
{
    char *end;
    if (!text[0] || strspn(text, "0123456789+-.eE") != strlen(text)) {
        return false; // what strtod takes besides: hexadecimal, inf, nan, leading space
    }
    *value = strtod(text, &end);
    return !*end && isfinite(*value) && in_limits(row, *value);
}

static bool parse_choice(const struct lw_option *row, const char *text, int *value)
{
    for (int i = 0; row->choices[i]; i++) {
        if (strcmp(row->choices[i], text) == 0) {
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

static bool parse_list(const char *text, struct lw_option_list *list, struct lw_error *error)
{
    size_t capacity = 0;
    *list = (struct lw_option_list){0};
    while (*text) {
        size_t length = strcspn(text, ",");
        size_t start = strspn(text, " \t\r\n");
        size_t end = length;
        while (end > start && strchr(" \t\r\n", text[end - 1])) {
            end--;
        }
        if (start < end) {
            char *item = NULL;
            if (!lw_reserve(&list->items, &capacity, list->count + 1, sizeof *list->items, error) ||
                !(item = lw_strndup(text + start, end - start, error))) {
                free_list(list);
                return false;
            }
            list->items[list->count++] = item;
        }
        text += length + (text[length] == ',');
    }
    return true;
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
        if (!parse_list(text, &list, error)) {
            return false;
        }
        free_list(member);
        *(struct lw_option_list *)member = list;
        return true;
    }
    }
    return false;
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
        *(struct lw_option_list *)member = (struct lw_option_list){0};
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

bool lw_options_set(const struct lw_option *table, void *values, const char *name, const char *text,
    const char *source, struct lw_error *error)
{
    const struct lw_option *row = find_row(table, name);
    if (row) {
        return !text || store(row, values, text, source, error);
    }
    size_t count = 0;
    while (table[count].name) {
        count++;
    }
    const char *nearest = lw_nearest_name(name, &table->name, count, sizeof *table);
    return nearest ? lw_fail(error, LW_USAGE, "%s: there is no option %.100s; did you mean %s?",
                         source, name, nearest)
                   : lw_fail(error, LW_USAGE, "%s: there is no option %.100s", source, name);
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
        } else if (row->type == LW_OPTION_LIST) {
            free_list(member_of(row, values));
        }
        clear(row, values);
    }
}

// The shortest of the precisions that reads back as the same double.
static bool print_number(double value, struct lw_string *text, struct lw_error *error)
{
    char digits[40];
    int precision = 6;
    do {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
    } while (strtod(digits, NULL) != value && precision++ < 17);
    return lw_string_addf(text, error, "%s", digits);
}

bool lw_options_print(
    const struct lw_option *row, const void *values, struct lw_string *text, struct lw_error *error)
{
    const void *member = (const char *)values + row->offset;
    switch (row->type) {
    case LW_OPTION_BOOL:
        return lw_string_addf(text, error, "%s", *(const bool *)member ? "true" : "false");
    case LW_OPTION_INTEGER:
        return lw_string_addf(text, error, "%lld", (long long)*(const int64_t *)member);
    case LW_OPTION_NUMBER:
        return print_number(*(const double *)member, text, error);
    case LW_OPTION_CHOICE:
        return lw_string_addf(text, error, "%s", row->choices[*(const int *)member]);
    case LW_OPTION_STRING: {
        const char *string = *(char *const *)member;
        return lw_string_addf(text, error, "%s", string ? string : "");
    }
    case LW_OPTION_LIST: {
        const struct lw_option_list *list = member;
        bool done = true;
        for (size_t i = 0; done && i < list->count; i++) {
            done = lw_string_addf(text, error, "%s%s", i ? "," : "", list->items[i]);
        }
        return done;
    }
    }
    return false;
}

bool lw_options_help(const struct lw_option *table, struct lw_string *text, struct lw_error *error)
{
    bool done = true;
    for (const struct lw_option *row = table; done && row->name; row++) {
        done = lw_string_addf(text, error, "  %s: ", row->name) && describe(row, text, error);
        if (done && row->default_text) {
            done = lw_string_addf(text, error, " [%s]", row->default_text);
        }
        done = done && lw_string_addf(text, error, "\n      %s\n", row->help);
    }
    return done;
}
