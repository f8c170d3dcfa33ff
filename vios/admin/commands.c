// SPDX-License-Identifier: Apache-2.0
// The commands of ioscli: parser, help, completion, manual pages and tests are made from these tables.
#include "vios/admin/ios_int.h"

#include <string.h>

const struct ios_command ios_commands[] = {
    {"activatevg", "VG", cmd_activatevg, "Make a volume group usable again.", "", COMMAND_CHANGES},
    {"backupios", "-file=FILE [-nomedialib]", cmd_backupios, "Write the configuration to a file of the home folder.",
     "FILE.tar.gz holds what viosbr -restore needs; the data of clients and media are not in it.", COMMAND_LOGGED},
    {"cfgdev", "[-dev=DEVICE]", cmd_cfgdev, "Find devices that are new, and make Defined ones available.",
     "Looks at the physical volumes that the VIOS was given, and attaches virtual target devices that rmdev -ucfg or a "
     "missing disk left Defined.",
     COMMAND_CHANGES},
    {"chbdsp", "[-sp=POOL] -bd=NAME -size=SIZE", cmd_chbdsp, "Give a backing device more space.",
     "SIZE is added. A client sees the new size while it runs.", COMMAND_CHANGES},
    {"chdev", "-dev=DEVICE -attr=ATTRIBUTE=VALUE... [-perm]", cmd_chdev, "Change attributes of a device.",
     "lsdev -dev DEVICE -attr lists the attributes and which of them can be set.", COMMAND_CHANGES},
    {"chkdev", "[-dev=DEVICE] [-field=FIELD...] [-fmt=DELIMITER]", cmd_chkdev,
     "Show what physical volumes can be used for.",
     "Fields: name, identifier, phys2virt_capable, virt2phys_capable, pvid, vtd.", 0},
    {"chrep", "-size=SIZE", cmd_chrep, "Give the media library more space.", "SIZE is added.", COMMAND_CHANGES},
    {"chsp",
     "-default=POOL\n"
     "-add [-f] [-sp=POOL] DISK...\n"
     "-add [-sp=POOL] -size=SIZE",
     cmd_chsp, "Give a storage pool more space, or choose the default pool.",
     "A pool of logical volumes gets disks, a pool of files gets SIZE of its parent.", COMMAND_CHANGES},
    {"chvopt",
     "-name=NAME -newname=NAME\n"
     "-name=NAME -access=ACCESS",
     cmd_chvopt, "Rename a medium of the library, or change whether it can be written.", "", COMMAND_CHANGES},
    {"deactivatevg", "VG", cmd_deactivatevg, "Make a volume group unusable until activatevg.", "", COMMAND_CHANGES},
    {"entstat", "[-all] ADAPTER", cmd_entstat, "Show the counters and the state of an Ethernet adapter.", "", 0},
    {"errlog",
     "[-ls]\n"
     "-seq=NUMBER\n"
     "-rm=DAYS",
     cmd_errlog, "List the error log, newest first.", "", 0},
    {"extendlv", "LV SIZE [DISK...]", cmd_extendlv, "Give a logical volume more space.",
     "SIZE is in megabytes (M), gigabytes (G) or without a letter in physical partitions. A client sees the new size "
     "while it runs.",
     COMMAND_CHANGES},
    {"extendvg", "[-f] VG DISK...", cmd_extendvg, "Add disks to a volume group.", "", COMMAND_CHANGES},
    {"help", "[COMMAND]", cmd_help, "List the commands, or describe one.", "", COMMAND_INSIDE},
    {"hostname", "[NAME]", cmd_hostname, "Show or set the name of the server.", "", COMMAND_CHANGES | COMMAND_INSIDE},
    {"ioslevel", "[-openlpar]", cmd_ioslevel, "Show the level of the server.",
     "The level is that of the Virtual I/O Server whose commands these are, as programs compare it; -openlpar shows "
     "the version of OpenLPAR.",
     0},
    {"license",
     "[-accept]\n"
     "[-view]",
     cmd_license, "Show or accept the license.", "", COMMAND_CHANGES | COMMAND_INSIDE},
    {"loadopt", "-disk=NAME -vtd=TARGET [-f] [-release]", cmd_loadopt,
     "Load a medium of the library into a virtual optical drive.",
     "A medium that can be written is in one drive at most.", COMMAND_CHANGES},
    {"lsdev",
     "[-type=TYPE...] [-virtual] [-state=STATE] [-field=FIELD...] [-fmt=DELIMITER]\n"
     "-dev=DEVICE [-attr=[ATTRIBUTE]] [-child] [-parent] [-vpd] [-field=FIELD...] [-fmt=DELIMITER]\n"
     "-vpd\n"
     "-slots",
     cmd_lsdev, "List devices, and what there is to know about one.",
     "-type and -state take a word, or ! and a word for all others. Fields: name, status, description, physloc.", 0},
    {"lsgcl", "", cmd_lsgcl, "List the commands that changed something, oldest first.", "", 0},
    {"lsiscsi", "[-field=FIELD...] [-fmt=DELIMITER]", cmd_lsiscsi, "List the disks of iSCSI targets.",
     "Fields: name, target, address, port, lun, status.", 0},
    {"lslv", "[-pv] [-fmt=DELIMITER] [-field=FIELD...] LV", cmd_lslv, "Show a logical volume.", "", 0},
    {"lsmap",
     "-vadapter=ADAPTER [-type=TYPE...] [-field=FIELD...] [-fmt=DELIMITER]\n"
     "-plc=LOCATION [-type=TYPE...] [-field=FIELD...] [-fmt=DELIMITER]\n"
     "-all [-type=TYPE...] [-cpid=CLIENT] [-field=FIELD...] [-fmt=DELIMITER]\n"
     "-all -net [-fmt=DELIMITER]\n"
     "-vadapter=ADAPTER -net [-fmt=DELIMITER]\n"
     "-all -npiv [-fmt=DELIMITER]\n"
     "-vadapter=ADAPTER -npiv [-fmt=DELIMITER]",
     cmd_lsmap, "Show what virtual server adapters give to their clients.",
     "Types: disk, lv, file, optical, tape, usb_disk. Fields: svsa, physloc, clientid, vtd, status, lun, backing, "
     "bdphysloc, mirrored.",
     0},
    {"lspv", "[-avail] [-size] [-field=FIELD...] [-fmt=DELIMITER]\n-free [-field=FIELD...] [-fmt=DELIMITER]\nDISK",
     cmd_lspv, "List physical volumes.",
     "Besides its own hdisk0, a VIOS may use the files and block devices whose paths are in its list of physical "
     "volumes.",
     0},
    {"lsrep", "[-field=FIELD...] [-fmt=DELIMITER]", cmd_lsrep, "Show the media library.",
     "Fields: size, free, ppool, psize, pfree; or name, filesize, optical, access. An image that was copied into the "
     "folder VMLibrary of the VIOS appears by itself.",
     0},
    {"lssp",
     "[-field=FIELD...] [-fmt=DELIMITER]\n"
     "-sp=POOL [-field=FIELD...] [-fmt=DELIMITER]\n"
     "-bd [-sp=POOL] [-field=FIELD...] [-fmt=DELIMITER]\n"
     "-detail [-sp=POOL] [-field=FIELD...] [-fmt=DELIMITER]\n"
     "-default",
     cmd_lssp, "List storage pools, or what one holds.", "", 0},
    {"lstcpip", "[-hostname] [-interfaces]", cmd_lstcpip, "Show names and network interfaces.", "", 0},
    {"lsvg", "[-lv] [-pv] [-map] [-field=FIELD...] [-fmt=DELIMITER] [VG]", cmd_lsvg, "List volume groups, or show one.",
     "Fields of a volume group: vgname, vgstate, ppsize, pps, freepps, usedpps, numpvs, numlvs, vgid.", 0},
    {"lsvopt", "[-vtd=TARGET] [-field=FIELD...] [-fmt=DELIMITER]", cmd_lsvopt,
     "List virtual optical drives and what is in them.", "", 0},
    {"mkbdsp",
     "[-sp=POOL] -bd=NAME [-thick] [-vadapter=ADAPTER] [-tn=NAME] SIZE\n"
     "[-sp=POOL] -bd=NAME -vadapter=ADAPTER [-tn=NAME] [-f]",
     cmd_mkbdsp, "Make a backing device in a storage pool, and give it to a client.",
     "Without a size an existing one is given to a client.", COMMAND_CHANGES},
    {"mkiscsi", "-t=TARGET -i=ADDRESS [-n=PORT] [-lun=NUMBER]", cmd_mkiscsi,
     "Make a LUN of an iSCSI target a physical volume.",
     "The server reaches it over the host's network, as iqn.2026-01.org.openlpar: and the host's name. Clients get it "
     "as a whole; their requests wait while the target is away. cfgdev looks at its size anew, rmdev forgets it.",
     COMMAND_CHANGES},
    {"mklv", "[-lv=NAME] [-thick] VG SIZE [DISK...]", cmd_mklv, "Make a logical volume.",
     "SIZE is in megabytes (M), gigabytes (G) or without a letter in physical partitions. It begins as zeros, and "
     "takes space when it is written, unless -thick.",
     COMMAND_CHANGES},
    {"mkrep", "-sp=POOL -size=SIZE", cmd_mkrep, "Make the library of optical media.", "", COMMAND_CHANGES},
    {"mksp",
     "[-f] NAME DISK...\n"
     "-fb -sp=POOL -size=SIZE NAME",
     cmd_mksp, "Make a storage pool of disks, or one of files in another pool.", "", COMMAND_CHANGES},
    {"mkvdev",
     "-vdev=DEVICE -vadapter=ADAPTER [-dev=NAME] [-attr=ATTRIBUTE=VALUE...] [-f]\n"
     "-fbo -vadapter=ADAPTER [-dev=NAME]\n"
     "-sea=ADAPTER -vadapter=ADAPTERS -default=ADAPTER -defaultid=VLAN [-attr=ATTRIBUTE=VALUE...]\n"
     "-vlan=ADAPTER -tagid=VLAN\n"
     "-lnagg=ADAPTER... [-attr=ATTRIBUTE=VALUE...]",
     cmd_mkvdev, "Give a disk, a volume, a file or an optical drive to a client, or make an Ethernet adapter.",
     "DEVICE is a physical volume, a logical volume or a backing device of a storage pool. The client sees it at once "
     "as another unit of its adapter. A Shared Ethernet Adapter (-sea) bridges virtual trunk adapters to a physical "
     "adapter, a VLAN of one (-vlan) or an aggregation of several (-lnagg). Of two with ha_mode=auto and a control "
     "channel (ctl_chan) the one with the better trunk priority bridges while it can.",
     COMMAND_CHANGES},
    {"mkvg", "[-f] [-vg=NAME] DISK...", cmd_mkvg, "Make a volume group.", "", COMMAND_CHANGES},
    {"mkvopt",
     "-name=NAME -size=SIZE [-ro]\n"
     "-name=NAME -file=FILE [-ro]",
     cmd_mkvopt, "Put a medium into the library: a blank one, or an image.",
     "FILE is in the home folder of the VIOS, or in a folder that its administrator allowed.", COMMAND_CHANGES},
    {"motd",
     "[-overwrite=TEXT]\n"
     "-append=TEXT",
     cmd_motd, "Show or set the message that the shell begins with.", "", COMMAND_CHANGES | COMMAND_INSIDE},
    {"reducevg", "[-f] VG DISK...", cmd_reducevg, "Take disks out of a volume group; without disks it is gone.", "",
     COMMAND_CHANGES},
    {"rmbdsp",
     "[-sp=POOL] -bd=NAME [-savebd] [-f]\n"
     "-vtd=TARGET [-savebd] [-f]",
     cmd_rmbdsp, "Take a backing device away from its client and remove it.", "", COMMAND_CHANGES},
    {"rmdev", "-dev=DEVICE [-ucfg] [-recursive] [-f]", cmd_rmdev, "Remove a device.", "", COMMAND_CHANGES},
    {"rmlv", "[-f] LV...", cmd_rmlv, "Remove logical volumes.", "", COMMAND_CHANGES},
    {"rmrep", "[-f]", cmd_rmrep, "Remove the media library.", "", COMMAND_CHANGES},
    {"rmsp", "[-f] NAME", cmd_rmsp, "Remove a storage pool.", "", COMMAND_CHANGES},
    {"rmvdev",
     "-vtd=TARGET [-rmlv] [-f]\n"
     "-vdev=DEVICE [-rmlv] [-f]\n"
     "-sea=ADAPTER\n"
     "-vlan=ADAPTER\n"
     "-lnagg=ADAPTER",
     cmd_rmvdev, "Take a virtual target device away from its client, or remove an Ethernet adapter that mkvdev made.",
     "What is behind it stays, and can be mapped again.", COMMAND_CHANGES},
    {"rmvopt", "-name=NAME [-f]", cmd_rmvopt, "Remove a medium from the library.", "", COMMAND_CHANGES},
    {"shutdown", "[-force] [-restart]", cmd_shutdown, "Shut the server down, or restart it.",
     "Clients wait meanwhile, and go on when it is back.", COMMAND_LOGGED | COMMAND_INSIDE},
    {"unloadopt", "-vtd=TARGET... [-release]", cmd_unloadopt, "Take the medium out of a virtual optical drive.", "",
     COMMAND_CHANGES},
    {"viosbr",
     "-backup -file=FILE\n"
     "-view -file=FILE [-type=TYPE]\n"
     "-restore -file=FILE [-validate]",
     cmd_viosbr, "Write, show and restore the configuration.",
     "Files are FILE.tar.gz in the folder cfgbackups of the home folder. Restoring adds what is missing where what is "
     "behind it is there, and takes nothing away. Types: pv, vg, lv, sp, optical, svsa, net.",
     COMMAND_LOGGED},
    {"viostat", "[-field=FIELD...] [-fmt=DELIMITER]", cmd_viostat, "Show the counters of virtual disks.",
     "Fields: vtd, vadapter, reads, writes, kbread, kbwritten.", 0},
};
const u32 ios_commands_len = ARRAY_LEN(ios_commands);

const struct ios_option_text ios_option_texts[] = {
    {NULL, "-fmt", "values only, with this between them"},
    {NULL, "-field", "these columns only, in this order"},
    {NULL, "-f", "although it is in use"},
    {NULL, "-dev", "the device"},
    {"mkvdev", "-dev", "the new device's name; without it vtscsi or vtopt and the next free number"},
    {NULL, "-attr", "attributes and their values"},
    {"lsdev", "-attr", "its attributes, or the value of one"},
    {"chdev", "-perm", "accepted; changes are permanent in any case"},
    {"lsdev", "-type", "of this class only: adapter, disk, lv, optical, tape, sea, tty, target"},
    {"lsmap", "-type", "with a backing device of these kinds only"},
    {"lsdev", "-virtual", "virtual devices only"},
    {"lsdev", "-state", "available or defined"},
    {"lsdev", "-child", "the devices below it"},
    {"lsdev", "-parent", "the device above it"},
    {"lsdev", "-vpd", "where it is"},
    {"lsdev", "-slots", "virtual slots and their devices"},
    {NULL, "-vadapter", "the virtual server adapter, as vhost0"},
    {"lsmap", "-plc", "the adapter at this location"},
    {"lsmap", "-all", "every adapter"},
    {"lsmap", "-cpid", "adapters of this client partition only"},
    {"lsmap", "-net", "virtual Ethernet adapters"},
    {"lsmap", "-npiv", "virtual Fibre Channel adapters"},
    {"lspv", "-avail", "those that nothing uses"},
    {"lspv", "-free", "those that nothing uses and that have no identifier"},
    {"lspv", "-size", "with their sizes"},
    {NULL, "-vdev", "what is to be mapped"},
    {"rmvdev", "-vdev", "what is mapped"},
    {"mkvdev", "-fbo", "an optical drive for media of the library"},
    {"mkvdev", "-sea", "a Shared Ethernet Adapter with this real adapter"},
    {"mkvdev", "-vadapter",
     "the virtual server adapter, as vhost0; with -sea trunk adapters with commas between them, as ent1,ent2"},
    {"mkvdev", "-vlan", "a VLAN of this adapter"},
    {"mkvdev", "-lnagg", "an aggregation of these adapters"},
    {"mkvdev", "-default", "the trunk adapter for untagged frames"},
    {"mkvdev", "-defaultid", "the VLAN of untagged frames of the real adapter"},
    {"mkvdev", "-tagid", "the VLAN"},
    {"rmvdev", "-sea", "a Shared Ethernet Adapter"},
    {"rmvdev", "-vlan", "a VLAN"},
    {"rmvdev", "-lnagg", "a link aggregation"},
    {"rmdev", "-ucfg", "keep it as Defined; cfgdev makes it available again"},
    {"rmdev", "-recursive", "with the devices below it"},
    {NULL, "-sp", "the storage pool; without it the default one"},
    {"mksp", "-sp", "the pool whose space it gets: rootvg"},
    {"mkrep", "-sp", "the pool whose space it gets: rootvg"},
    {NULL, "-size", "how much: 512M, 20G, 1T"},
    {NULL, "-bd", "the backing device's name"},
    {"lssp", "-bd", "the backing devices"},
    {"lssp", "-detail", "the disks"},
    {"lssp", "-default", "the name of the default pool"},
    {"chsp", "-default", "use this pool where none is named"},
    {"chsp", "-add", "more space"},
    {"mksp", "-fb", "a pool of files"},
    {NULL, "-thick", "take all of the space at once"},
    {"mkbdsp", "-tn", "the virtual target device's name"},
    {"rmbdsp", "-savebd", "keep the backing device"},
    {NULL, "-lv", "the new one's name; without it lv and the next free number"},
    {"lsvg", "-lv", "its logical volumes"},
    {NULL, "-pv", "its disks"},
    {"lsvg", "-map", "what is where on its disks"},
    {"mkvg", "-vg", "its name; without it vg and the next free number"},
    {NULL, "-name", "the medium's name"},
    {"mkiscsi", "-t", "the target's name, as iqn.2026-01.com.example:disks"},
    {"mkiscsi", "-i", "the host that it is at, by name or address"},
    {"mkiscsi", "-n", "its port; without it 3260"},
    {"mkiscsi", "-lun", "the LUN; without it 0"},
    {"chvopt", "-newname", "its new name"},
    {"chvopt", "-access", "ro: it cannot be written; rw"},
    {"mkvopt", "-file", "the image"},
    {"mkvopt", "-ro", "it cannot be written"},
    {"loadopt", "-disk", "the medium's name"},
    {NULL, "-release", "although the client has locked the drive"},
    {"rmvdev", "-rmlv", "remove the logical volume or file, too"},
    {NULL, "-file", "the file's name"},
    {"backupios", "-nomedialib", "accepted: media are in no backup"},
    {"entstat", "-all", "of the adapters below it, too"},
    {"errlog", "-ls", "with all that is known of each"},
    {"errlog", "-seq", "the one with this number"},
    {"errlog", "-rm", "forget those that are older than so many days; 0: all"},
    {"ioslevel", "-openlpar", "the version of OpenLPAR"},
    {"license", "-accept", "accept it"},
    {"license", "-view", "show whether it was accepted"},
    {"lstcpip", "-hostname", "the name only"},
    {"lstcpip", "-interfaces", "interfaces, as without it"},
    {"motd", "-overwrite", "the new message"},
    {"motd", "-append", "one line more"},
    {"shutdown", "-force", "accepted: nothing is asked"},
    {"shutdown", "-restart", "begin again at once"},
    {"viosbr", "-backup", "write it"},
    {"viosbr", "-view", "show what is in the file"},
    {"viosbr", "-restore", "add what is missing"},
    {"viosbr", "-type", "only these"},
    {"viosbr", "-validate", "only say what would be restored"},
    {NULL, "-vtd", "the virtual target device, as vtscsi0"},
};
const u32 ios_option_texts_len = ARRAY_LEN(ios_option_texts);

const struct ios_example ios_examples[] = {
    {"lsmap", "lsmap -all -field svsa clientid vtd backing -fmt :", "What is mapped, for a script."},
    {"lsmap", "lsmap -vadapter vhost0", "What the client of one adapter has."},
    {"mkvdev", "mkvdev -vdev hdisk1 -vadapter vhost0", "Gives a whole disk to the client of vhost0."},
    {"mkvdev", "mkvdev -fbo -vadapter vhost0", "An optical drive, which loadopt fills."},
    {"mkvdev", "mkvdev -sea ent0 -vadapter ent1 -default ent1 -defaultid 1", "A bridge to the outside."},
    {"mkvdev", "mkvdev -sea ent0 -vadapter ent1 -default ent1 -defaultid 1 -attr ha_mode=auto ctl_chan=ent2",
     "The same on each of two servers: one bridges when the other cannot."},
    {"mkvdev", "mkvdev -lnagg ent0 ent1 -attr mode=8023ad", "Two interfaces as one."},
    {"rmvdev", "rmvdev -vtd vtscsi0", "Takes it away again."},
    {"mkbdsp", "mkbdsp -sp rootvg 20G -bd web01 -vadapter vhost0", "A disk of 20 GiB for the client of vhost0."},
    {"chbdsp", "chbdsp -sp rootvg -bd web01 -size 5G", "Five more."},
    {"mksp", "mksp -fb clients -sp rootvg -size 100G", "A pool of files."},
    {"mkrep", "mkrep -sp rootvg -size 20G", "Room for images."},
    {"mkiscsi", "mkiscsi -t iqn.2026-01.com.example:disks -i 192.0.2.7 -lun 1", "Another disk."},
    {"mkvopt", "mkvopt -name debian -file debian-13.iso -ro", "An image that lies in the home folder."},
    {"loadopt", "loadopt -disk debian -vtd vtopt0", "The client sees it in its drive."},
    {"viosbr", "viosbr -backup -file before", "Before larger changes."},
    {"lsdev", "lsdev -virtual", "Virtual devices."},
};
const u32 ios_examples_len = ARRAY_LEN(ios_examples);

const char *ios_option_help(const char *command, const char *option)
{
    const char *found = NULL;
    for (u32 i = 0; i < ios_option_texts_len; i++) {
        const struct ios_option_text *t = &ios_option_texts[i];
        if (strcmp(t->option, option) == 0 && (t->command ? strcmp(t->command, command) == 0 : !found))
            found = t->text;
    }
    return found;
}
