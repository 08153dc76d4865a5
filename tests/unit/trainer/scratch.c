// SPDX-License-Identifier: Apache-2.0
// Files for tests. See scratch.h.
#include "tests/unit/trainer/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <process.h>
#define getpid _getpid
#else
#include <unistd.h>
#endif

char *scratch_path(const char *name)
{
    size_t size = strlen(name) + 40;
    char *path = malloc(size);
    assert_non_null(path);
    snprintf(path, size, "%s-%ld", name, (long)getpid());
    return path;
}

char *scratch_file(const char *name, const char *text)
{
    char *path = scratch_path(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    return path;
}

char *scratch_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    char *text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    rewind(file);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    fclose(file);
    return text;
}

void scratch_free(char *path)
{
    remove(path);
    free(path);
}
