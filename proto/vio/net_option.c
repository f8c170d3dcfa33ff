// SPDX-License-Identifier: Apache-2.0
#include "proto/vio/net_option.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LOOPBACK 0x7f000001u
#define VID_LAST 4094u

PRINTF_LIKE(3, 4) static bool refuse(char *why, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, size, fmt, ap);
    va_end(ap);
    return false;
}

// [ADDRESS:]PORT, where a colon may stand alone; what is not said stays. name: room for what is no address, or NULL where an address must be.
static bool parse_end(char *text, u32 *address, u16 *port, char *name, size_t name_size)
{
    char *colon = strrchr(text, ':'), *digits = colon ? colon + 1 : text;
    struct in_addr in;
    u32 number = 0;
    if (colon)
        *colon = 0;
    if (colon && *text) {
        if (inet_pton(AF_INET, text, &in) == 1)
            *address = ntohl(in.s_addr);
        else if (!name || (size_t)snprintf(name, name_size, "%s", text) >= name_size)
            return false;
    }
    for (const char *p = digits; *p; p++) {
        if (*p < '0' || *p > '9' || number > 65535)
            return false;
        number = number * 10 + (u32)(*p - '0');
    }
    *port = (u16)number;
    return number >= 1 && number <= 65535;
}

// The names of partitions may have dashes: the first one ends the host's side.
static bool parse_forward(char *text, struct uplink_forward *f, char *name, size_t name_size)
{
    char *guest = strchr(text, '-');
    if (!guest || (strncmp(text, "tcp:", 4) != 0 && strncmp(text, "udp:", 4) != 0))
        return false;
    *guest++ = 0;
    *f = (struct uplink_forward){.host_address = LOOPBACK, .guest_address = UPLINK_GUEST, .udp = text[0] == 'u'};
    return parse_end(text + 4, &f->host_address, &f->host_port, NULL, 0) &&
           parse_end(guest, &f->guest_address, &f->guest_port, name, name_size) && f->guest_address > UPLINK_DNS &&
           f->guest_address <= UPLINK_LAST;
}

static bool parse_mac(const char *text, u8 mac[6])
{
    unsigned bytes[6];
    int used = 0;
    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4], &bytes[5],
               &used) != 6 ||
        used != 17 || text[17])
        return false;
    u32 sum = 0;
    for (u32 i = 0; i < 6; i++)
        sum |= mac[i] = (u8)bytes[i];
    return sum && !(mac[0] & 1);
}

// By its absolute path.
static bool parse_folder(const char *text, char folder[UPLINK_FOLDER_MAX])
{
    char path[PATH_MAX];
    struct stat st;
    if (!realpath(text, path) || strlen(path) >= UPLINK_FOLDER_MAX || stat(path, &st) || !S_ISDIR(st.st_mode))
        return false;
    strcpy(folder, path);
    return true;
}

static bool parse_vlan(const char *text, u16 *vlan)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    *vlan = (u16)number;
    return *text >= '0' && *text <= '9' && !*end && number >= 1 && number <= VID_LAST;
}

static u32 kind_of(const char *type)
{
    return !strcmp(type, "tap")       ? UPLINK_TAP
           : !strcmp(type, "macvtap") ? UPLINK_MACVTAP
           : !strcmp(type, "packet")  ? UPLINK_PACKET
                                      : 0;
}

static bool add_forward(struct net_options *net, char *text, enum net_kind kind, char *why, size_t why_size)
{
    if (net->forwards_len == UPLINK_FORWARDS_MAX)
        return refuse(why, why_size, "there can be %u forwards", UPLINK_FORWARDS_MAX);
    u32 i = net->forwards_len++;
    if (parse_forward(text, &net->forwards[i], kind == NET_OF_SYSTEM ? net->names[i] : NULL, sizeof(net->names[i])))
        return true;
    return kind == NET_OF_SYSTEM
               ? refuse(why, why_size,
                        "write hostfwd=tcp:[ADDRESS:]PORT-PARTITION:PORT, as in hostfwd=tcp:2222-web01:22; instead of "
                        "the partition's name there may be an address in 10.0.2.0/24")
               : refuse(why, why_size,
                        "write hostfwd=tcp:[ADDRESS:]PORT-[ADDRESS]:PORT, the second address in 10.0.2.0/24, as in "
                        "hostfwd=tcp:127.0.0.1:2222-10.0.2.15:22 or hostfwd=tcp:2222-:22");
}

bool net_option_parse(const char *value, enum net_kind kind, struct net_options *net, char *why, size_t why_size)
{
    char text[2048], *rest = text;
    bool of_system = kind == NET_OF_SYSTEM, of_partition = kind == NET_OF_PARTITION;
    const char *between = kind == NET_OF_SERVER ? "/" : ",";
    *net = (struct net_options){.vlan = 1, .vswitch = "ETHERNET0"};
    if (strlen(value) >= sizeof(text))
        return refuse(why, why_size, "the value is too long");
    strcpy(text, value);
    const char *type = strsep(&rest, between);
    net->kind = !of_partition ? kind_of(type) : 0;
    if (!net->kind && strcmp(type, "user") != 0)
        return refuse(why, why_size, "the kind of network is user, as in user%shostfwd=tcp:2222-%s:22%s%s%s", between,
                      of_system      ? "web01"
                      : of_partition ? ""
                                     : "10.0.2.15",
                      of_partition ? "" : "; or tap, macvtap or packet, as in tap", of_partition ? "" : between,
                      of_partition ? "" : "name=tap0");
    for (char *item; (item = strsep(&rest, between));) {
        if (net->kind && strncmp(item, "name=", 5) == 0) {
            if (!item[5] ||
                (size_t)snprintf(net->interface, sizeof(net->interface), "%s", item + 5) >= sizeof(net->interface))
                return refuse(why, why_size, "write name=INTERFACE with up to 15 characters, as in tap%sname=tap0",
                              between);
        } else if (!net->kind && strncmp(item, "hostfwd=", 8) == 0) {
            if (!add_forward(net, item + 8, kind, why, why_size))
                return false;
        } else if (of_partition && strncmp(item, "mac=", 4) == 0) {
            if (!parse_mac(item + 4, net->mac))
                return refuse(why, why_size, "write mac=02:00:00:00:00:01; the first number is even");
        } else if (of_partition && strncmp(item, "tftp=", 5) == 0) {
            if (!parse_folder(item + 5, net->tftp))
                return refuse(why, why_size, "tftp=%s: name a folder with the files to boot from", item + 5);
        } else if (of_partition && strncmp(item, "bootfile=", 9) == 0) {
            if (!item[9] || strlen(item + 9) >= UPLINK_FILE_MAX)
                return refuse(why, why_size, "bootfile= names a file in the folder of tftp=, by up to %u characters",
                              UPLINK_FILE_MAX - 1);
            strcpy(net->bootfile, item + 9);
        } else if (of_system && strncmp(item, "vlan=", 5) == 0) {
            if (!parse_vlan(item + 5, &net->vlan))
                return refuse(why, why_size, "write vlan=N with a VLAN from 1 to %u", VID_LAST);
        } else if (of_system && strncmp(item, "vswitch=", 8) == 0) {
            if (!item[8] ||
                (size_t)snprintf(net->vswitch, sizeof(net->vswitch), "%s", item + 8) >= sizeof(net->vswitch))
                return refuse(why, why_size, "write vswitch=NAME with up to 31 characters");
        } else {
            return refuse(why, why_size, "'%.40s' is no part of it; there are %s%s", item,
                          net->kind ? "name=" : "hostfwd=",
                          of_system      ? ", vlan= and vswitch="
                          : of_partition ? ", mac=, tftp= and bootfile="
                                         : "");
        }
    }
    if (net->bootfile[0] && !net->tftp[0])
        return refuse(why, why_size, "bootfile= needs tftp=FOLDER, where the file is");
    if (net->kind && !*net->interface)
        return refuse(why, why_size, "the interface is missing: %s%sname=INTERFACE", value, between);
    return true;
}
