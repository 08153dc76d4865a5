// SPDX-License-Identifier: Apache-2.0
// One vocabulary for models of different tokenizers: ids, rows, padding, what is made, what is refused,
// the files, and every allocation failing once. The models are a config, a tokenizer and an embedding
// whose row r of model m holds 100 m + r.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/numeric.h"
#include "engine/io/json.h"
#include "merger/token_table.h"
#include "merger/vocabulary.h"

enum { COLUMNS = 2, MODELS = 3 };

static const char root[] = "vocabulary_test.tmp";
static const char output[] = "vocabulary_test.tmp/output";
static char folders[MODELS][64];
static struct lw_merge_parent parents[MODELS];

static const char plain[] = "{\"model\": {\"type\": \"BPE\", \"vocab\": {%s}, \"merges\": []}, "
                            "\"added_tokens\": [%s]}";

static void write_text(const char *folder, const char *name, const char *text)
{
    struct lw_string path = {0};
    assert_true(lw_path_join(&path, folder, name, NULL));
    assert_true(lw_file_write_whole(lw_string_text(&path), text, strlen(text), NULL));
    lw_string_free(&path);
}

static void write_embedding(const char *folder, int model, uint64_t rows)
{
    char path[96];
    struct lw_tensor_info info = {.name = "model.embed_tokens.weight",
        .dtype = model == 1 ? LW_DTYPE_F32 : LW_DTYPE_BF16,
        .rank = 2,
        .shape = {rows, COLUMNS}};
    struct lw_safetensors_writer *writer;
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    assert_true(lw_safetensors_writer_create(&writer, path, &info, 1, false, NULL));
    for (uint64_t i = 0; i < rows * COLUMNS; i++) {
        uint64_t row = i / COLUMNS;
        float value = (float)(100 * model) + (float)row;
        uint16_t half = lw_float_to_bf16(value);
        assert_true(model == 1 ? lw_safetensors_writer_add(writer, &value, sizeof value, NULL)
                               : lw_safetensors_writer_add(writer, &half, sizeof half, NULL));
    }
    assert_true(lw_safetensors_writer_finish(writer, NULL));
    lw_safetensors_writer_destroy(writer);
}

static void make_model(int model, uint64_t rows, const char *vocab, const char *added)
{
    char text[2048];
    lw_merge_parent_close(&parents[model]);
    snprintf(folders[model], sizeof folders[model], "%s/m%d", root, model);
    assert_true(lw_folder_remove(folders[model], NULL));
    assert_true(lw_folder_create(folders[model], NULL));
    write_embedding(folders[model], model, rows);
    snprintf(text, sizeof text,
        "{\"architectures\": [\"LlamaForCausalLM\"], \"vocab_size\": %d, "
        "\"tie_word_embeddings\": true}",
        (int)rows);
    write_text(folders[model], "config.json", text);
    snprintf(text, sizeof text, plain, vocab, added);
    write_text(folders[model], "tokenizer.json", text);
    assert_true(lw_merge_parent_open(&parents[model], folders[model], NULL));
}

static const char first_added[] = "{\"id\": 3, \"content\": \"<s>\", \"special\": true}";
static const char other_added[] = "{\"id\": 0, \"content\": \"<s>\", \"special\": true}, "
                                  "{\"id\": 4, \"content\": \"<x>\", \"special\": true, "
                                  "\"lstrip\": true, \"normalized\": false}";

// m0: a b c <s>, two rows of padding. m1: <s> c d b <x>. m2: d <s> e.
static void make_models(void)
{
    make_model(0, 6, "\"a\": 0, \"b\": 1, \"c\": 2", first_added);
    make_model(1, 5, "\"c\": 1, \"d\": 2, \"b\": 3", other_added);
    make_model(2, 3, "\"d\": 0, \"<s>\": 1, \"e\": 2", "");
}

struct merged {
    struct lw_merge_vocabulary *vocabulary;
    struct lw_merge_tensor tensor;
    struct lw_merge_input inputs[MODELS];
};

static struct lw_merge_vocabulary_params params_of(const char *source, size_t count)
{
    return (struct lw_merge_vocabulary_params){
        .parents = parents, .count = count, .has_base = true, .source = source, .recipe = "r.yml"};
}

static bool merge(
    struct merged *merged, const struct lw_merge_vocabulary_params *params, struct lw_error *error)
{
    *merged = (struct merged){0};
    if (!lw_merge_vocabulary_create(&merged->vocabulary, params, error)) {
        return false;
    }
    for (size_t i = 0; i < params->count; i++) {
        merged->inputs[i].parent = i;
        merged->inputs[i].info =
            lw_checkpoint_find(parents[i].checkpoint, "model.embed_tokens.weight");
    }
    merged->tensor.inputs = merged->inputs;
    merged->tensor.input_count = params->count;
    merged->tensor.info = *merged->inputs[0].info;
    return lw_merge_vocabulary_rows(merged->vocabulary, &merged->tensor, error);
}

// The first element of row `row` of an input as the merge sees it.
static double value_of(const struct merged *merged, size_t input, uint64_t row)
{
    const struct lw_merge_row_map *map = merged->inputs[input].map;
    int64_t from = map ? map->rows[row] : (int64_t)row;
    if (from == -1) {
        return 0;
    }
    if (from >= 0) {
        assert_true((uint64_t)from < merged->inputs[input].info->shape[0]);
        return (double)(100 * input) + (double)from;
    }
    size_t at = (size_t)(-2 - from) * COLUMNS;
    if (merged->inputs[input].info->dtype == LW_DTYPE_F32) {
        return ((const float *)map->made)[at];
    }
    return lw_bf16_to_float(((const uint16_t *)map->made)[at]);
}

static void expect(const struct merged *merged, size_t input, const double *values, size_t count)
{
    assert_int_equal(merged->tensor.info.shape[0], count);
    for (size_t i = 0; i < count; i++) {
        assert_float_equal(value_of(merged, input, i), values[i], 0);
    }
}

static void base_keeps_its_rows_and_padding(void **state)
{
    (void)state;
    struct merged merged;
    struct lw_merge_vocabulary_params params = params_of("base", 3);
    make_models();
    assert_true(merge(&merged, &params, NULL));
    assert_int_equal(lw_merge_vocabulary_size(merged.vocabulary), 6);
    assert_null(merged.inputs[0].map); // nothing moves in the base
    expect(&merged, 1, (const double[]){0, 103, 101, 100, 4, 5}, 6);
    expect(&merged, 2, (const double[]){0, 1, 2, 201, 4, 5}, 6);
    lw_merge_vocabulary_destroy(merged.vocabulary);
}

static void same_tokenizers_are_left_alone(void **state)
{
    (void)state;
    struct merged merged;
    struct lw_merge_vocabulary_params params = params_of("union", 2);
    make_model(0, 6, "\"a\": 0, \"b\": 1, \"c\": 2", first_added);
    make_model(1, 6, "\"c\": 2, \"b\": 1, \"a\": 0", first_added);
    assert_true(merge(&merged, &params, NULL));
    assert_int_equal(merged.tensor.info.shape[0], 6);
    assert_null(merged.inputs[0].map);
    assert_null(merged.inputs[1].map);
    lw_merge_vocabulary_destroy(merged.vocabulary);
}

// a b c <s>, then d and e, then <x>.
static void union_takes_all_tokens(void **state)
{
    (void)state;
    struct merged merged;
    struct lw_merge_vocabulary_params params = params_of("union", 3);
    make_models();
    assert_true(merge(&merged, &params, NULL));
    // d is in m1 and m2: m0 gets their mean; in bf16 that is 152.
    assert_float_equal((102 + 200) / 2.0, 151, 0);
    expect(&merged, 0, (const double[]){0, 1, 2, 3, 151, 202, 104}, 7);
    expect(&merged, 1, (const double[]){0, 103, 101, 100, 102, 202, 104}, 7);
    expect(&merged, 2, (const double[]){0, 1, 2, 201, 200, 202, 104}, 7);
    lw_merge_vocabulary_destroy(merged.vocabulary);
}

static void without_a_base_rows_are_averages(void **state)
{
    (void)state;
    struct merged merged;
    struct lw_merge_vocabulary_params params = params_of("union", 3);
    params.has_base = false;
    make_models();
    assert_true(merge(&merged, &params, NULL));
    // m2 has neither b nor c: the means of m0 and m1, (1 + 103) / 2 and (2 + 101) / 2.
    expect(&merged, 2, (const double[]){0, 52, 51.5, 201, 200, 202, 104}, 7);
    lw_merge_vocabulary_destroy(merged.vocabulary);
}

static void padding_is_the_mean_of_the_rows(void **state)
{
    (void)state;
    struct merged merged;
    struct lw_merge_vocabulary_params params = params_of("base", 2);
    params.pad_to_multiple_of = 5;
    make_models();
    assert_true(merge(&merged, &params, NULL));
    expect(&merged, 0, (const double[]){0, 1, 2, 3, 1.5}, 5);
    expect(&merged, 1, (const double[]){0, 103, 101, 100, 76}, 5);
    lw_merge_vocabulary_destroy(merged.vocabulary);
}

static void the_recipe_chooses_rows(void **state)
{
    (void)state;
    struct merged merged;
    struct lw_merge_vocabulary_params params = params_of("base", 3);
    static const char text[] =
        "{\"a\": {\"source\": {\"kind\": \"model_token\", \"model\": \"vocabulary_test.tmp/m1\", "
        "\"token\": \"<x>\"}}, \"b\": {\"source\": {\"kind\": \"zero\"}, \"force\": true}, "
        "\"c\": {\"source\": \"vocabulary_test.tmp/m1\", \"force\": true}, "
        "\"new\": {\"source\": {\"kind\": \"model_token\", \"model\": {\"model\": {\"path\": "
        "\"vocabulary_test.tmp/m2\"}}, \"token_id\": 2}}}";
    cJSON *tokens = cJSON_Parse(text);
    params.tokens = tokens;
    make_models();
    assert_true(merge(&merged, &params, NULL));
    expect(&merged, 0, (const double[]){0, 0, 101, 3, 202, 5}, 6);
    expect(&merged, 1, (const double[]){104, 0, 101, 100, 202, 5}, 6);
    expect(&merged, 2, (const double[]){104, 0, 101, 201, 202, 5}, 6);
    lw_merge_vocabulary_destroy(merged.vocabulary);
    cJSON_Delete(tokens);
}

static void refuse(
    const struct lw_merge_vocabulary_params *params, enum lw_status status, const char *word)
{
    struct merged merged;
    struct lw_error error = {0};
    assert_false(merge(&merged, params, &error));
    lw_merge_vocabulary_destroy(merged.vocabulary);
    assert_int_equal(error.status, status);
    if (!strstr(error.message, word)) {
        fail_msg("\"%s\" is not in: %s", word, error.message);
    }
}

static void bad_tokens_are_named(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"{\"a\": 3}", "{source, force}"},
        {"{\"a\": {}}", "source must be"}, {"{\"a\": {\"source\": \"zero\"}}", "zero"},
        {"{\"a\": {\"source\": \"vocabulary_test.tmp/m1\"}}", "no row for this token: a"},
        {"{\"a\": {\"source\": {\"kind\": \"one\"}}}", "kind must be"},
        {"{\"a\": {\"source\": {\"kind\": \"zero\"}, \"forced\": 1}}", "forced"},
        {"{\"a\": {\"source\": {\"kind\": \"zero\"}, \"force\": 1}}", "force must be"},
        {"{\"a\": {\"source\": {\"kind\": \"model_token\", \"model\": "
         "\"vocabulary_test.tmp/m1\"}}}",
            "one of token and token_id"},
        {"{\"a\": {\"source\": {\"kind\": \"model_token\", \"model\": "
         "\"vocabulary_test.tmp/m1\", \"token_id\": 5}}}",
            "token_id must be"},
        {"{\"a\": {\"source\": {\"kind\": \"model_token\", \"model\": "
         "\"vocabulary_test.tmp/m1\", \"token\": \"zz\"}}}",
            "zz"}};
    struct lw_merge_vocabulary_params params = params_of("base", 3);
    make_models();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *tokens = cJSON_Parse(cases[i][0]);
        assert_non_null(tokens);
        params.tokens = tokens;
        refuse(&params, LW_USAGE, cases[i][1]);
        cJSON_Delete(tokens);
    }
}

static void bad_tokenizers_are_named(void **state)
{
    (void)state;
    char path[96];
    struct lw_merge_vocabulary_params params = params_of("base", 2);
    make_models();
    snprintf(path, sizeof path, "%s/tokenizer.json", folders[1]);
    static const char *const cases[][2] = {{"[]", "object"},
        {"{\"model\": {\"type\": \"Other\"}}", "Other"}, {"{\"model\": {\"vocab\": []}}", "vocab"},
        {"{\"model\": {\"type\": \"Unigram\", \"vocab\": [3]}}", "entry 0"},
        {"{\"model\": {\"vocab\": {\"a\": 0, \"b\": 0}}}", "Two tokens"},
        {"{\"model\": {\"vocab\": {\"a\": -1}}}", "token id"},
        {"{\"model\": {\"vocab\": {\"a\": 0}}, \"added_tokens\": [{\"id\": 1}]}", "content"},
        {"{\"model\": {\"vocab\": {\"a\": 0}}, \"added_tokens\": [{\"id\": 1, "
         "\"content\": \"a\"}]}",
            "has the id 1 there and 0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text(folders[1], "tokenizer.json", cases[i][0]);
        refuse(&params, LW_BAD_INPUT, cases[i][1]);
    }
    assert_true(lw_folder_remove(path, NULL));
    refuse(&params, LW_BAD_INPUT, "m1: there is no tokenizer.json");
}

static void tokens_without_rows(void **state)
{
    (void)state;
    struct merged merged;
    struct lw_merge_vocabulary_params params = params_of("base", 2);
    make_models();
    make_model(0, 3, "\"a\": 0, \"b\": 1, \"c\": 2",
        "{\"id\": 3, \"content\": \"<pad>\", \"special\": true}");
    refuse(&params, LW_BAD_INPUT, "\"<pad>\" has the id 3, but the embedding has 3 rows");
    cJSON *tokens = cJSON_Parse("{\"<pad>\": {\"source\": {\"kind\": \"zero\"}}}");
    params.tokens = tokens;
    assert_true(merge(&merged, &params, NULL));
    expect(&merged, 0, (const double[]){0, 1, 2, 0}, 4);
    lw_merge_vocabulary_destroy(merged.vocabulary);
    cJSON_Delete(tokens);
    // Of another model's tokenizer: a warning and zeros.
    params = params_of("model", 2);
    params.model = folders[2];
    assert_true(merge(&merged, &params, NULL));
    expect(&merged, 0, (const double[]){102, 100, 0}, 3);
    lw_merge_vocabulary_destroy(merged.vocabulary);
}

static void expect_text(const char *name, const char *there)
{
    char path[96], text[4096];
    snprintf(path, sizeof path, "%s/%s", output, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    if (!strstr(text, there)) {
        fail_msg("\"%s\" is not in %s: %s", there, name, text);
    }
}

static bool write_all(
    const char *source, const char *model, const cJSON *tokens, struct lw_error *error)
{
    struct merged merged;
    struct lw_merge_vocabulary_params params = params_of(source, 3);
    params.model = model;
    params.tokens = tokens;
    struct lw_checkpoint_writer *writer = NULL;
    const float row[COLUMNS] = {0};
    struct lw_tensor_info info = {
        .name = "x", .dtype = LW_DTYPE_F32, .rank = 1, .shape = {COLUMNS}};
    bool done = merge(&merged, &params, error) &&
                lw_checkpoint_writer_create(&writer,
                    &(struct lw_checkpoint_params){.folder = output, .tensors = &info, .count = 1},
                    error) &&
                lw_checkpoint_writer_add(writer, row, sizeof row, error) &&
                lw_merge_vocabulary_write(merged.vocabulary, writer, error) &&
                lw_checkpoint_writer_finish(writer, error);
    lw_checkpoint_writer_destroy(writer);
    lw_merge_vocabulary_destroy(merged.vocabulary);
    return done;
}

static void files_of_the_union(void **state)
{
    (void)state;
    struct lw_token_table table;
    make_models();
    write_text(folders[0], "tokenizer_config.json",
        "{\"added_tokens_decoder\": {\"3\": {\"content\": \"<s>\"}}, \"k\": 1}");
    write_text(folders[0], "special_tokens_map.json", "{}");
    assert_true(write_all("union", NULL, NULL, NULL));
    assert_true(lw_token_table_read(&table, output, NULL));
    assert_int_equal(table.tokens.count, 7);
    static const char *const texts[] = {"a", "b", "c", "<s>", "d", "e", "<x>"};
    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(lw_token_table_find(&table, texts[i], strlen(texts[i])), i);
    }
    const cJSON *entry = lw_token_table_added(table.added, "<x>");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(entry, "special")));
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(entry, "lstrip")));
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(entry, "normalized")));
    entry = lw_token_table_added(table.added, "d");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(entry, "normalized")));
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(entry, "special")));
    lw_token_table_free(&table);
    expect_text("tokenizer_config.json", "\"6\":");
    expect_text("special_tokens_map.json", "{}");
    assert_true(lw_folder_remove(output, NULL));
}

static void files_of_a_model(void **state)
{
    (void)state;
    char text[2048];
    make_models();
    write_text(folders[0], "special_tokens_map.json", "{\"of\": 0}");
    write_text(folders[0], "generation_config.json", "{\"of\": 0}");
    assert_true(write_all("model", folders[2], NULL, NULL));
    snprintf(text, sizeof text, plain, "\"d\": 0, \"<s>\": 1, \"e\": 2", "");
    expect_text("tokenizer.json", text);
    expect_text("config.json", "\"vocab_size\": 6");
    expect_text("generation_config.json", "\"of\": 0");
    char path[96];
    snprintf(path, sizeof path, "%s/special_tokens_map.json", output);
    assert_false(lw_file_exists(path));
    assert_true(lw_folder_remove(output, NULL));
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    make_models();
    write_text(folders[0], "tokenizer_config.json", "{\"added_tokens_decoder\": {}}");
    cJSON *tokens = cJSON_Parse("{\"new\": {\"source\": {\"kind\": \"zero\"}}}");
    bool done = false;
    for (long successes = 0; !done; successes++) {
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        done = write_all("union", NULL, tokens, &error);
        lw_memory_fail_after(-1);
        assert_true(done || error.status == LW_NO_RESOURCE);
        assert_true(lw_folder_exists(output) == done);
    }
    cJSON_Delete(tokens);
    assert_true(lw_folder_remove(output, NULL));
}

int main(void)
{
    lw_folder_remove(root, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_keeps_its_rows_and_padding),
        cmocka_unit_test(same_tokenizers_are_left_alone),
        cmocka_unit_test(union_takes_all_tokens),
        cmocka_unit_test(without_a_base_rows_are_averages),
        cmocka_unit_test(padding_is_the_mean_of_the_rows),
        cmocka_unit_test(the_recipe_chooses_rows),
        cmocka_unit_test(bad_tokens_are_named),
        cmocka_unit_test(bad_tokenizers_are_named),
        cmocka_unit_test(tokens_without_rows),
        cmocka_unit_test(files_of_the_union),
        cmocka_unit_test(files_of_a_model),
        cmocka_unit_test(survives_lack_of_memory),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < MODELS; i++) {
        lw_merge_parent_close(&parents[i]);
    }
    lw_folder_remove(root, NULL);
    return failed;
}
