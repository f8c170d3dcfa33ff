// SPDX-License-Identifier: Apache-2.0
#include "cli/net_option.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOOPBACK 0x7f000001u

PRINTF_LIKE(3, 4) static bool refuse(char *why, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, size, fmt, ap);
    va_end(ap);
    return false;
}

// [ADDRESS:]PORT, where a colon may stand alone; what is not said stays.
static bool parse_end(char *text, u32 *address, u16 *port)
{
    char *colon = strrchr(text, ':'), *digits = colon ? colon + 1 : text;
    struct in_addr in;
    u32 number = 0;
    if (colon)
        *colon = 0;
    if (colon && *text) {
        if (inet_pton(AF_INET, text, &in) != 1)
            return false;
        *address = ntohl(in.s_addr);
    }
    for (const char *p = digits; *p; p++) {
        if (*p < '0' || *p > '9' || number > 65535)
            return false;
        number = number * 10 + (u32)(*p - '0');
    }
    *port = (u16)number;
    return number >= 1 && number <= 65535;
}

static bool parse_forward(char *text, struct uplink_forward *f)
{
    char *guest = strchr(text, '-');
    if (!guest || (strncmp(text, "tcp:", 4) != 0 && strncmp(text, "udp:", 4) != 0))
        return false;
    *guest++ = 0;
    *f = (struct uplink_forward){.host_address = LOOPBACK, .guest_address = UPLINK_GUEST, .udp = text[0] == 'u'};
    return parse_end(text + 4, &f->host_address, &f->host_port) &&
           parse_end(guest, &f->guest_address, &f->guest_port) && f->guest_address >> 8 == UPLINK_NETWORK >> 8;
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

bool net_option_parse(const char *value, struct net_options *net, char *why, size_t why_size)
{
    char text[2048], *rest = text;
    *net = (struct net_options){0};
    if (strlen(value) >= sizeof(text))
        return refuse(why, why_size, "the value is too long");
    strcpy(text, value);
    const char *kind = strsep(&rest, ",");
    if (strcmp(kind, "user") != 0)
        return refuse(why, why_size, "the kind of network is user, as in --net user,hostfwd=tcp:2222-:22");
    for (char *item; (item = strsep(&rest, ","));) {
        if (strncmp(item, "hostfwd=", 8) == 0) {
            if (net->forwards_len == UPLINK_FORWARDS_MAX)
                return refuse(why, why_size, "there can be %u forwards", UPLINK_FORWARDS_MAX);
            if (!parse_forward(item + 8, &net->forwards[net->forwards_len++]))
                return refuse(
                    why, why_size,
                    "write hostfwd=tcp:[ADDRESS:]PORT-[ADDRESS]:PORT, the second address in 10.0.2.0/24, as in "
                    "hostfwd=tcp:127.0.0.1:2222-10.0.2.15:22 or hostfwd=tcp:2222-:22");
        } else if (strncmp(item, "mac=", 4) == 0) {
            if (!parse_mac(item + 4, net->mac))
                return refuse(why, why_size, "write mac=02:00:00:00:00:01; the first number is even");
        } else {
            return refuse(why, why_size, "'%.40s' is no part of it; there are hostfwd= and mac=", item);
        }
    }
    return true;
}
