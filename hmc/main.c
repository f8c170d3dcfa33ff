// SPDX-License-Identifier: Apache-2.0
// hmc COMMAND ..., or COMMAND ... where the program is called by the command's name.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hmc/complete.h"
#include "hmc/manual.h"
#include "hmc/options.h"
#include "proto/hyper/place.h"

static int help(void)
{
    printf("Usage: hmc COMMAND [options]\n\nThe commands of a hardware management console, for managed systems of "
           "OpenLPAR.\n\n");
    for (u32 i = 0; i < hmc_commands_len; i++)
        printf("  %-11s %s\n", hmc_commands[i].name, hmc_commands[i].summary);
    printf("\nhmc COMMAND --help lists a command's options.\n");
    return fflush(stdout) || ferror(stdout) ? 1 : 0;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct options o;
    int status = options_parse(command, argc, argv, &o);
    if (status)
        return status < 0 ? fflush(stdout) || ferror(stdout) : status;
    return command->run(&o);
}

static const struct command *find(const char *name)
{
    for (u32 i = 0; i < hmc_commands_len; i++)
        if (strcmp(hmc_commands[i].name, name) == 0)
            return &hmc_commands[i];
    return NULL;
}

// For the build and for shells: --manual [COMMAND], --completion, --complete LINE POINT. -1: none of these.
static int documents(int argc, char **argv)
{
    if (strcmp(argv[1], "--manual") == 0 && argc <= 3 && (argc == 2 || find(argv[2])))
        manual_print(stdout, argc == 3 ? find(argv[2]) : NULL);
    else if (strcmp(argv[1], "--completion") == 0 && argc == 2)
        complete_script(stdout);
    else if (strcmp(argv[1], "--complete") == 0 && argc == 4)
        complete(argv[2], strtoul(argv[3], NULL, 10), stdout);
    else
        return -1;
    return fflush(stdout) || ferror(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
    const char *slash = argc ? strrchr(argv[0], '/') : NULL, *name = slash ? slash + 1 : argc ? argv[0] : "hmc";
    const struct command *command = find(name);
    if (command) {
        place_typed(argc, argv);
        return run(command, argc, argv);
    }
    if (argc < 2) {
        fprintf(stderr, "hmc: a command is missing; hmc --help lists them\n");
        return 1;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help();
    command = find(argv[1]);
    if (command) {
        place_typed(argc - 1, argv + 1);
        return run(command, argc - 1, argv + 1);
    }
    int status = documents(argc, argv);
    if (status >= 0)
        return status;
    fprintf(stderr, "hmc: unknown command '%s'; hmc --help lists them\n", argv[1]);
    return 1;
}
