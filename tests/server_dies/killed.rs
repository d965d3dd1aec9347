//! The server is killed in the middle of its work.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use dorbank_server::{
    auth::codes,
    state::AppState,
    store::{self, Db},
};
use dorbank_shared::sync::{base::Verdict, wire::KIND_VISIT};
use dorbank_tests::reliability::{self, Row};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use tokio::sync::Notify;

use super::{
    phone::{Fault, Phone},
    world::{World, devices, doors, look, lost_and_twice},
};

/// As if each phone were in its next shift, and that one had room, and signs, for everybody.
async fn allow_more(world: &World) {
    let db = Db::open(&world.place.config().database).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    tx.execute("UPDATE device SET tickets = 0", vec![]).await.unwrap();
    tx.execute("UPDATE shift SET capacity = 1000000", vec![]).await.unwrap();
    tx.execute("UPDATE device SET state = 'refused' WHERE state = 'waiting'", vec![]).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
}

/// The code of a phone's shift, as it is typed.
async fn code_of(state: &AppState, phone: &Phone) -> String {
    let mut tx = state.db.read().await.unwrap();
    let shift = store::device::find(&mut tx, phone.device).await.unwrap().unwrap().shift;
    codes::typed(&state.keys, &store::shift::find(&mut tx, shift).await.unwrap().unwrap())
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
    /// Phones that were told that they have joined.
    joined: usize,
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
            joined: sum.joined + one.joined,
        };
        if kills() > KILLS_OF_ONE {
            eprintln!("the server: killed {} times of {}", (done + KILLS_OF_ONE).min(kills()), kills());
        }
    }
    let Killed { lost, twice, unheard, entries, inputs, joined } = sum;
    assert!(unheard > 0 && joined > 0, "it was never killed between a commit and its answer, or nobody joined");
    reliability::write(
        "server-killed",
        "The server is killed",
        &format!(
            "The server as a process of its own, {KILLS_OF_ONE} times at most on one database, six phones over real sockets, {entries} entries, \
             {inputs} sealed inputs and {joined} phones that joined in all; after each kill the file is verified and compared with what phones were answered. Again with \
             `DORBANK_KILLS=1000 DORBANK_KILL_SEED={first}`."
        ),
        &[Row {
            fault: "kill -9 in the middle of pushes, pulls, draws, inputs and joins".into(),
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
    let code = code_of(&state, &phones[0]).await;
    allow_more(&world).await;
    // Nobody else has it open, so that each start finds the log of the one that was killed.
    state.db.close().await;
    let mut sum = Killed::default();
    let mut joined = BTreeSet::new();
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
                let (begun, code) = (begun.clone(), code.clone());
                tokio::spawn(async move {
                    let mut joined = vec![];
                    loop {
                        if begun.0.fetch_add(1, Ordering::SeqCst) + 1 == blow {
                            begun.1.notify_one();
                        }
                        for _ in 0..phone.rng.random_range(1..12) {
                            phone.note();
                        }
                        let most = phone.rng.random_range(1..40);
                        let went = match phone.rng.random_range(0..8) {
                            0 | 1 => match phone.draw(at).await {
                                Ok(()) => phone.send_inputs(at).await,
                                gone => gone,
                            },
                            2 => phone.pull(at).await.map(|_| ()),
                            3 => phone.join_another(at, &code).await.map(|another| joined.push(another.device)),
                            _ => phone.push(at, most).await.map(|_| ()),
                        };
                        if went == Err(Fault::Gone) {
                            return (phone, joined);
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
            let (phone, told) = task.await.unwrap();
            phones.push(phone);
            joined.extend(told);
        }
        assert!(
            joined.is_subset(&devices(&world).await),
            "a phone was told that it has joined, and nobody knows it, in round {round} of seed {seed}"
        );
        let holds = look(&world).await;
        let unheard = |phone: &Phone| phone.unsent().iter().filter(|entry| holds.receipts.contains(&entry.id)).count() as u64;
        sum.unheard += phones.iter().map(unheard).sum::<u64>();
        let (gone, double) = lost_and_twice(&phones, &holds);
        assert_eq!((gone, double), (0, 0), "round {round} of seed {seed}");
        // A draw whose answer was lost is drawn for good; so many in a row only happen here.
        allow_more(&world).await;
        (sum.lost, sum.twice) = (sum.lost + gone, sum.twice + double);
    }
    let server = world.place.serve();
    for phone in &mut phones {
        phone.finish(server.address).await;
        phone.send_all_again(server.address).await;
    }
    // Two walk each turf: only now nothing changes any more.
    for phone in &mut phones {
        while phone.pull(server.address).await.unwrap() == Verdict::More {}
    }
    server.stop();
    for phone in &phones {
        let seen: BTreeMap<_, _> = phone.base.rows.iter().map(|(door, (_, seq))| (*door, *seq)).collect();
        assert_eq!(seen, doors(&world, phone.turf).await, "a phone missed a change");
    }
    let holds = look(&world).await;
    let visits = phones.iter().flat_map(|phone| &phone.entries).filter(|entry| entry.kind == KIND_VISIT).count();
    let inputs: usize = phones.iter().map(|phone| phone.sealed.len()).sum();
    assert_eq!((holds.visits.len(), holds.spool.len()), (visits, inputs));
    let (gone, double) = lost_and_twice(&phones, &holds);
    assert_eq!((gone, double), (0, 0));
    drop(world.folder);
    Killed { entries: phones.iter().map(|phone| phone.entries.len()).sum(), inputs, joined: joined.len(), ..sum }
}
