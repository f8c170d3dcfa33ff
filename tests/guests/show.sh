# SPDX-License-Identifier: Apache-2.0
# Shows the machine from inside.
show() { echo; echo "\$ $*"; "$@" 2>&1; }
show uname -a
show cat /proc/cpuinfo
show free -m
[ ! -x /usr/bin/lscpu ] || show lscpu
show cat /proc/device-tree/model; echo
show cat /proc/interrupts
show sh -c 'guest-checks data 1000000 | gzip -c | gunzip -c | sha256sum'
show guest-checks processes floats
echo
echo "SHOW DONE"
