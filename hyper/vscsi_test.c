// SPDX-License-Identifier: Apache-2.0
#include "hyper/vscsi.h"

#include <string.h>

#include "base/test.h"

static struct vscsi_adapter a[VSCSI_ADAPTERS_MAX];
static char why[256];

static void test_adapters(void)
{
    CHECK_EQ(vscsi_parse("", a, why, sizeof(why)), 0);
    CHECK_EQ(vscsi_parse("none", a, why, sizeof(why)), 0);
    CHECK_EQ(vscsi_parse("4/client/2/vios1/14/1,\"5/client//vios2/15/0\",14/server/any//any/1,15/server/3/web/4/0", a,
                         why, sizeof(why)),
             4);
    CHECK(a[0].slot == 4 && !a[0].server && a[0].remote_id == 2 && a[0].remote_slot == 14 && a[0].required);
    CHECK_STR(a[0].remote_name, "vios1");
    CHECK(a[1].slot == 5 && a[1].remote_id == VSCSI_ANY && a[1].remote_slot == 15 && !a[1].required);
    CHECK(a[2].server && a[2].remote_id == VSCSI_ANY && !*a[2].remote_name && a[2].remote_slot == VSCSI_ANY);
    CHECK(a[3].server && a[3].remote_id == 3 && a[3].remote_slot == 4);
}

static void test_refusals(void)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"4/client/2/vios1/14", "remote-slot/required"},
        {"4/client/2/vios1/14/1/1", "remote-slot/required"},
        {"1/client/2/vios1/14/1", "none of 2 to"},
        {"64/client/2/vios1/14/1", "none of 2 to"},
        {"4/peer/2/vios1/14/1", "client or server"},
        {"4/client/any//14/1", "names its server"},
        {"4/client/2/vios1/any/1", "names its server"},
        {"4/client/2//1/1", "slot is 2 to"},
        {"4/client/0/vios1/14/1", "number is 1 to"},
        {"4/client/2/vi$os/14/1", "no name"},
        {"4/client/2/vios1/14/2", "0 or 1"},
        {"4/client/2/v/14/1,4/server/any//any/0", "two adapters"},
        {"4/client/2/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/14/1", "remote-slot/required"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_EQ(vscsi_parse(rows[i].text, a, why, sizeof(why)), -1);
        CHECK(strstr(why, rows[i].why) != NULL);
    }
}

// A system of a server (1) and two clients (2, 3) that is in memory only.
static struct lp *partition(struct sys *sys, u32 id, const char *name, const char *env, const char *adapters)
{
    struct lp *lp = lp_new(id);
    rec_set_text(lp->rec, "name", name);
    rec_set_text(lp->rec, "lpar_env", env);
    lp->current = rec_new(OBJECT_PROF);
    rec_set(lp->current, "virtual_scsi_adapters", (struct wire_value){.kind = WIRE_LIST, .text = adapters});
    sys_insert(sys, lp);
    return lp;
}

static void test_pairs(void)
{
    static struct sys sys;
    struct vscsi_adapter c[VSCSI_ADAPTERS_MAX], s[VSCSI_ADAPTERS_MAX];
    struct lp *vios =
                  partition(&sys, 1, "vios1", "vioserver", "10/server/2//4/0,11/server/any//any/0,12/server//b/any/0"),
              *x = partition(&sys, 2, "a", "aixlinux", "4/client/1/vios1/10/1,5/client//vios1/11/1,6/client/1//12/1"),
              *y = partition(&sys, 3, "b", "aixlinux", "4/client/1/vios1/10/1,5/client/1//11/1,6/client/1//12/1");
    CHECK_EQ(vscsi_of(vios, s), 3);
    CHECK_EQ(vscsi_of(x, c), 3);
    CHECK(vscsi_pair(&sys, x, &c[0], vios, &s[0]));
    CHECK(vscsi_pair(&sys, x, &c[1], vios, &s[1]));
    CHECK(!vscsi_pair(&sys, x, &c[2], vios, &s[2])); // for b alone
    CHECK(!vscsi_pair(&sys, x, &c[0], vios, &s[1])); // another slot
    CHECK_EQ(vscsi_of(y, c), 3);
    CHECK(!vscsi_pair(&sys, y, &c[0], vios, &s[0])); // for partition 2 alone
    CHECK(vscsi_pair(&sys, y, &c[1], vios, &s[1]));
    CHECK(vscsi_pair(&sys, y, &c[2], vios, &s[2]));

    struct answer answer = {0};
    CHECK_EQ(vscsi_check(&sys, x, x->current, &answer), 0);
    CHECK_EQ(vscsi_check(&sys, vios, vios->current, &answer), 0);
    CHECK_EQ(vscsi_check(&sys, vios, x->current, &answer), -1); // client adapters of a server
    CHECK_EQ(vscsi_check(&sys, y, vios->current, &answer), 0);  // an operating system that serves
    static const char *const refused[] = {"4/client/1/other/10/1", "4/client/9//10/1", "4/client//none/10/1",
                                          "4/client/2//10/1"}; // the last: itself
    for (unsigned i = 0; i < ARRAY_LEN(refused); i++) {
        rec_set(x->current, "virtual_scsi_adapters", (struct wire_value){.kind = WIRE_LIST, .text = refused[i]});
        CHECK_EQ(vscsi_check(&sys, x, x->current, &answer), -1);
    }
    for (u32 i = 0; i < 3; i++) {
        struct lp *lp = sys.lps[0];
        sys_take_out(&sys, lp);
        lp_free(lp);
    }
}

int main(void)
{
    TEST(test_adapters);
    TEST(test_refusals);
    TEST(test_pairs);
    return test_done();
}
