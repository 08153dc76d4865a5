// SPDX-License-Identifier: Apache-2.0
// For targets whose parser takes a file: the input as a file. Names are relative to the working
// folder, one per target, so that targets can run side by side.
#ifndef LW_TESTS_SCRATCH_H
#define LW_TESTS_SCRATCH_H

#include <assert.h>

#include "engine/base/file.h"

static inline void scratch_write(const char *path, const void *bytes, size_t size)
{
    // Removed first: ext4 writes a file that was emptied and filled again to the disk at once.
    lw_file_remove(path, NULL);
    struct lw_file *file;
    bool done = lw_file_open(&file, path, LW_FILE_CREATE_NEW, NULL) &&
                lw_file_write_at(file, 0, bytes, size, NULL);
    assert(done);
    (void)done;
    lw_file_close(file);
}

#endif
