# SPDX-License-Identifier: Apache-2.0
# Runs in the partition: each line of /bench.list is a name and a command. The driver takes the host's time when a START and
# an END line arrive on the console; a program of tests/bench/work prints its own, another command's output is summed up.
echo "MARK user-space"
PATH=/bench:$PATH
export LC_ALL=C
cd /tmp || exit
while read -r name command; do
    case $command in
    'work'* | 'vector'*) $command ;;
    *)
        echo "START $name"
        sum=$(eval "$command" 2>&1 | cksum)
        echo "END $name ${sum% *} 0"
        ;;
    esac </dev/null
done </bench.list
echo "MARK done"
