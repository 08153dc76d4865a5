// SPDX-License-Identifier: Apache-2.0
// The lewin command: finds the subcommand, prints help and version, and turns a failure into one
// message on stderr and an exit status. A new subcommand is a cmd_NAME.c and a row in `commands`.
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "engine/base/nearest.h"

static const struct lw_command *const commands[] = {
    &lw_command_train,
    &lw_command_merge,
    &lw_command_chat,
    &lw_command_data,
    &lw_command_init,
    &lw_command_devices,
    &lw_command_bench,
    NULL,
};
enum { command_count = sizeof commands / sizeof commands[0] - 1 };

static const char exit_status_help[] =
    "exit status: 0 done, 1 failed, 2 wrong usage, 3 bad input, 4 no device or not enough\n"
    "memory, 130 interrupted after writing a checkpoint.\n";

static void print_help(FILE *stream)
{
    fputs("usage: lewin COMMAND [ARGUMENTS]\n\n"
          "Fine-tunes and merges language models on any GPU that speaks Vulkan.\n\n"
          "commands:\n",
        stream);
    for (size_t i = 0; commands[i]; i++) {
        fprintf(stream, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    }
    fputs(
        "\nlewin COMMAND --help explains a command; lewin --version prints the version.\n", stream);
    fputs(exit_status_help, stream);
}

static void print_command_help(const struct lw_command *command)
{
    printf("usage: ");
    for (const char *line = command->usage; *line;) {
        size_t length = strcspn(line, "\n");
        printf("%s%.*s\n", line == command->usage ? "" : "       ", (int)length, line);
        line += length + (line[length] == '\n');
    }
    printf("\n%s.\n", command->summary);
    if (command->flags && command->flags->name) {
        puts("");
        lw_arguments_print(command->flags, stdout);
    }
    if (command->details) {
        printf("\n%s", command->details);
    }
}

static const struct lw_command *find_command(const char *name)
{
    for (size_t i = 0; commands[i]; i++) {
        if (!strcmp(commands[i]->name, name)) {
            return commands[i];
        }
    }
    return NULL;
}

static bool is_help(const char *argument)
{
    return !strcmp(argument, "--help") || !strcmp(argument, "-h");
}

// Whether help is asked for before a "--" that makes the rest plain arguments.
static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--"); i++) {
        if (is_help(argv[i])) {
            return true;
        }
    }
    return false;
}

static int unknown_command(const char *name)
{
    const char *names[command_count + 1] = {NULL};
    for (size_t i = 0; commands[i]; i++) {
        names[i] = commands[i]->name;
    }
    const char *nearest = lw_nearest_name(name, names, command_count, sizeof names[0]);
    if (nearest) {
        fprintf(stderr, "lewin: there is no command \"%s\"; did you mean \"%s\"?\n", name, nearest);
    } else {
        fprintf(stderr, "lewin: there is no command \"%s\"; lewin --help lists them\n", name);
    }
    return LW_USAGE;
}

static int run_command(const struct lw_command *command, int argc, char **argv)
{
    if (wants_help(argc, argv)) {
        print_command_help(command);
        return LW_OK;
    }
    struct lw_error error = {0};
    lw_driver_settings_apply(command->workload);
    if (command->run(argc, argv, &error)) {
        return LW_OK;
    }
    fprintf(stderr, "lewin: %s\n", error.message);
    if (error.status == LW_USAGE) {
        fprintf(stderr, "lewin %s --help explains the command.\n", command->name);
    }
    return error.status == LW_OK ? LW_FAILED : (int)error.status;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return LW_USAGE;
    }
    if (is_help(argv[1])) {
        print_help(stdout);
        return LW_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        puts("lewin " LW_VERSION);
        return LW_OK;
    }
    const struct lw_command *command = find_command(argv[1]);
    return command ? run_command(command, argc - 2, argv + 2) : unknown_command(argv[1]);
}

int main(int argc, char **argv)
{
    int status = dispatch(argc, argv);
    // A full disk shows when the last of the output is written.
    bool written = !fflush(stdout) && !ferror(stdout);
    if (!written) {
        fputs("lewin: cannot write the output\n", stderr);
    }
    return status == LW_OK && !written ? (int)LW_FAILED : status;
}
