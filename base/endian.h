// SPDX-License-Identifier: Apache-2.0
// Big-endian fields as types of their own, so that a forgotten swap does not compile.
#ifndef BASE_ENDIAN_H
#define BASE_ENDIAN_H

#include <string.h>

#include "base/types.h"

typedef struct {
    u16 raw;
} be16;
typedef struct {
    u32 raw;
} be32;
typedef struct {
    u64 raw;
} be64;

static inline u16 be16_get(be16 v)
{
    return __builtin_bswap16(v.raw);
}
static inline u32 be32_get(be32 v)
{
    return __builtin_bswap32(v.raw);
}
static inline u64 be64_get(be64 v)
{
    return __builtin_bswap64(v.raw);
}
static inline be16 be16_of(u16 v)
{
    return (be16){__builtin_bswap16(v)};
}
static inline be32 be32_of(u32 v)
{
    return (be32){__builtin_bswap32(v)};
}
static inline be64 be64_of(u64 v)
{
    return (be64){__builtin_bswap64(v)};
}

// Unaligned big-endian access to bytes in host memory.
static inline u16 load_be16(const void *p)
{
    be16 v;
    memcpy(&v, p, sizeof(v));
    return be16_get(v);
}
static inline u32 load_be32(const void *p)
{
    be32 v;
    memcpy(&v, p, sizeof(v));
    return be32_get(v);
}
static inline u64 load_be64(const void *p)
{
    be64 v;
    memcpy(&v, p, sizeof(v));
    return be64_get(v);
}
static inline u32 load_le32(const void *p)
{
    const u8 *b = p;
    return (u32)b[0] | (u32)b[1] << 8 | (u32)b[2] << 16 | (u32)b[3] << 24;
}
static inline u64 load_le64(const void *p)
{
    return load_le32(p) | (u64)load_le32((const u8 *)p + 4) << 32;
}
static inline void store_be16(void *p, u16 value)
{
    be16 v = be16_of(value);
    memcpy(p, &v, sizeof(v));
}
static inline void store_be32(void *p, u32 value)
{
    be32 v = be32_of(value);
    memcpy(p, &v, sizeof(v));
}
static inline void store_be64(void *p, u64 value)
{
    be64 v = be64_of(value);
    memcpy(p, &v, sizeof(v));
}

#endif
