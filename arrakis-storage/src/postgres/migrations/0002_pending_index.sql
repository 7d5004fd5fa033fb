CREATE TABLE pending_index (
  name text COLLATE "C" PRIMARY KEY,
  definition text NOT NULL,
  since bigint NOT NULL,
  failure text
)
