// SPDX-License-Identifier: Apache-2.0
#ifndef VIOS_SANDBOX_H
#define VIOS_SANDBOX_H

// Everything is open: from now on this process opens no file, makes no connection and no other process. 0 or a negative errno.
int sandbox_enter(void);

#endif
