// SPDX-License-Identifier: Apache-2.0
// Pages: protection, copy on write, code written at run time, large areas, shared maps.
#include "checks.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile sig_atomic_t fault_code;
static void *volatile fault_address;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    fault_code = info->si_code;
    fault_address = info->si_addr;
    siglongjmp(back, 1);
}

enum access { READ, WRITE, EXECUTE };

// The fault code that the access gets, 0 for none, -1 for one at another address.
static int try(volatile unsigned char *address, enum access access)
{
    if (sigsetjmp(back, 1))
        return fault_address == (void *)address ? fault_code : -1;
    switch (access) {
    case READ: (void)*address; break;
    case WRITE: *address = 1; break;
    case EXECUTE: {
        // a function pointer points to the code in this ABI (ELFv2)
        void (*code)(void);
        memcpy(&code, &address, sizeof code);
        code();
        break;
    }
    }
    return 0;
}

static void protection(long page)
{
    struct sigaction old, action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, &old);
    unsigned char *map = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    map[page] = 7;
    check("protect-write", try(map + page + 3, WRITE) == 0, "code %d", (int)fault_code);
    mprotect(map + page, page, PROT_READ);
    check("protect-read-only", try(map + page + 5, WRITE) == SEGV_ACCERR && try(map + page, READ) == 0, "code %d",
          (int)fault_code);
    mprotect(map + page, page, PROT_NONE);
    check("protect-none", try(map + page + 5, READ) == SEGV_ACCERR, "code %d", (int)fault_code);
    mprotect(map + page, page, PROT_READ | PROT_WRITE);
    check("protect-again", try(map + page + 5, WRITE) == 0 && map[page] == 7, "content %d", map[page]);
    check("protect-no-execute", try(map + page, EXECUTE) == SEGV_ACCERR, "code %d", (int)fault_code);
    munmap(map + 2 * page, page);
    check("protect-unmapped", try(map + 2 * page + 8, WRITE) == SEGV_MAPERR, "code %d", (int)fault_code);
    check("protect-null", try((unsigned char *)8, READ) == SEGV_MAPERR, "code %d", (int)fault_code);
    munmap(map, 4 * page);
    sigaction(SIGSEGV, &old, NULL);
}

#ifdef __powerpc64__
// Code that is written, run, changed and run again needs dcbst, sync, icbi and isync to be honoured.
static void written_code(long page)
{
    uint32_t *code = mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int (*function)(void) = (int (*)(void))(void *)code;
    int sum = 0;
    for (int i = 0; i < 200; i++) {
        code[0] = 0x38600000 | i; // li r3,i
        code[1] = 0x4e800020;     // blr
        __builtin___clear_cache((char *)code, (char *)(code + 2));
        sum += function();
    }
    check("code-written", sum == 199 * 200 / 2, "sum %d", sum);
    munmap(code, page);
}
#endif

void checks_memory(void)
{
    long page = sysconf(_SC_PAGESIZE);
    protection(page);
#ifdef __powerpc64__
    written_code(page);
#endif

    // 48 MiB, every page touched twice in an order that the TLB does not like
    size_t size = 48 << 20, pages = size / page;
    uint64_t *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool ok = area != MAP_FAILED;
    for (size_t i = 0; ok && i < pages; i++)
        area[(i * 577 % pages) * (page / 8) + i % 64] = i * 577 % pages + 1;
    for (size_t i = 0; ok && i < pages; i++)
        ok = area[(i * 577 % pages) * (page / 8) + i % 64] == i * 577 % pages + 1;
    check("memory-large", ok, "a page lost its content");

    // copy on write
    pid_t child = fork();
    if (!child) {
        for (size_t i = 0; i < pages / 8; i++)
            area[i * (page / 8)] = ~0ull;
        _exit(area[0] == ~0ull ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    check("memory-copy-on-write", status == 0 && area[0] == 1, "status %x, word %llx", status, (unsigned long long)area[0]);
    munmap(area, size);

    // a shared file map
    FILE *file = tmpfile();
    if (file && !ftruncate(fileno(file), 4 * page)) {
        char *map = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0), text[16] = "";
        strcpy(map + page, "written by map");
        ssize_t got = pread(fileno(file), text, sizeof text - 1, page);
        check("memory-file-map", got > 0 && !strcmp(text, "written by map"), "read back '%s'", text);
        munmap(map, 4 * page);
    } else {
        check("memory-file-map", false, "no temporary file");
    }
    if (file)
        fclose(file);
}
