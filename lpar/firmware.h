// SPDX-License-Identifier: Apache-2.0
// Firmware's choice of what a partition boots, when it was given no kernel: by itself, by the System Management Services' menu on the console (fw_sms.c), or by the
// prompt (fw_prompt.c).
#ifndef LPAR_FIRMWARE_H
#define LPAR_FIRMWARE_H

#include "lpar/image.h"

// chsysstate -b norm, sms, of
enum boot_mode { BOOT_MODE_NORMAL, BOOT_MODE_SMS, BOOT_MODE_PROMPT };

// "norm", "sms", "of". false: it is none of them, and *mode stays.
bool boot_mode_parse(const char *text, enum boot_mode *mode);
const char *boot_mode_name(enum boot_mode mode);

struct firmware {
    struct partition *lp;
    u64 low, limit;   // where a disk's boot program may lie
    const char *list; // devices (boot_search_list), or NULL: the usual order
    struct image *image;
    char *why;
    size_t why_size;
};

// 0: there is an image, and the tree says where it is from. Else a negative errno with `why`: -ECANCELED when the partition ended meanwhile.
int firmware_boot(const struct firmware *fw, enum boot_mode mode);

// The two dialogues. What comes next: 0, when there is an image; -ECANCELED; or FIRMWARE_NORMAL, FIRMWARE_SMS, FIRMWARE_PROMPT.
enum { FIRMWARE_NORMAL = 1, FIRMWARE_SMS, FIRMWARE_PROMPT };
int fw_sms_run(const struct firmware *fw);
int fw_prompt_run(const struct firmware *fw);

// Boots a device or a list of them and says on the console what came of it. 0, or -ENODEV.
int firmware_boot_list(const struct firmware *fw, const char *list);

#endif
