// SPDX-License-Identifier: Apache-2.0
// The openlpar command.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/types.h"
#include "cli/boot_cmd.h"
#include "cli/image_cmd.h"
#include "cli/system_cmd.h"
#include "cli/top_cmd.h"
#include "proto/hyper/place.h"

static int help(int argc, char **argv);
static int version(int argc, char **argv);

static const struct command {
    const char *name, *synopsis;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"boot", "run one partition in the foreground: openlpar boot --kernel FILE|--disk FILE [options]", boot_command},
    {"image", "disks with a Debian on them: openlpar image build debian-12 [options]", image_command},
    {"system", "managed systems of many partitions: openlpar system --help lists the verbs", system_command},
    {"top", "a monitor of a managed system: openlpar top [SYSTEM]", top_command},
    {"--help", "this text; openlpar boot --help lists the options of boot", help},
    {"--version", "the version", version},
};

static int finish_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "openlpar: standard output: %s\n", strerror(errno));
    return 1;
}

static int help(int argc, char **argv)
{
    printf("OpenLPAR: logical partitions that run Linux on Power\n\nUsage: openlpar COMMAND [options]\n\n");
    for (unsigned i = 0; i < ARRAY_LEN(commands); i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].synopsis);
    return finish_output();
}

static int version(int argc, char **argv)
{
    printf("openlpar %s\n", OPENLPAR_VERSION);
    return finish_output();
}

// A closed standard stream must not become some file that we open.
static void keep_standard_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd)
            _exit(1);
}

int main(int argc, char **argv)
{
    keep_standard_streams();
    place_typed(argc, argv);
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        fprintf(stderr, "openlpar: a command is missing; openlpar --help lists them\n");
        return 1;
    }
    if (strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        name = "--help";
    for (unsigned i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "openlpar: unknown command '%s'; openlpar --help lists them\n", name);
    return 1;
}
