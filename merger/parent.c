// SPDX-License-Identifier: Apache-2.0
// See parent.h.
#include "merger/parent.h"

#include <string.h>

#include "engine/base/folder.h"
#include "engine/io/json.h"
#include "engine/model/config.h"
#include "engine/model/family.h"

static const char *parameter_of(const struct lw_family *family, enum lw_slot slot)
{
    for (const struct lw_parameter_name *name = family->names; name->format; name++) {
        if (name->slot == slot) {
            return name->format;
        }
    }
    return NULL;
}

static bool read_config(struct lw_merge_parent *parent, const char *path, struct lw_error *error)
{
    parent->config = lw_json_read(path, NULL, error);
    const struct lw_json_scope scope = {parent->config, path};
    if (!parent->config || !lw_json_is_object(&scope, error) ||
        !lw_json_optional_bool(&scope, "tie_word_embeddings", &parent->tied, error)) {
        return false;
    }
    const cJSON *list = lw_json_find(&scope, "architectures");
    const cJSON *first = cJSON_IsArray(list) ? cJSON_GetArrayItem(list, 0) : NULL;
    parent->architecture = cJSON_GetStringValue(first);
    if (!parent->architecture) {
        return lw_fail(error, LW_BAD_INPUT,
            "%s: \"architectures\" names no architecture, so it cannot be told whether the models "
            "fit together",
            path);
    }
    const struct lw_family *family = lw_family_find(parent->architecture);
    if (family) {
        parent->embedding = parameter_of(family, LW_SLOT_EMBEDDING);
        parent->head = parameter_of(family, LW_SLOT_HEAD);
    }
    return true;
}

// The stack's place, `stack_count` where it is none yet.
static size_t find_stack(
    const struct lw_merge_parent *parent, const char *name, const struct lw_merge_layer *layer)
{
    size_t i = 0;
    while (i < parent->stack_count && (parent->stacks[i].prefix != layer->prefix ||
                                          memcmp(parent->stacks[i].name, name, layer->prefix))) {
        i++;
    }
    return i;
}

const struct lw_merge_stack *lw_merge_parent_stack(
    const struct lw_merge_parent *parent, const char *name, struct lw_merge_layer *layer)
{
    if (!lw_merge_layer_find(name, layer)) {
        return NULL;
    }
    size_t i = find_stack(parent, name, layer);
    return i < parent->stack_count ? &parent->stacks[i] : NULL;
}

// The number of layers is by the tensors, and no more than config.json says where there is one stack.
static void count_layers(struct lw_merge_parent *parent)
{
    static const char *const keys[] = {"num_hidden_layers", "n_layer", "n_layers", "num_layers"};
    struct lw_merge_layer layer;
    for (size_t i = 0; i < lw_checkpoint_count(parent->checkpoint); i++) {
        const char *name = lw_checkpoint_at(parent->checkpoint, i)->name;
        if (!lw_merge_layer_find(name, &layer)) {
            continue;
        }
        size_t found = find_stack(parent, name, &layer);
        if (found == LW_MERGE_STACKS) {
            continue;
        }
        struct lw_merge_stack *stack = &parent->stacks[found];
        if (found == parent->stack_count) {
            parent->stack_count++;
            *stack = (struct lw_merge_stack){.name = name, .prefix = layer.prefix};
        }
        stack->layers = layer.number >= stack->layers ? layer.number + 1 : stack->layers;
    }
    for (size_t i = 0; !parent->layers_key && i < sizeof keys / sizeof *keys; i++) {
        int64_t layers;
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(parent->config, keys[i]);
        if (!lw_json_as_integer(value, 1, UINT32_MAX, &layers)) {
            continue;
        }
        parent->layers_key = keys[i];
        if (parent->stack_count == 1 && layers < parent->stacks[0].layers) {
            parent->stacks[0].uncounted = parent->stacks[0].layers - (uint32_t)layers;
            parent->stacks[0].layers = (uint32_t)layers;
        }
    }
}

bool lw_merge_parent_open(
    struct lw_merge_parent *parent, const char *folder, struct lw_error *error)
{
    struct lw_string path = {0};
    *parent = (struct lw_merge_parent){.folder = folder, .adapter = parent->adapter};
    bool opened =
        lw_checkpoint_open(&parent->checkpoint, folder, error) &&
        lw_path_join(&path, folder, "config.json", error) &&
        read_config(parent, lw_string_text(&path), error) &&
        (!parent->adapter || lw_adapter_open(&parent->updates, parent->adapter, parent, error));
    lw_string_free(&path);
    if (opened) {
        count_layers(parent);
    }
    return opened;
}

void lw_merge_parent_close(struct lw_merge_parent *parent)
{
    lw_adapter_close(parent->updates);
    lw_checkpoint_close(parent->checkpoint);
    parent->updates = NULL;
    cJSON_Delete(parent->config);
    parent->checkpoint = NULL;
    parent->config = NULL;
}

static bool add_difference(const struct lw_merge_parent *base, const struct lw_merge_parent *other,
    const char *key, struct lw_string *problems, struct lw_error *error)
{
    char *here = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(other->config, key));
    char *there = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(base->config, key));
    bool added =
        here && there &&
        lw_string_addf(problems, error, "%s: config.json has \"%s\": %.80s, %s has %.80s\n",
            other->folder, key, here, base->folder, there);
    if (!here || !there) {
        lw_fail_memory(error, "a setting's text", 0);
    }
    cJSON_free(here);
    cJSON_free(there);
    return added;
}

// Weights trained under one rotation of positions mean something else under another. Of a model that
// Lewin does not run, nothing is known about that.
static bool compare_rotations(const struct lw_merge_parent *base,
    const struct lw_merge_parent *other, struct lw_string *problems, size_t *count,
    struct lw_error *error)
{
    struct lw_error unknown = {0};
    struct lw_config here, there;
    if (!lw_config_load(&here, other->folder, &unknown) ||
        !lw_config_load(&there, base->folder, &unknown) ||
        lw_rotary_same(&here.rotary, &there.rotary)) {
        return true;
    }
    ++*count;
    return lw_string_addf(problems, error,
        "%s: config.json rotates positions by other frequencies than %s (rope_theta, rope_scaling "
        "or "
        "rope_parameters)\n",
        other->folder, base->folder);
}

bool lw_merge_parent_compare(const struct lw_merge_parent *base,
    const struct lw_merge_parent *other, bool whole, struct lw_string *problems, size_t *count,
    struct lw_error *error)
{
    // Heads are not seen in the shapes: 4 of 64 and 8 of 32 make equal ones.
    static const char *const keys[] = {"architectures", "hidden_size", "intermediate_size",
        "num_attention_heads", "num_key_value_heads", "head_dim", "hidden_act",
        "num_hidden_layers"}; // the last of `whole` models only
    for (size_t i = 0; i < sizeof keys / sizeof *keys - !whole; i++) {
        const cJSON *left = cJSON_GetObjectItemCaseSensitive(base->config, keys[i]);
        const cJSON *right = cJSON_GetObjectItemCaseSensitive(other->config, keys[i]);
        bool both = left && right && !cJSON_IsNull(left) && !cJSON_IsNull(right);
        if (!both || cJSON_Compare(left, right, true)) {
            continue;
        }
        ++*count;
        if (!add_difference(base, other, keys[i], problems, error)) {
            return false;
        }
    }
    return compare_rotations(base, other, problems, count, error);
}
