CREATE TABLE space (
  id uuid PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE
)
