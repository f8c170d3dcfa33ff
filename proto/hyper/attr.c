// SPDX-License-Identifier: Apache-2.0
#include "proto/hyper/attr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SHOW   ATTR_SHOWN
#define MAKE   ATTR_MAKE
#define CHANGE ATTR_CHANGE
#define KEY    ATTR_KEY
#define KEEP   ATTR_STORED

static const struct attr table[] = {
#define ATTR(object, name, type, low, high, initial, flags, choices, help) \
    {#name, OBJECT_##object, ATTR_##type, flags, low, high, initial, choices, help},
#include "proto/hyper/attr.def"
#undef ATTR
};

const struct attr *attr_list(enum object object, u32 *len)
{
    u32 first = 0, end;
    while (first < ARRAY_LEN(table) && table[first].object != object)
        first++;
    for (end = first; end < ARRAY_LEN(table) && table[end].object == object;)
        end++;
    *len = end - first;
    return &table[first < ARRAY_LEN(table) ? first : 0];
}

const struct attr *attr_find(enum object object, const char *name)
{
    for (u32 i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].object == object && strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static bool plain(const char *text, size_t max, const char *refused)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if ((u8)text[i] < 0x20 || (u8)text[i] >= 0x7f || strchr(refused, text[i]))
            return false;
    return len <= max;
}

bool attr_name_valid(const char *name)
{
    return *name && *name != ' ' && plain(name, 31, "()<>*$&?|[]'\"`\\,=;!/") && name[strlen(name) - 1] != ' ';
}

bool attr_system_name_valid(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("._-", *p)))
            return false;
    return *name && strlen(name) <= 31 && *name != '.' && *name != '-';
}

static int parse_num(const char *text, u64 *num)
{
    u64 v = 0;
    if (!*text || strlen(text) > 19)
        return -EINVAL;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -EINVAL;
        v = v * 10 + (u64)(*text - '0');
    }
    *num = v;
    return 0;
}

int attr_parse_units(const char *text, u64 *units)
{
    char digits[24];
    size_t len = 0, decimals = 0;
    bool point = false;
    for (; *text && len < sizeof(digits) - 3; text++) {
        if (*text == '.' && !point && len) {
            point = true;
        } else if (*text >= '0' && *text <= '9' && (!point || decimals < 2)) {
            digits[len++] = *text;
            decimals += point;
        } else {
            return -EINVAL;
        }
    }
    if (*text || !len || (point && !decimals))
        return -EINVAL;
    for (; decimals < 2; decimals++)
        digits[len++] = '0';
    digits[len] = 0;
    return parse_num(digits, units);
}

static bool is_number(const struct attr *attr)
{
    return attr->type == ATTR_NUM || attr->type == ATTR_UNITS || attr->type == ATTR_FACTOR || attr->type == ATTR_FLAG;
}

static bool is_choice(const struct attr *attr, const char *text)
{
    size_t len = strlen(text);
    for (const char *p = attr->choices; len && *p; p += strcspn(p, "|"), p += *p == '|')
        if (strcspn(p, "|") == len && strncmp(p, text, len) == 0)
            return true;
    return false;
}

// What would be right.
static int refuse(const struct attr *attr, char *why, size_t size)
{
    switch (attr->type) {
    case ATTR_FLAG: snprintf(why, size, "0 or 1 is expected"); break;
    case ATTR_NUM:
        snprintf(why, size, "a whole number from %llu to %llu is expected", (unsigned long long)attr->low,
                 (unsigned long long)attr->high);
        break;
    case ATTR_UNITS:
    case ATTR_FACTOR:
        snprintf(why, size, "a number from %llu.%02llu to %llu.%02llu with at most two decimals is expected",
                 (unsigned long long)attr->low / 100, (unsigned long long)attr->low % 100,
                 (unsigned long long)attr->high / 100, (unsigned long long)attr->high % 100);
        break;
    case ATTR_CHOICE: snprintf(why, size, "one of %s is expected", attr->choices); break;
    case ATTR_NAME: snprintf(why, size, "a name has 1 to 31 characters, none of them with a meaning to a shell"); break;
    case ATTR_PATH: snprintf(why, size, "the path of a file, beginning with /, is expected"); break;
    default:
        snprintf(why, size, "at most %llu printable characters are expected", (unsigned long long)attr->high);
        break;
    }
    return -EINVAL;
}

int attr_check(const struct attr *attr, const struct wire_value *v, char *why, size_t why_size)
{
    bool ok;
    if (is_number(attr)) {
        ok = v->kind == WIRE_NUM && v->num >= attr->low && v->num <= attr->high;
    } else if (v->kind == WIRE_NULL) {
        ok = !attr->initial;
    } else if (v->kind != WIRE_TEXT && v->kind != WIRE_LIST) {
        ok = false;
    } else {
        switch (attr->type) {
        case ATTR_CHOICE: ok = is_choice(attr, v->text); break;
        case ATTR_NAME: ok = attr_name_valid(v->text); break;
        case ATTR_PATH: ok = (!*v->text || *v->text == '/') && plain(v->text, attr->high, "\""); break;
        default: ok = plain(v->text, attr->high, ""); break;
        }
    }
    return ok ? 0 : refuse(attr, why, why_size);
}

int attr_parse(const struct attr *attr, const char *text, struct wire_value *v, char *why, size_t why_size)
{
    *v = (struct wire_value){.kind = attr->type == ATTR_LIST ? WIRE_LIST : WIRE_TEXT, .text = text};
    if (is_number(attr)) {
        *v = (struct wire_value){.kind = WIRE_NUM};
        if (attr->type == ATTR_UNITS || attr->type == ATTR_FACTOR ? attr_parse_units(text, &v->num)
                                                                  : parse_num(text, &v->num))
            return refuse(attr, why, why_size);
    } else if (strcmp(text, "null") == 0 && !attr->initial) {
        *v = (struct wire_value){.kind = WIRE_NULL};
    } else if (attr->type == ATTR_LIST && strcmp(text, "none") == 0) {
        v->text = "";
    }
    return attr_check(attr, v, why, why_size);
}

int attr_format(const struct attr *attr, const struct wire_value *v, char *text, size_t size)
{
    switch (v->kind) {
    case WIRE_NUM:
        if (attr->type == ATTR_FACTOR && !v->num)
            return snprintf(text, size, "0.0");
        if (attr->type == ATTR_UNITS || attr->type == ATTR_FACTOR)
            return snprintf(text, size, "%llu.%02llu", (unsigned long long)v->num / 100,
                            (unsigned long long)v->num % 100);
        return snprintf(text, size, "%llu", (unsigned long long)v->num);
    case WIRE_LIST: return snprintf(text, size, "%s", *v->text ? v->text : "none");
    case WIRE_TEXT: return snprintf(text, size, "%s", v->text);
    default: return snprintf(text, size, "null");
    }
}
