//! The statements that never change, each in a file of its own.

macro_rules! statements {
    ($($name:ident = include_str!($file:literal);)*) => {
        $(pub(super) const $name: &str = include_str!($file);)*

        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

statements! {
    COMMIT = include_str!("sql/commit.sql");
    ROLLBACK = include_str!("sql/rollback.sql");
    SAVEPOINT = include_str!("sql/savepoint.sql");
    SAVEPOINT_RELEASE = include_str!("sql/savepoint_release.sql");
    SAVEPOINT_ROLLBACK = include_str!("sql/savepoint_rollback.sql");
    HEAD = include_str!("sql/head.sql");
    HEAD_INSERT = include_str!("sql/head_insert.sql");
    META = include_str!("sql/meta.sql");
    META_INSERT = include_str!("sql/meta_insert.sql");
    LOG_INSERT = include_str!("sql/log_insert.sql");
    LOG_ENTRIES = include_str!("sql/log_entries.sql");
    LOG_ALL = include_str!("sql/log_all.sql");
    LOG_COMMITS = include_str!("sql/log_commits.sql");
    LOG_AT = include_str!("sql/log_at.sql");
    LOG_AUTHORS = include_str!("sql/log_authors.sql");
    SPACE_EXISTS = include_str!("sql/space_exists.sql");
    SPACE_INSERT = include_str!("sql/space_insert.sql");
    TENANT = include_str!("sql/tenant.sql");
    TENANT_INSERT = include_str!("sql/tenant_insert.sql");
    TENANT_KEEP = include_str!("sql/tenant_keep.sql");
    TENANTS_OF_SPACE = include_str!("sql/tenants_of_space.sql");
    SCHEMA_CURRENT = include_str!("sql/schema_current.sql");
    SCHEMA_AT = include_str!("sql/schema_at.sql");
    SCHEMA_DOCUMENT = include_str!("sql/schema_document.sql");
    SCHEMA_VERSIONS = include_str!("sql/schema_versions.sql");
    SCHEMA_INSERT = include_str!("sql/schema_insert.sql");
    TYPED_TABLES = include_str!("sql/typed_tables.sql");
    OBJECT_TABLE_INSERT = include_str!("sql/object_table_insert.sql");
    LINK_TABLE_INSERT = include_str!("sql/link_table_insert.sql");
    TABLE_BYTES = include_str!("sql/table_bytes.sql");
    INDEX_TURN = include_str!("sql/index_turn.sql");
    INDEX_VALID = include_str!("sql/index_valid.sql");
    PENDING_INDEXES = include_str!("sql/pending_indexes.sql");
    PENDING_INDEX_INSERT = include_str!("sql/pending_index_insert.sql");
    PENDING_INDEX_DELETE = include_str!("sql/pending_index_delete.sql");
    PENDING_INDEX_BUILT = include_str!("sql/pending_index_built.sql");
    PENDING_INDEX_FAILED = include_str!("sql/pending_index_failed.sql");
    TABLE_COLUMNS = include_str!("sql/table_columns.sql");
    MIGRATION_MADE = include_str!("sql/migration_made.sql");
    MIGRATIONS = include_str!("sql/migrations.sql");
    MIGRATION_SET = include_str!("sql/migration_set.sql");
    MIGRATION_LOCK = include_str!("sql/migration_lock.sql");
    RELAY_ACQUIRE = include_str!("sql/relay_acquire.sql");
    RELAY_RENEW = include_str!("sql/relay_renew.sql");
    RELAY_ADVANCE = include_str!("sql/relay_advance.sql");
    RELAY_RELEASE = include_str!("sql/relay_release.sql");
    RELAY_CURSORS = include_str!("sql/relay_cursors.sql");
    NAMESPACE_EXISTS = include_str!("sql/namespace_exists.sql");
    ROLE_EXISTS = include_str!("sql/role_exists.sql");
    ROLE_MEMBER = include_str!("sql/role_member.sql");
    ENCODING = include_str!("sql/encoding.sql");
    SPACES = include_str!("sql/spaces.sql");
    TENANTS = include_str!("sql/tenants.sql");
    SCHEMAS = include_str!("sql/schemas.sql");
    TABLES = include_str!("sql/tables.sql");
    RELAYS = include_str!("sql/relays.sql");
    RELAY_INSERT = include_str!("sql/relay_insert.sql");
    META_UPDATE = include_str!("sql/meta_update.sql");
    HEAD_UPDATE = include_str!("sql/head_update.sql");
    LOG_PAGE = include_str!("sql/log_page.sql");
    MOVING_LOCK = include_str!("sql/moving_lock.sql");
    NAMESPACE_TABLES = include_str!("sql/namespace_tables.sql");
    NAMESPACE_FILLED = include_str!("sql/namespace_filled.sql");
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_statement_file_is_known() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/postgres/sql");
        let mut files: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let mut known: Vec<String> =
            super::ALL.iter().map(|(file, _)| file.trim_start_matches("sql/").to_owned()).collect();
        known.sort();
        assert_eq!(files, known);
    }
}
