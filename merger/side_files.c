// SPDX-License-Identifier: Apache-2.0
// See side_files.h.
#include "merger/side_files.h"

#include <string.h>

#include "merger/card.h"
#include "merger/chat_template.h"
#include "merger/vocabulary.h"

static bool write_config(
    const struct lw_merge_plan *plan, struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    char *text = cJSON_Print(plan->config);
    bool written = text
                       ? lw_checkpoint_writer_file(writer, "config.json", text, strlen(text), error)
                       : lw_fail_memory(error, "config.json", 0);
    cJSON_free(text);
    return written;
}

bool lw_merge_write_side_files(
    const struct lw_merge_plan *plan, struct lw_checkpoint_writer *writer, struct lw_error *error)
{
    return (!plan->config || write_config(plan, writer, error)) &&
           lw_merge_write_card(plan, writer, error) &&
           lw_merge_write_chat_template(plan, writer, error) &&
           (plan->vocabulary ? lw_merge_vocabulary_write(plan->vocabulary, writer, error)
                             : lw_checkpoint_writer_carry(writer, plan->parents[0].folder, error));
}
