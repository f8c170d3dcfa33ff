// SPDX-License-Identifier: Apache-2.0
#include "ipc/shut_in.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/types.h"

static int limit(unsigned rights)
{
    const struct rlimit none = {0, 0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || setrlimit(RLIMIT_CORE, &none) ||
        (!(rights & SHUT_IN_WRITE_FILES) && setrlimit(RLIMIT_FSIZE, &none)))
        return -errno;
    return 0;
}

int shut_in(const int *calls, unsigned len, unsigned rights)
{
    int err = limit(rights);
    if (err)
        return err;
    scmp_filter_ctx filter = seccomp_init(rights & SHUT_IN_REFUSE ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return -ENOMEM;
    for (unsigned i = 0; !err && i < len; i++)
        err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    struct scmp_arg_cmp reading = {
        .arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = O_WRONLY | O_RDWR | O_CREAT, .datum_b = 0};
    if (!err && (rights & SHUT_IN_READ_FILES))
        err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, &reading);
    if (!err)
        err = seccomp_load(filter);
    seccomp_release(filter);
    return err;
}
