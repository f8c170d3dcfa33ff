// SPDX-License-Identifier: Apache-2.0
// Reference codes: what lsrefcode and lsevents show. Partition firmware's progress codes begin with CA00, the hypervisor's
// with C2 (progress) and B2 (errors), as on PowerVM; the numbers behind them are ours.
#ifndef HYPER_REFCODE_H
#define HYPER_REFCODE_H

#define REFCODE_SYSTEM_DEFINED     "C1001000"
#define REFCODE_SYSTEM_STARTED     "C1001F00" // the daemon runs
#define REFCODE_SYSTEM_STOPPED     "C1002000"
#define REFCODE_PROCESSOR_REPAIRED "C1003000"
#define REFCODE_LED_ON             "C1004000" // by an operator
#define REFCODE_LPAR_DEFINED       "C2001000"
#define REFCODE_LPAR_REMOVED       "C2001001"
#define REFCODE_LPAR_ACTIVATED     "C2001010" // its process is made
#define REFCODE_LPAR_FIRMWARE      "CA00E101" // memory and processors are there
#define REFCODE_LPAR_SMS           "AA00E1A9" // in firmware's menus
#define REFCODE_LPAR_PROMPT        "AA00E1A8" // at firmware's prompt
#define REFCODE_LPAR_RUNNING       ""         // blank while the operating system runs
#define REFCODE_LPAR_POWERED_OFF   "00000000"
#define REFCODE_LPAR_ADOPTED       "C2001020" // found running by a new daemon
#define REFCODE_LPAR_REBOOTED      "C2001030"
#define REFCODE_LPAR_DUMP          "C2001040"
#define REFCODE_LPAR_DYNAMIC       "C2001050" // what it has was changed while it runs
#define REFCODE_LPAR_CRASHED       "B2001100" // the operating system ended itself, or a processor cannot go on
#define REFCODE_LPAR_PROCESS       "B2001200" // its process died
#define REFCODE_LPAR_PROTOCOL      "B2001210" // its process sent what is no message: dropped
#define REFCODE_LPAR_LOST          "B2001220" // its process was gone when the daemon came back
#define REFCODE_LPAR_OVERDRAWN     "B2001230" // its process used processors that it was not given
#define REFCODE_PROCESSOR_FAILED   "B2001300" // a physical one
#define REFCODE_NETWORK            "B2001400" // something of the virtual Ethernet
#define REFCODE_LPAR_BOOT          "B2008105" // the boot image cannot be loaded

#endif
