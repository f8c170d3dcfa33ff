// SPDX-License-Identifier: Apache-2.0
#include "hmc/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hmc/options.h"

struct wire_message *session_message(enum message type, enum object object)
{
    static struct wire_message m; // large; one thread
    m = (struct wire_message){.type = (u16)type, .serial = 1, .object = (u8)object};
    return &m;
}

static int call(struct session *s, const struct wire_message *m,
                void (*row)(void *arg, const struct wire_record *values), void *arg, const char *expected, bool *met,
                int *fd)
{
    static struct wire_message got; // large; one thread
    int fds[WIRE_FDS_MAX], rc = link_send_all(&s->link, m, NULL, 0) ? -1 : 1;
    while (rc > 0 && (rc = link_wait(&s->link, &got, fds)) > 0) {
        for (u32 i = 0; i < got.fds; i++) {
            if (fd && i == 0)
                *fd = fds[0];
            else
                close(fds[i]);
        }
        if (got.type == MESSAGE_ROW) {
            if (row)
                row(arg, &got.values);
        } else {
            break;
        }
    }
    if (rc <= 0 || got.type != MESSAGE_DONE)
        return message_refuse("HSCL3205", "The managed system %s ended the connection; look at its log.", s->name);
    if (!wire_num(&got.values, "status", 1))
        return 0;
    const char *code = wire_text(&got.values, "code"), *text = wire_text(&got.values, "text");
    if (expected && code && strcmp(code, expected) == 0) {
        *met = true;
        return 1;
    }
    return message_refuse(code ? code : "", "%s", text ? text : "refused");
}

int session_call(struct session *s, const struct wire_message *m,
                 void (*row)(void *arg, const struct wire_record *values), void *arg, int *fd)
{
    return call(s, m, row, arg, NULL, NULL, fd);
}

int session_call_expecting(struct session *s, const struct wire_message *m, const char *expected, bool *met, int *fd)
{
    return call(s, m, NULL, NULL, expected, met, fd);
}

struct search {
    const char *type_serial;
    char name[64], path[PLACE_MAX], serial[64];
    bool found;
};

static void take_serial(void *arg, const struct wire_record *v)
{
    struct search *search = arg;
    const char *type = wire_text(v, "type_model"), *serial = wire_text(v, "serial_num");
    snprintf(search->serial, sizeof(search->serial), "%s*%s", type ? type : "", serial ? serial : "");
}

static int look(void *arg, const char *name, const char *path)
{
    struct search *search = arg;
    struct session s = {0};
    snprintf(s.name, sizeof(s.name), "%s", name);
    if (place_open(path, &s.link))
        return 0;
    search->serial[0] = 0;
    call(&s, session_message(MESSAGE_LIST, OBJECT_SYS), take_serial, search, NULL, NULL, NULL);
    session_close(&s);
    if (strcmp(search->serial, search->type_serial))
        return 0;
    snprintf(search->name, sizeof(search->name), "%s", name);
    snprintf(search->path, sizeof(search->path), "%s", path);
    search->found = true;
    return 1;
}

int session_find(const char *system, char name[64], char path[PLACE_MAX])
{
    char database[PLACE_MAX + 16];
    if (strchr(system, '*')) {
        static struct search search;
        search = (struct search){.type_serial = system};
        place_each(look, &search);
        if (search.found) {
            snprintf(name, 64, "%s", search.name);
            snprintf(path, PLACE_MAX, "%s", search.path);
            return 0;
        }
    } else if (attr_system_name_valid(system) && !place_of(system, path)) {
        snprintf(database, sizeof(database), "%s/system.db", path);
        snprintf(name, 64, "%s", system);
        if (access(database, F_OK) == 0)
            return 0;
    }
    return message_refuse("HSCL8018",
                          "The managed system %s was not found. lssyscfg -r sys -F name shows what there is.", system);
}

int session_open(struct session *s, const char *system)
{
    char path[PLACE_MAX];
    if (session_find(system, s->name, path))
        return 1;
    int err = place_open(path, &s->link);
    if (err == -EPROTO)
        return message_refuse("HSCL0622", "The managed system %s runs another version of OpenLPAR.", s->name);
    if (err == -ETIMEDOUT)
        return message_refuse("HSCL3205",
                              "The managed system %s has said nothing for %u seconds: its hypervisor, the process "
                              "openlpard, hangs or is stopped.",
                              s->name, PLACE_PATIENCE_MS / 1000);
    if (err)
        return message_refuse("HSCL0622",
                              "The managed system %s is not running (%s). Start it: openlpar system start %s", s->name,
                              strerror(-err), s->name);
    return 0;
}

void session_close(struct session *s)
{
    link_fini(&s->link);
}
