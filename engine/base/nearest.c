// SPDX-License-Identifier: Apache-2.0
// The nearest name by edit distance. See nearest.h.
#include "engine/base/nearest.h"

#include <string.h>

enum { longest_compared = 40 };

// Levenshtein distance over one row; longer names are compared by their first 40 bytes.
static size_t edit_distance(const char *left, const char *right)
{
    size_t row[longest_compared + 1];
    size_t columns = strlen(right) < longest_compared ? strlen(right) : longest_compared;
    for (size_t j = 0; j <= columns; j++) {
        row[j] = j;
    }
    for (size_t i = 0; left[i] && i < longest_compared; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < columns; j++) {
            size_t replaced = diagonal + (left[i] != right[j]);
            diagonal = row[j + 1];
            size_t inserted = (row[j] < diagonal ? row[j] : diagonal) + 1;
            row[j + 1] = replaced < inserted ? replaced : inserted;
        }
    }
    return row[columns];
}

const char *lw_nearest_name(const char *text, const void *names, size_t count, size_t stride)
{
    const char *nearest = NULL;
    size_t smallest = strlen(text) / 3 + 2;
    for (size_t i = 0; i < count; i++) {
        const char *name;
        memcpy(&name, (const char *)names + i * stride, sizeof name);
        size_t distance = edit_distance(text, name);
        if (distance < smallest) {
            smallest = distance;
            nearest = name;
        }
    }
    return nearest;
}
