// SPDX-License-Identifier: Apache-2.0
// A freestanding guest for the debugger's tests, in either byte order (tests/guests/bare/entry.S enters it). It never ends.
typedef unsigned long u64;

struct pair {
    u64 first, second;
};

volatile u64 counter = 5, turns;
volatile struct pair pair = {0x1111111122222222ul, 0x3333333344444444ul};
const char greeting[] = "hello from the guest";
double quarter = 0.25;

void guest_main(u64 unused, u64 client_entry);

__attribute__((noinline)) void tick(u64 n)
{
    counter += n;
    turns++;
}

__attribute__((noinline)) u64 triangle(u64 n)
{
    u64 sum = 0;
    for (u64 i = 1; i <= n; i++)
        sum += i;
    pair.first = sum;
    return sum;
}

void guest_main(u64 unused, u64 client_entry)
{
    (void)unused;
    (void)client_entry;
    for (;;) {
        tick(1);
        pair.second = triangle(3);
    }
}
