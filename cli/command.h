// SPDX-License-Identifier: Apache-2.0
// What main.c knows of a subcommand. Each lives in cli/cmd_NAME.c, which defines its row below;
// main.c lists the rows, prints their help and turns a failure into a message and an exit status.
#ifndef LW_CLI_COMMAND_H
#define LW_CLI_COMMAND_H

#include "cli/arguments.h"
#include "engine/base/error.h"
#include "engine/gpu/driver_settings.h"

struct lw_command {
    const char *name;    // what the user types
    const char *summary; // one line for `lewin --help`
    const char *usage;   // one or more lines after "usage: ", e.g. "lewin merge BASE TUNED -o OUT"
    const char *details; // prose and examples below the flags, or NULL
    const struct lw_flag *flags; // for --help; ends at a NULL name, or NULL
    enum lw_workload workload;   // of its device
    // `argc` arguments after the command's name. False leaves the reason in `error`, whose status
    // becomes the exit status; main prints the message.
    bool (*run)(int argc, char **argv, struct lw_error *error);
};

extern const struct lw_command lw_command_bench;
extern const struct lw_command lw_command_chat;
extern const struct lw_command lw_command_data;
extern const struct lw_command lw_command_devices;
extern const struct lw_command lw_command_init;
extern const struct lw_command lw_command_merge;
extern const struct lw_command lw_command_train;

#endif
