-- Checkpoints of the board, so that it can be made again without reading the whole history.
CREATE TABLE boards (
  epoch bigint NOT NULL,
  entry bigint NOT NULL,
  digest bigint NOT NULL,
  width integer NOT NULL,
  height integer NOT NULL,
  colors bytea NOT NULL,
  PRIMARY KEY (epoch, entry),
  CHECK (octet_length(colors) = width * height)
);
