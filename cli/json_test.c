// SPDX-License-Identifier: Apache-2.0
#include "cli/json.h"

#include <stdlib.h>

#include "base/test.h"
#include "cli/exporter_cmd.h"

static void test_text(void)
{
    static const struct {
        const char *text, *json;
    } cases[] = {{"", "\"\""},
                 {"a b", "\"a b\""},
                 {"\"\\\n\x01\x7f", "\"\\\"\\\\\\u000a\\u0001\\u007f\""},
                 {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
                 {"\xff", "\"\\ufffd\""},
                 {"\xc3", "\"\\ufffd\""},
                 {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},
                 {"\xe2\x82\xac", "\"\xe2\x82\xac\""}};
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = NULL;
        size_t size;
        FILE *to = open_memstream(&text, &size);
        json_text(to, cases[i].text);
        fclose(to);
        CHECK_STR(text, cases[i].json);
        free(text);
    }
}

static void test_addresses(void)
{
    bool ipv6;
    u16 port;
    CHECK(exporter_parse_listen("127.0.0.1:9817", &ipv6, &port) && !ipv6 && port == 9817);
    CHECK(exporter_parse_listen("[::1]:65535", &ipv6, &port) && ipv6 && port == 65535);
    CHECK(exporter_parse_listen("80", &ipv6, &port) && !ipv6 && port == 80);
    CHECK(exporter_parse_listen("localhost:0", &ipv6, &port) && port == 0);
    CHECK(!exporter_parse_listen("0.0.0.0:80", &ipv6, &port) && !exporter_parse_listen("127.0.0.1", &ipv6, &port));
    CHECK(!exporter_parse_listen("", &ipv6, &port) && !exporter_parse_listen("65536", &ipv6, &port));
    CHECK(!exporter_parse_listen("127.0.0.1:", &ipv6, &port) && !exporter_parse_listen("127.0.0.1:8x", &ipv6, &port));
}

int main(void)
{
    TEST(test_text);
    TEST(test_addresses);
    return test_done();
}
