// SPDX-License-Identifier: Apache-2.0
// The lewin command.
#include <stdio.h>

int main(void)
{
    puts("lewin 0.1.0");
    return 0;
}
