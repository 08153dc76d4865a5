// SPDX-License-Identifier: Apache-2.0
// What went wrong, for the person at the keyboard: what was being done, to which file or tensor,
// why it failed and what to do about it. Every function that can fail returns bool (or a pointer),
// true (non-NULL) for success, and fills a caller-owned struct lw_error otherwise. Nothing below
// cli/ prints or exits.
#ifndef LW_BASE_ERROR_H
#define LW_BASE_ERROR_H

#include <stdbool.h>

// The values are the exit statuses of the command line.
enum lw_status {
    LW_OK = 0,
    LW_FAILED = 1,       // anything without a class of its own: I/O, a lost device
    LW_USAGE = 2,        // wrong flags or recipe keys
    LW_BAD_INPUT = 3,    // a file or model that cannot be used
    LW_NO_RESOURCE = 4,  // no device, or not enough memory
    LW_INTERRUPTED = 130 // the user asked to stop, and the state is saved
};

// Zero-initialise before use; the first failure is kept.
struct lw_error {
    enum lw_status status;
    char message[2048]; // UTF-8, one or more whole sentences, no trailing newline
};

#if defined(__MINGW32__)
#define LW_PRINTF(format_index, first_argument)                                                    \
    __attribute__((format(gnu_printf, format_index, first_argument)))
#elif defined(__GNUC__)
#define LW_PRINTF(format_index, first_argument)                                                    \
    __attribute__((format(printf, format_index, first_argument)))
#else
#define LW_PRINTF(format_index, first_argument)
#endif

// Fills `error` unless it already holds a failure or is NULL. Always returns false, so that a
// caller can write `return lw_fail(...)`.
LW_PRINTF(3, 4)
bool lw_fail(struct lw_error *error, enum lw_status status, const char *format, ...);

// Puts "CONTEXT: " before the message that a lower layer left in `error`. Always returns false.
LW_PRINTF(2, 3)
bool lw_fail_in(struct lw_error *error, const char *format, ...);

// Puts ". ADVICE" behind the message in `error`: what is left and what to do now. Always returns
// false.
LW_PRINTF(2, 3)
bool lw_fail_advice(struct lw_error *error, const char *format, ...);

// The failure of an allocation of `bytes` bytes for `what`. Always returns false.
bool lw_fail_memory(struct lw_error *error, const char *what, unsigned long long bytes);

#endif
