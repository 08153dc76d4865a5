// SPDX-License-Identifier: Apache-2.0
// Options as text: values, types and help. See options.h.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/options_private.h"
#include "engine/base/stringbuf.h"

enum { MOST_COLUMNS = 100 };

bool lw_option_describe(const struct lw_option *row, struct lw_string *text, struct lw_error *error)
{
    static const char *const kinds[] = {
        [LW_OPTION_BOOL] = "true or false",
        [LW_OPTION_INTEGER] = "a whole number",
        [LW_OPTION_NUMBER] = "a number",
        [LW_OPTION_STRING] = "a text",
        [LW_OPTION_CHOICE] = "one of",
        [LW_OPTION_LIST] = "a list, comma-separated",
        [LW_OPTION_MAP] = "a map, {name: value, ...}",
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
    if (!numeric || (row->minimum == 0 && row->maximum == 0)) {
        return true;
    }
    return isfinite(row->maximum) && row->maximum < 0x1p62
               ? lw_string_addf(text, error, " from %.15g to %.15g", row->minimum, row->maximum)
               : lw_string_addf(text, error, " from %.15g up", row->minimum);
}

// The shortest of the precisions that reads back as the same double. YAML 1.1 takes 1e-08 for a
// text and 1.0e-08 for a number.
static bool print_number(double value, struct lw_string *text, struct lw_error *error)
{
    char digits[40];
    int precision = 6;
    do {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
    } while (strtod(digits, NULL) != value && precision++ < 17);
    int mantissa = (int)strcspn(digits, "e");
    bool bare = digits[mantissa] && !strchr(digits, '.');
    return lw_string_addf(
        text, error, "%.*s%s%s", mantissa, digits, bare ? ".0" : "", digits + mantissa);
}

static bool print_items(const struct lw_option_list *list, const char *separator,
    struct lw_string *text, struct lw_error *error)
{
    bool done = true;
    for (size_t i = 0; done && i < list->count; i++) {
        done = lw_string_addf(text, error, "%s%s", i ? separator : "", list->items[i]);
    }
    return done;
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
    case LW_OPTION_LIST:
        return print_items(member, ",", text, error);
    case LW_OPTION_MAP: {
        bool set = ((const struct lw_option_list *)member)->count != 0;
        return !set ||
               (lw_string_addf(text, error, "{") && print_items(member, ", ", text, error) &&
                   lw_string_addf(text, error, "}"));
    }
    case LW_OPTION_IGNORED:
    case LW_OPTION_REFUSED:
    case LW_OPTION_HEADING:
        return true;
    }
    return false;
}

// The keys of a row of foreign ones, wrapped.
static bool print_keys(const struct lw_option *row, struct lw_string *text, struct lw_error *error)
{
    size_t column = 0;
    bool done = true;
    for (const char *const *entry = row->choices; *entry && done; entry++) {
        size_t length = strcspn(*entry, "=");
        bool breaks = column == 0 || column + length + 3 > MOST_COLUMNS;
        column = breaks ? length + 2 : column + length + 2;
        done = lw_string_addf(text, error, "%s%s%.*s",
            entry == row->choices ? ""
            : breaks              ? ",\n"
                                  : ", ",
            breaks ? "  " : "", (int)length, *entry);
    }
    return done;
}

// The help of a row, wrapped, on lines of their own.
static bool print_help(const char *help, struct lw_string *text, struct lw_error *error)
{
    size_t column = MOST_COLUMNS;
    bool done = true;
    while (*help && done) {
        size_t length = strcspn(help, " ");
        bool breaks = column + 1 + length > MOST_COLUMNS;
        column = (breaks ? 6 : column + 1) + length;
        done = lw_string_addf(text, error, "%s%.*s", breaks ? "\n      " : " ", (int)length, help);
        help += length + strspn(help + length, " ");
    }
    return done && lw_string_addf(text, error, "\n");
}

static bool print_row(const struct lw_option *row, struct lw_string *text, struct lw_error *error)
{
    switch (row->type) {
    case LW_OPTION_HEADING:
        return lw_string_addf(text, error, "\n%s\n", row->name);
    case LW_OPTION_IGNORED:
        return lw_string_addf(text, error, "\n%s\n", row->name) && print_keys(row, text, error) &&
               lw_string_addf(text, error, "\n");
    case LW_OPTION_REFUSED:
        return print_keys(row, text, error) && print_help(row->help, text, error);
    default:
        return lw_string_addf(text, error, "  %s: ", row->name) &&
               lw_option_describe(row, text, error) &&
               (!row->default_text || lw_string_addf(text, error, " [%s]", row->default_text)) &&
               print_help(row->help, text, error);
    }
}

bool lw_options_help(const struct lw_option *table, struct lw_string *text, struct lw_error *error)
{
    bool done = true;
    for (const struct lw_option *row = table; done && row->name; row++) {
        done = print_row(row, text, error);
    }
    return done;
}
