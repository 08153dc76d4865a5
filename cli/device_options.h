// SPDX-License-Identifier: Apache-2.0
// The flags of every command that computes on a device, and opening that device: instance, choice,
// capabilities to hide, cache folder, profile, and validation, which the environment variable
// LEWIN_VALIDATION=1 turns on. Used by all such commands.
#ifndef LW_CLI_DEVICE_OPTIONS_H
#define LW_CLI_DEVICE_OPTIONS_H

#include "cli/arguments.h"
#include "engine/base/log.h"
#include "engine/gpu/device.h"
#include "engine/ops/matmul.h"

// Zero is the default of each.
struct lw_device_options {
    const char *device;    // index or part of a name; NULL: the best
    const char *hide_caps; // names with commas between
    const char *cache;     // folder; NULL: the user's
    const char *tune;      // off, fast or full; NULL: fast
    bool profile;
};

// Rows of a command's flag table; `offset` is that of its structure's lw_device_options.
#define LW_DEVICE_FLAGS(offset)                                                                    \
    LW_DEVICE_FLAG(offset, "device", LW_FLAG_TEXT, device, "INDEX|NAME",                           \
        "the device to use, by its number or a part of its name (lewin devices)"),                 \
        LW_DEVICE_FLAG(offset, "hide-caps", LW_FLAG_TEXT, hide_caps, "LIST",                       \
            "do without these capabilities of the device"),                                        \
        LW_DEVICE_FLAG(offset, "cache", LW_FLAG_TEXT, cache, "DIR",                                \
            "where compiled kernels and encoded data are kept (default: the user's cache "         \
            "folder)"),                                                                            \
        LW_DEVICE_FLAG(offset, "tune", LW_FLAG_TEXT, tune, "off|fast|full",                        \
            "measure which way of multiplying suits the device: not at all, what is not known "    \
            "yet (default; GPUs only), or everything anew and longer"),                            \
        LW_DEVICE_FLAG(offset, "profile", LW_FLAG_SWITCH, profile, NULL,                           \
            "print a table of time, GB/s and GFLOP/s per kernel at the end")

#define LW_DEVICE_FLAG(offset, name, kind, member, value_name, help)                               \
    {                                                                                              \
        name, kind, (offset) + offsetof(struct lw_device_options, member), value_name, help        \
    }

// An open device. `log` writes to stderr.
struct lw_session {
    struct lw_instance *instance;
    struct lw_device *device;
    struct lw_log log;
    enum lw_tune tune;
    bool profile;
};

// A log that writes every message above debugging to stderr.
struct lw_log lw_stderr_log(void);

// Opens the chosen device and tests its matrix products if that was not done before. The session must stay where it is until it is closed. LW_NO_RESOURCE: no
// loader, driver or device; LW_USAGE: no device or capability of that name.
bool lw_session_open(
    struct lw_session *session, const struct lw_device_options *options, struct lw_error *error);

// The same without a device, for listing them; lw_session_close releases it too.
bool lw_session_open_instance(struct lw_session *session, struct lw_error *error);

// Opens device `index` of an open instance as lw_session_open does; close it before the next.
bool lw_session_open_device(struct lw_session *session, const struct lw_device_options *options,
    size_t index, struct lw_error *error);
void lw_session_close_device(struct lw_session *session);

// With --profile prints the table to stderr. Then releases everything; everything made from the
// device must be gone. `done` is whether the command did its work: returned as it is, but false,
// with `error` filled, when the validation layer had anything to say.
bool lw_session_close(struct lw_session *session, bool done, struct lw_error *error);

#endif
