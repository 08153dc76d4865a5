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

static const struct lw_family families[] = {
    {.architecture = "Qwen2ForCausalLM",
        .model_type = "qwen2",
        .qkv_bias = true,
        .window_needs_flag = true,
        .names = apart_names},
    {.architecture = "Qwen3ForCausalLM",
        .model_type = "qwen3",
        .qk_norm = true,
        .head_dim = 128,
        .window_needs_flag = true,
        .names = apart_names},
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
