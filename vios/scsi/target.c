// SPDX-License-Identifier: Apache-2.0
// The table of commands, and the course of a task from its command to its status.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vios/scsi/command.h"

#define ANY    ACCESS_ALWAYS
#define F_BYTE 0xff
#define F_WORD 0xff, 0xff
#define F_LONG 0xff, 0xff, 0xff, 0xff
#define F_LBA  F_LONG, F_LONG

// SPC-4, SBC-3: the sections are named as the commands are.
const struct scsi_command scsi_commands[] = {
    {0x00, 0, COMMAND_MEDIUM, ANY, scsi_run_test_unit_ready, 6, {0x00}, "TEST UNIT READY"},
    {0x03,
     0,
     COMMAND_EARLY | COMMAND_ABSENT,
     ANY,
     scsi_run_request_sense,
     6,
     {0x03, 0x01, 0, 0, 0xff},
     "REQUEST SENSE"},
    {0x08,
     0,
     COMMAND_MEDIUM | COMMAND_DISK,
     ACCESS_READ,
     scsi_run_read,
     6,
     {0x08, 0x1f, F_WORD | COMMAND_DISK, 0xff},
     "READ(6)"},
    {0x0a,
     0,
     COMMAND_MEDIUM | COMMAND_WRITES | COMMAND_DISK,
     ACCESS_WRITE,
     scsi_run_write,
     6,
     {0x0a, 0x1f, F_WORD | COMMAND_DISK, 0xff},
     "WRITE(6)"},
    {0x12, 0, COMMAND_EARLY | COMMAND_ABSENT, ANY, scsi_run_inquiry, 6, {0x12, 0x01, 0xff, F_WORD}, "INQUIRY"},
    {0x15, 0, 0, ACCESS_REGISTER, scsi_run_mode_select, 6, {0x15, 0x11, 0, 0, 0xff}, "MODE SELECT(6)"},
    {0x16, 0, 0, ANY, scsi_run_reserve, 6, {0x16}, "RESERVE(6)"},
    {0x17, 0, 0, ANY, scsi_run_release, 6, {0x17}, "RELEASE(6)"},
    {0x1a, 0, 0, ACCESS_REGISTER, scsi_run_mode_sense, 6, {0x1a, 0x08, 0xff, 0xff, 0xff}, "MODE SENSE(6)"},
    {0x1b, 0, 0, ACCESS_REGISTER, scsi_run_start_stop, 6, {0x1b, 0x01, 0, 0x0f, 0xf7}, "START STOP UNIT"},
    {0x1e, 0, COMMAND_OPTICAL, ANY, scsi_run_prevent, 6, {0x1e, 0, 0, 0, 0x03}, "PREVENT ALLOW MEDIUM REMOVAL"},
    {0x25, 0, COMMAND_MEDIUM, ANY, scsi_run_capacity_10, 10, {0x25, 0, F_LONG, 0, 0, 0x01}, "READ CAPACITY(10)"},
    {0x28, 0, COMMAND_MEDIUM, ACCESS_READ, scsi_run_read, 10, {0x28, 0x18, F_LONG, 0x1f, F_WORD}, "READ(10)"},
    {0x2a,
     0,
     COMMAND_MEDIUM | COMMAND_WRITES | COMMAND_DISK,
     ACCESS_WRITE,
     scsi_run_write,
     10,
     {0x2a, 0x18, F_LONG | COMMAND_DISK, 0x1f, F_WORD},
     "WRITE(10)"},
    {0x2b, 0, COMMAND_MEDIUM | COMMAND_OPTICAL, ANY, scsi_run_nothing, 10, {0x2b, 0, F_LONG}, "SEEK(10)"},
    {0x2f, 0, COMMAND_MEDIUM, ACCESS_READ, scsi_run_verify, 10, {0x2f, 0x12, F_LONG, 0x1f, F_WORD}, "VERIFY(10)"},
    {0x35,
     0,
     COMMAND_MEDIUM | COMMAND_DISK,
     ACCESS_WRITE,
     scsi_run_synchronize,
     10,
     {0x35, 0x02, F_LONG | COMMAND_DISK, 0x1f, F_WORD},
     "SYNCHRONIZE CACHE(10)"},
    {0x41,
     0,
     COMMAND_MEDIUM | COMMAND_WRITES | COMMAND_DISK,
     ACCESS_WRITE,
     scsi_run_write_same,
     10,
     {0x41, 0x08, F_LONG | COMMAND_DISK, 0x1f, F_WORD},
     "WRITE SAME(10)"},
    {0x42,
     0,
     COMMAND_MEDIUM | COMMAND_WRITES | COMMAND_DISK,
     ACCESS_WRITE,
     scsi_run_unmap,
     10,
     {0x42, 0, COMMAND_DISK, 0, 0, 0, 0x1f, F_WORD},
     "UNMAP"},
    {0x43,
     0,
     COMMAND_MEDIUM | COMMAND_OPTICAL,
     ANY,
     scsi_run_read_toc,
     10,
     {0x43, 0x02, 0x0f, 0, 0, 0, 0xff, F_WORD, 0xc0},
     "READ TOC/PMA/ATIP"},
    {0x46,
     0,
     COMMAND_EARLY | COMMAND_OPTICAL,
     ANY,
     scsi_run_configuration,
     10,
     {0x46, 0x03, F_WORD, 0, 0, 0, F_WORD},
     "GET CONFIGURATION"},
    {0x4a,
     0,
     COMMAND_EARLY | COMMAND_OPTICAL,
     ANY,
     scsi_run_event_status,
     10,
     {0x4a, 0x01, 0, 0, 0xff, 0, 0, F_WORD},
     "GET EVENT STATUS NOTIFICATION"},
    {0x51,
     0,
     COMMAND_MEDIUM | COMMAND_OPTICAL,
     ANY,
     scsi_run_disc_information,
     10,
     {0x51, 0x07, 0, 0, 0, 0, 0, F_WORD},
     "READ DISC INFORMATION"},
    {0x52,
     0,
     COMMAND_MEDIUM | COMMAND_OPTICAL,
     ANY,
     scsi_run_track_information,
     10,
     {0x52, 0x03, F_LONG, 0, F_WORD},
     "READ TRACK INFORMATION"},
    {0x55, 0, 0, ACCESS_REGISTER, scsi_run_mode_select, 10, {0x55, 0x11, 0, 0, 0, 0, 0, F_WORD}, "MODE SELECT(10)"},
    {0x56, 0, 0, ANY, scsi_run_reserve, 10, {0x56}, "RESERVE(10)"},
    {0x57, 0, 0, ANY, scsi_run_release, 10, {0x57}, "RELEASE(10)"},
    {0x5a, 0, 0, ACCESS_REGISTER, scsi_run_mode_sense, 10, {0x5a, 0x18, 0xff, 0xff, 0, 0, 0, F_WORD}, "MODE SENSE(10)"},
    {0x5e,
     0,
     COMMAND_ACTION | COMMAND_DISK,
     ANY,
     scsi_run_persistent_in,
     10,
     {0x5e, 0x1f, COMMAND_DISK, 0, 0, 0, 0, F_WORD},
     "PERSISTENT RESERVE IN, READ KEYS"},
    {0x5e,
     1,
     COMMAND_ACTION | COMMAND_DISK,
     ANY,
     scsi_run_persistent_in,
     10,
     {0x5e, 0x1f, COMMAND_DISK, 0, 0, 0, 0, F_WORD},
     "PERSISTENT RESERVE IN, READ RESERVATION"},
    {0x5e,
     2,
     COMMAND_ACTION | COMMAND_DISK,
     ANY,
     scsi_run_persistent_in,
     10,
     {0x5e, 0x1f, COMMAND_DISK, 0, 0, 0, 0, F_WORD},
     "PERSISTENT RESERVE IN, REPORT CAPABILITIES"},
    {0x5e,
     3,
     COMMAND_ACTION | COMMAND_DISK,
     ANY,
     scsi_run_persistent_in,
     10,
     {0x5e, 0x1f, COMMAND_DISK, 0, 0, 0, 0, F_WORD},
     "PERSISTENT RESERVE IN, READ FULL STATUS"},
    {0x5f,
     0,
     COMMAND_ACTION | COMMAND_DISK,
     ANY,
     scsi_run_persistent_out,
     10,
     {0x5f, 0x1f, 0xff, 0, 0, F_LONG},
     "PERSISTENT RESERVE OUT, REGISTER"},
    {0x5f,
     1,
     COMMAND_ACTION | COMMAND_DISK,
     ANY,
     scsi_run_persistent_out,
     10,
     {0x5f, 0x1f, 0xff, 0, 0, F_LONG},
     "PERSISTENT RESERVE OUT, RESERVE"},
    {0x5f,
     2,
     COMMAND_ACTION | COMMAND_DISK,
     ANY,
     scsi_run_persistent_out,
     10,
     {0x5f, 0x1f, 0xff, 0, 0, F_LONG},
     "PERSISTENT RESERVE OUT, RELEASE"},
    {0x5f,
     3,
     COMMAND_ACTION | COMMAND_DISK,
     ANY,
     scsi_run_persistent_out,
     10,
     {0x5f, 0x1f, 0xff, 0, 0, F_LONG},
     "PERSISTENT RESERVE OUT, CLEAR"},
    {0x5f,
     4,
     COMMAND_ACTION | COMMAND_DISK,
     ANY,
     scsi_run_persistent_out,
     10,
     {0x5f, 0x1f, 0xff, 0, 0, F_LONG},
     "PERSISTENT RESERVE OUT, PREEMPT"},
    {0x5f,
     5,
     COMMAND_ACTION | COMMAND_DISK,
     ANY,
     scsi_run_persistent_out,
     10,
     {0x5f, 0x1f, 0xff, 0, 0, F_LONG},
     "PERSISTENT RESERVE OUT, PREEMPT AND ABORT"},
    {0x5f,
     6,
     COMMAND_ACTION | COMMAND_DISK,
     ANY,
     scsi_run_persistent_out,
     10,
     {0x5f, 0x1f, 0xff, 0, 0, F_LONG},
     "PERSISTENT RESERVE OUT, REGISTER AND IGNORE EXISTING KEY"},
    {0x88,
     0,
     COMMAND_MEDIUM | COMMAND_DISK,
     ACCESS_READ,
     scsi_run_read,
     16,
     {0x88, 0x18, F_LBA | COMMAND_DISK, F_LONG, 0x1f},
     "READ(16)"},
    {0x89,
     0,
     COMMAND_MEDIUM | COMMAND_WRITES | COMMAND_ALONE | COMMAND_DISK,
     ACCESS_WRITE,
     scsi_run_compare_and_write,
     16,
     {0x89, 0x18, F_LBA | COMMAND_DISK, 0, 0, 0, 0xff, 0x1f},
     "COMPARE AND WRITE"},
    {0x8a,
     0,
     COMMAND_MEDIUM | COMMAND_WRITES | COMMAND_DISK,
     ACCESS_WRITE,
     scsi_run_write,
     16,
     {0x8a, 0x18, F_LBA | COMMAND_DISK, F_LONG, 0x1f},
     "WRITE(16)"},
    {0x8f,
     0,
     COMMAND_MEDIUM | COMMAND_DISK,
     ACCESS_READ,
     scsi_run_verify,
     16,
     {0x8f, 0x12, F_LBA | COMMAND_DISK, F_LONG, 0x1f},
     "VERIFY(16)"},
    {0x91,
     0,
     COMMAND_MEDIUM | COMMAND_DISK,
     ACCESS_WRITE,
     scsi_run_synchronize,
     16,
     {0x91, 0x02, F_LBA | COMMAND_DISK, F_LONG, 0x1f},
     "SYNCHRONIZE CACHE(16)"},
    {0x93,
     0,
     COMMAND_MEDIUM | COMMAND_WRITES | COMMAND_DISK,
     ACCESS_WRITE,
     scsi_run_write_same,
     16,
     {0x93, 0x09, F_LBA | COMMAND_DISK, F_LONG, 0x1f},
     "WRITE SAME(16)"},
    {0x9e,
     0x10,
     COMMAND_MEDIUM | COMMAND_ACTION | COMMAND_DISK,
     ANY,
     scsi_run_capacity_16,
     16,
     {0x9e, 0x1f, F_LBA | COMMAND_DISK, F_LONG, 0x01},
     "READ CAPACITY(16)"},
    {0xa0,
     0,
     COMMAND_EARLY | COMMAND_ABSENT,
     ANY,
     scsi_run_report_luns,
     12,
     {0xa0, 0, 0xff, 0, 0, 0, F_LONG},
     "REPORT LUNS"},
    {0xa3,
     0x0c,
     COMMAND_ACTION,
     ANY,
     scsi_run_report_opcodes,
     12,
     {0xa3, 0x1f, 0x87, F_BYTE, F_WORD, F_LONG},
     "REPORT SUPPORTED OPERATION CODES"},
    {0xa3,
     0x0d,
     COMMAND_ACTION,
     ANY,
     scsi_run_report_functions,
     12,
     {0xa3, 0x1f, 0x80, 0, 0, 0, F_LONG},
     "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS"},
    {0xa8, 0, COMMAND_MEDIUM, ACCESS_READ, scsi_run_read, 12, {0xa8, 0x18, F_LONG, F_LONG, 0x1f}, "READ(12)"},
    {0xaa,
     0,
     COMMAND_MEDIUM | COMMAND_WRITES | COMMAND_DISK,
     ACCESS_WRITE,
     scsi_run_write,
     12,
     {0xaa, 0x18, F_LONG | COMMAND_DISK, F_LONG, 0x1f},
     "WRITE(12)"},
    {0xaf,
     0,
     COMMAND_MEDIUM | COMMAND_DISK,
     ACCESS_READ,
     scsi_run_verify,
     12,
     {0xaf, 0x12, F_LONG | COMMAND_DISK, F_LONG, 0x1f},
     "VERIFY(12)"},
    {0xbb, 0, COMMAND_OPTICAL, ANY, scsi_run_nothing, 12, {0xbb, 0x03, F_WORD, F_WORD}, "SET CD SPEED"},
    {0xbd,
     0,
     COMMAND_OPTICAL,
     ANY,
     scsi_run_mechanism_status,
     12,
     {0xbd, 0, 0, 0, 0, 0, 0, 0, F_WORD},
     "MECHANISM STATUS"},
    {0xbe,
     0,
     COMMAND_MEDIUM | COMMAND_OPTICAL,
     ACCESS_READ,
     scsi_run_read_cd,
     12,
     {0xbe, 0x1e, F_LONG, 0xff, F_WORD, 0xff, 0x07},
     "READ CD"},
};
const unsigned scsi_commands_len = ARRAY_LEN(scsi_commands);

bool scsi_has_command(const struct scsi_lu *lu, const struct scsi_command *command)
{
    return !lu || !(command->flags & (lu->optical ? COMMAND_DISK : COMMAND_OPTICAL));
}

const struct scsi_command *scsi_find_command(const struct scsi_lu *lu, const u8 *cdb)
{
    for (unsigned i = 0; i < scsi_commands_len; i++) {
        const struct scsi_command *c = &scsi_commands[i];
        if (c->opcode == cdb[0] && scsi_has_command(lu, c) &&
            (!(c->flags & COMMAND_ACTION) || c->action == (cdb[1] & 0x1f)))
            return c;
    }
    return NULL;
}

void scsi_make_sense(u8 sense[SCSI_SENSE_SIZE], u32 code)
{
    memset(sense, 0, SCSI_SENSE_SIZE);
    sense[0] = 0x70; // current, fixed format
    sense[2] = (u8)(code >> 16);
    sense[7] = SCSI_SENSE_SIZE - 8;
    sense[12] = (u8)(code >> 8);
    sense[13] = (u8)code;
}

static void link_task(struct scsi_task *task, struct scsi_task **list)
{
    task->next = *list;
    task->link = list;
    if (task->next)
        task->next->link = &task->next;
    *list = task;
}

static void unlink_task(struct scsi_task *task)
{
    *task->link = task->next;
    if (task->next)
        task->next->link = task->link;
}

static bool is_atomic(const struct scsi_task *task)
{
    return task->command->flags & COMMAND_ALONE;
}

static void run(struct scsi_task *task)
{
    struct scsi_lu *lu = task->nexus->lu;
    task->started = true;
    task->alone = is_atomic(task) || task->attribute == SCSI_ORDERED;
    link_task(task, &lu->tasks);
    lu->running++;
    lu->exclusive |= task->alone;
    lu->atomic |= is_atomic(task);
    if (task->command->flags & COMMAND_MEDIUM && (!lu->store || lu->changing)) // it was there when the task came
        scsi_fail(task, SENSE_NO_MEDIUM);
    else
        task->command->run(task);
}

static bool must_wait(const struct scsi_lu *lu, const struct scsi_task *task)
{
    if (task->attribute == SCSI_HEAD_OF_QUEUE && !is_atomic(task))
        return lu->atomic;
    return lu->exclusive || (lu->running && (is_atomic(task) || task->attribute == SCSI_ORDERED));
}

static void start_waiting(struct scsi_lu *lu)
{
    while (lu->waiting && !must_wait(lu, lu->waiting)) {
        struct scsi_task *task = lu->waiting;
        lu->waiting = task->next;
        if (!lu->waiting)
            lu->waiting_end = &lu->waiting;
        run(task);
    }
}

void scsi_end(struct scsi_task *task, enum scsi_status status)
{
    struct scsi_lu *lu = task->nexus->lu;
    bool started = task->started;
    task->status = (u8)status;
    free(task->buffer);
    task->buffer = NULL;
    if (started) {
        unlink_task(task);
        task->started = false;
        lu->running--;
        if (task->alone)
            lu->exclusive = lu->atomic = false;
    }
    task->done(task);
    if (started)
        start_waiting(lu);
    if (started && lu->changing && !lu->running)
        scsi_settle_medium(lu);
}

void scsi_good(struct scsi_task *task)
{
    scsi_end(task, SCSI_GOOD);
}

void scsi_fail(struct scsi_task *task, enum scsi_sense sense)
{
    scsi_make_sense(task->sense, sense);
    task->sense_size = SCSI_SENSE_SIZE;
    task->in_size = 0;
    scsi_end(task, SCSI_CHECK_CONDITION);
}

void scsi_fail_at(struct scsi_task *task, enum scsi_sense sense, u64 lba)
{
    scsi_make_sense(task->sense, sense);
    if (lba <= ~0u) { // else it has no place in this format
        task->sense[0] |= 0x80;
        store_be32(task->sense + 3, (u32)lba);
    }
    task->sense_size = SCSI_SENSE_SIZE;
    task->in_size = 0;
    scsi_end(task, SCSI_CHECK_CONDITION);
}

void scsi_fail_store(struct scsi_task *task, int err, u64 lba)
{
    struct scsi_lu *lu = task->nexus->lu;
    bool writes = task->command->flags & COMMAND_WRITES, full = err == -ENOSPC || err == -EDQUOT;
    if (lu->event)
        lu->event(lu, full ? SCSI_EVENT_NO_SPACE : SCSI_EVENT_ERROR, err);
    if (full)
        scsi_fail(task, SENSE_NO_SPACE);
    else if (err == -EROFS || err == -EPERM)
        scsi_fail(task, SENSE_PROTECTED);
    else if (err == -ENOMEM)
        scsi_fail(task, SENSE_TARGET_FAILURE);
    else
        scsi_fail_at(task, writes ? SENSE_WRITE_ERROR : SENSE_READ_ERROR, lba);
}

void scsi_reply(struct scsi_task *task, const void *data, size_t size, u64 allocated)
{
    task->in_size = (u32)MIN(MIN(size, allocated), task->in_max);
    if (task->in_size)
        memcpy(task->data, data, task->in_size);
    scsi_good(task);
}

u32 scsi_take(const struct scsi_task *task, void *to, u32 max)
{
    u32 size = MIN(task->out_size, max);
    if (size)
        memcpy(to, task->data, size);
    return size;
}

struct scsi_lu *scsi_lu_new(struct store *store, bool optical)
{
    struct scsi_lu *lu = calloc(1, sizeof(*lu));
    if (!lu)
        return NULL;
    lu->store = store;
    lu->block = optical ? SCSI_SECTOR : SCSI_BLOCK;
    lu->optical = optical;
    lu->write_cache = true;
    lu->waiting_end = &lu->waiting;
    if (!store)
        return lu;
    lu->blocks = store->size / lu->block;
    memcpy(lu->identity, store->identity, sizeof(lu->identity));
    scsi_load_registrations(lu);
    return lu;
}

void scsi_lu_free(struct scsi_lu *lu)
{
    if (!lu)
        return;
    if (lu->store)
        lu->store->ops->close(lu->store);
    free(lu);
}

void scsi_lu_resized(struct scsi_lu *lu)
{
    lu->blocks = lu->store->size / lu->block;
    scsi_attention(lu, NULL, ATTENTION_CAPACITY);
}

void scsi_nexus_init(struct scsi_nexus *nexus, u64 initiator, struct scsi_lu *lu)
{
    *nexus = (struct scsi_nexus){.initiator = initiator, .lu = lu, .attention = ATTENTION_POWER_ON};
    if (!lu)
        return;
    nexus->next = lu->nexuses;
    lu->nexuses = nexus;
}

void scsi_nexus_fini(struct scsi_nexus *nexus)
{
    struct scsi_nexus **p = nexus->lu ? &nexus->lu->nexuses : NULL;
    while (p && *p != nexus)
        p = &(*p)->next;
    if (p)
        *p = nexus->next;
}

void scsi_nexus_reset(struct scsi_nexus *nexus)
{
    struct scsi_lu *lu = nexus->lu;
    if (!nexus->attention)
        nexus->attention = ATTENTION_NEXUS_LOSS;
    if (lu && lu->reserved_by == nexus->initiator)
        lu->reserved_by = 0;
    if (lu)
        lu->stopped = false;
    nexus->locks = false;
}

void scsi_nexus_attention(struct scsi_nexus *nexus, u16 attention)
{
    if ((nexus->attention >> 8) != 0x29) // a reset says it all
        nexus->attention = attention;
}

void scsi_attention(struct scsi_lu *lu, const struct scsi_nexus *except, u16 attention)
{
    for (struct scsi_nexus *n = lu->nexuses; n; n = n->next) {
        if (n != except)
            scsi_nexus_attention(n, attention);
    }
}

// Why a command does not run now: with its status and sense. true: it has ended.
static bool refuse(struct scsi_task *task)
{
    struct scsi_nexus *nexus = task->nexus;
    struct scsi_lu *lu = nexus->lu;
    task->command = scsi_find_command(lu, task->cdb);
    u8 flags = task->command ? task->command->flags : 0;
    bool early = flags & COMMAND_EARLY;
    enum scsi_sense sense = SENSE_NONE;
    if (!lu && !(flags & COMMAND_ABSENT)) {
        sense = SENSE_UNIT;
    } else if (lu && !early && nexus->attention) {
        sense = SENSE(6, 0, 0) | nexus->attention;
        nexus->attention = 0;
    } else if (!task->command) {
        // An operation with other service actions than this one.
        bool known = false;
        for (unsigned i = 0; i < scsi_commands_len; i++)
            known |= scsi_commands[i].opcode == task->cdb[0] && scsi_has_command(lu, &scsi_commands[i]);
        sense = known ? SENSE_CDB : SENSE_OPCODE;
    } else if (lu && scsi_conflicts(task)) {
        scsi_end(task, SCSI_RESERVATION_CONFLICT);
        return true;
    } else {
        for (unsigned i = 1; i < task->command->size && !sense; i++)
            sense = task->cdb[i] & ~task->command->usage[i] ? SENSE_CDB : SENSE_NONE;
        if (!sense && flags & COMMAND_MEDIUM && (!lu->store || lu->changing))
            sense = SENSE_NO_MEDIUM;
        if (!sense && flags & COMMAND_MEDIUM && lu->stopped)
            sense = SENSE_STOPPED;
        if (!sense && flags & COMMAND_WRITES && lu->store->read_only)
            sense = SENSE_PROTECTED;
    }
    if (sense)
        scsi_fail(task, sense);
    return sense;
}

void scsi_start(struct scsi_task *task)
{
    struct scsi_lu *lu = task->nexus->lu;
    task->status = task->sense_size = 0;
    task->in_size = 0;
    task->buffer = NULL;
    task->started = task->aborted = false;
    if (refuse(task))
        return;
    if (!lu) {
        task->command->run(task);
    } else if (task->attribute == SCSI_HEAD_OF_QUEUE && must_wait(lu, task)) {
        task->next = lu->waiting;
        lu->waiting = task;
        if (!task->next)
            lu->waiting_end = &task->next;
    } else if (task->attribute != SCSI_HEAD_OF_QUEUE && (lu->waiting || must_wait(lu, task))) {
        task->next = NULL;
        *lu->waiting_end = task;
        lu->waiting_end = &task->next;
    } else {
        run(task);
    }
}

// A task that waits has not begun: it can go.
static bool take_from_waiting(struct scsi_lu *lu, struct scsi_task *task)
{
    struct scsi_task **p = &lu->waiting;
    while (*p && *p != task)
        p = &(*p)->next;
    if (!*p)
        return false;
    *p = task->next;
    if (!*p)
        lu->waiting_end = p;
    return true;
}

void scsi_abort(struct scsi_task *task)
{
    struct scsi_lu *lu = task->nexus->lu;
    task->aborted = true;
    if (lu && take_from_waiting(lu, task)) {
        task->done(task);
        start_waiting(lu);
    }
}

void scsi_abort_others(struct scsi_lu *lu, const struct scsi_nexus *except, u64 initiator)
{
    // Those that run end by themselves, soon; their initiators see them end as if just before this.
    for (struct scsi_task *t = lu->waiting, *next; t; t = next) {
        next = t->next;
        if (t->nexus == except || (initiator && t->nexus->initiator != initiator) || !take_from_waiting(lu, t))
            continue;
        t->status = SCSI_TASK_ABORTED;
        t->done(t);
    }
}

void scsi_clear(struct scsi_nexus *nexus)
{
    if (nexus->lu)
        scsi_abort_others(nexus->lu, nexus, 0);
}

void scsi_lu_reset(struct scsi_nexus *nexus)
{
    struct scsi_lu *lu = nexus->lu;
    if (!lu)
        return;
    scsi_abort_others(lu, nexus, 0);
    lu->reserved_by = 0;
    lu->stopped = false;
    lu->write_cache = true;
    scsi_attention(lu, nexus, ATTENTION_RESET);
}
