// SPDX-License-Identifier: Apache-2.0
#include "hyper/system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "hyper/pools.h"
#include "hyper/refcode.h"
#include "hyper/samples.h"

int refuse(struct answer *answer, const char *code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(answer->text, sizeof(answer->text), fmt, ap);
    va_end(ap);
    snprintf(answer->code, sizeof(answer->code), "%s", code);
    answer->refused = true;
    return -1;
}

int refuse_parameter(struct answer *answer, const char *option, const char *fmt, ...)
{
    char what[700];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    return refuse(
        answer, "",
        "A required parameter is missing or a parameter has an invalid value: %s. "
        "The parameters that are missing or have an invalid value are %s. Check the command and try it again.",
        what, option);
}

int refuse_store(struct answer *answer, struct sys *sys)
{
    int err = refuse(answer, "HSCL3205", "The configuration could not be written: %s. Nothing was changed.",
                     store_error(sys->store));
    store_rollback(sys->store);
    return err;
}

int sys_replace(struct sys *sys, struct rec *rec, struct answer *answer)
{
    if (!rec)
        return refuse(answer, "HSCL3205", "The hypervisor has no memory for it. Nothing was changed.");
    if (store_begin(sys->store) || store_save(sys->store, STORE_SYSTEM, 0, rec) || store_commit(sys->store)) {
        rec_free(rec);
        return refuse_store(answer, sys);
    }
    rec_free(sys->rec);
    sys->rec = rec;
    return 0;
}

static void random_bytes(void *to, size_t size)
{
    while (getrandom(to, size, 0) != (ssize_t)size)
        ;
}

static void make_uuid(char text[37], bool upper)
{
    u8 b[16];
    random_bytes(b, sizeof(b));
    b[6] = (u8)((b[6] & 0x0f) | 0x40);
    b[8] = (u8)((b[8] & 0x3f) | 0x80);
    const char *format = upper ? "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X"
                               : "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, 37, format, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
#pragma GCC diagnostic pop
}

static void make_serial(char text[SERIAL_LEN + 1])
{
    static const char digits[] = "0123456789ABCDEF";
    u8 b[SERIAL_LEN];
    random_bytes(b, sizeof(b));
    for (unsigned i = 0; i < SERIAL_LEN; i++)
        text[i] = digits[i == 0 ? 1 + b[i] % 9 : b[i] % 16];
    text[SERIAL_LEN] = 0;
}

static int database_path(const char *path, char *text, size_t size)
{
    return (size_t)snprintf(text, size, "%s/system.db", path) < size ? 0 : -ENAMETOOLONG;
}

int sys_create(const char *path, const char *name, u64 procs, u64 installed, u64 mem, u64 lmb, char *why,
               size_t why_size)
{
    char database[1100], serial[SERIAL_LEN + 1], uuid[37];
    struct rec *rec = rec_new(OBJECT_SYS);
    if (!rec || database_path(path, database, sizeof(database))) {
        snprintf(why, why_size, "%s", rec ? "the folder's name is too long" : "no memory");
        rec_free(rec);
        return -1;
    }
    make_serial(serial);
    make_uuid(uuid, false);
    rec_set_text(rec, "name", name);
    rec_set_text(rec, "serial_num", serial);
    rec_set_text(rec, "uuid", uuid);
    rec_set_num(rec, "installed_procs", installed);
    rec_set_num(rec, "active_procs", procs);
    rec_set_num(rec, "installed_mem", mem);
    rec_set_num(rec, "mem_region_size", lmb);
    struct store *store = store_open(database, true, why, why_size);
    int err = store ? store_begin(store) : -1;
    if (!err)
        err = store_save(store, STORE_SYSTEM, 0, rec);
    if (!err)
        err = store_add_event(store, (s64)time(NULL), 0, "", REFCODE_SYSTEM_DEFINED, "the managed system was defined");
    if (!err)
        err = store_commit(store);
    if (err && store)
        snprintf(why, why_size, "%s: %s", database, store_error(store));
    store_close(store);
    rec_free(rec);
    return err ? -1 : 0;
}

struct lp *lp_new(u32 id)
{
    struct lp *lp = calloc(1, sizeof(*lp));
    char uuid[37];
    if (!lp)
        return NULL;
    lp->id = id;
    lp->pidfd = lp->scroll_fd = lp->link.fd = -1;
    lp->rec = rec_new(OBJECT_LPAR);
    make_uuid(uuid, true);
    if (!lp->rec || !rec_set_num(lp->rec, "lpar_id", id) || !rec_set_text(lp->rec, "uuid", uuid)) {
        lp_free(lp);
        return NULL;
    }
    return lp;
}

void lp_free(struct lp *lp)
{
    if (!lp)
        return;
    for (u32 i = 0; i < lp->profiles_len; i++)
        rec_free(lp->profiles[i].rec);
    free(lp->profiles);
    for (u32 i = 0; i < lp->terminals_len; i++)
        close(lp->terminals[i].fd);
    if (lp->linked)
        link_fini(&lp->link);
    if (lp->pidfd >= 0)
        close(lp->pidfd);
    if (lp->scroll_fd >= 0)
        close(lp->scroll_fd);
    rec_free(lp->current);
    rec_free(lp->rec);
    free(lp);
}

bool sys_insert(struct sys *sys, struct lp *lp)
{
    u32 i = sys->lps_len;
    if (i == LPARS_MAX)
        return false;
    for (; i && sys->lps[i - 1]->id > lp->id; i--)
        sys->lps[i] = sys->lps[i - 1];
    sys->lps[i] = lp;
    sys->lps_len++;
    return true;
}

void sys_take_out(struct sys *sys, struct lp *lp)
{
    u32 i = 0;
    while (i < sys->lps_len && sys->lps[i] != lp)
        i++;
    if (i == sys->lps_len)
        return;
    sys->lps_len--;
    memmove(&sys->lps[i], &sys->lps[i + 1], (sys->lps_len - i) * sizeof(sys->lps[0]));
}

struct loading {
    struct sys *sys;
    struct lp *lp;
};

static int load_profile(void *arg, s64 id, const char *name)
{
    struct loading *l = arg;
    struct profile *more = realloc(l->lp->profiles, (l->lp->profiles_len + 1) * sizeof(*more));
    struct rec *rec = more ? rec_new(OBJECT_PROF) : NULL;
    bool found;
    if (more)
        l->lp->profiles = more;
    if (!rec)
        return -ENOMEM;
    l->lp->profiles[l->lp->profiles_len++] = (struct profile){id, rec};
    int err = store_load(l->sys->store, STORE_PROFILE, id, rec, &found);
    return err ? err : rec_set_text(rec, "name", name) ? 0 : -ENOMEM;
}

static int load_partition(void *arg, u32 id, const char *name)
{
    struct sys *sys = arg;
    struct lp *lp = lp_new(id);
    struct loading l = {sys, lp};
    bool found;
    if (!lp || !sys_insert(sys, lp)) {
        lp_free(lp);
        return -ENOMEM;
    }
    int err = store_load(sys->store, STORE_PARTITION, id, lp->rec, &found);
    if (!err)
        err = rec_set_text(lp->rec, "name", name) && rec_set_num(lp->rec, "lpar_id", id) ? 0 : -ENOMEM;
    if (!err)
        err = store_each_profile(sys->store, id, load_profile, &l);
    struct rec *current = err ? NULL : rec_new(OBJECT_PROF);
    if (current) {
        err = store_load(sys->store, STORE_CURRENT, id, current, &found);
        if (found)
            lp->current = current;
        else
            rec_free(current);
    }
    lp->before_ms = rec_num(lp->rec, "cpu_time_ms");
    return err;
}

struct sys *sys_open(const char *path, char *why, size_t why_size)
{
    char database[1100];
    bool found = false;
    struct sys *sys = calloc(1, sizeof(*sys));
    snprintf(why, why_size, "no memory");
    if (!sys)
        return NULL;
    sys->powered = true;
    sys->counters_fd = -1;
    sys->folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    sys->rec = rec_new(OBJECT_SYS);
    snprintf(sys->path, sizeof(sys->path), "%s", path);
    if (sys->folder < 0)
        snprintf(why, why_size, "%s: %s", path, strerror(errno));
    else if (database_path(path, database, sizeof(database)))
        snprintf(why, why_size, "the folder's name is too long");
    else
        sys->store = store_open(database, false, why, why_size);
    int err = sys->store && sys->rec ? store_load(sys->store, STORE_SYSTEM, 0, sys->rec, &found) : -EINVAL;
    if (!err && !found)
        err = -EINVAL;
    if (!err)
        err = pools_load(sys);
    if (!err)
        err = store_each_partition(sys->store, load_partition, sys);
    if (!err)
        return sys;
    if (sys->store)
        snprintf(why, why_size, "%s: %s", database, err == -ENOMEM ? "no memory" : store_error(sys->store));
    sys_close(sys);
    return NULL;
}

void sys_close(struct sys *sys)
{
    if (!sys)
        return;
    for (u32 i = 0; i < sys->lps_len; i++)
        lp_free(sys->lps[i]);
    pools_free(sys);
    samples_close(sys->samples);
    store_close(sys->store);
    rec_free(sys->rec);
    if (sys->folder >= 0)
        close(sys->folder);
    free(sys);
}

struct lp *sys_lp(const struct sys *sys, u64 id)
{
    for (u32 i = 0; i < sys->lps_len; i++)
        if (sys->lps[i]->id == id)
            return sys->lps[i];
    return NULL;
}

struct lp *sys_lp_named(const struct sys *sys, const char *name)
{
    for (u32 i = 0; i < sys->lps_len; i++)
        if (strcmp(lp_name(sys->lps[i]), name) == 0)
            return sys->lps[i];
    return NULL;
}

struct profile *lp_profile(const struct lp *lp, const char *name)
{
    for (u32 i = 0; i < lp->profiles_len; i++)
        if (rec_is(lp->profiles[i].rec, "name", name))
            return &lp->profiles[i];
    return NULL;
}

const char *lp_name(const struct lp *lp)
{
    return rec_text(lp->rec, "name");
}

const char *sys_state_name(const struct sys *sys)
{
    return !sys->powered ? "Power Off" : sys->standby ? "Standby" : "Operating";
}

const char *lp_state_name(const struct lp *lp)
{
    static const char *const names[] = {"Not Activated", "Starting", "Running", "Open Firmware", "Shutting Down", "Error"};
    return names[lp->state];
}

void sys_event(struct sys *sys, const struct lp *lp, const char *refcode, const char *text)
{
    int err = store_add_event(sys->store, (s64)time(NULL), lp ? lp->id : 0, lp ? lp_name(lp) : "", refcode, text);
    if (err)
        fprintf(stderr, "openlpard: an event could not be kept (%s): %s %s\n", store_error(sys->store), refcode, text);
}
