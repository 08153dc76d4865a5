// SPDX-License-Identifier: Apache-2.0
// A memory of files between runs: a hash of what a file holds, remembered in a small file of its own
// for as long as the file shows no sign of having been written to, so that gigabytes need not be
// read again to see that they are the same. The signs are what the system keeps about a file: which
// one it is, its size, and the times of the last change of its content and of anything about it, of
// which no program can set the latter back. Those clocks may tick as slowly as every two seconds: of a
// file that was changed within the two seconds before it was looked at, nothing should be remembered.
// It is only ever a shortcut: what cannot be kept or found is read anew. Called by token_store.c.
#ifndef LW_TRAINER_DATA_STAMPS_H
#define LW_TRAINER_DATA_STAMPS_H

#include "engine/base/file.h"

// Whether `folder` remembers a hash for the file as it is now.
bool lw_stamps_recall(const char *folder, const struct lw_file_stamp *stamp, uint64_t *hash);

// Whether the next change of the file must show in its stamp.
bool lw_stamps_at_rest(const struct lw_file_stamp *stamp);

// `stamp` was taken before the file was read, of a file at rest or one that nobody else writes to.
// Says nothing where it cannot be kept.
void lw_stamps_remember(const char *folder, const struct lw_file_stamp *stamp, uint64_t hash);

// The end of the names of those small files.
#define LW_STAMPS_ENDING ".seen"

#endif
