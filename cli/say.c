// SPDX-License-Identifier: Apache-2.0
#include "cli/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/hyper/attr.h"

int say_refusal(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "openlpar: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    return 1;
}

int say_no_answer(const char *name, int err)
{
    if (err == -EPROTO)
        return say_refusal("the managed system %s runs another version of OpenLPAR; stop it with that version", name);
    if (err == -ETIMEDOUT)
        return say_refusal(
            "the managed system %s has said nothing for %u seconds: its hypervisor, the process openlpard, "
            "hangs or is stopped; when it is killed, openlpar system start %s starts another one, and "
            "partitions run on",
            name, PLACE_PATIENCE_MS / 1000, name);
    return say_refusal("the managed system %s does not answer: %s", name, strerror(-err));
}

int say_system(const char *name, char path[PLACE_MAX])
{
    char database[PLACE_MAX + 16];
    if (!attr_system_name_valid(name))
        return say_refusal("system '%s': a name has 1 to 31 letters, digits, dots, dashes and underscores", name);
    if (place_of(name, path))
        return say_refusal("no folder for state: set XDG_STATE_HOME or HOME");
    snprintf(database, sizeof(database), "%s/system.db", path);
    if (access(database, F_OK))
        return say_refusal("there is no managed system %s; openlpar system list shows what there is", name);
    return 0;
}
