// SPDX-License-Identifier: Apache-2.0
// Optical drives: media that come and go, and what MMC-6 asks of a drive that reads CDs and DVDs of one data track.
#include <string.h>

#include "vios/scsi/command.h"

#define CD_SECTORS_MAX (80u * 60 * 75) // more than these are a DVD
#define LEAD_OUT       0xaau
#define DATA_TRACK     0x14u // ADR 1; data, recorded without interruption

// MMC-6 "Media event"
enum scsi_media_event { MEDIA_NOTHING, MEDIA_EJECT_REQUEST, MEDIA_NEW, MEDIA_REMOVAL };
enum profile { PROFILE_NONE = 0x0000, PROFILE_CD = 0x0008, PROFILE_DVD = 0x0010 };

static bool has_medium(const struct scsi_lu *lu)
{
    return lu->store && !lu->changing;
}

static enum profile profile_of(const struct scsi_lu *lu)
{
    return !has_medium(lu) ? PROFILE_NONE : lu->blocks > CD_SECTORS_MAX ? PROFILE_DVD : PROFILE_CD;
}

static void put_media_event(struct scsi_lu *lu, enum scsi_media_event event)
{
    for (struct scsi_nexus *n = lu->nexuses; n; n = n->next)
        n->media_event = event;
}

bool scsi_locked(const struct scsi_lu *lu)
{
    for (const struct scsi_nexus *n = lu->nexuses; n; n = n->next) {
        if (n->locks)
            return true;
    }
    return false;
}

void scsi_ask_to_eject(struct scsi_lu *lu)
{
    put_media_event(lu, MEDIA_EJECT_REQUEST);
}

void scsi_settle_medium(struct scsi_lu *lu)
{
    if (lu->store)
        lu->store->ops->close(lu->store);
    lu->store = lu->next_store;
    lu->next_store = NULL;
    lu->changing = lu->stopped = false;
    lu->blocks = lu->store ? lu->store->size / lu->block : 0;
    for (struct scsi_nexus *n = lu->nexuses; n; n = n->next)
        n->locks = false;
    put_media_event(lu, lu->store ? MEDIA_NEW : MEDIA_REMOVAL);
    if (lu->store)
        scsi_attention(lu, NULL, ATTENTION_MEDIUM);
    if (lu->changed)
        lu->changed(lu->changed_arg);
}

void scsi_change_medium(struct scsi_lu *lu, struct store *store, void (*changed)(void *arg), void *arg)
{
    lu->changing = true;
    lu->next_store = store;
    lu->changed = changed;
    lu->changed_arg = arg;
    if (!lu->running)
        scsi_settle_medium(lu);
}

static void ejected(void *arg)
{
    struct scsi_lu *lu = arg;
    if (lu->event)
        lu->event(lu, SCSI_EVENT_EJECTED, 0);
}

// The tray has no door that stays open: an ejected medium is gone, and only the administrator has others.
void scsi_start_stop_optical(struct scsi_task *task, bool start, bool load)
{
    struct scsi_lu *lu = task->nexus->lu;
    if (load && !start && scsi_locked(lu)) {
        scsi_fail(task, SENSE_LOCKED);
        return;
    }
    if (load && !start && has_medium(lu))
        scsi_change_medium(lu, NULL, ejected, lu); // once this task is over
    else if (!load || has_medium(lu))
        lu->stopped = !start;
    scsi_good(task);
}

void scsi_run_prevent(struct scsi_task *task)
{
    task->nexus->locks = task->cdb[4] & 1;
    scsi_good(task);
}

void scsi_run_nothing(struct scsi_task *task)
{
    scsi_good(task);
}

// An address in a table of contents: logical, or minutes, seconds and frames from two seconds before the first block.
static void put_address(u8 *d, u32 lba, bool msf)
{
    u32 frame = lba + 150;
    if (msf)
        memcpy(d, (const u8[]){0, (u8)MIN(frame / 75 / 60, 255u), (u8)(frame / 75 % 60), (u8)(frame % 75)}, 4);
    else
        store_be32(d, lba);
}

static u32 end_of(const struct scsi_lu *lu)
{
    return (u32)MIN(lu->blocks, 0xffffffffull);
}

// Formats 0 (tracks) and 1 (sessions): one session of one track. What drives before MMC-2 took from the last byte is honoured.
void scsi_run_read_toc(struct scsi_task *task)
{
    const struct scsi_lu *lu = task->nexus->lu;
    bool msf = task->cdb[1] & 2;
    u8 format = task->cdb[2] & 15 ? task->cdb[2] & 15 : task->cdb[9] >> 6, first = task->cdb[6];
    u8 d[20] = {0, 0, 1, 1};
    u32 len = 4;
    if (format > 1 || (!format && first > 1 && first != LEAD_OUT)) {
        scsi_fail(task, SENSE_CDB);
        return;
    }
    if (format || first <= 1) {
        memcpy(d + len, (const u8[]){0, DATA_TRACK, 1, 0}, 4);
        put_address(d + len + 4, 0, msf);
        len += 8;
    }
    if (!format) {
        memcpy(d + len, (const u8[]){0, DATA_TRACK, LEAD_OUT, 0}, 4);
        put_address(d + len + 4, end_of(lu), msf);
        len += 8;
    }
    store_be16(d, (u16)(len - 2));
    scsi_reply(task, d, len, load_be16(task->cdb + 7));
}

// MMC-6 "Features". 'current' where the medium decides.
static const struct {
    u16 code;
    u8 version, persistent, size;
    u16 profile; // current with a medium of this profile; PROFILE_NONE: always; ANY_MEDIUM: with any
    u8 data[8];
} features[] = {
#define ANY_MEDIUM 0xffffu
    {0x0001, 2, 1, 8, PROFILE_NONE, {0, 0, 0, 0x01, 0x01}},        // core: SCSI; device busy events
    {0x0003, 0, 1, 4, PROFILE_NONE, {0x29}},                       // removable medium: tray, ejects, can be locked
    {0x0010, 0, 0, 8, ANY_MEDIUM, {0, 0, 0x08, 0, 0, 0x01, 0, 0}}, // random reads of 2048 bytes
    {0x001e, 2, 0, 4, PROFILE_CD, {0}},                            // CD reading
    {0x001f, 0, 0, 0, PROFILE_DVD, {0}},                           // DVD reading
};

static bool is_current(u16 wants, enum profile profile)
{
    return wants == PROFILE_NONE || (wants == ANY_MEDIUM ? profile != PROFILE_NONE : wants == profile);
}

static u32 put_profiles(u8 *d, enum profile profile)
{
    static const u16 list[] = {PROFILE_DVD, PROFILE_CD};
    memcpy(d, (const u8[]){0, 0, 0x03, 4 * ARRAY_LEN(list)}, 4); // feature 0: current, persistent
    for (unsigned i = 0; i < ARRAY_LEN(list); i++) {
        store_be16(d + 4 + 4 * i, list[i]);
        d[6 + 4 * i] = list[i] == profile;
        d[7 + 4 * i] = 0;
    }
    return 4 + 4 * ARRAY_LEN(list);
}

// RT 0: all features from the named one on; 1: those of them that are current; 2: that one.
void scsi_run_configuration(struct scsi_task *task)
{
    enum profile profile = profile_of(task->nexus->lu);
    u8 which = task->cdb[1] & 3, d[96] = {0};
    u16 first = load_be16(task->cdb + 2);
    u32 len = 8;
    if (which == 3) {
        scsi_fail(task, SENSE_CDB);
        return;
    }
    if (!first)
        len += put_profiles(d + len, profile);
    for (unsigned i = 0; i < ARRAY_LEN(features); i++) {
        bool current = is_current(features[i].profile, profile);
        if (which == 2 ? features[i].code != first : features[i].code < first || (which == 1 && !current))
            continue;
        store_be16(d + len, features[i].code);
        d[len + 2] = (u8)(features[i].version << 2 | features[i].persistent << 1 | current);
        d[len + 3] = features[i].size;
        memcpy(d + len + 4, features[i].data, features[i].size);
        len += 4u + features[i].size;
    }
    store_be32(d, len - 4);
    store_be16(d + 6, (u16)profile);
    scsi_reply(task, d, len, load_be16(task->cdb + 7));
}

// One event at a time, of the class "media"; polled.
void scsi_run_event_status(struct scsi_task *task)
{
    struct scsi_nexus *nexus = task->nexus;
    bool wanted = task->cdb[4] & 0x10;
    u8 d[8] = {0, wanted ? 6 : 2, wanted ? 0x04 : 0x80, 0x10};
    if (!(task->cdb[1] & 1)) { // to be told later
        scsi_fail(task, SENSE_CDB);
        return;
    }
    d[4] = nexus->media_event;
    d[5] = has_medium(nexus->lu) ? 0x02 : 0;
    if (wanted && load_be16(task->cdb + 7) > 4)
        nexus->media_event = MEDIA_NOTHING;
    scsi_reply(task, d, wanted ? 8 : 4, load_be16(task->cdb + 7));
}

void scsi_run_disc_information(struct scsi_task *task)
{
    u8 d[34] = {0, 32, 0x0e, 1, 1, 1, 1, 0x20}; // complete; one session, one track; for unrestricted use
    if (task->cdb[1] & 7) {
        scsi_fail(task, SENSE_CDB);
        return;
    }
    memset(d + 16, 0xff, 8); // no place to go on writing at
    scsi_reply(task, d, sizeof(d), load_be16(task->cdb + 7));
}

// By a block of it, by its number, or by its session's.
void scsi_run_track_information(struct scsi_task *task)
{
    const struct scsi_lu *lu = task->nexus->lu;
    u32 what = load_be32(task->cdb + 2);
    bool by_block = (task->cdb[1] & 3) == 0;
    u8 d[36] = {0, 34, 1, 1, 0, 0x04, 0x01}; // data, mode 1
    if ((task->cdb[1] & 3) == 3 || (by_block ? what >= lu->blocks : what != 1)) {
        scsi_fail(task, by_block ? SENSE_RANGE : SENSE_CDB);
        return;
    }
    store_be32(d + 24, end_of(lu));
    scsi_reply(task, d, sizeof(d), load_be16(task->cdb + 7));
}

void scsi_run_mechanism_status(struct scsi_task *task)
{
    scsi_reply(task, (const u8[8]){0}, 8, load_be16(task->cdb + 8));
}

// User data of the track's blocks is all that there is.
void scsi_run_read_cd(struct scsi_task *task)
{
    u8 type = task->cdb[1] >> 2 & 7;
    task->lba = load_be32(task->cdb + 2);
    task->blocks = load_be32(task->cdb + 5) & 0xffffff;
    if (!task->blocks || !(task->cdb[9] | task->cdb[10]))
        scsi_good(task);
    else if (!scsi_in_range(task))
        scsi_fail(task, SENSE_RANGE);
    else if ((type && type != 2) || task->cdb[9] != 0x10 || task->cdb[10])
        scsi_fail(task, SENSE_TRACK_MODE);
    else if (task->blocks * SCSI_SECTOR > MIN(task->in_max, SCSI_TRANSFER_MAX))
        scsi_fail(task, SENSE_CDB);
    else
        scsi_transfer(task, STORE_READ, false);
}
