// SPDX-License-Identifier: Apache-2.0
// What a logical unit says about itself.
#include <stdio.h>
#include <string.h>

#include "vios/scsi/command.h"

#define VENDOR         "OpenLPAR" // eight characters
#define PRODUCT        "Virtual Disk    "
#define OPTICAL        "Virtual Optical "
#define LEVEL          "0001"

#define WRITE_SAME_MAX 0x10000u  // blocks
#define UNMAP_MAX      0x400000u // blocks
#define UNMAP_LIST_MAX 256u

static u8 device_type(const struct scsi_lu *lu)
{
    return !lu ? 0x7f : lu->optical ? 0x05 : 0x00; // no unit here: qualifier 3, type 1F
}

static void serial(const struct scsi_lu *lu, char text[17])
{
    for (unsigned i = 0; i < sizeof(lu->identity); i++)
        snprintf(text + 2 * i, 3, "%02x", lu->identity[i]);
}

static void standard(struct scsi_task *task, u64 allocated)
{
    // SAM-5, SPC-4, SBC-3, SRP. SPC-4 "Version descriptor values"
    static const u16 versions[] = {0x00a0, 0x0460, 0x04c0, 0x0940},
                     optical[] = {0x00a0, 0x0460, 0x03a0, 0x0940}; // MMC-5
    const struct scsi_lu *lu = task->nexus->lu;
    u8 d[96] = {0};
    d[0] = device_type(lu);
    d[1] = lu && lu->optical ? 0x80 : 0; // removable
    d[2] = 0x06;                         // SPC-4
    d[3] = 0x12;                         // HiSup, format 2
    d[4] = sizeof(d) - 5;
    d[7] = 0x02; // command queueing
    memcpy(d + 8, VENDOR, 8);
    memcpy(d + 16, lu && lu->optical ? OPTICAL : PRODUCT, 16);
    memcpy(d + 32, LEVEL, 4);
    for (unsigned i = 0; i < ARRAY_LEN(versions); i++)
        store_be16(d + 58 + 2 * i, lu && lu->optical ? optical[i] : versions[i]);
    scsi_reply(task, d, sizeof(d), allocated);
}

// Each page's builder writes what follows its header and answers how much that is.
static u32 vpd_serial(const struct scsi_lu *lu, u8 *d)
{
    char text[17];
    serial(lu, text);
    memcpy(d, text, 16);
    return 16;
}

// SPC-4 "Device Identification VPD page": a name in the NAA format "locally assigned", and vendor with serial number.
static u32 vpd_identification(const struct scsi_lu *lu, u8 *d)
{
    char text[17];
    serial(lu, text);
    memcpy(d, (const u8[]){0x01, 0x03, 0, 8}, 4); // binary; of the unit, NAA
    memcpy(d + 4, lu->identity, 8);
    d[4] = (d[4] & 0x0f) | 0x30;
    memcpy(d + 12, (const u8[]){0x02, 0x01, 0, 24}, 4); // ASCII; of the unit, T10 vendor
    memcpy(d + 16, VENDOR, 8);
    memcpy(d + 24, text, 16);
    return 40;
}

static u32 vpd_extended(const struct scsi_lu *lu, u8 *d)
{
    memset(d, 0, 60);
    d[1] = 0x07;                   // simple and ordered tasks, heads of the queue
    d[2] = lu->optical ? 0 : 0x01; // volatile cache
    return 60;
}

static u32 vpd_limits(const struct scsi_lu *lu, u8 *d)
{
    memset(d, 0, 60);
    d[0] = 0x01;                                                // a length of 0 is refused by WRITE SAME
    d[1] = 255;                                                 // COMPARE AND WRITE
    store_be16(d + 2, (u16)(lu->store->physical / SCSI_BLOCK)); // optimal granularity
    store_be32(d + 4, SCSI_TRANSFER_MAX / SCSI_BLOCK);
    if (lu->store->thin) {
        store_be32(d + 16, UNMAP_MAX);
        store_be32(d + 20, UNMAP_LIST_MAX);
        store_be32(d + 24, lu->store->physical / SCSI_BLOCK);
    }
    store_be64(d + 32, WRITE_SAME_MAX);
    return 60;
}

static u32 vpd_characteristics(const struct scsi_lu *lu, u8 *d)
{
    memset(d, 0, 60);
    store_be16(d, 1); // does not rotate
    return 60;
}

// UNMAP, WRITE SAME(16) and (10) give space back, which then reads as zero; thin.
static u32 vpd_provisioning(const struct scsi_lu *lu, u8 *d)
{
    memcpy(d, (const u8[]){0, lu->store->thin ? 0xe4 : 0, lu->store->thin ? 0x02 : 0, 0}, 4);
    return 4;
}

static u32 vpd_list(const struct scsi_lu *lu, u8 *d);

static const struct {
    u8 page;
    bool disk_only;
    u32 (*build)(const struct scsi_lu *lu, u8 *d);
} pages[] = {
    {0x00, false, vpd_list},        {0x80, false, vpd_serial}, {0x83, false, vpd_identification},
    {0x86, false, vpd_extended},    {0xb0, true, vpd_limits},  {0xb1, true, vpd_characteristics},
    {0xb2, true, vpd_provisioning},
};

static u32 vpd_list(const struct scsi_lu *lu, u8 *d)
{
    u32 len = 0;
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++) {
        if (!pages[i].disk_only || !lu->optical)
            d[len++] = pages[i].page;
    }
    return len;
}

void scsi_run_inquiry(struct scsi_task *task)
{
    const struct scsi_lu *lu = task->nexus->lu;
    u64 allocated = load_be16(task->cdb + 3);
    u8 d[4 + 252] = {0}, page = task->cdb[2];
    if (!(task->cdb[1] & 1)) {
        if (page)
            scsi_fail(task, SENSE_CDB);
        else
            standard(task, allocated);
        return;
    }
    d[0] = device_type(lu);
    d[1] = page;
    for (unsigned i = 0; lu && i < ARRAY_LEN(pages); i++) {
        if (pages[i].page != page || (pages[i].disk_only && lu->optical))
            continue;
        u32 len = pages[i].build(lu, d + 4);
        store_be16(d + 2, (u16)len);
        scsi_reply(task, d, 4 + len, allocated);
        return;
    }
    scsi_fail(task, SENSE_CDB);
}

// Each target has one unit, number 0.
void scsi_run_report_luns(struct scsi_task *task)
{
    u8 d[16] = {0}, select = task->cdb[2];
    u32 allocated = load_be32(task->cdb + 6);
    if (allocated < 16 || select > 2) {
        scsi_fail(task, SENSE_CDB);
        return;
    }
    u32 len = task->nexus->lu && select != 1 ? 8 : 0; // 1: well known ones, of which there are none
    store_be32(d, len);
    scsi_reply(task, d, 8 + len, allocated);
}

// Sense travels with each status, so there is never any left but a unit attention.
void scsi_run_request_sense(struct scsi_task *task)
{
    u8 sense[SCSI_SENSE_SIZE];
    struct scsi_nexus *nexus = task->nexus;
    u32 code = !nexus->lu ? (u32)SENSE_UNIT : nexus->attention ? SENSE(6, 0, 0) | nexus->attention : 0;
    if (nexus->lu)
        nexus->attention = 0;
    scsi_make_sense(sense, code);
    if (task->cdb[1] & 1) // descriptor format, without descriptors
        scsi_reply(task, (const u8[8]){0x72, sense[2], sense[12], sense[13]}, 8, task->cdb[4]);
    else
        scsi_reply(task, sense, sizeof(sense), task->cdb[4]);
}

void scsi_run_test_unit_ready(struct scsi_task *task)
{
    scsi_good(task);
}

static void stopped(struct store_io *io, int err)
{
    struct scsi_task *task = container_of(io, struct scsi_task, io);
    task->nexus->lu->stopped = !err;
    if (err)
        scsi_fail_store(task, err, 0);
    else
        scsi_good(task);
}

void scsi_run_start_stop(struct scsi_task *task)
{
    struct scsi_lu *lu = task->nexus->lu;
    u8 power = task->cdb[4] >> 4;
    bool start = task->cdb[4] & 1;
    if (lu->optical && !power) {
        scsi_start_stop_optical(task, start, task->cdb[4] & 2);
        return;
    }
    if (power || start) {
        lu->stopped = false;
        scsi_good(task);
        return;
    }
    task->io = (struct store_io){.op = STORE_FLUSH, .done = stopped};
    store_submit(lu->store, &task->io);
}

static u32 put_timeouts(u8 *d)
{
    memset(d, 0, 12);
    store_be16(d, 10);
    return 12;
}

static void report_all(struct scsi_task *task, bool timeouts, u64 allocated)
{
    u8 d[4 + 64 * 20];
    u32 len = 4;
    for (unsigned i = 0; i < scsi_commands_len && len + 20 <= sizeof(d); i++) {
        const struct scsi_command *c = &scsi_commands[i];
        if (!scsi_has_command(task->nexus->lu, c))
            continue;
        memset(d + len, 0, 8);
        d[len] = c->opcode;
        store_be16(d + len + 2, c->flags & COMMAND_ACTION ? c->action : 0);
        d[len + 5] = (u8)((timeouts ? 2 : 0) | (c->flags & COMMAND_ACTION ? 1 : 0));
        store_be16(d + len + 6, c->size);
        len += 8;
        if (timeouts)
            len += put_timeouts(d + len);
    }
    store_be32(d, len - 4);
    scsi_reply(task, d, len, allocated);
}

// SPC-4 "REPORT SUPPORTED OPERATION CODES": 0 all; 1 an operation without actions, 2 one with an action, 3 either.
void scsi_run_report_opcodes(struct scsi_task *task)
{
    u8 d[4 + SCSI_CDB_MAX + 12] = {0}, what = task->cdb[2] & 7, opcode = task->cdb[3];
    u16 action = load_be16(task->cdb + 4);
    u64 allocated = load_be32(task->cdb + 6);
    bool timeouts = task->cdb[2] & 0x80, has_actions = false;
    const struct scsi_command *found = NULL;
    if (what == 0) {
        report_all(task, timeouts, allocated);
        return;
    }
    for (unsigned i = 0; i < scsi_commands_len; i++) {
        const struct scsi_command *c = &scsi_commands[i];
        bool actions = c->flags & COMMAND_ACTION;
        if (c->opcode != opcode || !scsi_has_command(task->nexus->lu, c))
            continue;
        has_actions |= actions;
        if (actions ? c->action == action : what != 2 && (what == 1 || !action))
            found = c;
    }
    if (what > 3 || (what == 1 && has_actions) || (what == 2 && !has_actions && found)) {
        scsi_fail(task, SENSE_CDB);
        return;
    }
    u32 len = 4;
    d[1] = (u8)((timeouts && found ? 0x80 : 0) | (found ? 3 : 1));
    if (found) {
        store_be16(d + 2, found->size);
        memcpy(d + 4, found->usage, found->size);
        d[4] = opcode;
        if (found->flags & COMMAND_ACTION)
            d[5] = (u8)((found->usage[1] & 0xe0) | found->action);
        len += found->size;
        if (timeouts)
            len += put_timeouts(d + len);
    }
    scsi_reply(task, d, len, allocated);
}

void scsi_run_report_functions(struct scsi_task *task)
{
    // ABORT TASK, ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET
    static const u8 short_form[4] = {0x80 | 0x40 | 0x10 | 0x08}, long_form[16] = {0x80 | 0x40 | 0x10 | 0x08, 0, 0, 12};
    bool longer = task->cdb[2] & 0x80;
    scsi_reply(task, longer ? long_form : short_form, longer ? 16 : 4, load_be32(task->cdb + 6));
}
