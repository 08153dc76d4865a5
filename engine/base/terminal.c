// SPDX-License-Identifier: Apache-2.0
// Terminal queries on POSIX and Windows. See terminal.h.
#ifndef _WIN32
#define _DEFAULT_SOURCE // fileno, TIOCGWINSZ
#endif
#include "engine/base/terminal.h"

#ifdef _WIN32

#include <io.h>
#include <windows.h>

static HANDLE console_of(FILE *stream)
{
    return (HANDLE)_get_osfhandle(_fileno(stream));
}

bool lw_terminal_is(FILE *stream)
{
    DWORD mode;
    HANDLE console = console_of(stream);
    if (!_isatty(_fileno(stream)) || !GetConsoleMode(console, &mode)) {
        return false;
    }
    return SetConsoleMode(console, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0;
}

unsigned lw_terminal_columns(FILE *stream)
{
    CONSOLE_SCREEN_BUFFER_INFO info;
    if (!GetConsoleScreenBufferInfo(console_of(stream), &info)) {
        return 80;
    }
    return (unsigned)(info.srWindow.Right - info.srWindow.Left + 1);
}

#else

#include <sys/ioctl.h>
#include <unistd.h>

bool lw_terminal_is(FILE *stream)
{
    return isatty(fileno(stream)) != 0;
}

unsigned lw_terminal_columns(FILE *stream)
{
    struct winsize size = {0};
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) || size.ws_col == 0) {
        return 80;
    }
    return size.ws_col;
}

#endif
