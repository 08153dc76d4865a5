// SPDX-License-Identifier: Apache-2.0
// Keys of LLaMA-Factory (hparams/*.py) and transformers (TrainingArguments, versions 4 and 5). See
// recipe_foreign.h.
#include "trainer/recipe_foreign.h"

#include <stddef.h>

// clang-format off
const char *const lw_recipe_without_effect[] = {
    // how and where it is computed
    "deepspeed", "fsdp", "fsdp_config", "fsdp_min_num_params",
    "fsdp_transformer_layer_cls_to_wrap", "accelerator_config", "parallelism_config",
    "flash_attn", "enable_liger_kernel", "use_liger_kernel", "liger_kernel_config", "use_unsloth",
    "use_unsloth_gc", "use_v1_kernels", "use_kt", "kt_config", "kt_cpu_activation",
    "kt_weight_path", "kt_non_expert_weight_path", "kt_expert_checkpoint_path",
    "kt_use_lora_experts", "kt_lora_expert_num", "kt_lora_expert_intermediate_size", "use_mca",
    "use_megatron_bridge", "use_hyper_parallel", "hyper_parallel_args", "hyper_parallel_cp_size",
    "mp_parameters", "dispatch_batches", "split_batches", "torch_compile",
    "torch_compile_backend", "torch_compile_mode", "torchdynamo",
    "gradient_checkpointing", "gradient_checkpointing_kwargs", "disable_gradient_checkpointing",
    "use_reentrant_gc", "low_cpu_mem_usage", "offload_folder", "use_cache", "use_kv_cache",
    "torch_empty_cache_steps", "auto_find_batch_size", "average_tokens_across_devices",
    "ddp_timeout", "ddp_backend", "ddp_find_unused_parameters", "ddp_bucket_cap_mb",
    "ddp_broadcast_buffers", "ddp_static_graph", "local_rank", "use_cpu", "no_cuda", "use_mps_device",
    "use_ipex", "jit_mode_eval", "tpu_num_cores", "half_precision_backend", "fp16_backend",
    "fp16_opt_level", "fp16_full_eval", "bf16_full_eval", "tf32", "full_determinism",
    "upcast_layernorm", "upcast_lmhead_output", "infer_backend", "infer_dtype", "device_map",
    "use_ray", "ray_run_name", "ray_storage_path", "ray_storage_filesystem", "ray_num_workers",
    "ray_num_cpus_per_worker", "ray_init_kwargs", "resources_per_worker", "placement_strategy",
    "ray_scope", "master_addr", "master_port",
    // how data is loaded
    "data_shared_file_system", "buffer_size", "media_dir",
    "dataloader_num_workers", "dataloader_pin_memory", "dataloader_persistent_workers",
    "dataloader_prefetch_factor", "remove_unused_columns", "length_column_name", "label_names",
    "image_max_pixels", "image_min_pixels", "image_do_pan_and_scan", "crop_to_patches",
    "image_resolution", "video_max_pixels", "video_min_pixels", "video_resolution", "video_fps",
    "video_maxlen", "use_audio_in_video", "audio_sampling_rate", "reasoning_effort",
    // where things come from and go to
    "trust_remote_code", "use_fast_tokenizer", "cache_dir", "model_revision", "hf_hub_token",
    "ms_hub_token", "om_hub_token", "print_param_status", "push_to_hub", "push_to_hub_token",
    "push_to_hub_model_id", "push_to_hub_organization", "hub_model_id", "hub_token", "hub_strategy",
    "hub_private_repo", "hub_always_push", "hub_revision", "save_safetensors", "save_on_each_node",
    "enable_jit_checkpoint", "restore_callback_states_from_checkpoint", "export_dir", "export_size",
    "export_device", "export_quantization_bit", "export_quantization_dataset",
    "export_quantization_nsamples", "export_quantization_maxlen", "export_legacy_format",
    "export_hub_model_id",
    // what is reported
    "report_to", "run_name", "project", "logging_dir", "trackio_space_id", "trackio_bucket_id",
    "trackio_static_space_id", "log_level", "log_level_replica", "log_on_each_node",
    "logging_nan_inf_filter", "disable_tqdm", "plot_loss", "debug", "skip_memory_metrics",
    "include_num_input_tokens_seen", "include_tokens_per_second",
    "include_effective_tokens_per_second", "include_inputs_for_metrics", "include_for_metrics",
    "compute_accuracy", "prediction_loss_only", "past_index", "tpu_metrics_debug",
    "eval_accumulation_steps", "eval_do_concat_batches",
    "eval_use_gather_object", "batch_eval_metrics", "metric_for_best_model", "greater_is_better",
    "use_swanlab", "swanlab_project", "swanlab_workspace", "swanlab_run_name", "swanlab_mode",
    "swanlab_api_key", "swanlab_logdir", "swanlab_lark_webhook_url", "swanlab_lark_secret",
    "enable_torch_profiler", "profiler_output_dir", "profiler_wait_steps", "profiler_warmup_steps",
    "profiler_active_steps", "profiler_repeat", "profiler_record_shapes", "profiler_profile_memory",
    "profiler_with_stack", "profile_modules",
    // parts of what is switched off by another key, or of another stage
    "freeze_vision_tower", "freeze_multi_modal_projector", "resize_vocab", "init_special_tokens",
    "freeze_original_embeddings", "moe_aux_loss_coef", "quantization_method", "quantization_type",
    "double_quantization", "quantization_device_map", "adapter_folder", "galore_target",
    "galore_rank", "galore_update_interval", "galore_scale", "galore_proj_type", "galore_layerwise",
    "apollo_target", "apollo_rank", "apollo_update_interval", "apollo_scale", "apollo_proj",
    "apollo_proj_type", "apollo_scale_type", "apollo_layerwise", "apollo_scale_front", "badam_mode",
    "badam_start_block", "badam_switch_mode", "badam_switch_interval", "badam_update_ratio",
    "badam_mask_mode", "badam_verbose", "asft_alpha", "eaft_alpha", "fp8_backend",
    "fp8_enable_fsdp_float8_all_gather", "pref_beta", "pref_ftx", "pref_bco_weight", "pref_loss",
    "dpo_label_smoothing", "kto_chosen_weight", "kto_rejected_weight", "simpo_gamma", "ld_alpha",
    "ppo_buffer_size", "ppo_epochs", "ppo_score_norm", "ppo_target", "ppo_whiten_rewards",
    "ref_model", "ref_model_adapters", "ref_model_quantization_bit", "reward_model",
    "reward_model_adapters", "reward_model_quantization_bit", "reward_model_type",
    "packing_similarity_threshold", "packing_embedding_model", "vllm_maxlen", "vllm_gpu_util",
    "vllm_enforce_eager", "vllm_max_lora_rank", "vllm_config", "sglang_maxlen",
    "sglang_mem_fraction", "sglang_tp_size", "sglang_config", "sglang_lora_backend", "do_sample",
    "temperature", "top_p", "top_k", "num_beams", "max_length", "max_new_tokens",
    "repetition_penalty", "length_penalty", "skip_special_tokens", "eval_num_beams",
    "generation_max_length", "generation_num_beams", "generation_config", "sortish_sampler",
    NULL,
};

const char *const lw_recipe_lora_keys[] = {
    "adapter_name_or_path", "additional_target", "lora_alpha", "lora_dropout", "lora_rank",
    "lora_target", "loraplus_lr_ratio", "loraplus_lr_embedding", "use_rslora=false",
    "use_dora=false", "pissa_init=false", "pissa_iter", "pissa_convert=false",
    "create_new_adapter=false", "oft_rank", "oft_block_size", "oft_target", "module_dropout",
    "quantization_bit", NULL,
};
const char *const lw_recipe_freeze_keys[] = {
    "freeze_trainable_layers", "freeze_trainable_modules", "freeze_extra_modules",
    "freeze_language_model=false", "use_llama_pro=false", NULL,
};
const char *const lw_recipe_optimizer_keys[] = {
    "optim=adamw_torch|adamw_torch_fused|adamw_torch_xla|adamw_torch_npu_fused|adamw_apex_fused",
    "optim_args", "optim_target_modules", "adafactor=false", "use_badam=false",
    "use_galore=false", "use_apollo=false", "use_adam_mini=false", "use_muon=false", NULL,
};
const char *const lw_recipe_loss_keys[] = {
    "label_smoothing_factor=0", "neftune_noise_alpha=0", "use_dft_loss=false",
    "use_asft_loss=false", "use_eaft_loss=false", "num_mtp_layers=0", "mtp_loss_weight=0",
    "ignore_pad_token_for_loss=true", NULL,
};
const char *const lw_recipe_model_keys[] = {
    "rope_scaling", "shift_attn=false", "mixture_of_depths", "train_from_scratch=false", NULL,
};
const char *const lw_recipe_vocabulary_keys[] = {
    "add_tokens", "add_special_tokens", "new_special_tokens_config", "split_special_tokens=false",
    NULL,
};
const char *const lw_recipe_precision_keys[] = {
    "fp16=false", "pure_bf16=false", "fp8=false", NULL,
};
const char *const lw_recipe_data_keys[] = {
    "streaming=false", "eval_on_each_dataset=false", "packing_strategy=length", "tool_format", NULL,
};
const char *const lw_recipe_order_keys[] = {
    "group_by_length=false", "train_sampling_strategy=random", "dataloader_drop_last=false",
    "ignore_data_skip=false", NULL,
};
const char *const lw_recipe_best_keys[] = {
    "load_best_model_at_end=false", "early_stopping_steps", NULL,
};
const char *const lw_recipe_renamed_keys[] = {
    "evaluation_strategy", NULL,
};
const char *const lw_recipe_predict_keys[] = {
    "do_predict=false", "predict_with_generate=false", NULL,
};
// clang-format on
