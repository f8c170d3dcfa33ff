// SPDX-License-Identifier: Apache-2.0
// A partition's process that is in somebody else's hands: openlpar-lpar as it is, but for what is done when the partition would be built, inside
// of the sandbox. Boot arguments that begin with `attack=NAME daemon=PID other=PID folder=PATH` say what to try; the outcome becomes the reason for
// which the partition did not start. With other arguments it is an ordinary partition.
//
//   compromised --list       prints the attacks' names, and what must stop them
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lpar/life.h"
#include "lpar/managed.h"
#include "tests/isolation/attacks.h"

#define LISTEN_FD 3

int __real_life_create(struct life *life, const struct partition_config *config, const struct hv_ops *hv, void *hv_arg);
int __wrap_life_create(struct life *life, const struct partition_config *config, const struct hv_ops *hv, void *hv_arg);

static const struct attack *const all[] = {attacks_calls, attacks_resources, attacks_messages};

static const struct attack *find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(all); i++)
        for (const struct attack *a = all[i]; a->name; a++)
            if (strcmp(a->name, name) == 0)
                return a;
    return NULL;
}

int __wrap_life_create(struct life *life, const struct partition_config *config, const struct hv_ops *hv, void *hv_arg)
{
    static char name[64], folder[512];
    struct target target = {.folder = folder};
    if (sscanf(config->bootargs, "attack=%63s daemon=%d other=%d folder=%511s", name, &target.daemon, &target.other,
               folder) != 4)
        return __real_life_create(life, config, hv, hv_arg);
    const struct attack *attack = find(name);
    errno = 0;
    long got = attack ? attack->run(&target) : 0;
    int err = got < -1 ? (int)-got : errno;
    if (!attack)
        snprintf(life->why, sizeof(life->why), "there is no such attack");
    else if (got < 0)
        snprintf(life->why, sizeof(life->why), "refused (%s)", strerror(err));
    else
        snprintf(life->why, sizeof(life->why), "IT WENT THROUGH (%ld)", got);
    return -EPERM;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (unsigned i = 0; i < ARRAY_LEN(all); i++)
            for (const struct attack *a = all[i]; a->name; a++)
                printf("%s %s\n", a->name,
                       a->refusal > 0    ? strerror(a->refusal)
                       : a->refusal == 0 ? "filter"
                                         : "otherwise");
        return fflush(stdout) ? 1 : 0;
    }
    _exit(managed_run(LISTEN_FD));
}
