// SPDX-License-Identifier: Apache-2.0
// The commands of ioscli: parser, help, completion, manual pages and tests are made from these tables.
#include "vios/admin/ios_int.h"

#include <string.h>

const struct ios_command ios_commands[] = {
    {"cfgdev", "[-dev=DEVICE]", cmd_cfgdev, "Find devices that are new, and make Defined ones available.",
     "Looks at the physical volumes that the VIOS was given, and attaches virtual target devices that rmdev -ucfg or a "
     "missing disk left Defined.",
     COMMAND_CHANGES},
    {"chdev", "-dev=DEVICE -attr=ATTRIBUTE=VALUE... [-perm]", cmd_chdev, "Change attributes of a device.",
     "lsdev -dev DEVICE -attr lists the attributes and which of them can be set.", COMMAND_CHANGES},
    {"help", "[COMMAND]", cmd_help, "List the commands, or describe one.", "", 0},
    {"lsdev",
     "[-type=TYPE...] [-virtual] [-state=STATE] [-field=FIELD...] [-fmt=DELIMITER]\n"
     "-dev=DEVICE [-attr=[ATTRIBUTE]] [-child] [-parent] [-vpd] [-field=FIELD...] [-fmt=DELIMITER]\n"
     "-vpd\n"
     "-slots",
     cmd_lsdev, "List devices, and what there is to know about one.",
     "-type and -state take a word, or ! and a word for all others. Fields: name, status, description, physloc.", 0},
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
    {"mkvdev",
     "-vdev=DEVICE -vadapter=ADAPTER [-dev=NAME] [-attr=ATTRIBUTE=VALUE...] [-f]\n"
     "-fbo -vadapter=ADAPTER [-dev=NAME]",
     cmd_mkvdev, "Give a disk, a volume, a file or an optical drive to a client.",
     "DEVICE is a physical volume, a logical volume or a backing device of a storage pool. The client sees it at once "
     "as another unit of its adapter.",
     COMMAND_CHANGES},
    {"rmdev", "-dev=DEVICE [-ucfg] [-recursive] [-f]", cmd_rmdev, "Remove a device.", "", COMMAND_CHANGES},
    {"rmvdev", "-vtd=TARGET [-f]\n-vdev=DEVICE [-f]", cmd_rmvdev, "Take a virtual target device away from its client.",
     "What is behind it stays, and can be mapped again.", COMMAND_CHANGES},
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
    {"rmdev", "-ucfg", "keep it as Defined; cfgdev makes it available again"},
    {"rmdev", "-recursive", "with the devices below it"},
    {NULL, "-vtd", "the virtual target device, as vtscsi0"},
};
const u32 ios_option_texts_len = ARRAY_LEN(ios_option_texts);

const struct ios_example ios_examples[] = {
    {"lsmap", "lsmap -all -field svsa clientid vtd backing -fmt :", "What is mapped, for a script."},
    {"lsmap", "lsmap -vadapter vhost0", "What the client of one adapter has."},
    {"mkvdev", "mkvdev -vdev hdisk1 -vadapter vhost0", "Gives a whole disk to the client of vhost0."},
    {"mkvdev", "mkvdev -fbo -vadapter vhost0", "An optical drive, which loadopt fills."},
    {"rmvdev", "rmvdev -vtd vtscsi0", "Takes it away again."},
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
