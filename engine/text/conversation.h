// SPDX-License-Identifier: Apache-2.0
// A conversation as data files have it and templates take it: a system prompt, tools, messages.
#ifndef LW_TEXT_CONVERSATION_H
#define LW_TEXT_CONVERSATION_H

#include <stddef.h>

#include "engine/base/error.h"

enum lw_role {
    LW_ROLE_SYSTEM,
    LW_ROLE_USER,
    LW_ROLE_ASSISTANT,
    LW_ROLE_OBSERVATION, // what a tool answered
    LW_ROLE_FUNCTION     // the assistant calls a tool
};

struct lw_message {
    enum lw_role role;
    char *text;    // owned, UTF-8, followed by a zero byte
    size_t length; // bytes; the text may hold zero bytes of its own
};

// Zero-initialise before use; lw_conversation_clear releases what it owns and makes it empty again.
struct lw_conversation {
    char *system; // NULL when absent; owned
    char *tools;  // JSON text, NULL when absent; owned
    struct lw_message *messages;
    size_t count, capacity;
};

// Adds a message with a copy of `length` bytes at `text`.
bool lw_conversation_add(struct lw_conversation *conversation, enum lw_role role, const char *text,
    size_t length, struct lw_error *error);
void lw_conversation_clear(struct lw_conversation *conversation);

const char *lw_role_name(enum lw_role role); // "user"

#endif
