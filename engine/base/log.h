// SPDX-License-Identifier: Apache-2.0
// Messages that are no errors. A handle is passed down; the command line decides what is shown and
// where. A NULL handle drops everything.
#ifndef LW_BASE_LOG_H
#define LW_BASE_LOG_H

#include "engine/base/error.h"

enum lw_log_level { LW_LOG_DEBUG, LW_LOG_INFO, LW_LOG_WARNING };

struct lw_log {
    enum lw_log_level level; // lower levels are dropped
    void (*write)(void *context, enum lw_log_level level, const char *message);
    void *context;
};

LW_PRINTF(3, 4)
void lw_log(const struct lw_log *log, enum lw_log_level level, const char *format, ...);

#endif
