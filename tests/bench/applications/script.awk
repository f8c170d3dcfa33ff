# SPDX-License-Identifier: Apache-2.0
{
    lines++
    for (i = 1; i <= NF; i++) {
        word = tolower($i)
        gsub(/[^a-z_0-9]/, "", word)
        if (word != "") seen[word]++
        if ($i ~ /^[0-9]+/) total += $i
    }
    width[int(length($0) / 10)]++
}
END {
    for (word in seen) if (seen[word] > most || (seen[word] == most && word < best)) { most = seen[word]; best = word }
    n = asorti(seen, sorted)
    print lines, total, best, most, n, sorted[1], sorted[n], width[3], sprintf("%.3f", log(total + 1))
}
