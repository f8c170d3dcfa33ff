// SPDX-License-Identifier: Apache-2.0
// The library of optical media, and the drives that they are loaded into.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vios/admin/storage.h"

#define BLANK_LEAST (1 * MIB)

static bool need_library(struct ios_call *call)
{
    if (odm_number(call->ios, 0, "SELECT count(*) FROM lv WHERE name = ?", "s", LIBRARY))
        return true;
    refuse(call, NULL, "There is no media library; mkrep -sp POOL -size SIZE makes it.");
    return false;
}

static u64 library_used(struct ios *ios)
{
    return (u64)odm_number(ios, 0, "SELECT sum(size) FROM medium", "");
}

static u64 library_free(struct ios *ios)
{
    u64 size = volume_size(ios, LIBRARY), used = library_used(ios);
    return size - MIN(size, used);
}

static bool need_medium(struct ios_call *call, const char *name)
{
    if (odm_number(call->ios, 0, "SELECT count(*) FROM medium WHERE name = ?", "s", name))
        return true;
    refuse(call, NULL, "\"%s\" is not a virtual optical medium of the library; lsrep lists them.", name);
    return false;
}

// Drives that have a medium.
static u32 loads(struct ios *ios, const char *name)
{
    return mapping_count(ios, "optical", name, "");
}

// People copy images into the library's folder themselves.
static void scan(struct ios *ios)
{
    char path[PATH_SIZE];
    struct stat st;
    if (!ios->config.folder || !odm_number(ios, 0, "SELECT count(*) FROM lv WHERE name = ?", "s", LIBRARY))
        return;
    snprintf(path, sizeof(path), "%s/VMLibrary", ios->config.folder);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (*e->d_name == '.' || strlen(e->d_name) > BACKING_NAME_MAX ||
            fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode) || st.st_size < 2048 ||
            odm_number(ios, 0,
                       "SELECT (SELECT count(*) FROM medium WHERE name = ?1) + (SELECT count(*) FROM cleanup WHERE "
                       "path LIKE '%/VMLibrary/' || ?1)",
                       "s", e->d_name))
            continue;
        odm_run(ios, "INSERT INTO medium VALUES(?, ?, 0)", "si", e->d_name, (s64)st.st_size);
    }
    if (dir)
        closedir(dir);
}

// --- The library

int cmd_mkrep(struct ios_call *call)
{
    struct group g;
    char path[PATH_SIZE];
    if (odm_number(call->ios, 0, "SELECT count(*) FROM lv WHERE name = ?", "s", LIBRARY))
        return refuse(call, NULL, "The media library is there already; chrep -size SIZE gives it more space.");
    u64 size = call_size(call, call_value(call, "-size"), 0);
    if (!size || !group_need(call, call_value(call, "-sp"), &g) ||
        volume_make(call, &g, LIBRARY, "medialib", size, VOLUME_INTERNAL, OPERANDS_MAX))
        return 1;
    snprintf(path, sizeof(path), "%.900s/VMLibrary", call->ios->config.folder ? call->ios->config.folder : "");
    int err = folder_make(call->ios, path);
    if (err)
        return refuse(call, NULL, "The folder of the media library cannot be made: %s.", strerror(-err));
    say(call, "Virtual Media Repository Created\n");
    return 0;
}

int cmd_chrep(struct ios_call *call)
{
    if (!need_library(call))
        return 1;
    u64 size = call_size(call, call_value(call, "-size"), 0);
    return size ? volume_extend(call, LIBRARY, size, OPERANDS_MAX) : 1;
}

static void remove_medium(struct ios *ios, const char *name)
{
    char path[PATH_SIZE];
    storage_path(ios, NULL, name, path);
    odm_clean_later(ios, path, 0, 0);
    odm_run(ios, "DELETE FROM medium WHERE name = ?", "s", name);
}

int cmd_rmrep(struct ios_call *call)
{
    char name[NAME_SIZE];
    if (!need_library(call))
        return 1;
    scan(call->ios);
    if (odm_text(call->ios, name, sizeof(name), "SELECT backing FROM mapping WHERE kind = 'optical' AND backing <> ''",
                 ""))
        return refuse(call, NULL, "\"%s\" of the media library is loaded; unloadopt takes it out.", name);
    if (!call_has(call, "-f") && odm_number(call->ios, 0, "SELECT count(*) FROM medium", ""))
        return refuse(call, NULL, "The media library holds media; rmvopt removes them, or -f with the library.");
    while (odm_text(call->ios, name, sizeof(name), "SELECT name FROM medium", ""))
        remove_medium(call->ios, name);
    if (volume_remove(call, LIBRARY))
        return 1;
    say(call, "Virtual Media Repository deleted.\n");
    return 0;
}

static const struct ios_column library_columns[] = {{"size", "Size(mb)", -8},
                                                    {"free", "Free(mb)", -8},
                                                    {"ppool", "Parent Pool", 19},
                                                    {"psize", "Parent Size", -12},
                                                    {"pfree", "Parent Free", -12}};
static const struct ios_column medium_columns[] = {
    {"name", "Name", 40}, {"filesize", "File Size", -9}, {"optical", "Optical", 15}, {"access", "Access", 0}};

static bool list_library(struct ios_call *call)
{
    struct ios_table table;
    struct group g;
    char pool[NAME_SIZE] = "", text[4][24];
    odm_text(call->ios, pool, sizeof(pool), "SELECT vg FROM lv WHERE name = ?", "s", LIBRARY);
    if (!group_need(call, pool, &g) || !table_begin(&table, call, library_columns, ARRAY_LEN(library_columns)))
        return false;
    const u64 numbers[] = {volume_size(call->ios, LIBRARY), library_free(call->ios), g.total * g.pp,
                           (g.total - g.used) * g.pp};
    for (u32 i = 0; i < ARRAY_LEN(numbers); i++)
        snprintf(text[i], sizeof(text[i]), "%llu", (unsigned long long)(numbers[i] / MIB));
    const char *values[] = {text[0], text[1], pool, text[2], text[3]};
    table_row(&table, values);
    return true;
}

static bool has_library_field(struct ios_call *call)
{
    u32 len;
    char **fields = call_values(call, "-field", &len);
    for (u32 i = 0; i < len; i++)
        for (u32 j = 0; j < ARRAY_LEN(library_columns); j++)
            if (strcmp(fields[i], library_columns[j].field) == 0)
                return true;
    return false;
}

static int list_media(struct ios_call *call)
{
    struct ios_table table;
    struct query q;
    if (!table_begin(&table, call, medium_columns, ARRAY_LEN(medium_columns)))
        return 1;
    query_begin(&q, call->ios,
                "SELECT d.name, (d.size + 1048575) / 1048576, ifnull(m.vtd, 'None'), CASE WHEN d.read_only THEN 'ro' "
                "ELSE 'rw' END FROM medium d LEFT JOIN mapping m "
                "ON m.kind = 'optical' AND m.backing = d.name ORDER BY d.name, m.vtd",
                "");
    while (query_next(&q)) {
        const char *values[] = {query_text(&q, 0), query_text(&q, 1), query_text(&q, 2), query_text(&q, 3)};
        table_row(&table, values);
    }
    query_end(&q);
    return 0;
}

int cmd_lsrep(struct ios_call *call)
{
    if (!need_library(call))
        return 1;
    scan(call->ios);
    bool both = !call_has(call, "-field");
    if ((both || has_library_field(call)) && !list_library(call))
        return 1;
    if (!both && has_library_field(call))
        return 0;
    if (both && !call_has(call, "-fmt") && odm_number(call->ios, 0, "SELECT count(*) FROM medium", ""))
        say(call, "\n");
    else if (both && !call_has(call, "-fmt"))
        return 0;
    return list_media(call);
}

// --- Media

int cmd_mkvopt(struct ios_call *call)
{
    struct ios *ios = call->ios;
    const char *name = call_value(call, "-name"), *file = call_value(call, "-file");
    char path[PATH_SIZE], from[PATH_SIZE];
    u64 size;
    if (!need_library(call) || !call_name(call, name, BACKING_NAME_MAX))
        return 1;
    scan(ios);
    if (odm_number(ios, 0, "SELECT count(*) FROM medium WHERE name = ?", "s", name))
        return refuse(call, NULL, "\"%s\" is in the media library already.", name);
    if (file && !home_path(call, file, true, from))
        return 1;
    size = file ? volume_file_size(from) : call_size(call, call_value(call, "-size"), 0);
    if (file && !size)
        return refuse(call, NULL, "\"%s\" is empty or cannot be read.", file);
    if (!size)
        return 1;
    if (size > library_free(ios))
        return refuse(call, NULL,
                      "The media library has %llu megabytes free, less than the %llu that are needed; chrep -size SIZE "
                      "gives it more.",
                      (unsigned long long)(library_free(ios) / MIB), (unsigned long long)((size + MIB - 1) / MIB));
    storage_path(ios, NULL, name, path);
    if (!odm_prepare(ios, path))
        return refuse(call, "0514-041", "The device configuration database cannot be written.");
    int err = file ? file_copy(from, path) : file_make(ios, path, MAX(size, BLANK_LEAST), false);
    if (err)
        return refuse(call, NULL, "\"%s\" cannot be put into the media library: %s.", name, strerror(-err));
    odm_keep(ios, path);
    odm_run(ios, "INSERT INTO medium VALUES(?, ?, ?)", "sii", name, (s64)size, (s64)call_has(call, "-ro"));
    return 0;
}

static int rename_medium(struct ios_call *call, const char *name, const char *other)
{
    char from[PATH_SIZE], to[PATH_SIZE];
    if (!call_name(call, other, BACKING_NAME_MAX))
        return 1;
    if (odm_number(call->ios, 0, "SELECT count(*) FROM medium WHERE name = ?", "s", other))
        return refuse(call, NULL, "\"%s\" is in the media library already.", other);
    storage_path(call->ios, NULL, name, from);
    storage_path(call->ios, NULL, other, to);
    // Both names hold until the note takes one away: the new one's if this does not end, the old one's if it does.
    if (!odm_prepare(call->ios, to) || (call->ios->config.folder && link(from, to)))
        return refuse(call, NULL, "\"%s\" cannot be renamed: %s.", name, strerror(errno));
    odm_keep(call->ios, to);
    odm_clean_later(call->ios, from, 0, 0);
    odm_run(call->ios, "UPDATE medium SET name = ? WHERE name = ?", "ss", other, name);
    return 0;
}

int cmd_chvopt(struct ios_call *call)
{
    const char *name = call_value(call, "-name"), *other = call_value(call, "-newname"),
               *access = call_value(call, "-access");
    if (!need_medium(call, name))
        return 1;
    if (loads(call->ios, name))
        return refuse(call, NULL, "\"%s\" is loaded; unloadopt takes it out.", name);
    if (other)
        return rename_medium(call, name, other);
    if (strcmp(access, "ro") && strcmp(access, "rw"))
        return refuse(call, NULL, "\"%s\" is not a valid access: ro or rw.", access);
    odm_run(call->ios, "UPDATE medium SET read_only = ? WHERE name = ?", "is", (s64)(access[1] == 'o'), name);
    return 0;
}

static int unload(struct ios_call *call, const struct mapping *m, bool force)
{
    const struct ios_effects *e = call->ios->config.effects;
    char why[IOS_WHY_MAX] = "";
    int err =
        m->available && e && e->load ? e->load(call->ios->config.context, m->slot, m->target, NULL, force, why) : 0;
    if (err == -EBUSY)
        return refuse(call, NULL, "The client has locked \"%s\" in %s; eject it there, or give -release.", m->backing,
                      m->vtd);
    if (err)
        return refuse(call, NULL, "\"%s\" cannot be taken out of %s: %s", m->backing, m->vtd, why);
    mapping_touched(call->ios, m);
    odm_run(call->ios, "UPDATE mapping SET backing = '' WHERE vtd = ?", "s", m->vtd);
    return 0;
}

int cmd_rmvopt(struct ios_call *call)
{
    const char *name = call_value(call, "-name");
    char vtd[NAME_SIZE];
    struct mapping m;
    if (!need_medium(call, name))
        return 1;
    if (loads(call->ios, name) && !call_has(call, "-f"))
        return refuse(call, NULL, "\"%s\" is loaded; unloadopt takes it out, or give -f.", name);
    while (odm_text(call->ios, vtd, sizeof(vtd), "SELECT vtd FROM mapping WHERE kind = 'optical' AND backing = ?", "s",
                    name))
        if (!mapping_find(call->ios, vtd, &m) || unload(call, &m, true))
            return 1;
    remove_medium(call->ios, name);
    return 0;
}

// --- Drives

static const struct ios_column drive_columns[] = {{"vtd", "VTD", 15}, {"media", "Media", 40}, {"size", "Size(mb)", -8}};

int cmd_lsvopt(struct ios_call *call)
{
    struct ios_table table;
    struct query q;
    const char *only = call_value(call, "-vtd");
    struct mapping m;
    if (only && (!mapping_find(call->ios, only, &m) || !m.optical))
        return refuse(call, NULL, "\"%s\" is not a virtual optical device; lsvopt lists those that there are.", only);
    if (!table_begin(&table, call, drive_columns, ARRAY_LEN(drive_columns)))
        return 1;
    query_begin(
        &q, call->ios,
        "SELECT m.vtd, CASE m.backing WHEN '' THEN 'No Media' ELSE m.backing END, ifnull((d.size + 1048575) / 1048576, "
        "'n/a') FROM mapping m LEFT JOIN medium d ON "
        "d.name = m.backing WHERE m.kind = 'optical' AND (?1 IS NULL OR m.vtd = ?1) ORDER BY length(m.vtd), m.vtd",
        "s", only);
    while (query_next(&q)) {
        const char *values[] = {query_text(&q, 0), query_text(&q, 1), query_text(&q, 2)};
        table_row(&table, values);
    }
    query_end(&q);
    return 0;
}

static bool need_drive(struct ios_call *call, const char *name, struct mapping *m)
{
    if (mapping_find(call->ios, name, m) && m->optical)
        return true;
    refuse(call, NULL, "\"%s\" is not a virtual optical device; lsvopt lists those that there are.", name);
    return false;
}

int cmd_loadopt(struct ios_call *call)
{
    const struct ios_effects *e = call->ios->config.effects;
    const char *name = call_value(call, "-disk");
    struct backing b;
    struct mapping m;
    char why[IOS_WHY_MAX] = "";
    scan(call->ios);
    if (!need_drive(call, call_value(call, "-vtd"), &m) || !need_medium(call, name))
        return 1;
    bool writable = !odm_number(call->ios, 0, "SELECT read_only FROM medium WHERE name = ?", "s", name);
    if (strcmp(m.backing, name) == 0)
        return refuse(call, NULL, "\"%s\" is loaded in %s already.", name, m.vtd);
    if (writable && loads(call->ios, name))
        return refuse(call, NULL,
                      "\"%s\" can be written, so only one drive may have it, and one has; chvopt -name %s -access ro "
                      "lets several have it.",
                      name, name);
    if (*m.backing && !call_has(call, "-release") && !call_has(call, "-f"))
        return refuse(call, NULL, "%s has \"%s\" loaded; unloadopt -vtd %s takes it out, or give -release.", m.vtd,
                      m.backing, m.vtd);
    if (*m.backing && unload(call, &m, true))
        return 1;
    odm_run(call->ios, "UPDATE mapping SET backing = ? WHERE vtd = ?", "ss", name, m.vtd);
    int err = backing_find(call->ios, "optical", name, "", &b, why);
    if (!err && m.available && e && e->load)
        err = e->load(call->ios->config.context, m.slot, m.target, &b.backing, call_has(call, "-release"), why);
    backing_fini(&b);
    if (err)
        return refuse(call, NULL, "\"%s\" cannot be loaded into %s: %s", name, m.vtd, *why ? why : strerror(-err));
    mapping_touched(call->ios, &m);
    return 0;
}

int cmd_unloadopt(struct ios_call *call)
{
    struct mapping m;
    u32 len;
    char **drives = call_values(call, "-vtd", &len);
    for (u32 i = 0; i < len; i++) {
        if (!need_drive(call, drives[i], &m))
            return 1;
        if (!*m.backing)
            return refuse(call, NULL, "%s has no medium.", m.vtd);
        if (unload(call, &m, call_has(call, "-release")))
            return 1;
    }
    return 0;
}
