//! The statements that never change, each in a file of its own.

macro_rules! statements {
    ($($name:ident = include_str!($file:literal);)*) => {
        $(pub(super) const $name: &str = include_str!($file);)*

        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

statements! {
    BEGIN = include_str!("sql/begin.sql");
    BEGIN_IMMEDIATE = include_str!("sql/begin_immediate.sql");
    COMMIT = include_str!("sql/commit.sql");
    ROLLBACK = include_str!("sql/rollback.sql");
    SAVEPOINT = include_str!("sql/savepoint.sql");
    SAVEPOINT_RELEASE = include_str!("sql/savepoint_release.sql");
    SAVEPOINT_ROLLBACK = include_str!("sql/savepoint_rollback.sql");
    META = include_str!("sql/meta.sql");
    META_INSERT = include_str!("sql/meta_insert.sql");
    HEAD = include_str!("sql/head.sql");
    HEAD_INSERT = include_str!("sql/head_insert.sql");
    HEAD_UPDATE = include_str!("sql/head_update.sql");
    LOG_INSERT = include_str!("sql/log_insert.sql");
    LOG_ENTRIES = include_str!("sql/log_entries.sql");
    LOG_ALL = include_str!("sql/log_all.sql");
    LOG_COMMIT = include_str!("sql/log_commit.sql");
    LOG_AT = include_str!("sql/log_at.sql");
    LOG_AUTHOR = include_str!("sql/log_author.sql");
    SPACE_EXISTS = include_str!("sql/space_exists.sql");
    SPACE_INSERT = include_str!("sql/space_insert.sql");
    TENANT = include_str!("sql/tenant.sql");
    TENANTS_OF_SPACE = include_str!("sql/tenants_of_space.sql");
    TENANT_INSERT = include_str!("sql/tenant_insert.sql");
    SCHEMA_CURRENT = include_str!("sql/schema_current.sql");
    SCHEMA_AT = include_str!("sql/schema_at.sql");
    SCHEMA_DOCUMENT = include_str!("sql/schema_document.sql");
    SCHEMA_VERSIONS = include_str!("sql/schema_versions.sql");
    SCHEMA_INSERT = include_str!("sql/schema_insert.sql");
    OBJECT_TABLE = include_str!("sql/object_table.sql");
    OBJECT_TABLES = include_str!("sql/object_tables.sql");
    OBJECT_TABLE_INSERT = include_str!("sql/object_table_insert.sql");
    OBJECT_TABLE_SUPERSEDED = include_str!("sql/object_table_superseded.sql");
    LINK_TABLE = include_str!("sql/link_table.sql");
    LINK_TABLES = include_str!("sql/link_tables.sql");
    LINK_TABLE_INSERT = include_str!("sql/link_table_insert.sql");
    LINK_TABLE_SUPERSEDED = include_str!("sql/link_table_superseded.sql");
    RELAY_ACQUIRE = include_str!("sql/relay_acquire.sql");
    RELAY_RENEW = include_str!("sql/relay_renew.sql");
    RELAY_ADVANCE = include_str!("sql/relay_advance.sql");
    RELAY_RELEASE = include_str!("sql/relay_release.sql");
    RELAY_CURSORS = include_str!("sql/relay_cursors.sql");
    TABLE_COLUMNS = include_str!("sql/table_columns.sql");
    SPACES = include_str!("sql/spaces.sql");
    TENANTS = include_str!("sql/tenants.sql");
    SCHEMAS = include_str!("sql/schemas.sql");
    TABLES = include_str!("sql/tables.sql");
    RELAYS = include_str!("sql/relays.sql");
    RELAY_INSERT = include_str!("sql/relay_insert.sql");
    META_UPDATE = include_str!("sql/meta_update.sql");
}
