//! Hand-written SQL on the bare driver, on the tables Arrakis made: the same rows into the same tables.

use arrakis::{Arrakis, Context};
use futures_util::TryStreamExt;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use uuid::Uuid;

use crate::data::{Item, item};

/// One connection, with the statements a person would write.
pub(crate) struct Raw {
    connection: PgConnection,
    tenant: Uuid,
    /// What a log entry of one created item says.
    body: String,
    point: String,
    page: String,
    insert: String,
    insert_many: String,
    copy: String,
}

const LOG: &str = "WITH appended AS (INSERT INTO commit_log (seq, commit_id, tenant, at, actor, body)
  SELECT s, c, $3, 0, 'raw', $4 FROM UNNEST($1::bigint[], $2::uuid[]) AS u (s, c))
  UPDATE head SET seq = $5";

impl Raw {
    /// Connects beside an Arrakis that has written items.
    pub(crate) async fn beside(url: &str, arrakis: &Arrakis, ctx: &Context) -> Self {
        let mut connection = PgConnection::connect(url).await.expect("it connects");
        connection.execute("SET search_path = arrakis; SET jit = off").await.expect("it is set");
        let schema = arrakis.ontology().schema(ctx).await.expect("it is published");
        let of_type = schema.object_type("Item").expect("it is there");
        let column = |name: &str| format!("p{}", of_type.property(name).expect("it is there").1.column);
        let all = ["category", "score", "name", "weight", "made"].map(column);
        let [category, score, ..] = &all;
        let columns = all.join(", ");
        let body = sqlx::query_scalar("SELECT body FROM commit_log ORDER BY seq DESC LIMIT 1");
        let body = body.fetch_one(&mut connection).await.expect("the log has an entry");
        Self {
            tenant: ctx.scope().tenant.uuid(),
            body,
            point: format!("SELECT k, rev, {columns} FROM obj_1 WHERE t = 1 AND k = $1"),
            page: format!(
                "SELECT k, rev, {columns} FROM obj_1 WHERE t = 1 AND {category} = $1 ORDER BY {score}, k LIMIT 100"
            ),
            insert: format!("INSERT INTO obj_1 (t, k, rev, {columns}) VALUES (1, $1, $2, $3, $4, $5, $6, $7)"),
            insert_many: format!(
                "INSERT INTO obj_1 (t, k, rev, {columns}) SELECT 1, * FROM UNNEST($1::bigint[], $2::bigint[], \
                 $3::text[], $4::bigint[], $5::text[], $6::double precision[], $7::bigint[])"
            ),
            copy: format!("COPY obj_1 (t, k, rev, {columns}) FROM STDIN (FORMAT binary)"),
            connection,
        }
    }

    pub(crate) async fn point(&mut self, id: i64) -> Item {
        let query = sqlx::query(AssertSqlSafe(self.point.clone())).bind(id);
        read(&query.fetch_one(&mut self.connection).await.expect("it is there"))
    }

    pub(crate) async fn page(&mut self, category: &str) -> Vec<Item> {
        let query = sqlx::query(AssertSqlSafe(self.page.clone())).bind(category);
        query.fetch(&mut self.connection).map_ok(|row| read(&row)).try_collect().await.expect("it is read")
    }

    /// Begins a transaction and takes the head row; answers the newest commit.
    async fn begin(&mut self) -> i64 {
        let sql = sqlx::raw_sql("BEGIN; SELECT seq FROM head WHERE id = 1 FOR UPDATE");
        self.connection.fetch_one(sql).await.expect("it begins").get(0)
    }

    async fn log(&mut self, seqs: &[i64], head: i64) {
        let ids: Vec<Uuid> = seqs.iter().map(|_| Uuid::from_u128(fastrand::u128(..))).collect();
        let query = sqlx::query(LOG).bind(seqs).bind(ids).bind(self.tenant).bind(&self.body).bind(head);
        query.execute(&mut self.connection).await.expect("it is logged");
    }

    async fn commit(&mut self) {
        self.connection.execute("COMMIT").await.expect("it commits");
    }

    /// One item in one transaction.
    pub(crate) async fn create(&mut self, id: i64) {
        let seq = self.begin().await + 1;
        let Item { id, category, score, name, weight, made_micros } = item(id);
        let query = sqlx::query(AssertSqlSafe(self.insert.clone())).bind(id).bind(seq).bind(category);
        let query = query.bind(score).bind(name).bind(weight).bind(made_micros);
        query.execute(&mut self.connection).await.expect("it is written");
        self.log(&[seq], seq).await;
        self.commit().await;
    }

    /// Many commits of one item each, in one transaction.
    pub(crate) async fn create_batch(&mut self, ids: std::ops::Range<i64>) {
        let head = self.begin().await;
        let items: Vec<Item> = ids.map(item).collect();
        let seqs: Vec<i64> = (1..).take(items.len()).map(|place| head + place).collect();
        let query = sqlx::query(AssertSqlSafe(self.insert_many.clone()));
        let query = query.bind(items.iter().map(|item| item.id).collect::<Vec<_>>()).bind(&seqs);
        let query = query.bind(items.iter().map(|item| item.category.clone()).collect::<Vec<_>>());
        let query = query.bind(items.iter().map(|item| item.score).collect::<Vec<_>>());
        let query = query.bind(items.iter().map(|item| item.name.clone()).collect::<Vec<_>>());
        let query = query.bind(items.iter().map(|item| item.weight).collect::<Vec<_>>());
        let query = query.bind(items.iter().map(|item| item.made_micros).collect::<Vec<_>>());
        query.execute(&mut self.connection).await.expect("they are written");
        let newest = head + i64::try_from(items.len()).expect("a few");
        self.log(&seqs, newest).await;
        self.commit().await;
    }

    /// Items copied in the binary form, with a log entry for each ten thousand of them.
    pub(crate) async fn copy(&mut self, ids: std::ops::Range<i64>) {
        let head = self.begin().await;
        let mut bytes = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        for item in ids.clone().map(item) {
            bytes.extend(8_i16.to_be_bytes());
            let mut field = |value: &[u8]| {
                bytes.extend(i32::try_from(value.len()).expect("a short one").to_be_bytes());
                bytes.extend(value);
            };
            field(&1_i64.to_be_bytes());
            field(&item.id.to_be_bytes());
            field(&(head + 1).to_be_bytes());
            field(item.category.as_bytes());
            field(&item.score.to_be_bytes());
            field(item.name.as_bytes());
            field(&item.weight.to_be_bytes());
            field(&item.made_micros.to_be_bytes());
        }
        bytes.extend((-1_i16).to_be_bytes());
        let mut copy = self.connection.copy_in_raw(&self.copy).await.expect("it copies");
        copy.send(bytes).await.expect("it takes rows");
        copy.finish().await.expect("it is copied");
        let entries = (ids.end - ids.start + 9_999) / 10_000;
        let seqs: Vec<i64> = (1..=entries).map(|place| head + place).collect();
        self.log(&seqs, head + entries).await;
        self.commit().await;
    }

    /// Brings a table to what it is after its cleaner has passed.
    pub(crate) async fn vacuum(&mut self) {
        for table in ["obj_1", "obj_1_v", "head", "commit_log"] {
            let sql = format!("VACUUM ANALYZE {table}");
            self.connection.execute(AssertSqlSafe(sql)).await.expect("it is cleaned");
        }
    }
}

fn read(row: &PgRow) -> Item {
    Item {
        id: row.get(0),
        category: row.get(2),
        score: row.get(3),
        name: row.get(4),
        weight: row.get(5),
        made_micros: row.get(6),
    }
}
