// SPDX-License-Identifier: Apache-2.0
// For tests: a system of their own, with nobody behind its partitions.
#ifndef HYPER_TEST_SYSTEM_H
#define HYPER_TEST_SYSTEM_H

#include <stdio.h>
#include <stdlib.h>

#include "hyper/objects.h"

// Four processors and 8 GiB in blocks of 256 MiB, powered on. `folder`: a template for mkdtemp(), the test's to remove. Ends the test where it cannot be made.
static inline struct sys *test_system(char *folder)
{
    char why[512] = "no folder";
    struct sys *sys = NULL;
    if (mkdtemp(folder) && !sys_create(folder, "test", 4, 4, 8192, 256, why, sizeof(why)))
        sys = sys_open(folder, why, sizeof(why));
    if (!sys) {
        printf("Bail out! no system: %s\n", why);
        exit(1);
    }
    sys->powered = true;
    return sys;
}

#endif
