// SPDX-License-Identifier: Apache-2.0
// What an adapter has for one tensor, beside that tensor of the base: settings, shapes, which way the
// product lies, and matrices that two parameters share. See adapter.h.
#include <string.h>

#include "merger/adapter_private.h"
#include "merger/plan.h"

// A place for what is being done.
struct fit {
    const struct lw_adapter *adapter;
    const struct lw_merge_parent *base;
    const struct lw_tensor_info *info; // of the base
    struct lw_error *error;
};

static bool fail_tensor(const struct fit *fit, const char *name, const char *problem)
{
    return lw_fail(
        fit->error, LW_BAD_INPUT, "%s: tensor %.200s %s", fit->adapter->folder, name, problem);
}

static void add_shape(struct lw_string *text, const struct lw_tensor_info *info)
{
    for (int i = 0; i < info->rank; i++) {
        lw_string_addf(text, NULL, "%s%llu", i ? ", " : "[", (unsigned long long)info->shape[i]);
    }
    lw_string_addf(text, NULL, info->rank ? "]" : "[]");
}

static bool fail_shape(const struct fit *fit, const struct lw_tensor_info *own)
{
    struct lw_string here = {0}, there = {0};
    add_shape(&here, own);
    add_shape(&there, fit->info);
    lw_fail(fit->error, LW_BAD_INPUT,
        "%s: tensor %.200s of shape %s does not fit %.200s of %s, whose shape is %s",
        fit->adapter->folder, own->name, lw_string_text(&here), fit->info->name, fit->base->folder,
        lw_string_text(&there));
    lw_string_free(&here);
    lw_string_free(&there);
    return false;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

// The product's factor and the rank that it must have, by the module's name.
static bool set_scale(const struct fit *fit, struct lw_adapter_item *item)
{
    struct lw_string module = {0};
    const char *name = item->update.name;
    size_t length = strlen(name) - strlen(lw_adapter_is_bias(item) ? ".bias" : ".weight");
    double rank = 0, scale = 0;
    bool found = lw_string_add(&module, name, length, fit->error) &&
                 lw_adapter_config_scale(
                     &fit->adapter->config, lw_string_text(&module), &rank, &scale, fit->error);
    lw_string_free(&module);
    item->update.scale = (float)scale;
    if (!found || lw_adapter_is_bias(item)) {
        return found;
    }
    return (double)item->update.rank == rank ||
           lw_fail(fit->error, LW_BAD_INPUT,
               "%s: tensor %.200s has rank %llu, but adapter_config.json says %.17g for it",
               fit->adapter->folder, item->a->name, (unsigned long long)item->update.rank, rank);
}

// Models whose linear layers keep their weights as [inputs, outputs] (Conv1D of transformers). PEFT
// looks at the layer and overrules the adapter's fan_in_fan_out where it does not fit.
static bool has_turned_weights(const struct fit *fit)
{
    static const char *const beginnings[] = {
        "GPT2", "OpenAIGPT", "ImageGPT", "DecisionTransformerGPT2"};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        if (strncmp(fit->base->architecture, beginnings[i], strlen(beginnings[i])) == 0) {
            return true;
        }
    }
    // Of the architectures that the engine knows, whose embedding has a name then, none has them.
    return fit->adapter->config.fan_in_fan_out && !fit->base->embedding;
}

// The bias of B, [columns], is the product of 1 and itself.
static bool fit_bias(const struct fit *fit, struct lw_adapter_item *item)
{
    struct lw_adapter_update *update = &item->update;
    if (item->b->rank != 1 || fit->info->rank != 1 || item->b->shape[0] != fit->info->shape[0]) {
        return fail_shape(fit, item->b);
    }
    update->rows = update->rank = 1;
    update->columns = item->b->shape[0];
    update->right = item->b;
    return set_scale(fit, item);
}

// W [outputs, inputs] gets B A. Of embeddings and of weights that lie the other way it is the
// transpose, A^T B^T.
static bool fit_product(const struct fit *fit, struct lw_adapter_item *item)
{
    struct lw_adapter_update *update = &item->update;
    const struct lw_tensor_info *a = item->a, *b = item->b, *info = fit->info;
    if (!a || !b) {
        return fail_tensor(fit, (a ? a : b)->name, "has only one of lora_A and lora_B");
    }
    if (a->rank != 2 || b->rank != 2 || a->shape[0] != b->shape[1]) {
        return fail_tensor(fit, a->name, "is no matrix of the same rank as its partner");
    }
    uint64_t inputs = a->shape[1], outputs = b->shape[0];
    bool matrix = info->rank == 2;
    bool straight = matrix && info->shape[0] == outputs && info->shape[1] == inputs;
    bool turned = matrix && info->shape[0] == inputs && info->shape[1] == outputs;
    straight = straight && !item->embedding;
    if (!straight && !turned) {
        return fail_shape(fit, matrix && info->shape[1] == inputs && !item->embedding ? b : a);
    }
    update->turned = !straight || (turned && has_turned_weights(fit));
    update->left = update->turned ? a : b;
    update->right = update->turned ? b : a;
    update->rank = a->shape[0];
    update->rows = info->shape[0];
    update->columns = info->shape[1];
    return set_scale(fit, item);
}

// The weight of a module that has an adapter is below it, as base_layer.weight: PEFT would not load
// one that is beside it. Of biases, older versions saved those beside that were trained.
static bool fit_replacement(const struct fit *fit, const struct lw_adapter_item *item)
{
    const struct lw_tensor_info *own = item->update.replacement;
    bool below = strstr(own->name, ".base_layer.") != NULL;
    bool bias = ends_with(item->update.name, ".bias");
    bool known = bias ? fit->adapter->config.biases || !below : below || !item->b;
    if (!known) {
        return fail_tensor(
            fit, own->name, "replaces what adapter_config.json says was not trained");
    }
    return lw_tensor_same_shape(own, fit->info) || fail_shape(fit, own);
}

static bool is_name(const char *name, const char *known)
{
    return known && !strcmp(name, known);
}

// Where head and embedding are one matrix, an adapter of one of them makes two of them; folded into
// the one, it would change the other as well.
static bool check_tying(const struct fit *fit, const char *name)
{
    bool embedding = is_name(name, fit->base->embedding) && !fit->adapter->config.weight_tying;
    bool shared = fit->base->tied && (embedding || is_name(name, fit->base->head));
    return !shared ||
           lw_fail(fit->error, LW_BAD_INPUT,
               "%s: changes %s, but the config.json of %s ties the head to the embedding, so that "
               "the "
               "change would reach both or none; save the base with a head of its own first",
               fit->adapter->folder, name, fit->base->folder);
}

bool lw_adapter_fit(const struct lw_adapter *adapter, struct lw_adapter_item *item,
    const struct lw_merge_parent *base, struct lw_error *error)
{
    const char *name = item->update.name;
    const struct fit fit = {adapter, base, lw_checkpoint_find(base->checkpoint, name), error};
    if (!check_tying(&fit, name)) {
        return false;
    }
    if (!fit.info) {
        return lw_fail(error, LW_BAD_INPUT, "%s is for a tensor %.200s, which %s does not have",
            adapter->folder, name, base->folder);
    }
    if (item->update.replacement && !fit_replacement(&fit, item)) {
        return false;
    }
    bool bias = lw_adapter_is_bias(item) && ends_with(name, ".bias");
    return (!item->a && !item->b) || (bias ? fit_bias(&fit, item) : fit_product(&fit, item));
}
