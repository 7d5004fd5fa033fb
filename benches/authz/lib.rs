//! Authorization beside Cedar and Casbin. The test holds ours to Cedar's answers; `cargo bench --bench authz` measures all three.
