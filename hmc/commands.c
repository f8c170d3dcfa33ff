// SPDX-License-Identifier: Apache-2.0
// The commands: name, options, summary, what runs.
#include "hmc/change.h"
#include "hmc/list.h"
#include "hmc/options.h"
#include "hmc/vterm.h"

const struct command hmc_commands[] = {
    {"lssyscfg", "-r! -m --filter -F --header", "List managed systems, partitions and profiles.", cmd_lssyscfg},
    {"mksyscfg", "-r! -m! -i -f -o -p -n --force",
     "Define a partition or a profile, or save a partition's configuration as a profile.", cmd_mksyscfg},
    {"chsyscfg", "-r! -m! -i -f -o -p -n --force",
     "Change a managed system, a partition or a profile; apply a profile.", cmd_chsyscfg},
    {"rmsyscfg", "-r! -m! -n --id -p", "Remove a partition or a profile.", cmd_rmsyscfg},
    {"chsysstate", "-r! -m! -o! -n --id -f -b -k --bootstring --immed --restart -v",
     "Activate, shut down or restart partitions; power a managed system on and off.", cmd_chsysstate},
    {"lshwres", "-r! -m! --rsubtype --level --filter -F --header --maxmem",
     "List processors and memory, of the system and of partitions.", cmd_lshwres},
    {"lsrefcode", "-r! -m! -n -s --filter -F --header",
     "List reference codes of partitions or of the system, newest first.", cmd_lsrefcode},
    {"lsevents", "-m! -n --filter -F --header", "List the system's event log, newest first.", cmd_lsevents},
    {"mkvterm", "-m! -p --id --view", "Open a partition's virtual terminal; ~. at the beginning of a line leaves it.",
     cmd_mkvterm},
    {"rmvterm", "-m! -p --id", "End every session of a partition's virtual terminal.", cmd_rmvterm},
};

const u32 hmc_commands_len = ARRAY_LEN(hmc_commands);
