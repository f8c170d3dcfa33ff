// SPDX-License-Identifier: Apache-2.0
#include "vios/store/pieces.h"

#include <stdlib.h>

#include "base/test.h"
#include "vios/store/memory.h"

static struct memory_store disks[3];
static int result;
static u32 answers;

static void done(struct store_io *io, int err)
{
    result = err;
    answers++;
}

static void begin(void)
{
    for (u32 i = 0; i < ARRAY_LEN(disks); i++)
        memory_store_init(&disks[i]);
    answers = 0;
}

static struct store *make(const struct vios_piece *pieces, u32 len)
{
    struct store *files[] = {&disks[0].store, &disks[1].store};
    return pieces_new(&disks[0].store, files, 2, pieces, len, -1);
}

static const struct vios_piece three[] = {{0, 0, 8192, 4096}, {1, 0, 0, 8192}, {0, 0, 65536, 4096}};

static void run(struct store *s, enum store_op op, u8 *data, u64 offset, u64 size)
{
    static struct store_io io;
    io = (struct store_io){.op = op, .data = data, .offset = offset, .size = size, .done = done};
    result = 1;
    store_submit(s, &io);
}

static void test_places(void)
{
    static u8 out[16384], in[16384];
    begin();
    struct store *s = make(three, ARRAY_LEN(three));
    CHECK_EQ(s->size, 16384);
    for (u32 i = 0; i < sizeof(out); i++)
        out[i] = (u8)(i / 512 + i % 7);
    run(s, STORE_WRITE, out, 0, sizeof(out));
    CHECK(result == 0 && answers == 1);
    CHECK(!memcmp(disks[0].data + 8192, out, 4096));
    CHECK(!memcmp(disks[1].data, out + 4096, 8192));
    CHECK(!memcmp(disks[0].data + 65536, out + 12288, 4096));
    run(s, STORE_READ, in, 3584, 5120);
    CHECK(result == 0 && !memcmp(in, out + 3584, 5120));
    run(s, STORE_DISCARD, NULL, 4096 + 512, 1024);
    CHECK(!disks[1].data[512] && !disks[1].data[1535] && disks[1].data[1536] == out[4096 + 1536]);
    run(s, STORE_FLUSH, NULL, 0, 0);
    CHECK(result == 0 && disks[0].flushes == 1 && disks[1].flushes == 1);
    run(s, STORE_READ, in, 16384, 512);
    CHECK_EQ(result, -EIO);
    s->ops->close(s);
    CHECK(disks[0].closed && disks[1].closed);
}

// A part that fails fails the whole, with what was done before it.
static void test_errors(void)
{
    static u8 data[16384];
    static struct store_io io;
    begin();
    struct store *s = make(three, ARRAY_LEN(three));
    disks[1].error = -ENOSPC;
    disks[1].error_at = 1024;
    io = (struct store_io){.op = STORE_WRITE, .data = data, .offset = 0, .size = sizeof(data), .done = done};
    store_submit(s, &io);
    CHECK(result == -ENOSPC && answers == 1);
    CHECK_EQ(io.moved, 4096 + 1024);
    s->ops->close(s);
}

static void test_grows(void)
{
    static const struct vios_piece larger[] = {
        {0, 0, 8192, 4096}, {1, 0, 0, 8192}, {0, 0, 65536, 8192}, {1, 0, 131072, 4096}};
    static const struct vios_piece other[] = {{0, 0, 8192, 4096}, {1, 0, 512, 8192}, {0, 0, 65536, 8192}};
    static u8 data[4096], back[4096];
    begin();
    struct store *s = make(three, ARRAY_LEN(three));
    struct store *wrong =
        pieces_new(s, (struct store *[]){&disks[2].store}, 1, (const struct vios_piece[]){{0, 0, 0, 4096}}, 1, -1);
    CHECK_EQ(pieces_grow(s, wrong), -EINVAL);
    wrong->ops->close(wrong);
    wrong = make(other, ARRAY_LEN(other));
    CHECK_EQ(pieces_grow(s, wrong), -EINVAL);
    wrong->ops->close(wrong);
    begin();
    struct store *more = make(larger, ARRAY_LEN(larger));
    // An operation of before is under way meanwhile.
    disks[1].held = true;
    run(s, STORE_READ, back, 4096, 512);
    CHECK_EQ(answers, 0);
    CHECK_EQ(pieces_grow(s, more), 0);
    disks[1].held = false;
    memory_store_release(&disks[1]);
    CHECK(answers == 1 && result == 0);
    CHECK_EQ(s->size, 24576);
    memset(data, 0x5a, sizeof(data));
    run(s, STORE_WRITE, data, 20480, sizeof(data));
    CHECK(!memcmp(disks[1].data + 131072, data, sizeof(data)));
    s->ops->close(s);
}

int main(void)
{
    TEST(test_places);
    TEST(test_errors);
    TEST(test_grows);
    return test_done();
}
