// SPDX-License-Identifier: Apache-2.0
// Commands on blocks. SBC-3.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vios/scsi/command.h"

#define PIECE          (256 * KIB) // of work on data that does not come from the initiator
#define WRITE_SAME_MAX 0x10000u    // blocks; VPD page B0, as the next two
#define UNMAP_MAX      0x400000u
#define UNMAP_LIST_MAX 256u

static u32 block_of(const struct scsi_task *task)
{
    return task->nexus->lu->block;
}

// Where, and how much, whatever the command's size. An operation code's three upper bits say that.
static void parse_range(struct scsi_task *task)
{
    const u8 *c = task->cdb;
    switch (c[0] >> 5) {
    case 0:
        task->lba = (u64)(c[1] & 0x1f) << 16 | load_be16(c + 2);
        task->blocks = c[4] ? c[4] : 256;
        break;
    case 1:
    case 2:
        task->lba = load_be32(c + 2);
        task->blocks = load_be16(c + 7);
        break;
    case 4:
        task->lba = load_be64(c + 2);
        task->blocks = load_be32(c + 10);
        break;
    default:
        task->lba = load_be32(c + 2);
        task->blocks = load_be32(c + 6);
        break;
    }
}

bool scsi_in_range(const struct scsi_task *task)
{
    u64 blocks = task->nexus->lu->blocks;
    return task->lba <= blocks && task->blocks <= blocks - task->lba;
}

static void end_io(struct store_io *io, int err)
{
    struct scsi_task *task = container_of(io, struct scsi_task, io);
    if (err) {
        scsi_fail_store(task, err, (io->offset + io->moved) / block_of(task));
        return;
    }
    struct scsi_lu *lu = task->nexus->lu;
    if (io->op == STORE_READ) {
        task->in_size = (u32)io->size;
        lu->reads++;
        lu->read_bytes += io->size;
    } else if (io->op == STORE_WRITE) {
        lu->writes++;
        lu->written_bytes += io->size;
    }
    scsi_good(task);
}

// The whole range, to or from the initiator's data.
void scsi_transfer(struct scsi_task *task, enum store_op op, bool durable)
{
    task->io = (struct store_io){.op = op,
                                 .durable = durable,
                                 .data = task->data,
                                 .offset = task->lba * block_of(task),
                                 .size = task->blocks * block_of(task),
                                 .done = end_io};
    store_submit(task->nexus->lu->store, &task->io);
}

// Checks that the initiator's data is as large as the range.
static bool ready_to_transfer(struct scsi_task *task, u32 size)
{
    parse_range(task);
    if (!scsi_in_range(task))
        scsi_fail(task, SENSE_RANGE);
    else if (task->blocks > SCSI_TRANSFER_MAX / block_of(task) || task->blocks * block_of(task) > size)
        scsi_fail(task, SENSE_CDB);
    else if (!task->blocks)
        scsi_good(task);
    else
        return true;
    return false;
}

static bool wants_access(const struct scsi_task *task)
{
    return task->cdb[0] >> 5 && task->cdb[1] & 0x08; // FUA
}

void scsi_run_read(struct scsi_task *task)
{
    if (ready_to_transfer(task, task->in_max))
        scsi_transfer(task, STORE_READ, false);
}

void scsi_run_write(struct scsi_task *task)
{
    if (ready_to_transfer(task, task->out_size))
        scsi_transfer(task, STORE_WRITE, wants_access(task) || !task->nexus->lu->write_cache);
}

void scsi_run_synchronize(struct scsi_task *task)
{
    parse_range(task);
    if (!scsi_in_range(task)) {
        scsi_fail(task, SENSE_RANGE);
        return;
    }
    task->io = (struct store_io){.op = STORE_FLUSH, .done = end_io};
    store_submit(task->nexus->lu->store, &task->io);
}

void scsi_run_capacity_10(struct scsi_task *task)
{
    u8 d[8];
    u64 blocks = task->nexus->lu->blocks;
    store_be32(d, (u32)MIN(blocks - 1, 0xffffffffull));
    store_be32(d + 4, block_of(task));
    scsi_reply(task, d, sizeof(d), sizeof(d));
}

void scsi_run_capacity_16(struct scsi_task *task)
{
    const struct scsi_lu *lu = task->nexus->lu;
    u8 d[32] = {0};
    store_be64(d, lu->blocks - 1);
    store_be32(d + 8, block_of(task));
    for (u32 size = block_of(task); size < lu->store->physical; size *= 2)
        d[13]++;                        // logical blocks in a physical one, as a power of two
    d[14] = lu->store->thin ? 0xc0 : 0; // LBPME, LBPRZ
    scsi_reply(task, d, sizeof(d), load_be32(task->cdb + 10));
}

static bool make_buffer(struct scsi_task *task, size_t size)
{
    if (!posix_memalign((void **)&task->buffer, 4096, size))
        return true;
    task->buffer = NULL;
    scsi_fail(task, SENSE_TARGET_FAILURE);
    return false;
}

// Work in pieces: `at` blocks are done, `len` are under way.
static void piece_io(struct scsi_task *task, enum store_op op, u8 *data, void (*done)(struct store_io *io, int err))
{
    task->len = MIN(task->blocks - task->at, PIECE / block_of(task));
    task->io = (struct store_io){.op = op,
                                 .durable = !task->nexus->lu->write_cache,
                                 .data = data,
                                 .offset = (task->lba + task->at) * block_of(task),
                                 .size = task->len * block_of(task),
                                 .done = done};
    store_submit(task->nexus->lu->store, &task->io);
}

static u64 first_difference(const u8 *a, const u8 *b, u64 size)
{
    u64 i = 0;
    while (i < size && a[i] == b[i])
        i++;
    return i;
}

static void verified(struct store_io *io, int err)
{
    struct scsi_task *task = container_of(io, struct scsi_task, io);
    if (err) {
        scsi_fail_store(task, err, (io->offset + io->moved) / block_of(task));
        return;
    }
    if ((task->cdb[1] >> 1 & 3) == 1) {
        u64 begin = task->at * block_of(task), same = first_difference(task->buffer, task->data + begin, io->size);
        if (same < io->size) {
            scsi_fail_at(task, SENSE_MISCOMPARE, begin + same); // here the information is the byte
            return;
        }
    }
    task->at += task->len;
    if (task->at < task->blocks)
        piece_io(task, STORE_READ, task->buffer, verified);
    else
        scsi_good(task);
}

// BYTCHK 0: the blocks can be read; 1: and are what the initiator sent.
void scsi_run_verify(struct scsi_task *task)
{
    u8 check = task->cdb[1] >> 1 & 3;
    parse_range(task);
    if (!scsi_in_range(task)) {
        scsi_fail(task, SENSE_RANGE);
    } else if (check > 1 || (check && task->blocks * block_of(task) > task->out_size)) {
        scsi_fail(task, SENSE_CDB);
    } else if (!task->blocks) {
        scsi_good(task);
    } else if (make_buffer(task, PIECE)) {
        task->at = 0;
        piece_io(task, STORE_READ, task->buffer, verified);
    }
}

static void same_written(struct store_io *io, int err)
{
    struct scsi_task *task = container_of(io, struct scsi_task, io);
    if (err) {
        scsi_fail_store(task, err, (io->offset + io->moved) / block_of(task));
        return;
    }
    task->at += task->len;
    if (task->at < task->blocks)
        piece_io(task, STORE_WRITE, task->buffer, same_written);
    else
        scsi_good(task);
}

void scsi_run_write_same(struct scsi_task *task)
{
    bool unmap = task->cdb[1] & 0x08, no_data = task->cdb[0] == 0x93 && task->cdb[1] & 0x01;
    u8 block[SCSI_BLOCK] = {0};
    parse_range(task);
    if (!scsi_in_range(task)) {
        scsi_fail(task, SENSE_RANGE);
        return;
    }
    if (!task->blocks || task->blocks > WRITE_SAME_MAX || (unmap && !task->nexus->lu->store->thin) ||
        (!no_data && scsi_take(task, block, SCSI_BLOCK) < SCSI_BLOCK)) {
        scsi_fail(task, SENSE_CDB);
        return;
    }
    if (!block[0] && !memcmp(block, block + 1, SCSI_BLOCK - 1)) {
        scsi_transfer(task, unmap ? STORE_DISCARD : STORE_ZERO, false);
        return;
    }
    if (!make_buffer(task, PIECE))
        return;
    for (u32 i = 0; i < PIECE; i += SCSI_BLOCK)
        memcpy(task->buffer + i, block, SCSI_BLOCK);
    task->at = 0;
    piece_io(task, STORE_WRITE, task->buffer, same_written);
}

// UNMAP's list is in the task's buffer; `at` of its `len` entries are done.
static void unmapped(struct store_io *io, int err);

static void unmap_next(struct scsi_task *task)
{
    while (task->at < task->len) {
        const u8 *entry = task->buffer + 8 + task->at++ * 16;
        u64 lba = load_be64(entry), blocks = load_be32(entry + 8);
        if (!blocks)
            continue;
        task->io = (struct store_io){
            .op = STORE_DISCARD, .offset = lba * SCSI_BLOCK, .size = blocks * SCSI_BLOCK, .done = unmapped};
        store_submit(task->nexus->lu->store, &task->io);
        return;
    }
    scsi_good(task);
}

static void unmapped(struct store_io *io, int err)
{
    struct scsi_task *task = container_of(io, struct scsi_task, io);
    if (err)
        scsi_fail_store(task, err, io->offset / SCSI_BLOCK);
    else
        unmap_next(task);
}

void scsi_run_unmap(struct scsi_task *task)
{
    const struct scsi_lu *lu = task->nexus->lu;
    u32 wanted = load_be16(task->cdb + 7), size = MIN(wanted, 8 + UNMAP_LIST_MAX * 16);
    u64 sum = 0;
    if (!lu->store->thin) {
        scsi_fail(task, SENSE_OPCODE);
        return;
    }
    if (!wanted) {
        scsi_good(task);
        return;
    }
    if (wanted < 8 || task->out_size < size) {
        scsi_fail(task, SENSE_LIST_LENGTH);
        return;
    }
    if (!make_buffer(task, 8 + UNMAP_LIST_MAX * 16))
        return;
    scsi_take(task, task->buffer, size);
    task->at = 0;
    task->len = load_be16(task->buffer + 2) / 16;
    if (task->len > UNMAP_LIST_MAX || 8 + task->len * 16 > size) {
        scsi_fail(task, SENSE_LIST);
        return;
    }
    for (u64 i = 0; i < task->len; i++) {
        const u8 *entry = task->buffer + 8 + i * 16;
        u64 lba = load_be64(entry), blocks = load_be32(entry + 8);
        sum += blocks;
        if (lba > lu->blocks || blocks > lu->blocks - lba) {
            scsi_fail(task, SENSE_RANGE);
            return;
        }
    }
    if (sum > UNMAP_MAX)
        scsi_fail(task, SENSE_LIST);
    else
        unmap_next(task);
}

static void compared(struct store_io *io, int err)
{
    struct scsi_task *task = container_of(io, struct scsi_task, io);
    if (err) {
        scsi_fail_store(task, err, (io->offset + io->moved) / block_of(task));
        return;
    }
    u64 size = io->size, same = first_difference(task->buffer, task->data, size);
    if (same < size) {
        scsi_fail_at(task, SENSE_MISCOMPARE, same);
        return;
    }
    *io = (struct store_io){.op = STORE_WRITE,
                            .durable = wants_access(task) || !task->nexus->lu->write_cache,
                            .data = task->data + size,
                            .offset = task->lba * SCSI_BLOCK,
                            .size = size,
                            .done = end_io};
    store_submit(task->nexus->lu->store, io);
}

// No other task runs (COMMAND_ALONE), so that nothing comes between.
void scsi_run_compare_and_write(struct scsi_task *task)
{
    task->lba = load_be64(task->cdb + 2);
    task->blocks = task->cdb[13];
    u64 size = task->blocks * SCSI_BLOCK;
    if (!scsi_in_range(task)) {
        scsi_fail(task, SENSE_RANGE);
    } else if (2 * size > task->out_size) {
        scsi_fail(task, SENSE_CDB);
    } else if (!size) {
        scsi_good(task);
    } else if (make_buffer(task, size)) {
        task->io = (struct store_io){.op = STORE_READ,
                                     .data = task->buffer,
                                     .offset = task->lba * block_of(task),
                                     .size = size,
                                     .done = compared};
        store_submit(task->nexus->lu->store, &task->io);
    }
}
