//! Stores that are moved: everything arrives, answers alike, and goes on.

#![expect(clippy::unwrap_used, reason = "a test ends where what it takes for granted fails")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrakis_core::archive::{ArchiveWriter, Manifest, carry, compare};
use arrakis_core::testing::archive::{Place, manifest_of};
use arrakis_core::testing::{TestEnv, differential};
use arrakis_core::{Env, Result, Store};
use arrakis_storage::{MemoryStore, SqliteOptions, SqliteStore};
use async_trait::async_trait;

use crate::sqlite::fresh_path;

async fn moved(from: &dyn Store, to: Result<Box<dyn ArchiveWriter>>) -> Manifest {
    let mut reader = from.archive().await.unwrap();
    carry(&mut *reader, to.unwrap(), &|_| {}).await.unwrap_or_else(|error| panic!("{}", error.chain()))
}

fn env() -> Env {
    TestEnv::default().env()
}

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(env()))
}

fn opened(path: &Path) -> Arc<dyn Store> {
    let options = SqliteOptions { temporary: true, create: false, ..SqliteOptions::default() };
    Arc::new(SqliteStore::open(path, env(), &options).unwrap_or_else(|error| panic!("{}", error.chain())))
}

async fn moved_to_file(from: &dyn Store) -> (Arc<dyn Store>, Manifest) {
    let path: PathBuf = fresh_path("moved");
    let manifest = moved(from, SqliteStore::archive_writer(&path, env())).await;
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let beside = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    let beside: Vec<_> = beside.filter(|other| other.to_str().is_some_and(|other| other.starts_with(&name))).collect();
    assert_eq!(beside, [name.as_str()], "nothing is left beside a store that was moved");
    (opened(&path), manifest)
}

/// A file no other test uses, which is deleted with the store opened there.
#[derive(Debug)]
struct File(PathBuf, Env);

#[async_trait]
impl Place for File {
    fn writer(&self) -> Box<dyn ArchiveWriter> {
        SqliteStore::archive_writer(&self.0, self.1.clone()).unwrap()
    }

    async fn open(&self) -> Result<Arc<dyn Store>> {
        let options = SqliteOptions { temporary: true, ..SqliteOptions::default() };
        Ok(Arc::new(SqliteStore::open(&self.0, self.1.clone(), &options)?))
    }
}

mod readers_of_memory {
    use std::future::{Ready, ready};

    use super::*;

    fn open(env: Env) -> Ready<Arc<dyn Store>> {
        ready(Arc::new(MemoryStore::new(env)))
    }

    arrakis_core::archive_suite!(open);
}

mod of_files {
    use std::future::{Ready, ready};

    use super::*;

    fn open(env: Env) -> Ready<Arc<dyn Store>> {
        let options = SqliteOptions { temporary: true, ..SqliteOptions::default() };
        ready(Arc::new(SqliteStore::open(fresh_path("archive"), env, &options).unwrap()))
    }

    fn place(env: Env) -> Arc<dyn Place> {
        Arc::new(File(fresh_path("place"), env))
    }

    arrakis_core::archive_suite!(open);
    arrakis_core::archive_writer_suite!(open, place);
}

/// Random histories, with retired types, changed and dropped properties, several spaces and tenants.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_moved_to_a_file_and_on_is_the_same() {
    for first in (0..48).step_by(8) {
        let (source, twin) = (memory(), memory());
        let mut grown = differential::grow(first..first + 8, [&source, &twin]).await;
        let before = manifest_of(&*source).await;
        let (file, carried) = moved_to_file(&*source).await;
        compare(&before, &carried).unwrap();
        grown.compare([&source, &file]).await;
        let (again, carried) = moved_to_file(&*file).await;
        compare(&before, &carried).unwrap();
        assert_eq!(source.cursor_key(), again.cursor_key());
        grown.go_on([&source, &again]).await;
        compare(&manifest_of(&*source).await, &manifest_of(&*again).await).unwrap();
    }
}

#[cfg(all(feature = "postgres", feature = "testing"))]
mod with_postgres {
    use std::sync::atomic::{AtomicU64, Ordering};

    use arrakis_storage::{PgOptions, PgStore};
    use xtask::services::{Kind, url_or_skip};

    use super::*;
    use crate::postgres::open;

    /// A namespace of the server.
    #[derive(Debug)]
    struct Namespace(String, PgOptions, Env);

    #[async_trait]
    impl Place for Namespace {
        fn writer(&self) -> Box<dyn ArchiveWriter> {
            PgStore::archive_writer(&self.0, self.2.clone(), &self.1).unwrap()
        }

        async fn open(&self) -> Result<Arc<dyn Store>> {
            let options = PgOptions { create: true, ..self.1.clone() };
            Ok(Arc::new(PgStore::open(&self.0, self.2.clone(), &options).await?))
        }
    }

    fn place(env: Env) -> Arc<dyn Place> {
        let url = url_or_skip(Kind::Postgres, "a place").unwrap();
        Arc::new(Namespace(url, fresh(), env))
    }

    arrakis_core::archive_suite!(open);
    arrakis_core::archive_writer_suite!(open, place);

    /// A namespace no other test uses, which is dropped with the store opened in it.
    fn fresh() -> PgOptions {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let namespace = format!("moved_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        PgOptions { namespace, create: false, temporary: true, ..PgOptions::default() }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_store_moved_to_a_server_and_back_is_the_same() {
        let Some(url) = url_or_skip(Kind::Postgres, "a_store_moved_to_a_server_and_back_is_the_same") else { return };
        for first in (200..212).step_by(6) {
            let (source, twin) = (memory(), memory());
            let mut grown = differential::grow(first..first + 6, [&source, &twin]).await;
            let before = manifest_of(&*source).await;
            let (file, _) = moved_to_file(&*source).await;
            let options = fresh();
            let carried = moved(&*file, PgStore::archive_writer(&url, env(), &options)).await;
            compare(&before, &carried).unwrap();
            let server: Arc<dyn Store> = Arc::new(PgStore::open(&url, env(), &options).await.unwrap());
            grown.compare([&source, &server]).await;
            let (back, carried) = moved_to_file(&*server).await;
            compare(&before, &carried).unwrap();
            grown.compare([&source, &back]).await;
            grown.go_on([&source, &server]).await;
            compare(&manifest_of(&*source).await, &manifest_of(&*server).await).unwrap();
        }
    }
}
