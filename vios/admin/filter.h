// SPDX-License-Identifier: Apache-2.0
// What a pipe in the VIOS's shell may lead to: grep, head, tail, wc, sort, more.
#ifndef VIOS_ADMIN_FILTER_H
#define VIOS_ADMIN_FILTER_H

#include "vios/admin/ios.h"

// Appends what the filter makes of the input. Its exit status.
int filter_run(int argc, char **argv, const struct ios_text *input, struct ios_out *out);

#endif
