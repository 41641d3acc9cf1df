-- The history of one canvas: every archived entry, the epochs of the journal, people's names, and
-- how far the archive has come.

-- Numbers without a sign (digest, producer, sequence) are stored with the same 64 bits.
-- `entry` is the entry's offset in the journal. An entry is void, and was lost from the board, when
-- a later epoch has a base below it.
CREATE TABLE entries (
  epoch bigint NOT NULL,
  entry bigint NOT NULL,
  time_ms bigint NOT NULL,
  person bigint NOT NULL,
  digest bigint NOT NULL,
  producer bigint NOT NULL,
  sequence bigint NOT NULL,
  x smallint NOT NULL,
  y smallint NOT NULL,
  color smallint NOT NULL,
  PRIMARY KEY (epoch, entry, time_ms)
) PARTITION BY RANGE (time_ms);

-- The last placements on one pixel: partitions are visited from the newest day backwards.
CREATE INDEX entries_pixel ON entries (x, y, time_ms);
CREATE INDEX entries_time ON entries USING brin (time_ms);

CREATE TABLE epochs (
  epoch bigint PRIMARY KEY,
  base bigint NOT NULL,
  base_digest bigint NOT NULL
);

CREATE TABLE people (
  person bigint PRIMARY KEY,
  name text NOT NULL
);

-- Moves in the transaction that stores the entries up to it.
CREATE TABLE cursor (
  id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  epoch bigint NOT NULL,
  entry bigint NOT NULL,
  digest bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO cursor (epoch, entry, digest) VALUES (0, 0, 0);
