// SPDX-License-Identifier: Apache-2.0
// Conversations in memory.
#include "engine/text/conversation.h"

#include "engine/base/alloc.h"

bool lw_conversation_add(struct lw_conversation *conversation, enum lw_role role, const char *text,
    size_t length, struct lw_error *error)
{
    if (!lw_reserve(&conversation->messages, &conversation->capacity, conversation->count + 1,
            sizeof *conversation->messages, error)) {
        return false;
    }
    char *copy = lw_strndup(text, length, error);
    if (!copy) {
        return false;
    }
    conversation->messages[conversation->count++] = (struct lw_message){role, copy, length};
    return true;
}

void lw_conversation_clear(struct lw_conversation *conversation)
{
    for (size_t i = 0; i < conversation->count; i++) {
        lw_free(conversation->messages[i].text);
    }
    lw_free(conversation->messages);
    lw_free(conversation->system);
    lw_free(conversation->tools);
    *conversation = (struct lw_conversation){0};
}

const char *lw_role_name(enum lw_role role)
{
    static const char *const names[] = {
        [LW_ROLE_SYSTEM] = "system",
        [LW_ROLE_USER] = "user",
        [LW_ROLE_ASSISTANT] = "assistant",
        [LW_ROLE_OBSERVATION] = "observation",
        [LW_ROLE_FUNCTION] = "function call",
    };
    return names[role];
}
