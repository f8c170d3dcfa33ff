// SPDX-License-Identifier: Apache-2.0
// The virtual terminal (hvterm1). LoPAR "Virtual Terminal (Vterm)".
#ifndef VDEV_VTY_H
#define VDEV_VTY_H

#include "papr/vdev_ops.h"

// Attaches the partition's console to its bus; after partition_init() and after each partition_reset(). 0 or a negative errno.
int vty_init(struct partition *lp);
void vty_fini(struct partition *lp);

// The console has input: raises the adapter's interrupt when the OS enabled it. Any thread.
void vty_input_ready(struct partition *lp);

// Sends output that the console would not take before: for whoever drains it, and at the partition's end. True when none is left.
bool vty_flush(struct partition *lp);

#endif
