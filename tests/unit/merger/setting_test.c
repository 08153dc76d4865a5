// SPDX-License-Identifier: Apache-2.0
// merger/setting.h: numbers, gradients and filters as mergekit evaluates them, and what is no setting.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "engine/io/yaml_tree.h"
#include "merger/setting.h"

static cJSON *parse(const char *text)
{
    struct lw_error error = {0};
    cJSON *setting = lw_yaml_parse(text, strlen(text), "r.yml", NULL, &error);
    assert_non_null(setting);
    return setting;
}

static void evaluates(void **state)
{
    (void)state;
    static const char filtered[] = "[{filter: self_attn, value: [0, 0.5, 1]}, {filter: mlp, value: "
                                   "0.25}, {value: 0.75}]";
    static const struct {
        const char *setting, *name;
        double t, value; // NAN: says nothing
    } rows[] = {{"0.5", "x", 0.3, 0.5}, {"3", "x", 0, 3}, {"true", "x", 0, 1}, {"no", "x", 0, 0},
        {"1e-5", "x", 0, 1e-5}, {"'0.25'", "x", 0, 0.25}, {"[2]", "x", 0, 2}, {"[2]", "x", 1, 2},
        {"[0, 1]", "x", 0, 0}, {"[0, 1]", "x", 1, 1}, {"[0, 1]", "x", 0.25, 0.25},
        {"[1, 0.7, 0.1]", "x", 0.5, 0.7}, {"[1, 0.7, 0.1]", "x", 0.75, 0.4},
        {"[0, 1e-1]", "x", 0.5, 0.05}, {"[true, false]", "x", 0.5, 0.5},
        // Nothing but texts: each holds for a while.
        {"[1e-1, 3e-1]", "x", 0.9, 0.1}, {"[1e-1, 3e-1]", "x", 1, 0.3},
        {filtered, "model.layers.1.self_attn.q_proj.weight", 0.5, 0.5},
        {filtered, "model.layers.1.self_attn.q_proj.weight", 0.75, 0.75},
        {filtered, "model.layers.1.mlp.up_proj.weight", 0.5, 0.25},
        {filtered, "model.norm.weight", 1, 0.75}, {"[{filter: mlp, value: 1}]", "norm", 1, NAN},
        {"[{filter: '*', value: 1}, {value: 2}]", "norm", 1, 1},
        {"{filter: mlp, value: 1}", "mlp", 1, 1}, {"{filter: mlp, value: 1}", "norm", 1, NAN},
        {"[{filter: ~, value: 4}]", "norm", 1, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cJSON *setting = parse(rows[i].setting);
        struct lw_error error = {0};
        double value = NAN;
        assert_true(lw_merge_setting_check(setting, "r.yml", "weight", &error));
        bool found = lw_merge_setting_value(setting, rows[i].name, rows[i].t, &value);
        if (found == isnan(rows[i].value) || (found && fabs(value - rows[i].value) > 1e-15)) {
            fail_msg("%s at %g: %g", rows[i].setting, rows[i].t, value);
        }
        cJSON_Delete(setting);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const char *const rows[] = {"text", "''", "~", "[]", "{}", "[[1]]", "[~]", "[a]", ".nan",
        ".inf", "[1, .inf]", "1e999", "{value: x}", "{filter: mlp}", "[{value: 1}, 2]",
        "[1, {value: 1}]", "[{value: 1, filters: mlp}]", "[{value: 1, filter: 3}]",
        "[{value: [{value: 1}]}]", "[{value: []}]"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cJSON *setting = parse(rows[i]);
        struct lw_error error = {0};
        if (lw_merge_setting_check(setting, "r.yml", "weight", &error) ||
            error.status != LW_USAGE || strncmp(error.message, "r.yml:1: ", 9) != 0) {
            fail_msg("%s: %s", rows[i], error.message);
        }
        cJSON_Delete(setting);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(evaluates), cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
