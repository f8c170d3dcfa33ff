// SPDX-License-Identifier: Apache-2.0
// Volume groups, logical volumes, pools and media.
#include "vios/admin/test_ios.h"

static void test_groups(void)
{
    static const struct step steps[] = {
        {"lsvg", 0, "rootvg\n"},
        {"lsvg rootvg -field vgname vgstate ppsize pps freepps -fmt :", 0, "rootvg:active:64:256:256\n"},
        {"mkvg -vg data hdisk1", 0, "data\n"},
        {"mkvg -vg data hdisk2", 1, "0516-360 The device name \"data\" is already used; choose a different name.\n"},
        {"mkvg -vg other hdisk1", 1, "0516-1254 The physical volume hdisk1 belongs to volume group data.\n"},
        {"lsvg", 0, "rootvg\ndata\n"},
        {"lsvg data -field ppsize pps -fmt :", 0, "64:63\n"},
        {"extendvg data hdisk2", 0, ""},
        {"lsvg -pv data", 0,
         "data:\n"
         "PV_NAME           PV STATE    TOTAL PPs   FREE PPs\n"
         "hdisk1            active      63          63\n"
         "hdisk2            active      63          63\n"},
        {"mklv -lv a data 1G hdisk2", 0, "a\n"},
        {"mklv data 2", 0, "lv00\n"},
        {"mklv -lv b data 5G", 0, "b\n"},
        {"mklv -lv c data 5G", 1, NULL},
        {"lsvg -map data", 0,
         "data:\n"
         "PHYSICAL VOLUME  FIRST PP   PPs      LOGICAL VOLUME\n"
         "hdisk1           0          63       b\n"
         "hdisk2           0          16       a\n"
         "hdisk2           16         2        lv00\n"
         "hdisk2           18         17       b\n"},
        {"lsvg -lv data", 0,
         "data:\n"
         "LV NAME             TYPE       LPs     PPs     PVs  LV STATE      MOUNT POINT\n"
         "a                   jfs        16      16      1    closed/syncd  N/A\n"
         "b                   jfs        80      80      2    closed/syncd  N/A\n"
         "lv00                jfs        2       2       1    closed/syncd  N/A\n"},
        {"mkvdev -vdev b -vadapter vhost0", 0, "vtscsi0 Available\n", "attach 14:1 b 5120 MiB"},
        {"extendlv b 1G", 0, "", "resize 14:1 b 6144 MiB"},
        {"rmlv b", 1, NULL},
        {"rmlv lv00", 0, "rmlv: Logical volume lv00 is removed.\n"},
        {"reducevg data hdisk2", 1, NULL},
        {"deactivatevg data", 1, NULL},
        {"rmvdev -vtd vtscsi0 -rmlv", 0, "vtscsi0 deleted\n", "detach 14:1"},
        {"lslv b", 1, NULL},
        {"rmlv a", 0, NULL},
        {"reducevg data hdisk1 hdisk2", 0, "ldeletepv: Volume Group deleted since it contains no physical volumes.\n"},
        {"lspv -field name vg pvid -fmt : | grep -v rootvg", 0, "hdisk1:None:none\nhdisk2:None:none\n"},
        {"reducevg rootvg hdisk0", 1, NULL},
        {"extendlv nothing 5", 1, NULL},
        {"mklv -lv x rootvg 5X", 1,
         "\"5X\" is not a valid size; give it in megabytes, gigabytes or terabytes: 512M, 20G, 1T.\n"},
        {"mklv -lv ../x rootvg 5", 1, NULL},
        {"mkvg -vg vg9 hdisk7", 1, NULL},
        {"lsvg nothing", 1, NULL},
    };
    test_begin();
    play(steps, ARRAY_LEN(steps));
    test_end();
}

static void put(const char *path, u64 offset, const char *text)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && pwrite(fd, text, strlen(text), (off_t)offset) == (ssize_t)strlen(text));
    close(fd);
}

static char byte_at(const char *path, u64 offset)
{
    char c = 1;
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && pread(fd, &c, 1, (off_t)offset) == 1);
    close(fd);
    return c;
}

// What one client wrote, the next one does not see.
static void test_zeroed(void)
{
    static const char *const first[] = {"mkvg -f -vg data hdisk1", "mklv -lv a data 64M", NULL};
    test_begin();
    put(test_disk[0], MIB, "old");
    put(test_disk[0], 65 * MIB, "old");
    prepare(first);
    CHECK_EQ(byte_at(test_disk[0], MIB), 0);
    CHECK_EQ(byte_at(test_disk[0], 65 * MIB), 'o');
    put(test_disk[0], MIB, "secret");
    run("rmlv a");
    CHECK_EQ(test_status, 0);
    CHECK_EQ(byte_at(test_disk[0], MIB), 0);
    test_end();
}

static void test_pools(void)
{
    static const struct step steps[] = {
        {"lssp", 0,
         "Pool                Size(mb)    Free(mb)   Alloc Size(mb)     BDs  Type\n"
         "rootvg                 16384       16384               64       0  LVPOOL\n"},
        {"mkbdsp -sp rootvg 2G -bd web01 -vadapter vhost0", 0,
         "Creating logical volume \"web01\" in storage pool \"rootvg\".\nAssigning logical volume \"web01\" as a "
         "backing device.\n\nvtscsi0 Available\n",
         "attach 14:1 web01 2048 MiB"},
        {"mksp -fb clients -sp rootvg -size 4G", 0, "clients\nFile system created successfully.\n"},
        {"mkbdsp -sp clients 1G -bd web02", 0, "Creating file \"web02\" in storage pool \"clients\".\n"},
        {"mkbdsp -sp clients -bd web02 -vadapter vhost0 -tn disk2", 0,
         "Assigning file \"web02\" as a backing device.\n\ndisk2 Available\n", "attach 14:2 web02 1024 MiB"},
        {"mkbdsp -sp clients 1G -bd web02", 1, NULL},
        {"mkbdsp -sp clients 5G -bd web03", 1,
         "The storage pool \"clients\" has 3072 megabytes free, less than the 5120 that are asked for; chsp -add -sp "
         "clients -size SIZE gives it more.\n"},
        {"chsp -add -sp clients -size 1G", 0, ""},
        {"lssp", 0,
         "Pool                Size(mb)    Free(mb)   Alloc Size(mb)     BDs  Type\n"
         "rootvg                 16384        9216               64       1  LVPOOL\n"
         "clients                 5120        4096               64       1  FBPOOL\n"},
        {"lssp -bd -sp clients -fmt :", 0, "web02:1024:disk2:vhost0\n"},
        {"lssp -bd", 0,
         "Name                                     Size(mb)  VTD             SVSA\n"
         "web01                                        2048  vtscsi0         vhost0\n"},
        {"chbdsp -sp clients -bd web02 -size 512M", 0, "", "resize 14:2 web02 1536 MiB"},
        {"chbdsp -bd web01 -size 1G", 0, "", "resize 14:1 web01 3072 MiB"},
        {"lsmap -vadapter vhost0 -field vtd backing -fmt :", 0,
         "vtscsi0:web01:disk2:/var/vio/storagepools/clients/web02\n"},
        {"mkvdev -vdev clients -vadapter vhost0", 1,
         "\"clients\" holds a storage pool or the media library; its files are mapped, not itself.\n"},
        {"mkvdev -f -vdev /var/vio/storagepools/clients/web02 -vadapter vhost1 -dev twice", 0, "twice Available\n",
         "attach 15:1 web02 1536 MiB"},
        {"rmsp -f clients", 1, NULL},
        {"rmlv clients", 1, "\"clients\" holds a storage pool; use chsp or rmsp.\n"},
        {"rmvdev -vtd twice", 0, "twice deleted\n", "detach 15:1"},
        {"rmbdsp -vtd disk2 -savebd", 0, "disk2 deleted\n", "detach 14:2"},
        {"rmsp clients", 1, NULL},
        {"rmbdsp -sp clients -bd web02", 0, ""},
        {"rmsp clients", 0, ""},
        {"rmbdsp -bd web01", 0, "vtscsi0 deleted\n", "detach 14:1"},
        {"lssp -fmt :", 0, "rootvg:16384:16384:64:0:LVPOOL\n"},
        {"chsp -default nothing", 1, NULL},
        {"mkbdsp -sp nothing 1G -bd x", 1,
         "\"nothing\" is not a valid storage pool; lssp lists those that there are.\n"},
    };
    test_begin();
    play(steps, ARRAY_LEN(steps));
    test_end();
}

// A command that dies leaves no file, or the file with its backing device.
static void test_killed(void)
{
    static const char *const before[] = {"mksp -fb clients -sp rootvg -size 4G",
                                         "mkbdsp -sp clients 1G -bd web01 -vadapter vhost0", NULL};
    static const struct {
        const char *line, *listed;
        bool new_file;
    } cases[] = {
        {"mkbdsp -sp clients 1G -bd web02 -vadapter vhost0", "web01:1024:vtscsi0:vhost0\n", false},
        {"chbdsp -sp clients -bd web01 -size 1G", "web01:2048:vtscsi0:vhost0\n", false},
        {"rmbdsp -sp clients -bd web01", "web01:2048:vtscsi0:vhost0\n", false},
    };
    char path[120];
    struct stat st;
    test_begin();
    prepare(before);
    snprintf(path, sizeof(path), "%s/storagepools/clients/web02", test_folder);
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        test_killed_by(cases[i].line);
        CHECK_STR(run("lssp -bd -sp clients -fmt :"), cases[i].listed);
        CHECK_EQ(access(path, F_OK) == 0, cases[i].new_file);
    }
    CHECK_STR(test_record, "attach 14:1 web01 2048 MiB");
    // The same of a logical volume's file; a size that nobody was told is taken back.
    snprintf(path, sizeof(path), "%s/volumes/db", test_folder);
    test_killed_by("mkbdsp 1G -bd db -vadapter vhost1");
    CHECK(access(path, F_OK));
    run("mkbdsp 1G -bd db -vadapter vhost1");
    CHECK(!stat(path, &st) && st.st_size == (off_t)GIB);
    CHECK(!truncate(path, 3 * GIB));
    test_reopen();
    CHECK(!stat(path, &st) && st.st_size == (off_t)GIB);
    test_killed_by("extendlv db 1G");
    CHECK(!stat(path, &st) && st.st_size == 2 * (off_t)GIB);
    CHECK(strstr(test_record, "attach 15:1 db 2048 MiB"));
    test_end();
}

// A disk that the host made larger is larger for its client, too.
static void test_disk_grows(void)
{
    static const char *const before[] = {"mkvdev -vdev hdisk1 -vadapter vhost0", NULL};
    static const struct step steps[] = {
        {"cfgdev", 0, "", "resize 14:1 hdisk1 6144 MiB"},
        {"lspv -size -field name size -fmt : | grep hdisk1", 0, "hdisk1:6144\n"},
        {"cfgdev", 0, ""},
    };
    test_begin();
    prepare(before);
    CHECK(!truncate(test_disk[0], 6 * (off_t)GIB));
    play(steps, ARRAY_LEN(steps));
    test_end();
}

static void test_media(void)
{
    static const struct step steps[] = {
        {"lsrep", 1, "There is no media library; mkrep -sp POOL -size SIZE makes it.\n"},
        {"mkrep -sp rootvg -size 1G", 0, "Virtual Media Repository Created\n"},
        {"lsrep", 0,
         "Size(mb)  Free(mb)  Parent Pool          Parent Size   Parent Free\n"
         "    1024      1024  rootvg                     16384         15360\n"},
        {"mkvopt -name blank -size 100M", 0, ""},
        {"mkvopt -name big -size 2G", 1, NULL},
        {"mkvopt -name install -file install.iso -ro", 0, ""},
        {"mkvopt -name passwords -file /etc/passwd", 1, NULL},
        {"mkvopt -name passwords -file ../../../../etc/passwd", 1, NULL},
        {"mkvdev -fbo -vadapter vhost0", 0, "vtopt0 Available\n", "attach drive 14:1"},
        {"mkvdev -fbo -vadapter vhost1", 0, "vtopt1 Available\n", "attach drive 15:1"},
        {"loadopt -disk install -vtd vtopt0", 0, "", "load 14:1 install 3 MiB ro"},
        {"loadopt -disk install -vtd vtopt1", 0, "", "load 15:1 install 3 MiB ro"},
        {"loadopt -disk blank -vtd vtopt0", 1,
         "vtopt0 has \"install\" loaded; unloadopt -vtd vtopt0 takes it out, or give -release.\n"},
        {"loadopt -disk blank -vtd vtopt0 -release", 0, "", "unload 14:1, load 14:1 blank 100 MiB"},
        {"loadopt -disk blank -vtd vtopt1 -release", 1, NULL},
        {"lsvopt", 0,
         "VTD             Media                                    Size(mb)\n"
         "vtopt0          blank                                         100\n"
         "vtopt1          install                                         3\n"},
        {"lsrep", 0,
         "Size(mb)  Free(mb)  Parent Pool          Parent Size   Parent Free\n"
         "    1024       921  rootvg                     16384         15360\n"
         "\n"
         "Name                                     File Size  Optical         Access\n"
         "blank                                          100  vtopt0          rw\n"
         "install                                          3  vtopt1          ro\n"},
        {"lsmap -all -type optical -field svsa vtd backing -fmt :", 0,
         "vhost0:vtopt0:/var/vio/VMLibrary/blank\nvhost1:vtopt1:/var/vio/VMLibrary/install\n"},
        {"unloadopt -vtd vtopt0 vtopt1", 0, "", "unload 14:1, unload 15:1"},
        {"unloadopt -vtd vtopt0", 1, "vtopt0 has no medium.\n"},
        {"chvopt -name blank -newname data", 0, ""},
        {"chvopt -name data -access ro", 0, ""},
        {"chvopt -name data -access x", 1, NULL},
        {"lsrep -field name access -fmt :", 0, "data:ro\ninstall:ro\n"},
        {"loadopt -disk data -vtd vtopt0", 0, "", "load 14:1 data 100 MiB ro"},
        {"rmvopt -name data", 1, "\"data\" is loaded; unloadopt takes it out, or give -f.\n"},
        {"rmrep -f", 1, NULL},
        {"rmvopt -name data -f", 0, "", "unload 14:1"},
        {"rmrep", 1, NULL},
        {"rmrep -f", 0, "Virtual Media Repository deleted.\n"},
        {"lssp -fmt :", 0, "rootvg:16384:16384:64:0:LVPOOL\n"},
        {"rmvdev -vtd vtopt0", 0, "vtopt0 deleted\n", "detach 14:1"},
    };
    char path[120];
    test_begin();
    snprintf(path, sizeof(path), "%s/home", test_folder);
    CHECK_EQ(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/home/install.iso", test_folder);
    put(path, 3 * MIB - 6, "binary");
    play(steps, ARRAY_LEN(steps));
    // A locked drive is not opened by accident.
    run("mkrep -sp rootvg -size 1G");
    run("mkvopt -name install -file install.iso -ro");
    run("loadopt -disk install -vtd vtopt1");
    test_detach_error = -EBUSY;
    CHECK_STR(run("unloadopt -vtd vtopt1"),
              "The client has locked \"install\" in vtopt1; eject it there, or give -release.\n");
    run("unloadopt -vtd vtopt1 -release");
    CHECK_EQ(test_status, 0);
    test_detach_error = 0;
    // A client ejects what it has.
    run("loadopt -disk install -vtd vtopt1");
    ios_ejected(test_ios, 15, 1);
    CHECK_STR(run("lsvopt -fmt :"), "vtopt1:No Media:n/a\n");
    ios_report_target(test_ios, 15, 1, 'O', "VTD_EJECTED", "the partition ejected the medium");
    CHECK(strstr(run("errlog"), " I O vtopt1         the partition ejected the medium\n"));
    // Images that people copy into the folder are there.
    snprintf(path, sizeof(path), "%s/VMLibrary/copied", test_folder);
    put(path, MIB - 1, "x");
    CHECK_STR(run("lsrep -field name -fmt :"), "copied\ninstall\n");
    test_end();
}

int main(void)
{
    TEST(test_groups);
    TEST(test_zeroed);
    TEST(test_pools);
    TEST(test_killed);
    TEST(test_disk_grows);
    TEST(test_media);
    return test_done();
}
