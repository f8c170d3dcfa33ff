# SPDX-License-Identifier: Apache-2.0
# Classes, dictionaries, lists, generators, big integers.
class Node:
    __slots__ = ('key', 'left', 'right')

    def __init__(self, key):
        self.key, self.left, self.right = key, None, None


def insert(root, key):
    while True:
        side = 'left' if key < root.key else 'right'
        child = getattr(root, side)
        if child is None:
            setattr(root, side, Node(key))
            return
        root = child


def walk(node):
    if node is not None:
        yield from walk(node.left)
        yield node.key
        yield from walk(node.right)


def queens(n, row=0, columns=0, up=0, down=0):
    if row == n:
        return 1
    return sum(queens(n, row + 1, columns | 1 << c, (up | 1 << c) << 1, (down | 1 << c) >> 1)
               for c in range(n) if not (columns | up | down) >> c & 1)


state = 1
root = Node(0)
for _ in range(6000):
    state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
    insert(root, state >> 40)
print(sum(i * key for i, key in enumerate(walk(root))) % 1000003)
print(queens(7))
words = {}
with open('text') as text:
    for number, line in enumerate(text):
        if number == 6000:
            break
        for word in line.split():
            words[word] = words.get(word, 0) + 1
print(sorted(words.items(), key=lambda item: (-item[1], item[0]))[:12])
print(str(3 ** 4000)[:40], sum(x * x for x in range(60000)))
