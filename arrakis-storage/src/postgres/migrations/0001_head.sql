CREATE TABLE head (
  id smallint PRIMARY KEY CHECK (id = 1),
  seq bigint NOT NULL,
  at bigint NOT NULL,
  catalog bigint NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0)
