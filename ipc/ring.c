// SPDX-License-Identifier: Apache-2.0
//
// A message is a header of eight bytes, its size, then its bytes, padded to eight. Messages lie in a row: one that does not fit before the end of the ring is
// preceded by a header that says to go on at the start. `head` counts bytes written since the start, `tail` bytes given back, both modulo 2^32; only the
// sender writes head, only the receiver tail, each from a copy of its own, so that a peer can spoil nothing but what it sends.
//
// Sleeping: who waits sets its flag, then looks once more; who commits or consumes does so first, then looks at the flag. Both in sequentially consistent order, so that one
// of the two sees the other.
#include "ipc/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/large.h"

#define RING_MAGIC 0x3152504cu // "LPR1": layout, version 1
#define WRAP       (~0u)
#define HEADER     8u
#define CONTROL    0x1000u
#define ATTEMPTS   4u // to get a large page: what the kernel has in use does not move

// One direction. Lines of their own: both sides write all the time.
struct direction {
    _Alignas(64) _Atomic u32 head;         // by the sender
    _Alignas(64) _Atomic u32 tail;         // by the receiver
    _Alignas(64) _Atomic u32 reader_waits; // by the receiver
    _Alignas(64) _Atomic u32 writer_waits; // by the sender: it found no room
};

struct control {
    u32 magic, ring_size;
    u64 data_size;
    struct direction directions[2]; // [side]: what that side sends
};
static_assert(sizeof(struct control) <= CONTROL, "the page of control");

struct ring {
    // Fixed.
    struct control *control;
    struct direction *out, *in;
    u8 *out_bytes, *in_bytes, *data;
    u32 size;
    u64 data_size, mapped;
    u8 *attempts; // of ring_enlarge_data(), for each large page of the mapping; NULL: none yet
    int bell, peer_bell;
    // The sender's.
    u32 head, pending; // pending: where the next header goes, behind what is skipped
    u32 reserved;
    // The receiver's.
    u32 tail, message_size;
    _Atomic bool broken; // either's
};

int ring_create(u32 ring_size, u64 data_size, struct ring_fds *fds)
{
    *fds = (struct ring_fds){-1, {-1, -1}};
    if (ring_size < RING_SIZE_MIN || ring_size > RING_SIZE_MAX || (ring_size & (ring_size - 1)) ||
        data_size > RING_DATA_MAX || data_size % CONTROL)
        return -EINVAL;
    struct control head = {.magic = RING_MAGIC, .ring_size = ring_size, .data_size = data_size};
    fds->memory = memfd_create("link", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    fds->bell[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fds->bell[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fds->memory < 0 || fds->bell[0] < 0 || fds->bell[1] < 0 ||
        ftruncate(fds->memory, (off_t)(CONTROL + 2ull * ring_size + data_size)) ||
        pwrite(fds->memory, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
        fcntl(fds->memory, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)) {
        int err = -errno;
        ring_close_fds(fds);
        return err;
    }
    return 0;
}

void ring_close_fds(struct ring_fds *fds)
{
    int *each[] = {&fds->memory, &fds->bell[0], &fds->bell[1]};
    for (unsigned i = 0; i < ARRAY_LEN(each); i++) {
        if (*each[i] >= 0)
            close(*each[i]);
        *each[i] = -1;
    }
}

// Whether the memory can be mapped without a fault later on; its head is then copied.
static bool is_link(int memory, struct control *head, u64 *size)
{
    struct stat st;
    int seals = fcntl(memory, F_GET_SEALS);
    if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(memory, &st) || st.st_size < (off_t)CONTROL ||
        pread(memory, head, sizeof(*head), 0) != (ssize_t)sizeof(*head))
        return false;
    *size = (u64)st.st_size;
    return head->magic == RING_MAGIC && head->ring_size >= RING_SIZE_MIN && head->ring_size <= RING_SIZE_MAX &&
           !(head->ring_size & (head->ring_size - 1)) && head->data_size <= RING_DATA_MAX &&
           *size == CONTROL + 2ull * head->ring_size + head->data_size;
}

bool ring_read_data(const struct ring_fds *fds, void *to, u32 size)
{
    struct control head;
    u64 whole;
    return is_link(fds->memory, &head, &whole) && size <= head.data_size &&
           pread(fds->memory, to, size, (off_t)(CONTROL + 2ull * head.ring_size)) == (ssize_t)size;
}

struct ring *ring_attach(const struct ring_fds *fds, unsigned side)
{
    struct control head;
    u64 size;
    if (side > 1 || !is_link(fds->memory, &head, &size)) {
        errno = EINVAL;
        return NULL;
    }
    struct ring *ring = calloc(1, sizeof(*ring));
    if (!ring)
        return NULL;
    // Where large pages can be mapped.
    u8 *base = large_reserve(size);
    if (base != MAP_FAILED)
        base = mmap(base, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fds->memory, 0);
    if (base == MAP_FAILED) {
        free(ring);
        return NULL;
    }
    ring->control = (struct control *)base;
    ring->out = &ring->control->directions[side];
    ring->in = &ring->control->directions[!side];
    ring->size = head.ring_size;
    ring->out_bytes = base + CONTROL + side * head.ring_size;
    ring->in_bytes = base + CONTROL + !side * head.ring_size;
    ring->data = head.data_size ? base + CONTROL + 2ull * head.ring_size : NULL;
    ring->data_size = head.data_size;
    ring->mapped = size;
    ring->bell = fds->bell[side];
    ring->peer_bell = fds->bell[!side];
    // A side that comes back goes on where the one before it was; what that one had received and not given back comes again.
    ring->head = ring->pending = atomic_load(&ring->out->head);
    ring->tail = atomic_load(&ring->in->tail);
    if ((ring->head | ring->tail) % HEADER)
        ring->broken = true;
    return ring;
}

void ring_detach(struct ring *ring)
{
    if (!ring)
        return;
    munmap(ring->control, ring->mapped);
    free(ring->attempts);
    free(ring);
}

static void ring_the_bell(int bell)
{
    u64 one = 1;
    ssize_t done = write(bell, &one, sizeof(one)); // fails when it rings already
    (void)done;
}

static bool room_for(struct ring *ring, u32 need)
{
    u32 used = ring->pending - atomic_load_explicit(&ring->out->tail, memory_order_acquire);
    if (used > ring->size) {
        ring->broken = true;
        return false;
    }
    return need <= ring->size - used;
}

static u32 space_of(u32 size)
{
    return HEADER + ((size + 7) & ~7u);
}

void *ring_reserve(struct ring *ring, u32 size)
{
    if (size > RING_MESSAGE_MAX(ring->size) || ring->broken)
        return NULL;
    ring->pending = ring->head;
    u32 at = ring->pending & (ring->size - 1), need = space_of(size), rest = ring->size - at;
    u32 skipped = need > rest ? rest : 0;
    if (!room_for(ring, need + skipped)) {
        atomic_store(&ring->out->writer_waits, 1);
        if (!room_for(ring, need + skipped))
            return NULL;
        atomic_store(&ring->out->writer_waits, 0);
    }
    if (skipped) {
        *(u32 *)(ring->out_bytes + at) = WRAP;
        ring->pending += skipped;
        at = 0;
    }
    ring->reserved = size;
    return ring->out_bytes + at + HEADER;
}

void ring_commit(struct ring *ring, u32 size)
{
    size = MIN(size, ring->reserved);
    *(u32 *)(ring->out_bytes + (ring->pending & (ring->size - 1))) = size;
    ring->head = ring->pending + space_of(size);
    atomic_store(&ring->out->head, ring->head);
}

void ring_notify(struct ring *ring)
{
    if (atomic_load(&ring->out->reader_waits) && atomic_exchange(&ring->out->reader_waits, 0))
        ring_the_bell(ring->peer_bell);
}

const void *ring_peek(struct ring *ring, u32 *size)
{
    while (!ring->broken) {
        u32 ready = atomic_load(&ring->in->head) - ring->tail, at = ring->tail & (ring->size - 1);
        if (!ready)
            return NULL;
        u32 said = *(volatile u32 *)(ring->in_bytes + at), rest = ring->size - at;
        if (said == WRAP && at && ready >= rest) {
            ring->tail += rest;
            atomic_store(&ring->in->tail, ring->tail);
            continue;
        }
        if (ready > ring->size || said > RING_MESSAGE_MAX(ring->size) || space_of(said) > MIN(ready, rest))
            break;
        ring->message_size = said;
        *size = said;
        return ring->in_bytes + at + HEADER;
    }
    ring->broken = true;
    return NULL;
}

void ring_consume(struct ring *ring)
{
    ring->tail += space_of(ring->message_size);
    atomic_store(&ring->in->tail, ring->tail);
    if (atomic_load(&ring->in->writer_waits) && atomic_exchange(&ring->in->writer_waits, 0))
        ring_the_bell(ring->peer_bell);
}

int ring_bell(const struct ring *ring)
{
    return ring->bell;
}

bool ring_sleep(struct ring *ring)
{
    atomic_store(&ring->in->reader_waits, 1);
    if (ring->broken || atomic_load(&ring->in->head) == ring->tail)
        return true;
    ring_woken(ring);
    return false;
}

void ring_awake(struct ring *ring)
{
    atomic_store(&ring->in->reader_waits, 0);
}

void ring_woken(struct ring *ring)
{
    u64 count;
    ring_awake(ring);
    ssize_t done = read(ring->bell, &count, sizeof(count)); // fails when it did not ring
    (void)done;
}

bool ring_broken(const struct ring *ring)
{
    return ring->broken;
}

void *ring_data(const struct ring *ring)
{
    return ring->data;
}

u64 ring_data_size(const struct ring *ring)
{
    return ring->data_size;
}

void ring_enlarge_data(struct ring *ring, u64 offset, u64 size)
{
    u8 *base = (u8 *)ring->control;
    u64 from = (u64)(ring->data - base) + offset, pages = ring->mapped / LARGE_PAGE;
    if (!ring->attempts)
        ring->attempts = calloc(pages + 1, 1);
    if (!ring->attempts || !size)
        return;
    for (u64 page = from / LARGE_PAGE; page <= (from + size - 1) / LARGE_PAGE && page < pages; page++) {
        if (ring->attempts[page] == ATTEMPTS)
            continue;
        ring->attempts[page]++;
        large_collapse(base + page * LARGE_PAGE);
    }
}
