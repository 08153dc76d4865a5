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
#define LLAMA "LlamaForCausalLM",
#define LLAMA3_TOKENS "\"bos_token_id\": 128000, \"eos_token_id\": [128001, 128008, 128009], "
#define LLAMA3_SCALING(factor)                                                                     \
    "\"attention_bias\": false, \"mlp_bias\": false, \"rope_scaling\": {\"factor\": " factor       \
    ", \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, "                                      \
    "\"original_max_position_embeddings\": 8192, \"rope_type\": \"llama3\"}, "
#define LLAMA31 LLAMA3_TOKENS LLAMA3_SCALING("8.0")
#define LLAMA32 LLAMA3_TOKENS LLAMA3_SCALING("32.0")
#define SMOLLM2 "\"bos_token_id\": 1, \"eos_token_id\": 2, \"pad_token_id\": 2, "
#define MISTRAL "\"bos_token_id\": 1, \"eos_token_id\": 2, \"sliding_window\": null, "
#define PHI3 "Phi3ForCausalLM",
#define PHI3_MORE                                                                                  \
    "\"bos_token_id\": 1, \"eos_token_id\": 32000, \"pad_token_id\": 32000, "                      \
    "\"original_max_position_embeddings\": 4096, "
// Those of the first release.
#define PHI3_LONG                                                                                  \
    "\"long_factor\": [1.0299999713897705, 1.0499999523162842, 1.0499999523162842, "               \
    "1.0799999237060547, 1.2299998998641968, 1.2299998998641968, 1.2999999523162842, "             \
    "1.4499999284744263, 1.5999999046325684, 1.6499998569488525, 1.8999998569488525, "             \
    "2.859999895095825, 3.68999981880188, 5.419999599456787, 5.489999771118164, "                  \
    "5.489999771118164, 9.09000015258789, 11.579999923706055, 15.65999984741211, "                 \
    "15.769999504089355, 15.789999961853027, 18.360000610351562, 21.989999771118164, "             \
    "23.079999923706055, 30.009998321533203, 32.35000228881836, 32.590003967285156, "              \
    "35.56000518798828, 39.95000457763672, 53.840003967285156, 56.20000457763672, "                \
    "57.95000457763672, 59.29000473022461, 59.77000427246094, 59.920005798339844, "                \
    "61.190006256103516, 61.96000671386719, 62.50000762939453, 63.3700065612793, "                 \
    "63.48000717163086, 63.48000717163086, 63.66000747680664, 63.850006103515625, "                \
    "64.08000946044922, 64.760009765625, 64.80001068115234, 64.81001281738281, "                   \
    "64.81001281738281], "
#define PHI3_SHORT                                                                                 \
    "\"short_factor\": [1.05, 1.05, 1.05, 1.1, 1.1, 1.1500000000000001, 1.2000000000000002, "      \
    "1.2500000000000002, 1.3000000000000003, 1.3500000000000003, 1.5000000000000004, "             \
    "2.000000000000001, 2.000000000000001, 2.000000000000001, 2.000000000000001, "                 \
    "2.000000000000001, 2.000000000000001, 2.000000000000001, 2.000000000000001, "                 \
    "2.000000000000001, 2.000000000000001, 2.000000000000001, 2.000000000000001, "                 \
    "2.000000000000001, 2.000000000000001, 2.000000000000001, 2.000000000000001, "                 \
    "2.000000000000001, 2.000000000000001, 2.000000000000001, 2.000000000000001, "                 \
    "2.000000000000001, 2.0500000000000007, 2.0500000000000007, 2.0500000000000007, "              \
    "2.1000000000000005, 2.1000000000000005, 2.1000000000000005, 2.1500000000000004, "             \
    "2.1500000000000004, 2.3499999999999996, 2.549999999999999, 2.5999999999999988, "              \
    "2.5999999999999988, 2.7499999999999982, 2.849999999999998, 2.849999999999998, "               \
    "2.9499999999999975]"
#define PHI3_128K                                                                                  \
    PHI3_MORE "\"sliding_window\": 262144, \"rope_scaling\": {" PHI3_LONG PHI3_SHORT               \
              ", \"type\": \"longrope\"}, "

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
    {"llama3.1-8b", "8.03 G", LLAMA 128256, 4096, 14336, 32, 32, 8, 128, 131072, 5e5, 1e-5, false,
        LLAMA31},
    {"llama3.2-1b", "1.24 G", LLAMA 128256, 2048, 8192, 16, 32, 8, 64, 131072, 5e5, 1e-5, true,
        LLAMA32},
    {"llama3.2-3b", "3.21 G", LLAMA 128256, 3072, 8192, 28, 24, 8, 128, 131072, 5e5, 1e-5, true,
        LLAMA32},
    {"smollm2-135m", "135 M", LLAMA 49152, 576, 1536, 30, 9, 3, 64, 8192, 1e5, 1e-5, true, SMOLLM2},
    {"smollm2-360m", "362 M", LLAMA 49152, 960, 2560, 32, 15, 5, 64, 8192, 1e5, 1e-5, true,
        SMOLLM2},
    {"smollm2-1.7b", "1.71 G", LLAMA 49152, 2048, 8192, 24, 32, 32, 64, 8192, 1.3e5, 1e-5, true,
        SMOLLM2},
    {"mistral-7b", "7.25 G", "MistralForCausalLM", 32768, 4096, 14336, 32, 32, 8, 128, 32768, 1e6,
        1e-5, false, MISTRAL},
    {"phi3-mini-4k", "3.82 G", PHI3 32064, 3072, 8192, 32, 32, 32, 96, 4096, 1e4, 1e-5, false,
        PHI3_MORE "\"sliding_window\": 2047, "},
    {"phi3-mini-128k", "3.82 G", PHI3 32064, 3072, 8192, 32, 32, 32, 96, 131072, 1e4, 1e-5, false,
        PHI3_128K},
};

const struct lw_preset *lw_preset_at(size_t index)
{
    return index < sizeof presets / sizeof *presets ? &presets[index] : NULL;
}

const struct lw_preset *lw_preset_find(const char *name)
{
    for (size_t i = 0; lw_preset_at(i); i++) {
        if (!strcmp(presets[i].name, name)) {
            return &presets[i];
        }
    }
    return NULL;
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
