// SPDX-License-Identifier: Apache-2.0
#include "hyper/adapter.h"

#include <stdarg.h>
#include <stdio.h>

int adapter_wrong(char *why, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, size, fmt, ap);
    va_end(ap);
    return -1;
}

bool adapter_number(const char *text, u32 low, u32 high, u32 *value)
{
    u32 n = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9' && n <= high; p++)
        n = n * 10 + (u32)(*p - '0');
    *value = n;
    return p != text && !*p && n >= low && n <= high;
}
