// SPDX-License-Identifier: Apache-2.0
//
// gdb's remote serial protocol as the manual's "Remote Protocol" appendix defines it. Everything that arrives is
// untrusted: numbers are parsed with bounds, sizes are limited by the packet buffer.
#include "lpar/gdb_session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "lpar/gdb_regs.h"

#define THREAD_ID(index) ((index) + 1) // 0 and -1 have meanings of their own

static const char hex_digits[] = "0123456789abcdef";

int gdb_session_init(struct gdb_session *s, const struct gdb_target *target)
{
    *s = (struct gdb_session){.target = target, .out_size = 4 * GDB_PACKET_MAX};
    s->out = malloc(s->out_size);
    return s->out ? 0 : -ENOMEM;
}

void gdb_session_fini(struct gdb_session *s)
{
    free(s->out);
    s->out = NULL;
}

// A reply under construction; what does not fit is dropped, and the reply with it.
struct reply {
    char text[GDB_PACKET_MAX + 1];
    size_t len;
    bool overflow;
};

static void add(struct reply *r, const char *format, ...) PRINTF_LIKE(2, 3);
static void add(struct reply *r, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(r->text + r->len, sizeof(r->text) - r->len, format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(r->text) - r->len)
        r->overflow = true;
    else
        r->len += (size_t)n;
}

static void add_hex(struct reply *r, const u8 *data, size_t size)
{
    if (size * 2 > GDB_PACKET_MAX - r->len) {
        r->overflow = true;
        return;
    }
    for (size_t i = 0; i < size; i++) {
        r->text[r->len++] = hex_digits[data[i] >> 4];
        r->text[r->len++] = hex_digits[data[i] & 15];
    }
}

static void out_bytes(struct gdb_session *s, const char *data, size_t size)
{
    if (size > s->out_size - s->out_len) {
        size_t grown = s->out_size * 2 + size;
        char *p = grown <= 64 * GDB_PACKET_MAX ? realloc(s->out, grown) : NULL;
        if (!p) { // a debugger that does not read its replies
            s->detached = true;
            return;
        }
        s->out = p;
        s->out_size = grown;
    }
    memcpy(s->out + s->out_len, data, size);
    s->out_len += size;
}

static void send_packet(struct gdb_session *s, const char *data, size_t len)
{
    u8 sum = 0;
    for (size_t i = 0; i < len; i++)
        sum = (u8)(sum + (u8)data[i]);
    char tail[3] = {'#', hex_digits[sum >> 4], hex_digits[sum & 15]};
    out_bytes(s, "$", 1);
    out_bytes(s, data, len);
    out_bytes(s, tail, 3);
}

static void send_reply(struct gdb_session *s, const struct reply *r)
{
    if (r->overflow)
        send_packet(s, "E07", 3);
    else
        send_packet(s, r->text, r->len);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

// A hexadecimal number; false when there is none or it is too large.
static bool parse_hex(const char **p, u64 *value)
{
    const char *start = *p;
    u64 v = 0;
    for (; hex_value(**p) >= 0; (*p)++) {
        if (v >> 60)
            return false;
        v = v << 4 | (u64)hex_value(**p);
    }
    *value = v;
    return *p != start;
}

static bool parse_char(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

static bool parse_bytes(const char *p, u8 *to, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int high = hex_value(p[2 * i]);
        int low = high < 0 ? -1 : hex_value(p[2 * i + 1]);
        if (low < 0)
            return false;
        to[i] = (u8)(high << 4 | low);
    }
    return p[2 * size] == 0;
}

// A thread id: -1 and 0 mean any, which is the current one.
static bool parse_thread(struct gdb_session *s, const char **p, unsigned *index)
{
    u64 id;
    if (parse_char(p, '-')) {
        *index = s->current;
        return parse_hex(p, &id);
    }
    if (!parse_hex(p, &id))
        return false;
    *index = id ? (unsigned)(id - 1) : s->current;
    return id <= s->target->threads(s->target->arg);
}

static struct cpu *current_cpu(struct gdb_session *s)
{
    if (s->current >= s->target->threads(s->target->arg))
        s->current = 0;
    return s->target->cpu(s->target->arg, s->current);
}

static bool cmd_read_regs(struct gdb_session *s, struct reply *r)
{
    u8 value[16];
    for (unsigned n = 0, size = 0; size < gdb_regs_g_len(); n++) {
        gdb_reg_get(current_cpu(s), n, value);
        add_hex(r, value, gdb_reg_size(n));
        size += gdb_reg_size(n);
    }
    return true;
}

static bool cmd_write_regs(struct gdb_session *s, const char *p, struct reply *r)
{
    u8 all[2048];
    unsigned size = gdb_regs_g_len();
    if (size > sizeof(all) || !parse_bytes(p, all, size))
        return false;
    for (unsigned n = 0, at = 0; at < size; at += gdb_reg_size(n), n++)
        gdb_reg_set(current_cpu(s), n, all + at);
    add(r, "OK");
    return true;
}

static bool cmd_read_reg(struct gdb_session *s, const char *p, struct reply *r)
{
    u64 n;
    u8 value[16];
    if (!parse_hex(&p, &n) || n >= gdb_regs_len())
        return false;
    gdb_reg_get(current_cpu(s), (unsigned)n, value);
    add_hex(r, value, gdb_reg_size((unsigned)n));
    return true;
}

static bool cmd_write_reg(struct gdb_session *s, const char *p, struct reply *r)
{
    u64 n;
    u8 value[16];
    if (!parse_hex(&p, &n) || n >= gdb_regs_len() || !parse_char(&p, '=') ||
        !parse_bytes(p, value, gdb_reg_size((unsigned)n)))
        return false;
    gdb_reg_set(current_cpu(s), (unsigned)n, value);
    add(r, "OK");
    return true;
}

static bool cmd_read_memory(struct gdb_session *s, const char *p, struct reply *r)
{
    u64 ea, size;
    u8 data[GDB_PACKET_MAX / 2];
    if (!parse_hex(&p, &ea) || !parse_char(&p, ',') || !parse_hex(&p, &size) || size > sizeof(data))
        return false;
    // What can be read of the range, at least one byte.
    while (size && !s->target->read(s->target->arg, current_cpu(s), ea, data, size)) {
        u64 to_page_end = GUEST_PAGE_SIZE - (ea & ~GUEST_PAGE_MASK);
        if (size <= to_page_end)
            return false;
        size = to_page_end;
    }
    add_hex(r, data, size);
    return true;
}

static bool cmd_write_memory(struct gdb_session *s, const char *p, struct reply *r)
{
    u64 ea, size;
    u8 data[GDB_PACKET_MAX / 2];
    if (!parse_hex(&p, &ea) || !parse_char(&p, ',') || !parse_hex(&p, &size) || !parse_char(&p, ':') ||
        size > sizeof(data) || !parse_bytes(p, data, size) ||
        !s->target->write(s->target->arg, current_cpu(s), ea, data, size))
        return false;
    add(r, "OK");
    return true;
}

static bool cmd_point(struct gdb_session *s, bool insert, const char *p, struct reply *r)
{
    u64 kind, ea, size;
    if (!parse_hex(&p, &kind) || !parse_char(&p, ',') || !parse_hex(&p, &ea) || !parse_char(&p, ',') ||
        !parse_hex(&p, &size))
        return false;
    if (kind > 4) {
        r->len = 0; // not supported: the empty reply
        return true;
    }
    if (!s->target->point(s->target->arg, insert, (unsigned)kind, ea, size))
        return false;
    add(r, "OK");
    return true;
}

static void resume(struct gdb_session *s, int step)
{
    s->running = true;
    s->target->resume(s->target->arg, step);
}

// vCont: the first action that steps decides; others continue.
static bool cmd_vcont(struct gdb_session *s, const char *p)
{
    int step = -1;
    bool found = false;
    while (parse_char(&p, ';')) {
        char action = *p ? *p++ : 0;
        unsigned index = s->current;
        u64 signal;
        if ((action == 'C' || action == 'S') && !parse_hex(&p, &signal))
            return false;
        if (parse_char(&p, ':') && !parse_thread(s, &p, &index))
            return false;
        if ((action == 's' || action == 'S') && step < 0)
            step = (int)index;
        else if (action != 'c' && action != 'C' && action != 's' && action != 'S')
            return false;
        found = true;
    }
    if (!found || *p)
        return false;
    resume(s, step);
    return true;
}

static bool cmd_continue(struct gdb_session *s, const char *p, bool step)
{
    u64 ea;
    if (*p && parse_hex(&p, &ea))
        current_cpu(s)->nia = ea;
    resume(s, step ? (int)s->current : -1);
    return true;
}

// qXfer:features:read:target.xml:OFFSET,LENGTH
static bool cmd_features(const char *p, struct reply *r)
{
    u64 offset, size;
    const char *xml = gdb_regs_xml();
    size_t len = strlen(xml);
    if (!parse_hex(&p, &offset) || !parse_char(&p, ',') || !parse_hex(&p, &size) || offset > len)
        return false;
    size = MIN(size, MIN((u64)GDB_PACKET_MAX - 1, len - offset));
    add(r, "%c%.*s", offset + size == len ? 'l' : 'm', (int)size, xml + offset);
    return true;
}

static bool cmd_monitor(struct gdb_session *s, const char *p, struct reply *r)
{
    char command[256];
    static const size_t text_max = 4096;
    char text[4096];
    size_t size = strlen(p) / 2;
    if (size >= sizeof(command) || !parse_bytes(p, (u8 *)command, size))
        return false;
    command[size] = 0;
    text[0] = 0;
    s->target->monitor(s->target->arg, current_cpu(s), command, text, text_max);
    add_hex(r, (const u8 *)text, strlen(text));
    return true;
}

static bool starts(const char **p, const char *prefix)
{
    size_t len = strlen(prefix);
    if (strncmp(*p, prefix, len))
        return false;
    *p += len;
    return true;
}

static bool cmd_query(struct gdb_session *s, const char *p, struct reply *r)
{
    unsigned threads = s->target->threads(s->target->arg);
    if (starts(&p, "Supported")) {
        add(r, "PacketSize=%x;qXfer:features:read+;vContSupported+;QStartNoAckMode+;swbreak+;hwbreak+", GDB_PACKET_MAX);
    } else if (starts(&p, "Xfer:features:read:target.xml:")) {
        return cmd_features(p, r);
    } else if (starts(&p, "fThreadInfo")) {
        for (unsigned i = 0; i < threads; i++)
            add(r, "%c%x", i ? ',' : 'm', THREAD_ID(i));
    } else if (starts(&p, "sThreadInfo")) {
        add(r, "l");
    } else if (starts(&p, "ThreadExtraInfo,")) {
        unsigned index;
        if (!parse_thread(s, &p, &index))
            return false;
        const struct cpu *cpu = s->target->cpu(s->target->arg, index);
        char text[80];
        int len = snprintf(text, sizeof(text), "virtual processor %u thread %u", cpu->vcpu, cpu->thread);
        add_hex(r, (const u8 *)text, (size_t)len);
    } else if (starts(&p, "Attached")) {
        add(r, "1");
    } else if (starts(&p, "Rcmd,")) {
        return cmd_monitor(s, p, r);
    } else if (*p == 'C' && !p[1]) {
        add(r, "QC%x", THREAD_ID(s->current));
    }
    return true; // anything else: the empty reply
}

static bool cmd_thread_alive(struct gdb_session *s, const char *p, struct reply *r)
{
    unsigned index;
    if (!parse_thread(s, &p, &index))
        return false;
    add(r, "OK");
    return true;
}

static bool cmd_select(struct gdb_session *s, const char *p, struct reply *r)
{
    char op = *p ? *p++ : 0;
    unsigned index;
    if ((op != 'g' && op != 'c') || !parse_thread(s, &p, &index))
        return false;
    if (op == 'g')
        s->current = index;
    add(r, "OK");
    return true;
}

// One packet. false: error reply. Commands that resume send nothing now.
static bool dispatch(struct gdb_session *s, const char *p, struct reply *r, bool *silent)
{
    char command = *p;
    const char *args = command ? p + 1 : p;
    switch (command) {
    case '?': add(r, "T05thread:%x;", THREAD_ID(s->current)); return true;
    case 'g': return cmd_read_regs(s, r);
    case 'G': return cmd_write_regs(s, args, r);
    case 'p': return cmd_read_reg(s, args, r);
    case 'P': return cmd_write_reg(s, args, r);
    case 'm': return cmd_read_memory(s, args, r);
    case 'M': return cmd_write_memory(s, args, r);
    case 'Z':
    case 'z': return cmd_point(s, command == 'Z', args, r);
    case 'H': return cmd_select(s, args, r);
    case 'T': return cmd_thread_alive(s, args, r);
    case 'q': return cmd_query(s, args, r);
    case 'c':
    case 's': *silent = true; return cmd_continue(s, args, command == 's');
    case 'k':
        *silent = s->detached = true;
        s->target->kill(s->target->arg);
        return true;
    case 'D':
        s->detached = true;
        add(r, "OK");
        s->target->detach(s->target->arg);
        return true;
    case 'Q':
        if (!strcmp(args, "StartNoAckMode")) {
            s->no_ack = true;
            add(r, "OK");
        }
        return true;
    case 'v':
        if (!strcmp(args, "Cont?")) {
            add(r, "vCont;c;C;s;S");
            return true;
        }
        if (starts(&args, "Cont")) {
            *silent = cmd_vcont(s, args);
            return *silent;
        }
        return true;
    default: return true; // not supported: the empty reply
    }
}

static void handle_packet(struct gdb_session *s)
{
    struct reply r = {.len = 0};
    bool silent = false;
    if (s->running)
        return; // gdb does not ask a running target
    if (!dispatch(s, s->packet, &r, &silent)) {
        silent = false;
        r.len = 0;
        r.overflow = false;
        add(&r, "E01");
    }
    if (!silent)
        send_reply(s, &r);
}

static void input_byte(struct gdb_session *s, char c)
{
    switch (s->state) {
    case GDB_IDLE:
        if (c == '$') {
            s->state = GDB_DATA;
            s->len = 0;
            s->sum = 0;
        } else if (c == 3 && s->running) {
            s->target->interrupt(s->target->arg);
        }
        break;
    case GDB_DATA:
        if (c == '#') {
            s->state = GDB_SUM1;
        } else if (s->len < GDB_PACKET_MAX) {
            s->packet[s->len++] = c;
            s->sum = (u8)(s->sum + (u8)c);
        } else {
            s->state = GDB_IDLE; // too long for what we announced
        }
        break;
    case GDB_SUM1:
        s->want = (u8)((unsigned)hex_value(c) << 4);
        s->state = GDB_SUM2;
        break;
    case GDB_SUM2:
        s->state = GDB_IDLE;
        s->packet[s->len] = 0;
        if (!s->no_ack) {
            bool good = (u8)(s->want | (unsigned)hex_value(c)) == s->sum;
            out_bytes(s, good ? "+" : "-", 1);
            if (!good)
                return;
        }
        handle_packet(s);
        break;
    }
}

void gdb_session_input(struct gdb_session *s, const void *data, size_t size)
{
    for (size_t i = 0; i < size && !s->detached; i++)
        input_byte(s, ((const char *)data)[i]);
}

void gdb_session_stopped(struct gdb_session *s, unsigned index, enum gdb_stop why, u64 ea)
{
    struct reply r = {.len = 0};
    if (!s->running)
        return;
    s->running = false;
    s->current = index;
    switch (why) {
    case GDB_EXITED: add(&r, "W00"); break;
    case GDB_CRASHED: add(&r, "X06"); break;
    case GDB_INTERRUPT: add(&r, "T02thread:%x;", THREAD_ID(index)); break;
    case GDB_BREAKPOINT: add(&r, "T05thread:%x;hwbreak:;", THREAD_ID(index)); break;
    case GDB_STEP: add(&r, "T05thread:%x;", THREAD_ID(index)); break;
    case GDB_WATCH: add(&r, "T05thread:%x;watch:%llx;", THREAD_ID(index), (unsigned long long)ea); break;
    }
    send_reply(s, &r);
}
