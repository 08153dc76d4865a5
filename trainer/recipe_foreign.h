// SPDX-License-Identifier: Apache-2.0
// The keys of LLaMA-Factory and transformers that recipes come with and Lewin has no use for: those
// that change nothing here, and those whose result would be another one. Rows of the table in
// recipe_options.c; each array ends at NULL. An entry "key=a|b" accepts those values: they ask for
// what Lewin does anyway.
#ifndef LW_TRAINER_RECIPE_FOREIGN_H
#define LW_TRAINER_RECIPE_FOREIGN_H

extern const char *const lw_recipe_without_effect[];

// Refused, one array for each reason.
extern const char *const lw_recipe_lora_keys[];
extern const char *const lw_recipe_freeze_keys[];
extern const char *const lw_recipe_optimizer_keys[];
extern const char *const lw_recipe_loss_keys[];
extern const char *const lw_recipe_model_keys[];
extern const char *const lw_recipe_vocabulary_keys[];
extern const char *const lw_recipe_precision_keys[];
extern const char *const lw_recipe_data_keys[];
extern const char *const lw_recipe_order_keys[];
extern const char *const lw_recipe_best_keys[];
extern const char *const lw_recipe_renamed_keys[];
extern const char *const lw_recipe_predict_keys[];

#endif
