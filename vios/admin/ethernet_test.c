// SPDX-License-Identifier: Apache-2.0
// Shared Ethernet Adapters, VLANs and aggregations by commands, and what carries frames hears of them.
#include "vios/admin/test_ios.h"

// ent3 and ent4 are trunks of different VLANs, ent5 a control channel, ent6 no trunk, ent7 a trunk of another priority.
static void add_adapters(void)
{
    const struct ios_adapter adapters[] = {
        {.slot = 2, .pvid = 1, .vlans = "20,30", .trunk = true, .priority = 1, .mac = {2, 0, 0, 0, 1, 2}},
        {.slot = 3, .pvid = 40, .trunk = true, .priority = 1, .mac = {2, 0, 0, 0, 1, 3}},
        {.slot = 4, .pvid = 99, .mac = {2, 0, 0, 0, 1, 4}},
        {.slot = 5, .pvid = 5, .mac = {2, 0, 0, 0, 1, 5}},
        {.slot = 6, .pvid = 20, .trunk = true, .priority = 2, .mac = {2, 0, 0, 0, 1, 6}},
    };
    for (u32 i = 0; i < ARRAY_LEN(adapters); i++) {
        struct ios_adapter a = adapters[i];
        a.kind = IOS_ETHERNET;
        a.vswitch = "ETHERNET0";
        ios_adapter_added(test_ios, &a);
    }
    *test_record = 0;
}

static void begin(void)
{
    test_networks = 3;
    test_begin();
    add_adapters();
}

static void test_devices(void)
{
    static const struct step steps[] = {
        {"lsdev -type ent4sea -field name physloc description -fmt ,", 0,
         "ent0,U9009.42A.21AB12C-P1-T1,Host Ethernet (tap/name=tap0)\n"
         "ent1,U9009.42A.21AB12C-P1-T2,Host Ethernet (packet/name=eth1)\n"
         "ent2,U9009.42A.21AB12C-P1-T3,Host Ethernet (user)\n"},
        {"lsdev -type ent4ip -field name -fmt : | wc -l", 0, "8\n"},
        {"lsdev -dev ent0 -attr network", 0, "value\n\ntap/name=tap0\n"},
        {"lsdev -dev ent3 -attr -fmt :", 0,
         "mac_address:020000000102:MAC address:False\npvid:1:Port VLAN ID:False\n"
         "trunk:yes:Bridges to networks outside of the system:False\n"
         "trunk_priority:1:Priority of the trunk adapter:False\nvlans:20,30:Further VLANs, tagged:False\n"
         "vswitch:ETHERNET0:Virtual switch:False\n"},
        {"rmdev -dev ent0", 1, NULL},
    };
    begin();
    play(steps, ARRAY_LEN(steps));
    // What it was given first and has no more keeps its name; the next start knows it again.
    test_networks = 1;
    test_reopen();
    CHECK_STR(run("lsdev -type ent4sea -field name status -fmt ,"), "ent0,Available\nent1,Defined\nent2,Defined\n");
    CHECK_STR(run("rmdev -dev ent2"), "ent2 deleted\n");
    test_networks = 3;
    test_reopen();
    CHECK_STR(run("lsdev -type ent4sea -field name status -fmt ,"), "ent0,Available\nent1,Available\nent2,Available\n");
    test_end();
}

static void test_sea(void)
{
    static const struct step steps[] = {
        {"mkvdev -sea ent0 -vadapter ent6 -default ent6 -defaultid 1", 1, NULL},
        {"mkvdev -sea ent0 -vadapter ent3,ent7 -default ent3 -defaultid 1", 1,
         "The VLAN 20 is one of two trunk adapters; each VLAN has one way outside.\n"},
        {"mkvdev -sea ent0 -vadapter ent3 -default ent4 -defaultid 1", 1,
         "The default adapter ent4 is none of the virtual adapters.\n"},
        {"mkvdev -sea ent0 -vadapter ent3 -default ent3 -defaultid 5000", 1,
         "0514-018 The values specified for the following attributes are not valid:\n     pvid=5000 (a VLAN from 1 to "
         "4094)\n"},
        {"mkvdev -sea ent5 -vadapter ent3 -default ent3 -defaultid 1", 1,
         "\"ent5\" is not a valid physical adapter; lsdev -type ent4sea lists them.\n"},
        {"mkvdev -sea ent0 -vadapter ent1 -default ent1 -defaultid 1", 1, NULL},
        {"mkvdev -sea ent2 -vadapter ent3,ent4 -default ent3 -defaultid 1", 1, NULL},
        {"mkvdev -sea ent0 -vadapter ent3 -default ent3 -defaultid 1 -attr ha_mode=auto", 1,
         "ha_mode=auto needs a control channel: ctl_chan=ADAPTER.\n"},
        {"mkvdev -sea ent0 -vadapter ent3 -default ent3 -defaultid 1 -attr ha_mode=often", 1, NULL},
        {"mkvdev -sea ent0 -vadapter ent3 -default ent3 -defaultid 1 -attr ctl_chan=ent4", 1,
         "The control channel ent4 must not be a trunk adapter.\n"},
        {"mkvdev -sea ent0 -vadapter ent3 -default ent3 -defaultid 1 -attr ha_mode=sharing ctl_chan=ent5", 1,
         "ha_mode=sharing needs two or more virtual adapters.\n"},
        {"lsmap -all -net -fmt : | head -1", 0, "ent3:U9009.42A.21AB12C-V1-C2-T1\n"},
        {"mkvdev -sea ent0 -vadapter ent3,ent4 -default ent3 -defaultid 7 -attr ha_mode=auto ctl_chan=ent5", 0,
         "ent8 Available\n", "bridge ent8 tap/name=tap0 C2,3 id 7 control C4 priority 1"},
        {"mkvdev -sea ent1 -vadapter ent3 -default ent3 -defaultid 1", 1,
         "0514-062 Cannot perform the requested function because ent3 is used by ent8 already.\n"},
        {"mkvdev -sea ent0 -vadapter ent7 -default ent7 -defaultid 1", 1, NULL},
        {"lsdev -type sea -field name status -fmt :", 0, "ent8:Available\n"},
        {"lsmap -all -net | head -9", 0,
         "SVEA   Physloc\n------ --------------------------------------------\nent3   U9009.42A.21AB12C-V1-C2-T1\n\n"
         "SEA                   ent8\nBacking device        ent0\nStatus                Available\n"
         "Physloc               U9009.42A.21AB12C-P1-T1\n\n"},
        {"lsmap -vadapter ent4 -net -fmt :", 0,
         "ent4:U9009.42A.21AB12C-V1-C3-T1:ent8:ent0:Available:U9009.42A.21AB12C-P1-T1\n"},
        {"lsmap -vadapter ent0 -net", 1, "\"ent0\" is not a valid virtual Ethernet adapter.\n"},
        {"chdev -dev ent8 -attr ha_mode=standby", 0, "ent8 changed\n",
         "bridge ent8 tap/name=tap0 C2,3 id 7 control C4 priority 1 standby"},
        {"chdev -dev ent8 -attr ha_mode=sharing", 0, "ent8 changed\n",
         "bridge ent8 tap/name=tap0 C2,3 id 7 control C4 priority 1 sharing"},
        {"chdev -dev ent8 -attr virt_adapters=ent3 ha_mode=disabled real_adapter=ent1", 0, "ent8 changed\n",
         "bridge ent8 packet/name=eth1 C2 id 7"},
        {"chdev -dev ent8 -attr state=1", 1, NULL},
        {"chdev -dev ent3 -attr pvid=7", 1, NULL},
        {"lsdev -dev ent8 -attr virt_adapters", 0, "value\n\nent3\n"},
        {"rmdev -dev ent1", 1, NULL},
        {"entstat ent8 | grep -c 'State: PRIMARY'", 0, "1\n"},
        {"entstat ent8 | grep Packets:", 0, "Packets: 8                                   Packets: 9\n"},
        {"entstat ent8 | grep Primary", 0, "Number of Times Server became Primary: 2\n"},
        {"entstat -all ent8 | grep STATISTICS", 0,
         "ETHERNET STATISTICS (ent8) :\nETHERNET STATISTICS (ent1) :\nETHERNET STATISTICS (ent3) :\nETHERNET "
         "STATISTICS "
         "(ent5) :\n"},
        {"entstat ent1 | tail -2", 0, "Link Status: Up\nUsed by: ent8\n"},
        {"entstat ent0 | tail -2", 0, "Link Status: Unknown\nUsed by: None\n"},
        {"entstat ent3 | grep Active", 0, "  Priority: 1  Active: False\n"},
        {"rmvdev -sea ent3", 1, NULL},
        {"rmvdev -sea ent8", 0, "ent8 deleted\n", "unbridge ent8"},
        {"mkvdev -sea ent2 -vadapter ent3 -default ent3 -defaultid 1", 0, "ent8 Available\n",
         "bridge ent8 user C2 id 1"},
        {"rmdev -dev ent8", 0, "ent8 deleted\n", "unbridge ent8"},
    };
    begin();
    play(steps, ARRAY_LEN(steps));
    test_end();
}

static void test_stacked(void)
{
    static const struct step steps[] = {
        {"mkvdev -vlan ent0 -tagid 100", 0, "ent8 Available\n"},
        {"mkvdev -vlan ent2 -tagid 100", 1, NULL},
        {"mkvdev -vlan ent8 -tagid 100", 1, NULL},
        {"mkvdev -sea ent8 -vadapter ent3 -default ent3 -defaultid 1", 0, "ent9 Available\n",
         "bridge ent9 tap/name=tap0 vlan 100 C2 id 1"},
        {"chdev -dev ent8 -attr vlan_tag_id=101", 0, "ent8 changed\n", "bridge ent9 tap/name=tap0 vlan 101 C2 id 1"},
        {"rmvdev -vlan ent8", 1, "0514-062 Cannot perform the requested function because ent8 is used by ent9.\n"},
        {"rmdev -dev ent9", 0, "ent9 deleted\n", "unbridge ent9"},
        {"rmvdev -vlan ent8", 0, "ent8 deleted\n"},
        {"mkvdev -lnagg ent0 ent2", 1, NULL},
        {"mkvdev -lnagg ent0 -attr mode=backup", 1, "mode=backup needs backup_adapter=ADAPTER.\n"},
        {"mkvdev -lnagg ent0 ent3", 1, NULL},
        {"mkvdev -lnagg ent0,ent1 -attr mode=8023ad hash_mode=src_dst_port", 0, "ent8 Available\n"},
        {"mkvdev -sea ent8 -vadapter ent3 -default ent3 -defaultid 1", 0, "ent9 Available\n",
         "bridge ent9 tap/name=tap0 packet/name=eth1 mode 2 ports C2 id 1"},
        {"entstat ent8 | tail -2", 0, "Adapter ent0: link up, used\nAdapter ent1: link up, not used\n"},
        {"chdev -dev ent8 -attr adapter_names=ent0 backup_adapter=ent1 mode=backup hash_mode=default", 0,
         "ent8 changed\n", "bridge ent9 tap/name=tap0 packet/name=eth1(backup) mode 3 C2 id 1"},
        {"mkvdev -vlan ent8 -tagid 5", 1, NULL},
    };
    begin();
    play(steps, ARRAY_LEN(steps));
    *test_record = 0;
    test_reopen();
    CHECK_STR(test_record, "bridge ent9 tap/name=tap0 packet/name=eth1(backup) mode 3 C2 id 1");
    test_end();
}

// What cannot be is undone, and what carries frames is told what holds.
static void test_refused(void)
{
    begin();
    test_bridge_error = "tap0: it is in use";
    CHECK_STR(run("mkvdev -sea ent0 -vadapter ent3 -default ent3 -defaultid 1"),
              "0514-040 Error initializing a device into the kernel: ent8: tap0: it is in use\n");
    CHECK_EQ(test_status, 1);
    CHECK_STR(test_record, "unbridge ent8");
    test_bridge_error = NULL;
    CHECK_STR(run("lsdev -type sea -field name -fmt :"), "");
    run("mkvdev -sea ent0 -vadapter ent3 -default ent3 -defaultid 1");
    *test_record = 0;
    run("chdev -dev ent8 -attr real_adapter=ent5");
    CHECK_STR(test_record, "");
    test_networks = 0;
    test_reopen();
    CHECK(strstr(run("errlog"), "ent8           the adapter ent0 is not there;"));
    test_end();
}

int main(void)
{
    TEST(test_devices);
    TEST(test_sea);
    TEST(test_stacked);
    TEST(test_refused);
    return test_done();
}
