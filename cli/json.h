// SPDX-License-Identifier: Apache-2.0
// JSON output.
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdio.h>

// A string with its quotes. What is no printable ASCII and no UTF-8 becomes U+FFFD.
void json_text(FILE *to, const char *text);

#endif
