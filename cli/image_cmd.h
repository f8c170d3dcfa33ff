// SPDX-License-Identifier: Apache-2.0
// `openlpar image`: disks with a Debian on them.
#ifndef CLI_IMAGE_CMD_H
#define CLI_IMAGE_CMD_H

#include "base/types.h"

struct image_options {
    const char *release;
    const char *output; // of the caller's, or NULL: the release's name and .raw
    u64 size;
    const char *password, *ssh_key; // NULL: none
    const char *hostname;
    const char *packages; // with commas; NULL: none
};

// argv[0] is "build". 0; a status above 0: refused; below 0: help was printed.
int image_parse(int argc, char **argv, struct image_options *options);

int image_command(int argc, char **argv);

#endif
