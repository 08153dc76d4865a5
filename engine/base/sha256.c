// SPDX-License-Identifier: Apache-2.0
// See sha256.h.
#include "engine/base/sha256.h"

#include <openssl/evp.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"

enum { part_size = 1 << 20, digest_size = 32 };

struct lw_sha256 {
    EVP_MD_CTX *context;
};

static bool fail(struct lw_error *error)
{
    return lw_fail(error, LW_FAILED, "OpenSSL cannot compute a SHA-256");
}

bool lw_sha256_create(struct lw_sha256 **sha, struct lw_error *error)
{
    struct lw_sha256 *created = lw_calloc(1, sizeof *created, error);
    *sha = NULL;
    if (!created) {
        return false;
    }
    created->context = EVP_MD_CTX_new();
    if (!created->context || EVP_DigestInit_ex(created->context, EVP_sha256(), NULL) != 1) {
        lw_sha256_destroy(created);
        return fail(error);
    }
    *sha = created;
    return true;
}

bool lw_sha256_add(struct lw_sha256 *sha, const void *bytes, size_t size, struct lw_error *error)
{
    return EVP_DigestUpdate(sha->context, bytes, size) == 1 || fail(error);
}

bool lw_sha256_finish(struct lw_sha256 *sha, char text[LW_SHA256_TEXT], struct lw_error *error)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[digest_size];
    if (EVP_DigestFinal_ex(sha->context, digest, NULL) != 1) {
        return fail(error);
    }
    for (size_t i = 0; i < digest_size; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[2 * digest_size] = '\0';
    return true;
}

void lw_sha256_destroy(struct lw_sha256 *sha)
{
    if (sha) {
        EVP_MD_CTX_free(sha->context);
        lw_free(sha);
    }
}

static bool add_file(struct lw_sha256 *sha, struct lw_file *file, uint64_t *bytes,
    const atomic_bool *stopped, struct lw_error *error)
{
    char *part = lw_calloc(1, part_size, error);
    bool done = part != NULL;
    *bytes = 0;
    for (size_t got = 1; done && got;) {
        done = lw_file_read_next(file, part, part_size, &got, error) &&
               lw_sha256_add(sha, part, got, error);
        *bytes += got;
        if (done && stopped && atomic_load(stopped)) {
            done = lw_fail(
                error, LW_INTERRUPTED, "interrupted while reading %s again", lw_file_path(file));
        }
    }
    lw_free(part);
    return done;
}

bool lw_sha256_file(const char *path, char text[LW_SHA256_TEXT], uint64_t *bytes,
    const atomic_bool *stopped, struct lw_error *error)
{
    struct lw_file *file = NULL;
    struct lw_sha256 *sha = NULL;
    bool done = lw_file_open(&file, path, LW_FILE_READ, error) && lw_sha256_create(&sha, error) &&
                add_file(sha, file, bytes, stopped, error) && lw_sha256_finish(sha, text, error);
    lw_sha256_destroy(sha);
    lw_file_close(file);
    return done;
}
