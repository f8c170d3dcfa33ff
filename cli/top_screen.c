// SPDX-License-Identifier: Apache-2.0
#include "cli/top_screen.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define INTERVAL_MIN 0.5
#define INTERVAL_MAX 600.0

struct screen {
    const char *name, *folder;
    struct top_view view;
    struct snapshot before, now;
    bool have_before, have_now, lost, frozen, help;
    u32 first; // line of the list that is at its top
};

static void take(struct screen *s)
{
    struct snapshot next;
    time_t t = time(NULL);
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(s->view.clock, sizeof(s->view.clock), "%a %b %e %H:%M:%S %Y", &tm);
    s->lost = snapshot_open(s->folder, &next) != 0;
    if (s->lost) {
        snapshot_free(&next);
        return; // what was is shown on, and said to be old
    }
    if (s->have_before)
        snapshot_free(&s->before);
    s->before = s->now;
    s->have_before = s->have_now;
    s->now = next;
    s->have_now = true;
}

static void put(int row, const char *text, int attributes)
{
    attron(attributes);
    mvaddnstr(row, 0, text, COLS);
    attroff(attributes);
    clrtoeol();
}

static void draw_help(const struct screen *s)
{
    static const char *const lines[] = {
        "Each line is a partition; rates are those since the line was drawn before.",
        "",
        "MOD    Ded: dedicated processors   Don: these, and idle ones are given away",
        "       Cap, Unc: shared processors, capped and uncapped",
        "ENT    entitlement; of dedicated processors their number",
        "VP     virtual processors",
        "PHYSC  physical processors that it uses; %ENTC the same as part of ENT",
        "BUSY   how busy its virtual processors are, IDLE the rest, in per cent",
        "WAIT   ready to run without a physical processor, in per cent of a processor",
        "",
        "c e w m n i   order by consumption, entitlement, wait, memory, name, ID",
        "r             reverse the order          p   pools instead of partitions",
        "up down PgUp PgDn Home End               scroll",
        "+ -           longer and shorter interval",
        "space         stop and go on             q   quit           h   back",
    };
    for (unsigned i = 0; i < ARRAY_LEN(lines) && (int)i + 5 < LINES; i++)
        put((int)i + 5, lines[i], A_NORMAL);
}

static u32 list_length(const struct screen *s)
{
    return s->view.pools ? s->now.pools_len : s->now.lpars_len;
}

static void draw_list(struct screen *s)
{
    const struct snapshot *before = s->have_before ? &s->before : NULL;
    u32 len = list_length(s), room = (u32)MAX(LINES - TOP_HEADER_LINES - 1, 1),
        *order = calloc(len + 1, sizeof(*order));
    char text[TOP_WIDTH_MAX + 1];
    if (!order)
        return;
    if (!s->view.pools)
        top_order(&s->view, before, &s->now, order);
    s->first = MIN(s->first, len > room ? len - room : 0);
    for (u32 i = 0; i < room && s->first + i < len; i++) {
        u32 at = s->first + i;
        if (s->view.pools)
            top_pool_line(before, &s->now, &s->now.pools[at], COLS, text);
        else
            top_lpar_line(before, &s->now, &s->now.lpars[order[at]], COLS, text);
        bool error = !s->view.pools && strcmp(s->now.lpars[order[at]].state, "Error") == 0;
        put((int)i + TOP_HEADER_LINES, text, error ? A_BOLD : A_NORMAL);
    }
    free(order);
}

static void draw(struct screen *s)
{
    char text[TOP_WIDTH_MAX + 1];
    erase();
    for (unsigned i = 0; i < TOP_HEADER_LINES && (int)i < LINES; i++) {
        top_header_line(&s->view, s->have_before ? &s->before : NULL, &s->now, i, COLS, text);
        if (i == TOP_HEADER_LINES - 1) {
            size_t len = strlen(text);
            memset(text + len, ' ', sizeof(text) - 1 - len);
            text[MIN(COLS, TOP_WIDTH_MAX)] = 0;
        }
        put((int)i, text, i == TOP_HEADER_LINES - 1 ? A_REVERSE : i == 0 ? A_BOLD : A_NORMAL);
    }
    if (s->help)
        draw_help(s);
    else
        draw_list(s);
    snprintf(text, sizeof(text), "%s",
             s->lost     ? "The system does not answer; this is how it was. Trying again."
             : s->frozen ? "Stopped; space goes on.  h help  q quit"
                         : "h help  q quit");
    put(LINES - 1, text, s->lost ? A_BOLD : A_DIM);
    refresh();
}

// false: quit.
static bool key(struct screen *s, int c)
{
    u32 page = (u32)MAX(LINES - TOP_HEADER_LINES - 1, 1);
    for (unsigned i = 0; i < SORTS; i++)
        if (c == top_orders[i].key)
            s->view.sort = (enum top_sort)i;
    switch (c) {
    case 'q':
    case 'Q': return false;
    case 'h':
    case '?': s->help = !s->help; break;
    case 'r': s->view.reverse = !s->view.reverse; break;
    case 'p':
        s->view.pools = !s->view.pools;
        s->first = 0;
        break;
    case ' ': s->frozen = !s->frozen; break;
    case '+': s->view.interval = MIN(s->view.interval * 2, INTERVAL_MAX); break;
    case '-': s->view.interval = MAX(s->view.interval / 2, INTERVAL_MIN); break;
    case KEY_DOWN: s->first++; break;
    case KEY_UP: s->first -= s->first > 0; break;
    case KEY_NPAGE: s->first += page; break;
    case KEY_PPAGE: s->first -= MIN(s->first, page); break;
    case KEY_HOME: s->first = 0; break;
    case KEY_END: s->first = list_length(s); break;
    default: break;
    }
    return true;
}

static void watch(struct screen *s)
{
    s64 next = clock_ns();
    for (;;) {
        s64 now = clock_ns();
        if (now >= next && !s->frozen) {
            take(s);
            next = now + (s64)(s->view.interval * 1e9);
            // The first rates are there after a second, however long the interval is.
            if (!s->have_before)
                next = MIN(next, now + 1000000000);
        }
        draw(s);
        timeout(s->frozen ? -1 : (int)MAX((next - clock_ns()) / 1000000 + 1, 1));
        int c = getch();
        if (c != ERR && !key(s, c))
            return;
        next = MIN(next, clock_ns() + (s64)(s->view.interval * 1e9));
    }
}

int top_screen(const char *name, const char *folder, double interval)
{
    static struct screen s;
    SCREEN *terminal = newterm(NULL, stdout, stdin);
    if (!terminal) {
        const char *kind = getenv("TERM");
        fprintf(stderr, "openlpar: the terminal %s is not known; set TERM, or use --batch\n",
                kind ? kind : "without TERM");
        return 1;
    }
    s = (struct screen){.name = name, .folder = folder, .view = {.interval = interval}};
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    watch(&s);
    endwin();
    delscreen(terminal);
    snapshot_free(&s.before);
    snapshot_free(&s.now);
    return 0;
}
