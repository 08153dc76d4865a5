// SPDX-License-Identifier: Apache-2.0
// engine/io/yaml_tree.h: what PyYAML's safe loader makes of scalars, lines, anchors and merges, limits,
// and everything that must be refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/io/yaml_scalar.h"
#include "engine/io/yaml_tree.h"

static void resolves_as_pyyaml(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum lw_yaml_kind kind;
        double number;
    } rows[] = {{"", LW_YAML_NULL, 0}, {"~", LW_YAML_NULL, 0}, {"Null", LW_YAML_NULL, 0},
        {"nULL", LW_YAML_TEXT, 0}, {"yes", LW_YAML_BOOL, 1}, {"ON", LW_YAML_BOOL, 1},
        {"Off", LW_YAML_BOOL, 0}, {"false", LW_YAML_BOOL, 0}, {"y", LW_YAML_TEXT, 0},
        {"tRue", LW_YAML_TEXT, 0}, {"0", LW_YAML_NUMBER, 0}, {"-17", LW_YAML_NUMBER, -17},
        {"+3", LW_YAML_NUMBER, 3}, {"1_000", LW_YAML_NUMBER, 1000}, {"0x1F", LW_YAML_NUMBER, 31},
        {"0b101", LW_YAML_NUMBER, 5}, {"017", LW_YAML_NUMBER, 15}, {"0o17", LW_YAML_TEXT, 0},
        {"09", LW_YAML_TEXT, 0}, {"0x", LW_YAML_TEXT, 0}, {"1:30", LW_YAML_NUMBER, 90},
        {"1:60", LW_YAML_TEXT, 0}, {"1:30.5", LW_YAML_NUMBER, 90.5}, {"0.5", LW_YAML_NUMBER, 0.5},
        {".5", LW_YAML_NUMBER, 0.5}, {"-.5", LW_YAML_TEXT, 0}, {"1.", LW_YAML_NUMBER, 1},
        {"1e-5", LW_YAML_TEXT, 0}, {"1.0e-5", LW_YAML_NUMBER, 1e-5}, {"1.0e5", LW_YAML_TEXT, 0},
        {"1.5E+2", LW_YAML_NUMBER, 150}, {".inf", LW_YAML_NUMBER, INFINITY},
        {"-.INF", LW_YAML_NUMBER, -INFINITY}, {"inf", LW_YAML_TEXT, 0}, {"nan", LW_YAML_TEXT, 0},
        {"-", LW_YAML_TEXT, 0}, {".", LW_YAML_TEXT, 0}, {"1.2.3", LW_YAML_TEXT, 0},
        {"_1", LW_YAML_TEXT, 0}, {"1_", LW_YAML_NUMBER, 1}, {"0.1_5", LW_YAML_NUMBER, 0.15}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double number = -1;
        enum lw_yaml_kind kind = lw_yaml_resolve(rows[i].text, &number);
        if (kind != rows[i].kind ||
            ((kind == LW_YAML_NUMBER || kind == LW_YAML_BOOL) && number != rows[i].number)) {
            fail_msg("%s: kind %d, %g", rows[i].text, kind, number);
        }
    }
    double number;
    assert_true(lw_yaml_resolve(".NaN", &number) == LW_YAML_NUMBER && isnan(number));
}

static cJSON *parse(const char *text, struct lw_error *error)
{
    return lw_yaml_parse(text, strlen(text), "r.yml", NULL, error);
}

static void check_tree(const char *text, const char *json)
{
    struct lw_error error = {0};
    cJSON *tree = parse(text, &error);
    if (!tree) {
        fail_msg("%s: %s", text, error.message);
    }
    char *printed = cJSON_PrintUnformatted(tree);
    assert_string_equal(printed, json);
    cJSON_free(printed);
    cJSON_Delete(tree);
}

static void makes_trees(void **state)
{
    (void)state;
    check_tree("", "null");
    check_tree("# only\n", "null");
    check_tree("a: 1\nb: [yes, 'yes', \"1\", ~]\nc:\n  - d: x\n    e: |\n      two\n      lines\n",
        "{\"a\":1,\"b\":[true,\"yes\",\"1\",null],\"c\":[{\"d\":\"x\",\"e\":\"two\\nlines\\n\"}]}");
    check_tree("a: !!str 5\nb: !!float 1.5\nc: ! 7\n", "{\"a\":\"5\",\"b\":1.5,\"c\":\"7\"}");
    check_tree("7: x\n", "{\"7\":\"x\"}");
    check_tree("{\"a\": {\"b\": [1, 2.5]}}", "{\"a\":{\"b\":[1,2.5]}}");
    check_tree(
        "a: &x [1, 2]\nb: *x\nc: &x 3\nd: *x\n", "{\"a\":[1,2],\"b\":[1,2],\"c\":3,\"d\":3}");
    check_tree("a: &x {k: 1, m: 2}\nb:\n  <<: *x\n  k: 3\n",
        "{\"a\":{\"k\":1,\"m\":2},\"b\":{\"k\":3,\"m\":2}}");
    check_tree("- &x {k: 1}\n- &y {k: 2, l: 3}\n- {<<: [*x, *y]}\n",
        "[{\"k\":1},{\"k\":2,\"l\":3},{\"k\":1,\"l\":3}]");
    check_tree("a: {<<: {k: &z [1]}}\nb: *z\n", "{\"a\":{\"k\":[1]},\"b\":[1]}");
    check_tree("'<<': 1\n", "{\"<<\":1}");
}

static void keeps_lines(void **state)
{
    (void)state;
    cJSON *tree = parse("a: 1\nb:\n  - x\n  - {c: 2,\n     d: 3}\n", NULL);
    assert_non_null(tree);
    const cJSON *list = cJSON_GetObjectItem(tree, "b");
    assert_int_equal(lw_yaml_line(tree), 1);
    assert_int_equal(lw_yaml_line(list), 2);
    assert_int_equal(lw_yaml_line(list->child), 3);
    assert_int_equal(lw_yaml_line(cJSON_GetObjectItem(list->child->next, "d")), 5);
    cJSON_Delete(tree);
}

static void refuses(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"a: 1\nb: 2\na: 3\n", "r.yml:3: a again; it has a value in line 1"}, {"a: [1\n", "r.yml:"},
        {"a: 1\n---\nb: 2\n", "second document"}, {"? [1]\n: 2\n", "a key that is a list"},
        {"a: *x\n", "an alias of an anchor"}, {"a: &x [1, *x]\n", "inside of what it names"},
        {"a: !!python/object:os.system 1\n", "tag"}, {"a: !!int x\n", "tag"},
        {"a: !!set {b}\n", "tag"}, {"a: !mine [1]\n", "tag"}, {"a: \"b\\0c\"\n", "zero"},
        {"\"a\\0\": 1\n", "key"}, {"a: {<<: 1}\n", "<< takes"}, {"a: {<<: [1]}\n", "<< takes"},
        {"&k a: 1\n", "anchor at a key"}, {"a: &x 1\n*x : 2\n", "alias as a key"},
        {"a:\tb: c\n\t- d\n", "r.yml:"}, {"a: \xff\n", "r.yml:"},
        {"{<<: {a: 1}, <<: {b: 2}}", "again"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lw_error error = {0};
        cJSON *tree = parse(rows[i][0], &error);
        if (tree || error.status != LW_USAGE || !strstr(error.message, rows[i][1])) {
            fail_msg("%s: %s", rows[i][0], error.message);
        }
    }
}

static void is_bounded(void **state)
{
    (void)state;
    static const char laughs[] =
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
        "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
        "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n";
    struct lw_error error = {0};
    assert_null(parse(laughs, &error));
    assert_non_null(strstr(error.message, "too many values"));
    char deep[200];
    memset(deep, '[', sizeof deep);
    error = (struct lw_error){0};
    assert_null(lw_yaml_parse(deep, sizeof deep, "r.yml", NULL, &error));
    assert_non_null(strstr(error.message, "too deep"));
    error = (struct lw_error){0};
    struct lw_yaml_limits limits = {.depth = 2};
    static const char nested[] = "a: &x [1]\nb: [*x]\n";
    assert_null(lw_yaml_parse(nested, strlen(nested), "r.yml", &limits, &error));
    limits = (struct lw_yaml_limits){.bytes = 3};
    error = (struct lw_error){0};
    assert_null(lw_yaml_parse("a: 1", 4, "r.yml", &limits, &error));
    assert_int_equal(error.status, LW_USAGE);
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    cJSON *tree = NULL;
    for (long successes = 0; !tree; successes++) {
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        tree = parse("a: &x {b: 1}\nc: {<<: *x, d: [2, *x]}\n", &error);
        lw_memory_fail_after(-1);
        assert_true(tree || error.status == LW_NO_RESOURCE);
    }
    cJSON_Delete(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolves_as_pyyaml),
        cmocka_unit_test(makes_trees),
        cmocka_unit_test(keeps_lines),
        cmocka_unit_test(refuses),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
