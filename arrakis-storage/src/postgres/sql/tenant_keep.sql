SELECT set_config('arrakis.tenant', $1, false)
