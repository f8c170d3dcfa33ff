// SPDX-License-Identifier: Apache-2.0
// Mode pages. SPC-4 "Mode parameters", SBC-3.
#include <string.h>

#include "vios/scsi/command.h"

#define PAGES_ALL 0x3fu

enum control { CURRENT, CHANGEABLE, DEFAULT, SAVED };

struct page {
    u8 code, size; // size: of the whole page
    bool optical;  // of these units, or of disks
    u8 bytes[24];  // behind code and length
};

// Values of a new unit.
static const struct page pages[] = {
    {0x01, 12, false, {0x80, 0}},             // read-write error recovery: automatic write reallocation
    {0x08, 20, false, {0x04}},                // caching: WCE
    {0x0a, 12, false, {0x02, 0x10, 0, 0x40}}, // control: GLTSD; unrestricted reordering; TAS
    {0x1c, 12, false, {0x08}},                // informational exceptions: none are reported (DEXCPT)
    {0x01, 12, true, {0}},
    {0x1a, 12, true, {0}}, // power condition
    // MMC-3 "CD/DVD capabilities and mechanical status": reads DVD-ROM; mode 2; a tray that locks and ejects; 150 times a CD's speed.
    {0x2a, 22, true, {0x08, 0, 0x30, 0, 0x29, 0, 0x67, 0x5c, 0, 0, 0x02, 0, 0x67, 0x5c}},
};

static void put_page(const struct scsi_lu *lu, const struct page *page, enum control control, u8 *d)
{
    d[0] = page->code;
    d[1] = page->size - 2;
    if (control == CHANGEABLE)
        memset(d + 2, 0, page->size - 2u);
    else
        memcpy(d + 2, page->bytes, page->size - 2u);
    if (page->code == 0x2a && control != CHANGEABLE && scsi_locked(lu))
        d[6] |= 0x02; // locked now
    if (page->code == 0x08)
        d[2] = (u8)(control == CURRENT && !lu->write_cache ? 0 : 0x04);
}

// Block descriptor: the number of blocks, and their size.
static u32 put_descriptor(const struct scsi_lu *lu, bool longer, u8 *d)
{
    if (longer) {
        memset(d, 0, 16);
        store_be64(d, lu->blocks);
        store_be32(d + 12, lu->block);
        return 16;
    }
    store_be32(d, (u32)MIN(lu->blocks, 0xffffffffull));
    store_be32(d + 4, lu->block); // the uppermost byte is reserved, and zero
    return 8;
}

void scsi_run_mode_sense(struct scsi_task *task)
{
    const struct scsi_lu *lu = task->nexus->lu;
    bool ten = task->cdb[0] == 0x5a, no_descriptor = lu->optical || task->cdb[1] & 0x08,
         longer = ten && task->cdb[1] & 0x10;
    u8 code = task->cdb[2] & 0x3f, subpage = task->cdb[3], d[256] = {0};
    enum control control = task->cdb[2] >> 6;
    u32 len = ten ? 8 : 4;
    bool found = code == PAGES_ALL;
    if (control == SAVED) {
        scsi_fail(task, SENSE_NO_SAVING);
        return;
    }
    if (!lu->optical)
        d[ten ? 3 : 2] = (u8)((lu->store->read_only ? 0x80 : 0) | 0x10); // write protected; DPO and FUA
    if (!no_descriptor) {
        u32 size = put_descriptor(lu, longer, d + len);
        if (ten)
            d[4] = longer, store_be16(d + 6, (u16)size);
        else
            d[3] = (u8)size;
        len += size;
    }
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++) {
        if ((code != PAGES_ALL && code != pages[i].code) || pages[i].optical != lu->optical)
            continue;
        put_page(lu, &pages[i], control, d + len);
        len += pages[i].size;
        found = true;
    }
    if (!found || (subpage && subpage != 0xff)) {
        scsi_fail(task, SENSE_CDB);
        return;
    }
    if (ten)
        store_be16(d, (u16)(len - 2));
    else
        d[0] = (u8)(len - 1);
    scsi_reply(task, d, len, ten ? load_be16(task->cdb + 7) : task->cdb[4]);
}

// Whether the page says nothing that cannot be; *wce is what it says.
static bool check_page(const struct scsi_lu *lu, const u8 *d, u32 rest, bool *wce)
{
    u8 now[24];
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++) {
        if (pages[i].code != (d[0] & 0x7f) || pages[i].optical != lu->optical)
            continue;
        put_page(lu, &pages[i], CURRENT, now);
        if (d[0] & 0x40 || d[1] + 2u > rest || d[1] != now[1])
            return false;
        u8 changeable = pages[i].code == 0x08 ? 0x04 : 0;
        if ((d[2] ^ now[2]) & ~changeable || memcmp(d + 3, now + 3, pages[i].size - 3u))
            return false;
        if (changeable)
            *wce = d[2] & 0x04;
        return true;
    }
    return false;
}

void scsi_run_mode_select(struct scsi_task *task)
{
    struct scsi_lu *lu = task->nexus->lu;
    bool ten = task->cdb[0] == 0x55, wce = lu->write_cache;
    u8 d[256];
    u32 wanted = ten ? load_be16(task->cdb + 7) : task->cdb[4], head = ten ? 8 : 4;
    u32 len = scsi_take(task, d, sizeof(d));
    if (!(task->cdb[1] & 0x10) || task->cdb[1] & 0x01 || wanted > len) { // page format; no saving
        scsi_fail(task, SENSE_CDB);
        return;
    }
    len = wanted;
    if (!len) {
        scsi_good(task);
        return;
    }
    u32 descriptor = len < head ? ~0u : ten ? load_be16(d + 6) : d[3];
    if (descriptor > len - MIN(head, len)) {
        scsi_fail(task, SENSE_LIST_LENGTH);
        return;
    }
    for (u32 at = head + descriptor; at < len; at += d[at + 1] + 2u) {
        if (len - at < 3 || !check_page(lu, d + at, len - at, &wce)) {
            scsi_fail(task, SENSE_LIST);
            return;
        }
    }
    if (wce != lu->write_cache)
        scsi_attention(lu, task->nexus, ATTENTION_MODE);
    lu->write_cache = wce;
    scsi_good(task);
}
