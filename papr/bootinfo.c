// SPDX-License-Identifier: Apache-2.0
#include "papr/bootinfo.h"

#include <string.h>

bool bootinfo_program(const char *text, char *program, size_t size)
{
    static const char device[] = "&device;:";
    const char *script = strstr(text, "<boot-script>");
    const char *at = script ? strstr(script, device) : NULL;
    if (!at)
        return false;
    at += sizeof(device) - 1;
    // "[partition][,filename]": IEEE 1275 "disk-label"; the file system is the medium's only one.
    at += strspn(at, "0123456789,&partition;"); // a partition's number, or the entity for it
    size_t len = strcspn(at, " \t\r\n<");
    if (*at != '\\' || len >= size)
        return false;
    memcpy(program, at, len);
    program[len] = '\0';
    return true;
}
