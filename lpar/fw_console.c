// SPDX-License-Identifier: Apache-2.0
#include "lpar/fw_console.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "papr/hv_ops.h"

#define TEXT_MAX 2048u
#define NAP      (&(struct timespec){.tv_nsec = 5000000})
#define CTRL_U   0x15

static bool over(const struct partition *lp)
{
    return atomic_load(&lp->end) != END_NONE;
}

static void put(struct partition *lp, const char *text, size_t size)
{
    while (size && !over(lp)) {
        size_t took = lp->hv->console_write(lp->hv_arg, (const u8 *)text, size);
        text += took;
        size -= took;
        if (!took)
            nanosleep(NAP, NULL);
    }
}

void fw_print(struct partition *lp, const char *fmt, ...)
{
    char text[TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    for (const char *p = text; *p;) {
        size_t len = strcspn(p, "\n");
        put(lp, p, len);
        p += len;
        if (*p) {
            put(lp, "\r\n", 2);
            p++;
        }
    }
}

static void erase(struct partition *lp, size_t *len, size_t left)
{
    for (; *len > left; --*len)
        put(lp, "\b \b", 3);
}

bool fw_read_line(struct partition *lp, char *line, size_t size)
{
    size_t len = 0;
    while (!over(lp)) {
        u8 c;
        if (!lp->hv->console_read(lp->hv_arg, &c, 1)) {
            nanosleep(NAP, NULL);
        } else if (c == '\r' || c == '\n') {
            put(lp, "\r\n", 2);
            line[len] = '\0';
            return true;
        } else if (c == '\b' || c == 0x7f) {
            erase(lp, &len, len ? len - 1 : 0);
        } else if (c == CTRL_U) {
            erase(lp, &len, 0);
        } else if (c >= 0x20 && c < 0x7f && len + 1 < size) {
            line[len++] = (char)c;
            put(lp, (const char *)&c, 1);
        }
    }
    return false;
}
