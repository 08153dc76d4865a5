// SPDX-License-Identifier: Apache-2.0
// Reading a command's flags. See arguments.h.
#include "cli/arguments.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/nearest.h"

static const char *dashes(const char *name)
{
    return strlen(name) == 1 ? "-" : "--";
}

// The row that `argument` names; `*value` is what follows its '=', or NULL.
static const struct lw_flag *find_flag(
    const struct lw_flag *flags, const char *argument, const char **value)
{
    const char *name = argument + (argument[1] == '-' ? 2 : 1);
    size_t length = strcspn(name, "=");
    *value = name[length] ? name + length + 1 : NULL;
    for (; flags->name; flags++) {
        bool dashed_so = strlen(dashes(flags->name)) == (size_t)(name - argument);
        if (dashed_so && strlen(flags->name) == length && !memcmp(flags->name, name, length)) {
            return flags;
        }
    }
    return NULL;
}

static bool unknown_flag(const struct lw_flag *flags, const char *argument, struct lw_error *error)
{
    size_t count = 0;
    while (flags[count].name) {
        count++;
    }
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(argument, "="), argument);
    const char *plain = name + strspn(name, "-");
    const char *nearest = lw_nearest_name(plain, &flags->name, count, sizeof *flags);
    if (nearest) {
        return lw_fail(error, LW_USAGE, "there is no flag %s; did you mean %s%s?", name,
            dashes(nearest), nearest);
    }
    return lw_fail(error, LW_USAGE, "there is no flag %s; --help lists what there is", name);
}

static bool store_value(
    const struct lw_flag *flag, void *values, const char *text, struct lw_error *error)
{
    char *target = (char *)values + flag->offset;
    char *end = NULL;
    errno = 0;
    if (flag->kind == LW_FLAG_TEXT) {
        memcpy(target, &text, sizeof text);
        return true;
    }
    if (flag->kind == LW_FLAG_LIST) {
        struct lw_flag_list *list = (struct lw_flag_list *)(void *)target;
        if (list->count == LW_FLAG_ITEMS) {
            return lw_fail(error, LW_USAGE, "%s%s can be given %d times", dashes(flag->name),
                flag->name, LW_FLAG_ITEMS);
        }
        list->items[list->count++] = text;
        return true;
    }
    if (flag->kind == LW_FLAG_COUNT) {
        unsigned long long number = strtoull(text, &end, 10);
        if (text[0] < '0' || text[0] > '9' || *end || errno) {
            return lw_fail(error, LW_USAGE, "%s%s takes a whole number from 0 up, not \"%s\"",
                dashes(flag->name), flag->name, text);
        }
        uint64_t count = number;
        memcpy(target, &count, sizeof count);
        return true;
    }
    double number = strtod(text, &end);
    if (end == text || *end || errno || !isfinite(number)) {
        return lw_fail(error, LW_USAGE, "%s%s takes a number, not \"%s\"", dashes(flag->name),
            flag->name, text);
    }
    memcpy(target, &number, sizeof number);
    return true;
}

bool lw_arguments_parse(const struct lw_flag *flags, void *values, int argc, char **argv,
    int *positional_count, struct lw_error *error)
{
    bool only_positional = false;
    *positional_count = 0;
    for (int i = 0; i < argc; i++) {
        if (only_positional || argv[i][0] != '-' || !argv[i][1]) {
            argv[(*positional_count)++] = argv[i];
            continue;
        }
        if (!strcmp(argv[i], "--")) {
            only_positional = true;
            continue;
        }
        const char *value;
        const struct lw_flag *flag = find_flag(flags, argv[i], &value);
        if (!flag) {
            return unknown_flag(flags, argv[i], error);
        }
        if (flag->kind == LW_FLAG_SWITCH) {
            if (value) {
                return lw_fail(
                    error, LW_USAGE, "%s%s takes no value", dashes(flag->name), flag->name);
            }
            bool on = true;
            memcpy((char *)values + flag->offset, &on, sizeof on);
            continue;
        }
        if (!value && i + 1 == argc) {
            return lw_fail(error, LW_USAGE, "%s%s needs a value (%s)", dashes(flag->name),
                flag->name, flag->value_name);
        }
        if (!store_value(flag, values, value ? value : argv[++i], error)) {
            return false;
        }
    }
    return true;
}

void lw_arguments_print(const struct lw_flag *flags, FILE *stream)
{
    for (; flags->name; flags++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s%s", dashes(flags->name), flags->name,
            flags->value_name ? " " : "", flags->value_name ? flags->value_name : "");
        fprintf(stream, "  %-22s %s\n", left, flags->help);
    }
}
