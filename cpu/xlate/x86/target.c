// SPDX-License-Identifier: Apache-2.0
// The back end's interface for x86-64 hosts.
#include "cpu/xlate/target.h"

#include <stdlib.h>

#include "cpu/xlate/x86/codemem.h"
#include "cpu/xlate/x86/comp.h"

static _Thread_local const void *last_code;
static _Thread_local size_t last_size;

bool target_available(void)
{
    return true;
}

static void compile_block(struct comp *x, unsigned n)
{
    const struct ir_region *r = x->r;
    x->block_no = n;
    x->block = &r->blocks[n];
    x->dirty_now = x->dirty[n];
    x->zeroed = SLOTS_NONE;
    comp_scan_block(x);
    value_start_block(x);
    x_bind(&x->c, &x->blocks[n]);
    float_start_block(x);
    for (x->at = x->block->first; x->at < (unsigned)x->block->first + x->block->len && !x->failed; x->at++) {
        const struct ir_insn *in = &r->insns[x->at];
        if (x->open < x->colds_len &&
            (ir_ops[in->op].flags & IR_END || in->index != r->insns[x->colds[x->open].at].index))
            memory_close_misses(x);
        select_operation(x);
        value_end_operation(x);
    }
    x->open = x->colds_len;
}

static void compile_colds(struct comp *x, unsigned first)
{
    for (unsigned n = first; n < x->colds_len && !x->failed; n++) {
        if (x->colds[n].kind == COLD_LEAVE)
            leave_cold(x, &x->colds[n]);
        else if (x->colds[n].kind == COLD_ENTER)
            leave_entry_cold(x, &x->colds[n]);
        else if (x->colds[n].kind == COLD_JUMP)
            leave_jump_cold(x, &x->colds[n]);
        else if (x->colds[n].kind == COLD_DIVIDE)
            divide_cold(x, &x->colds[n]);
        else if (x->colds[n].kind == COLD_FP || x->colds[n].kind == COLD_FP_ENTER)
            float_cold_exec(x, &x->colds[n]);
        else
            memory_cold(x, &x->colds[n]);
    }
}

static bool compile(struct comp *x, const struct ir_region *r, struct target_code *out)
{
    x->r = r;
    out->returns_len = 0;
    x->failed = x->helper_used = false;
    x->colds_len = x->open = x->keeps_len = x->spills_max = x->caches_len = 0;
    x->constants_len = 0;
    x->helper = (struct label){0};
    for (unsigned n = 0; n < r->blocks_len; n++)
        x->blocks[n] = x->loads[n] = (struct label){0};
    comp_choose_slots(x);
    float_scan_region(x);
    leave_find_landings(x);
    leave_entry(x);
    for (unsigned n = 0; n < r->blocks_len && !x->failed; n++)
        compile_block(x, n);
    compile_colds(x, 0);
    for (unsigned n = 0; n < x->fp_sites_len && !x->failed; n++)
        float_cold(x, &x->fp_sites[n]);
    if (x->helper_used)
        memory_helper(x);
    unsigned colds_len = x->colds_len;
    if (!x->failed)
        leave_entries(x, out);
    leave_no_landing(x);
    compile_colds(x, colds_len);
    select_constants(x);
    leave_table(x);
    return !x->failed && !x->c.full;
}

bool target_compile(struct code_memory *m, const struct ir_region *r, struct target_code *out)
{
    out->entry = NULL;
    pthread_mutex_lock(&m->lock);
    if (!m->comp)
        m->comp = calloc(1, sizeof(*m->comp));
    if (m->comp) {
        struct comp *x = m->comp;
        x->memory = m;
        x->c = code_memory_begin(m, r->lines);
        x->c.relocs = x->relocs;
        x->c.relocs_max = RELOCS_MAX;
        if (!x->c.full &&
            compile(x, r, out)) { // the encoder starts over at the start when it is full: that must have room
            last_code = x->c.start;
            last_size = (size_t)(x->c.at - x->c.start);
            out->start = out->entry = code_memory_commit(m, &x->c);
            out->size = last_size;
        }
    }
    pthread_mutex_unlock(&m->lock);
    return out->entry != NULL;
}

size_t target_last_code(const void **code)
{
    *code = last_code;
    return last_size;
}

bool target_limit(unsigned less)
{
    struct x86_features *f = &x86_features;
    x86_detect();
    if (less >= 1)
        f->avx512 = f->avx512cd = f->avx512bitalg = f->gfni = false;
    if (less >= 2)
        f->avx2 = f->fma = false;
    if (less >= 3)
        f->avx = false;
    if (less >= 4)
        f->ssse3 = f->sse41 = f->aes = f->pclmul = false;
    return less <= 4;
}
