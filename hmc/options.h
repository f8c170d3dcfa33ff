// SPDX-License-Identifier: Apache-2.0
// The console's commands and their options: one table of each, from which parsing, help, completion and manual pages come.
#ifndef HMC_OPTIONS_H
#define HMC_OPTIONS_H

#include "base/types.h"

// Every option that any command has: OPTION(field, spelling, value or NULL, help)
#define HMC_OPTIONS(OPTION)                                                                                \
    OPTION(system, "-m", "SYSTEM", "the managed system: its name or type-model*serial")                    \
    OPTION(resource, "-r", "TYPE", "the type of resource")                                                 \
    OPTION(subtype, "--rsubtype", "TYPE", "the type within the type of resource")                          \
    OPTION(level, "--level", "LEVEL", "whose resources: sys, lpar or pool")                                \
    OPTION(partition, "-p", "NAME", "the partition")                                                       \
    OPTION(name, "-n", "NAME", "the object's name, or for lists how many")                                 \
    OPTION(id, "--id", "ID", "the partition's number")                                                     \
    OPTION(operation, "-o", "OPERATION", "what to do")                                                     \
    OPTION(record, "-i", "RECORD", "attributes: attr=value,attr=value,\"list=a,b\"")                       \
    OPTION(file, "-f", "FILE", "a file with a record on each line; of chsysstate: the profile")            \
    OPTION(fields, "-F", "NAMES", "print only these attributes' values, in this order; without NAMES all") \
    OPTION(header, "--header", NULL, "with -F: the names in the first line")                               \
    OPTION(filter, "--filter", "FILTER", "choose objects: name=value, with several values in quotes")      \
    OPTION(force, "--force", NULL, "also where something is overwritten")                                  \
    OPTION(immed, "--immed", NULL, "at once")                                                              \
    OPTION(restart, "--restart", NULL, "and start it again")                                               \
    OPTION(boot_mode, "-b", "MODE", "norm, of (the firmware's prompt) or sms (its menus)")                 \
    OPTION(keylock, "-k", "POSITION", "the keylock: norm or manual")                                       \
    OPTION(bootstring, "--bootstring", "TEXT", "accepted; partitions boot what their profile names")       \
    OPTION(side, "-s", "SIDE", "p or s: the service processor")                                            \
    OPTION(view, "--view", NULL, "only look: beside somebody else's session, too")                         \
    OPTION(maxmem, "--maxmem", "MB", "accepted")                                                           \
    OPTION(verbose, "-v", NULL, "accepted")                                                                \
    OPTION(type, "-t", "TYPE", "the type")                                                                 \
    OPTION(attributes, "-a", "RECORD", "what to set: attr=value,attr=value")                               \
    OPTION(poolname, "--poolname", "NAME", "the shared processor pool")                                    \
    OPTION(poolid, "--poolid", "ID", "the shared processor pool's number")                                 \
    OPTION(days, "-d", "DAYS", "of the last DAYS days")                                                    \
    OPTION(hours, "-h", "HOURS", "of the last HOURS hours; with -d in addition")                           \
    OPTION(minutes, "--minutes", "MINUTES", "of the last MINUTES minutes; with -d and -h in addition")     \
    OPTION(startyear, "--startyear", "YEAR", "from this year on")                                          \
    OPTION(startmonth, "--startmonth", "MONTH", "from this month on, 1 to 12")                             \
    OPTION(startday, "--startday", "DAY", "from this day on, 1 to 31")                                     \
    OPTION(starthour, "--starthour", "HOUR", "from this hour on, 0 to 23")                                 \
    OPTION(startminute, "--startminute", "MINUTE", "from this minute on, 0 to 59")                         \
    OPTION(endyear, "--endyear", "YEAR", "until this year")                                                \
    OPTION(endmonth, "--endmonth", "MONTH", "until this month, included")                                  \
    OPTION(endday, "--endday", "DAY", "until this day, included")                                          \
    OPTION(endhour, "--endhour", "HOUR", "until this hour, included")                                      \
    OPTION(endminute, "--endminute", "MINUTE", "until this minute, included")                              \
    OPTION(target_id, "--tid", "ID", "its number")                                                         \
    OPTION(quantity, "-q", "MB", "how much memory")                                                        \
    OPTION(procs, "--procs", "NUMBER", "how many (virtual) processors")                                    \
    OPTION(procunits, "--procunits", "UNITS", "how many processing units, with two decimals")              \
    OPTION(vswitch, "--vswitch", "NAME", "the virtual switch")                                             \
    OPTION(wait, "-w", "MINUTES", "how long the operating system may take: 5 without it; 0: for ever")     \
    OPTION(command, "-c", "COMMAND", "the command, as it is typed at the server's own prompt")             \
    OPTION(admin, "--admin", NULL, "accepted")                                                             \
    OPTION(help, "--help", NULL, "this text")

struct options {
#define OPTION(field, spelling, value, help) const char *field;
    HMC_OPTIONS(OPTION)
#undef OPTION
};

struct command {
    const char *name;
    const char *options; // spellings, each with a ! behind it where the command needs it
    const char *summary;
    int (*run)(const struct options *o);
};

// Where an option says something else in one command: what its value is called, and its help.
struct option_note {
    const char *command, *spelling, *value, *help;
};

extern const struct option_note hmc_notes[];
extern const u32 hmc_notes_len;

// An option as a command has it.
struct option_use {
    const char *spelling, *value, *help;
    bool needed;
};

// The options of a command in the order of the table, --help left out; how many.
#define OPTIONS_MAX 64u
u32 options_of(const struct command *command, struct option_use uses[OPTIONS_MAX]);

extern const struct command hmc_commands[];
extern const u32 hmc_commands_len;

// 0: parsed; 1: the complaint is on standard error; -1: help was printed.
int options_parse(const struct command *command, int argc, char **argv, struct options *o);

// A complaint about parameters in the console's form. Always 1.
PRINTF_LIKE(2, 3) int options_refuse(const char *spelling, const char *fmt, ...);
// A message with its code. Always 1.
PRINTF_LIKE(2, 3) int message_refuse(const char *code, const char *fmt, ...);

#endif
