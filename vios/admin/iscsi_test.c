// SPDX-License-Identifier: Apache-2.0
// Disks of iSCSI targets.
#include "vios/admin/test_ios.h"

static u64 far_size;
static char looked_at[256];

static int far_look(void *context, const char *address, u64 *size, char *why)
{
    snprintf(looked_at, sizeof(looked_at), "%s", address);
    *size = far_size;
    snprintf(why, IOS_WHY_MAX, "nobody answers");
    return far_size ? 0 : -EIO;
}

static void test_disks(void)
{
    static const struct step steps[] = {
        {"lsiscsi", 0,
         "NAME             TARGET NAME                                  IP                       PORT     LUN "
         "     STATUS\n"},
        {"mkiscsi -t iqn.2026-01.test:disks -i 192.0.2.7 -lun 4", 0, "hdisk3 Available\n"},
        {"lsiscsi -fmt :", 0, "hdisk3:iqn.2026-01.test:disks:192.0.2.7:3260:4:Available\n"},
        {"mkiscsi -t iqn.2026-01.test:disks -i 192.0.2.7 -lun 4", 1, "0514-520 This LUN is hdisk3 already.\n"},
        {"mkiscsi -t iqn.2026-01.test:disks -i [2001:db8::7] -n 3261", 0, "hdisk4 Available\n"},
        {"lsiscsi -field name address port lun -fmt ,", 0, "hdisk3,192.0.2.7,3260,4\nhdisk4,[2001:db8::7],3261,0\n"},
        {"lsdev -dev hdisk3 -field status description -fmt :", 0, "Available:iSCSI Disk Drive\n"},
        {"lspv -size -field name size -fmt : | grep hdisk3", 0, "hdisk3:4096\n"},
        {"mkvg -vg far hdisk3", 1,
         "0516-1163 The physical volume hdisk3 is a LUN of an iSCSI target, which is given to a client as a whole: "
         "mkvdev -vdev hdisk3.\n"},
        {"mkvdev -vdev hdisk3 -vadapter vhost0", 0, "vtscsi0 Available\n", "attach 14:1 hdisk3 4096 MiB"},
        {"rmdev -dev hdisk3", 1, NULL},
        {"mkiscsi -t iqn/x -i host", 1,
         "0514-017 \"iqn/x\" is not the name of a target, as iqn.2026-01.com.example:disks.\n"},
        {"mkiscsi -t iqn.x -i a@b", 1, NULL},
        {"mkiscsi -t iqn.x -i host -n 65536", 1, "0514-017 A port is a number up to 65535, a LUN one up to 16383.\n"},
        {"mkiscsi -t iqn.x -i host -lun x", 1, NULL},
    };
    static struct ios_effects effects;
    test_begin();
    effects = test_effects;
    ios_close(test_ios);
    effects.look = far_look;
    far_size = 4 * GIB;
    char why[IOS_WHY_MAX];
    const char *const volumes[2] = {test_disk[0], test_disk[1]};
    struct ios_config config = test_config(volumes);
    config.effects = &effects;
    test_ios = ios_open(&config, why);
    CHECK(test_ios);
    ios_adapter_added(test_ios, &(struct ios_adapter){.kind = IOS_SCSI, .slot = 14, .client = 3, .client_slot = 2});
    play(steps, ARRAY_LEN(steps));
    CHECK(!strcmp(looked_at, "iscsi://[2001:db8::7]:3261/iqn.2026-01.test:disks/0"));

    // It grows, goes away and comes back.
    static const struct step grown[] = {{"cfgdev", 0, "", "resize 14:1 hdisk3 5120 MiB"}},
                             away[] =
                                 {
                                     {"cfgdev", 0, ""},
                                     {"lsiscsi -field name status -fmt :", 0, "hdisk3:Defined\nhdisk4:Defined\n"},
                                     {"mkiscsi -t iqn.x -i host", 1,
                                      "0514-040 Error initializing a device into the kernel: nobody answers\n"},
                                 },
                             back[] = {
                                 {"cfgdev", 0, ""},
                                 {"lsiscsi -field name status -fmt :", 0, "hdisk3:Available\nhdisk4:Available\n"},
                                 {"rmvdev -vtd vtscsi0", 0, "vtscsi0 deleted\n", "detach 14:1"},
                                 {"rmdev -dev hdisk3", 0, "hdisk3 deleted\n"},
                                 {"lsiscsi -field name -fmt :", 0, "hdisk4\n"},
                             };
    far_size = 5 * GIB;
    play(grown, ARRAY_LEN(grown));
    far_size = 0;
    play(away, ARRAY_LEN(away));
    far_size = 5 * GIB;
    play(back, ARRAY_LEN(back));
    test_end();
}

static void test_no_network(void)
{
    static const struct step steps[] = {{"mkiscsi -t iqn.x -i host", 1,
                                         "0514-040 Error initializing a device into the kernel: this server has no "
                                         "network\n"}};
    test_begin();
    play(steps, ARRAY_LEN(steps));
    test_end();
}

int main(void)
{
    TEST(test_disks);
    TEST(test_no_network);
    return test_done();
}
