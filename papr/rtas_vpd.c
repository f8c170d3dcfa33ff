// SPDX-License-Identifier: Apache-2.0
//
// Vital product data, and what an OS asks for after it was suspended: nodes and properties that changed meanwhile.
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "base/endian.h"
#include "papr/of.h"
#include "papr/rtas_int.h"
#include "papr/tree.h"

#define LOCATION_MAX 80u
#define VPD_MAX      512u
#define VPD_TAG      0x84u // large resource: keywords
#define VPD_END      0x78u

struct vpd {
    u8 data[VPD_MAX];
    size_t len;
};

// Two letters, the length in one byte, the text.
static void keyword(struct vpd *vpd, const char *name, const char *text)
{
    size_t len = MIN(strlen(text), (size_t)255);
    if (vpd->len + 3 + len >= sizeof(vpd->data))
        return;
    u8 *at = vpd->data + vpd->len;
    memcpy(at, name, 2);
    at[2] = (u8)len;
    memcpy(at + 3, text, len);
    vpd->len += 3 + len;
}

// The system's record: who it is, where it is, whose partition this is. LoPAR "Vital Product Data"
static void system_vpd(const struct partition *lp, struct vpd *vpd)
{
    char type[TREE_IDENTITY_MAX], serial[TREE_IDENTITY_MAX], location[TREE_IDENTITY_MAX];
    tree_identity(lp, type, serial, location);
    vpd->len = 3;
    keyword(vpd, "RT", "VSYS");
    keyword(vpd, "TM", type);
    keyword(vpd, "SE", serial);
    keyword(vpd, "YL", location);
    keyword(vpd, "DS", "System VPD");
    keyword(vpd, "SN", lp->config.name);
    vpd->data[0] = VPD_TAG;
    vpd->data[1] = (u8)(vpd->len - 3); // little-endian
    vpd->data[2] = (u8)((vpd->len - 3) >> 8);
    vpd->data[vpd->len++] = VPD_END;
}

// True when a location code (nothing: all) names the system.
static bool names_system(const struct partition *lp, const char *code)
{
    char type[TREE_IDENTITY_MAX], serial[TREE_IDENTITY_MAX], location[TREE_IDENTITY_MAX];
    tree_identity(lp, type, serial, location);
    return !*code || strcmp(code, location) == 0;
}

// location code, work area, its size, sequence number (1 first) -> status, next sequence number, bytes returned
int rtas_get_vpd(struct cpu *cpu, struct rtas_call *call)
{
    struct partition *lp = cpu_partition(cpu);
    char code[LOCATION_MAX] = "";
    u32 size = call->args[2], sequence = call->args[3];
    struct vpd vpd;

    for (unsigned i = 0;; i++) {
        if (i == sizeof(code) || !guest_mem_read(&lp->mem, call->args[0] + (u64)i, &code[i], 1))
            return RTAS_PARAMETER;
        if (!code[i])
            break;
    }
    system_vpd(lp, &vpd);
    // The sequence number is where the rest begins, counted from 1.
    if (!names_system(lp, code) || !size || !sequence || sequence > vpd.len)
        return RTAS_PARAMETER;
    u32 at = sequence - 1, part = MIN(size, (u32)vpd.len - at);
    if (!guest_mem_write(&lp->mem, call->args[1], vpd.data + at, part))
        return RTAS_PARAMETER;
    bool more = at + part < vpd.len;
    call->ret[1] = more ? sequence + part : 1;
    call->ret[2] = part;
    return more ? RTAS_MORE_DATA : RTAS_SUCCESS;
}

#define SCOPE_MIGRATION 1u
#define WORK_AREA_SIZE  4096u

// Work area, scope. In the work area: state, unit address, reserved; then changes, of which there are none: a partition that was
// suspended goes on where it was, with the tree that it has.
int rtas_update_nodes(struct cpu *cpu, struct rtas_call *call)
{
    struct partition *lp = cpu_partition(cpu);
    static const u8 none[4] = {0};
    be32 state;
    if (call->args[1] != SCOPE_MIGRATION || !guest_mem_contains(&lp->mem, call->args[0], WORK_AREA_SIZE) ||
        !guest_mem_read(&lp->mem, call->args[0], &state, sizeof(state)) || be32_get(state))
        return RTAS_PARAMETER;
    guest_mem_write(&lp->mem, call->args[0] + 16ull, none, sizeof(none));
    return RTAS_SUCCESS;
}

// Work area, scope. In the work area: node, state, reserved; then the number of properties that changed.
int rtas_update_properties(struct cpu *cpu, struct rtas_call *call)
{
    struct partition *lp = cpu_partition(cpu);
    static const u8 none[4] = {0};
    be32 head[2];
    if (call->args[1] != SCOPE_MIGRATION || !guest_mem_contains(&lp->mem, call->args[0], WORK_AREA_SIZE) ||
        !guest_mem_read(&lp->mem, call->args[0], head, sizeof(head)) || be32_get(head[1]))
        return RTAS_PARAMETER;
    const void *tree = of_tree(lp);
    if (tree && fdt_node_offset_by_phandle(tree, be32_get(head[0])) < 0)
        return RTAS_PARAMETER;
    guest_mem_write(&lp->mem, call->args[0] + 16ull, none, sizeof(none));
    return RTAS_SUCCESS;
}
