// SPDX-License-Identifier: Apache-2.0
// See card.h.
#include "merger/card.h"

#include <string.h>

#include "engine/io/json.h"

// The front matter, as the Hub reads it.
static bool add_front_matter(
    struct lw_string *card, const struct lw_merge_plan *plan, struct lw_error *error)
{
    bool done = lw_string_addf(card, error, "---\nbase_model:\n");
    for (size_t i = 0; done && i < plan->parent_count; i++) {
        done = lw_string_addf(card, error, "- ") &&
               lw_json_quote(card, plan->parents[i].folder, error) &&
               lw_string_addf(card, error, "\n");
    }
    return done && lw_string_addf(card, error,
                       "library_name: transformers\npipeline_tag: text-generation\n"
                       "tags:\n- merge\n- lewin\n---\n");
}

static bool add_method(
    struct lw_string *card, const struct lw_merge_plan *plan, struct lw_error *error)
{
    const struct lw_merge_method *method = plan->method;
    bool done = method->reference
                    ? lw_string_addf(card, error, "[%s](%s)", method->title, method->reference)
                    : lw_string_addf(card, error, "%s", method->title);
    done = done && lw_string_addf(card, error, " (`%s`)", method->name);
    if (done && plan->recipe->base.folder) {
        done = lw_string_addf(card, error, ", with `%s` as its base", plan->recipe->base.folder);
    }
    if (done && method->random) {
        done = lw_string_addf(card, error, ", seed %llu", (unsigned long long)plan->seed);
    }
    return done && lw_string_addf(card, error, ".\n");
}

static bool add_text(
    struct lw_string *card, const struct lw_merge_plan *plan, struct lw_error *error)
{
    bool done = lw_string_addf(card, error,
                    "# Merged model\n\nMade by Lewin %s from the models below, computed in "
                    "float32 and rounded once. `merge_manifest.json` has the size and SHA-256 of "
                    "every file that went in and came out.\n\n## Method\n\n",
                    LW_VERSION) &&
                add_method(card, plan, error) && lw_string_addf(card, error, "\n## Models\n\n");
    for (size_t i = 0; done && i < plan->parent_count; i++) {
        const struct lw_merge_parent *parent = &plan->parents[i];
        done = lw_string_addf(card, error, "- `%s`%s%s%s (%s)\n", parent->folder,
            parent->adapter ? " with the adapter `" : "", parent->adapter ? parent->adapter : "",
            parent->adapter ? "`" : "", parent->architecture);
    }
    const char *recipe = plan->recipe->text;
    size_t length = strlen(recipe);
    return done && lw_string_addf(card, error, "\n## Recipe\n\n```yaml\n%s%s```\n", recipe,
                       length && recipe[length - 1] == '\n' ? "" : "\n");
}

bool lw_merge_write_card(
    const struct lw_merge_plan *plan, struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    struct lw_string card = {0};
    const char *text = plan->recipe->text;
    bool written =
        add_front_matter(&card, plan, error) && add_text(&card, plan, error) &&
        lw_checkpoint_writer_file(writer, "README.md", card.data, card.length, error) &&
        lw_checkpoint_writer_file(writer, LW_MERGE_RECIPE_FILE, text, strlen(text), error);
    lw_string_free(&card);
    return written;
}
