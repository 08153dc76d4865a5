// SPDX-License-Identifier: Apache-2.0
// Opening shared libraries on POSIX and Windows. See library.h.
#include "engine/base/library.h"

#include <string.h>

#include "engine/base/alloc.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

struct lw_library {
    void *handle;
};

static void *open_one(const char *name)
{
#ifdef _WIN32
    return (void *)LoadLibraryA(name);
#else
    return dlopen(name, RTLD_NOW | RTLD_LOCAL);
#endif
}

struct lw_library *lw_library_open(const char *const *names, struct lw_error *error)
{
    struct lw_library *library = lw_calloc(1, sizeof *library, error);
    if (!library) {
        return NULL;
    }
    const char *last = "";
    for (; *names && !library->handle; names++) {
        last = *names;
        library->handle = open_one(last);
    }
    if (!library->handle) {
        lw_fail(error, LW_NO_RESOURCE, "cannot open the shared library %s", last);
        lw_free(library);
        return NULL;
    }
    return library;
}

void lw_library_close(struct lw_library *library)
{
    if (!library) {
        return;
    }
#ifdef _WIN32
    FreeLibrary((HMODULE)library->handle);
#else
    dlclose(library->handle);
#endif
    lw_free(library);
}

lw_symbol lw_library_symbol(struct lw_library *library, const char *name)
{
    lw_symbol symbol = NULL;
#ifdef _WIN32
    FARPROC found = GetProcAddress((HMODULE)library->handle, name);
#else
    void *found = dlsym(library->handle, name);
#endif
    memcpy(&symbol, &found, sizeof symbol);
    return symbol;
}
