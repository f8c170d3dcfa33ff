# SPDX-License-Identifier: Apache-2.0
# Real work in a partition's user space. Prints `CHECK name ok`, `CHECK name FAILED why`, and `CHECKS DONE n ok m failed`.
check() { # NAME STATUS WHY...
    local name=$1 status=$2
    shift 2
    if [ "$status" = 0 ]; then echo "CHECK $name ok"; else echo "CHECK $name FAILED $*"; fi
}
equal() { # NAME GOT KNOWN
    [ "$2" = "$3" ]
    check "$1" $? "got '$2', known '$3'"
}

work() {
    known=e5c4af8d7d1c22381c11b8dcdb8b197a47bb1b757559d94995fda85210845688
    for group in processes memory signals threads floats vectors time perf power9; do
        timeout 300 guest-checks $group
        status=$?
        [ $status = 0 ] || check "$group" 1 "exit status $status"
    done

    # shell pipes and text tools
    equal shell-pipe "$(seq 1 2000 | grep -v 7 | awk '{ s += $1 } END { print s }')" 1414316
    equal shell-sort "$(seq 1 500 | sort -r | head -n 3 | tr '\n' ' ')" "99 98 97 "

    # compression round trips with a known checksum
    guest-checks data 1048576 >/tmp/data
    equal data-sha256 "$(sha256sum </tmp/data | cut -c1-64)" $known
    equal data-crc32 "$(crc32 /tmp/data | cut -d' ' -f1)" 594178f9
    equal gzip "$(gzip -c </tmp/data | gunzip -c | sha256sum | cut -c1-64)" $known
    equal bzip2 "$(head -c 100000 /tmp/data | bzip2 -c | bunzip2 -c | cmp - /tmp/data 2>&1 | grep -c 'EOF on -')" 1
    if [ -x /usr/bin/xz ]; then
        equal xz "$(/usr/bin/xz -1 -c </tmp/data | /usr/bin/xz -dc | sha256sum | cut -c1-64)" $known
    fi
    if [ -x /usr/bin/zstd ]; then
        equal zstd "$(/usr/bin/zstd -q -c </tmp/data | /usr/bin/zstd -q -d -c | sha256sum | cut -c1-64)" $known
    fi
    if [ -x /usr/bin/perl ]; then
        equal perl "$(perl -e '$h{$_ % 97} += $_ ** 1.5 for 1 .. 20000; printf "%.3f", $h{13}')" "234541942.930"
    fi
    if [ -x /usr/bin/perf ]; then
        perf stat -e instructions:u true 2>/tmp/perf
        grep -q instructions /tmp/perf
        check perf-stat $? "$(head -n 3 /tmp/perf | tr '\n' ' ')"
    fi

    # the machine
    equal machine-byte-order "$(printf '\001\000' | od -An -tu2 | tr -d ' ')" 1
    present=$(grep -c ^processor /proc/cpuinfo)
    equal processors-online "$(cat /sys/devices/system/cpu/online)" "$(cat /sys/devices/system/cpu/present)"
    for option in $(cat /proc/cmdline); do
        case $option in
        expect.cpus=*) equal processors-count "$present" "${option#*=}" ;;
        expect.cpu=*) grep -qi "^cpu.*${option#*=}" /proc/cpuinfo; check processor-mode $? "$(grep -m1 '^cpu' /proc/cpuinfo)" ;;
        expect.mmu=*)
            mmu=$(sed -n 's/^MMU[[:space:]]*: *//p' /proc/cpuinfo | tr 'A-Z' 'a-z')
            equal mmu "$mmu" "${option#*=}" ;;
        expect.page=*) equal page-size "$(guest-checks page)" "${option#*=}" ;;
        esac
    done
    model=$(tr -d '\000' </proc/device-tree/model)
    case $model in
    IBM,*) check device-tree-model 0 ;;
    *) check device-tree-model 1 "'$model' is no IBM model" ;;
    esac
    [ "$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)" -gt 100000 ]
    check memory-total $? "$(grep MemTotal /proc/meminfo)"
    [ "$(date +%Y)" -ge 2024 ]
    check date $? "$(date)"
    [ "$(head -c 32 /dev/urandom | sha256sum)" != "$(head -c 32 /dev/urandom | sha256sum)" ]
    check urandom $? "twice the same"
    grep -qE 'XIVE|XICS' /proc/interrupts
    check interrupts $? "no interrupt controller in /proc/interrupts"
    [ $present -lt 2 ] || { # every processor takes timer interrupts and reschedules
        idle=$(awk '/timer event device/ && /^LOC:/ { for (i = 2; i <= n + 1; i++) if ($i == 0) c++ } NR == 1 { n = NF } END { print c + 0 }' /proc/interrupts)
        equal interrupts-everywhere "$idle" 0
    }

    # one processor goes and comes back
    if [ -e /sys/devices/system/cpu/cpu1/online ]; then
        online=/sys/devices/system/cpu/cpu1/online
        echo 0 >$online
        equal processor-stop "$(cat $online) $(grep -c ^processor /proc/cpuinfo)" "0 $((present - 1))"
        echo 1 >$online
        equal processor-start "$(cat $online) $(grep -c ^processor /proc/cpuinfo)" "1 $present"
    fi
    # threads of a core are switched off and on
    threads=$(tr -d '\000' </sys/devices/system/cpu/smt/active 2>/dev/null)
    if [ "$threads" = 1 ] && [ -x /usr/sbin/ppc64_cpu ]; then
        ppc64_cpu --smt=off
        equal smt-off "$(ppc64_cpu --smt 2>&1 | tr 'A-Z' 'a-z')" "smt is off"
        ppc64_cpu --smt=on
        equal smt-on "$(grep -c ^processor /proc/cpuinfo)" "$present"
    fi
    dmesg | grep -E 'BUG:|Oops|WARNING: CPU|soft lockup|rcu.*stall|Call Trace' >/tmp/complaints
    [ ! -s /tmp/complaints ]
    check kernel-quiet $? "$(head -n 2 /tmp/complaints | tr '\n' ' ')"
}

work 2>&1 | tee /tmp/checks
ok=$(grep -c '^CHECK .* ok$' /tmp/checks) failed=$(grep -c '^CHECK .* FAILED' /tmp/checks)
echo "CHECKS DONE $ok ok $failed failed"
