// SPDX-License-Identifier: Apache-2.0
#include "papr/cas.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "cpu/code.h"
#include "cpu/spr.h"
#include "isa/isa.h"
#include "papr/tree.h"

// Logical processor versions. LoPAR "ibm,client-architecture-support"
#define PVR_ISA_207 0x0f000004u
#define PVR_ISA_300 0x0f000005u

#define PCR_ISA_207 0x8u // ISA III "Processor Compatibility Register": facilities of later versions are off

#define PVRS_MAX    512u // entries of the list; LoPAR has no limit, an end mark is required

u32 cas_cpu_version(const struct partition *lp)
{
    // Before negotiation the tree names the processor itself.
    if (!lp->vec5_len || lp->vec5[0] == 0)
        return lp->group.cpus[0]->pvr;
    return lp->compat_level >= LEVEL_V30 ? PVR_ISA_300 : PVR_ISA_207;
}

void cas_reset(struct partition *lp)
{
    lp->compat_level = lp->config.isa_level;
    lp->radix = !lp->config.hash_allowed && lp->config.radix_allowed;
    lp->xive_mode = false;
    memset(lp->vec5, 0, sizeof(lp->vec5));
    lp->vec5_len = OV5_SIZE;
    // Byte 0 is the length less two once negotiated; 0 tells the two apart.
    lp->vec5[OV5_PARTITION] = OV5_LPAR | OV5_SPLPAR | OV5_LARGE_PAGES;
    lp->vec5[OV5_AFFINITY] = OV5_FORM1_AFFINITY;
    if (lp->radix) {
        lp->vec5[OV5_MMU] = OV5_MMU_RADIX_ONLY;
        lp->vec5[OV5_RADIX] = OV5_GTSE;
    }
}

// The highest level that both know, or -1.
static int choose_level(const struct partition *lp, u64 *addr)
{
    int level = -1;
    bool ours = false;
    u32 pvr = lp->group.cpus[0]->pvr;

    for (unsigned i = 0; i < PVRS_MAX; i++, *addr += 8) {
        be32 entry[2];
        if (!guest_mem_read(&lp->mem, *addr, entry, sizeof(entry)))
            return -1;
        u32 mask = be32_get(entry[0]), value = be32_get(entry[1]);
        if ((PVR_ISA_300 & mask) == value && lp->config.isa_level >= LEVEL_V30)
            level = LEVEL_V30;
        else if ((PVR_ISA_207 & mask) == value && level < LEVEL_V207)
            level = LEVEL_V207;
        else if ((pvr & mask) == value)
            ours = true;
        if ((mask & value) != value) { // the entry that cannot match ends the list
            *addr += 8;
            return level >= 0 ? level : ours ? lp->config.isa_level : -1;
        }
    }
    return -1;
}

// Copies option vector `number` (1 ..) with its length byte's meaning: `size` bytes, zero-filled. false: not in memory.
static bool read_vector(const struct partition *lp, u64 addr, unsigned number, u8 *vec, unsigned size, unsigned *found)
{
    u8 count, len;
    memset(vec, 0, size);
    *found = 0;
    if (!guest_mem_read(&lp->mem, addr++, &count, 1))
        return false;
    if (number > count + 1u)
        return true;
    for (unsigned i = 1;; i++) {
        if (!guest_mem_read(&lp->mem, addr, &len, 1))
            return false;
        unsigned bytes = len + 1u; // after the length byte
        if (i == number) {
            // Index 0 is the length byte's place: option vectors are counted from the byte after it as 1.
            unsigned take = MIN(bytes, size - 1);
            *found = bytes;
            return guest_mem_read(&lp->mem, addr + 1, vec + 1, take);
        }
        addr += 1 + bytes;
    }
}

static int choose_mmu(const struct partition *lp, int level, const u8 *vec5, bool *radix, const char **why)
{
    const struct partition_config *c = &lp->config;
    u8 asked = vec5[OV5_MMU] & 0xc0;
    bool radix_possible = c->radix_allowed && level >= LEVEL_V30;

    if (asked == OV5_MMU_RADIX_ONLY || asked == (OV5_MMU_RADIX_ONLY | OV5_MMU_EITHER))
        *radix = radix_possible || !c->hash_allowed;
    else
        *radix = asked == OV5_MMU_EITHER ? radix_possible : false;
    if (*radix && !radix_possible) {
        *why = "the OS asks for radix translation in a mode that has none";
        return -EINVAL;
    }
    if (asked == OV5_MMU_RADIX_ONLY && !*radix) {
        *why = "the OS asks for radix translation, which the partition may not use (--mmu hash)";
        return -EINVAL;
    }
    if (!*radix && !c->hash_allowed) {
        *why = "the OS asks for hashed translation, which the partition may not use (--mmu radix)";
        return -EINVAL;
    }
    return 0;
}

static void answer(struct partition *lp, const u8 *asked)
{
    u8 *vec5 = lp->vec5;
    memset(vec5, 0, sizeof(lp->vec5));
    lp->vec5_len = OV5_SIZE;
    vec5[0] = OV5_SIZE - 2;
    vec5[OV5_PARTITION] = OV5_LPAR | OV5_SPLPAR | OV5_LARGE_PAGES | (asked[OV5_PARTITION] & OV5_DRCONF_MEMORY);
    vec5[OV5_AFFINITY] = asked[OV5_AFFINITY] & OV5_FORM1_AFFINITY;
    vec5[OV5_OPTIONS] = asked[OV5_OPTIONS] & (OV5_HOTPLUG_EVENTS | (lp->radix ? 0 : OV5_RESIZE_HPT));
    vec5[OV5_DRMEM] = asked[OV5_DRMEM] & OV5_DRMEM_V2;
    if (lp->xive_mode)
        vec5[OV5_INTERRUPTS] = OV5_XIVE_EXPLOIT;
    if (lp->radix) {
        vec5[OV5_MMU] = OV5_MMU_RADIX_ONLY;
        vec5[OV5_RADIX] = asked[OV5_RADIX] & OV5_GTSE;
    }
}

// The threads besides the caller's that run guest code.
static bool others_run(const struct partition *lp)
{
    u32 started = 0;
    for (u32 i = 0; i < lp->group.len; i++)
        started += atomic_load(&cpu_papr(lp->group.cpus[i])->state) != THREAD_STOPPED;
    return started > 1;
}

int cas_negotiate(struct partition *lp, u64 addr, const char **why)
{
    u8 vec5[64];
    unsigned found;
    bool radix = false;

    *why = "the OS negotiates after it has started other threads";
    if (others_run(lp))
        return -EBUSY;
    *why = "the option vectors are not in memory";
    int level = choose_level(lp, &addr);
    if (level < 0) {
        *why = "the OS knows neither this processor nor a compatible level (a POWER8 or later kernel is needed)";
        return -EINVAL;
    }
    if (!read_vector(lp, addr, 5, vec5, sizeof(vec5), &found))
        return -EFAULT;
    int err = choose_mmu(lp, level, vec5, &radix, why);
    if (err)
        return err;

    u8 interrupts = vec5[OV5_INTERRUPTS] & 0xc0;
    lp->compat_level = (u8)level;
    lp->radix = radix;
    lp->xive_mode = level >= LEVEL_V30 && interrupts == OV5_XIVE_EXPLOIT;
    answer(lp, vec5);
    lp->group.gtse = !radix || (lp->vec5[OV5_RADIX] & OV5_GTSE);
    // Radix has no real mode limit of its own: the OS builds its tables with relocation off, anywhere.
    lp->group.rma_size = radix ? lp->mem.size : tree_rma_size(&lp->config);
    // Predecoded and translated code belongs to a level.
    pthread_mutex_lock(&lp->group.outside);
    if (lp->group.cpus[0]->isa_level != level)
        code_flush_all(&lp->group);
    for (u32 i = 0; i < lp->group.len; i++) {
        struct cpu *cpu = lp->group.cpus[i];
        cpu->isa_level = (u8)level;
        cpu->pcr = level < lp->config.isa_level ? PCR_ISA_207 : 0;
        // The decrementer is as wide as the level has it: ibm,dec-bits.
        cpu->lpcr = (cpu->lpcr & ~LPCR_LD) | (level >= LEVEL_V30 ? LPCR_LD : 0);
    }
    pthread_mutex_unlock(&lp->group.outside);
    *why = NULL;
    return 0;
}
