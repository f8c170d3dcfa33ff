// SPDX-License-Identifier: Apache-2.0
#include "hmc/resources.h"

#include <stdio.h>
#include <string.h>

// clang-format off
const struct resource hmc_resources[] = {
    {"lssyscfg", "sys", NULL, NULL, OBJECT_SYS, "managed systems; -m chooses one"},
    {"lssyscfg", "lpar", NULL, NULL, OBJECT_LPAR, "partitions"},
    {"lssyscfg", "prof", NULL, NULL, OBJECT_PROF, "partitions' profiles"},
    {"lssyscfg", "sysprof", NULL, NULL, OBJECT_NONE, "system profiles: there are none"},
    {"lssyscfg", "frame", NULL, NULL, OBJECT_NONE, "frames: there are none"},
    {"lssyscfg", "cage", NULL, NULL, OBJECT_NONE, "cages: there are none"},
    {"mksyscfg", "lpar", NULL, NULL, OBJECT_LPAR, "a partition; attributes of its first profile are given with it"},
    {"mksyscfg", "prof", NULL, NULL, OBJECT_PROF, "a profile of a partition"},
    {"chsyscfg", "sys", NULL, NULL, OBJECT_SYS, "the managed system"},
    {"chsyscfg", "lpar", NULL, NULL, OBJECT_LPAR, "a partition"},
    {"chsyscfg", "prof", NULL, NULL, OBJECT_PROF, "a partition's profile"},
    {"rmsyscfg", "lpar", NULL, NULL, OBJECT_LPAR, "a partition, with its profiles"},
    {"rmsyscfg", "prof", NULL, NULL, OBJECT_PROF, "a partition's profile"},
    {"chsysstate", "sys", NULL, NULL, OBJECT_SYS, "the managed system"},
    {"chsysstate", "lpar", NULL, NULL, OBJECT_LPAR, "partitions"},
    {"lshwres", "proc", NULL, "sys", OBJECT_PROC_SYS, "processors of the system"},
    {"lshwres", "proc", NULL, "lpar", OBJECT_PROC_LPAR, "processors of partitions"},
    {"lshwres", "proc", NULL, "pool", OBJECT_PROC_POOL, "all shared processors"},
    {"lshwres", "procpool", NULL, NULL, OBJECT_PROCPOOL, "shared processor pools"},
    {"lshwres", "mem", NULL, "sys", OBJECT_MEM_SYS, "memory of the system"},
    {"lshwres", "mem", NULL, "lpar", OBJECT_MEM_LPAR, "memory of partitions"},
    {"lshwres", "virtualio", "serial", "lpar", OBJECT_VIO_SERIAL, "virtual serial adapters"},
    {"lshwres", "virtualio", "slot", "lpar", OBJECT_VIO_LPAR, "how many virtual slots partitions have"},
    {"lshwres", "virtualio", "slot", "slot", OBJECT_VIO_SLOT, "what is in virtual slots"},
    {"lshwres", "virtualio", "eth", "lpar", OBJECT_VIO_ETH, "virtual Ethernet adapters"},
    {"lshwres", "virtualio", "eth", "sys", OBJECT_VIO_ETH_SYS, "limits of virtual Ethernet"},
    {"lshwres", "virtualio", "scsi", "lpar", OBJECT_VIO_SCSI, "virtual SCSI adapters"},
    {"lshwres", "virtualio", "fc", "lpar", OBJECT_NONE, "virtual Fibre Channel adapters: there are none"},
    {"lshwres", "virtualio", "vswitch", NULL, OBJECT_VSWITCH, "virtual switches"},
    {"lshwres", "virtualio", "vnetwork", NULL, OBJECT_NONE, "virtual networks: there are none"},
    {"lshwres", "io", "slot", NULL, OBJECT_NONE, "physical slots: there are none"},
    {"lshwres", "io", "unit", NULL, OBJECT_NONE, "units with slots: there are none"},
    {"lshwres", "io", "bus", NULL, OBJECT_NONE, "buses: there are none"},
    {"lshwres", "mempool", NULL, NULL, OBJECT_NONE, "shared memory pool: there is none"},
    {"chhwres", "proc", NULL, NULL, OBJECT_PROF, "processors and processing units of a partition"},
    {"chhwres", "mem", NULL, NULL, OBJECT_MEM_LPAR, "memory of a partition"},
    {"chhwres", "procpool", NULL, NULL, OBJECT_PROCPOOL, "a shared processor pool, or a partition's pool"},
    {"chhwres", "virtualio", "eth", NULL, OBJECT_VIO_ETH, "a virtual Ethernet adapter of a partition"},
    {"chhwres", "virtualio", "scsi", NULL, OBJECT_VIO_SCSI, "a virtual SCSI adapter of a partition"},
    {"chhwres", "virtualio", "vswitch", NULL, OBJECT_VSWITCH, "a virtual switch"},
    {"lsrefcode", "lpar", NULL, NULL, OBJECT_REFCODE_LPAR, "reference codes of partitions"},
    {"lsrefcode", "sys", NULL, NULL, OBJECT_REFCODE_SYS, "reference codes of the system"},
    {"lsevents", "", NULL, NULL, OBJECT_EVENT, "events"},
    {"lslparutil", "lpar", NULL, NULL, OBJECT_UTIL_LPAR, "samples of partitions"},
    {"lslparutil", "procpool", NULL, NULL, OBJECT_UTIL_PROCPOOL, "samples of shared processor pools"},
    {"lslparutil", "pool", NULL, NULL, OBJECT_UTIL_POOL, "samples of all shared processors"},
    {"lslparutil", "sys", NULL, NULL, OBJECT_UTIL_SYS, "samples of the system"},
    {"lslparutil", "mempool", NULL, NULL, OBJECT_NONE, "samples of the shared memory pool: there is none"},
    {"lslparutil", "hmc", NULL, NULL, OBJECT_NONE, "samples of the console: none are taken"},
    {"lslparutil", "all", NULL, NULL, OBJECT_NONE, "samples of all kinds"},
    {"lslparutil", "config", NULL, NULL, OBJECT_UTIL_CONFIG, "the sampling rate"},
    {"lslic", "", NULL, NULL, OBJECT_LIC, "firmware level"},
    {"lsled", "sa", NULL, NULL, OBJECT_LED_LPAR, "attention LEDs"},
    {"chled", "sa", NULL, NULL, OBJECT_LED_LPAR, "attention LEDs"},
    {"lssvcevents", "", NULL, NULL, OBJECT_SVCEVENT, "events"},
    {"monhmc", "disk", NULL, NULL, OBJECT_NONE, "file systems on disks"},
    {"monhmc", "proc", NULL, NULL, OBJECT_NONE, "processors"},
    {"monhmc", "mem", NULL, NULL, OBJECT_NONE, "memory"},
    {"monhmc", "swap", NULL, NULL, OBJECT_NONE, "swap space"},
    {"chlparutil", "config", NULL, NULL, OBJECT_UTIL_CONFIG, "the sampling rate"},
};

const struct operation hmc_operations[] = {
    {"mksyscfg", "prof", "save", "save the configuration of the partition -p as the profile -n"},
    {"chsyscfg", "lpar", "apply", "make the profile -n the configuration of the partition -p, which is off"},
    {"chsysstate", "lpar", "on", "activate: with the profile -f, else with the configuration of last time"},
    {"chsysstate", "lpar", "shutdown", "end the partition: after a moment, or with --immed at once"},
    {"chsysstate", "lpar", "osshutdown", "ask the operating system to shut down"},
    {"chhwres", "proc", "a", "add --procs (virtual) processors, --procunits processing units, or both, to -p"},
    {"chhwres", "proc", "r", "remove them from -p"},
    {"chhwres", "proc", "m", "move them from -p to -t"},
    {"chhwres", "proc", "s", "set sharing_mode or uncap_weight of -p"},
    {"chhwres", "mem", "a", "add -q MB to -p"},
    {"chhwres", "mem", "r", "remove -q MB from -p"},
    {"chhwres", "mem", "m", "move -q MB from -p to -t"},
    {"chhwres", "procpool", "s", "set attributes of the pool; with -p or --id: shared_proc_pool_name or shared_proc_pool_id of a partition"},
    {"chhwres", "virtualio", "a", "eth, scsi: add an adapter to -p, in the slot -s; an operating system that runs takes it by drmgr, for which -w waits; vswitch: make the switch --vswitch"},
    {"chhwres", "virtualio", "r", "eth, scsi: remove the adapter in the slot -s of -p; an operating system that runs gives it back by drmgr, for which -w waits; vswitch: remove the switch --vswitch"},
    {"chhwres", "virtualio", "s", "eth: change the adapter in the slot -s of -p: VLANs, rate, quality of service and allowed addresses also while it runs; vswitch: its mode and name"},
    {"chsysstate", "lpar", "dumprestart", "make the operating system dump itself, and start the partition again"},
    {"chsysstate", "lpar", "chkey", "turn the partition's keylock to -k"},
    {"chsysstate", "sys", "onstandby", "power the system on, without partitions"},
    {"chsysstate", "sys", "rebuild", "read again what the system is; the console holds no copy, so nothing has to be done"},
    {"chsysstate", "sys", "recover", "the same after the connection was lost"},
    {"chled", "sa", "on", "switch it on"},
    {"chled", "sa", "off", "switch it off"},
    {"chsysstate", "sys", "on", "power the system on, also from standby: partitions with auto_start are activated"},
    {"chsysstate", "sys", "off", "power the system off: every partition ends at once"},
};

const struct example hmc_examples[] = {
    {"lssyscfg", "lssyscfg -r lpar -m s1 -F name,lpar_id,state --header", "Partitions of the system s1 with their state."},
    {"lssyscfg", "lssyscfg -r prof -m s1 --filter lpar_names=web01", "The profiles of a partition."},
    {"mksyscfg", "mksyscfg -r lpar -m s1 -i \"name=web01,desired_mem=1024,boot_image=/boot/vmlinux\"", "Defines a partition."},
    {"mksyscfg", "mksyscfg -r prof -m s1 -o save -p web01 -n tuned", "Saves what web01 runs with as a profile."},
    {"chsyscfg", "chsyscfg -r prof -m s1 -i \"name=default_profile,lpar_name=web01,uncap_weight=200\"", "Changes a profile."},
    {"rmsyscfg", "rmsyscfg -r lpar -m s1 -n web01", "Removes a partition."},
    {"chsysstate", "chsysstate -r lpar -m s1 -o on -n web01,db01", "Activates two partitions."},
    {"chsysstate", "chsysstate -r lpar -m s1 -o shutdown --immed -n web01", "Ends a partition at once."},
    {"lshwres", "lshwres -r mem -m s1 --level sys", "Memory of the system: what there is, and what is free."},
    {"lshwres", "lshwres -r proc -m s1 --level lpar -F lpar_name,run_proc_units", "What partitions are entitled to."},
    {"chhwres", "chhwres -r procpool -m s1 -o s --poolname SharedPool01 -a max_pool_proc_units=2,new_name=prod", "Makes a pool usable."},
    {"chhwres", "chhwres -r procpool -m s1 -o s -p web01 -a shared_proc_pool_name=prod", "Moves a partition into it."},
    {"chhwres", "chhwres -r virtualio --rsubtype eth -m s1 -o s -p web01 -s 2 -a addl_vlan_ids+=20", "A further VLAN, also while web01 runs."},
    {"chhwres", "chhwres -r virtualio --rsubtype scsi -m s1 -o a -p vios1 -s 14 -a adapter_type=server,remote_lpar_name=web01,remote_slot_num=4", "An adapter for another client."},
    {"chhwres", "chhwres -r virtualio --rsubtype vswitch -m s1 -o a --vswitch outer -a switch_mode=VEPA", "A virtual switch."},
    {"lsrefcode", "lsrefcode -r lpar -m s1 --filter lpar_names=web01 -n 10", "The last ten reference codes of a partition."},
    {"lsevents", "lsevents -m s1 -n 20", "The last twenty events."},
    {"lslparutil", "lslparutil -r lpar -m s1 -h 2 --filter lpar_names=web01 -F time,capped_cycles,uncapped_cycles,time_cycles", "What web01 used in the last two hours."},
    {"lslparutil", "lslparutil -r pool -m s1 -s h -d 7", "A row for each hour of the last week."},
    {"chlparutil", "chlparutil -r config -s 30 -m s1", "A sample every 30 seconds."},
    {"lslic", "lslic -m s1 -F ecnumber,activated_level", "Release and level."},
    {"lsled", "lsled -r sa -t virtuallpar -m s1 --filter lpar_names=web01", "The LED of a partition."},
    {"chled", "chled -r sa -t virtuallpar -o off -p web01 -m s1", "Switches it off."},
    {"lssvcevents", "lssvcevents -t hardware -m s1 -d 30 --filter status=Open", "What nobody has looked at, of the last month."},
    {"chsvcevent", "chsvcevent -o close -p 12 -m s1", "Closes the event 12."},
    {"monhmc", "monhmc -r mem -n 0", "Memory, once."},
    {"mkvterm", "mkvterm -m s1 -p web01", "Opens the virtual terminal of a partition."},
    {"viosrvcmd", "viosrvcmd -m s1 -p vios1 -c \"lsmap -all\"", "Who is served with what."},
    {"rmvterm", "rmvterm -m s1 -p web01", "Closes it for everybody."},
};
// clang-format on

const u32 hmc_resources_len = ARRAY_LEN(hmc_resources);
const u32 hmc_operations_len = ARRAY_LEN(hmc_operations);
const u32 hmc_examples_len = ARRAY_LEN(hmc_examples);

static u32 add(const char *values[RESOURCE_VALUES_MAX], u32 len, const char *value)
{
    for (u32 i = 0; i < len; i++)
        if (strcmp(values[i], value) == 0)
            return len;
    if (len < RESOURCE_VALUES_MAX)
        values[len++] = value;
    return len;
}

u32 resource_values(const char *command, const char *resource, bool subtype, const char *values[RESOURCE_VALUES_MAX])
{
    u32 len = 0;
    for (u32 i = 0; i < hmc_resources_len; i++) {
        const struct resource *r = &hmc_resources[i];
        const char *value = !resource ? r->resource : subtype ? r->subtype : r->level;
        if (strcmp(r->command, command) == 0 && value && *value && (!resource || strcmp(r->resource, resource) == 0))
            len = add(values, len, value);
    }
    return len;
}

u32 operation_values(const char *command, const char *resource, const char *values[RESOURCE_VALUES_MAX])
{
    u32 len = 0;
    for (u32 i = 0; i < hmc_operations_len; i++)
        if (strcmp(hmc_operations[i].command, command) == 0 &&
            (!resource || strcmp(hmc_operations[i].resource, resource) == 0))
            len = add(values, len, hmc_operations[i].operation);
    return len;
}

// "a, b and c"
static void join(const char *const *values, u32 len, char *text, size_t size)
{
    size_t used = 0;
    *text = 0;
    for (u32 i = 0; i < len && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s",
                                 i == 0         ? ""
                                 : i + 1 == len ? " and "
                                                : ", ",
                                 values[i]);
}

const struct resource *resource_find(const char *command, const struct options *o)
{
    const char *values[RESOURCE_VALUES_MAX];
    char list[600];
    bool known = false, has_subtype = false;
    for (u32 i = 0; i < hmc_resources_len; i++) {
        const struct resource *r = &hmc_resources[i];
        if (strcmp(r->command, command) || strcmp(r->resource, o->resource))
            continue;
        known = true;
        if (r->subtype && (!o->subtype || strcmp(r->subtype, o->subtype)))
            continue;
        has_subtype = true;
        if (!r->level || (o->level && strcmp(r->level, o->level) == 0))
            return r;
    }
    const char *spelling = !known ? "-r" : !has_subtype ? "--rsubtype" : "--level";
    const char *given = !known ? o->resource : !has_subtype ? o->subtype : o->level;
    u32 len = resource_values(command, known ? o->resource : NULL, !has_subtype, values);
    join(values, len, list, sizeof(list));
    if (given)
        options_refuse(spelling, len > 1 ? "%s is none of %s" : "%s is not %s", given, list);
    else
        options_refuse(spelling, "%s is missing: %s", spelling, list);
    return NULL;
}
