// SPDX-License-Identifier: Apache-2.0
#include "hmc/vterm.h"

#include "base/test.h"

// What is left of text that comes in pieces of `step` bytes; a # at its end says that the session ended.
static const char *filtered(const char *text, size_t step)
{
    static char out[128];
    size_t kept = 0, len = strlen(text);
    int state = 0;
    bool end = false;
    for (size_t at = 0; at < len && !end; at += step) {
        u8 data[64];
        size_t size = MIN(step, len - at);
        memcpy(data, text + at, size);
        size = vterm_filter(data, size, &state, &end);
        memcpy(out + kept, data, size);
        kept += size;
    }
    out[kept] = end ? '#' : 0;
    out[kept + 1] = 0;
    return out;
}

static void test_escape(void)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"ls\r", "ls\r"}, {"~.", "#"},      {"ls\r~.more", "ls\r#"}, {"a~.b", "a~.b"},
        {"~~x", "~x"},    {"~x~.", "~x~."}, {"\n~\r", "\n~\r"},      {"~\r~.", "~\r#"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t step = 1; step < 5; step++)
            CHECK_STR(filtered(cases[i].in, step), cases[i].out);
}

int main(void)
{
    TEST(test_escape);
    return test_done();
}
