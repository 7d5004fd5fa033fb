//! Hand-written SQL on the bare driver, on the tables Arrakis made: what the kernel is measured against.

use std::path::Path;

use arrakis::{Arrakis, Context};
use rusqlite::{Connection, OpenFlags, params};

use crate::data::Item;

/// A connection of one's own to a file Arrakis made, or to a copy of its tables, with the statements a person would write.
#[derive(Debug)]
pub(crate) struct Raw {
    conn: Connection,
    sql: Statements,
}

#[derive(Debug)]
struct Statements {
    point: String,
    page: String,
    two_hops: String,
    group: String,
    insert: String,
    supersede: String,
    update: String,
}

/// The physical names of the bench's types.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// The table of items.
    pub(crate) items: String,
    /// The table of links.
    pub(crate) parts: String,
    /// The columns of category, score, name, weight and made.
    pub(crate) columns: [String; 5],
}

impl Names {
    /// The names Arrakis gave.
    pub(crate) async fn of(arrakis: &Arrakis, ctx: &Context) -> Self {
        let schema = arrakis.ontology().schema(ctx).await.expect("it is published");
        let item = schema.object_type("Item").expect("it is there");
        let column = |name: &str| format!("p{}", item.property(name).expect("it is there").1.column);
        Self {
            items: "obj_1".to_owned(),
            parts: "lnk_1".to_owned(),
            columns: ["category", "score", "name", "weight", "made"].map(column),
        }
    }

    fn statements(&self) -> Statements {
        let Self { items, parts, columns } = self;
        let [category, score, ..] = columns;
        let all = columns.join(", ");
        Statements {
            point: format!("SELECT rev, {all} FROM {items} WHERE t = 1 AND k = ?1"),
            page: format!(
                "SELECT k, rev, {all} FROM {items} WHERE t = 1 AND {category} = ?1 ORDER BY {score}, k LIMIT 100"
            ),
            two_hops: format!(
                "SELECT k, rev, {all} FROM {items} WHERE t = 1 AND k IN (SELECT b FROM {parts} WHERE t = 1 AND a IN \
                 (SELECT b FROM {parts} WHERE t = 1 AND a = ?1)) ORDER BY k LIMIT 100"
            ),
            group: format!("SELECT {category}, count(*), sum({score}) FROM {items} WHERE t = 1 GROUP BY {category}"),
            insert: format!("INSERT INTO {items} (t, k, rev, {all}) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
            supersede: format!(
                "INSERT INTO {items}_v (t, k, rev, rev_to, {all}) SELECT t, k, rev, ?2, {all} FROM {items} WHERE t = 1 AND k = ?1"
            ),
            update: format!("UPDATE {items} SET rev = ?2, {score} = ?3 WHERE t = 1 AND k = ?1"),
        }
    }
}

impl Raw {
    /// Opens the file to read beside Arrakis.
    pub(crate) fn read(path: &Path, names: &Names) -> Self {
        let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the file opens");
        Self { conn, sql: names.statements() }
    }

    /// Makes a file of its own with the tables and indexes of Arrakis's, empty.
    pub(crate) fn copy_of(original: &Path, path: &Path, names: &Names, secondary_indexes: bool) -> Self {
        let source = Connection::open_with_flags(original, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the file opens");
        let conn = Connection::open(path).expect("the copy opens");
        conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").expect("the copy is set up");
        let mut select = source
            .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND (type = 'table' OR type = 'index' AND (?1 OR tbl_name NOT GLOB 'obj_*'))")
            .expect("the schema reads");
        let statements =
            select.query_map([secondary_indexes], |row| row.get::<_, String>(0)).expect("the schema reads");
        for statement in statements {
            let statement = statement.expect("the schema reads");
            if !statement.contains("sqlite_") {
                conn.execute_batch(&statement).expect("the copy takes the schema");
            }
        }
        conn.execute("INSERT INTO head (id, seq, at) VALUES (1, 0, 0)", []).expect("the copy has a head");
        Self { conn, sql: names.statements() }
    }

    /// The secondary indexes of the item tables, as statements.
    pub(crate) fn index_statements(original: &Path, names: &Names) -> Vec<String> {
        let source = Connection::open_with_flags(original, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the file opens");
        let mut select = source
            .prepare("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?1")
            .expect("the schema reads");
        let statements = select.query_map([&names.items], |row| row.get(0)).expect("the schema reads");
        statements.collect::<Result<_, _>>().expect("the schema reads")
    }

    /// One item by key.
    pub(crate) fn point(&self, id: i64) -> (i64, Item) {
        let mut statement = self.conn.prepare_cached(&self.sql.point).expect("it prepares");
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, read_item(id, row, 1)?));
        statement.query_row([id], read).expect("the item is there")
    }

    /// A page of one category by score.
    pub(crate) fn page(&self, category: &str) -> Vec<(i64, Item)> {
        self.items(&self.sql.page, params![category])
    }

    /// A page of what is two links away.
    pub(crate) fn two_hops(&self, id: i64) -> Vec<(i64, Item)> {
        self.items(&self.sql.two_hops, params![id])
    }

    fn items(&self, sql: &str, params: &[&dyn rusqlite::ToSql]) -> Vec<(i64, Item)> {
        let mut statement = self.conn.prepare_cached(sql).expect("it prepares");
        let read = |row: &rusqlite::Row<'_>| {
            let id = row.get(0)?;
            Ok((row.get(1)?, read_item(id, row, 2)?))
        };
        let rows = statement.query_map(params, read).expect("it runs");
        rows.collect::<Result<_, _>>().expect("the rows read")
    }

    /// Items and scores by category.
    pub(crate) fn group(&self) -> Vec<(String, i64, i64)> {
        let mut statement = self.conn.prepare_cached(&self.sql.group).expect("it prepares");
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("it runs");
        rows.collect::<Result<_, _>>().expect("the rows read")
    }

    /// Writes items in one transaction, with one log row per `chunk` of them, and then makes the indexes.
    pub(crate) fn load(&mut self, items: &[Item], chunk: usize, indexes: &[String]) {
        let txn = self.conn.transaction().expect("it begins");
        for (number, chunk) in items.chunks(chunk).enumerate() {
            let seq = number as i64 + 1;
            let mut insert = txn.prepare_cached(&self.sql.insert).expect("it prepares");
            for item in chunk {
                insert_item(&mut insert, item, seq);
            }
            log(&txn, seq);
        }
        for index in indexes {
            txn.execute_batch(index).expect("it indexes");
        }
        txn.commit().expect("it commits");
    }

    /// Changes one item's score: the superseded version, the row, the log and the head, durably.
    pub(crate) fn modify(&mut self, id: i64, seq: i64, score: i64) {
        let txn = self.conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).expect("it begins");
        txn.prepare_cached(&self.sql.supersede).and_then(|mut s| s.execute([id, seq])).expect("it supersedes");
        txn.prepare_cached(&self.sql.update).and_then(|mut s| s.execute([id, seq, score])).expect("it updates");
        log(&txn, seq);
        txn.commit().expect("it commits");
    }

    /// From now on a transaction is safe from a crash of the process only.
    pub(crate) fn relax(&mut self) {
        self.conn.execute_batch("PRAGMA synchronous = NORMAL").expect("it is set");
    }

    /// Changes the scores of items, each with its superseded version and its own log row, in one durable transaction.
    pub(crate) fn modify_batch(&mut self, ids: impl Iterator<Item = i64>, first_seq: i64) {
        let txn = self.conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).expect("it begins");
        for (id, seq) in ids.zip(first_seq..) {
            txn.prepare_cached(&self.sql.supersede).and_then(|mut s| s.execute([id, seq])).expect("it supersedes");
            txn.prepare_cached(&self.sql.update).and_then(|mut s| s.execute([id, seq, seq])).expect("it updates");
            log(&txn, seq);
        }
        txn.commit().expect("it commits");
    }

    /// Creates items, each with its own log row, in one durable transaction.
    pub(crate) fn create_batch(&mut self, items: &[Item], first_seq: i64) {
        let txn = self.conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).expect("it begins");
        for (item, seq) in items.iter().zip(first_seq..) {
            let mut insert = txn.prepare_cached(&self.sql.insert).expect("it prepares");
            insert_item(&mut insert, item, seq);
            log(&txn, seq);
        }
        txn.commit().expect("it commits");
    }
}

fn read_item(id: i64, row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Item> {
    Ok(Item {
        id,
        category: row.get(first)?,
        score: row.get(first + 1)?,
        name: row.get(first + 2)?,
        weight: row.get(first + 3)?,
        made_micros: row.get(first + 4)?,
    })
}

fn insert_item(insert: &mut rusqlite::Statement<'_>, item: &Item, seq: i64) {
    insert
        .execute(params![item.id, seq, item.category, item.score, item.name, item.weight, item.made_micros])
        .expect("it inserts");
}

/// The log row of a commit, as long as Arrakis's, and the head.
fn log(txn: &rusqlite::Transaction<'_>, seq: i64) {
    const BODY: &str = r#"{"effects":[{"object":[1,123456,"modified"]}],"audit":{"method":"kernel.write","request_id":"01890a5d-ac96-774b-bcce-b302099a8057"}}"#;
    let id = u128::from(seq.unsigned_abs()).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_be_bytes();
    txn.prepare_cached("INSERT INTO commit_log (seq, commit_id, tenant, at, actor, reason, body) VALUES (?1, ?2, ?3, ?1, 'bench', NULL, ?4)")
        .and_then(|mut s| s.execute(params![seq, id.as_slice(), [1_u8; 16].as_slice(), BODY]))
        .expect("it logs");
    txn.prepare_cached("UPDATE head SET seq = ?1, at = ?1")
        .and_then(|mut s| s.execute([seq]))
        .expect("it moves the head");
}
