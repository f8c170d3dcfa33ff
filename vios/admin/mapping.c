// SPDX-License-Identifier: Apache-2.0
// Virtual targets: what of the server's a client sees at which unit of an adapter.
#include "vios/admin/storage.h"

#include <errno.h>
#include <string.h>

void mapping_read(struct query *q, struct mapping *m)
{
    memset(m, 0, sizeof(*m));
    snprintf(m->vtd, sizeof(m->vtd), "%s", query_text(q, 0));
    snprintf(m->vhost, sizeof(m->vhost), "%s", query_text(q, 1));
    snprintf(m->kind, sizeof(m->kind), "%s", query_text(q, 2));
    snprintf(m->backing, sizeof(m->backing), "%s", query_text(q, 3));
    snprintf(m->pool, sizeof(m->pool), "%s", query_text(q, 4));
    m->slot = (u32)query_number(q, 5);
    m->target = (u32)query_number(q, 6);
    m->mirrored = query_number(q, 7) != 0;
    m->available = query_number(q, 8) != 0;
    m->optical = strcmp(m->kind, "optical") == 0;
}

bool mapping_find(struct ios *ios, const char *vtd, struct mapping *m)
{
    struct query q;
    query_begin(&q, ios, MAPPING_SELECT "WHERE m.vtd = ?", "s", vtd);
    bool found = query_next(&q);
    if (found)
        mapping_read(&q, m);
    query_end(&q);
    return found;
}

void mapping_backing(const struct mapping *m, char *text, size_t size)
{
    if (!*m->backing)
        *text = 0;
    else if (strcmp(m->kind, "file") == 0)
        snprintf(text, size, "/var/vio/storagepools/%s/%s", m->pool, m->backing);
    else if (m->optical)
        snprintf(text, size, "/var/vio/VMLibrary/%s", m->backing);
    else
        snprintf(text, size, "%s", m->backing);
}

u32 mapping_count(struct ios *ios, const char *kind, const char *backing, const char *pool)
{
    return (u32)odm_number(ios, 0, "SELECT count(*) FROM mapping WHERE kind = ? AND backing = ? AND pool = ?", "sss",
                           kind, backing, pool);
}

// --- The data path

void mapping_touched(struct ios *ios, const struct mapping *m)
{
    if (!ios->writing || ios->touched_len == TOUCHED_MAX)
        return;
    ios->touched[ios->touched_len].slot = m->slot;
    ios->touched[ios->touched_len++].target = m->target;
}

static int attach(struct ios *ios, const struct mapping *m, char *why)
{
    const struct ios_effects *e = ios->config.effects;
    struct backing b = {0};
    bool empty = m->optical && !*m->backing;
    int err = empty ? 0 : backing_find(ios, m->kind, m->backing, m->pool, &b, why);
    if (!err && e && e->attach)
        err = e->attach(ios->config.context, m->slot, m->target, m->optical, empty ? NULL : &b.backing, why);
    backing_fini(&b);
    if (!err)
        mapping_touched(ios, m);
    return err;
}

int mapping_attach(struct ios_call *call, const struct mapping *m)
{
    char why[IOS_WHY_MAX] = "";
    if (attach(call->ios, m, why))
        return refuse(call, "0514-040", "Error initializing a device into the kernel: %s: %s", m->vtd, why);
    return 0;
}

int mapping_detach(struct ios_call *call, const struct mapping *m, bool force)
{
    const struct ios_effects *e = call->ios->config.effects;
    char why[IOS_WHY_MAX] = "";
    int err = m->available && e && e->detach ? e->detach(call->ios->config.context, m->slot, m->target, force, why) : 0;
    if (err == -EBUSY)
        return refuse(call, "0514-062",
                      "Cannot perform the requested function because the specified device is busy: the client uses %s; "
                      "end that, or give -f.",
                      m->vtd);
    if (err)
        return refuse(call, "0514-061", "Cannot remove %s: %s", m->vtd, why);
    mapping_touched(call->ios, m);
    return 0;
}

void mapping_restore(struct ios *ios)
{
    const struct ios_effects *e = ios->config.effects;
    char why[IOS_WHY_MAX];
    for (u32 i = 0; i < ios->touched_len; i++) {
        struct query q;
        struct mapping m;
        if (e && e->detach)
            e->detach(ios->config.context, ios->touched[i].slot, ios->touched[i].target, true, why);
        query_begin(&q, ios, MAPPING_SELECT "WHERE a.slot = ? AND m.target = ?", "ii", (s64)ios->touched[i].slot,
                    (s64)ios->touched[i].target);
        bool found = query_next(&q);
        if (found)
            mapping_read(&q, &m);
        query_end(&q);
        if (found && m.available && attach(ios, &m, why))
            ios_report(ios, 'S', "VTD_ATTACH", m.vtd, why);
    }
    ios->touched_len = 0;
}

u32 ios_attach_all(struct ios *ios, u32 slot)
{
    struct query q;
    u32 failures = 0;
    query_begin(&q, ios,
                MAPPING_SELECT "WHERE a.state AND d.state AND (?1 < 0 OR a.slot = ?1) ORDER BY a.slot, m.target", "i",
                slot == IOS_ANY ? (s64)-1 : (s64)slot);
    while (query_next(&q)) {
        struct mapping m;
        char why[IOS_WHY_MAX] = "";
        mapping_read(&q, &m);
        if (!attach(ios, &m, why))
            continue;
        failures++;
        ios_report(ios, 'S', "VTD_ATTACH", m.vtd, why);
    }
    query_end(&q);
    return failures;
}

void mapping_grown(struct ios *ios, const char *kind, const char *backing, const char *pool)
{
    if (ios->grown_len == GROWN_MAX) {
        ios->failed = true;
        return;
    }
    u32 at = ios->grown_len++;
    snprintf(ios->grown[at].kind, sizeof(ios->grown[at].kind), "%s", kind);
    snprintf(ios->grown[at].backing, sizeof(ios->grown[at].backing), "%s", backing);
    snprintf(ios->grown[at].pool, sizeof(ios->grown[at].pool), "%s", pool);
}

static void tell_grown(struct ios *ios, const char *kind, const char *backing, const char *pool)
{
    const struct ios_effects *e = ios->config.effects;
    struct query q;
    struct backing b = {0};
    char why[IOS_WHY_MAX] = "";
    int err = backing_find(ios, kind, backing, pool, &b, why);
    query_begin(&q, ios, MAPPING_SELECT "WHERE m.kind = ? AND m.backing = ? AND m.pool = ?", "sss", kind, backing,
                pool);
    while (!err && e && e->resize && query_next(&q)) {
        struct mapping m;
        mapping_read(&q, &m);
        if (m.available && e->resize(ios->config.context, m.slot, m.target, &b.backing, why))
            ios_report(ios, 'S', "VTD_RESIZE", m.vtd, why);
    }
    query_end(&q);
    backing_fini(&b);
}

void mapping_tell_grown(struct ios *ios)
{
    for (u32 i = 0; i < ios->grown_len; i++)
        tell_grown(ios, ios->grown[i].kind, ios->grown[i].backing, ios->grown[i].pool);
    ios->grown_len = 0;
}

void ios_report_target(struct ios *ios, u32 slot, u32 target, char kind, const char *label, const char *text)
{
    char vtd[NAME_SIZE];
    snprintf(vtd, sizeof(vtd), "C%u-T%u", slot, target);
    odm_text(ios, vtd, sizeof(vtd),
             "SELECT m.vtd FROM mapping m JOIN device a ON a.name = m.vhost WHERE a.slot = ? AND m.target = ?", "ii",
             (s64)slot, (s64)target);
    ios_report(ios, kind, label, vtd, text);
}

void ios_ejected(struct ios *ios, u32 slot, u32 target)
{
    odm_run(ios,
            "UPDATE mapping SET backing = '' WHERE kind = 'optical' AND target = ? AND vhost = (SELECT name FROM "
            "device WHERE slot = ?)",
            "ii", (s64)target, (s64)slot);
}

// --- mkvdev

static u32 free_target(struct ios *ios, const char *vhost)
{
    for (u32 target = 1; target < IOS_TARGETS_MAX; target++)
        if (!odm_number(ios, 0, "SELECT count(*) FROM mapping WHERE vhost = ? AND target = ?", "si", vhost,
                        (s64)target))
            return target;
    return 0;
}

static const char *describe(const char *kind)
{
    if (strcmp(kind, "optical") == 0)
        return "Virtual Target Device - File-backed Optical";
    if (strcmp(kind, "file") == 0)
        return "Virtual Target Device - File-backed Disk";
    return strcmp(kind, "lv") == 0 ? "Virtual Target Device - Logical Volume" : "Virtual Target Device - Disk";
}

int mapping_make(struct ios_call *call, const struct mapping_request *r)
{
    struct ios *ios = call->ios;
    struct device host, d = {.class = "target", .type = "vtd", .available = true, .slot = -1};
    struct mapping m;
    if (!device_find(ios, r->vhost, &host) || strcmp(host.type, "vhost"))
        return refuse(call, NULL,
                      "\"%s\" is not a valid virtual server adapter; lsdev -type adapter lists those that there are.",
                      r->vhost);
    if (r->vtd && !call_name(call, r->vtd, 15))
        return 1;
    if (r->vtd &&
        (device_find(ios, r->vtd, &d) || odm_number(ios, 0, "SELECT count(*) FROM lv WHERE name = ?", "s", r->vtd)))
        return refuse(call, "0516-360", "The device name \"%s\" is already used; choose a different name.", r->vtd);
    u32 target = free_target(ios, r->vhost);
    if (!target)
        return refuse(call, "0514-040", "Error initializing a device into the kernel: %s has %u targets already.",
                      r->vhost, IOS_TARGETS_MAX - 1);
    if (r->vtd)
        snprintf(d.name, sizeof(d.name), "%s", r->vtd);
    else
        device_new_name(ios, strcmp(r->kind, "optical") ? "vtscsi" : "vtopt", d.name);
    snprintf(d.parent, sizeof(d.parent), "%s", r->vhost);
    snprintf(d.description, sizeof(d.description), "%s", describe(r->kind));
    snprintf(d.location, sizeof(d.location), "%.80s-L%02x", host.location, 0x80 | target);
    device_add(ios, &d);
    odm_run(ios, "INSERT INTO mapping VALUES(?, ?, ?, ?, ?, ?, ?)", "ssisssi", d.name, r->vhost, (s64)target, r->kind,
            r->backing, r->pool, (s64)r->mirrored);
    if (!mapping_find(ios, d.name, &m))
        return refuse(call, "0514-041", "The device configuration database cannot be written.");
    int status = m.available ? mapping_attach(call, &m) : 0;
    if (!status)
        say(call, "%s %s\n", d.name, host.available ? "Available" : "Defined");
    return status;
}

int mapping_remove(struct ios_call *call, const struct mapping *m, bool force)
{
    int status = mapping_detach(call, m, force);
    if (!status)
        device_remove(call->ios, m->vtd);
    return status;
}

// What a name stands for: the kind, and for a file its pool. Says why nothing, or not one thing.
static bool find_backing(struct ios_call *call, const char *name, struct mapping_request *r, char pool[NAME_SIZE])
{
    struct ios *ios = call->ios;
    const char *file = strncmp(name, "/var/vio/storagepools/", 22) ? NULL : name + 22;
    r->backing = name;
    r->pool = "";
    if (file && strchr(file, '/')) {
        snprintf(pool, NAME_SIZE, "%.*s", (int)MIN(strcspn(file, "/"), NAME_SIZE - 1), file);
        r->backing = strchr(file, '/') + 1;
        r->pool = pool;
        r->kind = "file";
        if (odm_number(ios, 0, "SELECT count(*) FROM bd WHERE pool = ? AND name = ?", "ss", pool, r->backing))
            return true;
    } else if (odm_number(ios, 0, "SELECT count(*) FROM pv WHERE name = ?", "s", name)) {
        r->kind = "disk";
        return true;
    } else if (odm_number(ios, 0, "SELECT count(*) FROM lv WHERE name = ?", "s", name)) {
        r->kind = "lv";
        return true;
    } else if (odm_number(ios, 0, "SELECT count(*) FROM bd WHERE name = ?", "s", name) == 1) {
        odm_text(ios, pool, NAME_SIZE, "SELECT pool FROM bd WHERE name = ?", "s", name);
        r->kind = "file";
        r->pool = pool;
        return true;
    }
    s64 pools = odm_number(ios, 0, "SELECT count(*) FROM bd WHERE name = ?", "s", name);
    if (pools > 1)
        refuse(call, NULL, "\"%s\" is in several storage pools; use mkbdsp -sp POOL -bd %s -vadapter ADAPTER.", name,
               name);
    else
        refuse(call, NULL,
               "\"%s\" is not a valid backing device: no physical volume, logical volume or backing device of a "
               "storage pool.",
               name);
    return false;
}

// A medium must not be written by two who do not know of each other, nor a volume group's disk by a client.
static int check_free(struct ios_call *call, const struct mapping_request *r)
{
    char text[NAME_SIZE];
    if (strcmp(r->kind, "lv") == 0) {
        if (odm_text(call->ios, text, sizeof(text), "SELECT type FROM lv WHERE name = ? AND type <> 'jfs'", "s",
                     r->backing))
            return refuse(call, NULL,
                          "\"%s\" holds a storage pool or the media library; its files are mapped, not itself.",
                          r->backing);
    } else if (strcmp(r->kind, "disk") == 0 &&
               odm_text(call->ios, text, sizeof(text), "SELECT vg FROM pv WHERE name = ? AND vg IS NOT NULL", "s",
                        r->backing)) {
        return refuse(call, NULL,
                      "Physical volume \"%s\" belongs to the volume group %s, so it cannot be a backing device; "
                      "reducevg takes it out.",
                      r->backing, text);
    } else if (strcmp(r->kind, "disk") == 0 && !call_has(call, "-f") &&
               odm_text(call->ios, text, sizeof(text), "SELECT pvid FROM pv WHERE name = ? AND pvid <> ''", "s",
                        r->backing)) {
        return refuse(call, NULL,
                      "Physical volume \"%s\" has the physical volume identifier %s and may hold data of a volume "
                      "group. Specify the -f flag to use it anyway.",
                      r->backing, text);
    }
    if (mapping_count(call->ios, r->kind, r->backing, r->pool) && !call_has(call, "-f"))
        return refuse(call, NULL,
                      "\"%s\" is already being used as a backing device. Specify the -f flag to force this device to "
                      "be used anyway.",
                      r->backing);
    return 0;
}

int mapping_check_free(struct ios_call *call, const char *kind, const char *backing, const char *pool)
{
    return check_free(call, &(struct mapping_request){.kind = kind, .backing = backing, .pool = pool});
}

static int parse_attributes(struct ios_call *call, struct mapping_request *r)
{
    u32 len;
    char **values = call_values(call, "-attr", &len);
    for (u32 i = 0; i < len; i++) {
        if (strcmp(values[i], "mirrored=true") && strcmp(values[i], "mirrored=false"))
            return refuse(call, "0514-018",
                          "The values specified for the following attributes are not valid:\n     %s (mirrored=true or "
                          "mirrored=false)",
                          values[i]);
        r->mirrored = strcmp(values[i], "mirrored=true") == 0;
    }
    return 0;
}

int cmd_mkvdev(struct ios_call *call)
{
    char pool[NAME_SIZE];
    struct mapping_request r = {.vhost = call_value(call, "-vadapter"),
                                .vtd = call_value(call, "-dev"),
                                .kind = "optical",
                                .backing = "",
                                .pool = ""};
    if (call_has(call, "-sea"))
        return ethernet_make_sea(call);
    if (call_has(call, "-vlan"))
        return ethernet_make_vlan(call);
    if (call_has(call, "-lnagg"))
        return ethernet_make_aggregation(call);
    if (call_has(call, "-fbo"))
        return mapping_make(call, &r);
    if (!find_backing(call, call_value(call, "-vdev"), &r, pool) || parse_attributes(call, &r) || check_free(call, &r))
        return 1;
    return mapping_make(call, &r);
}

// --- rmvdev

static int remove_ethernet(struct ios_call *call, const char *name, const char *type)
{
    struct device d;
    if (!device_find(call->ios, name, &d) || strcmp(d.type, type))
        return refuse(call, NULL, "\"%s\" is none; lsdev -type adapter lists what there is.", name);
    int status = ethernet_remove(call, &d);
    if (!status)
        say(call, "%s deleted\n", name);
    return status;
}

int cmd_rmvdev(struct ios_call *call)
{
    static const char *const ethernet[] = {"-sea", "-vlan", "-lnagg"};
    char pool[NAME_SIZE];
    struct mapping m;
    for (u32 i = 0; i < ARRAY_LEN(ethernet); i++)
        if (call_has(call, ethernet[i]))
            return remove_ethernet(call, call_value(call, ethernet[i]), ethernet[i] + 1);
    const char *vtd = call_value(call, "-vtd");
    if (!vtd) {
        struct mapping_request r;
        char name[NAME_SIZE];
        if (!find_backing(call, call_value(call, "-vdev"), &r, pool))
            return 1;
        u32 count = mapping_count(call->ios, r.kind, r.backing, r.pool);
        if (count != 1)
            return refuse(call, NULL,
                          count ? "\"%s\" is the backing device of several virtual target devices; name one with -vtd."
                                : "\"%s\" is not a backing device of a virtual target device.",
                          r.backing);
        odm_text(call->ios, name, sizeof(name), "SELECT vtd FROM mapping WHERE kind = ? AND backing = ? AND pool = ?",
                 "sss", r.kind, r.backing, r.pool);
        mapping_find(call->ios, name, &m);
    } else if (!mapping_find(call->ios, vtd, &m)) {
        return refuse(call, NULL, "\"%s\" is not a valid virtual target device; lsmap -all lists them.", vtd);
    }
    bool remove = call_has(call, "-rmlv");
    if (remove && strcmp(m.kind, "lv") && strcmp(m.kind, "file"))
        return refuse(call, NULL, "-rmlv is for logical volumes and files; %s is neither.",
                      *m.backing ? m.backing : m.vtd);
    int status = mapping_remove(call, &m, call_has(call, "-f"));
    if (!status && remove)
        status = backing_remove(call, m.pool, m.backing);
    if (!status)
        say(call, "%s deleted\n", m.vtd);
    return status;
}
