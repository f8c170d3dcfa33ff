// SPDX-License-Identifier: Apache-2.0
#include "papr/nvram.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

struct nvram {
    pthread_mutex_t lock;
    u8 data[NVRAM_SIZE];
};

// LoPAR "NVRAM Partitions": signature, checksum, length in 16-byte blocks with the header, name.
struct nvram_header {
    u8 signature, checksum;
    be16 length;
    char name[12];
};
static_assert(sizeof(struct nvram_header) == 16, "layout");

#define NVRAM_SIG_COMMON  0x70u
#define NVRAM_SIG_FREE    0x7fu
#define NVRAM_COMMON_SIZE 0x1000u

static void put_partition(u8 *at, u8 signature, u32 size, const char *name, size_t name_len)
{
    struct nvram_header h = {.signature = signature, .length = be16_of((u16)(size / 16))};
    memcpy(h.name, name, name_len);
    // A one's complement sum of the header's other bytes.
    unsigned sum = 0;
    const u8 *bytes = (const u8 *)&h;
    for (unsigned i = 0; i < sizeof(h); i++) {
        sum += i == 1 ? 0 : bytes[i];
        sum = (sum & 0xff) + (sum >> 8);
    }
    h.checksum = (u8)sum;
    memcpy(at, &h, sizeof(h));
}

int nvram_init(struct partition *lp)
{
    struct nvram *nvram = calloc(1, sizeof(*nvram));
    if (!nvram)
        return -ENOMEM;
    pthread_mutex_init(&nvram->lock, NULL);
    put_partition(nvram->data, NVRAM_SIG_COMMON, NVRAM_COMMON_SIZE, "common", 6);
    put_partition(nvram->data + NVRAM_COMMON_SIZE, NVRAM_SIG_FREE, NVRAM_SIZE - NVRAM_COMMON_SIZE, "wwwwwwwwwwww", 12);
    lp->nvram = nvram;
    return 0;
}

void nvram_fini(struct partition *lp)
{
    if (!lp->nvram)
        return;
    pthread_mutex_destroy(&lp->nvram->lock);
    free(lp->nvram);
    lp->nvram = NULL;
}

void nvram_restore(struct partition *lp, const u8 *data)
{
    memcpy(lp->nvram->data, data, NVRAM_SIZE);
}

static bool inside(u32 offset, u32 size)
{
    return offset <= NVRAM_SIZE && size <= NVRAM_SIZE - offset;
}

bool nvram_read(struct partition *lp, u32 offset, void *to, u32 size)
{
    if (!inside(offset, size))
        return false;
    pthread_mutex_lock(&lp->nvram->lock);
    memcpy(to, lp->nvram->data + offset, size);
    pthread_mutex_unlock(&lp->nvram->lock);
    return true;
}

bool nvram_write(struct partition *lp, u32 offset, const void *from, u32 size)
{
    if (!inside(offset, size))
        return false;
    pthread_mutex_lock(&lp->nvram->lock);
    memcpy(lp->nvram->data + offset, from, size);
    if (lp->hv->nvram_changed)
        lp->hv->nvram_changed(lp->hv_arg, lp->nvram->data, offset, size);
    pthread_mutex_unlock(&lp->nvram->lock);
    return true;
}

// The data of the partition with this name, and its size. false: it is not there. The lock is held.
static bool find_partition(const struct nvram *nvram, const char *name, const u8 **data, size_t *size)
{
    for (size_t at = 0; at + sizeof(struct nvram_header) <= NVRAM_SIZE;) {
        struct nvram_header h;
        memcpy(&h, nvram->data + at, sizeof(h));
        size_t all = be16_get(h.length) * 16u;
        if (all < sizeof(h) || all > NVRAM_SIZE - at)
            return false;
        if (strncmp(h.name, name, sizeof(h.name)) == 0) {
            *data = nvram->data + at + sizeof(h);
            *size = all - sizeof(h);
            return true;
        }
        at += all;
    }
    return false;
}

// The texts of the partition "common" (each with its terminator, an empty one is the last), copied; how many bytes they are at most.
static size_t copy_common(const struct partition *lp, u8 copy[NVRAM_SIZE], size_t *offset)
{
    const u8 *data;
    size_t size = 0;
    pthread_mutex_lock(&lp->nvram->lock);
    if (find_partition(lp->nvram, "common", &data, &size)) {
        memcpy(copy, data, size);
        *offset = (size_t)(data - lp->nvram->data);
    } else {
        size = 0;
    }
    pthread_mutex_unlock(&lp->nvram->lock);
    return size;
}

// The text at `at`, with its terminator: its size; 0: it is the end.
static size_t text_at(const u8 *texts, size_t size, size_t at)
{
    size_t len = strnlen((const char *)texts + at, size - at);
    return len && at + len < size ? len + 1 : 0;
}

static bool is_variable(const u8 *text, const char *name)
{
    size_t len = strlen(name);
    return strncmp((const char *)text, name, len) == 0 && text[len] == '=';
}

bool nvram_variable(const struct partition *lp, const char *name, char value[NVRAM_VALUE_MAX])
{
    u8 texts[NVRAM_SIZE];
    size_t offset, size = copy_common(lp, texts, &offset);
    for (size_t at = 0, text; (text = text_at(texts, size, at)); at += text) {
        size_t skip = strlen(name) + 1;
        if (!is_variable(texts + at, name) || text - skip > NVRAM_VALUE_MAX)
            continue;
        memcpy(value, texts + at + skip, text - skip);
        return true;
    }
    return false;
}

bool nvram_set_variable(struct partition *lp, const char *name, const char *value)
{
    u8 texts[NVRAM_SIZE], made[NVRAM_SIZE] = {0};
    size_t offset, size = copy_common(lp, texts, &offset), used = 0;
    if (!*name || strchr(name, '=') || (value && strlen(value) >= NVRAM_VALUE_MAX))
        return false;
    for (size_t at = 0, text; (text = text_at(texts, size, at)); at += text)
        if (!is_variable(texts + at, name)) {
            memcpy(made + used, texts + at, text);
            used += text;
        }
    size_t needed = value ? strlen(name) + strlen(value) + 2 : 0;
    if (used + needed + 1 > size) // with the empty text at the end
        return false;
    if (value)
        snprintf((char *)made + used, needed, "%s=%s", name, value);
    return nvram_write(lp, (u32)offset, made, (u32)size);
}

void nvram_each_variable(const struct partition *lp, void (*each)(void *arg, const char *name, const char *value),
                         void *arg)
{
    u8 texts[NVRAM_SIZE];
    size_t offset, size = copy_common(lp, texts, &offset);
    for (size_t at = 0, text; (text = text_at(texts, size, at)); at += text) {
        char *name = (char *)texts + at, *equal = strchr(name, '=');
        if (equal)
            *equal = '\0';
        if (equal)
            each(arg, name, equal + 1);
    }
}
