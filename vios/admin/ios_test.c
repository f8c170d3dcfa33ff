// SPDX-License-Identifier: Apache-2.0
// Devices, mappings, the parser and the shell.
#include "vios/admin/test_ios.h"

static void test_devices(void)
{
    static const struct step steps[] = {
        {"lsdev", 0,
         "name             status      description\n"
         "hdisk0           Available   Internal disk in a file\n"
         "hdisk1           Available   Disk of the host\n"
         "hdisk2           Available   Disk of the host\n"
         "sys0             Available   System Object\n"
         "sysplanar0       Available   System Planar\n"
         "vhost0           Available   Virtual SCSI Server Adapter\n"
         "vhost1           Available   Virtual SCSI Server Adapter\n"
         "vio0             Available   Virtual I/O Bus\n"
         "vsa0             Available   LPAR Virtual Serial Adapter\n"
         "vty0             Available   Asynchronous Terminal\n"},
        {"lsdev -type disk -field name status -fmt :", 0, "hdisk0:Available\nhdisk1:Available\nhdisk2:Available\n"},
        {"lsdev -virtual -type !tty -field name", 0, "name\nvhost0\nvhost1\nvsa0\n"},
        {"lsdev -dev vhost0 -parent", 0, "parent\n\nvio0\n"},
        {"lsdev -dev vhost0 -attr client_partition", 0, "value\n\n3\n"},
        {"lsdev -dev vhost1 -attr", 0,
         "attribute        value description           user_settable\n\n"
         "client_partition any   Client partition ID   False\n"
         "client_slot      any   Client adapter's slot False\n"},
        {"lsdev -slots", 0,
         "# Slot                           Description       Device(s)\n"
         "U9009.42A.21AB12C-V1-C0          Virtual I/O Slot  vsa0\n"
         "U9009.42A.21AB12C-V1-C14         Virtual I/O Slot  vhost0\n"
         "U9009.42A.21AB12C-V1-C15         Virtual I/O Slot  vhost1\n"},
        {"lsdev -dev vhost9", 1,
         "0514-519 The following device was not found in the customized device configuration database:\n        name = "
         "'vhost9'\n"},
        {"lsdev -type disc", 1, NULL},
        {"lspv -avail -field name size -fmt ,", 0, "hdisk1,4096\nhdisk2,4096\n"},
        {"chdev -dev hdisk1 -attr pv=yes", 0, "hdisk1 changed\n"},
        {"lspv -free -field name -fmt ,", 0, "hdisk2\n"},
        {"chdev -dev hdisk0 -attr pv=clear", 1, NULL},
        {"chdev -dev hdisk1 -attr size_in_mb=5", 1,
         "0514-018 The values specified for the following attributes are not valid:\n     size_in_mb (it cannot be "
         "set)\n"},
        {"rmdev -dev hdisk0", 1, NULL},
        {"rmdev -dev vhost0", 1, NULL},
        {"rmdev -dev hdisk2", 0, "hdisk2 deleted\n"},
        {"cfgdev", 0, ""},
        {"lspv -field name -fmt :", 0, "hdisk0\nhdisk1\nhdisk2\n"},
    };
    test_begin();
    play(steps, ARRAY_LEN(steps));
    // Names stay with their slots.
    CHECK_EQ(ios_adapter_removed(test_ios, 14), 0);
    CHECK_STR(run("lsdev -type adapter -state defined -fmt :"), "vhost0:Defined:Virtual SCSI Server Adapter\n");
    ios_adapter_added(test_ios, &(struct ios_adapter){.kind = IOS_SCSI, .slot = 3, .client = 5, .client_slot = 7});
    ios_adapter_added(
        test_ios,
        &(struct ios_adapter){
            .kind = IOS_ETHERNET, .slot = 4, .pvid = 20, .trunk = true, .mac = {2, 0xab}, .vswitch = "ETHERNET0"});
    test_reopen();
    CHECK_STR(run("lsdev -type adapter -field name physloc -fmt ,"),
              "ent0,U9009.42A.21AB12C-V1-C4-T1\nvhost0,U9009.42A.21AB12C-V1-C14\nvhost1,U9009.42A.21AB12C-V1-"
              "C15\nvhost2,U9009.42A.21AB12C-V1-C3\nvsa0,\n");
    CHECK_STR(run("lsdev -dev ent0 -attr mac_address"), "value\n\n02AB00000000\n");
    test_end();
}

static void test_mapping(void)
{
    static const struct step steps[] = {
        {"lsmap -vadapter vhost0", 0,
         "SVSA            Physloc                                      Client Partition ID\n"
         "--------------- -------------------------------------------- ------------------\n"
         "vhost0          U9009.42A.21AB12C-V1-C14                     0x00000003\n"
         "\n"
         "VTD                   NO VIRTUAL TARGET DEVICE FOUND\n"},
        {"mkvdev -vdev hdisk1 -vadapter vhost0", 0, "vtscsi0 Available\n", "attach 14:1 hdisk1 4096 MiB"},
        {"mkvdev -vdev hdisk1 -vadapter vhost1", 1,
         "\"hdisk1\" is already being used as a backing device. Specify the -f flag to force this device to be used "
         "anyway.\n"},
        {"mkvdev -f -vdev hdisk1 -vadapter vhost1 -dev shared -attr mirrored=true", 0, "shared Available\n",
         "attach 15:1 hdisk1 4096 MiB"},
        {"mkvdev -vdev hdisk2 -vadapter vhost0 -dev shared", 1,
         "0516-360 The device name \"shared\" is already used; choose a different name.\n"},
        {"mkvdev -fbo -vadapter vhost0", 0, "vtopt0 Available\n", "attach drive 14:2"},
        {"mkvdev -vdev hdisk0 -vadapter vhost0", 1,
         "Physical volume \"hdisk0\" belongs to the volume group rootvg, so it cannot be a backing device; reducevg "
         "takes it out.\n"},
        {"mkvdev -vdev hdisk1 -vadapter vhost9", 1, NULL},
        {"mkvdev -vdev nothing -vadapter vhost0", 1,
         "\"nothing\" is not a valid backing device: no physical volume, logical volume or backing device of a storage "
         "pool.\n"},
        {"lsmap -all", 0,
         "SVSA            Physloc                                      Client Partition ID\n"
         "--------------- -------------------------------------------- ------------------\n"
         "vhost0          U9009.42A.21AB12C-V1-C14                     0x00000003\n"
         "\n"
         "VTD                   vtscsi0\n"
         "Status                Available\n"
         "LUN                   0x8100000000000000\n"
         "Backing device        hdisk1\n"
         "Physloc               U9009.42A.21AB12C-V1-D1\n"
         "Mirrored              false\n"
         "\n"
         "VTD                   vtopt0\n"
         "Status                Available\n"
         "LUN                   0x8200000000000000\n"
         "Backing device\n"
         "Physloc\n"
         "Mirrored              N/A\n"
         "\n"
         "SVSA            Physloc                                      Client Partition ID\n"
         "--------------- -------------------------------------------- ------------------\n"
         "vhost1          U9009.42A.21AB12C-V1-C15                     0x00000000\n"
         "\n"
         "VTD                   shared\n"
         "Status                Available\n"
         "LUN                   0x8100000000000000\n"
         "Backing device        hdisk1\n"
         "Physloc               U9009.42A.21AB12C-V1-D1\n"
         "Mirrored              true\n"},
        {"lsmap -vadapter vhost0 -fmt :", 0,
         "vhost0:U9009.42A.21AB12C-V1-C14:0x00000003:vtscsi0:Available:0x8100000000000000:hdisk1:U9009.42A.21AB12C-V1-"
         "D1:false:"
         "vtopt0:Available:0x8200000000000000:::N/A\n"},
        {"lsmap -all -field svsa clientid vtd backing -fmt ,", 0,
         "vhost0,0x00000003,vtscsi0,hdisk1,vtopt0,\nvhost1,0x00000000,shared,hdisk1\n"},
        {"lsmap -all -type optical -field svsa vtd", 0,
         "SVSA\n---------------\nvhost0\n\nVTD                   vtopt0\n"},
        {"lsmap -all -cpid 0x3 -field svsa -fmt :", 0, "vhost0\n"},
        {"lsmap -plc U9009.42A.21AB12C-V1-C15 -field vtd -fmt :", 0, "shared\n"},
        {"lsmap -all -npiv", 0, ""},
        {"lsmap -vadapter vhost7", 1,
         "\"vhost7\" is not a valid virtual server adapter; lsmap -all lists those that there are.\n"},
        {"lsmap -all -field nothing", 1, NULL},
        {"lsmap -all | grep -c VTD", 0, "3\n"},
        {"lsdev -dev vhost0 -child -field name -fmt :", 0, "vtopt0\nvtscsi0\n"},
        {"lsdev -dev vtscsi0 -attr aix_tdev", 0, "value\n\nhdisk1\n"},
        {"chdev -dev vtscsi0 -attr mirrored=true", 0, "vtscsi0 changed\n"},
        {"lsmap -vadapter vhost0 -type disk -field vtd mirrored -fmt :", 0, "vtscsi0:true\n"},
        {"rmdev -dev vtscsi0 -ucfg", 0, "vtscsi0 Defined\n", "detach 14:1"},
        {"lsmap -vadapter vhost0 -type disk -field vtd status -fmt :", 0, "vtscsi0:Defined\n"},
        {"cfgdev", 0, "", "attach 14:1 hdisk1 4096 MiB"},
        {"rmvdev -vdev hdisk1", 1,
         "\"hdisk1\" is the backing device of several virtual target devices; name one with -vtd.\n"},
        {"rmvdev -vtd shared", 0, "shared deleted\n", "detach 15:1"},
        {"rmvdev -vdev hdisk1", 0, "vtscsi0 deleted\n", "detach 14:1"},
        {"rmvdev -vdev hdisk1", 1, "\"hdisk1\" is not a backing device of a virtual target device.\n"},
        {"rmvdev -vtd vtscsi0", 1, "\"vtscsi0\" is not a valid virtual target device; lsmap -all lists them.\n"},
        {"mkvdev -vdev hdisk2 -vadapter vhost0", 0, "vtscsi0 Available\n", "attach 14:1 hdisk2 4096 MiB"},
    };
    test_begin();
    play(steps, ARRAY_LEN(steps));
    *test_record = 0;
    test_reopen();
    CHECK_STR(test_record, "attach 14:1 hdisk2 4096 MiB, attach drive 14:2");
    test_end();
}

// A data path that refuses leaves nothing behind.
static void test_refusals(void)
{
    static const char *const before[] = {"mkvdev -vdev hdisk1 -vadapter vhost0", NULL};
    static const struct step busy[] = {
        {"rmvdev -vtd vtscsi0", 1,
         "0514-062 Cannot perform the requested function because the specified device is busy: the client uses "
         "vtscsi0; end that, or give -f.\n"},
        {"lsmap -all -type disk -field vtd -fmt :", 0, "vtscsi0\n"},
        {"rmvdev -vtd vtscsi0 -f", 0, "vtscsi0 deleted\n", "detach 14:1"},
    };
    static const struct step broken[] = {
        {"mkvdev -vdev hdisk2 -vadapter vhost0", 1,
         "0514-040 Error initializing a device into the kernel: vtscsi0: Input/output error\n"},
        {"lsmap -all -type disk", 0, ""},
        {"lsdev -dev vtscsi0", 1, NULL},
    };
    test_begin();
    prepare(before);
    test_detach_error = -EBUSY;
    play(busy, ARRAY_LEN(busy));
    test_detach_error = 0;
    test_attach_error = -EIO;
    play(broken, ARRAY_LEN(broken));
    test_attach_error = 0;
    test_end();
}

static void test_killed(void)
{
    static const char *const before[] = {"mkvdev -fbo -vadapter vhost1", NULL};
    test_begin();
    prepare(before);
    test_killed_by("mkvdev -vdev hdisk1 -vadapter vhost1");
    CHECK_STR(test_record, "attach drive 15:1");
    CHECK_STR(run("lsmap -all -field vtd -fmt :"), "vtopt0\n");
    test_killed_by("rmvdev -vtd vtopt0");
    CHECK_STR(test_record, "attach drive 15:1");
    test_end();
}

static void test_one_at_a_time(void)
{
    const char *const volumes[2] = {test_disk[0], test_disk[1]};
    char why[IOS_WHY_MAX];
    test_begin();
    struct ios_config config = test_config(volumes);
    CHECK(!ios_open(&config, why));
    CHECK(strstr(why, "is in use by another Virtual I/O Server"));
    test_end();
}

static void test_parser(void)
{
    static const struct step steps[] = {
        {"", 0, ""},
        {"ioscli lspv -field name -fmt : | head -1", 0, "hdisk0\n"},
        {"nothing", 127, "Command \"nothing\" is not valid; help lists those that are.\n"},
        {"lsdev -x", 1, NULL},
        {"rmvdev", 1,
         "Command requires option \"-vtd\".\nUsage: rmvdev -vtd TARGET [-rmlv] [-f]\n       rmvdev -vdev DEVICE "
         "[-rmlv] [-f]\n       rmvdev -sea ADAPTER\n       rmvdev -vlan ADAPTER\n       rmvdev -lnagg ADAPTER\n"},
        {"mkvdev -vdev hdisk1", 1, NULL},
        {"mkvdev -vdev", 1, NULL},
        {"lsmap -all -vadapter vhost0", 1, NULL},
        {"lspv hdisk0 hdisk1", 1, NULL},
        {"lspv | grep hdisk1 | wc -l", 0, "1\n"},
        {"lspv -field name | sort -r | tail -n 2", 0, "hdisk0\nNAME\n"},
        {"lspv | cat", 127, "\"cat\" is not something that a pipe may lead to: grep, head, tail, wc, sort, more.\n"},
        {"lspv | grep -E 'h{1,30000}'", 2, "grep: \"h{1,30000}\" is not a valid pattern.\n"},
        {"lspv | grep '\\(.*\\)\\1'", 2, NULL},
        {"lspv -field name -fmt : | grep -E '^(hdisk1|x{0})'", 2, NULL},
        {"lspv -field name -fmt : | grep -E '^(hdisk1|x)$'", 0, "hdisk1\n"},
        {"lspv > /tmp/x", 1, NULL},
        {"lspv |", 1, "A command is missing beside the pipe.\n"},
        {"lspv -fmt ':' -field \"name\" | grep 'hdisk[12]'", 0, "hdisk1\nhdisk2\n"},
        {"lspv 'x", 1, "A quotation mark is missing at the end.\n"},
        {"lspv \\'", 1, "0516-320 \"'\" is not a valid physical volume; lspv lists those that there are.\n"},
        {"help nothing", 1, NULL},
    };
    char line[100];
    test_begin();
    play(steps, ARRAY_LEN(steps));
    CHECK(strstr(run("mkvdev -vdev hdisk1"), "Command requires option \"-vadapter\".\nUsage: mkvdev"));
    CHECK(strstr(run("lsdev -x"), "Option \"-x\" is not valid.\nUsage: lsdev"));
    // Each command has its help, and a text for each of its options.
    for (u32 i = 0; ios_command_name(i); i++) {
        snprintf(line, sizeof(line), "help %s", ios_command_name(i));
        const char *said = run(line);
        CHECK(!test_status && strstr(said, "Usage: "));
        for (const char *p = strstr(said, "\n  -"); p; p = strstr(p + 1, "\n  -"))
            if (p[strcspn(p + 1, "\n")] == ' ') {
                printf("# %s: an option without a text: %.20s\n", line, p + 1);
                test_case_failed = 1;
            }
    }
    test_end();
}

static char typed[4096];

static void see(void *context, const char *text, size_t len)
{
    snprintf(typed + strlen(typed), sizeof(typed) - strlen(typed), "%.*s", (int)len, text);
}

static void test_terminal(void)
{
    static const char keys[] = "lspx\177v -field name -fmt : | grep 2\rxyz\025\033[A\r\nnothing\003";
    test_begin();
    *typed = 0;
    struct ios_shell *shell = ios_shell_new(test_ios, "padmin", see, NULL);
    ios_shell_input(shell, (const u8 *)keys, sizeof(keys) - 1);
    CHECK_STR(typed,
              "\r\n$ lspx\b \bv -field name -fmt : | grep 2\r\nhdisk2\r\n$ xyz\b \b\b \b\b \b\r\n$ nothing^C\r\n$ ");
    ios_shell_free(shell);
    test_end();
}

int main(void)
{
    TEST(test_devices);
    TEST(test_mapping);
    TEST(test_refusals);
    TEST(test_killed);
    TEST(test_one_at_a_time);
    TEST(test_parser);
    TEST(test_terminal);
    return test_done();
}
