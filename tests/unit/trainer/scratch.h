// SPDX-License-Identifier: Apache-2.0
// Files for the tests of this folder, in the folder that the test is started in.
#ifndef LW_TESTS_SCRATCH_H
#define LW_TESTS_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

// The path of a file that belongs to this process, for scratch_free: NAME-PID.
char *scratch_path(const char *name);

// The same, holding `text`.
char *scratch_file(const char *name, const char *text);

// The whole file with a zero byte after it, for free().
char *scratch_read(const char *path);

// Removes the file and frees its path.
void scratch_free(char *path);

#endif
