// SPDX-License-Identifier: Apache-2.0
// Folder trees and paths, made of the system's single steps in platform.h. See folder.h.
#include "engine/base/folder.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/platform.h"
#include "engine/base/stringbuf.h"

bool lw_path_join(
    struct lw_string *path, const char *folder, const char *name, struct lw_error *error)
{
    lw_string_clear(path);
    if (folder && folder[0] && !lw_path_is_absolute(name)) {
        size_t length = strlen(folder);
        bool ends = lw_path_is_separator(folder[length - 1]);
        if (!lw_string_addf(path, error, "%s%s", folder, ends ? "" : "/")) {
            return false;
        }
    }
    return lw_string_addf(path, error, "%s", name);
}

const char *lw_path_name(const char *path)
{
    const char *name = path;
    for (const char *next = path; *next; next++) {
        if (lw_path_is_separator(*next)) {
            name = next + 1;
        }
    }
    return name;
}

bool lw_path_parent(struct lw_string *parent, const char *path, struct lw_error *error)
{
    size_t length = strlen(path);
    while (length > 1 && lw_path_is_separator(path[length - 1])) {
        length--;
    }
    while (length > 0 && !lw_path_is_separator(path[length - 1])) {
        length--;
    }
    while (length > 1 && lw_path_is_separator(path[length - 1])) {
        length--;
    }
    lw_string_clear(parent);
    return length ? lw_string_add(parent, path, length, error)
                  : lw_string_add(parent, ".", 1, error);
}

bool lw_folder_create(const char *path, struct lw_error *error)
{
    if (lw_folder_exists(path)) {
        return true;
    }
    bool done = false;
    struct lw_string part = {0};
    size_t length = strlen(path);
    for (size_t end = 1; end <= length; end++) {
        if (end < length && !lw_path_is_separator(path[end])) {
            continue;
        }
        lw_string_clear(&part);
        if (!lw_string_add(&part, path, end, error)) {
            goto error;
        }
        if (!lw_folder_exists(lw_string_text(&part)) &&
            !lw_folder_create_one(lw_string_text(&part), error)) {
            goto error;
        }
    }
    done = true;
error:
    lw_string_free(&part);
    return done;
}

void lw_folder_list_free(struct lw_folder_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        lw_free(list->names[i]);
    }
    lw_free(list->names);
    *list = (struct lw_folder_list){0};
}

bool lw_folder_is_empty(const char *path, bool *empty, struct lw_error *error)
{
    *empty = true;
    if (lw_path_look(path) == LW_PATH_ABSENT) {
        return true;
    }
    struct lw_folder_list list = {0};
    bool done = lw_folder_list(path, &list, error);
    *empty = list.count == 0;
    lw_folder_list_free(&list);
    return done;
}

// Adds the folder's entries, as whole paths, to the stack of what is still to be removed.
static bool push_entries(struct lw_folder_list *stack, const char *folder, struct lw_error *error)
{
    struct lw_folder_list list = {0};
    struct lw_string path = {0};
    bool done = lw_folder_list(folder, &list, error);
    for (size_t i = 0; done && i < list.count; i++) {
        char *copy = NULL;
        done = lw_path_join(&path, folder, list.names[i], error) &&
               lw_reserve(&stack->names, &stack->capacity, stack->count + 1, sizeof *stack->names,
                   error) &&
               (copy = lw_strdup(lw_string_text(&path), error));
        if (done) {
            stack->names[stack->count++] = copy;
        }
    }
    lw_string_free(&path);
    lw_folder_list_free(&list);
    return done;
}

bool lw_folder_remove(const char *path, struct lw_error *error)
{
    // A stack of its own: a tree's depth is not bounded by ours. A folder stays on it while its
    // entries, pushed above it, go.
    struct lw_folder_list stack = {0};
    bool done = false;
    stack.names = lw_calloc(1, sizeof *stack.names, error);
    stack.capacity = 1;
    if (!stack.names || !(stack.names[0] = lw_strdup(path, error))) {
        goto error;
    }
    stack.count = 1;
    while (stack.count) {
        char *top = stack.names[stack.count - 1];
        enum lw_path_kind kind = lw_path_look(top);
        bool empty = true;
        if (kind == LW_PATH_FOLDER && !lw_folder_is_empty(top, &empty, error)) {
            goto error;
        }
        if (!empty) {
            if (!push_entries(&stack, top, error)) {
                goto error;
            }
            continue;
        }
        bool is_folder = kind == LW_PATH_FOLDER || kind == LW_PATH_FOLDER_LINK;
        if (is_folder && !lw_folder_remove_empty(top, error)) {
            goto error;
        }
        if (kind == LW_PATH_FILE && !lw_file_remove(top, error)) {
            goto error;
        }
        lw_free(top);
        stack.count--;
    }
    done = true;
error:
    lw_folder_list_free(&stack);
    return done;
}

bool lw_folder_free_bytes(const char *path, uint64_t *bytes, struct lw_error *error)
{
    struct lw_string here = {0}, parent = {0};
    unsigned long long available = 0;
    bool done = lw_string_addf(&here, error, "%s", path);
    while (done && !lw_folder_exists(lw_string_text(&here))) {
        done = lw_path_parent(&parent, lw_string_text(&here), error);
        if (done && strcmp(lw_string_text(&parent), lw_string_text(&here)) == 0) {
            break; // the root, or "."
        }
        struct lw_string swap = here;
        here = parent;
        parent = swap;
    }
    done = done && lw_folder_free_bytes_in(lw_string_text(&here), &available, error);
    *bytes = available;
    lw_string_free(&here);
    lw_string_free(&parent);
    return done;
}
