// SPDX-License-Identifier: Apache-2.0
// What is behind a target: a whole disk, a logical volume's extents, a file of a pool, a medium.
#include "vios/admin/storage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void storage_path(struct ios *ios, const char *pool, const char *name, char path[PATH_SIZE])
{
    const char *folder = ios->config.folder ? ios->config.folder : "/nowhere";
    if (pool)
        snprintf(path, PATH_SIZE, "%.512s/storagepools/%.80s/%.80s", folder, pool, name);
    else
        snprintf(path, PATH_SIZE, "%.512s/VMLibrary/%.256s", folder, name);
}

void volume_path(struct ios *ios, const char *lv, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%.512s/volumes/%.80s", ios->config.folder ? ios->config.folder : "/nowhere", lv);
}

void backing_fini(struct backing *b)
{
    free(b->extents);
    free(b->paths);
    b->extents = NULL;
    b->paths = NULL;
}

static int missing(const char *name, char *why)
{
    snprintf(why, IOS_WHY_MAX, "%s is not there any more", name);
    return -ENOENT;
}

static bool allocate(struct backing *b, u32 len, char *why)
{
    b->extents = calloc(len, sizeof(*b->extents));
    b->paths = calloc(len, sizeof(*b->paths));
    if (!b->extents || !b->paths) {
        backing_fini(b);
        snprintf(why, IOS_WHY_MAX, "no memory");
        return false;
    }
    for (u32 i = 0; i < len; i++)
        b->extents[i].path = b->paths[i];
    b->backing.extents = b->extents;
    b->backing.extents_len = len;
    return true;
}

static int find_volume(struct ios *ios, const char *name, struct backing *b, char *why)
{
    struct query q;
    s64 len = odm_number(ios, 0, "SELECT count(*) FROM extent WHERE lv = ?", "s", name);
    if (len <= 0)
        return missing(name, why);
    if (!allocate(b, (u32)len, why))
        return -ENOMEM;
    query_begin(&q, ios,
                "SELECT p.path, e.first, e.len, g.pp_size, l.identity FROM extent e JOIN pv p ON p.name = e.pv JOIN lv "
                "l ON l.name = "
                "e.lv JOIN vg g ON g.name = l.vg WHERE e.lv = ? ORDER BY e.number",
                "s", name);
    for (u32 i = 0; i < (u32)len && query_next(&q); i++) {
        u64 pp = (u64)query_number(&q, 3);
        snprintf(b->paths[i], sizeof(b->paths[i]), "%s", query_text(&q, 0));
        b->extents[i].offset = VOLUME_START + (u64)query_number(&q, 1) * pp;
        b->extents[i].size = (u64)query_number(&q, 2) * pp;
        b->backing.size += b->extents[i].size;
        u64 identity = strtoull(query_text(&q, 4), NULL, 16);
        memcpy(b->backing.identity, &identity, sizeof(identity));
    }
    query_end(&q);
    return 0;
}

int backing_find(struct ios *ios, const char *kind, const char *name, const char *pool, struct backing *b, char *why)
{
    s64 size, read_only = 0;
    memset(b, 0, sizeof(*b));
    snprintf(b->name, sizeof(b->name), "%s", name);
    b->backing.name = b->name;
    bool volume = strcmp(kind, "lv") == 0;
    if (volume && !odm_number(ios, 0, "SELECT file FROM lv WHERE name = ?", "s", name))
        return find_volume(ios, name, b, why);
    if (!allocate(b, 1, why))
        return -ENOMEM;
    if (volume) {
        size = (s64)volume_size(ios, name);
        volume_path(ios, name, b->paths[0]);
    } else if (strcmp(kind, "disk") == 0) {
        size = odm_number(ios, 0, "SELECT size FROM pv WHERE name = ?", "s", name);
        odm_text(ios, b->paths[0], PATH_SIZE, "SELECT path FROM pv WHERE name = ?", "s", name);
    } else if (strcmp(kind, "file") == 0) {
        size = odm_number(ios, 0, "SELECT size FROM bd WHERE pool = ? AND name = ?", "ss", pool, name);
        storage_path(ios, pool, name, b->paths[0]);
    } else {
        size = odm_number(ios, 0, "SELECT size FROM medium WHERE name = ?", "s", name);
        read_only = odm_number(ios, 0, "SELECT read_only FROM medium WHERE name = ?", "s", name);
        storage_path(ios, NULL, name, b->paths[0]);
    }
    b->backing.size = b->extents[0].size = (u64)size;
    b->backing.flags = IOS_WHOLE | (read_only ? IOS_READ_ONLY : 0);
    if (size > 0)
        return 0;
    backing_fini(b);
    return missing(name, why);
}
