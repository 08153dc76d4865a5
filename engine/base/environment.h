// SPDX-License-Identifier: Apache-2.0
// Environment variables that libraries read. Hides setenv and _putenv_s.
#ifndef LW_BASE_ENVIRONMENT_H
#define LW_BASE_ENVIRONMENT_H

// Gives the variable this value where it has none; one that the user set to "" is set. Only while
// the process has a single thread: nothing guards the environment. Where memory is out, the variable
// stays unset.
void lw_environment_default(const char *name, const char *value);

#endif
