// SPDX-License-Identifier: Apache-2.0
// merger/plan.h: which tensors of which models go into which, with which values; layers that move; the
// role of the base; the result's config; every refusal. The models are folders with a few numbers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "merger/plan.h"

enum { most_tensors = 32 };

struct model {
    const char *folder;
    uint32_t layers;
    const char *config; // more of config.json
    const char *extra;  // a tensor more; NULL: none
    uint64_t vocabulary;
};

static size_t list_tensors(
    const struct model *model, struct lw_tensor_info *infos, char names[][64])
{
    size_t count = 0;
    snprintf(names[count], 64, "model.embed_tokens.weight");
    infos[count++] = (struct lw_tensor_info){.rank = 2, .shape = {model->vocabulary, 2}};
    for (uint32_t i = 0; i < model->layers; i++) {
        snprintf(names[count], 64, "model.layers.%u.self_attn.q_proj.weight", (unsigned)i);
        infos[count++] = (struct lw_tensor_info){.rank = 2, .shape = {2, 2}};
        snprintf(names[count], 64, "model.layers.%u.mlp.up_proj.weight", (unsigned)i);
        infos[count++] = (struct lw_tensor_info){.rank = 2, .shape = {3, 2}};
    }
    snprintf(names[count], 64, "model.norm.weight");
    infos[count++] = (struct lw_tensor_info){.rank = 1, .shape = {2}};
    if (model->extra) {
        snprintf(names[count], 64, "%s", model->extra);
        infos[count++] = (struct lw_tensor_info){.rank = 2, .shape = {model->vocabulary, 2}};
    }
    for (size_t i = 0; i < count; i++) {
        infos[i].name = names[i];
        infos[i].dtype = LW_DTYPE_BF16;
    }
    return count;
}

static void make(const struct model *model)
{
    static const char zeros[4096];
    struct lw_tensor_info infos[most_tensors];
    char names[most_tensors][64], config[500];
    struct lw_checkpoint_writer *writer = NULL;
    snprintf(config, sizeof config,
        "{\"architectures\": [\"Qwen2ForCausalLM\"], \"num_hidden_layers\": %u%s}",
        (unsigned)model->layers, model->config);
    size_t count = list_tensors(model, infos, names), bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += 2 * lw_tensor_elements(&infos[i]);
    }
    const struct lw_checkpoint_params params = {
        .folder = model->folder, .tensors = infos, .count = count};
    assert_true(bytes <= sizeof zeros && lw_checkpoint_writer_create(&writer, &params, NULL) &&
                lw_checkpoint_writer_add(writer, zeros, bytes, NULL) &&
                lw_checkpoint_writer_file(writer, "config.json", config, strlen(config), NULL) &&
                lw_checkpoint_writer_finish(writer, NULL));
    lw_checkpoint_writer_destroy(writer);
}

#define TIED ", \"tie_word_embeddings\": true"
#define UNTIED ", \"tie_word_embeddings\": false"

static int set_up(void **state)
{
    (void)state;
    static const struct model models[] = {
        {"a", 4, TIED ", \"layer_types\": [\"w\",\"x\",\"y\",\"z\"]", NULL, 5},
        {"b", 4, TIED ", \"layer_types\": [\"p\",\"q\",\"r\",\"s\"]", NULL, 5},
        {"c", 4, TIED, NULL, 5}, {"long", 6, TIED, NULL, 5}, {"wide", 4, TIED, NULL, 7},
        {"one", 1, TIED, NULL, 5}, {"more", 4, TIED, "model.extra.weight", 5},
        {"untied", 4, UNTIED, "lm_head.weight", 5},
        {"tower", 2, TIED, "visual.blocks.0.proj.weight", 5}};
    assert_true(lw_folder_remove("plan_test.tmp", NULL));
    assert_true(lw_folder_create("plan_test.tmp", NULL));
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        char folder[64];
        struct model model = models[i];
        snprintf(folder, sizeof folder, "plan_test.tmp/%s", model.folder);
        model.folder = folder;
        make(&model);
    }
    return 0;
}

static int clean_up(void **state)
{
    (void)state;
    return !lw_folder_remove("plan_test.tmp", NULL);
}

// Recipes name models by "@NAME", which becomes the folder's name.
static struct lw_merge_recipe *recipe_of(const char *text)
{
    struct lw_string full = {0};
    struct lw_merge_recipe *recipe;
    struct lw_error error = {0};
    for (; *text; text++) {
        assert_true(*text == '@' ? lw_string_addf(&full, NULL, "plan_test.tmp/")
                                 : lw_string_add(&full, text, 1, NULL));
    }
    if (!lw_merge_recipe_parse(
            &recipe, lw_string_text(&full), full.length, "r.yml", NULL, &error)) {
        fail_msg("%s", error.message);
    }
    lw_string_free(&full);
    return recipe;
}

struct planned {
    struct lw_merge_recipe *recipe;
    struct lw_merge_plan *plan;
    struct lw_string problems;
    struct lw_error error;
};

static bool try(struct planned *planned, const char *text)
{
    *planned = (struct planned){.recipe = recipe_of(text)};
    return lw_merge_plan_create(&planned->plan,
        &(struct lw_merge_params){.recipe = planned->recipe}, &planned->problems, &planned->error);
}

static struct planned plan_of(const char *text)
{
    struct planned planned;
    if (!try(&planned, text)) {
        fail_msg("%s\n%s\n%s", text, planned.error.message, lw_string_text(&planned.problems));
    }
    return planned;
}

static void done(struct planned *planned)
{
    lw_merge_plan_destroy(planned->plan);
    lw_merge_recipe_destroy(planned->recipe);
    lw_string_free(&planned->problems);
}

static const struct lw_merge_tensor *find(const struct planned *planned, const char *name)
{
    for (size_t i = 0; i < planned->plan->tensor_count; i++) {
        if (strcmp(planned->plan->tensors[i].info.name, name) == 0) {
            return &planned->plan->tensors[i];
        }
    }
    fail_msg("no tensor %s", name);
    return NULL;
}

static double of_input(const struct planned *planned, const char *name, size_t input,
    enum lw_merge_parameter parameter)
{
    const struct lw_merge_tensor *tensor = find(planned, name);
    assert_true(input < tensor->input_count);
    return tensor->inputs[input].values.value[parameter];
}

static void check_near(double value, double wanted)
{
    if (!(fabs(value - wanted) < 1e-12)) {
        fail_msg("%.17g, not %.17g", value, wanted);
    }
}

#define LAYER(number, rest) "model.layers." #number "." rest
#define ATTENTION "self_attn.q_proj.weight"
#define MLP "mlp.up_proj.weight"

static void values_follow_the_layers(void **state)
{
    (void)state;
    struct planned p = plan_of("merge_method: slerp\nbase_model: '@a'\nmodels: [{model: '@a'}, "
                               "{model: '@b'}]\nparameters:\n  t:\n  - {filter: self_attn, value: "
                               "[0, 0.5, 0.3, 0.7, 1]}\n  - {filter: mlp, value: [0, 3]}\n  - "
                               "{filter: embed, value: [7, 8]}\n  - value: [5, 6]\n");
    static const double attention[] = {0, 0.5 + (0.3 - 0.5) / 3, 0.3 + 0.4 * 2 / 3, 1};
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "model.layers.%d." ATTENTION, i);
        check_near(find(&p, name)->values.value[LW_MERGE_T], attention[i]);
        snprintf(name, sizeof name, "model.layers.%d." MLP, i);
        check_near(find(&p, name)->values.value[LW_MERGE_T], i);
    }
    // Without a layer it is the gradient's start.
    const struct lw_merge_tensor *embedding = find(&p, "model.embed_tokens.weight");
    check_near(embedding->values.value[LW_MERGE_T], 7);
    assert_true(embedding->vocabulary && embedding->base == &embedding->inputs[0]);
    check_near(find(&p, "model.norm.weight")->values.value[LW_MERGE_T], 5);
    assert_true(isnan(embedding->values.value[LW_MERGE_LAMBDA]));
    assert_true(p.plan->tensor_count == 10 && p.plan->most_inputs == 2 && !p.plan->config);
    assert_int_equal(p.plan->bytes_read, 2 * p.plan->bytes_written);
    done(&p);
    p = plan_of(
        "merge_method: passthrough\nmodels: [{model: '@one', parameters: {scale: [2, 3]}}]");
    check_near(of_input(&p, LAYER(0, MLP), 0, LW_MERGE_SCALE), 3); // one layer is the end
    done(&p);
}

static void nearest_setting_counts(void **state)
{
    (void)state;
    struct planned p = plan_of(
        "merge_method: ties\nbase_model: '@a'\nslices:\n- sources:\n  - {model: '@a', layer_range: "
        "[0, 4]}\n  - {model: '@b', layer_range: [0, 4], parameters: {weight: [{filter: mlp, "
        "value: "
        "1}]}}\n  - {model: '@c', layer_range: [0, 4]}\n  parameters: {weight: [{filter: q_proj, "
        "value: 2}], lambda: 0.5}\nparameters: {weight: 3, density: 0.25, lambda: 9}\n");
    check_near(of_input(&p, LAYER(1, MLP), 1, LW_MERGE_WEIGHT), 1);
    check_near(of_input(&p, LAYER(1, MLP), 2, LW_MERGE_WEIGHT), 3);
    check_near(of_input(&p, LAYER(1, ATTENTION), 1, LW_MERGE_WEIGHT), 2);
    check_near(of_input(&p, "model.norm.weight", 1, LW_MERGE_WEIGHT), 3);
    check_near(of_input(&p, LAYER(1, MLP), 1, LW_MERGE_DENSITY), 0.25);
    check_near(find(&p, LAYER(1, MLP))->values.value[LW_MERGE_LAMBDA], 0.5);
    check_near(find(&p, LAYER(1, MLP))->values.value[LW_MERGE_NORMALIZE], 1); // by the method
    done(&p);
}

static void bases_have_roles(void **state)
{
    (void)state;
#define TWO                                                                                        \
    "models: [{model: '@b', parameters: {weight: 1}}, {model: '@c', parameters: {weight: 1}}]\n"
    struct planned p = plan_of("merge_method: task_arithmetic\nbase_model: '@a'\n" TWO);
    const struct lw_merge_tensor *tensor = find(&p, "model.norm.weight");
    assert_true(tensor->input_count == 3 && tensor->base == &tensor->inputs[2]);
    assert_int_equal(tensor->base->parent, 0);
    assert_true(isnan(tensor->base->values.value[LW_MERGE_WEIGHT]));
    assert_string_equal(p.plan->parents[0].folder, "plan_test.tmp/a");
    done(&p);
    p = plan_of("merge_method: nuslerp\n" TWO);
    assert_true(find(&p, "model.norm.weight")->input_count == 2 && !p.plan->tensors[0].base);
    done(&p);
    p = plan_of("merge_method: nuslerp\nbase_model: '@a'\n" TWO);
    assert_true(find(&p, "model.norm.weight")->base);
    done(&p);
    p = plan_of("merge_method: linear\nbase_model: '@b'\n" TWO);
    assert_true(p.plan->tensors[0].input_count == 2 && !p.plan->tensors[0].base);
    done(&p);
    // As a model like the others it is merged too, but for what needs a weight and has none.
    p = plan_of("merge_method: linear\nbase_model: '@a'\n" TWO);
    assert_int_equal(p.plan->tensors[0].input_count, 2);
    done(&p);
    p = plan_of("merge_method: linear\nbase_model: '@a'\n" TWO "parameters: {weight: 2}\n");
    assert_int_equal(p.plan->tensors[0].input_count, 3);
    check_near(of_input(&p, "model.norm.weight", 2, LW_MERGE_WEIGHT), 2);
    done(&p);
    p = plan_of(
        "merge_method: karcher\nbase_model: '@a'\nmodels: [{model: '@b'}, {model: '@c'}]\n");
    assert_int_equal(p.plan->tensors[0].input_count, 3);
    done(&p);
    p = plan_of("merge_method: passthrough\nbase_model: '@a'\nmodels: [{model: '@b'}]\n");
    assert_int_equal(p.plan->tensors[0].input_count, 1);
    done(&p);
}

static void layers_move(void **state)
{
    (void)state;
    struct planned p = plan_of(
        "merge_method: passthrough\nslices:\n- sources: [{model: '@a', layer_range: [0, 3]}]\n"
        "- sources: [{model: '@b', layer_range: [1, 3], parameters: {scale: [{filter: layers.1., "
        "value: 0.5}, {value: [1, 2]}]}}]\ndtype: float32\n");
    const struct lw_merge_plan *plan = p.plan;
    assert_int_equal(plan->tensor_count, 2 + 5 * 2);
    assert_string_equal(plan->tensors[0].info.name, "model.embed_tokens.weight");
    assert_string_equal(plan->tensors[11].info.name, "model.norm.weight");
    assert_int_equal(plan->tensors[0].inputs[0].parent, 0);  // of the first slice
    assert_int_equal(plan->tensors[11].inputs[0].parent, 1); // of the last
    const struct lw_merge_input *input = &find(&p, LAYER(3, MLP))->inputs[0];
    assert_string_equal(input->info->name, LAYER(1, MLP));
    assert_int_equal(input->parent, 1);
    // A filter looks at the name in the model.
    check_near(of_input(&p, LAYER(3, MLP), 0, LW_MERGE_SCALE), 0.5);
    check_near(of_input(&p, LAYER(4, MLP), 0, LW_MERGE_SCALE), 2);
    assert_true(isnan(of_input(&p, LAYER(1, MLP), 0, LW_MERGE_SCALE)));
    char *config = cJSON_PrintUnformatted(plan->config);
    assert_string_equal(config, "{\"architectures\":[\"Qwen2ForCausalLM\"],\"num_hidden_layers\":5,"
                                "\"tie_word_embeddings\":true,\"layer_types\":[\"w\",\"x\",\"y\","
                                "\"q\",\"r\"],\"torch_dtype\":\"float32\"}");
    cJSON_free(config);
    assert_true(
        plan->tensors[0].info.dtype == LW_DTYPE_F32 && plan->bytes_written == 2 * plan->bytes_read);
    done(&p);
    // Models of other depths, with themselves.
    p = plan_of("merge_method: slerp\nbase_model: '@c'\nparameters: {t: 0.5}\nslices:\n- sources: "
                "[{model: '@c', layer_range: [0, 2]}]\n- sources: [{model: '@c', layer_range: [2, "
                "4]}, {model: '@long', layer_range: [4, 6]}]\n");
    assert_true(!p.plan->config && p.plan->tensor_count == 10);
    assert_int_equal(find(&p, LAYER(1, MLP))->input_count, 1);
    assert_string_equal(find(&p, LAYER(3, MLP))->inputs[1].info->name, LAYER(5, MLP));
    done(&p);
}

static void templates_are_chosen(void **state)
{
    (void)state;
    static const char mine[] = "{\"chat_template\": \"  {{ mine }}\\n\"}";
    static const char yours[] =
        "{\"chat_template\": [{\"name\": \"default\", \"template\": \"{{ yours }}\"}]}";
    assert_true(
        lw_file_write_whole("plan_test.tmp/a/tokenizer_config.json", mine, strlen(mine), NULL) &&
        lw_file_write_whole("plan_test.tmp/b/tokenizer_config.json", yours, strlen(yours), NULL) &&
        lw_file_write_whole("plan_test.tmp/c/chat_template.jinja", "{{ yours }}\n", 12, NULL));
#define THREE "merge_method: karcher\nmodels: [{model: '@a'}, {model: '@b'}, {model: '@c'}]\n"
    static const char *const rows[][2] = {{"", NULL}, {"chat_template: auto\n", "{{ yours }}"},
        {"chat_template: '{{ a text of Jinja }}'\n", "{{ a text of Jinja }}"}};
    for (size_t i = 0; i < 3; i++) {
        char text[300];
        snprintf(text, sizeof text, "%s%s", THREE, rows[i][0]);
        struct planned p = plan_of(text);
        if (rows[i][1]) {
            assert_string_equal(p.plan->chat_template, rows[i][1]);
        } else {
            assert_null(p.plan->chat_template);
        }
        done(&p);
    }
    struct planned p = plan_of(THREE "chat_template: chatml\n");
    assert_non_null(strstr(p.plan->chat_template, "<|im_start|>"));
    done(&p);
    p = plan_of(
        "merge_method: karcher\nmodels: [{model: '@a'}, {model: '@b'}]\nchat_template: auto\n");
    assert_null(p.plan->chat_template); // the first parent's own
    done(&p);
}

#define PAIR(x, y)                                                                                 \
    "models: [{model: '@" x "', parameters: {weight: 1}}, {model: '@" y                            \
    "', parameters: {weight: 1}}]\n"
#define RANGE(x, range) "- sources: [{model: '@" x "', layer_range: " range "}]\n"

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum lw_status status;
        const char *message, *problem;
    } rows[] = {
        {"merge_method: ties\n" PAIR("a", "b"), LW_USAGE, "r.yml:2: ties needs a `base_model`", ""},
        {"merge_method: slerp\nbase_model: '@a'\nparameters: {t: 1}\n" PAIR("b", "c"), LW_USAGE,
            "slerp merges exactly 1 model besides the base_model; here are 2", ""},
        {"merge_method: nuslerp\nbase_model: '@a'\n" PAIR("a", "b"), LW_USAGE,
            "exactly 2 models besides", ""},
        {"merge_method: model_stock\nbase_model: '@a'\n" PAIR("a", "b"), LW_USAGE,
            "at least 2 models", ""},
        {"merge_method: passthrough\n" PAIR("a", "b"), LW_USAGE, "exactly 1 model; here are 2", ""},
        {"merge_method: sce\nbase_model: '@a'\n" PAIR("a", "a"), LW_USAGE, "stands here 2 times",
            ""},
        {"merge_method: slerp\nbase_model: '@a'\n" PAIR("a", "b"), LW_USAGE,
            "slerp needs a value of t", ""},
        {"merge_method: linear\nmodels: [{model: '@a'}]\n", LW_USAGE,
            "r.yml:2: linear needs a value of weight", ""},
        {"merge_method: linear\nmodels: [{model: '@a', parameters: {weight: 1}}, {model: '@b', "
         "parameters: {weight: -1}}]\n",
            LW_USAGE, "divided by their sum", ""},
        {"merge_method: linear\n" PAIR("a", "absent"), LW_BAD_INPUT,
            "r.yml:2: plan_test.tmp/absent", ""},
        {"merge_method: linear\n" PAIR("a", "wide"), LW_BAD_INPUT, "1 differences",
            "[7, 2], in plan_test.tmp/a it has [5, 2]; the vocabularies differ"},
        {"merge_method: linear\n" PAIR("a", "long"), LW_BAD_INPUT, "differences",
            "num_hidden_layers"},
        {"merge_method: linear\n" PAIR("a", "more"), LW_BAD_INPUT, "1 differences",
            "more: tensor model.extra.weight is not in plan_test.tmp/a"},
        {"merge_method: linear\n" PAIR("more", "a"), LW_BAD_INPUT, "1 differences",
            "a: tensor model.extra.weight is missing"},
        {"merge_method: passthrough\nslices:\n" RANGE("a", "[2, 5]"), LW_USAGE,
            "layer_range ends at 5, and plan_test.tmp/a has 4 layers", ""},
        {"merge_method: passthrough\nslices:\n" RANGE("tower", "[0, 1]"), LW_USAGE,
            "layers of several kinds", ""},
        {"merge_method: passthrough\nslices:\n" RANGE("a", "[0, 4]") RANGE("long", "[0, 1]"),
            LW_BAD_INPUT, "long: config.json has no \"layer_types\"", ""},
        {"merge_method: ties\nbase_model: '@c'\nslices:\n- sources: [{model: '@a', layer_range: "
         "[0, 1]}, {model: '@b', layer_range: [0, 1]}]\n",
            LW_USAGE, "is no source of this slice", ""},
        {"merge_method: ties\nbase_model: '@c'\nslices:\n" RANGE("a", "[0, 4]"), LW_USAGE,
            "is no source of this slice", ""},
        {"merge_method: karcher\nslices:\n- sources: [{model: '@a', layer_range: [0, 4]}, {model: "
         "'@more', layer_range: [0, 4]}]\n",
            LW_BAD_INPUT, "1 differences", "model.extra.weight is not in"},
        {"merge_method: karcher\nmodels: [{model: '@a'}, {model: '@b+@c'}]\n", LW_BAD_INPUT,
            "adapter_config.json", ""},
        {"merge_method: karcher\nmodels: [{model: '@a'}]\nchat_template: alpaca\n", LW_USAGE,
            "r.yml:3: chat_template \"alpaca\"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct planned p;
        if (try(&p, rows[i].text) || p.error.status != rows[i].status ||
            !strstr(p.error.message, rows[i].message) ||
            !strstr(lw_string_text(&p.problems), rows[i].problem)) {
            fail_msg("%s\n%s\n%s", rows[i].text, p.error.message, lw_string_text(&p.problems));
        }
        done(&p);
    }
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    bool made = false;
    for (long successes = 0; !made; successes++) {
        struct planned p = {
            .recipe =
                recipe_of("merge_method: karcher\nchat_template: auto\ndtype: float16\nslices:\n- "
                          "sources: [{model: "
                          "'@a', layer_range: [1, 2]}, {model: '@b', layer_range: [0, 1]}]\n" RANGE(
                              "b", "[3, 4]"))};
        lw_memory_fail_after(successes);
        made = lw_merge_plan_create(
            &p.plan, &(struct lw_merge_params){.recipe = p.recipe}, &p.problems, &p.error);
        lw_memory_fail_after(-1);
        assert_true(made || p.error.status == LW_NO_RESOURCE);
        done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_follow_the_layers),
        cmocka_unit_test(nearest_setting_counts),
        cmocka_unit_test(bases_have_roles),
        cmocka_unit_test(layers_move),
        cmocka_unit_test(templates_are_chosen),
        cmocka_unit_test(refuses),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, set_up, clean_up);
}
