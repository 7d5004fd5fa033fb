//! Files that are no store, or no longer whole: each is refused by kind and code, left byte for byte as it was with nothing beside it,
//! and what can still be read is read as it was written.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use arrakis::{Arrakis, ArrakisBuilder, Error, ErrorKind, Filter, KernelExt, ObjectSet, SqliteOptions};
use rusqlite::Connection;
use serde_json::{Value as Json, json};

/// The format of a file this code writes.
const FORMAT: i64 = 4;

const ONTOLOGY: &str = "
object_types:
  - name: City
    primary_key: name
    properties:
      - {name: name, type: string}
      - {name: people, type: integer, indexed: true}
      - {name: motto, type: string}
      - {name: twin, type: string}
link_types:
  - name: Twin
    source: {object_type: City, name: twin_of, cardinality: one}
    target: {object_type: City, name: twins, cardinality: many}
    foreign_key: {holder: source, property: twin}
    on_delete: unlink
";

/// Cities of a store that is written once; enough for tables of several pages.
const CITIES: usize = 300;
/// How long a lock that is never given back is waited for.
const BUSY_TIMEOUT_MS: u64 = 20;

/// A folder of one case, empty at first, so that whatever is left beside its file shows.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bad_file").join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn db(&self) -> PathBuf {
        self.0.join("x.db")
    }

    /// A folder with such a file in it.
    fn with(name: &str, bytes: &[u8]) -> Self {
        let folder = Self::new(name);
        std::fs::write(folder.db(), bytes).unwrap();
        folder
    }

    /// Everything in it.
    fn contents(&self) -> BTreeMap<OsString, Option<Vec<u8>>> {
        let entry = |entry: std::io::Result<std::fs::DirEntry>| {
            let entry = entry.unwrap();
            let bytes = entry.file_type().unwrap().is_file().then(|| std::fs::read(entry.path()).unwrap());
            (entry.file_name(), bytes)
        };
        std::fs::read_dir(&self.0).unwrap().map(entry).collect()
    }
}

fn builder() -> ArrakisBuilder {
    Arrakis::builder().sqlite(SqliteOptions { busy_timeout_ms: BUSY_TIMEOUT_MS, ..SqliteOptions::default() })
}

async fn refused(path: &Path, case: &str) -> Error {
    let error = builder().open(path).await.err().unwrap_or_else(|| panic!("{case} was opened"));
    assert_eq!(error.param("file"), Some(&*path.display().to_string()), "{case}: {error:?}");
    error
}

/// Opens what must be refused, which leaves everything as it was.
async fn refused_untouched(folder: &Folder, case: &str) -> Error {
    let before = folder.contents();
    let error = refused(&folder.db(), case).await;
    assert!(folder.contents() == before, "{case}: the folder holds {:?}", folder.contents().keys());
    error
}

/// Numbers that follow no pattern a format would know.
fn noise(length: usize) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(1);
    std::iter::repeat_with(|| rng.u8(..)).take(length).collect()
}

fn city(number: usize) -> Json {
    let twin = (number > 0).then(|| format!("city {:03}", number / 2));
    json!({ "name": format!("city {number:03}"), "people": number * 7 % 100, "motto": "m".repeat(number % 90), "twin": twin })
}

/// A store with so many cities.
async fn store(path: &Path, cities: usize) -> Arrakis {
    let arrakis = Arrakis::open(path).await.unwrap();
    let ctx = arrakis.context();
    arrakis.publish(&ctx, ONTOLOGY).await.unwrap();
    let create = |number| json!({ "create": { "type": "City", "properties": city(number) } });
    let write = json!({ "edits": (0..cities).map(create).collect::<Vec<_>>() });
    arrakis.kernel().write(&ctx, serde_json::from_value(write).unwrap()).await.unwrap();
    arrakis
}

/// The bytes of a closed store with [`CITIES`] cities.
async fn whole(folder: &str) -> Vec<u8> {
    let folder = Folder::new(folder);
    store(&folder.db(), CITIES).await.close().await;
    assert_eq!(folder.contents().len(), 1, "a closed store is one file");
    std::fs::read(folder.db()).unwrap()
}

/// What a store answers: every row by its table, some by an index, some by key, with links, measured, and as history.
async fn answers(arrakis: &Arrakis) -> Vec<Result<Json, Error>> {
    let (ctx, kernel) = (arrakis.context(), arrakis.kernel());
    let all = || ObjectSet::of("City");
    let mut answers = Vec::new();
    for set in [all(), all().filter(Filter::ge("people", 50)), all().filter(Filter::has("twins"))] {
        let objects = kernel.query(&ctx, arrakis::Query::of(set).page_size(1_000)).await;
        answers.push(objects.map(|page| json!(page.objects)));
    }
    answers.push(kernel.count(&ctx, all()).await.map(Json::from));
    for number in (0..CITIES).step_by(29) {
        let key = format!("city {number:03}");
        answers.push(kernel.object(&ctx, "City", key.as_str()).await.map(|object| json!(object)));
    }
    answers
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_as_it_is() {
    let magic = b"SQLite format 3\0";
    for (case, bytes, kind, code) in [
        ("a short text", b"no".to_vec(), ErrorKind::Invalid, "store.not_a_database"),
        ("a long text", b"no database ".repeat(1_000), ErrorKind::Invalid, "store.not_a_database"),
        ("noise", noise(10_000), ErrorKind::Invalid, "store.not_a_database"),
        ("zeros", vec![0; 8_192], ErrorKind::Invalid, "store.not_a_database"),
        ("a part of the magic", magic[..9].to_vec(), ErrorKind::Invalid, "store.not_a_database"),
        ("the magic alone", magic.to_vec(), ErrorKind::Corrupt, "store.corrupt"),
        ("noise after the magic", [&magic[..], &noise(10_000)].concat(), ErrorKind::Invalid, "store.foreign"),
    ] {
        let folder = Folder::with(case, &bytes);
        let error = refused_untouched(&folder, case).await;
        assert_eq!((error.kind(), error.code(), error.is_retryable()), (kind, code, false), "{case}");
    }
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let folder = Folder::new("no file");
    std::fs::create_dir(folder.0.join("folder.db")).unwrap();
    for (path, kind, code) in [
        ("folder.db", ErrorKind::Invalid, "store.not_a_file"),
        ("none/x.db", ErrorKind::Unavailable, "store.cannot_open"),
        ("nul\0.db", ErrorKind::Unavailable, "store.cannot_open"),
    ] {
        let error = refused(&folder.0.join(path), path).await;
        assert_eq!((error.kind(), error.code(), error.is_retryable()), (kind, code, false), "{path}");
    }
    let error = refused(&folder.0.join("n".repeat(300)), "a name too long").await;
    assert_eq!(error.code(), "store.cannot_open");
    assert_eq!(folder.contents().len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn a_name_that_is_no_text_names_a_file_all_the_same() {
    use std::os::unix::ffi::OsStringExt as _;
    let folder = Folder::new("no text");
    let path = folder.0.join(OsString::from_vec(b"caf\xe9.db".to_vec()));
    if std::fs::write(&path, b"").is_err() {
        use std::io::Write as _;
        writeln!(std::io::stdout(), "skipped: a name that is no text: this file system takes none").unwrap();
        return;
    }
    store(&path, 1).await.close().await;
    let arrakis = builder().open(&path).await.unwrap();
    assert_eq!(arrakis.kernel().count(&arrakis.context(), ObjectSet::of("City")).await.unwrap(), 1);
}

#[tokio::test]
async fn an_empty_file_becomes_a_store() {
    let folder = Folder::with("empty", b"");
    store(&folder.db(), 1).await.close().await;
    let blank = Folder::new("blank");
    Connection::open(blank.db()).unwrap().execute_batch("VACUUM").unwrap();
    assert!(std::fs::metadata(blank.db()).unwrap().len() > 0);
    store(&blank.db(), 1).await.close().await;
}

#[tokio::test]
async fn a_database_of_another_application_is_refused_and_left_as_it_is() {
    for (case, sql, application) in [
        ("tables", "CREATE TABLE note (text)", "0"),
        ("many tables", &(0..200).fold(String::new(), |sql, n| sql + &format!("CREATE TABLE n{n} (text);")), "0"),
        ("a version", "PRAGMA user_version = 1", "0"),
        ("an application", "PRAGMA application_id = 7", "7"),
        ("a log", "PRAGMA journal_mode = WAL; CREATE TABLE note (text); PRAGMA application_id = -1", "-1"),
    ] {
        let folder = Folder::new(&format!("foreign {case}"));
        Connection::open(folder.db()).unwrap().execute_batch(sql).unwrap();
        let error = refused_untouched(&folder, case).await;
        assert_eq!(
            (error.kind(), error.code(), error.param("application_id")),
            (ErrorKind::Invalid, "store.foreign", Some(application))
        );
    }
}

#[tokio::test]
async fn a_database_in_use_by_another_application_is_refused_and_left_as_it_is() {
    let folder = Folder::new("foreign in use");
    let theirs = Connection::open(folder.db()).unwrap();
    theirs.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE note (text)").unwrap();
    assert_eq!(folder.contents().len(), 3, "its tables are in its log only");
    let error = refused_untouched(&folder, "in use").await;
    assert_eq!((error.kind(), error.code()), (ErrorKind::Invalid, "store.foreign"));
}

#[tokio::test]
async fn a_store_of_newer_code_is_refused_and_left_as_it_is() {
    let folder = Folder::with("newer", &whole("newer whole").await);
    let set = |version: i64| {
        let connection = Connection::open(folder.db()).unwrap();
        connection.pragma_update(None, "user_version", version).unwrap();
    };
    set(FORMAT + 1);
    let error = refused_untouched(&folder, "newer").await;
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unsupported, "store.newer"));
    assert_eq!((error.param("version"), error.param("version_max")), (Some("5"), Some("4")));
    for (version, code) in [(-1, "store.newer"), (0, "store.corrupt")] {
        set(version);
        assert_eq!(refused_untouched(&folder, "another version").await.code(), code, "{version}");
    }
    set(FORMAT);
    builder().open(folder.db()).await.unwrap();
}

#[tokio::test]
async fn a_store_without_its_tables_is_damaged() {
    let folder = Folder::with("bare", &whole("bare whole").await);
    Connection::open(folder.db()).unwrap().execute_batch("DROP TABLE meta").unwrap();
    let error = refused(&folder.db(), "without a table").await;
    assert_eq!((error.kind(), error.code()), (ErrorKind::Corrupt, "store.corrupt"), "{error:?}");
}

#[tokio::test]
async fn a_store_cut_short_is_refused_and_left_as_it_is() {
    let whole = whole("cut whole").await;
    let (page, end) = (4_096, whole.len());
    for length in
        [1, 15, 16, 50, 99, 100, 104, 105, 511, 512, 2_000, page - 1, page, page + 1, end / 2, end - page, end - 1]
    {
        let folder = Folder::with(&format!("cut at {length}"), &whole[..length]);
        let error = refused_untouched(&folder, &format!("cut at {length}")).await;
        let expected = if length < 16 {
            (ErrorKind::Invalid, "store.not_a_database")
        } else {
            (ErrorKind::Corrupt, "store.corrupt")
        };
        assert_eq!((error.kind(), error.code()), expected, "cut at {length}");
        if length >= 105 {
            assert_eq!(error.param("length_min"), Some(&*end.to_string()), "cut at {length}");
        }
        std::fs::write(folder.db(), &whole).unwrap();
        builder().open(folder.db()).await.unwrap();
    }
}

/// A store in use: its file, and its log with what was written since.
async fn in_use(name: &str) -> [Vec<u8>; 2] {
    let folder = Folder::new(name);
    store(&folder.db(), CITIES).await.close().await;
    let arrakis = Arrakis::open(folder.db()).await.unwrap();
    for number in 0..20 {
        let properties = json!({ "motto": format!("changed {number}") });
        arrakis.kernel().modify(&arrakis.context(), "City", "city 000", properties).await.unwrap();
    }
    ["", "-wal"].map(|suffix| std::fs::read(folder.0.join(format!("x.db{suffix}"))).unwrap())
}

#[tokio::test]
async fn a_log_cut_short_loses_whole_commits_and_no_others() {
    let [file, log] = in_use("log whole").await;
    let mut seen = Vec::new();
    for step in 0..=16 {
        let length = log.len() * step / 16;
        let folder = Folder::with(&format!("log cut at {length}"), &file);
        std::fs::write(folder.0.join("x.db-wal"), &log[..length]).unwrap();
        let arrakis = builder().open(folder.db()).await.unwrap();
        let (ctx, kernel) = (arrakis.context(), arrakis.kernel());
        let first = kernel.object(&ctx, "City", "city 000").await.unwrap();
        let motto = json!(first.properties)["motto"].as_str().unwrap().to_owned();
        assert_eq!(kernel.count(&ctx, ObjectSet::of("City")).await.unwrap(), CITIES as u64);
        let left = motto.strip_prefix("changed ").map_or(0, |number| number.parse::<u64>().unwrap() + 1);
        seen.push((left, first.revision.0));
    }
    let (none, created) = seen[0];
    assert!(none == 0 && seen.is_sorted() && seen[16].0 == 20, "{seen:?}");
    assert!(seen.iter().all(|(left, revision)| *revision == created + left), "{seen:?}");
}

#[tokio::test]
async fn a_store_cut_short_under_its_log_is_never_read_as_whole() {
    let [file, log] = in_use("log over cut whole").await;
    let folder = Folder::with("log over whole", &file);
    std::fs::write(folder.0.join("x.db-wal"), &log).unwrap();
    let arrakis = builder().open(folder.db()).await.unwrap();
    let expected = answers(&arrakis).await;
    arrakis.close().await;
    let mut told = 0;
    for step in 1..8 {
        let length = file.len() / 4_096 * step / 8 * 4_096;
        let folder = Folder::with(&format!("log over {length}"), &file[..length]);
        std::fs::write(folder.0.join("x.db-wal"), &log).unwrap();
        let found = match builder().open(folder.db()).await {
            Err(error) => vec![Err(error)],
            Ok(arrakis) => answers(&arrakis).await,
        };
        told += damage_told(&found, &expected, &format!("cut at {length}"));
    }
    assert!(told > 0, "no cut was told");
}

/// The first transaction of a file was written and not committed: the journal beside it undoes it, to a length of nothing.
#[tokio::test]
async fn a_store_whose_making_was_interrupted_is_made_again() {
    let folder = Folder::with("interrupted", &whole("interrupted whole").await);
    Connection::open(folder.db()).unwrap().pragma_update(None, "journal_mode", "DELETE").unwrap();
    let magic = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    let [records, nonce, pages, sector, page] = [0_u32, 7, 0, 512, 4_096].map(u32::to_be_bytes);
    let mut journal = [&magic[..], &records, &nonce, &pages, &sector, &page].concat();
    journal.resize(512, 0);
    std::fs::write(folder.0.join("x.db-journal"), journal).unwrap();
    let arrakis = store(&folder.db(), 1).await;
    assert_eq!(arrakis.kernel().count(&arrakis.context(), ObjectSet::of("City")).await.unwrap(), 1);
    arrakis.close().await;
    assert_eq!(folder.contents().len(), 1);
}

#[tokio::test]
async fn a_locked_store_is_unavailable_until_the_lock_is_given_back() {
    let whole = whole("locked whole").await;
    let in_other_mode = |mode: &str, lock: &str| {
        let folder = Folder::with(&format!("locked {mode}"), &whole);
        let other = Connection::open(folder.db()).unwrap();
        other.execute_batch(&format!("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = {mode}; {lock}")).unwrap();
        (folder, other)
    };
    for (folder, other) in [
        in_other_mode("DELETE", "BEGIN EXCLUSIVE"),
        in_other_mode("WAL", &format!("BEGIN EXCLUSIVE; COMMIT; PRAGMA user_version = {FORMAT}")),
    ] {
        let error = refused(&folder.db(), "locked").await;
        assert_eq!((error.kind(), error.code(), error.is_retryable()), (ErrorKind::Unavailable, "store.busy", true));
        assert_eq!(error.param("busy_timeout_ms"), Some("20"));
        assert!(std::fs::read(folder.db()).unwrap().len() == whole.len());
        drop(other);
        let arrakis = builder().open(folder.db()).await.unwrap();
        assert!(answers(&arrakis).await.iter().all(Result::is_ok));
    }
}

#[tokio::test]
async fn a_store_another_process_writes_to_is_read_and_its_writers_are_told_to_wait() {
    let folder = Folder::with("written", &whole("written whole").await);
    let other = Connection::open(folder.db()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let arrakis = builder().open(folder.db()).await.unwrap();
    assert!(answers(&arrakis).await.iter().all(Result::is_ok));
    let write = || async { arrakis.kernel().create(&arrakis.context(), "City", json!({ "name": "new" })).await };
    let error = write().await.unwrap_err();
    assert_eq!((error.kind(), error.code(), error.is_retryable()), (ErrorKind::Unavailable, "store.busy", true));
    assert_eq!(error.outcome(), arrakis::Outcome::NotApplied);
    other.execute_batch("ROLLBACK").unwrap();
    write().await.unwrap();
}

/// Whether damage was told, 1 or 0: each answer is what it was before, or says that the file is damaged.
fn damage_told(found: &[Result<Json, Error>], expected: &[Result<Json, Error>], case: &str) -> usize {
    for (found, expected) in found.iter().zip(expected) {
        match found {
            Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{case}: {error:?}"),
            Ok(answer) => assert_eq!(answer, expected.as_ref().unwrap(), "{case}"),
        }
    }
    usize::from(found.iter().any(Result::is_err))
}

#[tokio::test]
async fn damage_found_later_is_told_and_never_answered() {
    let whole = whole("damaged whole").await;
    let folder = Folder::with("damaged", &whole);
    let arrakis = builder().open(folder.db()).await.unwrap();
    let expected = answers(&arrakis).await;
    arrakis.close().await;
    let page = 4_096;
    let (mut told, mut silent) = (0, 0);
    for number in 1..whole.len() / page {
        let damages: [fn(&mut [u8]); 3] =
            [|page| page.fill(0), |page| page.copy_from_slice(&noise(page.len())), |page| page[..16].fill(0xff)];
        let mut bytes = whole.clone();
        damages[number % damages.len()](&mut bytes[number * page..(number + 1) * page]);
        std::fs::write(folder.db(), &bytes).unwrap();
        let found = match builder().open(folder.db()).await {
            Err(error) => vec![Err(error)],
            Ok(arrakis) => {
                let found = answers(&arrakis).await;
                arrakis.close().await;
                found
            }
        };
        let any = damage_told(&found, &expected, &format!("page {number}"));
        told += any;
        silent += 1 - any;
    }
    assert!(told > silent, "{told} damages were told, {silent} touched nothing that was read");
}
