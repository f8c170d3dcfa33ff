// SPDX-License-Identifier: Apache-2.0
// The live tree is a flattened one that libfdt edits in place: boot programs make a few thousand calls, and what they write is
// then read by the OS in the same form. Lock: of->lock around everything.
#include "papr/of.h"

#include <errno.h>
#include <libfdt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/endian.h"
#include "papr/cas.h"
#include "papr/disk_label.h"
#include "papr/hcall.h"
#include "papr/of_claim.h"
#include "papr/of_disk.h"
#include "papr/of_llan.h"
#include "papr/rtas.h"
#include "papr/tree.h"
#include "papr/vdev_ops.h"

#define HANDLES_MAX 64u
#define HANDLE_BASE 0x4f460000u // an instance handle: base + position + 1
#define STRING_MAX  1024u
#define CELLS_MAX   16u
#define PROP_MAX    0x10000u // what setprop takes and getprop gives at most

// Something that the boot program has open.
struct instance {
    u32 phandle;                // 0: free
    const struct of_disk *disk; // NULL: no disk
    bool lan;                   // the network adapter that is open
    u64 start, size, position;  // bytes: the disk or a partition of it
};

struct of_state {
    pthread_mutex_t lock;
    void *fdt;
    struct of_claims claims;
    struct instance instances[HANDLES_MAX];
    bool quiesced;
};

// One call, arguments copied in.
struct client_call {
    struct partition *lp;
    struct of_state *of;
    struct cpu *cpu;
    u32 nargs, nrets;
    u32 args[CELLS_MAX], rets[CELLS_MAX];
};

#define OF_ERROR   0xffffffffu
#define OF_NOTHING 0xfffffffeu // IEEE 1275 "read": nothing is there yet

static bool read_string(const struct partition *lp, u32 addr, char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!guest_mem_read(&lp->mem, addr + (u64)i, text + i, 1))
            return false;
        if (!text[i])
            return true;
    }
    return false;
}

static u32 phandle_at(const struct of_state *of, int node)
{
    return node < 0 ? 0 : fdt_get_phandle(of->fdt, node);
}

static int node_of(const struct of_state *of, u32 phandle)
{
    return phandle == 0 || phandle == OF_ERROR ? -FDT_ERR_BADPHANDLE : fdt_node_offset_by_phandle(of->fdt, phandle);
}

// What a path names.
struct place {
    int node; // negative: nothing
    const struct of_disk *disk;
    u32 partition; // of the disk; 0: all of it
};

// The first component may be an alias. Arguments begin at a colon. false: it is too long.
static bool expand_alias(const struct of_state *of, const char *path, char full[STRING_MAX])
{
    size_t len = strcspn(path, "/:");
    int aliases = fdt_path_offset(of->fdt, "/aliases"), size = 0;
    const char *value =
        path[0] != '/' && aliases >= 0 ? fdt_getprop_namelen(of->fdt, aliases, path, (int)len, &size) : NULL;
    if (!value || size <= 0)
        return snprintf(full, STRING_MAX, "%s", path) < (int)STRING_MAX;
    return snprintf(full, STRING_MAX, "%.*s%s", size, value, path + len) < (int)STRING_MAX;
}

// Disks have one node for all of an adapter's; which one it is, is in the unit address alone.
static const struct of_disk *disk_by_unit(struct partition *lp, int node, const char *unit)
{
    int parent = fdt_parent_offset(lp->of->fdt, node), size;
    const be32 *reg = parent < 0 ? NULL : fdt_getprop(lp->of->fdt, parent, "reg", &size);
    if (!reg || size != sizeof(*reg))
        return NULL;
    char *end;
    u64 lun = strtoull(unit, &end, 16);
    return end != unit && (!*end || *end == ':') ? of_disk_find(lp, be32_get(*reg) - VIO_UNIT(0), lun) : NULL;
}

// A path with or without arguments ("/vdevice/vty@30000000:9600", "disk:2").
static struct place place_by_path(struct partition *lp, const char *path)
{
    const struct of_state *of = lp->of;
    struct place place = {.node = -FDT_ERR_NOTFOUND};
    char full[STRING_MAX];
    if (!expand_alias(of, path, full))
        return place;
    size_t len = strcspn(full, ":");
    if (full[len] == ':')
        place.partition = (u32)strtoul(full + len + 1, NULL, 10);
    while (len > 1 && full[len - 1] == '/')
        len--;
    place.node = fdt_path_offset_namelen(of->fdt, full, (int)len);
    const char *at = memrchr(full, '@', len), *slash = memrchr(full, '/', len);
    if (place.node >= 0 || !at || !slash || at - slash != strlen("/disk") ||
        strncmp(slash, "/disk", strlen("/disk")) != 0)
        return place;
    int node = fdt_path_offset_namelen(of->fdt, full, (int)(at - full));
    place.disk = node < 0 ? NULL : disk_by_unit(lp, node, at + 1);
    if (place.disk)
        place.node = node;
    return place;
}

const struct of_disk *of_disk_by_path(struct partition *lp, const char *path)
{
    return place_by_path(lp, path).disk;
}

static struct instance *instance_of(struct of_state *of, u32 handle)
{
    u32 i = handle - HANDLE_BASE - 1;
    return i < HANDLES_MAX && of->instances[i].phandle ? &of->instances[i] : NULL;
}

static u32 instance_open(struct of_state *of, const struct instance *instance)
{
    for (u32 i = 0; i < HANDLES_MAX; i++)
        if (!of->instances[i].phandle) {
            of->instances[i] = *instance;
            return HANDLE_BASE + i + 1;
        }
    return 0;
}

static u32 instance_phandle(struct of_state *of, u32 handle)
{
    const struct instance *instance = instance_of(of, handle);
    return instance ? instance->phandle : 0;
}

// memory@0's "available": boot programs look for room there (GRUB takes none that is next to its own). Not the interrupt vectors.
static void update_available(struct partition *lp)
{
    struct of_state *of = lp->of;
    const struct of_claims *claims = &of->claims;
    be64 ranges[2 * (OF_CLAIMS_MAX + 1)];
    u64 at = OF_VECTORS_END, limit = tree_rma_size(&lp->config);
    unsigned len = 0;
    for (unsigned i = 0; i <= claims->len; i++) {
        u64 end = i < claims->len ? MIN(claims->list[i].start, limit) : limit;
        if (end > at) {
            ranges[len++] = be64_of(at);
            ranges[len++] = be64_of(end - at);
        }
        at = i < claims->len ? MAX(at, claims->list[i].end) : at;
    }
    int node = fdt_path_offset(of->fdt, "/memory@0");
    if (node >= 0) // a tree that is full keeps the old one
        fdt_setprop(of->fdt, node, "available", ranges, (int)(len * sizeof(*ranges)));
}

// The services: arguments and results as IEEE 1275 lists them. The value is R3.

static long c_finddevice(struct client_call *c)
{
    char path[STRING_MAX];
    int node = read_string(c->lp, c->args[0], path, sizeof(path)) ? place_by_path(c->lp, path).node : -1;
    c->rets[0] = node < 0 ? OF_ERROR : phandle_at(c->of, node);
    return 0;
}

static long c_peer(struct client_call *c)
{
    if (c->args[0] == 0)
        c->rets[0] = phandle_at(c->of, 0);
    else
        c->rets[0] = phandle_at(c->of, fdt_next_subnode(c->of->fdt, node_of(c->of, c->args[0])));
    if (c->args[0] && c->args[0] == phandle_at(c->of, 0))
        c->rets[0] = 0; // the root has no peer
    return 0;
}

static long c_child(struct client_call *c)
{
    int node = node_of(c->of, c->args[0]);
    c->rets[0] = node < 0 ? 0 : phandle_at(c->of, fdt_first_subnode(c->of->fdt, node));
    return 0;
}

static long c_parent(struct client_call *c)
{
    int node = node_of(c->of, c->args[0]);
    c->rets[0] = node <= 0 ? 0 : phandle_at(c->of, fdt_parent_offset(c->of->fdt, node));
    return 0;
}

// A property's value; "name" is not stored but follows from the node's. NULL: there is none.
static const void *property(const struct client_call *c, u32 phandle, u32 name_addr, char *name_space, int *size)
{
    char name[STRING_MAX];
    int node = node_of(c->of, phandle);
    if (node < 0 || !read_string(c->lp, name_addr, name, sizeof(name)))
        return NULL;
    const void *value = fdt_getprop(c->of->fdt, node, name, size);
    if (value || strcmp(name, "name") != 0)
        return value;
    int len;
    const char *full = fdt_get_name(c->of->fdt, node, &len);
    if (!full)
        return NULL;
    snprintf(name_space, STRING_MAX, "%.*s", (int)strcspn(full, "@"), full);
    *size = (int)strlen(name_space) + 1;
    return name_space;
}

static long c_getproplen(struct client_call *c)
{
    char name[STRING_MAX];
    int size;
    c->rets[0] = property(c, c->args[0], c->args[1], name, &size) ? (u32)size : OF_ERROR;
    return 0;
}

static long c_getprop(struct client_call *c)
{
    char name[STRING_MAX];
    int size;
    const void *value = property(c, c->args[0], c->args[1], name, &size);
    c->rets[0] = OF_ERROR;
    if (!value)
        return 0;
    u64 copied = MIN((u32)size, c->args[3]);
    if (copied && !guest_mem_write(&c->lp->mem, c->args[2], value, copied))
        return 0;
    c->rets[0] = (u32)size;
    return 0;
}

// The property after the named one ("" or a null pointer: the first). 1 found, 0 no more, -1 no such property.
static long c_nextprop(struct client_call *c)
{
    char previous[STRING_MAX] = "";
    int node = node_of(c->of, c->args[0]);
    c->rets[0] = OF_ERROR;
    if (node < 0 || (c->args[1] && !read_string(c->lp, c->args[1], previous, sizeof(previous))))
        return 0;

    bool take = previous[0] == '\0';
    const char *next = NULL;
    int offset;
    fdt_for_each_property_offset(offset, c->of->fdt, node)
    {
        const char *name;
        if (!fdt_getprop_by_offset(c->of->fdt, offset, &name, NULL))
            return 0;
        if (take) {
            next = name;
            break;
        }
        take = strcmp(name, previous) == 0;
    }
    if (!take && strcmp(previous, "name") != 0)
        return 0;
    const char *result = next ? next : "";
    if (guest_mem_write(&c->lp->mem, c->args[2], result, strlen(result) + 1))
        c->rets[0] = next != NULL;
    return 0;
}

static long c_setprop(struct client_call *c)
{
    char name[STRING_MAX];
    int node = node_of(c->of, c->args[0]);
    u32 size = c->args[3];
    c->rets[0] = OF_ERROR;
    if (node < 0 || size > PROP_MAX || !read_string(c->lp, c->args[1], name, sizeof(name)) || !name[0] ||
        strcmp(name, "name") == 0 || strcmp(name, "phandle") == 0 ||
        (size && !guest_mem_contains(&c->lp->mem, c->args[2], size)))
        return 0;
    void *value = malloc(size + 1u);
    if (!value)
        return 0;
    if (size)
        guest_mem_read(&c->lp->mem, c->args[2], value, size);
    if (fdt_setprop(c->of->fdt, node, name, value, (int)size) == 0)
        c->rets[0] = size;
    free(value);
    return 0;
}

static void write_text(struct client_call *c, const char *text, u32 addr, u32 size)
{
    u32 len = (u32)strlen(text); // the terminator is copied where there is room, and not counted
    u32 copied = MIN(len + 1, size);
    c->rets[0] = OF_ERROR;
    if (!copied || guest_mem_write(&c->lp->mem, addr, text, copied))
        c->rets[0] = len;
}

static void write_path(struct client_call *c, const struct place *place, u32 addr, u32 size)
{
    char path[STRING_MAX];
    c->rets[0] = OF_ERROR;
    if (place->disk)
        of_disk_path(c->lp, place->disk, path);
    else if (place->node < 0 || fdt_get_path(c->of->fdt, place->node, path, sizeof(path)))
        return;
    write_text(c, path, addr, size);
}

static long c_package_to_path(struct client_call *c)
{
    write_path(c, &(struct place){.node = node_of(c->of, c->args[0])}, c->args[1], c->args[2]);
    return 0;
}

static long c_instance_to_path(struct client_call *c)
{
    const struct instance *instance = instance_of(c->of, c->args[0]);
    c->rets[0] = OF_ERROR;
    if (instance)
        write_path(c, &(struct place){.node = node_of(c->of, instance->phandle), .disk = instance->disk}, c->args[1],
                   c->args[2]);
    return 0;
}

static long c_instance_to_package(struct client_call *c)
{
    u32 phandle = instance_phandle(c->of, c->args[0]);
    c->rets[0] = phandle ? phandle : OF_ERROR;
    return 0;
}

static long c_canon(struct client_call *c)
{
    char path[STRING_MAX];
    c->rets[0] = OF_ERROR;
    if (read_string(c->lp, c->args[0], path, sizeof(path))) {
        struct place place = place_by_path(c->lp, path);
        write_path(c, &place, c->args[1], c->args[2]);
    }
    return 0;
}

struct open_disk {
    struct partition *lp;
    const struct of_disk *disk;
};

static bool read_disk(void *arg, u64 offset, void *to, u32 size)
{
    const struct open_disk *open = arg;
    return of_disk_read(open->lp, open->disk, offset, to, size) == 0;
}

// What of a disk an instance is about. false: it has no such partition.
static bool open_disk(struct partition *lp, struct instance *instance, u32 partition)
{
    struct open_disk open = {lp, instance->disk};
    struct disk_source source = {instance->disk->block_size, of_disk_size(instance->disk), read_disk, &open};
    struct disk_partition parts[DISK_PARTITIONS_MAX];
    instance->size = source.size;
    if (!partition)
        return true;
    u32 len = disk_label_read(&source, parts);
    for (u32 i = 0; i < len; i++)
        if (parts[i].number == partition) {
            instance->start = parts[i].start;
            instance->size = parts[i].size;
            return true;
        }
    return false;
}

static bool has_type(const struct of_state *of, int node, const char *wanted)
{
    const char *type = fdt_getprop(of->fdt, node, "device_type", NULL);
    return type && strcmp(type, wanted) == 0;
}

// The slot of an adapter by its node. VIO_SLOTS: it is in none.
static u32 slot_of(const struct of_state *of, int node)
{
    int size;
    const be32 *reg = fdt_getprop(of->fdt, node, "reg", &size);
    return reg && size == sizeof(*reg) ? be32_get(*reg) - VIO_UNIT(0) : VIO_SLOTS;
}

static long c_open(struct client_call *c)
{
    char path[STRING_MAX];
    struct place place = {.node = -1};
    if (read_string(c->lp, c->args[0], path, sizeof(path)))
        place = place_by_path(c->lp, path);
    c->rets[0] = 0;
    if (place.node < 0 || (!place.disk && has_type(c->of, place.node, "block"))) // which disk?
        return 0;
    struct instance instance = {.phandle = phandle_at(c->of, place.node), .disk = place.disk};
    if (!instance.phandle || (place.disk && !open_disk(c->lp, &instance, place.partition)))
        return 0;
    instance.lan = has_type(c->of, place.node, "network");
    struct vdev *lan = instance.lan ? of_llan_at(c->lp, slot_of(c->of, place.node)) : NULL;
    if (instance.lan && (!lan || of_llan_open(c->lp, lan)))
        return 0;
    c->rets[0] = instance_open(c->of, &instance);
    if (instance.lan && !c->rets[0])
        of_llan_close(c->lp);
    return 0;
}

static long c_close(struct client_call *c)
{
    struct instance *instance = instance_of(c->of, c->args[0]);
    if (!instance || instance == c->of->instances) // the console's stays
        return 0;
    if (instance->lan)
        of_llan_close(c->lp);
    *instance = (struct instance){0};
    return 0;
}

// Reads or writes at the position of a disk's instance as much as there is: the bytes.
static u32 move_data(struct client_call *c, struct instance *instance, bool write)
{
    u64 size = MIN(c->args[2], instance->size - instance->position);
    if (of_disk_copy(c->lp, instance->disk, write, instance->start + instance->position, c->args[1], size))
        return OF_ERROR;
    instance->position += size;
    return (u32)size;
}

// A frame of an adapter. IEEE 1275 "network": as much of it as there is room for; who asks before there is one waits a little, as boot programs ask all the time.
#define LAN_WAIT_NS 1000000
#define LAN_FRAME   2048u
static u32 move_frame(struct client_call *c, bool write)
{
    u8 frame[LAN_FRAME];
    u32 size = MIN(c->args[2], LAN_FRAME);
    if (!guest_mem_contains(&c->lp->mem, c->args[1], size))
        return OF_ERROR;
    if (write) {
        guest_mem_read(&c->lp->mem, c->args[1], frame, size);
        return of_llan_send(c->lp, frame, size) ? size : OF_ERROR;
    }
    u32 got = of_llan_receive(c->lp, frame, size, clock_ns() + LAN_WAIT_NS);
    got = MIN(got, size);
    guest_mem_write(&c->lp->mem, c->args[1], frame, got);
    return got ? got : OF_NOTHING;
}

static bool is_console(const struct client_call *c, u32 handle)
{
    u32 phandle = instance_phandle(c->of, handle);
    return phandle && phandle == phandle_at(c->of, fdt_path_offset(c->of->fdt, TREE_CONSOLE_PATH));
}

static long c_write(struct client_call *c)
{
    u32 addr = c->args[1], left = c->args[2];
    struct instance *instance = instance_of(c->of, c->args[0]);
    c->rets[0] = OF_ERROR;
    if (instance && instance->disk) {
        c->rets[0] = move_data(c, instance, true);
        return 0;
    }
    if (instance && instance->lan) {
        c->rets[0] = move_frame(c, true);
        return 0;
    }
    if (!is_console(c, c->args[0]) || !guest_mem_contains(&c->lp->mem, addr, left))
        return 0;
    const struct partition *lp = c->lp;
    u32 done = 0;
    while (done < left && atomic_load(&lp->end) == END_NONE) {
        u8 chunk[512];
        size_t size = MIN(left - done, sizeof(chunk));
        guest_mem_read(&lp->mem, addr + (u64)done, chunk, size);
        size_t taken = lp->hv->console_write(lp->hv_arg, chunk, size);
        if (!taken) // full: let the console drain
            nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
        done += (u32)taken;
    }
    c->rets[0] = done;
    return 0;
}

static long c_read(struct client_call *c)
{
    u8 chunk[512];
    u32 size = MIN(c->args[2], sizeof(chunk));
    struct instance *instance = instance_of(c->of, c->args[0]);
    c->rets[0] = OF_ERROR;
    if (instance && instance->disk) {
        c->rets[0] = move_data(c, instance, false);
        return 0;
    }
    if (instance && instance->lan) {
        c->rets[0] = move_frame(c, false);
        return 0;
    }
    if (!is_console(c, c->args[0]) || !guest_mem_contains(&c->lp->mem, c->args[1], size))
        return 0;
    size_t got = c->lp->hv->console_read(c->lp->hv_arg, chunk, size);
    guest_mem_write(&c->lp->mem, c->args[1], chunk, got);
    c->rets[0] = got ? (u32)got : OF_NOTHING;
    return 0;
}

static long c_seek(struct client_call *c)
{
    struct instance *instance = instance_of(c->of, c->args[0]);
    u64 position = (u64)c->args[1] << 32 | c->args[2];
    c->rets[0] = OF_ERROR;
    if (instance && instance->disk && position <= instance->size) {
        instance->position = position;
        c->rets[0] = 0;
    }
    return 0;
}

static long c_claim(struct client_call *c)
{
    c->rets[0] = of_claim(&c->of->claims, tree_rma_size(&c->lp->config), c->args[0], c->args[1], c->args[2]);
    update_available(c->lp);
    return 0;
}

static long c_release(struct client_call *c)
{
    of_claim_remove(&c->of->claims, c->args[0], (u64)c->args[0] + c->args[1]);
    update_available(c->lp);
    return 0;
}

static long c_milliseconds(struct client_call *c)
{
    c->rets[0] = (u32)(group_timebase(&c->lp->group) / (TIMEBASE_HZ / 1000));
    return 0;
}

static long c_quiesce(struct client_call *c)
{
    of_disk_quiesce(c->lp);
    of_llan_close(c->lp);
    for (u32 i = 0; i < HANDLES_MAX; i++)
        if (c->of->instances[i].disk || c->of->instances[i].lan)
            c->of->instances[i] = (struct instance){0};
    c->of->quiesced = true;
    return 0;
}

static long c_exit(struct client_call *c)
{
    partition_end(c->lp, END_CRASH, "the boot program gave up (client interface exit)");
    return 0;
}

static long c_boot(struct client_call *c)
{
    partition_end(c->lp, END_REBOOT, "client interface boot");
    return 0;
}

// No Forth: but for the words by which a boot program ends, none is known.
static long c_interpret(struct client_call *c)
{
    static const struct {
        const char *word, *reason;
        enum partition_end end;
    } words[] = {
        {"reset-all", "the boot program asked for a restart", END_REBOOT},
        {"shut-down", "the boot program shut down", END_POWER_OFF},
        {"power-off", "the boot program shut down", END_POWER_OFF},
        {"poweroff", "the boot program shut down", END_POWER_OFF},
    };
    char text[STRING_MAX];
    c->rets[0] = OF_ERROR;
    if (!read_string(c->lp, c->args[0], text, sizeof(text)))
        return 0;
    for (unsigned i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(text, words[i].word) == 0) {
            partition_end(c->lp, words[i].end, words[i].reason);
            c->rets[0] = 0;
        }
    return 0;
}

// RTAS's entry: R3 is the argument buffer, R4 the RTAS base; called with relocation off, big-endian, 32- or 64-bit.
// LoPAR "RTAS Environment"
static const u32 rtas_code[] = {
    0x7c641b78, // mr    r4,r3
    0x3c600000, // lis   r3,0
    0x6063f000, // ori   r3,r3,HCALL_RTAS
    0x44000022, // sc    1
    0x4e800020, // blr
};
static_assert(HCALL_RTAS == 0xf000, "the entry code names it");

// The client interface: R3 is the argument array.
static const u32 client_code[] = {
    0x7c641b78, // mr    r4,r3
    0x3c600000, // lis   r3,0
    0x6063f001, // ori   r3,r3,HCALL_CLIENT
    0x44000022, // sc    1
    0x4e800020, // blr
};
static_assert(HCALL_CLIENT == 0xf001, "the entry code names it");
static_assert(sizeof(client_code) <= OF_ENTRY_SIZE, "OF_ENTRY_SIZE is too small");

static bool place_code(struct partition *lp, u64 addr, const u32 *code, size_t len)
{
    be32 out[16];
    for (size_t i = 0; i < len; i++)
        out[i] = be32_of(code[i]);
    return guest_mem_write(&lp->mem, addr, out, len * sizeof(be32));
}

void of_place_entry(struct partition *lp, u64 addr)
{
    place_code(lp, addr, client_code, ARRAY_LEN(client_code));
}

static bool instantiate_rtas(struct partition *lp, u64 base)
{
    if ((base & 3) || base + RTAS_BLOB_SIZE > 4 * GIB || !guest_mem_contains(&lp->mem, base, RTAS_BLOB_SIZE) ||
        !place_code(lp, base, rtas_code, ARRAY_LEN(rtas_code)))
        return false;
    lp->rtas_base = base;
    return true;
}

// Takes over from the old tree what a boot program added to nodes that the new one has too.
static void keep_client_properties(void *fdt, const void *old)
{
    char path[STRING_MAX];
    int depth = 0;
    for (int node = 0; node >= 0 && depth >= 0; node = fdt_next_node(old, node, &depth)) {
        if (fdt_get_path(old, node, path, sizeof(path)))
            continue;
        static const char *const kept[] = {"/chosen", "/rtas", "/aliases"};
        bool keep = false;
        for (unsigned i = 0; i < ARRAY_LEN(kept); i++)
            keep |= strcmp(path, kept[i]) == 0;
        if (!keep)
            continue;
        int offset;
        fdt_for_each_property_offset(offset, old, node)
        {
            const char *name;
            int size;
            const void *value = fdt_getprop_by_offset(old, offset, &name, &size);
            int target = fdt_path_offset(fdt, path);
            // What a boot program changed in /chosen (initial RAM disk, command line) counts, but not what is negotiated.
            bool old_counts = strcmp(path, "/chosen") == 0 && strncmp(name, "ibm,arch", 8) != 0;
            if (value && target >= 0 && (old_counts || !fdt_getprop(fdt, target, name, NULL)))
                fdt_setprop(fdt, target, name, value, size);
        }
    }
}

static bool set_handles(struct of_state *of)
{
    // stdin and stdout are the console's instance, the first of all.
    int chosen = fdt_path_offset(of->fdt, "/chosen");
    of->instances[0].phandle = phandle_at(of, fdt_path_offset(of->fdt, TREE_CONSOLE_PATH));
    return fdt_setprop_u32(of->fdt, chosen, "stdout", HANDLE_BASE + 1) == 0 &&
           fdt_setprop_u32(of->fdt, chosen, "stdin", HANDLE_BASE + 1) == 0;
}

static bool rebuild_tree(struct partition *lp)
{
    struct of_state *of = lp->of;
    void *fdt = tree_build(lp);
    if (!fdt)
        return false;
    keep_client_properties(fdt, of->fdt);
    free(of->fdt);
    of->fdt = fdt;
    update_available(lp);
    return set_handles(of);
}

static u32 client_architecture_support(struct client_call *c, u32 addr)
{
    const char *why = NULL;
    if (cas_negotiate(c->lp, addr, &why) || !rebuild_tree(c->lp)) {
        if (c->lp->hv->log && why)
            c->lp->hv->log(c->lp->hv_arg, 0, why);
        return OF_ERROR;
    }
    return 0;
}

// A method of a disk or of an adapter.
static bool device_method(struct client_call *c, int node, const char *method)
{
    const struct instance *instance = instance_of(c->of, c->args[1]);
    return of_disk_method(c->lp, slot_of(c->of, node), instance->disk, method, &c->rets[1]);
}

// call-method: method, instance, arguments ...; results: catch-result, then the method's own.
static long c_call_method(struct client_call *c)
{
    char method[STRING_MAX];
    c->rets[0] = OF_ERROR;
    if (!read_string(c->lp, c->args[0], method, sizeof(method)) || !instance_phandle(c->of, c->args[1]))
        return 0;
    int node = node_of(c->of, instance_phandle(c->of, c->args[1]));
    char path[STRING_MAX];
    if (node < 0 || fdt_get_path(c->of->fdt, node, path, sizeof(path)))
        return 0;

    if (strcmp(path, "/rtas") == 0 && strcmp(method, "instantiate-rtas") == 0) {
        if (instantiate_rtas(c->lp, c->args[2])) {
            c->rets[0] = 0;
            c->rets[1] = c->args[2];
        }
    } else if (strcmp(path, "/") == 0 && strcmp(method, "ibm,client-architecture-support") == 0) {
        c->rets[1] = client_architecture_support(c, c->args[2]);
        c->rets[0] = 0;
    } else if (device_method(c, node, method)) {
        c->rets[0] = 0;
    }
    return 0;
}

static long c_test(struct client_call *c);

static const struct client_service {
    const char *name;
    u8 nargs, nrets; // the least that the call needs
    long (*serve)(struct client_call *c);
} services[] = {
    {"test", 1, 1, c_test},
    {"finddevice", 1, 1, c_finddevice},
    {"peer", 1, 1, c_peer},
    {"child", 1, 1, c_child},
    {"parent", 1, 1, c_parent},
    {"getproplen", 2, 1, c_getproplen},
    {"getprop", 4, 1, c_getprop},
    {"nextprop", 3, 1, c_nextprop},
    {"setprop", 4, 1, c_setprop},
    {"canon", 3, 1, c_canon},
    {"package-to-path", 3, 1, c_package_to_path},
    {"instance-to-path", 3, 1, c_instance_to_path},
    {"instance-to-package", 1, 1, c_instance_to_package},
    {"open", 1, 1, c_open},
    {"close", 1, 0, c_close},
    {"read", 3, 1, c_read},
    {"write", 3, 1, c_write},
    {"seek", 3, 1, c_seek},
    {"claim", 3, 1, c_claim},
    {"release", 2, 0, c_release},
    {"call-method", 2, 1, c_call_method},
    {"interpret", 1, 1, c_interpret},
    {"milliseconds", 0, 1, c_milliseconds},
    {"quiesce", 0, 0, c_quiesce},
    {"boot", 1, 0, c_boot},
    {"enter", 0, 0, c_exit},
    {"exit", 0, 0, c_exit},
};

static const struct client_service *find_service(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(services); i++)
        if (strcmp(services[i].name, name) == 0)
            return &services[i];
    return NULL;
}

// 0: the service exists.
static long c_test(struct client_call *c)
{
    char name[STRING_MAX];
    c->rets[0] = !(read_string(c->lp, c->args[0], name, sizeof(name)) && find_service(name));
    return 0;
}

long of_client_call(struct cpu *cpu, u64 addr)
{
    struct partition *lp = cpu_partition(cpu);
    be32 head[3], cells[CELLS_MAX];
    char name[STRING_MAX];
    struct client_call call = {.lp = lp, .of = lp->of, .cpu = cpu};

    addr &= 0xffffffffu; // the client runs in 32-bit mode
    if (!guest_mem_read(&lp->mem, addr, head, sizeof(head)))
        return -1;
    call.nargs = be32_get(head[1]);
    call.nrets = be32_get(head[2]);
    if (call.nargs > CELLS_MAX || call.nrets > CELLS_MAX)
        return -1;
    u64 rets_addr = addr + sizeof(head) + call.nargs * sizeof(be32);
    if (!guest_mem_read(&lp->mem, addr + sizeof(head), cells, call.nargs * sizeof(be32)) ||
        (call.nrets && !guest_mem_contains(&lp->mem, rets_addr, call.nrets * sizeof(be32))) ||
        !read_string(lp, be32_get(head[0]), name, sizeof(name)))
        return -1;
    for (u32 i = 0; i < call.nargs; i++)
        call.args[i] = be32_get(cells[i]);

    const struct client_service *service = find_service(name);
    if (!service || call.nargs < service->nargs || call.nrets < service->nrets)
        return -1;
    pthread_mutex_lock(&lp->of->lock);
    long rc = service->serve(&call);
    pthread_mutex_unlock(&lp->of->lock);

    for (u32 i = 0; i < call.nrets; i++)
        cells[i] = be32_of(call.rets[i]);
    if (call.nrets)
        guest_mem_write(&lp->mem, rets_addr, cells, call.nrets * sizeof(be32));
    return rc;
}

bool of_reserve(struct partition *lp, u64 addr, u64 size)
{
    bool done = of_claim_insert(&lp->of->claims, addr, addr + size);
    update_available(lp);
    return done;
}

void of_release(struct partition *lp, u64 addr, u64 size)
{
    of_claim_remove(&lp->of->claims, addr, addr + size);
    update_available(lp);
}

int of_set_boot_disk(struct partition *lp, const struct of_disk *disk)
{
    void *fdt = lp->of->fdt;
    char path[OF_DISK_PATH_MAX];
    of_disk_path(lp, disk, path);
    int err = fdt_setprop_string(fdt, fdt_path_offset(fdt, "/chosen"), "bootpath", path);
    for (u32 i = of_disk_count(lp); i-- && !err;) { // the first of each kind remains
        const struct of_disk *other = of_disk_get(lp, i);
        of_disk_path(lp, other, path);
        err = fdt_setprop_string(fdt, fdt_path_offset(fdt, "/aliases"), other->cdrom ? "cdrom" : "disk", path);
    }
    return err ? -ENOSPC : 0;
}

int of_set_boot_network(struct partition *lp, const char *path, const void *reply, u32 reply_size)
{
    void *fdt = lp->of->fdt;
    int chosen = fdt_path_offset(fdt, "/chosen");
    // Boot programs take their network's settings from the answer.
    int err = fdt_setprop_string(fdt, chosen, "bootpath", path);
    if (!err && reply_size)
        err = fdt_setprop(fdt, chosen, "bootp-response", reply, (int)reply_size);
    if (!err)
        err = fdt_setprop_string(fdt, fdt_path_offset(fdt, "/aliases"), "net", path);
    return err ? -ENOSPC : 0;
}

int of_flatten(struct partition *lp, u64 rtas_addr, u64 fdt_addr, u64 limit, u64 *fdt_size)
{
    if (!instantiate_rtas(lp, rtas_addr))
        return -EINVAL;
    if (!rebuild_tree(lp))
        return -ENOMEM;
    void *fdt = lp->of->fdt;
    // The OS must keep its hands off RTAS and the tree itself.
    int err = fdt_add_mem_rsv(fdt, rtas_addr, RTAS_BLOB_SIZE);
    if (err || fdt_pack(fdt))
        return -ENOSPC;
    *fdt_size = fdt_totalsize(fdt);
    fdt_set_boot_cpuid_phys(fdt, 0);
    if (fdt_addr + *fdt_size > limit || !guest_mem_write(&lp->mem, fdt_addr, fdt, *fdt_size))
        return -ENOSPC;
    lp->fdt_addr = fdt_addr;
    lp->of->quiesced = true;
    return 0;
}

const void *of_tree(const struct partition *lp)
{
    return lp->of->fdt;
}

bool of_quiesced(const struct partition *lp)
{
    return lp->of->quiesced;
}

int of_init(struct partition *lp)
{
    struct of_state *of = calloc(1, sizeof(*of));
    if (!of)
        return -ENOMEM;
    of->fdt = tree_build(lp);
    if (!of->fdt || !set_handles(of)) {
        free(of->fdt);
        free(of);
        return -ENOMEM;
    }
    pthread_mutex_init(&of->lock, NULL);
    lp->of = of;
    return 0;
}

int of_attached(struct partition *lp)
{
    return rebuild_tree(lp) ? 0 : -ENOMEM;
}

void of_fini(struct partition *lp)
{
    if (!lp->of)
        return;
    pthread_mutex_destroy(&lp->of->lock);
    free(lp->of->fdt);
    free(lp->of);
    lp->of = NULL;
}
