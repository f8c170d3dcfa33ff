// SPDX-License-Identifier: Apache-2.0
// What the commands of openlpar have in common: complaints, and the system that is meant.
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include "base/types.h"
#include "proto/hyper/place.h"

// Prints the complaint, one line; always 1, the exit status.
PRINTF_LIKE(1, 2) int say_refusal(const char *fmt, ...);
// The system of that name did not answer: a negative errno says why.
int say_no_answer(const char *name, int err);
// The folder of the system of that name. 0, or 1 and the complaint is printed.
int say_system(const char *name, char path[PLACE_MAX]);

#endif
