# SPDX-License-Identifier: Apache-2.0
# Only what the shell itself does: arithmetic, arrays, patterns, functions.
declare -A count
collatz() {
    local n=$1 steps=0
    while ((n != 1)); do
        if ((n & 1)); then ((n = 3 * n + 1)); else ((n /= 2)); fi
        ((steps++))
    done
    result=$steps
}
total=0
for ((i = 1; i < 250; i++)); do
    collatz $i
    ((total += result))
done
echo $total
lines=0
while read -r first second rest; do
    ((++lines > 1000)) && break
    case $first in
    \#*) key=directive ;;
    //*) key=comment ;;
    *\;) key=statement ;;
    *) key=${first//[^a-z]/} ;;
    esac
    [[ -n $key ]] && ((count[$key]++))
    text=${second##*.}${rest:0:5}
    [[ $text == *_t* ]] && ((total += ${#text}))
done <text
echo $total ${#count[@]} ${count[comment]} ${count[directive]}
