# SPDX-License-Identifier: Apache-2.0
# Makes the tables of run-bench: awk -v sides="qemu auto" -v json=FILE -f report.awk WORKLOADS RESULTS
# WORKLOADS has lines `group name command`, RESULTS `side run name wall cpu sum value`, times in microseconds.
# The status is 1 when sides disagree about a sum.

FNR == NR { order[++count] = $2; group[$2] = $1; if (!($1 in seen_group)) { seen_group[$1] = 1; groups[++group_count] = $1 }; next }
{
    key = $1 SUBSEP $3
    walls[key] = walls[key] " " $4
    cpus[key] = cpus[key] " " $5
    check($1, $3, $6, $7)
}

# Sides that emulate agree to the bit; the host fuses other floating-point operations and agrees in six digits.
function check(side, name, sum, value) {
    if (side == "native" && value != 0) {
        if ((name in guest_value) && !close_to(guest_value[name], value)) differ(name, side, value, guest_value[name])
        return
    }
    if (value != 0) guest_value[name] = value
    if (sum == "-") return
    sum = substr(sum, 1, 16)
    if (!(name in known)) { known[name] = sum; known_side[name] = side }
    else if (known[name] != sum) differ(name, side, sum, known[name] " of " known_side[name])
}
function close_to(a, b) { return (a - b) * (a - b) <= 1e-9 * (a * a + b * b) }
function differ(name, side, sum, other) {
    printf "run-bench: %s: the result of %s is %s, not %s\n", name, side, sum, other >"/dev/stderr"
    wrong = 1
}

function median(list,    values, n, i, j, t) {
    n = split(list, values, " ")
    if (!n) return 0
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && values[j] + 0 < values[j - 1] + 0; j--) { t = values[j]; values[j] = values[j - 1]; values[j - 1] = t }
    return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
}
function wall(side, name) { return (side, name) in walls ? median(walls[side, name]) : 0 }
function cpu(side, name) { return (side, name) in cpus ? median(cpus[side, name]) : 0 }
function milliseconds(t) { return t ? sprintf("%.1f", t / 1000) : "-" }
function ratio(a, b) { return a && b ? sprintf("%.2f", a / b) : "-" }
function add(column, a, b) { if (a && b) { logs[column] += log(a / b); terms[column]++ } }
function mean(column,    result) {
    result = terms[column] ? sprintf("%.2f", exp(logs[column] / terms[column])) : "-"
    logs[column] = terms[column] = 0
    return result
}

# For each workload: our time and the host's, then for each other side its times and how many times as long it takes.
END {
    n = split(sides, side, " ")
    ours = side[1] == "qemu" ? side[2] : side[1]
    title = sprintf("%-20s %9s %9s %9s %7s %7s", "", "native", "openlpar", "cpu", "/native", "cpu")
    for (s = 1; s <= n; s++) {
        if (side[s] == ours) continue
        short = side[s]; sub(/.*\//, "", short)
        title = title sprintf(" | %9s %9s %7s %7s", short, "cpu", "ratio", "cpu")
    }
    for (g = 1; g <= group_count; g++) {
        printf "\n%s\n%s\n", groups[g], title
        for (i = 1; i <= count; i++) {
            name = order[i]
            if (group[name] != groups[g]) continue
            add("native", wall(ours, name), wall("native", name))
            add("nativecpu", cpu(ours, name), cpu("native", name))
            printf "%-20s %9s %9s %9s %7s %7s", name, milliseconds(wall("native", name)), milliseconds(wall(ours, name)),
                milliseconds(cpu(ours, name)), ratio(wall(ours, name), wall("native", name)), ratio(cpu(ours, name), cpu("native", name))
            for (s = 1; s <= n; s++) {
                if (side[s] == ours) continue
                add(s, wall(side[s], name), wall(ours, name))
                add(s "cpu", cpu(side[s], name), cpu(ours, name))
                printf " | %9s %9s %7s %7s", milliseconds(wall(side[s], name)), milliseconds(cpu(side[s], name)),
                    ratio(wall(side[s], name), wall(ours, name)), ratio(cpu(side[s], name), cpu(ours, name))
            }
            print ""
        }
        printf "%-20s %9s %9s %9s %7s %7s", "geometric mean", "", "", "", mean("native"), mean("nativecpu")
        for (s = 1; s <= n; s++) if (side[s] != ours) printf " | %9s %9s %7s %7s", "", "", mean(s), mean(s "cpu")
        print ""
    }
    if (json != "") write_json()
    exit wrong
}

function numbers(list,    out) { out = list; sub(/^ /, "", out); gsub(/ /, ", ", out); return "[" out "]" }
function write_json(    i, key, part, first, inner) {
    printf "{\"revision\": \"%s\", \"unit\": \"microseconds\", \"workloads\": [", revision >json
    for (i = 1; i <= count; i++) {
        printf "%s\n  {\"group\": \"%s\", \"name\": \"%s\", \"sides\": {", (i > 1 ? "," : ""), group[order[i]], order[i] >json
        inner = 0
        for (key in walls) {
            split(key, part, SUBSEP)
            if (part[2] != order[i]) continue
            printf("%s\"%s\": {\"wall\": %s, \"cpu\": %s}", (inner++ ? ", " : ""), part[1], numbers(walls[key]), numbers(cpus[key])) >json
        }
        printf "}}" >json
    }
    print "\n]}" >json
    close(json)
}
