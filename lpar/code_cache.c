// SPDX-License-Identifier: Apache-2.0
// Where translated code is kept: $XDG_CACHE_HOME/openlpar/code, by default ~/.cache/openlpar/code.
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lpar/boot.h"

const char *code_cache_path(void)
{
    static char path[4096];
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int len;
    if (cache && *cache == '/') { // "all paths must be absolute", says the specification of base directories
        len = snprintf(path, sizeof(path) - 16, "%s", cache);
    } else {
        const struct passwd *user = home && *home == '/' ? NULL : getpwuid(geteuid());
        if (user)
            home = user->pw_dir;
        if (!home || *home != '/')
            return NULL;
        len = snprintf(path, sizeof(path) - 16, "%s/.cache", home);
    }
    if (len < 0 || (size_t)len >= sizeof(path) - 16)
        return NULL;
    mkdir(path, 0700); // what cannot be made, or is there already, shows when the file is opened
    snprintf(path + len, sizeof(path) - (size_t)len, "/openlpar");
    mkdir(path, 0700);
    snprintf(path + len, sizeof(path) - (size_t)len, "/openlpar/code");
    return path;
}
