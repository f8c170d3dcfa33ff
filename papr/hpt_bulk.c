// SPDX-License-Identifier: Apache-2.0
//
// Removing several page table entries with one call: H_BULK_REMOVE, H_BLOCK_REMOVE. All entries leave the table first, then their
// translations are flushed: a flush may wait for other threads.
#include "papr/hcall_int.h"
#include "papr/hpt_int.h"

// LoPAR H_BULK_REMOVE "Translation Specifier High"
#define BULK_TYPE      PPC_BITMASK(0, 1)
#define BULK_REQUEST   PPC_BIT(1)
#define BULK_RESPONSE  PPC_BIT(0)
#define BULK_END       PPC_BITMASK(0, 1)
#define BULK_NOT_FOUND PPC_BIT(3)
#define BULK_PARM      PPC_BIT(2)
#define BULK_REF       PPC_BIT(4)
#define BULK_CHANGE    PPC_BIT(5)
#define BULK_AVPN      PPC_BIT(6)
#define BULK_ANDCOND   PPC_BIT(7)
#define BULK_PTEX      PPC_BITMASK(8, 63)
#define BULK_MAX       4u

struct flush_list {
    struct hpt_page pages[8];
    unsigned len;
};

static long take(struct cpu *cpu, struct flush_list *list, u64 ptex, enum hpt_match match, u64 avpn, u64 *r)
{
    u64 v;
    bool flush;
    struct hpt_page *page = &list->pages[list->len];
    long rc = hpt_take(&cpu_partition(cpu)->hpt->table, ptex, match, avpn, &v, r, page, &flush);
    list->len += rc == H_SUCCESS && flush;
    return rc;
}

static void flush_all(struct cpu *cpu, const struct flush_list *list)
{
    for (unsigned i = 0; i < list->len; i++)
        hpt_invalidate(cpu, &list->pages[i]);
}

// Up to four pairs (specifier, AVPN) -> the specifiers as responses
long h_bulk_remove(struct cpu *cpu, u64 *args)
{
    struct flush_list list = {.len = 0};
    long rc = H_SUCCESS;
    for (unsigned i = 0; i < BULK_MAX && rc == H_SUCCESS; i++) {
        u64 *high = &args[2 * i];
        if ((*high & BULK_TYPE) == BULK_END)
            break;
        if ((*high & BULK_TYPE) != BULK_REQUEST || (*high & (BULK_AVPN | BULK_ANDCOND)) == (BULK_AVPN | BULK_ANDCOND)) {
            *high = (*high & BULK_PTEX) | BULK_RESPONSE | BULK_PARM;
            rc = H_PARAMETER;
            break;
        }
        enum hpt_match match = *high & BULK_AVPN ? MATCH_AVPN : *high & BULK_ANDCOND ? MATCH_ANDCOND : MATCH_ANY;
        u64 ptex = *high & BULK_PTEX, r = 0;
        long one = take(cpu, &list, ptex, match, args[2 * i + 1], &r);
        *high = ptex | BULK_RESPONSE;
        if (one == H_SUCCESS) {
            *high |= (r & HPTE_R_R ? BULK_REF : 0) | (r & HPTE_R_C ? BULK_CHANGE : 0);
        } else if (one == H_NOT_FOUND) {
            *high |= BULK_NOT_FOUND;
        } else {
            *high |= BULK_PARM;
            rc = H_PARAMETER;
        }
    }
    flush_all(cpu, &list);
    return rc;
}

// LoPAR H_BLOCK_REMOVE: control byte of a specifier, then the index.
#define BLOCK_AVPN       PPC_BIT(7)
#define BLOCK_SUCCESS    PPC_BIT(0)
#define BLOCK_NOT_FOUND  (PPC_BIT(0) | PPC_BIT(4))
#define BLOCK_PARM       (PPC_BIT(0) | PPC_BIT(3))
#define BLOCK_REF        PPC_BIT(5)
#define BLOCK_CHANGE     PPC_BIT(6)
#define BLOCK_SPECIFIERS 8u

// AVA of a block of eight pages, then eight specifiers -> the specifiers as responses. H_PARTIAL when one was not done.
long h_block_remove(struct cpu *cpu, u64 *args)
{
    struct flush_list list = {.len = 0};
    u64 ava = args[0];
    long rc = H_SUCCESS;
    for (unsigned i = 0; i < BLOCK_SPECIFIERS; i++) {
        u64 request = args[i + 1];
        if ((request & BULK_TYPE) == BULK_END) {
            for (; i < BLOCK_SPECIFIERS; i++)
                args[i] = args[i + 1];
            break;
        }
        u64 ptex = request & BULK_PTEX, r = 0;
        long one = H_PARAMETER;
        if ((request & BULK_TYPE) == BULK_REQUEST)
            one = take(cpu, &list, ptex, request & BLOCK_AVPN ? MATCH_AVPN : MATCH_ANY, ava, &r);
        args[i] = ptex;
        if (one == H_SUCCESS) {
            args[i] |= BLOCK_SUCCESS | (r & HPTE_R_R ? BLOCK_REF : 0) | (r & HPTE_R_C ? BLOCK_CHANGE : 0);
        } else {
            args[i] |= one == H_NOT_FOUND ? BLOCK_NOT_FOUND : BLOCK_PARM;
            rc = one == H_NOT_FOUND && rc != H_PARAMETER ? H_PARTIAL : one == H_NOT_FOUND ? rc : H_PARAMETER;
        }
    }
    flush_all(cpu, &list);
    return rc;
}
