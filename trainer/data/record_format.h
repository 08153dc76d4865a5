// SPDX-License-Identifier: Apache-2.0
// How the records of a data file are laid out: which columns hold what, and which names the roles of
// messages have. LLaMA-Factory's DatasetAttr (data/parser.py), whose names these are. Filled by
// source.c, read by record.c.
#ifndef LW_TRAINER_DATA_RECORD_FORMAT_H
#define LW_TRAINER_DATA_RECORD_FORMAT_H

enum lw_record_layout {
    // Either of ShareGPT's forms, seen from the record: `conversations` with from/value (human, gpt,
    // system, observation, function_call) or `messages` with role/content (user, assistant, system,
    // tool, function); all of these names in both; the columns `system` and `tools`.
    LW_LAYOUT_ANY,
    LW_LAYOUT_SHAREGPT, // a list of messages
    LW_LAYOUT_ALPACA    // a prompt, a query below it, a response, earlier pairs of both
};

// Names of columns and tags; NULL: there is none. LW_LAYOUT_ANY has no use for them. The texts belong
// to whoever filled it.
struct lw_record_format {
    enum lw_record_layout layout;
    const char *system, *tools;
    const char *prompt, *query, *response, *history; // of alpaca
    const char *messages, *role_tag, *content_tag;   // of sharegpt
    const char *user_tag, *assistant_tag, *observation_tag, *function_tag, *system_tag;
};

// The names that count where dataset_info.json says nothing.
struct lw_record_format lw_record_format_default(enum lw_record_layout layout);

#endif
