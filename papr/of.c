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

#include "base/endian.h"
#include "papr/cas.h"
#include "papr/hcall.h"
#include "papr/rtas.h"
#include "papr/tree.h"

#define CLAIMS_MAX  512u
#define HANDLES_MAX 64u
#define HANDLE_BASE 0x4f460000u // an instance handle: base + position + 1
#define STRING_MAX  1024u
#define CELLS_MAX   16u
#define PROP_MAX    0x10000u // what setprop takes and getprop gives at most

struct claim {
    u64 start, end;
};

struct of_state {
    pthread_mutex_t lock;
    void *fdt;
    struct claim claims[CLAIMS_MAX]; // sorted by start, not touching the same byte twice
    unsigned claims_len;
    u32 instances[HANDLES_MAX]; // phandle; 0: free
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

#define OF_ERROR 0xffffffffu

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

// A path without its arguments ("/vdevice/vty@30000000:9600"), aliases resolved by libfdt.
static int node_by_path(const struct of_state *of, const char *path)
{
    size_t len = strcspn(path, ":");
    while (len > 1 && path[len - 1] == '/')
        len--;
    return fdt_path_offset_namelen(of->fdt, path, (int)len);
}

static u32 instance_open(struct of_state *of, u32 phandle)
{
    if (!phandle)
        return 0;
    for (u32 i = 0; i < HANDLES_MAX; i++)
        if (!of->instances[i]) {
            of->instances[i] = phandle;
            return HANDLE_BASE + i + 1;
        }
    return 0;
}

static u32 instance_phandle(const struct of_state *of, u32 handle)
{
    u32 i = handle - HANDLE_BASE - 1;
    return i < HANDLES_MAX ? of->instances[i] : 0;
}

static bool claimed(const struct of_state *of, u64 start, u64 end)
{
    for (unsigned i = 0; i < of->claims_len; i++)
        if (start < of->claims[i].end && of->claims[i].start < end)
            return true;
    return false;
}

static bool claim_insert(struct of_state *of, u64 start, u64 end)
{
    if (of->claims_len == CLAIMS_MAX || start >= end)
        return false;
    unsigned at = of->claims_len++;
    for (; at > 0 && of->claims[at - 1].start > start; at--)
        of->claims[at] = of->claims[at - 1];
    of->claims[at] = (struct claim){start, end};
    return true;
}

// Takes [start, end) out of the claims, splitting what reaches beyond it.
static void claim_remove(struct of_state *of, u64 start, u64 end)
{
    struct claim kept[2];
    for (unsigned i = 0; i < of->claims_len;) {
        struct claim c = of->claims[i];
        if (start >= c.end || end <= c.start) {
            i++;
            continue;
        }
        memmove(&of->claims[i], &of->claims[i + 1], (--of->claims_len - i) * sizeof(c));
        unsigned n = 0;
        if (c.start < start)
            kept[n++] = (struct claim){c.start, start};
        if (end < c.end)
            kept[n++] = (struct claim){end, c.end};
        for (unsigned k = 0; k < n; k++)
            claim_insert(of, kept[k].start, kept[k].end);
        if (n)
            i = 0; // what was put back does not overlap any more
    }
}

// IEEE 1275 "claim": align 0 asks for the address itself, else for any with that alignment. OF_ERROR: not to be had.
static u32 claim(struct partition *lp, u32 addr, u32 size, u32 align)
{
    struct of_state *of = lp->of;
    u64 limit = tree_rma_size(&lp->config);
    if (limit > 4 * GIB)
        limit = 4 * GIB; // addresses are 32-bit cells
    if (size == 0)
        return OF_ERROR;
    if (align == 0) {
        u64 end = (u64)addr + size;
        return end <= limit && !claimed(of, addr, end) && claim_insert(of, addr, end) ? addr : OF_ERROR;
    }
    if (align & (align - 1))
        return OF_ERROR;
    u64 start = MAX(align, 0x4000u); // not where the interrupt vectors are
    start = (start + align - 1) & ~(u64)(align - 1);
    for (unsigned i = 0; i < of->claims_len; i++) { // sorted: step over each that is in the way
        const struct claim *c = &of->claims[i];
        if (start < c->end && c->start < start + size)
            start = (c->end + align - 1) & ~(u64)(align - 1);
    }
    return start + size <= limit && claim_insert(of, start, start + size) ? (u32)start : OF_ERROR;
}

// The services: arguments and results as IEEE 1275 lists them. The value is R3.

static long c_finddevice(struct client_call *c)
{
    char path[STRING_MAX];
    int node = read_string(c->lp, c->args[0], path, sizeof(path)) ? node_by_path(c->of, path) : -1;
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

static void write_path(struct client_call *c, int node, u32 addr, u32 size)
{
    char path[STRING_MAX];
    c->rets[0] = OF_ERROR;
    if (node < 0 || fdt_get_path(c->of->fdt, node, path, sizeof(path)))
        return;
    u32 len = (u32)strlen(path); // the terminator is copied where there is room, and not counted
    u32 copied = MIN(len + 1, size);
    if (!copied || guest_mem_write(&c->lp->mem, addr, path, copied))
        c->rets[0] = len;
}

static long c_package_to_path(struct client_call *c)
{
    write_path(c, node_of(c->of, c->args[0]), c->args[1], c->args[2]);
    return 0;
}

static long c_instance_to_path(struct client_call *c)
{
    write_path(c, node_of(c->of, instance_phandle(c->of, c->args[0])), c->args[1], c->args[2]);
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
    int node = read_string(c->lp, c->args[0], path, sizeof(path)) ? node_by_path(c->of, path) : -1;
    write_path(c, node, c->args[1], c->args[2]);
    return 0;
}

static long c_open(struct client_call *c)
{
    char path[STRING_MAX];
    int node = read_string(c->lp, c->args[0], path, sizeof(path)) ? node_by_path(c->of, path) : -1;
    c->rets[0] = node < 0 ? 0 : instance_open(c->of, phandle_at(c->of, node));
    return 0;
}

static long c_close(struct client_call *c)
{
    u32 i = c->args[0] - HANDLE_BASE - 1;
    if (i > 0 && i < HANDLES_MAX) // the console's stays
        c->of->instances[i] = 0;
    return 0;
}

static bool is_console(const struct client_call *c, u32 handle)
{
    u32 phandle = instance_phandle(c->of, handle);
    return phandle && phandle == phandle_at(c->of, fdt_path_offset(c->of->fdt, TREE_CONSOLE_PATH));
}

static long c_write(struct client_call *c)
{
    u32 addr = c->args[1], left = c->args[2];
    c->rets[0] = OF_ERROR;
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
    c->rets[0] = OF_ERROR;
    if (!is_console(c, c->args[0]) || !guest_mem_contains(&c->lp->mem, c->args[1], size))
        return 0;
    size_t got = c->lp->hv->console_read(c->lp->hv_arg, chunk, size);
    guest_mem_write(&c->lp->mem, c->args[1], chunk, got);
    c->rets[0] = got ? (u32)got : (u32)-2; // IEEE 1275: nothing there
    return 0;
}

static long c_seek(struct client_call *c)
{
    c->rets[0] = OF_ERROR; // no device of ours has positions
    return 0;
}

static long c_claim(struct client_call *c)
{
    c->rets[0] = claim(c->lp, c->args[0], c->args[1], c->args[2]);
    return 0;
}

static long c_release(struct client_call *c)
{
    claim_remove(c->of, c->args[0], (u64)c->args[0] + c->args[1]);
    return 0;
}

static long c_milliseconds(struct client_call *c)
{
    c->rets[0] = (u32)(group_timebase(&c->lp->group) / (TIMEBASE_HZ / 1000));
    return 0;
}

static long c_quiesce(struct client_call *c)
{
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

static long c_interpret(struct client_call *c)
{
    c->rets[0] = OF_ERROR; // no Forth: every word is unknown
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
    of->instances[0] = phandle_at(of, fdt_path_offset(of->fdt, TREE_CONSOLE_PATH));
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
    return claim_insert(lp->of, addr, addr + size);
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
