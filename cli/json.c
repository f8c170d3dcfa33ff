// SPDX-License-Identifier: Apache-2.0
#include "cli/json.h"

#include "base/types.h"

// How many bytes the UTF-8 character at `p` has; 0: it is none.
static unsigned utf8(const u8 *p)
{
    unsigned len = *p < 0x80                 ? 1
                   : *p >= 0xc2 && *p < 0xe0 ? 2
                   : *p >= 0xe0 && *p < 0xf0 ? 3
                   : *p >= 0xf0 && *p < 0xf5 ? 4
                                             : 0;
    for (unsigned i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80) // a zero ends it, too
            return 0;
    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] >= 0xa0) || (*p == 0xf0 && p[1] < 0x90) ||
        (*p == 0xf4 && p[1] >= 0x90))
        return 0;
    return len;
}

void json_text(FILE *to, const char *text)
{
    const u8 *p = (const u8 *)text;
    fputc('"', to);
    while (*p) {
        unsigned len = utf8(p);
        if (*p == '"' || *p == '\\')
            fprintf(to, "\\%c", *p++);
        else if (*p < 0x20 || *p == 0x7f)
            fprintf(to, "\\u%04x", *p++);
        else if (!len)
            fputs((p++, "\\ufffd"), to);
        else
            for (; len; len--)
                fputc(*p++, to);
    }
    fputc('"', to);
}
