// SPDX-License-Identifier: Apache-2.0
// See interrupt.h. A signal handler has no other way to tell anything than a global variable.
#include "cli/interrupt.h"

#include <signal.h>

static volatile sig_atomic_t requested;

static void request(int number)
{
    requested = 1;
    signal(number, SIG_DFL);
}

void lw_interrupt_catch(void)
{
    signal(SIGINT, request);
    signal(SIGTERM, request);
}

bool lw_interrupt_requested(void)
{
    return requested != 0;
}
