// SPDX-License-Identifier: Apache-2.0
// merger/adapter.h: every form of an adapter's tensors and settings, against products in double
// precision; every refusal; every allocation failing once.
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
#include "engine/base/numeric.h"
#include "merger/parent.h"

#define LAYER "base_model.model.model.layers.0."
#define QUERY LAYER "self_attn.q_proj"
#define OUTPUT LAYER "self_attn.o_proj"
#define EMBEDDING "base_model.model.model.embed_tokens"

static const char root[] = "adapter_forms_test.tmp";
static const char adapter_folder[] = "adapter_forms_test.tmp/adapter",
                  base_folder[] = "adapter_forms_test.tmp/base";

// A tensor of a test: its elements are value(seed, index).
struct row {
    const char *name;
    uint64_t shape[2]; // shape[1] 0: a vector
    enum lw_dtype dtype;
};

// A number of few bits, so that bf16 and fp16 hold it too.
static float value(const char *name, size_t index)
{
    uint32_t hash = (uint32_t)index * 2654435761u;
    for (; *name; name++) {
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    }
    return (float)((int)(hash >> 13 & 127) - 64) / 32;
}

static size_t count_of(const struct row *row)
{
    return (size_t)(row->shape[0] * (row->shape[1] ? row->shape[1] : 1));
}

static void write_tensors(
    const char *folder, const char *file, const struct row *rows, size_t count)
{
    struct lw_error error = {0};
    struct lw_string path = {0};
    struct lw_safetensors_writer *writer;
    struct lw_tensor_info infos[16];
    assert_true(count <= 16 && lw_path_join(&path, folder, file, &error));
    for (size_t i = 0; i < count; i++) {
        infos[i] = (struct lw_tensor_info){.name = rows[i].name,
            .dtype = rows[i].dtype,
            .rank = rows[i].shape[1] ? 2 : 1,
            .shape = {rows[i].shape[0], rows[i].shape[1]}};
    }
    assert_true(
        lw_safetensors_writer_create(&writer, lw_string_text(&path), infos, count, false, &error));
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count_of(&rows[i]); k++) {
            float single = value(rows[i].name, k);
            uint16_t half =
                rows[i].dtype == LW_DTYPE_BF16 ? lw_float_to_bf16(single) : lw_float_to_f16(single);
            uint64_t other = 0;
            const void *bytes = rows[i].dtype == LW_DTYPE_F32       ? (const void *)&single
                                : lw_dtype_size(rows[i].dtype) == 2 ? (const void *)&half
                                                                    : (const void *)&other;
            assert_true(
                lw_safetensors_writer_add(writer, bytes, lw_dtype_size(rows[i].dtype), &error));
        }
    }
    assert_true(lw_safetensors_writer_finish(writer, &error));
    lw_safetensors_writer_destroy(writer);
    lw_string_free(&path);
}

static void write_text(const char *folder, const char *file, const char *text)
{
    struct lw_string path = {0};
    assert_true(lw_path_join(&path, folder, file, NULL));
    assert_true(lw_file_write_whole(lw_string_text(&path), text, strlen(text), NULL));
    lw_string_free(&path);
}

static void write_adapter(const char *config, const struct row *rows, size_t count)
{
    assert_true(lw_folder_remove(adapter_folder, NULL) && lw_folder_create(adapter_folder, NULL));
    if (config) {
        write_text(adapter_folder, "adapter_config.json", config);
    }
    if (count) {
        write_tensors(adapter_folder, "adapter_model.safetensors", rows, count);
    }
}

static void write_base(const char *config)
{
    static const struct row rows[] = {{"model.embed_tokens.weight", {11, 5}, LW_DTYPE_BF16},
        {"model.layers.0.self_attn.q_proj.weight", {7, 5}, LW_DTYPE_BF16},
        {"model.layers.0.self_attn.q_proj.bias", {7, 0}, LW_DTYPE_F32},
        {"model.layers.0.self_attn.o_proj.weight", {6, 6}, LW_DTYPE_F16},
        {"model.layers.0.mlp.up_proj.weight", {130, 67}, LW_DTYPE_F32},
        {"model.norm.weight", {5, 0}, LW_DTYPE_F32}, {"lm_head.weight", {11, 5}, LW_DTYPE_F32}};
    assert_true(lw_folder_remove(base_folder, NULL) && lw_folder_create(base_folder, NULL));
    write_text(base_folder, "config.json", config);
    write_tensors(base_folder, "model.safetensors", rows, sizeof rows / sizeof *rows);
}

static const char plain_base[] = "{\"architectures\": [\"Qwen2ForCausalLM\"], "
                                 "\"num_hidden_layers\": 1, \"tie_word_embeddings\": false}";

struct opened {
    struct lw_merge_parent base;
    struct lw_adapter *adapter;
};

static bool open_all(struct opened *opened, struct lw_error *error)
{
    *opened = (struct opened){0};
    return lw_merge_parent_open(&opened->base, base_folder, error) &&
           lw_adapter_open(&opened->adapter, adapter_folder, &opened->base, error);
}

static void close_all(struct opened *opened)
{
    lw_adapter_close(opened->adapter);
    lw_merge_parent_close(&opened->base);
}

// What is expected of a tensor: weight(i, j) + scale * sum over k of a and b.
struct expectation {
    const char *name, *a, *b; // of the base, of the adapter; a NULL: a bias
    uint64_t rows, columns, rank;
    double scale;
    bool transposed; // the product's transpose is added
};

static double expected(const struct expectation *e, uint64_t row, uint64_t column)
{
    double sum = 0;
    uint64_t out = e->transposed ? column : row, in = e->transposed ? row : column;
    uint64_t inputs = e->transposed ? e->rows : e->columns;
    for (uint64_t k = 0; e->a && k < e->rank; k++) {
        sum += (double)value(e->b, out * e->rank + k) * (double)value(e->a, k * inputs + in);
    }
    sum = e->a ? sum : (double)value(e->b, column);
    return (double)value(e->name, row * e->columns + column) + e->scale * sum;
}

static void check_product(const struct opened *opened, const struct expectation *e)
{
    struct lw_error error = {0};
    const struct lw_adapter_update *update = lw_adapter_find(opened->adapter, e->name);
    static float left[130 * 4], right[67 * 4];
    assert_non_null(update);
    uint64_t padded = lw_adapter_rank(update);
    assert_true(update->rank && update->rows == e->rows && update->columns == e->columns);
    assert_true(e->rows * padded <= 130 * 4 && e->columns * padded <= 67 * 4);
    assert_true(lw_adapter_read_product(opened->adapter, update, left, right, &error));
    for (uint64_t i = 0; i < e->rows * e->columns; i++) {
        double sum = 0, wanted = expected(e, i / e->columns, i % e->columns);
        for (uint64_t k = 0; k < padded; k++) {
            sum += (double)left[i / e->columns * padded + k] *
                   (double)right[k * e->columns + i % e->columns];
        }
        double found = (double)value(e->name, i) + (double)update->scale * sum;
        assert_true(fabs(found - wanted) <= 1e-6 * (1 + fabs(wanted)));
    }
}

static void check(const char *config, const struct row *rows, size_t count,
    const struct expectation *expectations, size_t expectation_count)
{
    struct lw_error error = {0};
    struct opened opened;
    write_adapter(config, rows, count);
    if (!open_all(&opened, &error)) {
        fail_msg("%s", error.message);
    }
    for (size_t i = 0; i < expectation_count; i++) {
        check_product(&opened, &expectations[i]);
    }
    assert_null(lw_adapter_find(opened.adapter, "model.layers.0.self_attn.k_proj.weight"));
    close_all(&opened);
}

#define CHECK(config, rows, expectations)                                                          \
    check(config, rows, sizeof(rows) / sizeof *(rows), expectations,                               \
        sizeof(expectations) / sizeof *(expectations))

static void folds_every_form(void **state)
{
    (void)state;
    static const struct row plain[] = {{QUERY ".lora_A.weight", {2, 5}, LW_DTYPE_F32},
        {QUERY ".lora_B.weight", {7, 2}, LW_DTYPE_BF16},
        {QUERY ".lora_B.bias", {7, 0}, LW_DTYPE_F16},
        {LAYER "mlp.up_proj.lora_A.default.weight", {3, 67}, LW_DTYPE_F16},
        {LAYER "mlp.up_proj.lora_B.default.weight", {130, 3}, LW_DTYPE_F32},
        {EMBEDDING ".lora_embedding_A", {2, 11}, LW_DTYPE_BF16},
        {EMBEDDING ".lora_embedding_B", {5, 2}, LW_DTYPE_F32},
        {OUTPUT ".lora_A.weight", {2, 6}, LW_DTYPE_F32},
        {OUTPUT ".lora_B.weight", {6, 2}, LW_DTYPE_F32}};
    static const struct expectation products[] = {
        {"model.layers.0.self_attn.q_proj.weight", QUERY ".lora_A.weight", QUERY ".lora_B.weight",
            7, 5, 2, 4, false},
        {"model.layers.0.self_attn.q_proj.bias", NULL, QUERY ".lora_B.bias", 1, 7, 1, 4, false},
        {"model.layers.0.mlp.up_proj.weight", LAYER "mlp.up_proj.lora_A.default.weight",
            LAYER "mlp.up_proj.lora_B.default.weight", 130, 67, 3, 0.5, false},
        {"model.embed_tokens.weight", EMBEDDING ".lora_embedding_A", EMBEDDING ".lora_embedding_B",
            11, 5, 2, 4, true},
        {"model.layers.0.self_attn.o_proj.weight", OUTPUT ".lora_A.weight", OUTPUT ".lora_B.weight",
            6, 6, 2, -1, false}};
    // Keys without effect, and one that no version knows but that sets nothing.
    CHECK(
        "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 8, \"bias\": \"none\","
        " \"rank_pattern\": {\"up_proj\": 3}, \"alpha_pattern\": {\"^model.layers.0.mlp.up_proj\":"
        " 1.5, \"q_pro\": 77, \"layers\\\\.(0|1)\\\\.self_attn\\\\.o_proj$\": -2},"
        " \"init_lora_weights\": true, \"use_dora\": false, \"layer_replication\": null,"
        " \"loftq_config\": {}, \"megatron_core\": \"megatron.core\", \"something\": [],"
        " \"target_modules\": [\"q_proj\"], \"layers_to_transform\": [0], \"lora_dropout\": 0.1}",
        plain, products);
}

static void scales_by_the_root(void **state)
{
    (void)state;
    static const struct row rows[] = {{OUTPUT ".lora_A.weight", {4, 6}, LW_DTYPE_F32},
        {OUTPUT ".lora_B.weight", {6, 4}, LW_DTYPE_F32}};
    static const struct expectation products[] = {{"model.layers.0.self_attn.o_proj.weight",
        OUTPUT ".lora_A.weight", OUTPUT ".lora_B.weight", 6, 6, 4, 3, false}};
    CHECK("{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 6, \"use_rslora\": true,"
          " \"fan_in_fan_out\": true, \"init_lora_weights\": \"gaussian\"}",
        rows, products);
}

// A base whose layers keep their weights the other way: square ones are told by the architecture,
// the others by their shape.
static void turns_products(void **state)
{
    (void)state;
    static const struct row rows[] = {{OUTPUT ".lora_A.weight", {2, 6}, LW_DTYPE_F32},
        {OUTPUT ".lora_B.weight", {6, 2}, LW_DTYPE_F32},
        {LAYER "mlp.up_proj.lora_A.weight", {2, 130}, LW_DTYPE_F32},
        {LAYER "mlp.up_proj.lora_B.weight", {67, 2}, LW_DTYPE_F32}};
    static const struct expectation products[] = {
        {"model.layers.0.self_attn.o_proj.weight", OUTPUT ".lora_A.weight", OUTPUT ".lora_B.weight",
            6, 6, 2, 1, true},
        {"model.layers.0.mlp.up_proj.weight", LAYER "mlp.up_proj.lora_A.weight",
            LAYER "mlp.up_proj.lora_B.weight", 130, 67, 2, 1, true}};
    write_base("{\"architectures\": [\"GPT2LMHeadModel\"], \"n_layer\": 1,"
               " \"tie_word_embeddings\": false}");
    CHECK("{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 2}", rows, products);
    write_base(plain_base);
}

static void replaces_tensors(void **state)
{
    (void)state;
    static const struct row rows[] = {{"base_model.model.lm_head.weight", {11, 5}, LW_DTYPE_F32},
        {"base_model.model.model.norm.modules_to_save.default.weight", {5, 0}, LW_DTYPE_BF16},
        {QUERY ".base_layer.bias", {7, 0}, LW_DTYPE_F16},
        {QUERY ".lora_B.bias", {7, 0}, LW_DTYPE_F32},
        {QUERY ".lora_A.weight", {8, 5}, LW_DTYPE_F32},
        {QUERY ".lora_B.weight", {7, 8}, LW_DTYPE_F32},
        {EMBEDDING ".base_layer.weight", {11, 5}, LW_DTYPE_F32},
        {EMBEDDING ".lora_embedding_A.default", {8, 11}, LW_DTYPE_F32},
        {EMBEDDING ".lora_embedding_B.default", {5, 8}, LW_DTYPE_F32}};
    static const char *const names[] = {"lm_head.weight", "model.norm.weight",
        "model.layers.0.self_attn.q_proj.bias", "model.embed_tokens.weight"};
    static const size_t from[] = {0, 1, 2, 6};
    static const bool added[] = {false, false, true, true};
    struct lw_error error = {0};
    struct opened opened;
    write_adapter("{\"peft_type\": \"LORA\", \"bias\": \"all\", \"lora_bias\": true,"
                  " \"modules_to_save\": [\"lm_head\", \"norm\"]}",
        rows, sizeof rows / sizeof *rows);
    assert_true(open_all(&opened, &error));
    for (size_t i = 0; i < 4; i++) {
        const struct lw_adapter_update *update = lw_adapter_find(opened.adapter, names[i]);
        assert_non_null(update);
        assert_string_equal(update->replacement->name, rows[from[i]].name);
        assert_true(added[i] == (update->rank > 0));
    }
    float norm[5];
    assert_true(lw_adapter_read(opened.adapter,
        lw_adapter_find(opened.adapter, names[0])->replacement, 0, norm, sizeof norm, &error));
    assert_true(norm[4] == value(rows[0].name, 4));
    close_all(&opened);
}

#define LORA "{\"peft_type\": \"LORA\", \"r\": 2, "

static void refuse(const char *config, const struct row *rows, size_t count, const char *word)
{
    struct lw_error error = {0};
    struct opened opened;
    write_adapter(config, rows, count);
    assert_false(open_all(&opened, &error));
    if (error.status != LW_BAD_INPUT || !strstr(error.message, word)) {
        fail_msg("%s: %s", word, error.message);
    }
    assert_null(opened.adapter);
    close_all(&opened);
}

static void refuses_settings(void **state)
{
    (void)state;
    static const struct row rows[] = {{OUTPUT ".lora_A.weight", {2, 6}, LW_DTYPE_F32},
        {OUTPUT ".lora_B.weight", {6, 2}, LW_DTYPE_F32}};
    static const char *const configs[][2] = {{NULL, "adapter_config.json"}, {"{", "adapter_config"},
        {"[]", "adapter_config"}, {"{\"r\": 2}", "peft_type"},
        {"{\"peft_type\": \"LOHA\"}", "LOHA"}, {LORA "\"use_dora\": true}", "DoRA"},
        {LORA "\"use_qalora\": true}", "use_qalora"},
        {LORA "\"layer_replication\": [[0, 1]]}", "layer_replication"},
        {LORA "\"trainable_token_indices\": [1]}", "trainable_token_indices"},
        {LORA "\"target_parameters\": [\"w\"]}", "target_parameters"},
        {LORA "\"megatron_config\": {\"a\": 1}}", "Megatron"},
        {LORA "\"alora_invocation_tokens\": [1]}", "alora_invocation_tokens"},
        {LORA "\"use_new_thing\": true}", "use_new_thing"},
        {LORA "\"init_lora_weights\": \"pissa_niter_4\"}", "pissa_niter_4"},
        {LORA "\"init_lora_weights\": \"loftq\"}", "loftq"},
        {LORA "\"init_lora_weights\": 3}", "init_lora_weights"},
        {LORA "\"bias\": \"some\"}", "some"}, {LORA "\"bias\": 3}", "bias"},
        {LORA "\"lora_alpha\": \"x\"}", "lora_alpha"},
        {LORA "\"lora_alpha\": 1e300}", "lora_alpha"}, {LORA "\"use_rslora\": 1}", "use_rslora"},
        {"{\"peft_type\": \"LORA\", \"r\": 0}", "\"r\""},
        {"{\"peft_type\": \"LORA\", \"r\": 3}", "rank"},
        {LORA "\"rank_pattern\": {\"o_proj\": 3}}", "rank"},
        {LORA "\"rank_pattern\": {\"o_proj\": 0}}", "o_proj"},
        {LORA "\"rank_pattern\": [1]}", "rank_pattern"},
        {LORA "\"alpha_pattern\": {\"(\": 3}}", "alpha_pattern"},
        {LORA "\"alpha_pattern\": {\"a^b\": 3}}", "a^b"},
        {LORA "\"alpha_pattern\": {\"o_proj\": \"x\"}}", "o_proj"}};
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        refuse(configs[i][0], rows, 2, configs[i][1]);
    }
}

// The two tensors of a product that fits, as initializers.
#define FACTOR_A                                                                                   \
    {                                                                                              \
        OUTPUT ".lora_A.weight", {2, 6}, LW_DTYPE_F32                                              \
    }
#define FACTOR_B                                                                                   \
    {                                                                                              \
        OUTPUT ".lora_B.weight", {6, 2}, LW_DTYPE_F32                                              \
    }
#define FACTORS FACTOR_A, FACTOR_B

static void refuses_tensors(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        struct row rows[3];
        size_t count;
    } cases[] = {
        {"adapter_model.safetensors", {FACTOR_A}, 0},
        {"lora_B", {FACTOR_A}, 1},
        {"lora_A", {FACTOR_B}, 1},
        {"rank", {FACTOR_A, {OUTPUT ".lora_B.weight", {6, 3}, LW_DTYPE_F32}}, 2},
        {"rank", {{OUTPUT ".lora_A.weight", {6, 0}, LW_DTYPE_F32}, FACTOR_B}, 2},
        {"is there twice", {FACTORS, {OUTPUT ".lora_A.default.weight", {2, 6}, LW_DTYPE_F32}}, 3},
        {"is there twice", {FACTORS, {OUTPUT ".lora_embedding_A", {2, 6}, LW_DTYPE_F32}}, 3},
        {"lora_magnitude", {FACTORS, {OUTPUT ".lora_magnitude_vector", {6, 0}, LW_DTYPE_F32}}, 3},
        {"lora_C", {FACTORS, {OUTPUT ".lora_C.weight", {6, 2}, LW_DTYPE_F32}}, 3},
        {"other.lora", {FACTORS, {OUTPUT ".lora_A.other.lora.weight", {6, 2}, LW_DTYPE_F32}}, 3},
        {"trainable_tokens",
            {{EMBEDDING ".token_adapter.trainable_tokens_delta", {1, 5}, LW_DTYPE_F32}}, 1},
        {"prompt", {{"prompt_embeddings", {1, 5}, LW_DTYPE_F32}}, 1},
        {"base_model.model.", {{"base_model.model.", {1, 5}, LW_DTYPE_F32}}, 1},
        {"is not of F32", {{OUTPUT ".lora_A.weight", {2, 6}, LW_DTYPE_I64}, FACTOR_B}, 2},
        {"was not trained", {FACTORS, {OUTPUT ".weight", {6, 6}, LW_DTYPE_F32}}, 3},
        {"was not trained", {FACTORS, {QUERY ".base_layer.bias", {7, 0}, LW_DTYPE_F32}}, 3},
        {"[7, 1]", {FACTORS, {QUERY ".lora_B.bias", {7, 1}, LW_DTYPE_F32}}, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        refuse(LORA "\"lora_alpha\": 2}", cases[i].rows, cases[i].count, cases[i].word);
    }
    write_adapter(LORA "\"lora_alpha\": 2}", NULL, 0);
    write_text(adapter_folder, "adapter_model.bin", "");
    struct lw_error error = {0};
    struct opened opened;
    assert_false(open_all(&opened, &error));
    assert_non_null(strstr(error.message, "adapter_model.bin"));
    close_all(&opened);
}

static void refuses_other_bases(void **state)
{
    (void)state;
    static const char config[] = LORA "\"lora_alpha\": 2}";
    static const struct row wide[] = {{OUTPUT ".lora_A.weight", {2, 7}, LW_DTYPE_F32},
        {OUTPUT ".lora_B.weight", {6, 2}, LW_DTYPE_F32}};
    static const struct row vector[] = {
        {"base_model.model.model.norm.lora_A.weight", {2, 1}, LW_DTYPE_F32},
        {"base_model.model.model.norm.lora_B.weight", {5, 2}, LW_DTYPE_F32}};
    static const struct row absent[] = {{LAYER "x.lora_A.weight", {2, 7}, LW_DTYPE_F32},
        {LAYER "x.lora_B.weight", {6, 2}, LW_DTYPE_F32}};
    static const struct row turned[] = {{EMBEDDING ".lora_embedding_A", {2, 5}, LW_DTYPE_F32},
        {EMBEDDING ".lora_embedding_B", {11, 2}, LW_DTYPE_F32}};
    static const struct row head[] = {{"base_model.model.lm_head.weight", {12, 5}, LW_DTYPE_F32}};
    static const struct row bias[] = {{QUERY ".lora_B.bias", {6, 0}, LW_DTYPE_F32}};
    static const struct row tied[] = {{EMBEDDING ".weight", {11, 5}, LW_DTYPE_F32}};
    refuse(config, wide, 2, "o_proj.lora_A.weight of shape [2, 7] does not fit");
    refuse(config, vector, 2, "whose shape is [5]");
    refuse(config, absent, 2, "does not have");
    refuse(config, turned, 2, "does not fit");
    refuse(config, head, 1, "[12, 5]");
    refuse(config, bias, 1, "[6]");
    write_base("{\"architectures\": [\"Qwen2ForCausalLM\"], \"num_hidden_layers\": 1,"
               " \"tie_word_embeddings\": true}");
    refuse(config, tied, 1, "ties the head");
    static const struct expectation none[] = {{.name = NULL}};
    check(LORA "\"ensure_weight_tying\": true}", tied, 1, none, 0);
    refuse(LORA "\"ensure_weight_tying\": true}", head, 1, "ties the head");
    write_base("{\"architectures\": [\"Qwen2ForCausalLM\"], \"num_hidden_layers\": 1,"
               " \"quantization_config\": {\"quant_method\": \"gptq\"}}");
    refuse(config, tied, 1, "quantized");
    write_base(plain_base);
}

static void refuses_nan(void **state)
{
    (void)state;
    static const struct row rows[] = {{OUTPUT ".lora_A.weight", {2, 6}, LW_DTYPE_F32},
        {OUTPUT ".lora_B.weight", {6, 2}, LW_DTYPE_BF16}};
    static const char path[] = "adapter_forms_test.tmp/adapter/adapter_model.safetensors";
    struct lw_error error = {0};
    struct opened opened;
    struct lw_file *file;
    uint64_t size;
    write_adapter(LORA "\"lora_alpha\": 2}", rows, 2);
    assert_true(
        lw_file_open(&file, path, LW_FILE_UPDATE, &error) && lw_file_size(file, &size, &error) &&
        lw_file_write_at(file, size - 4, &(uint16_t){0x7fc0}, 2, &error)); // the last but one
    lw_file_close(file);
    assert_true(open_all(&opened, &error));
    float left[6 * 4], right[6 * 4];
    const struct lw_adapter_update *update =
        lw_adapter_find(opened.adapter, "model.layers.0.self_attn.o_proj.weight");
    assert_false(lw_adapter_read_product(opened.adapter, update, left, right, &error));
    assert_int_equal(error.status, LW_BAD_INPUT);
    assert_non_null(strstr(error.message, "lora_B.weight holds a NaN or an infinity"));
    close_all(&opened);
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    static const struct row rows[] = {{EMBEDDING ".lora_embedding_A", {2, 11}, LW_DTYPE_BF16},
        {EMBEDDING ".lora_embedding_B", {5, 2}, LW_DTYPE_F32},
        {"base_model.model.lm_head.weight", {11, 5}, LW_DTYPE_F32},
        {QUERY ".lora_B.bias", {7, 0}, LW_DTYPE_F32}};
    write_adapter(LORA "\"alpha_pattern\": {\"embed\": 1, \"embed_tokens\": 2}}", rows, 4);
    bool done = false;
    for (long successes = 0; !done; successes++) {
        struct lw_error error = {0};
        struct opened opened;
        lw_memory_fail_after(successes);
        done = open_all(&opened, &error);
        lw_memory_fail_after(-1);
        if (!done && error.status != LW_NO_RESOURCE) {
            fail_msg("after %ld: %s", successes, error.message);
        }
        close_all(&opened);
    }
}

int main(void)
{
    struct lw_error error = {0};
    if (!lw_folder_remove(root, &error) || !lw_folder_create(root, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    write_base(plain_base);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_every_form),
        cmocka_unit_test(scales_by_the_root),
        cmocka_unit_test(turns_products),
        cmocka_unit_test(replaces_tensors),
        cmocka_unit_test(refuses_settings),
        cmocka_unit_test(refuses_tensors),
        cmocka_unit_test(refuses_other_bases),
        cmocka_unit_test(refuses_nan),
        cmocka_unit_test(survives_lack_of_memory),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    lw_folder_remove(root, NULL);
    return failed;
}
