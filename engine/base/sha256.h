// SPDX-License-Identifier: Apache-2.0
// SHA-256 of content, as `sha256sum` prints it: to tell anybody, years later, whether files are still
// the same. OpenSSL computes it, with the processor's own instructions where there are such.
#ifndef LW_BASE_SHA256_H
#define LW_BASE_SHA256_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum { LW_SHA256_TEXT = 65 }; // 64 hexadecimal digits and a zero byte

struct lw_sha256;

bool lw_sha256_create(struct lw_sha256 **sha, struct lw_error *error);
bool lw_sha256_add(struct lw_sha256 *sha, const void *bytes, size_t size, struct lw_error *error);
// After which only destroy is left.
bool lw_sha256_finish(struct lw_sha256 *sha, char text[LW_SHA256_TEXT], struct lw_error *error);
void lw_sha256_destroy(struct lw_sha256 *sha); // NULL: nothing

// Of a whole file, with its size. Once `stopped` (may be NULL) is true it ends with LW_INTERRUPTED.
bool lw_sha256_file(const char *path, char text[LW_SHA256_TEXT], uint64_t *bytes,
    const atomic_bool *stopped, struct lw_error *error);

#endif
