// SPDX-License-Identifier: Apache-2.0
// trainer/recipe: LLaMA-Factory's own example loads, every kind of mistake is named before anything
// is loaded, and what is printed reads back to the same values.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/stringbuf.h"
#include "tests/unit/trainer/scratch.h"
#include "trainer/recipe.h"

// examples/train_full/qwen3_full_sft.yaml at ff6d4d12.
static const char llama_factory_example[] =
    "### model\n"
    "model_name_or_path: Qwen/Qwen3-4B-Instruct-2507\n"
    "trust_remote_code: true\n"
    "\n"
    "### method\n"
    "stage: sft\n"
    "do_train: true\n"
    "finetuning_type: full\n"
    "deepspeed: examples/deepspeed/ds_z3_config.json  # choices: [ds_z0, ds_z2, ds_z3]\n"
    "\n"
    "### dataset\n"
    "dataset: identity,alpaca_en_demo\n"
    "template: qwen3_nothink\n"
    "cutoff_len: 2048\n"
    "max_samples: 1000\n"
    "preprocessing_num_workers: 16\n"
    "dataloader_num_workers: 4\n"
    "\n"
    "### output\n"
    "output_dir: saves/qwen3-4b/full/sft\n"
    "logging_steps: 10\n"
    "save_steps: 500\n"
    "plot_loss: true\n"
    "overwrite_output_dir: true\n"
    "save_only_model: false\n"
    "report_to: none  # choices: [none, wandb, tensorboard, swanlab, mlflow]\n"
    "\n"
    "### train\n"
    "per_device_train_batch_size: 1\n"
    "gradient_accumulation_steps: 2\n"
    "learning_rate: 1.0e-5\n"
    "num_train_epochs: 3.0\n"
    "lr_scheduler_type: cosine\n"
    "warmup_ratio: 0.1\n"
    "bf16: true\n"
    "ddp_timeout: 180000000\n"
    "resume_from_checkpoint: null\n";

static void reads_llama_factorys_example(void **state)
{
    (void)state;
    char *path = scratch_file("example.yaml", llama_factory_example);
    struct lw_recipe recipe;
    struct lw_error error = {0};
    const char *const changes[] = {"dataset_dir=data", "max_grad_norm=0.5"};
    assert_true(lw_recipe_load(&recipe, path, changes, 2, &error));
    assert_string_equal(recipe.model_name_or_path, "Qwen/Qwen3-4B-Instruct-2507");
    assert_int_equal(recipe.dataset.count, 2);
    assert_string_equal(recipe.dataset.items[1], "alpaca_en_demo");
    assert_string_equal(recipe.dataset_dir, "data");
    assert_int_equal(recipe.global_batch_size, 2);
    assert_int_equal(recipe.compute_type, LW_COMPUTE_BF16);
    assert_int_equal(recipe.data_seed, 42);
    assert_null(recipe.resume_from_checkpoint);
    assert_true(recipe.max_grad_norm == 0.5 && recipe.learning_rate == 1e-5);
    struct lw_schedule schedule;
    assert_true(lw_recipe_schedule(&recipe, 25, &schedule, &error));
    static const char *const without_effect[] = {"trust_remote_code", "deepspeed",
        "dataloader_num_workers", "plot_loss", "report_to", "ddp_timeout"};
    assert_int_equal(recipe.without_effect.count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(recipe.without_effect.items[i], without_effect[i]);
    }
    assert_int_equal(schedule.kind, LW_SCHEDULE_COSINE);
    assert_int_equal(schedule.warmup_updates, 3);
    struct lw_dataset_params params = lw_recipe_dataset(&recipe);
    assert_int_equal(params.mask.cutoff_len, 2048);
    assert_int_equal(params.max_samples, 1000);
    assert_int_equal(params.mix_strategy, LW_MIX_CONCAT);
    assert_int_equal(params.threads, 16);
    lw_recipe_free(&recipe);
    scratch_free(path);
}

// What every recipe needs, and `more` after it.
#define LEAST "model_name_or_path=m", "dataset=d", "output_dir=o", "template=qwen"
enum { least = 4, most = 8 };

struct mistake {
    const char *more[most - least];
    const char *part; // of the message
};

static const struct mistake mistakes[] = {
    {{"mix_strategy=mixed"}, "found \"mixed\""},
    {{"interleave_probs=0.5,0.5"}, "interleave_probs needs mix_strategy"},
    {{"mix_strategy=interleave_over", "interleave_probs=0.5,x", "dataset=a,b"},
        "interleave_probs: \"x\" is not a number"},
    {{"mix_strategy=interleave_over", "interleave_probs=0.5,0.6", "dataset=a,b"}, "add up to 1.1"},
    {{"mix_strategy=interleave_over", "interleave_probs=0.5,0.5"}, "2 numbers for 1 data set;"},
    {{"mix_strategy=interleave_over", "interleave_probs=1", "eval_dataset=a,b"},
        "1 number for 2 data sets"},
    {{"eval_dataset=e", "val_size=0.1"}, "eval_dataset and val_size exclude each other"},
    {{"learning_rat=1"}, "did you mean learning_rate?"},
    {{"learning_rate"}, "not of the form key=value"},
    {{"learning_rate=fast"}, "learning_rate must be a number"},
    {{"learning_rate=-1"}, "learning_rate must be a number from 0"},
    {{"learning_rate=nan"}, "learning_rate must be"},
    {{"cutoff_len=0"}, "cutoff_len must be a whole number from 1"},
    {{"cutoff_len=1.5"}, "cutoff_len must be a whole number"},
    {{"seed=99999999999999999999"}, "seed must be"},
    {{"warmup_ratio=1.1"}, "warmup_ratio must be a number from 0 to 1"},
    {{"adam_beta1=1"}, "adam_beta1 must be"},
    {{"stage=dpo"}, "found \"dpo\""},
    {{"finetuning_type=lora"}, "found \"lora\": Lewin trains all parameters"},
    {{"lr_scheduler_type=reduce_lr_on_plateau"}, "found \"reduce_lr_on_plateau\""},
    {{"lr_scheduler_type=polynomial", "learning_rate=1e-8"}, "must be below learning_rate"},
    {{"lr_scheduler_type=cosine_with_min_lr"}, "needs min_lr or min_lr_rate"},
    {{"lr_scheduler_kwargs={min_lr: 1e-6}"}, "the schedule linear has no min_lr"},
    {{"lr_scheduler_kwargs=min_lr"}, "lr_scheduler_kwargs must be a map"},
    {{"eval_steps=1.5"}, "eval_steps is a share below 1 or a whole number"},
    {{"logging_steps=0"}, "logging_steps must be"},
    {{"enable_thinking=maybe"}, "must be one of true, false, null"},
    {{"on_long_record=crop"}, "must be one of cut, safe, drop"},
    {{"template=quen"}, "there is no \"quen\"; known: qwen"},
    {{"train_on_prompt=true", "mask_history=true"}, "exclude each other"},
    {{"val_size=1.5"}, "val_size is a share below 1 or a whole number"},
    {{"do_train=false"}, "nothing to do"},
    {{"fp16=true"}, "fp16: true cannot be done here: training is in bf16"},
    {{"lora_rank=8"}, "lora_rank: 8 cannot be done here: Lewin trains all parameters"},
    {{"quantization_bit=4"}, "quantization_bit"},
    {{"freeze_trainable_layers=2"}, "freeze_trainable_layers"},
    {{"neftune_noise_alpha=5"}, "neftune_noise_alpha: 5 cannot be done here: the loss"},
    {{"label_smoothing_factor=0.1"}, "label_smoothing_factor"},
    {{"optim=paged_adamw_8bit"}, "the optimizer is AdamW"},
    {{"use_badam=true"}, "use_badam"},
    {{"pure_bf16=true"}, "pure_bf16"},
    {{"rope_scaling=linear"}, "rope_scaling: linear cannot be done here"},
    {{"streaming=true"}, "streaming"},
    {{"group_by_length=True"}, "group_by_length: True"},
    {{"load_best_model_at_end=true"}, "load_best_model_at_end"},
    {{"packing=true"}, "attend to each other"},
    {{"neat_packing=true", "train_on_prompt=true"}, "take one of the two out"},
    {{"evaluation_strategy=steps"}, "eval_strategy now"},
    {{"ddp_timeot=1"}, "there is no option ddp_timeot"},
    {{"compute_type=bf16", "bf16=false"}, "contradict each other"},
    {{"tokens_per_batch=100"}, "must not be below cutoff_len (2048)"},
    {{"global_batch_size=16", "per_device_train_batch_size=4", "gradient_accumulation_steps=2"},
        "whose product is 8"},
    {{"global_batch_size=16", "gradient_accumulation_steps=3"}, "whose product is 3"},
};

static void reads_mixtures(void **state)
{
    (void)state;
    static const char *const assignments[] = {LEAST, "dataset=a,b,c", "eval_dataset=d,e,f",
        "mix_strategy=interleave_once", "interleave_probs=0.25, 2.5e-1, .5"};
    struct lw_recipe recipe;
    struct lw_error error = {0};
    bool loaded = lw_recipe_load(&recipe, NULL, assignments, least + 4, &error);
    assert_string_equal(error.message, "");
    assert_true(loaded);
    assert_int_equal(recipe.eval_dataset.count, 3);
    assert_int_equal(lw_recipe_dataset(&recipe).mix_strategy, LW_MIX_ONCE);
    double *probabilities = NULL;
    assert_true(lw_recipe_probabilities(&recipe, &probabilities, &error));
    assert_true(probabilities[0] == 0.25 && probabilities[1] == 0.25 && probabilities[2] == 0.5);
    lw_free(probabilities);
    lw_recipe_free(&recipe);
}

// Keys that ask for nothing pass without a word, those that change nothing are remembered once.
static void takes_foreign_keys(void **state)
{
    (void)state;
    static const char *const assignments[] = {LEAST, "label_smoothing_factor=0.0",
        "optim=adamw_torch_fused", "use_galore=False", "use_galore=no",
        "dataloader_drop_last=false", "pure_bf16=false", "flash_attn=fa2", "deepspeed=ds.json",
        "flash_attn=auto"};
    struct lw_recipe recipe;
    struct lw_error error = {0};
    assert_true(lw_recipe_load(
        &recipe, NULL, assignments, sizeof assignments / sizeof *assignments, &error));
    assert_int_equal(recipe.without_effect.count, 2);
    assert_string_equal(recipe.without_effect.items[0], "flash_attn");
    lw_recipe_free(&recipe);
    char *path = scratch_file("foreign.yaml",
        "model_name_or_path: m\ndataset: d\ntemplate: qwen\noutput_dir: o\n"
        "deepspeed: {stage: 3, offload: {device: cpu}}\nreport_to: [wandb, none]\n"
        "fsdp_config: null\nlr_scheduler_type: cosine_with_min_lr\n"
        "lr_scheduler_kwargs:\n  min_lr_rate: 0.1\n  num_cycles: 0.5\neval_strategy: steps\n"
        "logging_steps: 20\n");
    assert_true(lw_recipe_load(&recipe, path, NULL, 0, &error));
    assert_int_equal(recipe.without_effect.count, 2);
    assert_int_equal(recipe.lr_scheduler_kwargs.count, 2);
    assert_true(recipe.eval_steps == 20);
    struct lw_string text = {0};
    assert_true(lw_recipe_print(&recipe, &text, &error));
    assert_non_null(
        strstr(text.data, "\nlr_scheduler_kwargs: {min_lr_rate: 0.1, num_cycles: 0.5}\n"));
    assert_non_null(strstr(text.data, "\nadam_epsilon: 1.0e-08\n"));
    assert_null(strstr(text.data, "deepspeed"));
    lw_string_free(&text);
    lw_recipe_free(&recipe);
    scratch_free(path);
}

// Packs are a token shorter than cutoff_len; their numbers are LLaMA-Factory's.
static void packs_a_token_less(void **state)
{
    (void)state;
    static const char *const assignments[] = {LEAST, "neat_packing=true", "packing=true",
        "cutoff_len=100", "preprocessing_num_workers=16"};
    struct lw_recipe recipe;
    assert_true(
        lw_recipe_load(&recipe, NULL, assignments, sizeof assignments / sizeof *assignments, NULL));
    struct lw_dataset_params params = lw_recipe_dataset(&recipe);
    assert_int_equal(params.mask.cutoff_len, 99);
    assert_int_equal(params.pack_tokens, 99);
    assert_int_equal(params.pack_batch, 1000);
    assert_int_equal(params.pack_workers, 16);
    lw_recipe_free(&recipe);
}

// The recipes of examples/ say nothing that is not known.
static void reads_our_examples(void **state)
{
    (void)state;
    static const char *const names[] = {"demo.yaml", "humanllm.yaml", "humanllm_ablation.yaml"};
    const char *data = getenv("LEWIN_TEST_DATA");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct lw_recipe recipe;
        struct lw_error error = {0};
        char path[1024];
        snprintf(path, sizeof path, "%s/../../examples/%s", data ? data : "tests/data", names[i]);
        bool loaded = lw_recipe_load(&recipe, path, NULL, 0, &error);
        assert_string_equal(error.message, "");
        assert_true(loaded);
        lw_recipe_free(&recipe);
    }
}

static void names_mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        const char *assignments[most] = {LEAST};
        size_t count = least;
        while (count < most && mistakes[i].more[count - least]) {
            assignments[count] = mistakes[i].more[count - least];
            count++;
        }
        struct lw_recipe recipe;
        struct lw_error error = {0};
        assert_false(lw_recipe_load(&recipe, NULL, assignments, count, &error));
        assert_int_equal(error.status, LW_USAGE);
        if (!strstr(error.message, mistakes[i].part)) {
            fail_msg("\"%s\" is not in \"%s\"", mistakes[i].part, error.message);
        }
    }
}

static void names_what_is_missing(void **state)
{
    (void)state;
    static const char *const all[] = {LEAST};
    static const char *const names[] = {"model_name_or_path", "dataset", "output_dir"};
    for (size_t missing = 0; missing < sizeof names / sizeof *names; missing++) {
        const char *assignments[least];
        size_t count = 0;
        for (size_t i = 0; i < least; i++) {
            if (i != missing) {
                assignments[count++] = all[i];
            }
        }
        struct lw_recipe recipe;
        struct lw_error error = {0};
        assert_false(lw_recipe_load(&recipe, NULL, assignments, count, &error));
        assert_int_equal(error.status, LW_USAGE);
        assert_non_null(strstr(error.message, names[missing]));
    }
}

struct batch {
    const char *more[3];
    int64_t batch;
};

static void agrees_on_the_batch(void **state)
{
    (void)state;
    static const struct batch rows[] = {
        {{NULL}, 8},
        {{"gradient_accumulation_steps=4"}, 32},
        {{"per_device_train_batch_size=2", "gradient_accumulation_steps=4"}, 8},
        {{"global_batch_size=64"}, 64},
        {{"global_batch_size=64", "per_device_train_batch_size=4"}, 64},
        {{"global_batch_size=8", "per_device_train_batch_size=4", "gradient_accumulation_steps=2"},
            8},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *assignments[least + 3] = {LEAST};
        size_t count = least;
        while (count < least + 3 && rows[i].more[count - least]) {
            assignments[count] = rows[i].more[count - least];
            count++;
        }
        struct lw_recipe recipe;
        assert_true(lw_recipe_load(&recipe, NULL, assignments, count, NULL));
        assert_int_equal(recipe.global_batch_size, rows[i].batch);
        lw_recipe_free(&recipe);
    }
}

static void prints_what_reads_back(void **state)
{
    (void)state;
    static const char *const assignments[] = {"model_name_or_path=a \"b\"\\c # d: e\t",
        "dataset=x.json, dir/y z.json", "template=qwen", "output_dir=\xc3\xa4", "dataset_dir=data",
        "learning_rate=1.2345678901234567e-5", "gradient_accumulation_steps=4", "bf16=false",
        "data_seed=7", "val_size=0.05", "save_strategy=epoch", "eval_strategy=no",
        "lr_scheduler_type=cosine_with_restarts", "lr_scheduler_kwargs={'num_cycles': 3}",
        "warmup_steps=0.25"};
    struct lw_recipe recipe;
    assert_true(lw_recipe_load(
        &recipe, NULL, assignments, sizeof assignments / sizeof assignments[0], NULL));
    struct lw_string first = {0}, second = {0};
    assert_true(lw_recipe_print(&recipe, &first, NULL));
    assert_non_null(
        strstr(first.data, "dataset: \"x.json,dir/y z.json\"\ndataset_dir: \"data\"\n"));
    lw_recipe_free(&recipe);
    char *path = scratch_file("printed.yaml", first.data);
    struct lw_error error = {0};
    bool loaded = lw_recipe_load(&recipe, path, NULL, 0, &error);
    assert_string_equal(error.message, "");
    assert_true(loaded);
    assert_string_equal(recipe.model_name_or_path, "a \"b\"\\c # d: e\t");
    assert_true(lw_recipe_print(&recipe, &second, NULL));
    assert_string_equal(first.data, second.data);
    lw_recipe_free(&recipe);
    lw_string_free(&first);
    lw_string_free(&second);
    scratch_free(path);
}

static void nothing_leaks_without_memory(void **state)
{
    (void)state;
    static const char *const assignments[] = {LEAST, "dataset_dir=data"};
    bool loaded = false;
    for (long successes = 0; !loaded; successes++) {
        struct lw_recipe recipe;
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        loaded = lw_recipe_load(&recipe, NULL, assignments, least + 1, &error);
        lw_memory_fail_after(-1);
        assert_int_equal(error.status, loaded ? LW_OK : LW_NO_RESOURCE);
        if (loaded) {
            lw_recipe_free(&recipe);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_llama_factorys_example),
        cmocka_unit_test(reads_our_examples),
        cmocka_unit_test(reads_mixtures),
        cmocka_unit_test(takes_foreign_keys),
        cmocka_unit_test(packs_a_token_less),
        cmocka_unit_test(names_mistakes),
        cmocka_unit_test(names_what_is_missing),
        cmocka_unit_test(agrees_on_the_batch),
        cmocka_unit_test(prints_what_reads_back),
        cmocka_unit_test(nothing_leaks_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
