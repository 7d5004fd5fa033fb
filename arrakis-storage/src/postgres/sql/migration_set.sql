INSERT INTO migration (module, version) VALUES ($1, $2) ON CONFLICT (module) DO UPDATE SET version = $2
