// SPDX-License-Identifier: Apache-2.0
// See side_files.h.
#include "merger/side_files.h"

#include <string.h>

// transformers 5 reads "dtype", earlier ones "torch_dtype"; what the base has is set, the older name
// where it has neither.
static bool write_config(
    const struct lw_merge_plan *plan, struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    static const char *const names[LW_TYPE_COUNT] = {
        [LW_F32] = "float32", [LW_BF16] = "bfloat16", [LW_F16] = "float16"};
    static const char *const keys[] = {"torch_dtype", "dtype"};
    cJSON *config = cJSON_Duplicate(plan->parents[0].config, true);
    bool built = config != NULL, found = false;
    for (size_t i = 0; built && i < sizeof keys / sizeof *keys; i++) {
        if (cJSON_HasObjectItem(config, keys[i])) {
            found = true;
            built = cJSON_ReplaceItemInObjectCaseSensitive(
                config, keys[i], cJSON_CreateString(names[plan->type]));
        }
    }
    if (built && !found) {
        built = cJSON_AddStringToObject(config, keys[0], names[plan->type]) != NULL;
    }
    char *text = built ? cJSON_Print(config) : NULL;
    bool written = text
                       ? lw_checkpoint_writer_file(writer, "config.json", text, strlen(text), error)
                       : lw_fail_memory(error, "config.json", 0);
    cJSON_free(text);
    cJSON_Delete(config);
    return written;
}

bool lw_merge_write_side_files(
    const struct lw_merge_plan *plan, struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    return (!plan->converted || write_config(plan, writer, error)) &&
           lw_checkpoint_writer_carry(writer, plan->parents[0].folder, error);
}
