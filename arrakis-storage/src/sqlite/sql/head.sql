SELECT seq, at FROM head
