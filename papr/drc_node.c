// SPDX-License-Identifier: Apache-2.0
// The node behind a connector, as ibm,configure-connector hands it out.
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "papr/drc.h"
#include "papr/of.h"
#include "papr/tree.h"
#include "papr/vdev_ops.h"

// Of the tree that the OS has taken over: it may have changed it before that, but it does so no more.
static void *copy(const void *fdt)
{
    void *mine = malloc(fdt_totalsize(fdt));
    if (mine)
        memcpy(mine, fdt, fdt_totalsize(fdt));
    return mine;
}

void *drc_node_tree(struct partition *lp, u32 index, int *node)
{
    if ((index & 0xf0000000u) == DRC_CPU) // it may be none of the tree's: not there at boot
        return tree_build_cpu(lp, (index - DRC_CPU) / lp->config.threads, node);
    if (index > DRC_VIO && index < DRC_VIO + VIO_SLOTS) // likewise
        return tree_build_slot(lp, index - DRC_VIO, node);
    void *fdt = copy(of_tree(lp));
    if (!fdt)
        return NULL;
    be32 value = be32_of(index);
    // Blocks share one description: what they tell the OS is where they are near.
    *node = index >= DRC_LMB ? fdt_path_offset(fdt, "/memory@0")
                             : fdt_node_offset_by_prop_value(fdt, -1, "ibm,my-drc-index", &value, sizeof(value));
    if (*node >= 0)
        return fdt;
    free(fdt);
    return NULL;
}
