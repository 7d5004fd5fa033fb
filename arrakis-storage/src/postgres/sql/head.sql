SELECT seq, at, catalog FROM head
