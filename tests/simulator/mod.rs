//! Several phones against the real server code, under everything that a network, a browser and a pocket can do to them.
//!
//! Everything comes from one seed: the same seed gives the same trace. `DORBANK_SEEDS` says how many seeds (50),
//! `DORBANK_SEED` runs one. A failing seed is named in the panic.

mod phone;
mod world;

use std::{env, path::PathBuf};

use dorbank_server::{
    demo::{DemoOptions, Size, build},
    store::Db,
};
use dorbank_tests::START_MS;
use tempfile::TempDir;
use uuid::Uuid;

use world::World;

/// A small demo, made once; each run works on a copy.
struct Template {
    folder: TempDir,
    shift: Uuid,
}

impl Template {
    async fn make() -> Self {
        let folder = TempDir::new().unwrap();
        let db = Db::open(&format!("sqlite:{}", folder.path().join("demo.db").display())).await.unwrap();
        let report = build(&db, 1, START_MS, &DemoOptions { size: Size::Small, keys_dir: folder.path().join("keys") }).await.unwrap();
        db.close().await;
        Self { folder, shift: report.running.expect("a demo has a running shift") }
    }

    async fn copy(&self, name: &str) -> (Db, PathBuf) {
        let path = self.folder.path().join(format!("{name}.db"));
        std::fs::copy(self.folder.path().join("demo.db"), &path).unwrap();
        (Db::open(&format!("sqlite:{}", path.display())).await.unwrap(), path)
    }

    /// One run; gives the hash of all that happened.
    async fn run(&self, seed: u64, name: &str) -> String {
        let (db, path) = self.copy(name).await;
        let mut world = World::new(db, self.shift, seed).await;
        world.run().await;
        world.check().await;
        let trace = world.trace();
        world.close().await;
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
        }
        trace
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_is_counted_twice_under_any_seed() {
    let template = Template::make().await;
    let seeds: Vec<u64> = match env::var("DORBANK_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => vec![seed],
        None => (0..env::var("DORBANK_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(50)).collect(),
    };
    for seed in &seeds {
        template.run(*seed, &format!("seed-{seed}")).await;
    }
    println!("{} seeds: nothing lost, nothing twice", seeds.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_seed_gives_the_same_trace() {
    let template = Template::make().await;
    assert_eq!(template.run(7, "a").await, template.run(7, "b").await);
    assert_ne!(template.run(8, "c").await, template.run(7, "d").await);
}
