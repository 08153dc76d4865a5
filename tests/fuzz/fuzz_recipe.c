// SPDX-License-Identifier: Apache-2.0
// Any bytes as a recipe. What is accepted has values in their ranges; a refusal names the file.
#include <string.h>

#include "engine/io/options_file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scratch.h"

struct values {
    bool bf16;
    int64_t max_steps;
    double learning_rate;
    char *model, *eval_dataset;
    int schedule;
    struct lw_option_list dataset, kwargs, ignored;
};

static const char path[] = "recipe_fuzz.tmp";
static const char *const schedules[] = {"linear", "cosine", NULL};
static const char *const ignored[] = {"deepspeed", "report_to", NULL};
static const char *const refused[] = {"streaming=false", "lora_rank", NULL};

static const struct lw_option table[] = {
    {"bf16", LW_OPTION_BOOL, offsetof(struct values, bf16), 0, 0, NULL, NULL, ""},
    {"max_steps", LW_OPTION_INTEGER, offsetof(struct values, max_steps), -1, 1e6, NULL, "-1", ""},
    {"learning_rate", LW_OPTION_NUMBER, offsetof(struct values, learning_rate), 0, 1, NULL, "0.5",
        ""},
    {"model_name_or_path", LW_OPTION_STRING, offsetof(struct values, model), 0, 0, NULL, NULL, ""},
    {"eval_dataset", LW_OPTION_STRING, offsetof(struct values, eval_dataset), 0, 0, NULL, NULL, ""},
    {"lr_scheduler_type", LW_OPTION_CHOICE, offsetof(struct values, schedule), 0, 0, schedules,
        "linear", ""},
    {"dataset", LW_OPTION_LIST, offsetof(struct values, dataset), 0, 0, NULL, NULL, ""},
    {"lr_scheduler_kwargs", LW_OPTION_MAP, offsetof(struct values, kwargs), 0, 0, NULL, NULL, ""},
    {"Ignored", LW_OPTION_IGNORED, offsetof(struct values, ignored), 0, 0, ignored, NULL, ""},
    {"Refused", LW_OPTION_REFUSED, 0, 0, 0, refused, NULL, "because"},
    {0},
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct values values;
    struct lw_error error = {0};
    scratch_write(path, bytes, size);
    bool defaults = lw_options_defaults(table, &values, NULL);
    assert(defaults);
    (void)defaults;
    if (lw_options_read(table, &values, path, &error)) {
        assert(values.max_steps >= -1 && values.max_steps <= 1000000);
        assert(values.learning_rate >= 0 && values.learning_rate <= 1);
        assert(values.schedule == 0 || values.schedule == 1);
        for (size_t i = 0; i < values.dataset.count; i++) {
            assert(values.dataset.items[i][0] && !strchr(values.dataset.items[i], ','));
        }
        for (size_t i = 0; i < values.kwargs.count; i++) {
            assert(strstr(values.kwargs.items[i], ": ") > values.kwargs.items[i]);
        }
        assert(values.ignored.count <= 2);
    } else {
        assert(error.status == LW_USAGE || error.status == LW_BAD_INPUT);
        assert(strstr(error.message, path));
    }
    lw_options_free(table, &values);
    return 0;
}
