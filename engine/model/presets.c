// SPDX-License-Identifier: Apache-2.0
// See presets.h. The numbers of released models are those of their config.json on the Hugging Face
// Hub.
#include "engine/model/presets.h"

#include <string.h>

#include "engine/model/family.h"

struct lw_preset {
    const char *name, *summary, *architecture;
    unsigned vocab_size, hidden_size, intermediate_size;
    unsigned layers, heads, kv_heads, head_dim;
    unsigned max_position_embeddings;
    double rope_theta, rms_norm_eps;
    bool tied;
    const char *more; // further members of the JSON object, each with a comma after it
};

#define QWEN2 "Qwen2ForCausalLM",
#define QWEN3 "Qwen3ForCausalLM",
#define QWEN_TOKENS "\"bos_token_id\": 151643, \"eos_token_id\": 151645, "
#define QWEN3_MORE QWEN_TOKENS "\"attention_bias\": false, "
#define LLAMA31                                                                                    \
    "\"bos_token_id\": 128000, \"eos_token_id\": [128001, 128008, 128009], "                       \
    "\"attention_bias\": false, \"rope_scaling\": {\"factor\": 8.0, \"low_freq_factor\": 1.0, "    \
    "\"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 8192, "                      \
    "\"rope_type\": \"llama3\"}, "

static const struct lw_preset presets[] = {
    {"tiny", "0.1 M parameters, for trying things", QWEN2 512, 64, 128, 2, 4, 2, 16, 2048, 1e6,
        1e-6, true, ""},
    {"8m", "8.1 M, a benchmark shape", QWEN2 8192, 256, 1024, 4, 4, 2, 64, 32768, 1e6, 1e-6, false,
        ""},
    {"74m", "74 M, a benchmark shape", QWEN2 8192, 896, 4864, 4, 14, 2, 64, 32768, 1e6, 1e-6, false,
        ""},
    {"qwen2.5-0.5b", "494 M", QWEN2 151936, 896, 4864, 24, 14, 2, 64, 32768, 1e6, 1e-6, true,
        QWEN_TOKENS},
    {"qwen2.5-1.5b", "1.54 G", QWEN2 151936, 1536, 8960, 28, 12, 2, 128, 32768, 1e6, 1e-6, true,
        QWEN_TOKENS},
    {"qwen2.5-3b", "3.09 G", QWEN2 151936, 2048, 11008, 36, 16, 2, 128, 32768, 1e6, 1e-6, true,
        QWEN_TOKENS},
    {"qwen2.5-7b", "7.62 G", QWEN2 152064, 3584, 18944, 28, 28, 4, 128, 32768, 1e6, 1e-6, false,
        QWEN_TOKENS},
    {"qwen3-0.6b", "596 M", QWEN3 151936, 1024, 3072, 28, 16, 8, 128, 40960, 1e6, 1e-6, true,
        QWEN3_MORE},
    {"qwen3-1.7b", "1.72 G", QWEN3 151936, 2048, 6144, 28, 16, 8, 128, 40960, 1e6, 1e-6, true,
        QWEN3_MORE},
    {"qwen3-4b", "4.02 G", QWEN3 151936, 2560, 9728, 36, 32, 8, 128, 40960, 1e6, 1e-6, true,
        QWEN3_MORE},
    {"qwen3-8b", "8.19 G", QWEN3 151936, 4096, 12288, 36, 32, 8, 128, 40960, 1e6, 1e-6, false,
        QWEN3_MORE},
    {"llama3.1-8b", "8.03 G", "LlamaForCausalLM", 128256, 4096, 14336, 32, 32, 8, 128, 131072, 5e5,
        1e-5, false, LLAMA31},
};

// Rows of families that the engine does not have are not there.
static const struct lw_preset *find(size_t index, const char *name)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        bool supported = lw_family_find(presets[i].architecture) != NULL;
        if (supported && (name ? !strcmp(presets[i].name, name) : index-- == 0)) {
            return &presets[i];
        }
    }
    return NULL;
}

const struct lw_preset *lw_preset_at(size_t index)
{
    return find(index, NULL);
}

const struct lw_preset *lw_preset_find(const char *name)
{
    return find(0, name);
}

const char *lw_preset_name(const struct lw_preset *preset)
{
    return preset->name;
}

const char *lw_preset_summary(const struct lw_preset *preset)
{
    return preset->summary;
}

bool lw_preset_config(
    const struct lw_preset *preset, struct lw_string *text, struct lw_error *error)
{
    const struct lw_family *family = lw_family_find(preset->architecture);
    return lw_string_addf(text, error,
        "{\"architectures\": [\"%s\"], \"model_type\": \"%s\", \"attention_dropout\": 0.0, %s"
        "\"hidden_act\": \"silu\", \"hidden_size\": %u, \"initializer_range\": 0.02, "
        "\"intermediate_size\": %u, \"max_position_embeddings\": %u, \"num_attention_heads\": %u, "
        "\"num_hidden_layers\": %u, \"num_key_value_heads\": %u, \"head_dim\": %u, "
        "\"rms_norm_eps\": %g, \"rope_theta\": %.1f, \"tie_word_embeddings\": %s, "
        "\"torch_dtype\": \"bfloat16\", \"use_cache\": true, \"vocab_size\": %u}",
        preset->architecture, family->model_type, preset->more, preset->hidden_size,
        preset->intermediate_size, preset->max_position_embeddings, preset->heads, preset->layers,
        preset->kv_heads, preset->head_dim, preset->rms_norm_eps, preset->rope_theta,
        preset->tied ? "true" : "false", preset->vocab_size);
}
