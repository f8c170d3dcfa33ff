// SPDX-License-Identifier: Apache-2.0
#include "lpar/firmware.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lpar/boot_search.h"
#include "lpar/fw_console.h"

static const char *const mode_names[] = {"norm", "sms", "of"}; // by enum boot_mode

const char *boot_mode_name(enum boot_mode mode)
{
    return mode_names[mode];
}

bool boot_mode_parse(const char *text, enum boot_mode *mode)
{
    for (unsigned i = 0; i < ARRAY_LEN(mode_names); i++)
        if (strcmp(text, mode_names[i]) == 0) {
            *mode = (enum boot_mode)i;
            return true;
        }
    return false;
}

int firmware_boot_list(const struct firmware *fw, const char *list)
{
    char why[1024];
    int err = boot_search_load(fw->lp, fw->low, fw->limit, list, fw->image, why, sizeof(why));
    if (err)
        fw_print(fw->lp, "%s\n", why);
    return err;
}

static void tell(const struct firmware *fw, const char *where)
{
    if (fw->lp->hv->firmware_waits)
        fw->lp->hv->firmware_waits(fw->lp->hv_arg, where);
}

int firmware_boot(const struct firmware *fw, enum boot_mode mode)
{
    int next = mode == BOOT_MODE_SMS ? FIRMWARE_SMS : mode == BOOT_MODE_PROMPT ? FIRMWARE_PROMPT : FIRMWARE_NORMAL;
    while (next == FIRMWARE_SMS || next == FIRMWARE_PROMPT) {
        tell(fw, mode_names[next == FIRMWARE_SMS ? BOOT_MODE_SMS : BOOT_MODE_PROMPT]);
        next = next == FIRMWARE_SMS ? fw_sms_run(fw) : fw_prompt_run(fw);
        tell(fw, NULL);
    }
    if (next == FIRMWARE_NORMAL)
        next = boot_search_load(fw->lp, fw->low, fw->limit, fw->list, fw->image, fw->why, fw->why_size);
    if (next && atomic_load(&fw->lp->end) != END_NONE) {
        snprintf(fw->why, fw->why_size, "the partition was ended");
        next = -ECANCELED;
    }
    return next;
}
