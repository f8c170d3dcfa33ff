// SPDX-License-Identifier: Apache-2.0
// Logical volumes: lists of runs of physical partitions.
//
// One that lies on what the VIOS has of its own is a file with the size that these runs add up to, which the host's administrator can look at and copy; one on
// disks that were given is at these places of them. None lies on both.
//
// What a partition wrote must not be seen by the next one that gets the same place, so physical partitions are zeroed when they are given out: as holes where they lie in
// files, which costs nothing and takes no space.
#include "vios/admin/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUNS_MAX 4096u

struct run {
    char pv[24];
    u64 first, len;
};

struct runs {
    struct run *run;
    u32 len;
};

static bool runs_add(struct runs *r, const char *pv, u64 first, u64 len)
{
    if (r->len == RUNS_MAX)
        return false;
    snprintf(r->run[r->len].pv, sizeof(r->run[r->len].pv), "%s", pv);
    r->run[r->len].first = first;
    r->run[r->len++].len = len;
    return true;
}

static bool disk_wanted(const struct ios_call *call, const char *disk, u32 from)
{
    for (u32 i = from; i < call->operands_len; i++)
        if (strcmp(call->operand[i], disk) == 0)
            return true;
    return from >= call->operands_len;
}

// The free runs of the group's disks, in order.
static void find_free(struct ios_call *call, const struct group *g, u32 flags, u32 disks_from, struct runs *r)
{
    struct query disks, used;
    query_begin(&disks, call->ios,
                "SELECT p.name, (p.size - ?2) / ?3 FROM pv p JOIN device d ON d.name = p.name WHERE p.vg = ?1 AND "
                "d.state AND p.internal = ?4 "
                "ORDER BY length(p.name), p.name",
                "siii", g->name, (s64)VOLUME_START, (s64)g->pp, (s64)((flags & VOLUME_INTERNAL) != 0));
    while (query_next(&disks)) {
        const char *pv = query_text(&disks, 0);
        u64 at = 0, end = (u64)query_number(&disks, 1);
        if (!disk_wanted(call, pv, disks_from))
            continue;
        query_begin(&used, call->ios, "SELECT first, len FROM extent WHERE pv = ? ORDER BY first", "s", pv);
        while (query_next(&used)) {
            u64 first = (u64)query_number(&used, 0);
            if (first > at)
                runs_add(r, pv, at, first - at);
            at = first + (u64)query_number(&used, 1);
        }
        query_end(&used);
        if (at < end)
            runs_add(r, pv, at, end - at);
    }
    query_end(&disks);
}

// Takes partitions out of the free runs: behind `last` where that can be, from the smallest run that holds all, otherwise from the beginning.
static bool choose(struct runs *from, u64 count, const struct run *last, struct runs *to)
{
    u64 total = 0;
    struct run *best = NULL, *behind = NULL;
    for (u32 i = 0; i < from->len; i++) {
        struct run *r = &from->run[i];
        total += r->len;
        if (r->len >= count && (!best || r->len < best->len))
            best = r;
        if (last && strcmp(r->pv, last->pv) == 0 && r->first == last->first + last->len)
            behind = r;
    }
    if (total < count)
        return false;
    struct run *firsts[] = {behind, behind && behind->len >= count ? NULL : best};
    for (u32 i = 0; i < from->len + 2 && count; i++) {
        struct run *r = i < 2 ? firsts[i] : &from->run[i - 2];
        u64 len = r ? MIN(count, r->len) : 0;
        if (len && !runs_add(to, r->pv, r->first, len))
            return false;
        if (len) {
            r->first += len;
            r->len -= len;
        }
        count -= len;
    }
    return true;
}

static int zero(const char *path, u64 offset, u64 size, bool thick)
{
    struct stat st;
    int err = 0, fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st))
        err = -errno;
    bool file = !err && S_ISREG(st.st_mode);
    int mode = (file ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE) | FALLOC_FL_KEEP_SIZE;
    if (!err && fallocate(fd, mode, (off_t)offset, (off_t)size))
        err = -errno;
    if (!err && file && thick && fallocate(fd, 0, (off_t)offset, (off_t)size))
        err = -errno;
    close(fd);
    return err;
}

static int store_runs(struct ios_call *call, const struct group *g, const char *lv, const struct runs *r, u32 flags)
{
    struct ios *ios = call->ios;
    s64 number = odm_number(ios, 0, "SELECT max(number) + 1 FROM extent WHERE lv = ?", "s", lv);
    for (u32 i = 0; i < r->len; i++) {
        const struct run *run = &r->run[i];
        char path[PATH_SIZE] = "";
        odm_text(ios, path, sizeof(path), "SELECT path FROM pv WHERE name = ?", "s", run->pv);
        int err = ios->config.folder && !(flags & VOLUME_INTERNAL)
                      ? zero(path, VOLUME_START + run->first * g->pp, run->len * g->pp, flags & VOLUME_THICK)
                      : 0;
        if (err)
            return refuse(call, "0516-848", "The space on %s cannot be prepared: %s%s", run->pv, strerror(-err),
                          err == -ENOSPC ? "; the file system of the host is full, leave -thick away or make room there"
                                         : "");
        // A run that goes on where the last one ended becomes part of it.
        s64 joined =
            odm_number(ios, -1, "SELECT number FROM extent WHERE lv = ? AND number = ? AND pv = ? AND first + len = ?",
                       "sisi", lv, number - 1, run->pv, (s64)run->first);
        if (joined >= 0)
            odm_run(ios, "UPDATE extent SET len = len + ? WHERE lv = ? AND number = ?", "isi", (s64)run->len, lv,
                    joined);
        else
            odm_run(ios, "INSERT INTO extent VALUES(?, ?, ?, ?, ?)", "sisii", lv, number++, run->pv, (s64)run->first,
                    (s64)run->len);
    }
    return 0;
}

static int check_disks(struct ios_call *call, const struct group *g, u32 from)
{
    for (u32 i = from; i < call->operands_len; i++)
        if (!odm_number(call->ios, 0, "SELECT count(*) FROM pv WHERE name = ? AND vg = ?", "ss", call->operand[i],
                        g->name))
            return refuse(call, "0516-1284", "The physical volume %s does not belong to volume group %s.",
                          call->operand[i], g->name);
    return 0;
}

static int allocate(struct ios_call *call, const struct group *g, const char *lv, u64 size, u32 flags, u32 disks_from)
{
    struct runs from = {.run = calloc(RUNS_MAX, sizeof(*from.run))}, to = {.run = calloc(RUNS_MAX, sizeof(*to.run))};
    struct run last;
    struct query q;
    u64 count = (size + g->pp - 1) / g->pp;
    int status = check_disks(call, g, disks_from);
    query_begin(&q, call->ios, "SELECT pv, first, len FROM extent WHERE lv = ? ORDER BY number DESC LIMIT 1", "s", lv);
    bool grows = query_next(&q);
    if (grows) {
        snprintf(last.pv, sizeof(last.pv), "%s", query_text(&q, 0));
        last.first = (u64)query_number(&q, 1);
        last.len = (u64)query_number(&q, 2);
    }
    query_end(&q);
    if (!status && from.run && to.run)
        find_free(call, g, flags, disks_from, &from);
    if (!status && (!from.run || !to.run || !choose(&from, count, grows ? &last : NULL, &to)))
        status = refuse(call, "0516-404",
                        "This system cannot fulfill the allocation request. There are not enough free partitions in "
                        "%s: %llu are needed, "
                        "lsvg %s tells what is free.",
                        g->name, (unsigned long long)count, g->name);
    if (!status)
        status = store_runs(call, g, lv, &to, flags);
    free(from.run);
    free(to.run);
    return status;
}

bool storage_name_used(struct ios_call *call, const char *name)
{
    struct device d;
    bool used =
        device_find(call->ios, name, &d) || odm_number(call->ios, 0,
                                                       "SELECT count(*) FROM (SELECT name FROM lv UNION ALL SELECT "
                                                       "name FROM vg UNION ALL SELECT name FROM pool) WHERE name = ?",
                                                       "s", name);
    if (used)
        refuse(call, "0516-360", "The device name \"%s\" is already used; choose a different name.", name);
    return used;
}

// Whether what the VIOS has of its own has room for it.
static bool fits_inside(struct ios_call *call, const struct group *g, u64 size, u32 disks_from)
{
    struct runs free_runs = {.run = calloc(RUNS_MAX, sizeof(*free_runs.run))};
    u64 total = 0;
    if (free_runs.run)
        find_free(call, g, VOLUME_INTERNAL, disks_from, &free_runs);
    for (u32 i = 0; i < free_runs.len; i++)
        total += free_runs.run[i].len * g->pp;
    free(free_runs.run);
    return total >= size;
}

static int size_file(struct ios_call *call, const char *name, const char *path, bool thick, bool fresh)
{
    struct ios *ios = call->ios;
    u64 size = volume_size(ios, name);
    int err = fresh ? file_make(ios, path, size, thick) : file_grow(ios, path, size, thick);
    if (err)
        return refuse(call, "0516-848", "The file of %s cannot be made: %s%s", name, strerror(-err),
                      err == -ENOSPC ? "; the file system of the host is full, leave -thick away or make room there"
                                     : "");
    return fresh && !odm_keep(ios, path);
}

int volume_make(struct ios_call *call, const struct group *g, const char *name, const char *type, u64 size, u32 flags,
                u32 disks_from)
{
    struct ios *ios = call->ios;
    char path[PATH_SIZE], folder[PATH_SIZE];
    bool thick = flags & VOLUME_THICK;
    if (!call_name(call, name, VOLUME_NAME_MAX) || storage_name_used(call, name))
        return 1;
    if (!g->active)
        return refuse(call, "0516-010", "Volume group must be varied on; use activatevg %s.", g->name);
    if (check_disks(call, g, disks_from))
        return 1;
    if (fits_inside(call, g, size, disks_from))
        flags |= VOLUME_INTERNAL;
    bool file = (flags & VOLUME_INTERNAL) && strcmp(type, "jfs") == 0;
    volume_path(ios, name, path);
    snprintf(folder, sizeof(folder), "%.900s/volumes", ios->config.folder ? ios->config.folder : "");
    if (file && (folder_make(ios, folder) || (ios->config.folder && access(path, F_OK) == 0)))
        return refuse(call, "0516-848",
                      "The file %s cannot be made, or is there already and is no logical volume; move it away.", path);
    if (file && !odm_prepare(ios, path))
        return refuse(call, "0514-041", "The device configuration database cannot be written.");
    odm_run(ios, "INSERT INTO lv VALUES(?, ?, ?, lower(hex(randomblob(8))), ?, ?)", "sssii", name, g->name, type,
            (s64)thick, (s64)file);
    int status = allocate(call, g, name, size, flags, disks_from);
    return status || !file ? status : size_file(call, name, path, thick, true);
}

int volume_extend(struct ios_call *call, const char *name, u64 size, u32 disks_from)
{
    struct group g;
    char vg[NAME_SIZE] = "", type[16] = "", path[PATH_SIZE];
    struct ios *ios = call->ios;
    odm_text(ios, vg, sizeof(vg), "SELECT vg FROM lv WHERE name = ?", "s", name);
    odm_text(ios, type, sizeof(type), "SELECT type FROM lv WHERE name = ?", "s", name);
    bool file = odm_number(ios, 0, "SELECT file FROM lv WHERE name = ?", "s", name),
         thick = odm_number(ios, 0, "SELECT thick FROM lv WHERE name = ?", "s", name),
         client = strcmp(type, "jfs") == 0;
    u32 flags = (thick ? VOLUME_THICK : 0) | (file || !client ? VOLUME_INTERNAL : 0);
    if (!group_need(call, vg, &g) || allocate(call, &g, name, size, flags, disks_from))
        return 1;
    volume_path(ios, name, path);
    if (file && size_file(call, name, path, thick, false))
        return 1;
    if (client)
        mapping_grown(ios, "lv", name, "");
    return 0;
}

int volume_remove(struct ios_call *call, const char *name)
{
    struct query q;
    if (mapping_count(call->ios, "lv", name, ""))
        return refuse(call, "0516-1182",
                      "The logical volume %s is in use: it is a backing device; rmvdev -vdev %s takes it away.", name,
                      name);
    if (odm_number(call->ios, 0, "SELECT file FROM lv WHERE name = ?", "s", name)) {
        char path[PATH_SIZE];
        volume_path(call->ios, name, path);
        odm_clean_later(call->ios, path, 0, 0);
    }
    query_begin(&q, call->ios,
                "SELECT p.path, e.first * g.pp_size, e.len * g.pp_size FROM extent e JOIN pv p ON p.name = e.pv JOIN "
                "vg g ON g.name = p.vg WHERE e.lv = ? AND NOT p.internal",
                "s", name);
    while (query_next(&q))
        odm_clean_later(call->ios, query_text(&q, 0), VOLUME_START + (u64)query_number(&q, 1),
                        (u64)query_number(&q, 2));
    query_end(&q);
    odm_run(call->ios, "DELETE FROM lv WHERE name = ?", "s", name);
    return 0;
}

u64 volume_size(struct ios *ios, const char *name)
{
    return (u64)odm_number(ios, 0,
                           "SELECT sum(e.len) * g.pp_size FROM extent e JOIN lv l ON l.name = e.lv JOIN vg g ON g.name "
                           "= l.vg WHERE l.name = ?",
                           "s", name);
}

// --- Commands

int cmd_mklv(struct ios_call *call)
{
    struct group g;
    char name[NAME_SIZE];
    const char *given = call_value(call, "-lv");
    if (!group_need(call, call->operand[0], &g))
        return 1;
    for (u32 i = 0; !given; i++) {
        snprintf(name, sizeof(name), "lv%02u", i);
        if (!odm_number(call->ios, 0, "SELECT count(*) FROM lv WHERE name = ?", "s", name))
            given = name;
    }
    u64 size = call_size(call, call->operand[1], g.pp);
    if (!size || volume_make(call, &g, given, "jfs", size, call_has(call, "-thick") ? VOLUME_THICK : 0, 2))
        return 1;
    say(call, "%s\n", given);
    return 0;
}

// Of those that commands may change: pools and the library have their own.
static bool need_volume(struct ios_call *call, const char *name)
{
    char type[16];
    if (!odm_text(call->ios, type, sizeof(type), "SELECT type FROM lv WHERE name = ?", "s", name)) {
        refuse(call, "0516-306",
               "Unable to find %s in the Device Configuration Database; lsvg -lv VG lists logical volumes.", name);
        return false;
    }
    if (strcmp(type, "jfs") && call->command->flags) {
        refuse(call, NULL, "\"%s\" holds %s; use %s.", name,
               strcmp(type, "fbpool") ? "the media library" : "a storage pool",
               strcmp(type, "fbpool") ? "chrep or rmrep" : "chsp or rmsp");
        return false;
    }
    return true;
}

int cmd_extendlv(struct ios_call *call)
{
    const char *name = call->operand[0];
    if (!need_volume(call, name))
        return 1;
    u64 pp = (u64)odm_number(call->ios, 0, "SELECT g.pp_size FROM lv l JOIN vg g ON g.name = l.vg WHERE l.name = ?",
                             "s", name);
    u64 size = call_size(call, call->operand[1], pp);
    return size ? volume_extend(call, name, size, 2) : 1;
}

int cmd_rmlv(struct ios_call *call)
{
    for (u32 i = 0; i < call->operands_len; i++) {
        if (!need_volume(call, call->operand[i]) || volume_remove(call, call->operand[i]))
            return 1;
        say(call, "rmlv: Logical volume %s is removed.\n", call->operand[i]);
    }
    return 0;
}

static const struct ios_column extent_columns[] = {{"pv", "PV", 18}, {"first", "FIRST PP", 10}, {"len", "PPs", 0}};

static int list_extents(struct ios_call *call, const char *name)
{
    struct ios_table table;
    struct query q;
    if (!call_has(call, "-fmt"))
        say(call, "%s:N/A\n", name);
    if (!table_begin(&table, call, extent_columns, ARRAY_LEN(extent_columns)))
        return 1;
    query_begin(&q, call->ios, "SELECT pv, first, len FROM extent WHERE lv = ? ORDER BY number", "s", name);
    while (query_next(&q)) {
        const char *values[] = {query_text(&q, 0), query_text(&q, 1), query_text(&q, 2)};
        table_row(&table, values);
    }
    query_end(&q);
    return 0;
}

int cmd_lslv(struct ios_call *call)
{
    const char *name = call->operand[0];
    struct query q;
    if (!need_volume(call, name))
        return 1;
    if (call_has(call, "-pv"))
        return list_extents(call, name);
    query_begin(
        &q, call->ios,
        "SELECT l.vg, l.identity, g.pp_size / 1048576, (SELECT sum(len) FROM extent WHERE lv = l.name), l.type, "
        "l.thick, (SELECT count(*) "
        "FROM mapping WHERE kind = 'lv' AND backing = l.name) FROM lv l JOIN vg g ON g.name = l.vg WHERE l.name = ?",
        "s", name);
    if (query_next(&q)) {
        bool open = query_number(&q, 6) || strcmp(query_text(&q, 4), "jfs");
        say(call, "%-19s %-22s %-14s %s\n", "LOGICAL VOLUME:", name, "VOLUME GROUP:", query_text(&q, 0));
        say(call, "%-19s %-22s %-14s read/write\n", "LV IDENTIFIER:", query_text(&q, 1), "PERMISSION:");
        say(call, "%-19s %-22s %-14s %s\n", "VG STATE:", "active/complete",
            "LV STATE:", open ? "opened/syncd" : "closed/syncd");
        say(call, "%-19s %-22s %-14s %s megabyte(s)\n", "TYPE:", query_text(&q, 4), "PP SIZE:", query_text(&q, 2));
        say(call, "%-19s %-22s %-14s %s\n", "COPIES:", "1", "SPACE:", query_number(&q, 5) ? "thick" : "thin");
        say(call, "%-19s %-22s %-14s %s\n", "LPs:", query_text(&q, 3), "PPs:", query_text(&q, 3));
    }
    query_end(&q);
    return 0;
}
