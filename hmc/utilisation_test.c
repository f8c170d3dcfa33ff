// SPDX-License-Identifier: Apache-2.0
#include "hmc/utilisation.h"

#include <stdlib.h>
#include <time.h>

#include "base/test.h"

#define NOW 1764590400 // 1 December 2025, 12:00 UTC

static s64 since, until;

static int span(struct options o)
{
    since = until = -1;
    return utilisation_span(&o, NOW, &since, &until);
}

static void test_spans(void)
{
    CHECK_EQ(span((struct options){.days = NULL}), 0);
    CHECK(since == 0 && until == INT64_MAX);
    CHECK_EQ(span((struct options){.days = "1", .hours = "2", .minutes = "3"}), 0);
    CHECK_EQ(since, NOW - 86400 - 7200 - 180);
    CHECK_EQ(span((struct options){.startyear = "2025", .startmonth = "11", .endyear = "2025", .endmonth = "11"}), 0);
    CHECK_EQ(since, 1761955200);     // 1 November, 00:00:00
    CHECK_EQ(until, 1764547200 - 1); // 30 November, 23:59:59
    CHECK_EQ(span((struct options){.startmonth = "12", .startday = "1", .starthour = "11", .startminute = "59"}), 0);
    CHECK_EQ(since, NOW - 60);
    CHECK_EQ(span((struct options){.endyear = "2024", .endmonth = "2"}), 0);
    CHECK_EQ(until, 1709251199); // 29 February 2024
}

static void test_what_is_no_span(void)
{
    CHECK(span((struct options){.days = "x"}));
    CHECK(span((struct options){.days = ""}));
    CHECK(span((struct options){.hours = "-1"}));
    CHECK(span((struct options){.startyear = "2025", .startmonth = "13"}));
    CHECK(span((struct options){.startyear = "2025", .startmonth = "2", .startday = "29"}));
    CHECK(span((struct options){.startyear = "99999999999999999999"}));
    CHECK(span((struct options){.startyear = "2025", .endyear = "2024"}));
    CHECK(span((struct options){.startyear = "2025", .days = "1"}));
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    if (!freopen("/dev/null", "w", stderr))
        return 1;
    TEST(test_spans);
    TEST(test_what_is_no_span);
    return test_done();
}
