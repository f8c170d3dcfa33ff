// SPDX-License-Identifier: Apache-2.0
//
// Requests are synchronous: the thread looks at the queue until there is an answer. The server is another process, which may come back after it was
// killed; then the adapter is opened anew and the request repeated.
//
// LoPAR "Virtual SCSI"; SRP; the numbers of formats and management datagrams are in Linux's include/scsi/viosrp.h.
#include "papr/of_vscsi.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/endian.h"
#include "papr/crq.h"
#include "papr/hcall_int.h"
#include "papr/of_disk.h"
#include "papr/tce.h"

// I/O bus addresses: the queue, the page of information units, and data.
#define PAGE                 0x1000u
#define IOBA_QUEUE           0u
#define IOBA_IU              PAGE
#define IOBA_DATA            0x100000u
#define DATA_MOST            (1 * MIB)

#define IU_MAX               256u
#define SMALL_DATA           0x400u // in the page of information units, 1 KiB
#define SMALL_MOST           0x400u

#define FORMAT_SRP           1u
#define FORMAT_MAD           2u

#define SRP_LOGIN            0x00u
#define SRP_COMMAND          0x02u
#define SRP_LOGGED_IN        0xc0u
#define SRP_RESPONSE         0xc1u
#define SRP_BUFFERS          6u  // direct and indirect
#define SRP_DIRECT           1u  // a descriptor's format
#define SRP_SENSE            2u  // a response's flag
#define SRP_HEADER           36u // of a response; sense data follow
#define SRP_LOGIN_SIZE       64u
#define SRP_CDB              32u
#define SRP_DESCRIPTOR       48u // behind the command
#define SRP_CMD_SIZE         64u

#define MAD_ADAPTER_INFO     3u
#define MAD_SIZE             24u
#define INFO_SIZE            148u
#define INFO_MOST            116u // of an adapter's information: the largest transfer

#define TARGETS              64u // each has one unit, number 0. SAM-5 "Logical unit addressing": method, target

#define SCSI_CHECK_CONDITION 2u
#define SENSE_NOT_READY      2u
#define SENSE_ATTENTION      6u
#define TYPE_DISK            0u
#define TYPE_CD              5u

#define REPEATS              5u            // of a request whose unit or server had something else to say
#define OPEN_NS              10000000000ll // that a server may take to be there
#define ANSWER_NS            30000000000ll // that it may take for an answer
#define SPIN_NS              200000        // answers usually take less
#define NAP                  (&(struct timespec){.tv_nsec = 50000})

struct request {
    u64 lun;
    u8 cdb[16];
    bool write;
    u32 ioba, size; // of the data
};

static u8 *at(const struct partition *lp, u32 offset, u32 size)
{
    return guest_mem_at(&lp->mem, of_disk_queue(lp) + offset, size);
}

static struct of_vscsi *driver(const struct partition *lp)
{
    return of_disk_driver(lp);
}

// [gra, gra+size) at an I/O bus address, or nothing there (gra 0).
static bool map(struct partition *lp, u32 ioba, u64 gra, u64 size)
{
    for (u64 page = 0; page < size; page += PAGE) {
        u64 args[] = {driver(lp)->vdev->liobn, ioba + page,
                      gra ? ((gra + page) & ~(u64)(PAGE - 1)) | TCE_READ | TCE_WRITE : 0};
        if (h_put_tce(lp->group.cpus[0], args) != H_SUCCESS)
            return false;
    }
    return true;
}

static bool late(s64 until)
{
    return clock_ns() > until;
}

// The queue's next element. false: none came in time, or the partition ends.
static bool next_element(struct partition *lp, s64 until, u8 element[CRQ_ELEMENT])
{
    struct of_vscsi *d = driver(lp);
    u8 *from = at(lp, d->next * CRQ_ELEMENT, CRQ_ELEMENT);
    s64 spin = clock_ns() + SPIN_NS;
    while (__atomic_load_n(from, __ATOMIC_ACQUIRE) == CRQ_FREE) {
        if (late(until) || atomic_load(&lp->end) != END_NONE)
            return false;
        if (late(spin))
            nanosleep(NAP, NULL);
        else
            sched_yield();
    }
    memcpy(element, from, CRQ_ELEMENT);
    memset(from + 1, 0, CRQ_ELEMENT - 1);
    __atomic_store_n(from, CRQ_FREE, __ATOMIC_RELEASE);
    d->next = (d->next + 1) % (PAGE / CRQ_ELEMENT);
    return true;
}

// Sends the information unit that is in its page, and waits for the answer to it, which is then there. 0; -EPIPE: the server went away.
static int exchange(struct partition *lp, u32 format, u32 size)
{
    struct of_vscsi *d = driver(lp);
    s64 until = clock_ns() + ANSWER_NS;
    u8 element[CRQ_ELEMENT];
    store_be64(at(lp, IOBA_IU, IU_MAX) + 8, ++d->tag); // where all kinds have it
    if (d->vdev->ops->send_crq(d->vdev, (u64)CRQ_COMMAND << 56 | (u64)format << 48 | size, IOBA_IU) != H_SUCCESS)
        return -EPIPE;
    while (next_element(lp, until, element)) {
        if (element[0] == CRQ_EVENT || element[0] == CRQ_INITIAL)
            return -EPIPE;
        if (element[0] == CRQ_COMMAND && load_be64(element + 8) == d->tag)
            return element[3] ? -EIO : 0;
    }
    return -EPIPE;
}

static u8 *new_iu(const struct partition *lp)
{
    return memset(at(lp, IOBA_IU, IU_MAX), 0, IU_MAX);
}

// How much one request may move. Servers that do not say get less than what all take.
static u32 ask_most(struct partition *lp)
{
    u8 *iu = new_iu(lp), *info = memset(at(lp, IOBA_IU + SMALL_DATA, INFO_SIZE), 0, INFO_SIZE);
    u32 most = 0;
    store_be32(iu, MAD_ADAPTER_INFO);
    store_be16(iu + 6, INFO_SIZE);
    store_be64(iu + 16, IOBA_IU + SMALL_DATA);
    if (!exchange(lp, FORMAT_MAD, MAD_SIZE) && !load_be16(iu + 4))
        most = load_be32(info + INFO_MOST) & ~(PAGE - 1);
    return most ? MIN(most, DATA_MOST) : 128 * KIB;
}

static int log_in(struct partition *lp)
{
    u8 *iu = new_iu(lp);
    iu[0] = SRP_LOGIN;
    store_be32(iu + 16, SRP_LOGIN_SIZE);
    store_be16(iu + 24, SRP_BUFFERS);
    int err = exchange(lp, FORMAT_SRP, SRP_LOGIN_SIZE);
    return err ? err : iu[0] == SRP_LOGGED_IN ? 0 : -EACCES;
}

// Both sides greet. false: there is no server.
static bool greet(struct partition *lp, s64 until)
{
    struct vdev *vdev = driver(lp)->vdev;
    u8 element[CRQ_ELEMENT];
    u64 high = (u64)CRQ_INITIAL << 56;
    if (vdev->ops->send_crq(vdev, high | (u64)CRQ_INITIALISE << 48, 0) != H_SUCCESS)
        return false;
    while (next_element(lp, until, element)) {
        if (element[0] != CRQ_INITIAL)
            return false;
        if (element[1] == CRQ_INITIALISED)
            return true;
        if (vdev->ops->send_crq(vdev, high | (u64)CRQ_INITIALISED << 48, 0) != H_SUCCESS)
            return false;
    }
    return false;
}

void of_vscsi_close(struct partition *lp)
{
    struct of_vscsi *d = driver(lp);
    if (!d->vdev)
        return;
    d->vdev->ops->free_crq(d->vdev);
    map(lp, IOBA_QUEUE, 0, 2 * PAGE);
    d->vdev = NULL;
}

// One attempt. 0, -EPIPE when another one is worth it, or another negative errno.
static int try_open(struct partition *lp, struct vdev *vdev, s64 until)
{
    struct of_vscsi *d = driver(lp);
    u64 area = of_disk_queue(lp);
    *d = (struct of_vscsi){.vdev = vdev, .most = PAGE, .tag = d->tag};
    memset(at(lp, IOBA_QUEUE, PAGE), 0, PAGE);
    if (!map(lp, IOBA_QUEUE, area, 2 * PAGE)) {
        d->vdev = NULL;
        return -EFAULT;
    }
    long rc = vdev->ops->reg_crq(vdev, IOBA_QUEUE, PAGE);
    if (rc == H_RESOURCE) { // an OS has it
        d->vdev = NULL;
        return -EBUSY;
    }
    int err = (rc == H_SUCCESS || rc == H_CLOSED) && greet(lp, until) ? 0 : -EPIPE;
    if (!err) {
        d->most = ask_most(lp);
        err = log_in(lp);
    }
    if (err)
        of_vscsi_close(lp);
    return err;
}

static int open_adapter(struct partition *lp, struct vdev *vdev)
{
    s64 until = clock_ns() + OPEN_NS;
    int err = -EPIPE;
    if (driver(lp)->vdev == vdev)
        return 0;
    of_vscsi_close(lp);
    while (err == -EPIPE && !late(until) && atomic_load(&lp->end) == END_NONE) {
        err = try_open(lp, vdev, until);
        if (err == -EPIPE)
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return err;
}

// The server's answer: 0; -EAGAIN: the unit had something else to say; -ENXIO: there is no such unit, or it is not ready; -EIO.
static int judge(const u8 *iu)
{
    u32 sense_size = load_be32(iu + 28);
    if (iu[0] != SRP_RESPONSE)
        return -EIO;
    if (!iu[19])
        return 0;
    if (iu[19] != SCSI_CHECK_CONDITION || !(iu[18] & SRP_SENSE) || sense_size < 3 || sense_size > IU_MAX - SRP_HEADER)
        return -EIO;
    u8 key = iu[SRP_HEADER + 2] & 15;
    return key == SENSE_ATTENTION ? -EAGAIN : key == SENSE_NOT_READY ? -ENXIO : -EIO;
}

// The adapter may have been opened anew meanwhile.
static int run(struct partition *lp, struct vdev *vdev, const struct request *request)
{
    int err = -EAGAIN;
    for (u32 i = 0; i < REPEATS && (err == -EAGAIN || err == -EPIPE); i++) {
        err = open_adapter(lp, vdev);
        if (err)
            return err;
        u8 *iu = new_iu(lp);
        iu[0] = SRP_COMMAND;
        iu[5] = request->write ? SRP_DIRECT << 4 : SRP_DIRECT;
        store_be64(iu + 20, request->lun);
        memcpy(iu + SRP_CDB, request->cdb, sizeof(request->cdb));
        store_be64(iu + SRP_DESCRIPTOR, request->ioba);
        store_be32(iu + SRP_DESCRIPTOR + 12, request->size);
        err = exchange(lp, FORMAT_SRP, SRP_CMD_SIZE);
        if (err == -EPIPE)
            of_vscsi_close(lp);
        else if (!err)
            err = judge(iu);
    }
    return err == -EAGAIN || err == -EPIPE ? -EIO : err;
}

// READ and WRITE of ten bytes reach 2 TiB.
static void put_rw(u8 cdb[16], bool write, u64 block, u32 count)
{
    if (block + count <= UINT32_MAX && count <= UINT16_MAX) {
        cdb[0] = write ? 0x2a : 0x28;
        store_be32(cdb + 2, (u32)block);
        store_be16(cdb + 7, (u16)count);
    } else {
        cdb[0] = write ? 0x8a : 0x88;
        store_be64(cdb + 2, block);
        store_be32(cdb + 10, count);
    }
}

static int transfer(struct partition *lp, const struct of_disk *disk, bool write, u64 block, u32 count, u64 gra)
{
    struct vdev *vdev = vio_slot(lp, disk->slot);
    u64 in_page = gra % PAGE, size = (u64)count * disk->block_size;
    struct request request = {.lun = disk->lun, .write = write, .ioba = (u32)(IOBA_DATA + in_page), .size = (u32)size};
    int err = open_adapter(lp, vdev);
    if (err)
        return err;
    put_rw(request.cdb, write, block, count);
    err = map(lp, IOBA_DATA, gra, in_page + size) ? run(lp, vdev, &request) : -EFAULT;
    if (driver(lp)->vdev)
        map(lp, IOBA_DATA, 0, in_page + size);
    return err;
}

static void quiesce(struct partition *lp, const struct of_disk *disk)
{
    of_vscsi_close(lp);
}

static const struct of_disk_ops vscsi_disk_ops = {transfer, quiesce};

// A command with an answer of up to SMALL_MOST bytes, which is zero-filled. NULL: it failed.
static const u8 *ask(struct partition *lp, struct vdev *vdev, u64 lun, const u8 cdb[16], u32 size)
{
    struct request request = {.lun = lun, .ioba = IOBA_IU + SMALL_DATA, .size = size};
    u8 *data = memset(at(lp, IOBA_IU + SMALL_DATA, SMALL_MOST), 0, SMALL_MOST);
    memcpy(request.cdb, cdb, sizeof(request.cdb));
    return run(lp, vdev, &request) ? NULL : data;
}

static bool ask_capacity(struct partition *lp, struct vdev *vdev, struct of_disk *disk)
{
    const u8 *data = ask(lp, vdev, disk->lun, (const u8[16]){0x25}, 8);
    if (!data)
        return false;
    disk->blocks = (u64)load_be32(data) + 1;
    disk->block_size = load_be32(data + 4);
    if (disk->blocks <= UINT32_MAX)
        return true;
    data = ask(lp, vdev, disk->lun, (const u8[16]){0x9e, 0x10, [13] = 32}, 32);
    if (!data)
        return false;
    disk->blocks = load_be64(data) + 1;
    disk->block_size = load_be32(data + 8);
    return true;
}

static void find_at(struct partition *lp, struct vdev *vdev)
{
    for (u32 target = 0; target < TARGETS; target++) {
        struct of_disk disk = {.slot = vdev->slot, .lun = (0x80ull | target) << 56, .ops = &vscsi_disk_ops};
        const u8 *inquiry = ask(lp, vdev, disk.lun, (const u8[16]){0x12, [4] = 36}, 36);
        if (!inquiry && !driver(lp)->vdev) // no server
            return;
        if (!inquiry || (inquiry[0] != TYPE_DISK && inquiry[0] != TYPE_CD)) // that includes: nothing is connected
            continue;
        disk.cdrom = inquiry[0] == TYPE_CD;
        if (!ask_capacity(lp, vdev, &disk) || !disk.block_size)
            continue;
        disk.most = driver(lp)->most / disk.block_size;
        of_disk_add(lp, &disk); // what it does not take cannot be booted
    }
}

void of_vscsi_find(struct partition *lp)
{
    for (u32 slot = 0; slot < VIO_SLOTS; slot++) {
        struct vdev *vdev = vio_slot(lp, slot);
        if (vdev && vdev->ops->compatible && strcmp(vdev->ops->compatible, "IBM,v-scsi") == 0 && vdev->ops->reg_crq)
            find_at(lp, vdev);
    }
}
