// SPDX-License-Identifier: Apache-2.0
// The virtual terminal (hvterm1). LoPAR "Virtual Terminal (Vterm)".
#ifndef VDEV_VTY_H
#define VDEV_VTY_H

#include "papr/partition.h"

#define VTY_UNIT 0x30000000u // unit address of the partition's console

// The console has input: raises the adapter's interrupt when the OS enabled it. Any thread.
void vty_input_ready(struct partition *lp);

#endif
