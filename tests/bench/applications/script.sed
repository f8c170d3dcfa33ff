# SPDX-License-Identifier: Apache-2.0
s/\([a-z]*\)_\([a-z]*\)(/\2_\1 (/g
/^#/d
/static/{
N
s/\n */ /
}
y/abc/ABC/
s/0x[0-9a-f]\{4,\}/NUMBER/2
$!{h;d}
x
G
