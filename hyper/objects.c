// SPDX-License-Identifier: Apache-2.0
#include "hyper/objects.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hyper/guard.h"
#include "hyper/outside.h"
#include "hyper/pools.h"
#include "hyper/refcode.h"
#include "hyper/rules.h"
#include "hyper/service.h"
#include "hyper/utilisation.h"
#include "hyper/veth.h"
#include "hyper/vio.h"
#include "hyper/vscsi.h"
#include "hyper/vswitch.h"

static const char *system_name(const struct sys *sys)
{
    return rec_text(sys->rec, "name");
}

static int no_memory(struct answer *answer)
{
    return refuse(answer, "HSCL3205", "The hypervisor has no memory for it. Nothing was changed.");
}

struct lp *objects_find_lp(struct sys *sys, const struct wire_record *where, const char *by_name, struct answer *answer)
{
    const char *name = wire_text(where, by_name);
    const struct wire_value *id = wire_get(where, "lpar_id");
    struct lp *lp = NULL;
    if (id && id->kind == WIRE_NUM) {
        lp = sys_lp(sys, id->num);
        if (!lp)
            refuse(answer, "HSCL8012", "The managed system %s has no partition with the ID %llu.", system_name(sys),
                   (unsigned long long)id->num);
        else if (name && strcmp(name, lp_name(lp)))
            lp = refuse_parameter(answer, "-i", "partition %llu is %s, not %s", (unsigned long long)id->num,
                                  lp_name(lp), name)
                     ? NULL
                     : lp;
    } else if (name) {
        lp = sys_lp_named(sys, name);
        if (!lp)
            refuse(answer, "HSCL8012", "The managed system %s has no partition with the name %s.", system_name(sys),
                   name);
    } else {
        refuse_parameter(answer, "-i", "the partition's name or ID is missing");
    }
    return lp;
}

// Items of a list have no commas, but for those of virtual Ethernet adapters.
static bool is_eth(const struct attr *attr)
{
    return strcmp(attr->name, "virtual_eth_adapters") == 0;
}

static size_t item_len(const struct attr *attr, const char *text)
{
    return is_eth(attr) ? veth_item(text) : strcspn(text, ",");
}

// "a,b" += "c": without what is there already; -= : also by what stands before the first '/'.
static bool change_list(struct rec *rec, const struct attr *attr, const struct wire_value *v)
{
    char out[WIRE_TEXT_MAX] = "";
    const char *old = rec_text(rec, attr->name);
    size_t len = 0;
    if (is_eth(attr) && strcmp(old, "none") == 0)
        old = "";
    for (const char *p = old; *p;) {
        size_t item = item_len(attr, p);
        bool found = false;
        for (const char *q = v->text; *q;) {
            size_t given = item_len(attr, q);
            found |= (given == item || (v->change == WIRE_TAKE && given < item && p[given] == '/')) &&
                     strncmp(p, q, given) == 0;
            q += given + (q[given] == ',');
        }
        if (!found)
            len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%.*s", len ? "," : "", (int)item, p);
        p += item + (p[item] == ',');
    }
    if (v->change == WIRE_ADD)
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s", len && *v->text ? "," : "", v->text);
    struct wire_value changed = {.kind = is_eth(attr) ? WIRE_TEXT : WIRE_LIST,
                                 .text = is_eth(attr) && !len ? "none" : out};
    return len < sizeof(out) && rec_set(rec, attr->name, changed);
}

// Puts given values into a record that is not in use yet. Names that `also` takes are looked at by others.
static int apply_values(struct rec *rec, const struct wire_record *values, u8 allowed, enum object also,
                        struct answer *answer)
{
    for (u32 i = 0; i < values->len; i++) {
        const struct wire_pair *pair = &values->pairs[i];
        const struct attr *attr = attr_find(rec->object, pair->name);
        char why[2300];
        bool mine = attr && (attr->flags & allowed);
        if (!mine) {
            const struct attr *other = also ? attr_find(also, pair->name) : NULL;
            if (other && (other->flags & (allowed | ATTR_KEY)))
                continue;
            if (attr && (attr->flags & ATTR_KEY))
                continue;
            return refuse_parameter(answer, "-i", "%s is no attribute that can be given here", pair->name);
        }
        if (attr_check(attr, &pair->value, why, sizeof(why)))
            return refuse_parameter(answer, "-i", "%s: %s", pair->name, why);
        if (pair->value.change != WIRE_SET) {
            if (attr->type != ATTR_LIST && !is_eth(attr))
                return refuse_parameter(answer, "-i", "%s is no list: += and -= do not apply", pair->name);
            if (!change_list(rec, attr, &pair->value))
                return no_memory(answer);
        } else if ((attr->flags & ATTR_STORED) && !rec_set(rec, pair->name, pair->value)) {
            return no_memory(answer);
        }
    }
    return 0;
}

static int pick_id(struct sys *sys, const struct wire_record *values, u32 *id, struct answer *answer)
{
    u64 wanted = wire_num(values, "lpar_id", 0);
    const struct lp *there = wanted ? sys_lp(sys, wanted) : NULL;
    if (there)
        return refuse(answer, "HSCL0622", "The ID %llu belongs to the partition %s; give another one, or none.",
                      (unsigned long long)wanted, lp_name(there));
    if (sys->lps_len == LPARS_MAX)
        return refuse(answer, "HSCL0622", "The managed system %s has %u partitions, as many as can be defined.",
                      system_name(sys), LPARS_MAX);
    for (*id = 1; !wanted && sys_lp(sys, *id);)
        ++*id;
    if (wanted)
        *id = (u32)wanted;
    return 0;
}

static bool add_profile(struct lp *lp, s64 id, struct rec *rec)
{
    struct profile *more = realloc(lp->profiles, (lp->profiles_len + 1) * sizeof(*more));
    if (!more)
        return false;
    lp->profiles = more;
    lp->profiles[lp->profiles_len++] = (struct profile){id, rec};
    return true;
}

static int create_lpar(struct sys *sys, const struct wire_record *values, struct answer *answer)
{
    const char *name = wire_text(values, "name"), *profile = wire_text(values, "profile_name");
    s64 profile_id = 0;
    u32 id = 0;
    if (!name || !attr_name_valid(name))
        return refuse_parameter(answer, "-i",
                                "name: a name has 1 to 31 characters, none of them with a meaning to a shell");
    if (sys_lp_named(sys, name))
        return refuse(answer, "HSCL0622",
                      "The managed system %s has a partition with the name %s already; give another name.",
                      system_name(sys), name);
    if (!profile)
        profile = "default_profile";
    if (pick_id(sys, values, &id, answer))
        return -1;
    struct lp *lp = lp_new(id);
    struct rec *rec = rec_new(OBJECT_PROF);
    int failed = lp && rec ? 0 : no_memory(answer);
    if (!failed)
        failed = apply_values(lp->rec, values, ATTR_MAKE, OBJECT_PROF, answer);
    if (!failed)
        failed = apply_values(rec, values, ATTR_MAKE, OBJECT_LPAR, answer);
    if (!failed)
        failed = pools_take_name(sys, values, rec, answer);
    if (!failed && !(rec_set_text(lp->rec, "name", name) && rec_set_num(lp->rec, "lpar_id", id) &&
                     rec_set_text(rec, "name", profile) && rec_set_text(lp->rec, "default_profile", profile) &&
                     rec_set_text(lp->rec, "desired_lpar_proc_compat_mode", rec_text(rec, "lpar_proc_compat_mode"))))
        failed = no_memory(answer);
    if (!failed)
        failed = rules_check_profile(sys, rec, answer);
    if (!failed && (store_begin(sys->store) || store_add_partition(sys->store, id, name) ||
                    store_save(sys->store, STORE_PARTITION, id, lp->rec) ||
                    store_add_profile(sys->store, id, profile, &profile_id) ||
                    store_save(sys->store, STORE_PROFILE, profile_id, rec)))
        failed = refuse_store(answer, sys);
    if (!failed && (!add_profile(lp, profile_id, rec) || !sys_insert(sys, lp))) {
        store_rollback(sys->store);
        failed = no_memory(answer);
    }
    if (!failed && store_commit(sys->store)) {
        sys_take_out(sys, lp);
        failed = refuse_store(answer, sys);
    }
    if (failed) {
        if (lp)
            lp->profiles_len = 0; // the profile is freed here
        rec_free(rec);
        lp_free(lp);
        return failed;
    }
    sys_event(sys, lp, REFCODE_LPAR_DEFINED, "the partition was defined");
    return 0;
}

static int create_profile(struct sys *sys, const struct wire_record *values, struct answer *answer)
{
    const char *name = wire_text(values, "name");
    s64 id = 0;
    struct lp *lp = objects_find_lp(sys, values, "lpar_name", answer);
    if (!lp)
        return -1;
    if (!name || !attr_name_valid(name))
        return refuse_parameter(answer, "-i",
                                "name: a name has 1 to 31 characters, none of them with a meaning to a shell");
    if (lp_profile(lp, name))
        return refuse(answer, "HSCL0622", "The partition %s has a profile %s already; give another name.", lp_name(lp),
                      name);
    if (lp->profiles_len == PROFILES_MAX)
        return refuse(answer, "HSCL0622", "The partition %s has %u profiles, as many as can be.", lp_name(lp),
                      PROFILES_MAX);
    struct rec *rec = rec_new(OBJECT_PROF);
    int failed = rec ? apply_values(rec, values, ATTR_MAKE, OBJECT_NONE, answer) : no_memory(answer);
    if (!failed)
        failed = pools_take_name(sys, values, rec, answer);
    if (!failed && !rec_set_text(rec, "name", name))
        failed = no_memory(answer);
    if (!failed)
        failed = rules_check_profile(sys, rec, answer);
    if (!failed && (store_begin(sys->store) || store_add_profile(sys->store, lp->id, name, &id) ||
                    store_save(sys->store, STORE_PROFILE, id, rec)))
        failed = refuse_store(answer, sys);
    if (!failed && !add_profile(lp, id, rec)) {
        store_rollback(sys->store);
        failed = no_memory(answer);
    }
    if (!failed && store_commit(sys->store)) {
        lp->profiles_len--;
        failed = refuse_store(answer, sys);
    }
    if (failed)
        rec_free(rec);
    return failed;
}

int objects_create(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    switch (m->object) {
    case OBJECT_LPAR: return create_lpar(sys, &m->values, answer);
    case OBJECT_PROF: return create_profile(sys, &m->values, answer);
    case OBJECT_VIO_ETH: return veth_create(sys, m, answer);
    case OBJECT_VIO_SCSI: return vscsi_create(sys, m, answer);
    case OBJECT_VSWITCH: return vswitch_create(sys, m, answer);
    default: return refuse_parameter(answer, "-r", "such an object cannot be made");
    }
}

static int change_lpar(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct lp *lp = objects_find_lp(sys, &m->where, "name", answer);
    const char *name = wire_text(&m->values, "new_name"), *profile = wire_text(&m->values, "default_profile");
    if (!lp)
        return -1;
    const struct lp *other = name ? sys_lp_named(sys, name) : NULL;
    if (other && other != lp)
        return refuse(answer, "HSCL0622",
                      "The managed system %s has a partition with the name %s already; give another name.",
                      system_name(sys), name);
    if (profile && !lp_profile(lp, profile))
        return refuse_parameter(answer, "-i", "default_profile=%s: the partition %s has no such profile", profile,
                                lp_name(lp));
    struct rec *rec = rec_copy(lp->rec);
    int failed = rec ? apply_values(rec, &m->values, ATTR_CHANGE, OBJECT_NONE, answer) : no_memory(answer);
    if (!failed && name && !rec_set_text(rec, "name", name))
        failed = no_memory(answer);
    if (!failed && (store_begin(sys->store) || (name && store_rename_partition(sys->store, lp->id, name)) ||
                    store_save(sys->store, STORE_PARTITION, lp->id, rec) || store_commit(sys->store)))
        failed = refuse_store(answer, sys);
    if (failed) {
        rec_free(rec);
        return failed;
    }
    rec_free(lp->rec);
    lp->rec = rec;
    return 0;
}

static struct profile *find_profile(struct lp *lp, const struct wire_record *where, struct answer *answer)
{
    const char *name = wire_text(where, "name");
    struct profile *profile = name ? lp_profile(lp, name) : NULL;
    if (!profile)
        refuse_parameter(answer, "-i", "the partition %s has no profile %s", lp_name(lp),
                         name ? name : "without a name");
    return profile;
}

static int change_profile(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct lp *lp = objects_find_lp(sys, &m->where, "lpar_name", answer);
    struct profile *profile = lp ? find_profile(lp, &m->where, answer) : NULL;
    const char *name = wire_text(&m->values, "new_name");
    if (!profile)
        return -1;
    if (name && lp_profile(lp, name) && lp_profile(lp, name) != profile)
        return refuse(answer, "HSCL0622", "The partition %s has a profile %s already; give another name.", lp_name(lp),
                      name);
    bool is_default = rec_is(lp->rec, "default_profile", rec_text(profile->rec, "name"));
    struct rec *rec = rec_copy(profile->rec), *owner = rec_copy(lp->rec);
    int failed = rec && owner ? apply_values(rec, &m->values, ATTR_CHANGE, OBJECT_NONE, answer) : no_memory(answer);
    if (!failed)
        failed = pools_take_name(sys, &m->values, rec, answer);
    if (!failed && name &&
        (!rec_set_text(rec, "name", name) || (is_default && !rec_set_text(owner, "default_profile", name))))
        failed = no_memory(answer);
    if (!failed)
        failed = rules_check_profile(sys, rec, answer);
    if (!failed && (store_begin(sys->store) || (name && store_rename_profile(sys->store, profile->id, name)) ||
                    store_save(sys->store, STORE_PROFILE, profile->id, rec) ||
                    store_save(sys->store, STORE_PARTITION, lp->id, owner) || store_commit(sys->store)))
        failed = refuse_store(answer, sys);
    if (failed) {
        rec_free(rec);
        rec_free(owner);
        return failed;
    }
    rec_free(profile->rec);
    profile->rec = rec;
    rec_free(lp->rec);
    lp->rec = owner;
    return 0;
}

// The name of the system is also that of its folder, so it stays.
static int change_system(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    if (wire_get(&m->values, "new_name"))
        return refuse(answer, "HSCL0622",
                      "The name of the managed system %s is that of its folder and cannot be changed.",
                      system_name(sys));
    const char *network = wire_text(&m->values, "network");
    if (network && outside_check(network, answer))
        return -1;
    struct rec *rec = rec_copy(sys->rec);
    if (rec && apply_values(rec, &m->values, ATTR_CHANGE, OBJECT_NONE, answer)) {
        rec_free(rec);
        return -1;
    }
    return sys_replace(sys, rec, answer);
}

int objects_change(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    switch (m->object) {
    case OBJECT_SYS: return change_system(sys, m, answer);
    case OBJECT_LPAR: return change_lpar(sys, m, answer);
    case OBJECT_PROF: return change_profile(sys, m, answer);
    case OBJECT_PROCPOOL: return pools_change(sys, m, answer);
    case OBJECT_VIO_ETH: return veth_change(sys, m, answer);
    case OBJECT_VSWITCH: return vswitch_change(sys, m, answer);
    case OBJECT_PROCESSOR: return guard_change(sys, m, answer);
    case OBJECT_LED_SYS:
    case OBJECT_LED_LPAR:
    case OBJECT_SVCEVENT: return service_change(sys, m, answer);
    case OBJECT_UTIL_CONFIG: return util_change(sys, m, answer);
    default: return refuse_parameter(answer, "-r", "such an object cannot be changed");
    }
}

static int remove_lpar(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct lp *lp = objects_find_lp(sys, &m->where, "name", answer);
    if (!lp)
        return -1;
    if (lp_active(lp))
        return refuse(answer, "HSCL0622", "The partition %s is in the state %s; shut it down before it is removed.",
                      lp_name(lp), lp_state_name(lp));
    if (store_begin(sys->store) || store_remove_partition(sys->store, lp->id) || store_commit(sys->store))
        return refuse_store(answer, sys);
    sys_event(sys, lp, REFCODE_LPAR_REMOVED, "the partition was removed");
    if (vio_is_server(lp))
        vio_removed(sys, lp);
    sys_take_out(sys, lp);
    lp_free(lp);
    return 0;
}

static int remove_profile(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct lp *lp = objects_find_lp(sys, &m->where, "lpar_name", answer);
    struct profile *profile = lp ? find_profile(lp, &m->where, answer) : NULL;
    if (!profile)
        return -1;
    if (rec_is(lp->rec, "default_profile", rec_text(profile->rec, "name")))
        return refuse(answer, "HSCL0622",
                      "The profile %s is the default profile of the partition %s; make another one the default before "
                      "it is removed.",
                      rec_text(profile->rec, "name"), lp_name(lp));
    if (store_begin(sys->store) || store_remove_profile(sys->store, profile->id) || store_commit(sys->store))
        return refuse_store(answer, sys);
    rec_free(profile->rec);
    lp->profiles_len--;
    memmove(profile, profile + 1, (size_t)(&lp->profiles[lp->profiles_len] - profile) * sizeof(*profile));
    return 0;
}

int objects_remove(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    switch (m->object) {
    case OBJECT_LPAR: return remove_lpar(sys, m, answer);
    case OBJECT_PROF: return remove_profile(sys, m, answer);
    case OBJECT_VIO_ETH: return veth_remove(sys, m, answer);
    case OBJECT_VIO_SCSI: return vscsi_remove(sys, m, answer);
    case OBJECT_VSWITCH: return vswitch_remove(sys, m, answer);
    default: return refuse_parameter(answer, "-r", "such an object cannot be removed");
    }
}

int objects_save(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct lp *lp = objects_find_lp(sys, &m->where, "lpar_name", answer);
    const char *name = wire_text(&m->where, "name");
    if (!lp)
        return -1;
    if (!lp->current)
        return refuse(answer, "HSCL0622", "The partition %s has no configuration yet: it was never activated.",
                      lp_name(lp));
    if (!name || !attr_name_valid(name))
        return refuse_parameter(answer, "-n", "a name has 1 to 31 characters, none of them with a meaning to a shell");
    struct profile *profile = lp_profile(lp, name);
    if (profile && !wire_num(&m->values, "force", 0))
        return refuse(answer, "HSCL0622", "The partition %s has a profile %s already; --force overwrites it.",
                      lp_name(lp), name);
    struct rec *rec = rec_copy(lp->current);
    s64 id = profile ? profile->id : 0;
    int failed = rec && rec_set_text(rec, "name", name) ? 0 : no_memory(answer);
    if (!failed && (store_begin(sys->store) || (!profile && store_add_profile(sys->store, lp->id, name, &id)) ||
                    store_save(sys->store, STORE_PROFILE, id, rec)))
        failed = refuse_store(answer, sys);
    if (!failed && !profile && !add_profile(lp, id, rec)) {
        store_rollback(sys->store);
        failed = no_memory(answer);
    }
    if (!failed && store_commit(sys->store)) {
        lp->profiles_len -= !profile;
        failed = refuse_store(answer, sys);
    }
    if (failed) {
        rec_free(rec);
    } else if (profile) {
        rec_free(profile->rec);
        profile->rec = rec;
    }
    return failed;
}

int objects_apply(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct lp *lp = objects_find_lp(sys, &m->where, "lpar_name", answer);
    struct profile *profile = lp ? find_profile(lp, &m->where, answer) : NULL;
    if (!profile)
        return -1;
    if (lp_active(lp))
        return refuse(answer, "HSCL0622",
                      "The partition %s is in the state %s; a profile is applied while it is not activated.",
                      lp_name(lp), lp_state_name(lp));
    struct rec *current = rec_copy(profile->rec), *owner = rec_copy(lp->rec);
    int failed =
        current && owner && rec_set_text(owner, "curr_profile", rec_text(profile->rec, "name")) ? 0 : no_memory(answer);
    if (!failed && (store_begin(sys->store) || store_save(sys->store, STORE_CURRENT, lp->id, current) ||
                    store_save(sys->store, STORE_PARTITION, lp->id, owner) || store_commit(sys->store)))
        failed = refuse_store(answer, sys);
    if (failed) {
        rec_free(current);
        rec_free(owner);
        return failed;
    }
    rec_free(lp->current);
    lp->current = current;
    rec_free(lp->rec);
    lp->rec = owner;
    return 0;
}
