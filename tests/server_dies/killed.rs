//! The server is killed in the middle of its work.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use dorbank_server::store::Db;
use dorbank_shared::sync::wire::{KIND_VISIT, Status};
use dorbank_tests::reliability::{self, Row};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use tokio::sync::Notify;

use super::{
    phone::{Fault, Phone},
    world::{World, look, lost_and_twice},
};

/// As if each phone were in its next shift.
async fn allow_more_tickets(world: &World) {
    let db = Db::open(&world.place.config().database).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    tx.execute("UPDATE device SET tickets = 0", vec![]).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
}

/// How often it is killed.
fn kills() -> usize {
    env::var("DORBANK_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(20)
}

/// How often one database sees its server killed. All that it ever held is compared after each kill, so that a thousand on
/// one take a thousand times as long as on many.
const KILLS_OF_ONE: usize = 50;

/// So long after a request is begun the blow falls at the latest, in microseconds: longer than any takes.
const MOST_LATER_US: u64 = 15_000;

/// What came of a server that was killed again and again.
#[derive(Default)]
struct Killed {
    lost: u64,
    twice: u64,
    /// How many entries were written of which no phone had heard when the server was killed.
    unheard: u64,
    entries: usize,
    inputs: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_it_has_what_it_answered_for_once() {
    let first: u64 = env::var("DORBANK_KILL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut sum = Killed::default();
    for (seed, done) in (first..).zip((0..kills()).step_by(KILLS_OF_ONE)) {
        let one = killed(seed, (kills() - done).min(KILLS_OF_ONE)).await;
        sum = Killed {
            lost: sum.lost + one.lost,
            twice: sum.twice + one.twice,
            unheard: sum.unheard + one.unheard,
            entries: sum.entries + one.entries,
            inputs: sum.inputs + one.inputs,
        };
        if kills() > KILLS_OF_ONE {
            eprintln!("the server: killed {} times of {}", (done + KILLS_OF_ONE).min(kills()), kills());
        }
    }
    let Killed { lost, twice, unheard, entries, inputs } = sum;
    reliability::write(
        "server-killed",
        "The server is killed",
        &format!(
            "The server as a process of its own, {KILLS_OF_ONE} times at most on one database, six phones over real sockets, {entries} entries and \
             {inputs} sealed inputs in all; after each kill the file is verified and compared with what phones were answered. Again with \
             `DORBANK_KILLS=1000 DORBANK_KILL_SEED={first}`."
        ),
        &[Row {
            fault: "kill -9 in the middle of pushes, draws and inputs".into(),
            tried: format!("at a random request, with others under way; {unheard} entries were written and their answer was not"),
            runs: kills().div_ceil(KILLS_OF_ONE) as u64,
            times: Some(kills() as u64),
            lost,
            duplicated: twice,
        }],
    );
}

async fn killed(seed: u64, kills: usize) -> Killed {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let (world, state) = World::make().await;
    let mut phones = world.shift(&state).await;
    phones.extend(world.shift(&state).await);
    // Nobody else has it open, so that each start finds the log of the one that was killed.
    state.db.close().await;
    let mut sum = Killed::default();
    for round in 0..kills {
        let mut server = world.place.serve();
        let at = server.address;
        for phone in &mut phones {
            if rng.random_bool(0.4) && phone.sealed.len() < 30 {
                world.hear(&state, phone, &format!("setning {round}"));
            }
        }
        // So many requests are begun before the blow; which of them are answered is chance.
        let blow = rng.random_range(6..60);
        let begun = Arc::new((AtomicU64::new(0), Notify::new()));
        let tasks: Vec<_> = phones
            .drain(..)
            .map(|mut phone| {
                let begun = begun.clone();
                tokio::spawn(async move {
                    loop {
                        if begun.0.fetch_add(1, Ordering::SeqCst) + 1 == blow {
                            begun.1.notify_one();
                        }
                        for _ in 0..phone.rng.random_range(1..12) {
                            phone.note();
                        }
                        let most = phone.rng.random_range(1..40);
                        let went = match phone.rng.random_range(0..4) {
                            0 => match phone.draw(at).await {
                                Ok(()) => phone.send_inputs(at).await,
                                gone => gone,
                            },
                            _ => phone.push(at, most).await.map(|_| ()),
                        };
                        if went == Err(Fault::Gone) {
                            return phone;
                        }
                        assert_eq!(went, Ok(()));
                    }
                })
            })
            .collect();
        begun.1.notified().await;
        // One commit answers many phones at once, and they begin anew together: a blow that always fell then would never find
        // anything written and not answered.
        let after = Duration::from_micros(rng.random_range(0..MOST_LATER_US));
        let from = Instant::now();
        while from.elapsed() < after {
            tokio::task::yield_now().await;
        }
        server.kill();
        for task in tasks {
            phones.push(task.await.unwrap());
        }
        let holds = look(&world).await;
        let unheard = |phone: &Phone| phone.unsent().iter().filter(|entry| holds.receipts.contains(&entry.id)).count() as u64;
        sum.unheard += phones.iter().map(unheard).sum::<u64>();
        let (gone, double) = lost_and_twice(&phones, &holds);
        assert_eq!((gone, double), (0, 0), "round {round} of seed {seed}");
        // A draw whose answer was lost is drawn for good; so many in a row only happen here.
        allow_more_tickets(&world).await;
        (sum.lost, sum.twice) = (sum.lost + gone, sum.twice + double);
    }
    let server = world.place.serve();
    for phone in &mut phones {
        phone.finish(server.address).await;
        // And once more, as if no answer had ever come.
        let answered = std::mem::take(&mut phone.answered);
        phone.sealed.iter_mut().for_each(|sealed| sealed.held = false);
        while !phone.unsent().is_empty() {
            let results = phone.push(server.address, 200).await.unwrap();
            assert!(results.iter().all(|(status, _)| *status == Status::Duplicate), "{results:?}");
        }
        assert_eq!(answered.len(), phone.entries.len());
        phone.send_inputs(server.address).await.unwrap();
        assert!(phone.sealed.iter().all(|sealed| sealed.held), "a repeat is answered as before");
    }
    server.stop();
    let holds = look(&world).await;
    let visits = phones.iter().flat_map(|phone| &phone.entries).filter(|entry| entry.kind == KIND_VISIT).count();
    let inputs: usize = phones.iter().map(|phone| phone.sealed.len()).sum();
    assert_eq!((holds.visits.len(), holds.spool.len()), (visits, inputs));
    let (gone, double) = lost_and_twice(&phones, &holds);
    assert_eq!((gone, double), (0, 0));
    drop(world.folder);
    Killed { entries: phones.iter().map(|phone| phone.entries.len()).sum(), inputs, ..sum }
}
