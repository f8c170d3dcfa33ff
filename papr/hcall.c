// SPDX-License-Identifier: Apache-2.0
//
// Dispatch of hypervisor calls. The table is proto/papr/hcall.def; each family has a file of its own.
#include "papr/hcall.h"

#include <sched.h>
#include <string.h>

#include "papr/hcall_int.h"
#include "papr/of.h"
#include "papr/rtas.h"

#define HCALL_ARGS_MAX                                            9u // R4 .. R12
#define HCALL_NUMBER_MAX                                          0x500u

#define HCALL(number, name, handler, args, results, set, section) {number, #name, handler, args, results, set, section},
const struct hcall_row hcall_rows[] = {
#include "proto/papr/hcall.def"
};
#undef HCALL
const unsigned hcall_rows_len = ARRAY_LEN(hcall_rows);

// Each row's shape, checked by the compiler.
#define HCALL(number, name, handler, args, results, set, section)                                 \
    static_assert((number) % 4 == 0 && (number) < HCALL_NUMBER_MAX && (args) <= HCALL_ARGS_MAX && \
                      (results) <= HCALL_ARGS_MAX,                                                \
                  #name);
#include "proto/papr/hcall.def"
#undef HCALL

#define HCALL(number, name, ...) ROW_##name,
enum hcall_position {
#include "proto/papr/hcall.def"
};
#undef HCALL

// Row number + 1 by call number.
#define HCALL(number, name, ...) [(number) / 4] = ROW_##name + 1,
static const u8 row_of[HCALL_NUMBER_MAX / 4] = {
#include "proto/papr/hcall.def"
};
#undef HCALL

void (*hcall_trace)(struct cpu *cpu, u64 number, const struct hcall_row *row, const u64 *in, const u64 *out, long rc);

static long h_rtas(struct cpu *cpu, u64 *args)
{
    rtas_call(cpu, args[0]);
    return H_SUCCESS;
}

static long h_client(struct cpu *cpu, u64 *args)
{
    return of_client_call(cpu, args[0]);
}

static const struct hcall_row rtas_row = {HCALL_RTAS, "rtas", h_rtas, 1, 0, "", "LoPAR RTAS"};
static const struct hcall_row client_row = {HCALL_CLIENT, "client", h_client, 1, 0, "", "IEEE 1275 client interface"};

static const struct hcall_row *find(u64 number)
{
    if (likely(number < HCALL_NUMBER_MAX && number % 4 == 0))
        return row_of[number / 4] ? &hcall_rows[row_of[number / 4] - 1] : NULL;
    return number == HCALL_RTAS ? &rtas_row : number == HCALL_CLIENT ? &client_row : NULL;
}

const char *hcall_name(u64 number)
{
    const struct hcall_row *row = find(number);
    return row ? row->name : NULL;
}

void hcall_dispatch(struct cpu *cpu)
{
    u64 number = cpu->gpr[3];
    const struct hcall_row *row = find(number);
    struct papr_cpu *pc = cpu_papr(cpu);
    pc->last_hcalls[pc->last_hcalls_pos++ % ARRAY_LEN(pc->last_hcalls)] = number;

    u64 args[HCALL_ARGS_MAX];
    memcpy(args, &cpu->gpr[4], sizeof(args));
    long rc = unlikely(cpu->msr & MSR_PR) ? H_PRIVILEGE : row ? row->handler(cpu, args) : H_FUNCTION;
    if (unlikely(hcall_trace != NULL))
        hcall_trace(cpu, number, row, &cpu->gpr[4], args, rc);
    for (unsigned i = 0; row && i < row->results; i++)
        cpu->gpr[4 + i] = args[i];
    cpu->gpr[3] = (u64)rc;
}

void spin_wait(struct spin *lock)
{
    for (unsigned i = 0; atomic_exchange_explicit(&lock->held, 1, memory_order_acquire); i++) {
        if (i % 64 == 63)
            sched_yield(); // its holder may be waiting for this host CPU
        else
            __builtin_ia32_pause();
    }
}
