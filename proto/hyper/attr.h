// SPDX-License-Identifier: Apache-2.0
// Attributes of managed objects, once (attr.def): name, type, range, first value, where it may be given, what it is. The commands' parsing,
// output, help and completion, and the hypervisor's checks and storage come from this table.
//
// Objects that can be stored are SYS, LPAR and PROF; the others are views, made when somebody looks.
#ifndef PROTO_HYPER_ATTR_H
#define PROTO_HYPER_ATTR_H

#include "base/types.h"
#include "proto/hyper/wire.h"

enum object {
    OBJECT_NONE,
    OBJECT_SYS,
    OBJECT_LPAR,
    OBJECT_PROF,
    OBJECT_PROC_SYS,
    OBJECT_PROC_LPAR,
    OBJECT_PROC_POOL,
    OBJECT_PROCPOOL,
    OBJECT_MEM_SYS,
    OBJECT_MEM_LPAR,
    OBJECT_REFCODE_LPAR,
    OBJECT_REFCODE_SYS,
    OBJECT_EVENT,
    OBJECT_UTIL_CONFIG,
    OBJECT_UTIL_SYS,
    OBJECT_UTIL_POOL,
    OBJECT_UTIL_PROCPOOL,
    OBJECT_UTIL_LPAR,
    OBJECT_LIC,
    OBJECT_LED_SYS,
    OBJECT_LED_LPAR,
    OBJECT_SVCEVENT,
    OBJECT_CONSOLE_EVENT,
    OBJECT_VIO_SERIAL,
    OBJECT_VIO_LPAR,
    OBJECT_VIO_SLOT,
    OBJECT_VIO_ETH,
    OBJECT_VIO_SCSI,
    OBJECT_VSWITCH,
    OBJECT_VIO_ETH_SYS,
    OBJECT_PROCESSOR,
    OBJECTS,
};

enum attr_type {
    ATTR_TEXT,
    ATTR_NAME, // a partition's or profile's: 1 to 31 characters, none that a shell treats specially
    ATTR_NUM,
    ATTR_UNITS,  // hundredths, written with two decimals
    ATTR_FACTOR, // hundredths, written with two decimals; 0 as 0.0
    ATTR_FLAG,   // 0 or 1
    ATTR_CHOICE, // one of `choices`, separated by |
    ATTR_LIST,   // items between commas
    ATTR_PATH,   // an absolute path, or nothing
};

enum attr_flag {
    ATTR_SHOWN = 1 << 0,  // part of what is listed when nothing is asked for by name
    ATTR_MAKE = 1 << 1,   // may be given when the object is made
    ATTR_CHANGE = 1 << 2, // may be changed
    ATTR_KEY = 1 << 3,    // says which object is meant
    ATTR_STORED = 1 << 4, // kept in the database
};

struct attr {
    const char *name;
    u8 object, type, flags;
    u64 low, high;       // of numbers; of texts the most characters
    const char *initial; // as it is written; NULL: null
    const char *choices;
    const char *help;
};

// The attributes of an object, in the order in which they are listed.
const struct attr *attr_list(enum object object, u32 *len);
// NULL: the object has no attribute of that name.
const struct attr *attr_find(enum object object, const char *name);

// Reads a value as it is written in a command; borrows the text. 0, or -EINVAL with *why: what would be right.
int attr_parse(const struct attr *attr, const char *text, struct wire_value *value, char *why, size_t why_size);
// Whether a value from a message is of the attribute's type and in its range. 0 or -EINVAL with *why.
int attr_check(const struct attr *attr, const struct wire_value *value, char *why, size_t why_size);
// How the value is written; like snprintf().
int attr_format(const struct attr *attr, const struct wire_value *value, char *text, size_t size);

// Whether the name may be given to a partition or profile (31 characters), or to a system (which is also the name of a folder).
bool attr_name_valid(const char *name);
bool attr_system_name_valid(const char *name);

// "0.35": hundredths. -EINVAL: not a number with at most two decimals.
int attr_parse_units(const char *text, u64 *units);

#endif
