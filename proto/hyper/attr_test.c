// SPDX-License-Identifier: Apache-2.0
#include "proto/hyper/attr.h"

#include "base/test.h"

static char why[2300];

static int parse(enum object object, const char *name, const char *text, struct wire_value *v)
{
    return attr_parse(attr_find(object, name), text, v, why, sizeof(why));
}

static void test_objects_are_in_one_piece(void)
{
    u32 sum = 0, len;
    for (unsigned o = 1; o < OBJECTS; o++) {
        const struct attr *attrs = attr_list(o, &len);
        CHECK(len > 0);
        for (u32 i = 0; i < len; i++) {
            CHECK(attr_find(o, attrs[i].name) == &attrs[i]); // no name twice
            CHECK(*attrs[i].help);
        }
        sum += len;
    }
    CHECK(attr_list(OBJECTS - 1, &len) + len - attr_list(OBJECT_SYS, &len) == sum);
    CHECK(!attr_find(OBJECT_LPAR, "UUID") && attr_find(OBJECT_LPAR, "uuid"));
}

static void test_first_values_are_valid(void)
{
    for (unsigned o = 1; o < OBJECTS; o++) {
        u32 len;
        const struct attr *attrs = attr_list(o, &len);
        for (u32 i = 0; i < len; i++) {
            struct wire_value v;
            char text[WIRE_TEXT_MAX];
            if (!attrs[i].initial)
                continue;
            CHECK(attr_parse(&attrs[i], attrs[i].initial, &v, why, sizeof(why)) == 0);
            attr_format(&attrs[i], &v, text, sizeof(text));
            if (attrs[i].type != ATTR_LIST)
                CHECK_STR(text, attrs[i].initial);
        }
    }
}

static void test_units(void)
{
    static const struct {
        const char *text;
        int err;
        u64 units;
    } cases[] = {{"0.05", 0, 5},   {"1", 0, 100}, {"1.5", 0, 150}, {"10.00", 0, 1000},
                 {"0.055", -1, 0}, {"1.", -1, 0}, {".5", -1, 0},   {"", -1, 0},
                 {"1.5.0", -1, 0}, {"-1", -1, 0}, {"1e2", -1, 0},  {"99999999999999999999999", -1, 0}};
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        u64 units = 0;
        CHECK(!attr_parse_units(cases[i].text, &units) == !cases[i].err);
        if (!cases[i].err)
            CHECK_EQ(units, cases[i].units);
    }
}

static void test_values(void)
{
    static const struct {
        const char *name, *text;
        bool ok;
    } cases[] = {
        {"min_mem", "256", true},
        {"min_mem", "0", false},
        {"min_mem", "1G", false},
        {"min_mem", "-1", false},
        {"min_mem", "", false},
        {"sharing_mode", "cap", true},
        {"sharing_mode", "c", false},
        {"sharing_mode", "cap|uncap", false},
        {"sharing_mode", "", false},
        {"uncap_weight", "255", true},
        {"uncap_weight", "256", false},
        {"boot_image", "/x y", true},
        {"boot_image", "x", false},
        {"boot_image", "", true},
        {"boot_args", "a=b,c", true},
        {"boot_args", "a\nb", false},
        {"name", "prof 1", true},
        {"name", "a;b", false},
        {"name", "12345678901234567890123456789012", false},
        {"name", "", false},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct wire_value v;
        why[0] = 0;
        bool ok = parse(OBJECT_PROF, cases[i].name, cases[i].text, &v) == 0;
        if (ok != cases[i].ok)
            printf("# %s=%s\n", cases[i].name, cases[i].text);
        CHECK_EQ(ok, cases[i].ok);
        CHECK(ok || strstr(why, "expected") || strstr(why, "name has"));
    }
}

static void test_writing(void)
{
    struct wire_value v;
    char text[64];
    CHECK_EQ(parse(OBJECT_PROF, "min_proc_units", "1.5", &v), 0);
    attr_format(attr_find(OBJECT_PROF, "min_proc_units"), &v, text, sizeof(text));
    CHECK_STR(text, "1.50");
    CHECK_EQ(parse(OBJECT_PROF, "io_slots", "none", &v), 0);
    CHECK_EQ(v.kind, WIRE_LIST);
    attr_format(attr_find(OBJECT_PROF, "io_slots"), &v, text, sizeof(text));
    CHECK_STR(text, "none");
    CHECK_EQ(parse(OBJECT_LPAR, "default_profile", "null", &v), 0);
    CHECK_EQ(v.kind, WIRE_NULL);
}

static void test_wrong_kinds_are_refused(void)
{
    struct wire_value num = {.kind = WIRE_NUM, .num = 1}, text = {.kind = WIRE_TEXT, .text = "1"},
                      null = {.kind = WIRE_NULL};
    CHECK(attr_check(attr_find(OBJECT_PROF, "min_mem"), &text, why, sizeof(why)) < 0);
    CHECK(attr_check(attr_find(OBJECT_PROF, "min_mem"), &null, why, sizeof(why)) < 0);
    CHECK(attr_check(attr_find(OBJECT_PROF, "boot_args"), &num, why, sizeof(why)) < 0);
    CHECK(attr_check(attr_find(OBJECT_PROF, "boot_args"), &null, why, sizeof(why)) < 0);
}

static void test_system_names(void)
{
    CHECK(attr_system_name_valid("prod-1.a_B"));
    CHECK(!attr_system_name_valid("") && !attr_system_name_valid("..") && !attr_system_name_valid("a/b") &&
          !attr_system_name_valid("-x") && !attr_system_name_valid("a b"));
}

int main(void)
{
    TEST(test_objects_are_in_one_piece);
    TEST(test_first_values_are_valid);
    TEST(test_units);
    TEST(test_values);
    TEST(test_writing);
    TEST(test_wrong_kinds_are_refused);
    TEST(test_system_names);
    return test_done();
}
