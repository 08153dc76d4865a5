// SPDX-License-Identifier: Apache-2.0
// Entries of log_history. See history.h.
#include "trainer/history.h"

#include <cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/stringbuf.h"

enum kind { KIND_STEP, KIND_EPOCH, KIND_LOG, KIND_EVAL, KIND_TRAIN };

#define FIELD(name, kind)                                                                          \
    {                                                                                              \
#name, offsetof(struct lw_history_entry, name), kind                                       \
    }

// In order of the alphabet.
static const struct field {
    const char *name;
    size_t offset;
    enum kind kind;
} fields[] = {
    FIELD(epoch, KIND_EPOCH),
    FIELD(eval_loss, KIND_EVAL),
    FIELD(eval_runtime, KIND_EVAL),
    FIELD(eval_samples_per_second, KIND_EVAL),
    FIELD(eval_steps_per_second, KIND_EVAL),
    FIELD(eval_token_loss, KIND_EVAL),
    FIELD(grad_norm, KIND_LOG),
    FIELD(learning_rate, KIND_LOG),
    FIELD(loss, KIND_LOG),
    FIELD(step, KIND_STEP),
    FIELD(total_flos, KIND_TRAIN),
    FIELD(train_loss, KIND_TRAIN),
    FIELD(train_runtime, KIND_TRAIN),
    FIELD(train_samples_per_second, KIND_TRAIN),
    FIELD(train_steps_per_second, KIND_TRAIN),
};

enum { field_count = sizeof fields / sizeof fields[0] };

// The kinds of field that each part has.
static const unsigned parts[] = {
    [LW_HISTORY_ALL] = ~0u,
    [LW_HISTORY_TRAIN] = 1u << KIND_EPOCH | 1u << KIND_TRAIN,
    [LW_HISTORY_EVAL] = 1u << KIND_EPOCH | 1u << KIND_EVAL,
    [LW_HISTORY_RESULTS] = 1u << KIND_EPOCH | 1u << KIND_EVAL | 1u << KIND_TRAIN,
};

static double *value_of(struct lw_history_entry *entry, const struct field *field)
{
    return (double *)((char *)entry + field->offset);
}

struct lw_history_entry lw_history_nothing(void)
{
    struct lw_history_entry entry;
    for (size_t i = 0; i < field_count; i++) {
        *value_of(&entry, &fields[i]) = NAN;
    }
    return entry;
}

bool lw_history_reserve(struct lw_history *history, size_t count, struct lw_error *error)
{
    return lw_reserve(
        &history->entries, &history->capacity, count, sizeof *history->entries, error);
}

bool lw_history_add(
    struct lw_history *history, const struct lw_history_entry *entry, struct lw_error *error)
{
    if (!lw_history_reserve(history, history->count + 1, error)) {
        return false;
    }
    history->entries[history->count++] = *entry;
    return true;
}

void lw_history_free(struct lw_history *history)
{
    lw_free(history->entries);
    *history = (struct lw_history){0};
}

bool lw_history_read(
    struct lw_history *history, const struct cJSON *array, const char *name, struct lw_error *error)
{
    const cJSON *item;
    if (!cJSON_IsArray(array)) {
        return lw_fail(error, LW_BAD_INPUT, "%s has no list of entries", name);
    }
    cJSON_ArrayForEach(item, array)
    {
        struct lw_history_entry entry = lw_history_nothing();
        for (size_t i = 0; i < field_count; i++) {
            const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, fields[i].name);
            if (cJSON_IsNumber(value)) {
                *value_of(&entry, &fields[i]) = value->valuedouble;
            }
        }
        if (!(entry.step >= 0)) {
            return lw_fail(error, LW_BAD_INPUT, "%s has an entry without a step", name);
        }
        if (!lw_history_add(history, &entry, error)) {
            return false;
        }
    }
    return true;
}

bool lw_history_number(double value, struct lw_string *text, struct lw_error *error)
{
    char digits[40];
    int precision = 1;
    do {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
    } while (strtod(digits, NULL) != value && precision++ < 17);
    if (strchr(digits, 'e') && fabs(value) >= 1e-4 && fabs(value) < 1e16) {
        snprintf(digits, sizeof digits, "%.0f", value); // 3e+02
    }
    return lw_string_addf(text, error, "%s%s", digits, strpbrk(digits, ".e") ? "" : ".0");
}

static bool print_field(struct lw_history_entry *entry, const struct field *field,
    struct lw_string *text, struct lw_error *error)
{
    double value = *value_of(entry, field);
    return lw_string_addf(text, error, "\"%s\": ", field->name) &&
           (field->kind == KIND_STEP ? lw_string_addf(text, error, "%.0f", value)
                                     : lw_history_number(value, text, error));
}

bool lw_history_print(const struct lw_history_entry *entry, enum lw_history_part part,
    const char *indent, const char *outer, struct lw_string *text, struct lw_error *error)
{
    struct lw_history_entry copy = *entry;
    bool done = lw_string_addf(text, error, "{"), first = true;
    for (size_t i = 0; i < field_count && done; i++) {
        bool wanted = (parts[part] >> fields[i].kind & 1u) != 0;
        if (wanted && isfinite(*value_of(&copy, &fields[i]))) {
            done = lw_string_addf(text, error, "%s\n%s", first ? "" : ",", indent) &&
                   print_field(&copy, &fields[i], text, error);
            first = false;
        }
    }
    return done && lw_string_addf(text, error, "\n%s}", outer);
}
