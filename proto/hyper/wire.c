// SPDX-License-Identifier: Apache-2.0
#include "proto/hyper/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hyper/attr.h"
#include "proto/hyper/message.h"

static u64 load_le(const u8 *p, unsigned size)
{
    u64 v = 0;
    memcpy(&v, p, size); // the host is little-endian (base/types.h)
    return v;
}

s64 wire_frame_size(const u8 *data, size_t have)
{
    if (have < WIRE_HEADER)
        return 0;
    u64 size = load_le(data, 4);
    if (size > WIRE_BODY_MAX || load_le(data + 6, 2) > WIRE_FDS_MAX)
        return -EPROTO;
    return (s64)size + WIRE_HEADER;
}

// What is left of a body. After the first thing that does not fit, nothing is taken any more.
struct reader {
    const u8 *at, *end;
    bool bad;
};

static u64 take_num(struct reader *r, unsigned size)
{
    if (r->bad || (size_t)(r->end - r->at) < size) {
        r->bad = true;
        return 0;
    }
    u64 v = load_le(r->at, size);
    r->at += size;
    return v;
}

static const char *take_text(struct reader *r, u64 size)
{
    const char *text = (const char *)r->at;
    if (r->bad || !size || size > WIRE_TEXT_MAX || (size_t)(r->end - r->at) < size ||
        memchr(text, 0, size) != text + size - 1) {
        r->bad = true;
        return "";
    }
    r->at += size;
    return text;
}

static void take_record(struct reader *r, struct wire_record *record)
{
    u64 len = take_num(r, 2);
    record->len = 0;
    if (len > WIRE_PAIRS_MAX)
        r->bad = true;
    for (u64 i = 0; i < len && !r->bad; i++) {
        struct wire_pair pair = {.name = take_text(r, take_num(r, 1))};
        u64 kind = take_num(r, 1);
        pair.value.kind = kind & 0xf;
        pair.value.change = (u8)(kind >> 4);
        if (pair.value.kind == WIRE_NUM)
            pair.value.num = take_num(r, 8);
        else if (pair.value.kind == WIRE_TEXT || pair.value.kind == WIRE_LIST)
            pair.value.text = take_text(r, take_num(r, 2));
        if (pair.value.kind >= WIRE_KINDS || pair.value.change >= WIRE_CHANGES)
            r->bad = true;
        if (!r->bad)
            record->pairs[record->len++] = pair;
    }
}

int wire_decode(const u8 *frame, size_t size, struct wire_message *m)
{
    if (!size || wire_frame_size(frame, size) != (s64)size)
        return -EPROTO;
    struct reader r = {.at = frame + WIRE_HEADER, .end = frame + size};
    m->type = (u16)load_le(frame + 4, 2);
    m->fds = (u16)load_le(frame + 6, 2);
    m->serial = (u32)load_le(frame + 8, 4);
    m->object = (u8)take_num(&r, 1);
    take_record(&r, &m->where);
    take_record(&r, &m->values);
    return r.bad || r.at != r.end || m->object >= OBJECTS || !message_name(m->type) ? -EPROTO : 0;
}

struct writer {
    u8 *data;
    size_t size, room;
    bool bad;
};

static void give(struct writer *w, const void *data, size_t size)
{
    if (!w->bad && w->size + size > w->room) {
        size_t room = MAX(w->room * 2, w->size + size + 512);
        u8 *more = room > 2 * (WIRE_BODY_MAX + WIRE_HEADER) ? NULL : realloc(w->data, room);
        if (more) {
            w->data = more;
            w->room = room;
        } else {
            w->bad = true;
        }
    }
    if (w->bad)
        return;
    memcpy(w->data + w->size, data, size);
    w->size += size;
}

static void give_num(struct writer *w, u64 v, unsigned size)
{
    give(w, &v, size);
}

static void give_record(struct writer *w, const struct wire_record *record)
{
    if (record->len > WIRE_PAIRS_MAX)
        w->bad = true;
    give_num(w, record->len, 2);
    for (u32 i = 0; i < record->len && !w->bad; i++) {
        const struct wire_pair *pair = &record->pairs[i];
        size_t name = strlen(pair->name) + 1;
        if (name > 255)
            w->bad = true;
        give_num(w, name, 1);
        give(w, pair->name, name);
        give_num(w, (u64)pair->value.change << 4 | pair->value.kind, 1);
        if (pair->value.kind == WIRE_NUM) {
            give_num(w, pair->value.num, 8);
        } else if (pair->value.kind == WIRE_TEXT || pair->value.kind == WIRE_LIST) {
            size_t size = strlen(pair->value.text) + 1;
            if (size > WIRE_TEXT_MAX)
                w->bad = true;
            give_num(w, size, 2);
            give(w, pair->value.text, size);
        }
    }
}

u8 *wire_encode(const struct wire_message *m, size_t *size)
{
    struct writer w = {.bad = m->fds > WIRE_FDS_MAX};
    give_num(&w, 0, 4);
    give_num(&w, m->type, 2);
    give_num(&w, m->fds, 2);
    give_num(&w, m->serial, 4);
    give_num(&w, m->object, 1);
    give_record(&w, &m->where);
    give_record(&w, &m->values);
    if (w.bad || w.size - WIRE_HEADER > WIRE_BODY_MAX) {
        free(w.data);
        return NULL;
    }
    u32 body = (u32)(w.size - WIRE_HEADER);
    memcpy(w.data, &body, 4);
    *size = w.size;
    return w.data;
}

void wire_put(struct wire_record *record, const char *name, struct wire_value value)
{
    if (record->len < WIRE_PAIRS_MAX)
        record->pairs[record->len] = (struct wire_pair){name, value};
    if (record->len <= WIRE_PAIRS_MAX)
        record->len++; // one beyond: wire_encode() refuses
}

void wire_put_num(struct wire_record *record, const char *name, u64 num)
{
    wire_put(record, name, (struct wire_value){.kind = WIRE_NUM, .num = num});
}

void wire_put_text(struct wire_record *record, const char *name, const char *text)
{
    wire_put(record, name, (struct wire_value){.kind = WIRE_TEXT, .text = text});
}

const struct wire_value *wire_get(const struct wire_record *record, const char *name)
{
    for (u32 i = 0; i < record->len; i++)
        if (strcmp(record->pairs[i].name, name) == 0)
            return &record->pairs[i].value;
    return NULL;
}

const char *wire_text(const struct wire_record *record, const char *name)
{
    const struct wire_value *v = wire_get(record, name);
    return v ? v->text : NULL;
}

u64 wire_num(const struct wire_record *record, const char *name, u64 otherwise)
{
    const struct wire_value *v = wire_get(record, name);
    return v && v->kind == WIRE_NUM ? v->num : otherwise;
}
