-- The partitions of entries go with it.
DROP TABLE cursor;
DROP TABLE people;
DROP TABLE epochs;
DROP TABLE entries;
