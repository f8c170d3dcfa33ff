// SPDX-License-Identifier: Apache-2.0
//
// The course of a request: an element arrives with its information unit. The unit tells where the data is: its descriptors are in the unit, came along, or are fetched
// (FETCH_TABLE). What the initiator sends came along, or is fetched into the data area (FETCH_DATA), then the target runs the command (RUN), and one message brings data, response and
// element back (SENT, until the client's side has copied, where there was data). Where one of two commands is ordered they reach the target as they came, though the first one's
// data may take longer (HOLD).
//
// The end of a session frees at once whatever waits for the client's side, which does not touch the data area for that session any more. Commands under way
// keep their place until they are over, and no request of a later session begins before: an old write does not come after a new one.
#include "vios/srp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "proto/vio/srp_wire.h"
#include "proto/vio/vscsi.h"
#include "vios/area.h"

#define REQUESTS           144u // places
#define LIMIT              128u // of which the initiator may use as many; the others are for datagrams and task management
#define DATA_MAX           (4 * MIB) // of one request
#define PLACES             32u       // for data that comes along with its command
#define PLACE_SIZE         (64 * KIB)
#define LARGE              (256 * KIB) // of a transfer for which large pages are worth while
#define HEADER_INITIALISE  0xc001000000000000ull
#define HEADER_INITIALISED 0xc002000000000000ull

enum step { FREE, WAIT_ROOM, FETCH_TABLE, FETCH_DATA, FETCH_MAD, HOLD, RUN, SENT };

struct request {
    struct srp_port *port;
    enum step step, next_step; // next_step: of WAIT_ROOM
    u8 iu[VSCSI_IU_MAX];
    u32 iu_size;
    u8 element[16];
    u64 iu_ioba;
    u64 area, area_size;            // in the data area; AREA_NONE. Size 0: not to be given back
    u32 place, place_size;          // where the data is that came along, and how much; 0: none did
    const u8 *table;                // the table that came along, shared, while the request starts
    struct vscsi_segment *segments; // [VSCSI_SEGMENTS_MAX]
    u32 segments_len;
    bool writes;
    u32 size;       // of the data
    u64 table_ioba; // FETCH_TABLE
    u32 table_size;
    struct scsi_task task;
    u64 number;              // of commands, as they came
    bool ordered;            // counted in the port's `ordered`
    bool aborted;            // the initiator does not wait for it
    struct request *manager; // task management that waits for its end
    u32 waits_for;           // as a manager: how many it waits for
};

// A unit that goes away: when no request knows it any more.
struct removal {
    bool wanted;
    void (*removed)(void *arg);
    void *arg;
};

struct srp_port {
    struct loop_source source;
    bool closing;
    void (*closed)(void *arg);
    void *closed_arg;
    unsigned removals_len; // that are wanted
    struct removal removals[SRP_TARGETS_MAX];
    struct ring *ring;
    u32 session; // 0: none
    bool logged_in;
    char name[32];
    struct vscsi_segment *segments; // of all requests
    u64 initiator;
    struct area area;
    struct vscsi_grant grant;
    u32 running;  // commands that the target has
    u64 commands; // that came
    u32 ordered;  // requests that are
    bool held;    // some request waits for an earlier one
    bool nudged;  // a nudge is on its way
    bool starved; // some request waits for room
    bool blocked; // a session waits for the ends of an earlier one's commands
    struct scsi_nexus targets[SRP_TARGETS_MAX];
    struct scsi_nexus absent; // at any place where there is nothing
    struct request requests[REQUESTS];
};

static u8 *area_of(const struct request *r)
{
    return (u8 *)ring_data(r->port->ring) + r->area;
}

static struct vscsi_header header(const struct srp_port *port, enum vscsi_type type)
{
    return (struct vscsi_header){.type = (u16)type, .version = VSCSI_VERSION, .session = port->session};
}

static u32 id_of(const struct request *r)
{
    return (u32)(r - r->port->requests);
}

// The link's ring has room for everything that the places of requests can send; a client's side that does not take it is gone, or wants nothing.
static void *reserve(struct srp_port *port, u32 size)
{
    return ring_reserve(port->ring, size);
}

static void release(struct request *r)
{
    struct srp_port *port = r->port;
    struct vscsi_return *m = r->place ? reserve(port, sizeof(*m)) : NULL;
    if (m) { // there was no answer to give the place back
        *m = (struct vscsi_return){.header = header(port, VSCSI_RETURN), .place = r->place};
        ring_commit(port->ring, sizeof(*m));
    }
    if (r->area != AREA_NONE && r->area_size)
        area_give(&port->area, r->area, r->area_size);
    port->ordered -= r->ordered;
    r->ordered = false;
    r->area = AREA_NONE;
    r->place = 0;
    r->step = FREE;
}

static void send_element(struct srp_port *port, u64 high, u64 low)
{
    struct vscsi_send *m = reserve(port, sizeof(*m));
    if (!m)
        return;
    *m = (struct vscsi_send){.header = header(port, VSCSI_SEND)};
    store_be64(m->element, high);
    store_be64(m->element + 8, low);
    ring_commit(port->ring, sizeof(*m));
}

// Data, unit and element go to the client; the request is over when nothing remains in the data area.
static void send_answer(struct request *r, const u8 *iu, u32 iu_size, u32 data_size, u8 status)
{
    struct srp_port *port = r->port;
    u32 len = 0, left = data_size;
    while (left && len < r->segments_len)
        left -= MIN(left, r->segments[len++].size);
    struct vscsi_send *m = reserve(port, (u32)(sizeof(*m) + len * sizeof(m->segments[0])));
    if (m) {
        *m = (struct vscsi_send){.header = header(port, VSCSI_SEND),
                                 .id = id_of(r),
                                 .segments_len = len,
                                 .offset = r->area == AREA_NONE ? 0 : r->area,
                                 .iu_ioba = r->iu_ioba,
                                 .iu_size = iu_size,
                                 .place = r->place};
        r->place = 0;
        memcpy(m->iu, iu, iu_size);
        m->element[ELEMENT_HEADER] = 0x80;
        m->element[ELEMENT_FORMAT] = r->element[ELEMENT_FORMAT];
        m->element[ELEMENT_STATUS] = status;
        store_be16(m->element + ELEMENT_LENGTH, (u16)iu_size);
        memcpy(m->element + ELEMENT_WORD, r->iu + SRP_TAG, 8);
        left = data_size;
        for (u32 i = 0; i < len; i++) {
            m->segments[i] = r->segments[i];
            m->segments[i].size = MIN(left, m->segments[i].size);
            left -= m->segments[i].size;
        }
        ring_commit(port->ring, (u32)(sizeof(*m) + len * sizeof(m->segments[0])));
    }
    if (m && len)
        r->step = SENT;
    else
        release(r);
}

// The part that all responses have.
static void start_response(const struct request *r, u8 *iu, u8 opcode)
{
    memset(iu, 0, VSCSI_IU_MAX);
    iu[0] = opcode;
    store_be32(iu + RSP_LIMIT, 1);
    memcpy(iu + SRP_TAG, r->iu + SRP_TAG, 8);
}

static void finish_manager(struct request *manager);

// A request that nobody waits for is over.
static void end_aborted(struct request *r)
{
    struct request *manager = r->manager;
    r->manager = NULL;
    release(r);
    if (manager && --manager->waits_for == 0)
        finish_manager(manager);
}

// Of a command. What was not transferred of what the initiator offered is told twice: as "underflow", which it is, and as "overflow", as Linux's client looks for
// it there only.
static void respond(struct request *r)
{
    const struct scsi_task *task = &r->task;
    u8 iu[VSCSI_IU_MAX];
    start_response(r, iu, SRP_RSP);
    u32 moved = r->writes ? (task->status == SCSI_GOOD ? r->size : 0) : task->in_size,
        left = r->size - MIN(moved, r->size);
    iu[RSP_STATUS] = task->status;
    if (left && r->writes)
        iu[RSP_FLAGS] |= RSP_OUT_OVER | RSP_OUT_UNDER;
    else if (left)
        iu[RSP_FLAGS] |= RSP_IN_OVER | RSP_IN_UNDER;
    store_be32(iu + (r->writes ? RSP_OUT_LEFT : RSP_IN_LEFT), left);
    if (task->sense_size) {
        iu[RSP_FLAGS] |= RSP_SENSE;
        store_be32(iu + RSP_SENSE_SIZE, task->sense_size);
        memcpy(iu + RSP_SIZE, task->sense, task->sense_size);
    }
    send_answer(r, iu, RSP_SIZE + task->sense_size, r->writes ? 0 : task->in_size, 0);
}

static void command_done(struct scsi_task *task)
{
    struct request *r = container_of(task, struct request, task);
    r->port->running--;
    if (r->aborted)
        end_aborted(r);
    else
        respond(r);
}

static bool is_command(const struct request *r)
{
    return r->element[ELEMENT_FORMAT] == FORMAT_SRP && r->iu[0] == SRP_CMD;
}

// Whether one that came earlier is to reach the unit first, and has not.
static bool must_hold(const struct request *r)
{
    const struct srp_port *port = r->port;
    for (u32 i = 0; port->ordered && r->task.attribute != SCSI_HEAD_OF_QUEUE && i < REQUESTS; i++) {
        const struct request *other = &port->requests[i];
        if (other->step != FREE && other->step != RUN && other->step != SENT && is_command(other) &&
            other->number < r->number && other->task.nexus == r->task.nexus && !other->aborted &&
            other->task.attribute != SCSI_HEAD_OF_QUEUE && (r->ordered || other->ordered))
            return true;
    }
    return false;
}

static void run_command(struct request *r)
{
    if (must_hold(r)) {
        r->step = HOLD;
        r->port->held = true;
        return;
    }
    r->step = RUN;
    r->port->running++;
    r->task.data = r->area == AREA_NONE ? NULL : area_of(r);
    r->task.out_size = r->writes ? r->size : 0;
    r->task.in_max = r->writes ? 0 : r->size;
    r->task.done = command_done;
    scsi_start(&r->task);
}

// Ends a command that cannot run with CHECK CONDITION, ILLEGAL REQUEST, INVALID FIELD IN COMMAND INFORMATION UNIT.
static void refuse(struct request *r)
{
    r->task.status = SCSI_CHECK_CONDITION;
    r->task.in_size = 0;
    r->task.sense_size = SCSI_SENSE_SIZE;
    memset(r->task.sense, 0, SCSI_SENSE_SIZE);
    r->task.sense[0] = 0x70;
    r->task.sense[2] = 5;
    r->task.sense[7] = SCSI_SENSE_SIZE - 8;
    r->task.sense[12] = 0x0e;
    r->task.sense[13] = 0x03;
    respond(r);
}

static bool take_area(struct request *r, u64 size)
{
    r->area = area_take(&r->port->area, size);
    r->area_size = size;
    if (r->area != AREA_NONE && size >= LARGE)
        ring_enlarge_data(r->port->ring, r->area, size);
    return r->area != AREA_NONE;
}

// Asks for `len` segments; the answer comes as VSCSI_COPIED.
static void fetch(struct request *r, enum step step, const struct vscsi_segment *segments, u32 len)
{
    struct srp_port *port = r->port;
    u32 size = (u32)(sizeof(struct vscsi_copy) + len * sizeof(*segments));
    struct vscsi_copy *m = reserve(port, size);
    r->step = step;
    if (!m)
        return; // the client's side takes nothing: it is gone
    *m =
        (struct vscsi_copy){.header = header(port, VSCSI_COPY), .id = id_of(r), .segments_len = len, .offset = r->area};
    memcpy(m->segments, segments, len * sizeof(*segments));
    ring_commit(port->ring, size);
}

// Takes room for what the step needs and begins it; without room it waits.
static void begin(struct request *r, enum step step)
{
    u64 size = step == FETCH_TABLE ? r->table_size : step == FETCH_MAD ? CAPS_MAX : r->size;
    if (size && !take_area(r, size)) {
        r->step = WAIT_ROOM;
        r->next_step = step;
        r->port->starved = true;
        return;
    }
    if (step == FETCH_TABLE)
        fetch(r, step, &(struct vscsi_segment){.ioba = r->table_ioba, .size = r->table_size}, 1);
    else if (step == FETCH_DATA || step == FETCH_MAD)
        fetch(r, step, r->segments, r->segments_len);
    else
        run_command(r);
}

// Those whose time has come, the earliest first.
static void retry_held(struct srp_port *port)
{
    struct request *next;
    do {
        next = NULL;
        port->held = false;
        for (u32 i = 0; i < REQUESTS; i++) {
            struct request *r = &port->requests[i];
            port->held |= r->step == HOLD;
            if (r->step == HOLD && (!next || r->number < next->number) && !must_hold(r))
                next = r;
        }
        if (next)
            run_command(next);
    } while (next);
}

static void retry_waiting(struct srp_port *port)
{
    port->starved = false;
    for (u32 i = 0; i < REQUESTS; i++) {
        if (port->requests[i].step == WAIT_ROOM)
            begin(&port->requests[i], port->requests[i].next_step);
    }
    // Answers that give room back have no bell of their own.
    if (!port->starved || port->nudged)
        return;
    struct vscsi_header *m = reserve(port, sizeof(*m));
    if (!m)
        return;
    *m = header(port, VSCSI_NUDGE);
    ring_commit(port->ring, sizeof(*m));
    port->nudged = true;
}

// Descriptors become segments. false: there are too many, or too much data.
static bool take_descriptors(struct request *r, const u8 *descriptors, u32 len)
{
    u64 sum = 0;
    if (len > VSCSI_SEGMENTS_MAX)
        return false;
    r->segments_len = 0;
    for (u32 i = 0; i < len; i++) {
        const u8 *d = descriptors + i * DESCRIPTOR_SIZE;
        u32 size = load_be32(d + 12);
        sum += size;
        if (size)
            r->segments[r->segments_len++] = (struct vscsi_segment){.ioba = load_be64(d), .size = size};
    }
    r->size = (u32)MIN(sum, DATA_MAX + 1);
    return sum <= DATA_MAX;
}

// What the unit says of the data, and what is to be done next. false: it is no unit.
static bool parse_buffers(struct request *r, enum step *next)
{
    struct srp_buffers b;
    u8 table[VSCSI_TABLE_MAX]; // copied: the client's side can still change it
    r->size = r->segments_len = 0;
    *next = RUN;
    if (!srp_buffers(r->iu, r->iu_size, &b))
        return false;
    r->writes = b.out;
    if (!b.out && !b.in)
        return true;
    *next = b.out ? FETCH_DATA : RUN;
    if (!b.descriptors && r->table && r->table_size == b.table_size) {
        memcpy(table, r->table, b.table_size);
        b.descriptors = table;
    }
    if (b.descriptors)
        return take_descriptors(r, b.descriptors, b.len);
    r->table_ioba = b.table;
    r->table_size = b.table_size;
    *next = FETCH_TABLE;
    return r->table_size <= VSCSI_TABLE_MAX;
}

// LUN addressing as clients use it: flags, target (6 bits), bus (3 bits), unit (5 bits); one unit on each target of bus 0. SAM-5 "logical unit addressing method".
static struct scsi_nexus *find_nexus(struct srp_port *port, const u8 *lun)
{
    u16 word = load_be16(lun);
    u32 target = word >> 8 & 63;
    bool there = port->targets[target].lu && !port->removals[target].wanted;
    return (word & 0xff) || !there ? &port->absent : &port->targets[target];
}

// The data came along.
static void run_in_place(struct request *r)
{
    const struct vscsi_grant *grant = &r->port->grant;
    r->area = grant->offset + (u64)(r->place - 1) * grant->size;
    r->area_size = 0;
    run_command(r);
}

static void start_command(struct request *r)
{
    enum step next;
    memset(&r->task, 0, sizeof(r->task));
    r->task.nexus = find_nexus(r->port, r->iu + CMD_LUN);
    memcpy(r->task.cdb, r->iu + CMD_CDB, SCSI_CDB_MAX);
    r->task.attribute = r->iu[CMD_ATTRIBUTE] & 7;
    r->number = ++r->port->commands;
    if (r->iu_size < CMD_SIZE || !r->port->logged_in || r->task.attribute > SCSI_ORDERED || !parse_buffers(r, &next)) {
        refuse(r);
        return;
    }
    r->ordered = r->task.attribute == SCSI_ORDERED;
    r->port->ordered += r->ordered;
    if (!r->segments_len && next != FETCH_TABLE)
        run_command(r);
    else if (next == FETCH_DATA && r->place && r->place_size == r->size)
        run_in_place(r);
    else
        begin(r, next);
}

static void table_fetched(struct request *r)
{
    u8 table[VSCSI_TABLE_MAX]; // copied: the client's side can still change it
    u32 size = r->table_size;
    memcpy(table, area_of(r), size);
    area_give(&r->port->area, r->area, r->area_size);
    r->area = AREA_NONE;
    if (!take_descriptors(r, table, size / DESCRIPTOR_SIZE))
        refuse(r);
    else if (!r->segments_len)
        run_command(r);
    else
        begin(r, r->writes ? FETCH_DATA : RUN);
}

static void login(struct request *r)
{
    struct srp_port *port = r->port;
    u8 iu[VSCSI_IU_MAX];
    u32 size = load_be32(r->iu + LOGIN_IU_SIZE);
    u16 formats = load_be16(r->iu + LOGIN_FORMATS);
    u32 reason = size > VSCSI_IU_MAX || size < CMD_SIZE                                    ? REJ_IU_TOO_LARGE
                 : r->iu_size < LOGIN_SIZE || formats & ~(FORMAT_DIRECT | FORMAT_INDIRECT) ? REJ_FORMATS
                                                                                           : 0;
    if (reason) {
        start_response(r, iu, SRP_LOGIN_REJ);
        store_be32(iu + LOGIN_REJ_REASON, reason);
        store_be16(iu + LOGIN_REJ_FORMATS, FORMAT_DIRECT | FORMAT_INDIRECT);
        send_answer(r, iu, LOGIN_REJ_SIZE, 0, 0);
        return;
    }
    for (u32 i = 0; i < SRP_TARGETS_MAX; i++) {
        if (port->targets[i].lu)
            scsi_nexus_reset(&port->targets[i]);
    }
    port->logged_in = true;
    start_response(r, iu, SRP_LOGIN_RSP);
    store_be32(iu + LOGIN_RSP_LIMIT, LIMIT);
    store_be32(iu + LOGIN_RSP_TO_SIZE, VSCSI_IU_MAX);
    store_be32(iu + LOGIN_RSP_SIZE_OF, VSCSI_IU_MAX);
    store_be16(iu + LOGIN_RSP_FORMATS, FORMAT_DIRECT | FORMAT_INDIRECT);
    send_answer(r, iu, LOGIN_RSP_SIZE, 0, 0);
}

static void respond_manager(struct request *r, u8 code)
{
    u8 iu[VSCSI_IU_MAX];
    start_response(r, iu, SRP_RSP);
    iu[RSP_FLAGS] = RSP_VALID;
    store_be32(iu + RSP_DATA_SIZE, 4);
    store_be32(iu + RSP_SIZE, code);
    send_answer(r, iu, RSP_SIZE + 4, 0, 0);
}

static void finish_manager(struct request *manager)
{
    respond_manager(manager, TASK_COMPLETE);
}

// Its answer is not wanted; `manager` is told when nothing touches its data any more.
static void abort_request(struct request *r, struct request *manager)
{
    r->aborted = true;
    r->manager = manager;
    manager->waits_for++;
    if (r->step == WAIT_ROOM || r->step == HOLD)
        end_aborted(r);
    else if (r->step == RUN)
        scsi_abort(&r->task);
}

static void manage_tasks(struct request *r)
{
    struct srp_port *port = r->port;
    u8 function = r->iu[TASK_FUNCTION];
    struct scsi_nexus *nexus = find_nexus(port, r->iu + TASK_LUN);
    bool known =
        function == ABORT_TASK || function == ABORT_TASK_SET || function == CLEAR_TASK_SET || function == LUN_RESET;
    if (r->iu_size < TASK_SIZE || !port->logged_in || !known || !nexus->lu) {
        respond_manager(r, known ? TASK_FAILED : TASK_UNSUPPORTED);
        return;
    }
    r->step = RUN;
    r->waits_for = 1; // itself, until all are found
    for (u32 i = 0; i < REQUESTS; i++) {
        struct request *other = &port->requests[i];
        bool command = other->step != FREE && other->step != SENT && is_command(other) && !other->aborted;
        if (command && other->task.nexus == nexus &&
            (function != ABORT_TASK || !memcmp(other->iu + SRP_TAG, r->iu + TASK_TAG, 8)))
            abort_request(other, r);
    }
    if (function == LUN_RESET)
        scsi_lu_reset(nexus);
    else if (function == CLEAR_TASK_SET)
        scsi_clear(nexus);
    if (--r->waits_for == 0)
        finish_manager(r);
}

static void answer_mad(struct request *r, u16 status, u32 data_size)
{
    u8 iu[VSCSI_IU_MAX];
    memcpy(iu, r->iu, VSCSI_IU_MAX);
    store_be16(iu + MAD_STATUS, status);
    send_answer(r, iu, MAX(r->iu_size, (u32)MAD_BUFFER), data_size, 0);
}

static u32 put_info(const struct srp_port *port, u8 *d, u32 size)
{
    u8 info[INFO_SIZE] = {0};
    memcpy(info + INFO_VERSION, "16.a", 5);
    snprintf((char *)info + INFO_PARTITION, 96, "vios");
    store_be32(info + INFO_NUMBER, 0);
    store_be32(info + INFO_MAD, 1);
    store_be32(info + INFO_OS, 3); // AIX, as every Virtual I/O Server says: clients then ask for capabilities
    for (u32 i = 0; i < 8; i++)
        store_be32(info + INFO_TRANSFER + 4 * i, SCSI_TRANSFER_MAX);
    size = MIN(size, INFO_SIZE);
    memcpy(d, info, size);
    return size;
}

// Says which of the client's capabilities the server has, too: reservations of SPC-2. Partitions with virtual SCSI that migrate are another issue's.
static u32 put_capabilities(const struct srp_port *port, u8 *shared, u32 size)
{
    u8 d[CAPS_MAX];
    memcpy(d, shared, size);
    store_be32(d + CAPS_FLAGS, load_be32(d + CAPS_FLAGS) & 0x4); // a list of capabilities is understood
    snprintf((char *)d + CAPS_NAME, 32, "%s", port->name);
    snprintf((char *)d + CAPS_LOCATION, 32, "%s", port->name);
    for (u32 at = CAPS_LIST; at + 8 <= size;) {
        u32 len = load_be16(d + at + 4);
        store_be16(d + at + 6, load_be32(d + at) == CAP_RESERVATION ? load_be16(d + at + 6) : 0);
        if (len < 8)
            break;
        at += len;
    }
    memcpy(shared, d, size);
    return size;
}

static void mad_fetched(struct request *r)
{
    u32 type = load_be32(r->iu + MAD_TYPE);
    u32 size = type == MAD_ADAPTER_INFO ? put_info(r->port, area_of(r), r->size)
                                        : put_capabilities(r->port, area_of(r), r->size);
    answer_mad(r, MAD_SUCCESS, size);
}

static void start_mad(struct request *r)
{
    u32 type = load_be32(r->iu + MAD_TYPE), length = load_be16(r->iu + MAD_LENGTH);
    bool fetches = type == MAD_ADAPTER_INFO || (type == MAD_CAPABILITIES && length >= CAPS_LIST);
    r->segments_len = r->size = 0;
    if (r->iu_size < MAD_BUFFER || type == MAD_ERROR_LOG || type == MAD_HOST_CONFIG || type == MAD_FAST_FAIL) {
        // Errors of the client's are its own; there is no configuration of this host to give.
        answer_mad(r,
                   type == MAD_HOST_CONFIG   ? MAD_UNSUPPORTED
                   : r->iu_size < MAD_BUFFER ? MAD_FAILED
                                             : MAD_SUCCESS,
                   0);
    } else if (type == MAD_EMPTY_IU) {
        release(r); // there is nothing to report that the client does not ask for
    } else if (!fetches || r->iu_size < MAD_SIZE) {
        answer_mad(r, fetches ? MAD_FAILED : MAD_UNSUPPORTED, 0);
    } else {
        r->size = MIN(length, (u32)CAPS_MAX);
        r->segments[0] = (struct vscsi_segment){.ioba = load_be64(r->iu + MAD_BUFFER), .size = r->size};
        r->segments_len = 1;
        begin(r, FETCH_MAD);
    }
}

static void start(struct request *r)
{
    if (r->element[ELEMENT_FORMAT] == FORMAT_MAD) {
        start_mad(r);
        return;
    }
    switch (r->iu[0]) {
    case SRP_LOGIN_REQ: login(r); break;
    case SRP_CMD: start_command(r); break;
    case SRP_TSK_MGMT: manage_tasks(r); break;
    case SRP_I_LOGOUT:
        r->port->logged_in = false;
        release(r);
        break;
    default: release(r); break; // responses to what is never asked
    }
}

static struct request *find_free(struct srp_port *port)
{
    for (u32 i = 0; i < REQUESTS; i++) {
        if (port->requests[i].step == FREE)
            return &port->requests[i];
    }
    return NULL;
}

static void on_element(struct srp_port *port, const struct vscsi_element *shared, u32 size)
{
    struct vscsi_element m = {0};
    memcpy(&m, shared, MIN(size, sizeof(m)));
    if (size < sizeof(m) || m.table_size > MIN(size - sizeof(m), VSCSI_TABLE_MAX))
        m.table_size = 0;
    if (m.place > port->grant.places || m.data_size > port->grant.size)
        m.place = 0;
    if (m.header.session != port->session || !port->session)
        return;
    if (m.element[0] == 0xc0) {
        if (m.element[1] == 1)
            send_element(port, HEADER_INITIALISED, 0);
        return;
    }
    u8 format = m.element[ELEMENT_FORMAT];
    if (m.element[0] != 0x80 || (format != FORMAT_SRP && format != FORMAT_MAD) || m.iu_size > VSCSI_IU_MAX ||
        m.iu_size < SRP_TAG + 8)
        return;
    struct request *r = find_free(port), none = {.port = port};
    bool full = !r;
    if (full)
        r = &none;
    struct vscsi_segment *segments = r->segments;
    *r = (struct request){.port = port,
                          .segments = segments,
                          .iu_size = m.iu_size,
                          .iu_ioba = load_be64(m.element + ELEMENT_WORD),
                          .place = m.place,
                          .place_size = m.data_size,
                          .table = m.table_size ? shared->table : NULL,
                          .table_size = m.table_size,
                          .area = AREA_NONE};
    memcpy(r->iu, m.iu, sizeof(r->iu));
    memcpy(r->element, m.element, sizeof(r->element));
    if (!full) {
        start(r);
    } else if (format == FORMAT_SRP) { // more than the limit that it was given
        r->task.status = SCSI_TASK_SET_FULL;
        respond(r);
    }
}

static void on_copied(struct srp_port *port, const struct vscsi_copied *shared, u32 size)
{
    struct vscsi_copied m;
    if (size < sizeof(m))
        return;
    memcpy(&m, shared, sizeof(m));
    if (m.header.session != port->session || m.id >= REQUESTS)
        return;
    struct request *r = &port->requests[m.id];
    if (r->step == SENT) {
        release(r);
    } else if (r->step != FETCH_TABLE && r->step != FETCH_DATA && r->step != FETCH_MAD) {
        return;
    } else if (r->aborted) {
        end_aborted(r);
    } else if (r->step == FETCH_MAD) {
        if (m.failed)
            answer_mad(r, MAD_FAILED, 0);
        else
            mad_fetched(r);
    } else if (m.failed) {
        refuse(r);
    } else if (r->step == FETCH_TABLE) {
        table_fetched(r);
    } else {
        run_command(r);
    }
}

// What waits for the client's side is over; what the target has ends by itself.
static void end_session(struct srp_port *port)
{
    port->session = 0;
    port->logged_in = port->starved = port->nudged = port->held = false;
    for (u32 i = 0; i < REQUESTS; i++) {
        struct request *r = &port->requests[i];
        bool manages = r->step == RUN && r->iu[0] == SRP_TSK_MGMT && r->element[ELEMENT_FORMAT] == FORMAT_SRP;
        r->manager = NULL;
        if (r->step == FREE)
            continue;
        if (r->step != RUN || manages)
            release(r);
    }
    for (u32 i = 0; i < REQUESTS; i++) {
        struct request *r = &port->requests[i];
        if (r->step == RUN && !r->aborted) {
            r->aborted = true;
            scsi_abort(&r->task);
        }
    }
}

// All places: nothing of an earlier session uses them any more.
static void send_grant(struct srp_port *port)
{
    struct vscsi_grant *m = port->grant.places ? reserve(port, sizeof(*m)) : NULL;
    if (!m)
        return;
    port->grant.header = header(port, VSCSI_GRANT);
    *m = port->grant;
    ring_commit(port->ring, sizeof(*m));
}

// One message. false: there is none, or none that can be served now.
static bool serve(struct srp_port *port)
{
    u32 size;
    struct vscsi_header h;
    const struct vscsi_header *shared = ring_peek(port->ring, &size);
    if (!shared)
        return false;
    bool known = size >= sizeof(h);
    if (known)
        memcpy(&h, shared, sizeof(h));
    if (known && h.version == VSCSI_VERSION) {
        switch (h.type) {
        case VSCSI_OPENED:
            if (port->session)
                end_session(port);
            port->blocked = port->running;
            if (port->blocked)
                return false;
            port->session = h.session;
            send_grant(port);
            break;
        case VSCSI_CLOSED:
            if (port->session)
                end_session(port);
            break;
        case VSCSI_ELEMENT: on_element(port, (const struct vscsi_element *)shared, size); break;
        case VSCSI_COPIED: on_copied(port, (const struct vscsi_copied *)shared, size); break;
        default: break;
        }
    }
    ring_consume(port->ring);
    return true;
}

static bool has_running(const struct srp_port *port, const struct scsi_nexus *nexus)
{
    for (u32 i = 0; i < REQUESTS; i++) {
        if (port->requests[i].step == RUN && port->requests[i].task.nexus == nexus)
            return true;
    }
    return false;
}

// Units that nothing uses any more are gone.
static void finish_removals(struct srp_port *port)
{
    for (u32 i = 0; i < SRP_TARGETS_MAX; i++) {
        struct removal removal = port->removals[i];
        if (!removal.wanted || has_running(port, &port->targets[i]))
            continue;
        scsi_nexus_fini(&port->targets[i]);
        port->targets[i] = (struct scsi_nexus){0};
        port->removals[i] = (struct removal){0};
        port->removals_len--;
        removal.removed(removal.arg);
    }
}

static void port_done(struct srp_port *port)
{
    ring_detach(port->ring);
    area_fini(&port->area);
    free(port->segments);
    free(port);
}

static void port_gone(struct loop_source *source)
{
    struct srp_port *port = container_of(source, struct srp_port, source);
    void (*closed)(void *arg) = port->closed;
    void *arg = port->closed_arg;
    srp_port_free(port);
    closed(arg);
}

static bool work(struct loop_source *source)
{
    struct srp_port *port = container_of(source, struct srp_port, source);
    bool any = false;
    if (port->removals_len)
        finish_removals(port);
    if (port->closing) {
        if (!port->running)
            loop_remove(source, port_gone);
        return false;
    }
    while (serve(port)) {
        any = true;
        if (port->held)
            retry_held(port);
    }
    if (port->held)
        retry_held(port);
    if (port->starved)
        retry_waiting(port);
    ring_notify(port->ring);
    return any;
}

static bool prepare_sleep(struct loop_source *source)
{
    struct srp_port *port = container_of(source, struct srp_port, source);
    if (port->closing || port->blocked)
        return port->running; // the loop hears of their ends
    return (port->running || !port->removals_len) && ring_sleep(port->ring);
}

static void woken(struct loop_source *source)
{
    struct srp_port *port = container_of(source, struct srp_port, source);
    port->nudged = false;
    if (source->rang)
        ring_woken(port->ring);
    else
        ring_awake(port->ring);
    source->rang = false;
}

struct srp_port *srp_port_new(struct loop *loop, const struct ring_fds *fds, const char *name, u32 partition, u32 slot)
{
    struct srp_port *port = calloc(1, sizeof(*port));
    if (!port)
        return NULL;
    port->segments = calloc((size_t)REQUESTS * VSCSI_SEGMENTS_MAX, sizeof(*port->segments));
    port->ring = ring_attach(fds, VSCSI_SERVER);
    if (!port->segments || !port->ring || area_init(&port->area, ring_data_size(port->ring))) {
        int err = errno;
        port_done(port);
        errno = err;
        return NULL;
    }
    u32 places = (u32)MIN(ring_data_size(port->ring) / 4 / PLACE_SIZE, PLACES);
    if (places)
        port->grant = (struct vscsi_grant){
            .offset = area_take(&port->area, (u64)places * PLACE_SIZE), .size = PLACE_SIZE, .places = places};
    snprintf(port->name, sizeof(port->name), "%s", name);
    port->initiator = (u64)partition << 32 | slot;
    scsi_nexus_init(&port->absent, port->initiator, NULL);
    for (u32 i = 0; i < REQUESTS; i++)
        port->requests[i] = (struct request){.port = port, .segments = port->segments + (size_t)i * VSCSI_SEGMENTS_MAX};
    port->source =
        (struct loop_source){.bell = ring_bell(port->ring), .work = work, .sleep = prepare_sleep, .woken = woken};
    loop_add(loop, &port->source);
    return port;
}

// Other units of the port tell its client that it had better look anew.
static void tell_changed(struct srp_port *port, u32 target)
{
    for (u32 i = 0; i < SRP_TARGETS_MAX; i++) {
        if (i != target && port->targets[i].lu)
            scsi_nexus_attention(&port->targets[i], SCSI_ATTENTION_LUNS);
    }
}

bool srp_port_add(struct srp_port *port, u32 target, struct scsi_lu *lu)
{
    if (target >= SRP_TARGETS_MAX || port->targets[target].lu)
        return false;
    scsi_nexus_init(&port->targets[target], port->initiator, lu);
    tell_changed(port, target);
    return true;
}

bool srp_port_remove(struct srp_port *port, u32 target, void (*removed)(void *arg), void *arg)
{
    if (target >= SRP_TARGETS_MAX || !port->targets[target].lu || port->removals[target].wanted)
        return false;
    for (u32 i = 0; i < REQUESTS; i++) {
        struct request *r = &port->requests[i];
        if (r->step != FREE && r->step != RUN && r->task.nexus == &port->targets[target])
            r->task.nexus = &port->absent;
    }
    tell_changed(port, target);
    port->removals[target] = (struct removal){true, removed, arg};
    port->removals_len++;
    finish_removals(port);
    return true;
}

void srp_port_close(struct srp_port *port, void (*closed)(void *arg), void *arg)
{
    if (port->session)
        end_session(port);
    port->closing = true;
    port->closed = closed;
    port->closed_arg = arg;
    if (!port->running)
        loop_remove(&port->source, port_gone);
}

void srp_port_free(struct srp_port *port)
{
    if (!port)
        return;
    for (u32 i = 0; i < SRP_TARGETS_MAX; i++)
        scsi_nexus_fini(&port->targets[i]);
    port_done(port);
}
