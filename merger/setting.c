// SPDX-License-Identifier: Apache-2.0
// See setting.h.
#include "merger/setting.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/io/yaml_tree.h"

// 1e-5 without a point is a text to YAML 1.1, and a number to everybody who writes it.
static bool as_number(const cJSON *value, double *number)
{
    if (cJSON_IsString(value)) {
        char *end;
        *number = strtod(value->valuestring, &end);
        return end != value->valuestring && !*end && isfinite(*number);
    }
    *number = cJSON_IsNumber(value) ? value->valuedouble : cJSON_IsTrue(value);
    return (cJSON_IsNumber(value) && isfinite(*number)) || cJSON_IsBool(value);
}

static bool refuse(
    const cJSON *setting, const char *source, const char *key, struct lw_error *error)
{
    return lw_fail(error, LW_USAGE,
        "%s:%d: the value of %.100s must be a number, a list of numbers (a gradient over the "
        "layers) or a list of {filter, value}",
        source, lw_yaml_line(setting), key);
}

// A number or a gradient.
static bool check_plain(
    const cJSON *setting, const char *source, const char *key, struct lw_error *error)
{
    double number;
    if (!cJSON_IsArray(setting)) {
        return as_number(setting, &number) || refuse(setting, source, key, error);
    }
    for (const cJSON *step = setting->child; step; step = step->next) {
        if (!as_number(step, &number)) {
            return refuse(step, source, key, error);
        }
    }
    return setting->child || refuse(setting, source, key, error);
}

static bool check_condition(
    const cJSON *condition, const char *source, const char *key, struct lw_error *error)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(condition, "value");
    if (!value) {
        return refuse(condition, source, key, error);
    }
    for (const cJSON *entry = condition->child; entry; entry = entry->next) {
        bool filter = strcmp(entry->string, "filter") == 0;
        if (!filter && entry != value) {
            return lw_fail(error, LW_USAGE, "%s:%d: a condition of %.100s has no %.100s", source,
                lw_yaml_line(entry), key, entry->string);
        }
        if (filter && !cJSON_IsString(entry) && !cJSON_IsNull(entry)) {
            return lw_fail(error, LW_USAGE,
                "%s:%d: a filter must be a text, a part of the names of tensors; quote it", source,
                lw_yaml_line(entry));
        }
    }
    return check_plain(value, source, key, error);
}

bool lw_merge_setting_check(
    const cJSON *setting, const char *source, const char *key, struct lw_error *error)
{
    if (cJSON_IsObject(setting)) {
        return check_condition(setting, source, key, error);
    }
    if (!cJSON_IsArray(setting) || !cJSON_IsObject(setting->child)) {
        return check_plain(setting, source, key, error);
    }
    for (const cJSON *condition = setting->child; condition; condition = condition->next) {
        if (!cJSON_IsObject(condition)) {
            return refuse(condition, source, key, error);
        }
        if (!check_condition(condition, source, key, error)) {
            return false;
        }
    }
    return true;
}

// Step `index` of a gradient, the last one past its end.
static double step_at(const cJSON *gradient, int index)
{
    double number;
    int last = cJSON_GetArraySize(gradient) - 1;
    as_number(cJSON_GetArrayItem(gradient, index < last ? index : last), &number);
    return number;
}

// Between numbers it is straight lines; a list of nothing but texts holds each of them for a while,
// as in mergekit.
static double gradient_at(const cJSON *gradient, double t)
{
    bool texts = true;
    for (const cJSON *step = gradient->child; step; step = step->next) {
        texts = texts && cJSON_IsString(step);
    }
    double place = t * (cJSON_GetArraySize(gradient) - 1);
    int below = (int)place;
    double part = place - below;
    return texts ? step_at(gradient, below)
                 : (1 - part) * step_at(gradient, below) + part * step_at(gradient, below + 1);
}

static double plain_value(const cJSON *setting, double t)
{
    double number;
    if (cJSON_IsArray(setting)) {
        return gradient_at(setting, t);
    }
    as_number(setting, &number);
    return number;
}

static bool condition_holds(const cJSON *condition, const char *name)
{
    const char *filter =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(condition, "filter"));
    return !filter || strcmp(filter, "*") == 0 || strstr(name, filter);
}

bool lw_merge_setting_value(const cJSON *setting, const char *name, double t, double *value)
{
    const cJSON *condition = cJSON_IsObject(setting) ? setting : setting->child;
    if (!cJSON_IsObject(condition)) {
        *value = plain_value(setting, t);
        return true;
    }
    for (; condition; condition = condition == setting ? NULL : condition->next) {
        if (condition_holds(condition, name)) {
            *value = plain_value(cJSON_GetObjectItemCaseSensitive(condition, "value"), t);
            return true;
        }
    }
    return false;
}
