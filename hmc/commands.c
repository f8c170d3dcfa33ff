// SPDX-License-Identifier: Apache-2.0
// The commands: name, options, summary, what runs.
#include "hmc/change.h"
#include "hmc/hwres.h"
#include "hmc/list.h"
#include "hmc/options.h"
#include "hmc/service.h"
#include "hmc/utilisation.h"
#include "hmc/viosrvcmd.h"
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
    {"chhwres", "-r! --rsubtype -m! -o! -p --id -t --tid -s -q --procs --procunits -w -a --poolname --poolid --vswitch --force -d -v",
     "Change processors and memory of partitions, also while they run, shared processor pools, and virtual Ethernet.", cmd_chhwres},
    {"lsrefcode", "-r! -m! -n -s --filter -F --header",
     "List reference codes of partitions or of the system, newest first.", cmd_lsrefcode},
    {"lsevents", "-m! -n --filter -F --header", "List the system's event log, newest first.", cmd_lsevents},
    {"lslparutil",
     "-r! -m -d -h --minutes --startyear --startmonth --startday --starthour --startminute --endyear --endmonth "
     "--endday --endhour --endminute -n -s --filter -F --header",
     "List samples of utilisation, newest first, or the sampling rate.", cmd_lslparutil},
    {"chlparutil", "-r! -m -s!", "Change the sampling rate of utilisation.", cmd_chlparutil},
    {"lslic", "-m! -F --header", "List the firmware level of a managed system.", cmd_lslic},
    {"lsled", "-r! -m! -t! --filter -F --header", "List attention LEDs.", cmd_lsled},
    {"chled", "-r! -m! -t! -o! -p --id", "Switch an attention LED on or off.", cmd_chled},
    {"lssvcevents", "-t! -m! -d --filter -F --header", "List serviceable events or what was done, newest first.",
     cmd_lssvcevents},
    {"chsvcevent", "-o! -m! -p!", "Close a serviceable event.", cmd_chsvcevent},
    {"monhmc", "-r! -n", "Show the disks, processors, memory or swap space of the console's host.", cmd_monhmc},
    {"mkvterm", "-m! -p --id --view", "Open a partition's virtual terminal; ~. at the beginning of a line leaves it.",
     cmd_mkvterm},
    {"viosrvcmd", "-m! -p --id -c! --admin", "Run a command of a Virtual I/O Server.", cmd_viosrvcmd},
    {"rmvterm", "-m! -p --id", "End every session of a partition's virtual terminal.", cmd_rmvterm},
};

const u32 hmc_commands_len = ARRAY_LEN(hmc_commands);

const struct option_note hmc_notes[] = {
    {"chsysstate", "-b", "MODE",
     "with on: norm, of (stop at the firmware's prompt) or sms (its menus); else as the profile says"},
    {"chsysstate", "-k", "POSITION", "with on and chkey: the position of the keylock, norm or manual"},
    {"lslparutil", "-m", "SYSTEM", "the managed system; -r config lists all without it"},
    {"lslparutil", "-n", "EVENTS", "at most so many, the newest ones"},
    {"lslparutil", "-s", "LEVEL", "s: every sample; h, d, m: the first one of each hour, day or month"},
    {"chlparutil", "-m", "SYSTEM", "the managed system; all that run without it"},
    {"chlparutil", "-s", "RATE", "seconds between samples: 30, 60, 300, 1800 or 3600; 0: no samples"},
    {"lsled", "-t", "TYPE", "phys: of the system; virtuallpar: of partitions"},
    {"chled", "-t", "TYPE", "phys: of the system; virtuallpar: of a partition"},
    {"chled", "-o", "OPERATION", "on or off"},
    {"lssvcevents", "-t", "TYPE",
     "hardware: errors of the system and of partitions; console: what was typed that changed something, by whom, and "
     "its result"},
    {"lssvcevents", "-d", "DAYS", "of the last DAYS days; without it 7"},
    {"chsvcevent", "-p", "NUMBER", "the event: problem_num of lssvcevents"},
    {"monhmc", "-n", "SECONDS", "show it again and again; 0: once; without it every 4 seconds"},
    {"lsrefcode", "-n", "COUNT", "how many of each partition or of the system; 1 without it"},
    {"lsevents", "-n", "COUNT", "how many; 100 without it"},
    {"chhwres", "-t", "NAME", "the partition that gets what is moved"},
    {"chhwres", "-s", "SLOT", "the virtual slot; without it an adapter that is added gets the first free one"},
    {"chhwres", "-d", "LEVEL", "accepted"},
    {"chhwres", "--force", NULL, "accepted"},
    {"viosrvcmd", "-p", "NAME", "the Virtual I/O Server"},
    {"viosrvcmd", "--id", "ID", "its number"},
    {"chsysstate", "-n", "NAMES", "the partitions' names, with commas between them"},
    {"chsysstate", "--id", "IDS", "the partitions' numbers, with commas between them"},
    {"chsysstate", "-f", "PROFILE", "the profile to activate"},
};

const u32 hmc_notes_len = ARRAY_LEN(hmc_notes);
