// SPDX-License-Identifier: Apache-2.0
#include "papr/nvram.h"

#include <errno.h>
#include <pthread.h>
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

bool nvram_variable(const struct partition *lp, const char *name, char value[NVRAM_VALUE_MAX])
{
    const u8 *data;
    size_t size = 0, name_len = strlen(name);
    bool found = false;
    pthread_mutex_lock(&lp->nvram->lock);
    if (find_partition(lp->nvram, "common", &data, &size)) {
        // Texts, each with its terminator; an empty one is the last.
        for (size_t at = 0, len; at < size && !found && (len = strnlen((const char *)data + at, size - at)) > 0;
             at += len + 1) {
            const char *text = (const char *)data + at;
            if (len <= name_len || strncmp(text, name, name_len) != 0 || text[name_len] != '=')
                continue;
            size_t value_len = len - name_len - 1;
            if (value_len >= NVRAM_VALUE_MAX || at + len == size)
                break;
            memcpy(value, text + name_len + 1, value_len);
            value[value_len] = '\0';
            found = true;
        }
    }
    pthread_mutex_unlock(&lp->nvram->lock);
    return found;
}
