# SPDX-License-Identifier: Apache-2.0
# Programs started by a shell, alone, in pipes and for their output.
i=0
while [ $i -lt 60 ]; do
    /bin/true
    name=$(basename "/tmp/file$i.txt" .txt)
    echo "$name" | cat | grep -c file
    i=$((i + 1))
done | sort | uniq -c | tr -s ' '
for i in 1 2 3 4 5 6 7 8 9 10; do expr $i \* $i; done | tail -n 1
