INSERT INTO tenant (id, name, space) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
