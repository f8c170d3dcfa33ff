// SPDX-License-Identifier: Apache-2.0
// Logs, counters, names, backups, documents.
#include <sqlite3.h>

#include "vios/admin/test_ios.h"

static void test_house(void)
{
    static const struct step steps[] = {
        {"ioslevel", 0, "3.1.4.10\n"},
        {"ioslevel -openlpar", 0, OPENLPAR_VERSION "\n"},
        {"hostname", 0, "vios1\n"},
        {"hostname vios-a", 0, ""},
        {"hostname", 0, "vios-a\n"},
        {"hostname 'a b'", 1, NULL},
        {"license | grep -c not", 0, "1\n"},
        {"license -accept", 0, ""},
        {"license | grep -c 'was accepted on'", 0, "1\n"},
        {"motd -overwrite 'Mind the clients.'", 0, ""},
        {"motd -append Thanks.", 0, ""},
        {"motd", 0, "Mind the clients.\nThanks.\n"},
        {"errlog", 0, ""},
        {"mkvdev -vdev hdisk1 -vadapter vhost0", 0, NULL, "attach 14:1 hdisk1 4096 MiB"},
        {"mkvdev -vdev hdisk2 -vadapter vhost0", 0, NULL, "attach 14:2 hdisk2 4096 MiB"},
        {"viostat", 0,
         "Disks:          Adapter           Reads        Writes         Kb_read         Kb_wrtn\n"
         "vtscsi0         vhost0               10            20              40              80\n"
         "vtscsi1         vhost0                -             -               -               -\n"},
        {"lsgcl | tail -2 | grep -c 'padmin   mkvdev -vdev hdisk'", 0, "2\n"},
        {"chkdev -field name phys2virt_capable vtd -fmt :", 0, "hdisk0:NO:\nhdisk1:YES:vtscsi0\nhdisk2:YES:vtscsi1\n"},
        {"lstcpip -hostname", 0, "vios-a\n"},
        {"entstat vhost0", 1, "\"vhost0\" is not an Ethernet adapter; lsdev -type ent4ip lists them.\n"},
        {"entstat -all ent0 | grep -n 'ent0'", 0, "2:ETHERNET STATISTICS (ent0) :\n"},
        {"entstat ent0 | grep Packets", 0, "Packets: 7                                   Packets: 9\n"},
        {"entstat ent0 | grep Address", 0, "Hardware Address: 02:ab:00:00:00:00\n"},
        {"entstat ent0 | tail -8", 0,
         "Link Status: Up\nTrunk Adapter: True\n  Priority: 0  Active: False\nPort VLAN ID: 20\nVLAN Tag IDs: "
         "None\nSwitch ID: ETHERNET0\nHypervisor Send Failures: "
         "0\nHypervisor Receive Failures: 1\n"},
        {"lsmap -all -net", 0,
         "SVEA   Physloc\n------ --------------------------------------------\nent0   "
         "U9009.42A.21AB12C-V1-C4-T1\n\nSEA                   NO SHARED ETHERNET ADAPTER FOUND\n"},
        {"shutdown -restart", 0,
         "Clients with virtual target devices wait until the Virtual I/O Server is back.\nRebooting . . .\n",
         "restart 0:0"},
    };
    test_begin();
    ios_adapter_added(
        test_ios,
        &(struct ios_adapter){
            .kind = IOS_ETHERNET, .slot = 4, .pvid = 20, .trunk = true, .mac = {2, 0xab}, .vswitch = "ETHERNET0"});
    play(steps, ARRAY_LEN(steps));
    ios_report(test_ios, 'H', "VSCSI_HOST", "vtscsi0", "what holds the data failed");
    CHECK(strstr(run("errlog"), "IDENTIFIER TIMESTAMP  T C RESOURCE_NAME  DESCRIPTION\n") &&
          strstr(test_out.out.text, " P H vtscsi0        what holds the data failed\n"));
    CHECK(strstr(run("errlog -ls"), "LABEL:          VSCSI_HOST\nIDENTIFIER:     "));
    CHECK_STR(run("errlog -rm 0"), "");
    CHECK_STR(run("errlog"), "");
    test_end();
}

// In the server's folder.
static const char *command_for(const char *what)
{
    static char command[300];
    snprintf(command, sizeof(command), "cd %s && %s", test_folder, what);
    return command;
}

// In the database that lies in viosbr/.
static bool rename_backing(const char *from, const char *to)
{
    char path[120];
    sqlite3 *db = NULL;
    char *sql = sqlite3_mprintf("UPDATE bd SET name = %Q WHERE name = %Q", to, from);
    snprintf(path, sizeof(path), "%s/viosbr/odm.db", test_folder);
    bool ok = sqlite3_open(path, &db) == SQLITE_OK && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK &&
              sqlite3_changes(db) == 1;
    sqlite3_free(sql);
    sqlite3_close(db);
    return ok;
}

static void test_backup(void)
{
    static const char *const before[] = {"mkbdsp 1G -bd web01 -vadapter vhost0",
                                         "mksp -fb files -sp rootvg -size 2G",
                                         "mkbdsp -sp files 1G -bd web02 -vadapter vhost1 -tn second",
                                         "mkvdev -vdev hdisk1 -vadapter vhost1",
                                         "mkrep -sp rootvg -size 1G",
                                         "mkvopt -name blank -size 10M",
                                         "mkvdev -fbo -vadapter vhost0",
                                         "loadopt -disk blank -vtd vtopt0",
                                         NULL};
    static const struct step steps[] = {
        {"viosbr -backup -file before", 0, "Backup of this node (vios1) successful\n"},
        {"rmvdev -vtd vtscsi0", 0, NULL, "detach 14:1"},
        {"rmvdev -vtd second", 0, NULL, "detach 15:1"},
        {"rmbdsp -sp files -bd web02", 0, NULL},
        {"rmvdev -vtd vtopt0", 0, NULL, "detach 14:2"},
        {"viosbr -view -file before -type svsa", 0,
         "SVSA:\n"
         "  vhost0           U9009.42A.21AB12C-V1-C14                 vtscsi0          web01\n"
         "  vhost0           U9009.42A.21AB12C-V1-C14                 vtopt0           blank\n"
         "  vhost1           U9009.42A.21AB12C-V1-C15                 second           web02\n"
         "  vhost1           U9009.42A.21AB12C-V1-C15                 vtscsi1          hdisk1\n\n"},
        {"viosbr -restore -file before -validate", 0,
         "2 of 4 virtual target devices would be restored; the others are there, or what is behind them is not.\n"},
        {"lsmap -all -field vtd -fmt :", 0, "vtscsi1\n"},
        {"viosbr -restore -file before", 0, "vtscsi0 Available\nvtopt0 Available\n",
         "attach 14:1 web01 1024 MiB, attach drive 14:2 blank 10 MiB"},
        {"lsmap -all -field vtd backing -fmt :", 0, "vtscsi0:web01:vtopt0:/var/vio/VMLibrary/blank\nvtscsi1:hdisk1\n"},
        {"viosbr -restore -file before", 0, ""},
        {"backupios -file all.tar.gz", 0, NULL},
        {"viosbr -view -file nothing", 1, NULL},
        {"viosbr -view -file before -type nothing", 1, NULL},
        {"viosbr -view -file broken", 1, NULL},
        {"viosbr -backup -file ../x", 1, NULL},
        {"viosbr -backup -file /tmp/x", 1, NULL},
    };
    char command[300];
    test_begin();
    prepare(before);
    snprintf(command, sizeof(command),
             "mkdir -p %s/home/cfgbackups && echo nothing | gzip >%s/home/cfgbackups/broken.tar.gz", test_folder,
             test_folder);
    CHECK(!system(command));
    play(steps, ARRAY_LEN(steps));
    // A backup whose names are paths adds nothing.
    CHECK(!system(command_for("tar xzf home/cfgbackups/before.tar.gz && touch storagepools/outside")));
    CHECK(rename_backing("web02", "../outside"));
    CHECK(!system(command_for("tar czf home/cfgbackups/odd.tar.gz --format=ustar viosbr/odm.db")));
    run("viosbr -restore -file odd");
    CHECK_EQ(test_status, 0);
    CHECK_STR(run("lssp -bd -sp files -fmt :"), "");
    snprintf(command, sizeof(command),
             "tar tzf %s/home/all.tar.gz >/dev/null && tar xzf %s/home/cfgbackups/before.tar.gz -C %s viosbr/odm.db",
             test_folder, test_folder, test_folder);
    CHECK(!system(command));
    test_end();
}

static void test_documents(void)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    ios_manual(to, NULL);
    for (u32 i = 0; ios_command_name(i); i++)
        ios_manual(to, ios_command_name(i));
    ios_completion(to);
    fclose(to);
    CHECK(strstr(text, ".TH IOSCLI 1") && strstr(text, ".TH LSMAP 1") &&
          strstr(text, "    lsmap) words=' -vadapter -type -field -fmt -plc -all -cpid -net -npiv' ;;"));
    // The host has programs of these names.
    const char *completes = strstr(text, "complete -o default -F _ioscli ioscli");
    CHECK(completes && !strstr(completes, " shutdown") && !strstr(completes, " help") && strstr(completes, " lsmap"));
    CHECK(ios_command_inside("hostname") && !ios_command_inside("lsmap") && ios_command_known("lsmap") &&
          !ios_command_known("x"));
    free(text);
    to = open_memstream(&text, &size);
    ios_names(to);
    fclose(to);
    CHECK(strncmp(text, "activatevg\nbackupios\n", 21) == 0 && strstr(text, "\nlsmap\n") && !strstr(text, "shutdown"));
    free(text);
}

int main(void)
{
    TEST(test_house);
    TEST(test_backup);
    TEST(test_documents);
    return test_done();
}
