//! Authorization beside Cedar and Casbin. The test holds ours to Cedar's answers; `cargo bench -p arrakis-authz` measures all three.
