// SPDX-License-Identifier: Apache-2.0
// What each command's -r, --rsubtype, --level and -o may say: parsing, help, completion and manual pages come from here.
#ifndef HMC_RESOURCES_H
#define HMC_RESOURCES_H

#include "hmc/options.h"
#include "proto/hyper/attr.h"

// A kind of resource that a command has.
struct resource {
    const char *command, *resource, *subtype, *level; // "" and NULL: the command has no such option for it
    enum object object;                               // OBJECT_NONE: there are none of this kind
    const char *help;
};

extern const struct resource hmc_resources[];
extern const u32 hmc_resources_len;

// An operation of -o.
struct operation {
    const char *command, *resource, *operation, *help;
};

extern const struct operation hmc_operations[];
extern const u32 hmc_operations_len;

// NULL, and the complaint is printed: there is no such kind.
const struct resource *resource_find(const char *command, const struct options *o);
// The values of an option among a command's kinds of resource, each once. `resource` NULL: -r; else --level or --rsubtype of that one.
#define RESOURCE_VALUES_MAX 32u
u32 resource_values(const char *command, const char *resource, bool subtype, const char *values[RESOURCE_VALUES_MAX]);
// The operations that the command has; NULL as resource: of all of them.
u32 operation_values(const char *command, const char *resource, const char *values[RESOURCE_VALUES_MAX]);

// An example that the help shows.
struct example {
    const char *command, *line, *help;
};

extern const struct example hmc_examples[];
extern const u32 hmc_examples_len;

#endif
