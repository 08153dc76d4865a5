// SPDX-License-Identifier: Apache-2.0
// The tables of the supported families. See family.h.
#include <string.h>

#include "engine/model/family.h"

// Families that keep each projection apart, as Llama did first. Which of the biases and norms a
// family has, its row says.
static const struct lw_parameter_name apart_names[] = {
    {"model.embed_tokens.weight", LW_SLOT_EMBEDDING, LW_PART_ALL},
    {"model.layers.%u.input_layernorm.weight", LW_SLOT_INPUT_NORM, LW_PART_ALL},
    {"model.layers.%u.mlp.down_proj.weight", LW_SLOT_DOWN, LW_PART_ALL},
    {"model.layers.%u.mlp.gate_proj.weight", LW_SLOT_GATE_UP, LW_PART_GATE},
    {"model.layers.%u.mlp.up_proj.weight", LW_SLOT_GATE_UP, LW_PART_UP},
    {"model.layers.%u.post_attention_layernorm.weight", LW_SLOT_MLP_NORM, LW_PART_ALL},
    {"model.layers.%u.self_attn.k_norm.weight", LW_SLOT_K_NORM, LW_PART_ALL},
    {"model.layers.%u.self_attn.k_proj.bias", LW_SLOT_QKV_BIAS, LW_PART_K},
    {"model.layers.%u.self_attn.k_proj.weight", LW_SLOT_QKV, LW_PART_K},
    {"model.layers.%u.self_attn.o_proj.weight", LW_SLOT_ATTENTION, LW_PART_ALL},
    {"model.layers.%u.self_attn.q_norm.weight", LW_SLOT_Q_NORM, LW_PART_ALL},
    {"model.layers.%u.self_attn.q_proj.bias", LW_SLOT_QKV_BIAS, LW_PART_Q},
    {"model.layers.%u.self_attn.q_proj.weight", LW_SLOT_QKV, LW_PART_Q},
    {"model.layers.%u.self_attn.v_proj.bias", LW_SLOT_QKV_BIAS, LW_PART_V},
    {"model.layers.%u.self_attn.v_proj.weight", LW_SLOT_QKV, LW_PART_V},
    {"model.norm.weight", LW_SLOT_FINAL_NORM, LW_PART_ALL},
    {"lm_head.weight", LW_SLOT_HEAD, LW_PART_ALL},
    {NULL, LW_SLOT_COUNT, LW_PART_ALL},
};

// Phi-3 keeps them joined, in the decoder's own layout.
static const struct lw_parameter_name joined_names[] = {
    {"model.embed_tokens.weight", LW_SLOT_EMBEDDING, LW_PART_ALL},
    {"model.layers.%u.input_layernorm.weight", LW_SLOT_INPUT_NORM, LW_PART_ALL},
    {"model.layers.%u.mlp.down_proj.weight", LW_SLOT_DOWN, LW_PART_ALL},
    {"model.layers.%u.mlp.gate_up_proj.weight", LW_SLOT_GATE_UP, LW_PART_ALL},
    {"model.layers.%u.post_attention_layernorm.weight", LW_SLOT_MLP_NORM, LW_PART_ALL},
    {"model.layers.%u.self_attn.o_proj.weight", LW_SLOT_ATTENTION, LW_PART_ALL},
    {"model.layers.%u.self_attn.qkv_proj.weight", LW_SLOT_QKV, LW_PART_ALL},
    {"model.norm.weight", LW_SLOT_FINAL_NORM, LW_PART_ALL},
    {"lm_head.weight", LW_SLOT_HEAD, LW_PART_ALL},
    {NULL, LW_SLOT_COUNT, LW_PART_ALL},
};

// Biases that the decoder has no slots for. Qwen2 has no such settings.
static const char *const bias_keys[] = {"attention_bias", "mlp_bias", NULL};

static const struct lw_family families[] = {
    {.architecture = "Qwen2ForCausalLM",
        .model_type = "qwen2",
        .qkv_bias = true,
        .has_window = true,
        .window_needs_flag = true,
        .absent = {.rms_norm_eps = 1e-6, .max_positions = 32768, .sliding_window = 4096},
        .names = apart_names},
    {.architecture = "Qwen3ForCausalLM",
        .model_type = "qwen3",
        .qk_norm = true,
        .has_window = true,
        .window_needs_flag = true,
        .refused = bias_keys,
        .absent =
            {.rms_norm_eps = 1e-6, .head_dim = 128, .max_positions = 32768, .sliding_window = 4096},
        .names = apart_names},
    {.architecture = "LlamaForCausalLM",
        .model_type = "llama",
        .refused = bias_keys,
        .absent = {.rms_norm_eps = 1e-6, .max_positions = 2048},
        .names = apart_names},
    {.architecture = "MistralForCausalLM",
        .model_type = "mistral",
        .has_window = true,
        .absent = {.rms_norm_eps = 1e-6, .max_positions = 131072, .sliding_window = 4096},
        .names = apart_names},
    {.architecture = "Phi3ForCausalLM",
        .model_type = "phi3",
        .has_window = true,
        .absent = {.rms_norm_eps = 1e-5,
            .max_positions = 4096,
            .original_positions = 4096,
            .pad_token = 32000},
        .names = joined_names},
};

const struct lw_family *lw_family_at(size_t index)
{
    return index < sizeof families / sizeof *families ? &families[index] : NULL;
}

const struct lw_family *lw_family_find(const char *architecture)
{
    for (size_t i = 0; lw_family_at(i); i++) {
        if (!strcmp(families[i].architecture, architecture)) {
            return &families[i];
        }
    }
    return NULL;
}

bool lw_slot_per_layer(enum lw_slot slot)
{
    return slot != LW_SLOT_EMBEDDING && slot != LW_SLOT_HEAD && slot != LW_SLOT_FINAL_NORM;
}
