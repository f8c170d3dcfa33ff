// SPDX-License-Identifier: Apache-2.0
// Physical volumes: the file that the VIOS begins with, and the files and block devices that the administrator of the host gave it.
#include "vios/admin/ios_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PARTITION_SIZE (64 * MIB) // of rootvg, or as many times two as keep their number down
#define PARTITIONS_MAX 65536u
#define ROOTVG_LEAST   GIB

u64 volume_file_size(const char *path)
{
    struct stat st;
    u64 size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return 0;
    if (!fstat(fd, &st) && S_ISBLK(st.st_mode)) {
        if (ioctl(fd, BLKGETSIZE64, &size))
            size = 0;
    } else if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
        size = (u64)st.st_size;
    }
    close(fd);
    return size / 4096 * 4096;
}

u64 volume_partition_size(u64 size)
{
    u64 pp = PARTITION_SIZE;
    while ((size - VOLUME_START) / pp > PARTITIONS_MAX)
        pp *= 2;
    return pp;
}

bool volume_add(struct ios *ios, const char *path, u64 size, bool internal)
{
    struct device d = {.class = "disk", .type = "hdisk", .parent = "vio0", .available = true, .slot = -1};
    char base[LOCATION_SIZE];
    device_new_name(ios, "hdisk", d.name);
    device_base_location(ios, base);
    snprintf(d.location, sizeof(d.location), "%.80s-D%.10s", base, d.name + 5);
    snprintf(d.description, sizeof(d.description), "%s",
             internal         ? "Internal disk in a file"
             : iscsi_is(path) ? "iSCSI Disk Drive"
                              : "Disk of the host");
    return device_add(ios, &d) && odm_run(ios, "INSERT INTO pv(name, path, size, internal) VALUES(?, ?, ?, ?)", "ssii",
                                          d.name, path, (s64)size, (s64)internal);
}

// The first one, a file that takes the space of what is written to it.
static int make_rootvg(struct ios *ios, char *why)
{
    struct statvfs fs;
    char path[PATH_SIZE];
    u64 size = ios->config.rootvg_size;
    snprintf(path, sizeof(path), "%s/hdisk0", ios->config.folder ? ios->config.folder : "");
    if (!size && ios->config.folder && !statvfs(ios->config.folder, &fs))
        size = (u64)fs.f_bavail * fs.f_frsize;
    size = MAX(size, ROOTVG_LEAST) / MIB * MIB + VOLUME_START;
    if (ios->config.folder) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || ftruncate(fd, (off_t)size)) {
            snprintf(why, IOS_WHY_MAX, "%.300s cannot be made: %s", path, strerror(errno));
            if (fd >= 0)
                close(fd);
            return -errno;
        }
        close(fd);
    }
    volume_add(ios, path, size, true);
    odm_run(ios, "INSERT INTO vg(name, pp_size, identifier) VALUES('rootvg', ?, lower(hex(randomblob(16))))", "i",
            (s64)volume_partition_size(size));
    odm_run(ios, "UPDATE pv SET vg = 'rootvg', pvid = lower(hex(randomblob(8)))", "");
    return 0;
}

// A path that was given: a new disk, or a known one that is there again, gone, or larger.
static void configure_path(struct ios *ios, const char *path)
{
    u64 size = volume_file_size(path);
    char name[NAME_SIZE] = "";
    bool known = odm_text(ios, name, sizeof(name), "SELECT name FROM pv WHERE path = ?", "s", path);
    if (!known && size >= 2 * MIB)
        volume_add(ios, path, size, false);
    if (!known || !size)
        return;
    if ((u64)odm_number(ios, 0, "SELECT size FROM pv WHERE name = ?", "s", name) < size) {
        odm_run(ios, "UPDATE pv SET size = ? WHERE name = ?", "is", (s64)size, name);
        mapping_grown(ios, "disk", name, "");
    }
    odm_run(ios, "UPDATE device SET state = 1 WHERE name = ?", "s", name);
}

static void configure_listed(struct ios *ios)
{
    char path[PATH_SIZE], line[PATH_SIZE];
    if (!ios->config.folder)
        return;
    snprintf(path, sizeof(path), "%s/physical_volumes", ios->config.folder);
    FILE *from = fopen(path, "re");
    while (from && fgets(line, sizeof(line), from)) {
        line[strcspn(line, "\n")] = 0;
        if (*line == '/')
            configure_path(ios, line);
    }
    if (from)
        fclose(from);
}

static int configure(struct ios *ios, char *why)
{
    int err = odm_number(ios, 0, "SELECT count(*) FROM vg", "") ? 0 : make_rootvg(ios, why);
    if (err)
        return err;
    odm_run(ios,
            "UPDATE device SET state = 0 WHERE name IN (SELECT name FROM pv WHERE NOT internal AND path NOT LIKE "
            "'iscsi:%')",
            "");
    for (u32 i = 0; i < ios->config.volumes_len; i++)
        configure_path(ios, ios->config.volumes[i]);
    configure_listed(ios);
    return 0;
}

int volumes_configure(struct ios *ios, char *why)
{
    bool inside = ios->writing;
    if (!inside && !odm_begin(ios)) {
        snprintf(why, IOS_WHY_MAX, "the database cannot be written: %s", sqlite3_errmsg(ios->db));
        return -EIO;
    }
    int err = configure(ios, why);
    if (inside)
        return err;
    if (err) {
        odm_rollback(ios);
        return err;
    }
    if (odm_commit(ios))
        return 0;
    snprintf(why, IOS_WHY_MAX, "the database cannot be written: %s", sqlite3_errmsg(ios->db));
    return -EIO;
}

// --- lspv

static const struct ios_column columns[] = {
    {"name", "NAME", 16}, {"pvid", "PVID", 36}, {"vg", "VG", 16}, {"status", "STATUS", 0}};
static const struct ios_column size_columns[] = {
    {"name", "NAME", 16}, {"pvid", "PVID", 36}, {"size", "SIZE(megabytes)", 0}};

static int sheet(struct ios_call *call, const char *name)
{
    struct query q;
    query_begin(&q, call->ios,
                "SELECT p.pvid, p.size, p.path, ifnull(p.vg, ''), ifnull(g.identifier, ''), ifnull(g.pp_size, 0), "
                "d.state, (SELECT ifnull(sum(len), "
                "0) FROM extent WHERE pv = p.name), (SELECT count(DISTINCT lv) FROM extent WHERE pv = p.name) FROM pv "
                "p JOIN device d ON d.name = "
                "p.name LEFT JOIN vg g ON g.name = p.vg WHERE p.name = ?",
                "s", name);
    if (!query_next(&q)) {
        query_end(&q);
        return refuse(call, "0516-320", "\"%s\" is not a valid physical volume; lspv lists those that there are.",
                      name);
    }
    s64 pp = query_number(&q, 5) / (s64)MIB, used = query_number(&q, 7);
    s64 total = pp ? (query_number(&q, 1) - (s64)VOLUME_START) / query_number(&q, 5) : 0;
    say(call, "%-20s %-24s %-20s %s\n", "PHYSICAL VOLUME:", name, "VOLUME GROUP:", query_text(&q, 3));
    say(call, "%-20s %-24s %-20s %s\n", "PV IDENTIFIER:", *query_text(&q, 0) ? query_text(&q, 0) : "none",
        "VG IDENTIFIER", query_text(&q, 4));
    say(call, "%-20s %s\n", "PV STATE:", query_number(&q, 6) ? "active" : "missing");
    if (pp) {
        say(call, "%-20s %lld megabyte(s)%*s%-20s %lld\n", "PP SIZE:", (long long)pp, 10, "",
            "LOGICAL VOLUMES:", (long long)query_number(&q, 8));
        say(call, "%-20s %lld (%lld megabytes)\n", "TOTAL PPs:", (long long)total, (long long)(total * pp));
        say(call, "%-20s %lld (%lld megabytes)\n", "FREE PPs:", (long long)(total - used),
            (long long)((total - used) * pp));
        say(call, "%-20s %lld (%lld megabytes)\n", "USED PPs:", (long long)used, (long long)(used * pp));
    } else {
        say(call, "%-20s %lld megabyte(s)\n", "SIZE:", (long long)(query_number(&q, 1) / (s64)MIB));
    }
    say(call, "%-20s %s\n", "PATH:", query_text(&q, 2));
    query_end(&q);
    return 0;
}

int cmd_lspv(struct ios_call *call)
{
    struct ios_table table;
    struct query q;
    bool avail = call_has(call, "-avail"), free_only = call_has(call, "-free"),
         sizes = avail || free_only || call_has(call, "-size");
    if (call->operands_len)
        return sheet(call, call->operand[0]);
    if (!table_begin(&table, call, sizes ? size_columns : columns,
                     sizes ? ARRAY_LEN(size_columns) : ARRAY_LEN(columns)))
        return 1;
    query_begin(&q, call->ios,
                "SELECT p.name, p.pvid, ifnull(p.vg, 'None'), CASE WHEN p.vg IS NULL THEN '' WHEN NOT d.state THEN "
                "'missing' WHEN g.active THEN "
                "'active' ELSE '' END, p.size / 1048576 FROM pv p JOIN device d ON d.name = p.name LEFT JOIN vg g ON "
                "g.name = p.vg WHERE NOT ?1 OR "
                "(p.vg IS NULL AND d.state AND (?2 OR p.pvid = '') AND NOT EXISTS (SELECT * FROM mapping WHERE kind = "
                "'disk' AND backing = p.name)) ORDER BY length(p.name), p.name",
                "ii", (s64)(avail || free_only), (s64)avail);
    while (query_next(&q)) {
        const char *pvid = *query_text(&q, 1) ? query_text(&q, 1) : "none";
        const char *values[] = {query_text(&q, 0), pvid, sizes ? query_text(&q, 4) : query_text(&q, 2),
                                query_text(&q, 3)};
        table_row(&table, values);
    }
    query_end(&q);
    return 0;
}
