// SPDX-License-Identifier: Apache-2.0
#include "hmc/grammar.h"

#include <stdlib.h>

#include "base/test.h"

static char why[300];

// "name|op|value ..." of what a record is taken for; "!" and the complaint when it is refused.
static const char *show(const char *text, bool filter)
{
    static char out[1024];
    struct grammar g;
    size_t len = 0;
    *out = 0;
    if (filter ? grammar_filter(&g, text, why, sizeof(why)) : grammar_record(&g, text, why, sizeof(why))) {
        snprintf(out, sizeof(out), "!");
        return out;
    }
    for (u32 i = 0; i < g.len; i++)
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s%s%s", i ? " " : "", g.pairs[i].name,
                                g.pairs[i].change == WIRE_ADD    ? "|+|"
                                : g.pairs[i].change == WIRE_TAKE ? "|-|"
                                                                 : "|=|",
                                g.pairs[i].value);
    grammar_free(&g);
    return out;
}

static void test_records(void)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"name=a,lpar_id=3", "name|=|a lpar_id|=|3"},
        {"name=a b", "name|=|a b"},
        {"\"list=1,2\",name=a", "list|=|1,2 name|=|a"},
        {"\\\"list=1,2\\\",name=a", "list|=|1,2 name|=|a"},
        {"\"fc=\"\"5/1/2/30,31/1\"\",6\"", "fc|=|\"5/1/2/30,31/1\",6"},
        {"slots+=5/0,slots2-=6", "slots|+|5/0 slots2|-|6"},
        {"\"boot_args=console=hvc0 quiet\"", "boot_args|=|console=hvc0 quiet"},
        {"description=", "description|=|"},
        {"name", "!"},
        {"=a", "!"},
        {"+=a", "!"},
        {"name=a,", "!"},
        {"name=a,,x=1", "!"},
        {"na-me=a", "!"},
        {"args=a=b", "!"},
        {"\"name=a", "!"},
        {"na\"me=a", "!"},
        {"\"name=a\"x,b=1", "!"},
        {"", "!"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        if (strcmp(show(cases[i].text, false), cases[i].want))
            printf("# %s\n", cases[i].text);
        CHECK_STR(show(cases[i].text, false), cases[i].want);
    }
}

static void test_complaints_name_the_pair(void)
{
    struct grammar g;
    CHECK(grammar_record(&g, "name=a,wrong", why, sizeof(why)) < 0 && strstr(why, "wrong"));
    CHECK(grammar_record(&g, "boot_args=a=b", why, sizeof(why)) < 0 && strstr(why, "boot_args"));
}

static void test_filters(void)
{
    CHECK_STR(show("lpar_names=a", true), "lpar_names|=|a");
    CHECK_STR(show("lpar_names=a,b", true), "lpar_names|=|a lpar_names|=|b");
    CHECK_STR(show("\"lpar_names=a,b\",profile_names=p", true), "lpar_names|=|a lpar_names|=|b profile_names|=|p");
    CHECK_STR(show("lpar_ids=1,lpar_names=x", true), "lpar_ids|=|1 lpar_names|=|x");
    CHECK_STR(show("a,b", true), "!");
    CHECK_STR(show("lpar_names+=a", true), "!");
}

static const char *written(const char *name, const char *value, char delimiter)
{
    static char text[256];
    FILE *f = fmemopen(text, sizeof(text), "w");
    grammar_write(f, name, value, delimiter);
    fclose(f);
    return text;
}

static void test_output(void)
{
    CHECK_STR(written("name", "web01", ','), "name=web01");
    CHECK_STR(written("ids", "10,11", ','), "\"ids=10,11\"");
    CHECK_STR(written("fc", "\"5/1,2/1\",6", ','), "\"fc=\"\"5/1,2/1\"\",6\"");
    CHECK_STR(written(NULL, "10,11", ','), "\"10,11\"");
    CHECK_STR(written(NULL, "10,11", ':'), "10,11");
    CHECK_STR(written(NULL, "a:b", ':'), "\"a:b\"");
}

static void test_fields(void)
{
    static struct grammar_fields f;
    CHECK_EQ(grammar_fields(&f, "name"), 0);
    CHECK_EQ(f.len, 1);
    CHECK_EQ(grammar_fields(&f, "name:state:lpar_id"), 0);
    CHECK(f.len == 3 && f.delimiter == ':' && strcmp(f.names[2], "lpar_id") == 0);
    CHECK(grammar_fields(&f, "name,") < 0 && grammar_fields(&f, "") < 0 && grammar_fields(&f, "a,b:c") < 0);
}

int main(void)
{
    TEST(test_records);
    TEST(test_complaints_name_the_pair);
    TEST(test_filters);
    TEST(test_output);
    TEST(test_fields);
    return test_done();
}
