-- SPDX-License-Identifier: Apache-2.0
CREATE TABLE part (id INTEGER PRIMARY KEY, kind TEXT, weight INTEGER, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 15000)
INSERT INTO part SELECT i, 'kind' || (i * 7919 % 83), (i * 104729) % 1009, 'part number ' || i || ' of the list' FROM n;
CREATE INDEX part_kind ON part (kind, weight);
CREATE TABLE stock (part INTEGER, place INTEGER, count INTEGER);
INSERT INTO stock SELECT id, weight % 17, id % 29 FROM part WHERE id % 3 = 0;
CREATE INDEX stock_part ON stock (part);
SELECT kind, count(*), sum(weight), max(note) FROM part GROUP BY kind ORDER BY 3 DESC LIMIT 5;
SELECT place, sum(count * weight) FROM stock JOIN part ON part.id = stock.part GROUP BY place ORDER BY place;
UPDATE part SET weight = weight + 1 WHERE kind IN ('kind3', 'kind7', 'kind11');
DELETE FROM stock WHERE count < 5;
SELECT count(*), sum(length(note)) FROM part WHERE note LIKE '%99%' OR note LIKE '%1_3%';
SELECT a.kind, b.kind, count(*) FROM part a JOIN part b ON a.kind = b.kind AND a.weight = b.weight GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT 3;
