// SPDX-License-Identifier: Apache-2.0
// The switch's process: takes ports from the daemon (messages of proto/hyper/message.def) and frames from their links.
#ifndef VSWITCH_SERVE_H
#define VSWITCH_SERVE_H

// Until it is told to quit. The program's exit status.
int serve_run(int listen_fd);

#endif
