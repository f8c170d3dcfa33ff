// SPDX-License-Identifier: Apache-2.0
// Differential test of the instruction table: every problem-state instruction runs on generated operands in our engine
// (exec_<row>) and under QEMU's user mode, and everything that a program can see afterwards is compared.
//
//     diff --group vmx                   rows of isa/insn/vmx.def, 200 operand sets each, little-endian
//     diff --row 'xsadd*' --count 10000  rows by shell pattern
//     diff --row vaddubm --verbose       shows operands, our result and theirs of differing sets
//     diff --group fp --traps            with floating-point exceptions enabled at random
//     diff --group vmx --jit             by the translator, too
//     diff --unknown                     words that no row matches
//     --endian be|le   --seed N   --fails N (differing sets shown for a row, default 2)   --list
//     --qemu PROGRAM   --judge PROGRAM (the guest side, judge.c; both default to what the build found)
//
// Operand sets depend on the seed, the row's name and the set's number only. The output is TAP, one line for a row.
// How it works: gen.c makes instruction words and register contents, four sets for each word. A batch of them goes through a
// mapped file to judge.c, which runs under QEMU; engine.c runs the same records; except.def tells where QEMU is wrong.
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/insn/insn_test.h"

#define SETS_PER_WORD 4
#define TIMEOUT_MS    60000

static struct {
    const char *row, *group, *qemu, *judge;
    u64 seed;
    unsigned count, fails;
    bool big_endian, verbose, list, unknown, jit;
} opt = {.seed = 1, .fails = 2};

// --- The other side

static struct {
    struct judge_batch *batch;
    pid_t pid;
    int to, from;
} judge = {.pid = -1};

static void judge_stop(void)
{
    if (judge.pid < 0)
        return;
    close(judge.to);
    close(judge.from);
    kill(judge.pid, SIGKILL);
    waitpid(judge.pid, NULL, 0);
    judge.pid = -1;
}

static void judge_start(void)
{
    static int fd = -1;
    size_t size = (sizeof(struct judge_batch) + 65535) & ~65535ul;
    if (fd < 0) {
        fd = memfd_create("judge", 0);
        if (fd < 0 || ftruncate(fd, (off_t)size)) {
            perror("memfd");
            exit(2);
        }
        judge.batch = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (judge.batch == MAP_FAILED)
            exit(2);
    }
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC)) {
        perror("pipe");
        exit(2);
    }
    judge.pid = fork();
    if (judge.pid == 0) {
        int high = fcntl(fd, F_DUPFD, 20);
        dup2(to[0], 0);
        dup2(from[1], 1);
        dup2(high, JUDGE_FD);
        close(high);
        if (!opt.verbose)
            dup2(open("/dev/null", O_WRONLY), 2); // QEMU's dumps when it gives up
        execlp(opt.qemu, opt.qemu, "-cpu", "power9", opt.judge, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    judge.to = to[1];
    judge.from = from[0];
}

// false: it died or hangs.
static bool judge_batch_run(void)
{
    char token = 'x';
    if (judge.pid < 0)
        judge_start();
    if (write(judge.to, &token, 1) != 1)
        return false;
    struct pollfd p = {.fd = judge.from, .events = POLLIN};
    return poll(&p, 1, TIMEOUT_MS) == 1 && read(judge.from, &token, 1) == 1;
}

static u64 guest64(u64 v)
{
    return opt.big_endian ? __builtin_bswap64(v) : v;
}

// Both ways: everything but the memory buffer is doublewords.
static void swap_state(struct judge_state *to, const struct judge_state *from)
{
    const u64 *p = (const u64 *)(const void *)from;
    u64 *q = (u64 *)(void *)to;
    for (unsigned i = 0; i < JS_MEM / 8; i++)
        q[i] = guest64(p[i]);
    memcpy(to->mem, from->mem, sizeof(to->mem));
}

// --- Comparing

static u64 slot_address(unsigned slot)
{
    return JUDGE_CODE + ((u64)slot * JUDGE_SLOT_WORDS + JUDGE_SLOT_INSN) * 4;
}

// A branch's end is seen as a fault at its target.
static void settle_branch(const struct row *row, u64 at, struct judge_state *s)
{
    if (row->kind == KIND_BRANCH && (s->outcome == OUTCOME_ILL || s->outcome == OUTCOME_SEGV) && s->nia != at)
        s->outcome = OUTCOME_DONE;
}

static bool same(const struct judge_state *a, const struct judge_state *b)
{
    if (a->outcome != b->outcome)
        return false;
    bool done = a->outcome == OUTCOME_DONE || a->outcome == OUTCOME_FPE;
    if (memcmp(a->gpr, b->gpr, sizeof(a->gpr)) || a->cr != b->cr || a->xer != b->xer || a->lr != b->lr ||
        a->ctr != b->ctr || a->nia != b->nia)
        return false;
    return !done || (a->fpscr == b->fpscr && a->vscr == b->vscr && a->vrsave == b->vrsave && a->tar == b->tar &&
                     !memcmp(a->vsr, b->vsr, sizeof(a->vsr)) && !memcmp(a->mem, b->mem, sizeof(a->mem)));
}

static void show_u64(const char *name, u64 in, u64 ours, u64 theirs, bool always)
{
    if (ours != theirs)
        printf("#     %-8s %016llx -> %016llx, not %016llx\n", name, (unsigned long long)in, (unsigned long long)ours,
               (unsigned long long)theirs);
    else if (always)
        printf("#     %-8s %016llx -> %016llx\n", name, (unsigned long long)in, (unsigned long long)ours);
}

static void show_difference(const struct row *row, u32 insn, const struct judge_state *in,
                            const struct judge_state *ours, const struct judge_state *theirs)
{
    static const char *const names[] = {"lr", "ctr", "xer", "cr", "fpscr", "vscr", "vrsave", "tar", "nia", "outcome"};
    char text[128];
    printf("#   %08x %s%s\n", insn, isa_disassemble(insn, in->nia - 4, LEVEL_V30, text, sizeof(text)),
           opt.big_endian ? " (big-endian)" : "");
    struct operand_ref ops[8];
    unsigned len = row_operands(row, ops);
    u64 gprs = 0, vsrs = 0;
    for (unsigned i = 0; i < len; i++) {
        u32 reg = insn >> (32 - ops[i].first - 5) & 31;
        bool pair = ops[i].name[strlen(ops[i].name) - 1] == 'P';
        switch (ops[i].class) {
        case CLASS_GPR:
        case CLASS_GPR0: gprs |= (pair ? 3ull : 1ull) << reg; break;
        case CLASS_FPR: vsrs |= (pair ? 3ull : 1ull) << reg; break;
        case CLASS_VR: vsrs |= 1ull << (32 + reg); break;
        case CLASS_VSR: {
            unsigned bit = strlen(ops[i].name) == 3 && ops[i].name[2] == 'Q' ? 28
                           : ops[i].first == 6                               ? 31
                           : ops[i].first == 11                              ? 29
                           : ops[i].first == 16                              ? 30
                                                                             : 28;
            vsrs |= 1ull << ((insn >> (31 - bit) & 1) << 5 | reg);
            break;
        }
        default: break;
        }
    }
    char name[24];
    for (unsigned i = 0; i < 32; i++) {
        snprintf(name, sizeof(name), "r%u", i);
        show_u64(name, in->gpr[i], ours->gpr[i], theirs->gpr[i], gprs >> i & 1);
    }
    for (unsigned i = 0; i < 10; i++)
        show_u64(names[i], (&in->lr)[i], (&ours->lr)[i], (&theirs->lr)[i], i == 4 && row->group >= GROUP_FP);
    for (unsigned i = 0; i < 64; i++) {
        const u64 *a = in->vsr[i], *b = ours->vsr[i], *c = theirs->vsr[i];
        bool differs = memcmp(b, c, 16);
        if (differs || vsrs >> i & 1)
            printf("#     vs%-6u %016llx_%016llx -> %016llx_%016llx", i, (unsigned long long)a[0],
                   (unsigned long long)a[1], (unsigned long long)b[0], (unsigned long long)b[1]);
        if (differs)
            printf(", not %016llx_%016llx", (unsigned long long)c[0], (unsigned long long)c[1]);
        if (differs || vsrs >> i & 1)
            printf("\n");
    }
    for (unsigned i = 0; i < JUDGE_DATA_SIZE; i++)
        if (ours->mem[i] != theirs->mem[i])
            printf("#     mem[%u]  %02x -> %02x, not %02x\n", i, in->mem[i], ours->mem[i], theirs->mem[i]);
}

// --- Rows

struct tally {
    unsigned sets, differ;
    const char *problem;
};

// Translated, the instruction does what it does by the reference semantics.
static bool translation_differs(const struct row *row, u32 insn, u32 prepare, u64 at, const struct judge_state *in,
                                const struct judge_state *want)
{
    static unsigned shown;
    struct judge_state got = *in, same_nia = *want;
    engine_run_translated((enum insn_id)(row - rows), prepare, insn, at, opt.big_endian, row_uses_memory(row), &got);
    if (row->kind == KIND_BRANCH)
        got.nia &= ~3ull, same_nia.nia &= ~3ull;
    if (same(&got, &same_nia))
        return false;
    if (shown++ < 10) {
        printf("# translated, then by the reference semantics:\n");
        show_difference(row, insn, in, &got, &same_nia);
    }
    return true;
}

static void run_batch(const struct row *row, unsigned sets, struct tally *tally)
{
    static struct judge_state in[JUDGE_RECORDS];
    static u32 words[JUDGE_SLOTS], prepares[JUDGE_SLOTS];
    if (judge.pid < 0)
        judge_start();
    struct judge_batch *b = judge.batch;
    unsigned slots = (sets + SETS_PER_WORD - 1) / SETS_PER_WORD;
    for (unsigned i = 0; i < slots; i++) {
        words[i] = gen_word(row, &prepares[i]);
        if (!words[i]) {
            tally->problem = "no valid instruction word was found";
            return;
        }
        if (isa_decode(words[i], LEVEL_V30) != (enum insn_id)(row - rows)) {
            tally->problem = "isa_decode() does not find the row";
            return;
        }
        b->code[i][0] = guest64(prepares[i]);
        b->code[i][1] = guest64(words[i]);
    }
    for (unsigned i = 0; i < sets; i++) {
        unsigned slot = i / SETS_PER_WORD;
        gen_state(row, words[slot], slot_address(slot), &in[i]);
        in[i].nia = slot_address(slot) + 4;
        b->records[i].slot = guest64(slot);
        b->records[i].uses_memory = row_uses_memory(row);
        swap_state(&b->records[i].state, &in[i]);
    }
    b->records_len = guest64(sets);
    b->slots_len = guest64(slots);
    bool alone = except_alone(row, opt.big_endian);
    if (!alone && !judge_batch_run()) {
        tally->problem = "QEMU died or hangs";
        judge_stop();
        return;
    }
    for (unsigned i = 0; i < sets; i++) {
        unsigned slot = i / SETS_PER_WORD;
        u64 at = slot_address(slot);
        struct judge_state ours = in[i], theirs;
        if (alone)
            theirs = in[i];
        else
            swap_state(&theirs, &b->records[i].state);
        settle_branch(row, at, &theirs);
        enum insn_id id = (enum insn_id)(row - rows);
        bool uses_memory = row_uses_memory(row);
        engine_run(id, prepares[slot], words[slot], at, opt.big_endian, uses_memory, &ours);
        if (opt.jit && translation_differs(row, words[slot], prepares[slot], at, &in[i], &ours)) {
            tally->sets++;
            tally->differ++;
            continue;
        }
        // What is not part of the comparison.
        ours.gpr[JUDGE_OWN_GPR] = theirs.gpr[JUDGE_OWN_GPR] = in[i].gpr[JUDGE_OWN_GPR];
        memcpy(theirs.scratch, ours.scratch, sizeof(ours.scratch));
        if (row->kind == KIND_BRANCH)
            theirs.nia &= ~3ull, ours.nia &= ~3ull;
        struct comparison c = {row, words[slot], prepares[slot], opt.big_endian, &in[i], &ours, &theirs};
        except_apply(&c);
        tally->sets++;
        if (!same(&ours, &theirs)) {
            if (tally->differ < (opt.verbose ? 10 : opt.fails))
                show_difference(row, words[slot], &in[i], &ours, &theirs);
            tally->differ++;
        }
    }
}

static bool run_row(const struct row *row)
{
    struct tally tally = {0};
    rng_seed(opt.seed, row->name);
    while (tally.sets < opt.count && !tally.problem) {
        unsigned sets = MIN(opt.count - tally.sets, (unsigned)JUDGE_RECORDS);
        run_batch(row, sets, &tally);
    }
    if (tally.problem)
        printf("# %s: %s\n", row->name, tally.problem);
    if (tally.differ)
        printf("# %s: %u of %u sets differ\n", row->name, tally.differ, tally.sets);
    return !tally.problem && !tally.differ;
}

// Words that no row matches must be illegal to QEMU, too: a row that is missing shows here. System calls are left out.
static bool run_unknown(void)
{
    static struct judge_state state;
    static u32 words[JUDGE_SLOTS];
    const struct row *any = &rows[INSN_ILLEGAL + 1];
    bool ok = true;
    u32 seen[64];
    unsigned seen_len = 0;
    rng_seed(opt.seed, "unknown");
    for (unsigned left = opt.count * 40; left;) {
        unsigned n = MIN(left, (unsigned)JUDGE_SLOTS);
        left -= n;
        if (judge.pid < 0)
            judge_start();
        struct judge_batch *b = judge.batch;
        for (unsigned i = 0; i < n; i++) {
            do
                words[i] = except_unknown_word((u32)rng());
            while (!words[i] || rows_decode(words[i]) != INSN_ILLEGAL);
            gen_state(any, words[i], slot_address(i), &state);
            b->code[i][0] = guest64(0x60000000);
            b->code[i][1] = guest64(words[i]);
            b->records[i].slot = guest64(i);
            b->records[i].uses_memory = 0;
            swap_state(&b->records[i].state, &state);
        }
        b->records_len = b->slots_len = guest64(n);
        if (!judge_batch_run()) {
            printf("# QEMU died or hangs\n");
            judge_stop();
            return false;
        }
        for (unsigned i = 0; i < n; i++) {
            const struct judge_state *s = &b->records[i].state;
            if (guest64(s->outcome) == OUTCOME_ILL && guest64(s->nia) == slot_address(i))
                continue;
            u32 code = words[i] & 0xfc0007fe;
            bool known = false;
            for (unsigned k = 0; k < seen_len; k++)
                known |= seen[k] == code;
            if (known || seen_len == ARRAY_LEN(seen))
                continue;
            seen[seen_len++] = code;
            printf("#   %08x (primary %u, extended %u): QEMU executes it\n", words[i], words[i] >> 26,
                   words[i] >> 1 & 0x3ff);
            ok = false;
        }
    }
    return ok;
}

static bool selected(const struct row *row)
{
    return !opt.unknown && (!opt.group || !fnmatch(opt.group, group_names[row->group], 0)) &&
           (!opt.row || !fnmatch(opt.row, row->name, 0));
}

static void parse_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"row", 1, NULL, 'r'},       {"group", 1, NULL, 'g'}, {"count", 1, NULL, 'c'},   {"seed", 1, NULL, 's'},
        {"endian", 1, NULL, 'e'},    {"qemu", 1, NULL, 'q'},  {"judge", 1, NULL, 'j'},   {"fails", 1, NULL, 'f'},
        {"unknown", 0, NULL, 'u'},   {"traps", 0, NULL, 't'}, {"verbose", 0, NULL, 'v'}, {"list", 0, NULL, 'l'},
        {"jit", 0, NULL, 'j' + 256}, {NULL, 0, NULL, 0},
    };
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (o) {
        case 'r': opt.row = optarg; break;
        case 'g': opt.group = optarg; break;
        case 'c': opt.count = (unsigned)strtoul(optarg, NULL, 0); break;
        case 's': opt.seed = strtoull(optarg, NULL, 0); break;
        case 'e': opt.big_endian = !strcmp(optarg, "be"); break;
        case 'q': opt.qemu = optarg; break;
        case 'j': opt.judge = optarg; break;
        case 'f': opt.fails = (unsigned)strtoul(optarg, NULL, 0); break;
        case 'u': opt.unknown = true; break;
        case 't': gen_traps = true; break;
        case 'v': opt.verbose = true; break;
        case 'l': opt.list = true; break;
        case 'j' + 256: opt.jit = true; break;
        default: exit(2);
        }
    if (!opt.count)
        opt.count = getenv("OPENLPAR_TEST_LONG") ? 10000 : 200; // make test-long
    if (!opt.qemu)
        opt.qemu = opt.big_endian ? JUDGE_QEMU_BE : JUDGE_QEMU_LE;
    if (!opt.judge)
        opt.judge = opt.big_endian ? JUDGE_BE : JUDGE_LE;
}

int main(int argc, char **argv)
{
    parse_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    rows_init();
    engine_init();
    opt.jit = opt.jit && engine_translates(opt.big_endian);
    unsigned tests = 0, failures = 0;
    for (unsigned i = 1; i < INSN_COUNT; i++) {
        const struct row *row = &rows[i];
        if (!selected(row))
            continue;
        if (opt.list) {
            printf("%s\n", row->name);
            continue;
        }
        const char *reason = except_skip(row);
        if (!reason && !engine_has((enum insn_id)i))
            reason = "not linked";
        tests++;
        if (reason) {
            printf("ok %u - %s # SKIP %s\n", tests, row->name, reason);
            continue;
        }
        bool ok = run_row(row);
        failures += !ok;
        printf("%sok %u - %s\n", ok ? "" : "not ", tests, row->name);
        fflush(stdout);
    }
    if (opt.unknown) {
        bool ok = run_unknown();
        failures += !ok;
        printf("%sok %u - unknown words are illegal\n", ok ? "" : "not ", ++tests);
    }
    if (opt.jit)
        printf("# %llu regions translated\n", (unsigned long long)engine_regions());
    if (!opt.list)
        printf("1..%u\n", tests);
    judge_stop();
    return failures != 0;
}
