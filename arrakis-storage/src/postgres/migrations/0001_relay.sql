CREATE TABLE relay (
  name text COLLATE "C" PRIMARY KEY,
  cursor bigint NOT NULL,
  epoch bigint NOT NULL,
  holder text,
  until timestamptz NOT NULL
) WITH (fillfactor = 50)
