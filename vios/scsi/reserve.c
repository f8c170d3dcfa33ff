// SPDX-License-Identifier: Apache-2.0
// Reservations: RESERVE and RELEASE of SPC-2, persistent reservations of SPC-4, which the store keeps with the data.
#include <string.h>

#include "vios/scsi/command.h"

#define VALUE         "reservations"
#define VALUE_MAGIC   0x50523031u // "PR01": layout of the value, version 1
#define VALUE_HEAD    24u
#define VALUE_ENTRY   16u
#define VALUE_MAX     (VALUE_HEAD + PR_REGISTRANTS_MAX * VALUE_ENTRY)
#define TRANSPORT_SRP 4u

enum pr_type {
    WRITE_EXCLUSIVE = 1,
    EXCLUSIVE = 3,
    WRITE_REGISTRANTS = 5,
    EXCLUSIVE_REGISTRANTS = 6,
    WRITE_ALL = 7,
    EXCLUSIVE_ALL = 8
};
enum pr_action { REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_AND_ABORT, REGISTER_AND_IGNORE };

static bool type_valid(u8 type)
{
    return type == WRITE_EXCLUSIVE || type == EXCLUSIVE || (type >= WRITE_REGISTRANTS && type <= EXCLUSIVE_ALL);
}

static bool of_all(u8 type)
{
    return type == WRITE_ALL || type == EXCLUSIVE_ALL;
}

static bool for_registrants(u8 type)
{
    return type >= WRITE_REGISTRANTS;
}

static bool exclusive(u8 type)
{
    return type == EXCLUSIVE || type == EXCLUSIVE_REGISTRANTS || type == EXCLUSIVE_ALL;
}

// Its place, or the number of all.
static u32 find(const struct scsi_registrations *r, u64 initiator)
{
    u32 i = 0;
    while (i < r->len && r->registrants[i].initiator != initiator)
        i++;
    return i;
}

static bool holds(const struct scsi_registrations *r, u64 initiator)
{
    return r->type && (of_all(r->type) ? find(r, initiator) < r->len : r->holder == initiator);
}

bool scsi_conflicts(const struct scsi_task *task)
{
    const struct scsi_lu *lu = task->nexus->lu;
    const struct scsi_registrations *r = &lu->registrations;
    u64 me = task->nexus->initiator;
    u8 opcode = task->cdb[0];
    // SPC-2 "Reserve/Release": only these go through, and what is never refused.
    bool exempt = opcode == 0x03 || opcode == 0x12 || opcode == 0xa0 || opcode == 0x17 || opcode == 0x57;
    if (lu->reserved_by && lu->reserved_by != me && !exempt)
        return true;
    // The two kinds exclude each other.
    if ((opcode == 0x16 || opcode == 0x56 || opcode == 0x17 || opcode == 0x57) && r->len)
        return true;
    if ((opcode == 0x5e || opcode == 0x5f) && lu->reserved_by)
        return true;
    bool registered = find(r, me) < r->len;
    if (!r->type || holds(r, me) || (for_registrants(r->type) && registered))
        return false;
    switch (task->command->access) {
    case ACCESS_READ: return exclusive(r->type);
    case ACCESS_WRITE: return true;
    case ACCESS_REGISTER: return !registered;
    default: return false;
    }
}

void scsi_run_reserve(struct scsi_task *task)
{
    task->nexus->lu->reserved_by = task->nexus->initiator;
    scsi_good(task);
}

void scsi_run_release(struct scsi_task *task)
{
    struct scsi_lu *lu = task->nexus->lu;
    if (lu->reserved_by == task->nexus->initiator)
        lu->reserved_by = 0;
    scsi_good(task);
}

// The value that is kept: big-endian, as everything in SCSI.
static int keep(struct scsi_lu *lu, const struct scsi_registrations *r)
{
    u8 d[VALUE_MAX] = {0};
    u32 len = r->persist ? r->len : 0;
    store_be32(d, VALUE_MAGIC);
    store_be32(d + 4, r->generation);
    store_be32(d + 8, len);
    d[12] = r->persist ? r->type : 0;
    store_be64(d + 16, r->holder);
    for (u32 i = 0; i < len; i++) {
        store_be64(d + VALUE_HEAD + i * VALUE_ENTRY, r->registrants[i].initiator);
        store_be64(d + VALUE_HEAD + i * VALUE_ENTRY + 8, r->registrants[i].key);
    }
    return lu->store->ops->set_value(lu->store, VALUE, d, VALUE_HEAD + len * VALUE_ENTRY);
}

void scsi_load_registrations(struct scsi_lu *lu)
{
    struct scsi_registrations r = {0};
    u8 d[VALUE_MAX];
    int got = lu->store->keeps_values ? lu->store->ops->get_value(lu->store, VALUE, d, sizeof(d)) : 0;
    if (got < (int)VALUE_HEAD || load_be32(d) != VALUE_MAGIC)
        return;
    r.len = load_be32(d + 8);
    r.type = d[12];
    r.holder = load_be64(d + 16);
    if (r.len > PR_REGISTRANTS_MAX || (u32)got != VALUE_HEAD + r.len * VALUE_ENTRY || (r.type && !type_valid(r.type)))
        return;
    for (u32 i = 0; i < r.len; i++) {
        r.registrants[i].initiator = load_be64(d + VALUE_HEAD + i * VALUE_ENTRY);
        r.registrants[i].key = load_be64(d + VALUE_HEAD + i * VALUE_ENTRY + 8);
    }
    r.persist = r.len;
    lu->registrations = r; // the generation begins at zero after a loss of power
}

static void read_keys(struct scsi_task *task, const struct scsi_registrations *r, u64 allocated)
{
    u8 d[8 + PR_REGISTRANTS_MAX * 8] = {0};
    store_be32(d, r->generation);
    store_be32(d + 4, r->len * 8);
    for (u32 i = 0; i < r->len; i++)
        store_be64(d + 8 + i * 8, r->registrants[i].key);
    scsi_reply(task, d, 8 + r->len * 8, allocated);
}

static u64 holders_key(const struct scsi_registrations *r)
{
    u32 i = find(r, r->holder);
    return of_all(r->type) || i == r->len ? 0 : r->registrants[i].key;
}

static void read_reservation(struct scsi_task *task, const struct scsi_registrations *r, u64 allocated)
{
    u8 d[24] = {0};
    u32 len = r->type ? 16 : 0;
    store_be32(d, r->generation);
    store_be32(d + 4, len);
    store_be64(d + 8, r->type ? holders_key(r) : 0);
    d[21] = r->type; // scope: the unit
    scsi_reply(task, d, 8 + len, allocated);
}

static void report_capabilities(struct scsi_task *task, bool persist, u64 allocated)
{
    u8 d[8] = {0, 8, (u8)(persist ? 1 : 0), 0x80, 0xea, 0x01}; // PTPL_C; type mask valid; all six types
    if (task->nexus->lu->registrations.persist)
        d[3] |= 1;
    scsi_reply(task, d, sizeof(d), allocated);
}

static void read_full_status(struct scsi_task *task, const struct scsi_registrations *r, u64 allocated)
{
    u8 d[8 + PR_REGISTRANTS_MAX * 48] = {0};
    store_be32(d, r->generation);
    store_be32(d + 4, r->len * 48);
    for (u32 i = 0; i < r->len; i++) {
        u8 *e = d + 8 + i * 48;
        bool holder = holds(r, r->registrants[i].initiator);
        store_be64(e, r->registrants[i].key);
        e[12] = holder; // R_HOLDER
        e[13] = holder ? r->type : 0;
        store_be16(e + 18, 1); // the only target port
        store_be32(e + 20, 24);
        e[24] = TRANSPORT_SRP;
        store_be64(e + 40, r->registrants[i].initiator);
    }
    scsi_reply(task, d, 8 + r->len * 48, allocated);
}

void scsi_run_persistent_in(struct scsi_task *task)
{
    const struct scsi_lu *lu = task->nexus->lu;
    u64 allocated = load_be16(task->cdb + 7);
    switch (task->command->action) {
    case 0: read_keys(task, &lu->registrations, allocated); break;
    case 1: read_reservation(task, &lu->registrations, allocated); break;
    case 2: report_capabilities(task, lu->store->keeps_values, allocated); break;
    default: read_full_status(task, &lu->registrations, allocated); break;
    }
}

static void tell(struct scsi_lu *lu, u64 initiator, u16 attention)
{
    for (struct scsi_nexus *n = lu->nexuses; n; n = n->next) {
        if (n->initiator == initiator && !n->attention)
            n->attention = attention;
    }
}

static void tell_registrants(struct scsi_lu *lu, const struct scsi_registrations *r, u64 except, u16 attention)
{
    for (u32 i = 0; i < r->len; i++) {
        if (r->registrants[i].initiator != except)
            tell(lu, r->registrants[i].initiator, attention);
    }
}

static void drop(struct scsi_registrations *r, u32 i)
{
    memmove(&r->registrants[i], &r->registrants[i + 1], (r->len - i - 1) * sizeof(r->registrants[0]));
    r->len--;
}

// A registration goes away, and its reservation with it. Others that its type let in are told.
static void unregister(struct scsi_lu *lu, struct scsi_registrations *r, u32 i)
{
    u64 who = r->registrants[i].initiator;
    bool held = holds(r, who) && (!of_all(r->type) || r->len == 1);
    u8 type = r->type;
    drop(r, i);
    if (!held)
        return;
    r->type = 0;
    if (for_registrants(type))
        tell_registrants(lu, r, who, ATTENTION_RELEASED);
}

struct pr_out {
    u64 me, key, service_key;
    u8 type;
};

static enum scsi_sense pr_register(struct scsi_lu *lu, struct scsi_registrations *r, const struct pr_out *p,
                                   bool persist)
{
    u32 i = find(r, p->me);
    r->persist = persist;
    if (i < r->len && p->service_key)
        r->registrants[i].key = p->service_key;
    else if (i < r->len)
        unregister(lu, r, i);
    else if (p->service_key && r->len == PR_REGISTRANTS_MAX)
        return SENSE_NO_REGISTRATIONS;
    else if (p->service_key) {
        r->registrants[r->len].initiator = p->me;
        r->registrants[r->len++].key = p->service_key;
    }
    r->generation++;
    return SENSE_NONE;
}

// false: a conflict
static bool pr_reserve(struct scsi_registrations *r, const struct pr_out *p)
{
    if (r->type)
        return holds(r, p->me) && r->type == p->type;
    r->type = p->type;
    r->holder = p->me;
    return true;
}

static enum scsi_sense pr_release(struct scsi_lu *lu, struct scsi_registrations *r, const struct pr_out *p)
{
    if (!holds(r, p->me))
        return SENSE_NONE;
    if (r->type != p->type)
        return SENSE_NOT_RESERVED;
    r->type = 0;
    if (for_registrants(p->type))
        tell_registrants(lu, r, p->me, ATTENTION_RELEASED);
    return SENSE_NONE;
}

// SPC-4 "Preempting". false: a conflict
static bool pr_preempt(struct scsi_lu *lu, struct scsi_registrations *r, const struct pr_out *p, bool abort)
{
    bool all = of_all(r->type) && !p->service_key;
    bool takes = r->type && (all || (!of_all(r->type) && p->service_key && p->service_key == holders_key(r)));
    u8 before = r->type;
    bool any = false;
    for (u32 i = 0; i < r->len;) {
        u64 who = r->registrants[i].initiator;
        bool goes = all || r->registrants[i].key == p->service_key;
        any |= goes;
        if (!goes || who == p->me) {
            i++;
            continue;
        }
        drop(r, i);
        tell(lu, who, ATTENTION_REGISTRATIONS);
        if (abort)
            scsi_abort_others(lu, NULL, who);
    }
    if (!any)
        return false;
    if (takes) {
        r->type = p->type;
        r->holder = p->me;
        if (before != p->type && for_registrants(before))
            tell_registrants(lu, r, p->me, ATTENTION_RELEASED);
    }
    r->generation++;
    return true;
}

// All of it on a copy, which becomes the state when it is kept.
void scsi_run_persistent_out(struct scsi_task *task)
{
    struct scsi_lu *lu = task->nexus->lu;
    struct scsi_registrations r = lu->registrations;
    enum pr_action action = task->command->action;
    u8 d[24];
    if (load_be32(task->cdb + 5) != sizeof(d) || scsi_take(task, d, sizeof(d)) != sizeof(d)) {
        scsi_fail(task, SENSE_LIST_LENGTH);
        return;
    }
    struct pr_out p = {task->nexus->initiator, load_be64(d), load_be64(d + 8), task->cdb[2] & 0x0f};
    bool persist = d[20] & 1, registers = action == REGISTER || action == REGISTER_AND_IGNORE;
    bool typed = action == RESERVE || action == RELEASE || action == PREEMPT || action == PREEMPT_AND_ABORT;
    u32 i = find(&r, p.me);
    if (typed && (!type_valid(p.type) || task->cdb[2] >> 4)) {
        scsi_fail(task, SENSE_CDB);
        return;
    }
    // SPEC_I_PT and ALL_TG_PT are not offered; what survives a loss of power only where the store keeps it.
    if (d[20] & ~1 || (registers && persist && !lu->store->keeps_values)) {
        scsi_fail(task, SENSE_LIST);
        return;
    }
    bool known = i < r.len && r.registrants[i].key == p.key;
    if (action == REGISTER ? (i < r.len ? !known : p.key != 0) : action != REGISTER_AND_IGNORE && !known) {
        scsi_end(task, SCSI_RESERVATION_CONFLICT);
        return;
    }
    enum scsi_sense sense = SENSE_NONE;
    bool agreed = true;
    switch (action) {
    case REGISTER:
    case REGISTER_AND_IGNORE: sense = pr_register(lu, &r, &p, persist); break;
    case RESERVE: agreed = pr_reserve(&r, &p); break;
    case RELEASE: sense = pr_release(lu, &r, &p); break;
    case CLEAR:
        tell_registrants(lu, &r, p.me, ATTENTION_PREEMPTED);
        r.len = r.type = 0;
        r.generation++;
        break;
    default:
        if (!p.service_key && !of_all(r.type))
            sense = SENSE_LIST;
        else
            agreed = pr_preempt(lu, &r, &p, action == PREEMPT_AND_ABORT);
        break;
    }
    bool kept = lu->registrations.persist || r.persist;
    if (!agreed) {
        scsi_end(task, SCSI_RESERVATION_CONFLICT);
    } else if (sense) {
        scsi_fail(task, sense);
    } else if (kept && lu->store->keeps_values && keep(lu, &r)) {
        scsi_fail(task, SENSE_TARGET_FAILURE);
    } else {
        lu->registrations = r;
        scsi_good(task);
    }
}
