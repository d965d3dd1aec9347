//! PostgreSQL in earnest: two server processes on one database, many phones at once, transactions that commit late, that lock each
//! other out, that cannot be serialized, and a database that is killed in the middle. Nothing skipped, nothing twice, and
//! nobody refused for good. `DORBANK_ROUNDS` says how many storms of each kind (1).

use std::{
    collections::BTreeMap,
    env,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use dorbank_server::{
    args,
    clock::{Clock as _, SystemClock},
    store::{campaign, device, door_state, meta},
};
use dorbank_shared::{
    input::{Slot, SlotStatus},
    sync::{
        base::{Base, Verdict},
        wire::{Admission, Envelope, MEDIA_TYPE, PullRequest, PullResponse, PushResponse, Status},
    },
    visit::Outcome,
};
use dorbank_tests::{
    Engine, TestServer, World,
    held::{Holds, lost_and_twice},
    postgres::{Cluster, waiting},
    reliability::{self, Row},
};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    inputs::{draw, request, send, slot},
    phone::{House, Phone, houses},
    process::{Place, Server as Process},
};

const PHONES: usize = 10;
const BATCHES: usize = 12;
const BATCH: usize = 4;
/// So often a phone asks again before we say that it is refused for good.
const TRIES: u64 = 400;

/// Two servers on one database, each a process of its own, and what they serve.
struct Pair {
    /// What is asked of them goes to the processes; what a test reads and writes itself goes to the database.
    servers: [TestServer; 2],
    processes: [Mutex<Process>; 2],
    world: World,
    houses: Vec<House>,
    address: String,
}

impl Pair {
    async fn on(address: String) -> Self {
        let home = || TestServer::with(Engine::Sqlite, |config| config.database.clone_from(&address));
        let mut servers = [home().await, home().await];
        // The processes have the machine's clock, so what is planned is planned by it.
        servers[0].clock.set(SystemClock.now_ms());
        let world = World::make(&servers[0].state).await;
        let houses = houses(&servers[0].state, &world).await;
        let serve = |server: &TestServer| Place::with_database(server.folder.path(), &address).serve();
        let processes = [serve(&servers[0]), serve(&servers[1])];
        for (server, process) in servers.iter_mut().zip(&processes) {
            server.address = process.address;
        }
        Self { servers, processes: processes.map(Mutex::new), world, houses, address }
    }

    /// One of them serves again, where it did before it was killed.
    fn serve_again(&self, which: usize) {
        let mut process = self.processes[which].lock().unwrap();
        *process = Place::with_database(self.servers[which].folder.path(), &self.address).serve_at(process.address);
    }

    async fn phone(&self) -> Phone {
        Phone::join(&self.servers[0].state, &self.world, Admission::Admitted, Some(self.world.turfs[0].id)).await
    }

    async fn stop(self) {
        self.processes.into_iter().for_each(stop);
        let [one, other] = self.servers;
        one.stop().await;
        other.stop().await;
    }
}

fn stop(process: Mutex<Process>) {
    process.into_inner().unwrap().stop();
}

/// What a storm cost.
#[derive(Default)]
struct Cost {
    lost: u64,
    duplicated: u64,
    /// Answers that were none: a fault of the server, or no connection.
    again: u64,
    /// How often one of the servers was killed before all was done.
    killed: u64,
}

/// A phone of a storm: it sends what it noted to either server until it has a receipt, and reads between.
struct Walker {
    pair: Arc<Pair>,
    phone: Phone,
    rng: ChaCha20Rng,
    base: Base,
    again: Arc<AtomicU64>,
    /// Whether the database is there.
    up: watch::Receiver<bool>,
}

impl Walker {
    /// Asks one of the servers until it answers.
    async fn ask<T: DeserializeOwned>(&mut self, path: &str, body: &[u8]) -> T {
        for _ in 0..TRIES {
            let server = &self.pair.servers[self.rng.random_range(0..2)];
            let request = server.post(path).bearer_auth(&self.phone.credential).header("content-type", "application/json").body(body.to_vec());
            match request.send().await {
                Ok(response) if response.status() == 200 && response.headers()["content-type"] == MEDIA_TYPE => {
                    return response.json().await.unwrap();
                }
                Ok(response) => assert!(response.status().is_server_error(), "{path}: {}", response.status()),
                Err(_) => {}
            }
            self.again.fetch_add(1, Ordering::Relaxed);
            self.up.wait_for(|up| *up).await.unwrap();
        }
        panic!("{path}: refused for good");
    }

    async fn push(&mut self, mut entries: Vec<Envelope>) {
        for _ in 0..TRIES {
            let body = serde_json::to_vec(&self.phone.request(&entries)).unwrap();
            let answer: PushResponse = if self.rng.random_bool(0.3) {
                // The same to both servers at the same moment: a phone with two tabs, or a proxy that tries again.
                let other = self.pair.clone();
                let (credential, copy) = (self.phone.credential.clone(), body.clone());
                let second = tokio::spawn(async move {
                    for server in &other.servers {
                        let request = server.post("/sync/v1/push").bearer_auth(&credential).header("content-type", "application/json");
                        drop(request.body(copy.clone()).send().await);
                    }
                });
                let answer = self.ask("/sync/v1/push", &body).await;
                second.await.unwrap();
                answer
            } else {
                self.ask("/sync/v1/push", &body).await
            };
            let held = |entry: &Envelope| answer.results.iter().any(|result| result.id == entry.id && result.status.is_receipt());
            assert!(answer.results.iter().all(|result| result.status != Status::Quarantined), "{answer:?}");
            entries.retain(|entry| !held(entry));
            if entries.is_empty() {
                return;
            }
        }
        panic!("a push was put off for good");
    }

    /// Reads one page of what is new.
    async fn pull(&mut self) -> Verdict {
        let turf = self.pair.world.turfs[0].id;
        let turfs = [(turf, self.base.cursor.clone())].into();
        let request = PullRequest { proto: 1, build: "test".into(), bundle: Some("none".into()), turfs };
        let answer: PullResponse = self.ask("/sync/v1/pull", &serde_json::to_vec(&request).unwrap()).await;
        let verdict = self.base.apply(&answer.turfs[0]);
        // One moment of the database: what was read together agrees with its own count and sum, always.
        assert_ne!(verdict, Verdict::Differs, "a cursor skipped a row");
        verdict
    }

    async fn walk(mut self) -> (Self, Vec<Envelope>) {
        let mut noted = Vec::new();
        for _ in 0..BATCHES {
            let pair = self.pair.clone();
            let batch: Vec<Envelope> = (0..BATCH)
                .map(|_| {
                    let house = &pair.houses[self.rng.random_range(0..3)];
                    let outcome = Outcome::CHOICES[self.rng.random_range(0..4)];
                    let door = self.rng.random_range(0..4);
                    self.phone.visit(&pair.servers[0].state, house, Some(door), outcome)
                })
                .collect();
            noted.extend(batch.iter().cloned());
            self.push(batch).await;
            self.pull().await;
        }
        (self, noted)
    }
}

/// What befalls a storm.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Storm {
    Calm,
    /// Every transaction must be as if it were alone.
    RepeatableRead,
    /// The database is killed so many times.
    Killed(u32),
    /// One of the servers is, each in its turn.
    OneKilled(u32),
}

async fn storm(cluster: &Arc<Cluster>, kind: Storm, seed: u64) -> Cost {
    let address = cluster.fresh_database().await;
    if kind == Storm::RepeatableRead {
        let name = address.split(['/', '?']).nth(3).unwrap();
        cluster.execute(&format!("ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")).await;
    }
    let pair = Arc::new(Pair::on(address).await);
    let again = Arc::new(AtomicU64::new(0));
    let (down, up) = watch::channel(true);
    let mut walkers = Vec::new();
    for index in 0..PHONES as u64 {
        let rng = ChaCha20Rng::seed_from_u64(seed * 1_000 + index);
        let (pair, again, up) = (pair.clone(), again.clone(), up.clone());
        let phone = pair.phone().await;
        walkers.push(tokio::spawn(Walker { pair, phone, rng, base: Base::default(), again, up }.walk()));
    }
    let mut cost = Cost::default();
    if let Storm::Killed(times) | Storm::OneKilled(times) = kind {
        for time in 1..=times {
            // Not before some of the work is done, and in the middle of the rest.
            let part = (PHONES * BATCHES * BATCH) as u64 * u64::from(time) / u64::from(times + 1);
            while count(&pair, "SELECT COUNT(*) FROM receipt").await < part {}
            if let Storm::OneKilled(_) = kind {
                let which = time as usize % 2;
                pair.processes[which].lock().unwrap().kill();
                // One that fell when all was done does not count.
                cost.killed += u64::from(count(&pair, "SELECT COUNT(*) FROM receipt").await < (PHONES * BATCHES * BATCH) as u64);
                let pair = pair.clone();
                // The other one goes on meanwhile.
                tokio::task::spawn_blocking(move || pair.serve_again(which)).await.unwrap();
                continue;
            }
            down.send(false).unwrap();
            let cluster = cluster.clone();
            tokio::task::spawn_blocking(move || cluster.kill_and_start()).await.unwrap();
            down.send(true).unwrap();
        }
    }
    let mut noted = Vec::new();
    let mut bases = Vec::new();
    for walker in walkers {
        let (walker, entries) = walker.await.unwrap();
        noted.extend(entries);
        bases.push(walker);
    }
    // Every phone reads to the end: it has each door's last change under its own number, so no number was skipped.
    let mut tx = pair.servers[0].state.db.read().await.unwrap();
    let rows = tx.all("SELECT door, seq FROM door_state WHERE turf = $1", args![pair.world.turfs[0].id]).await.unwrap();
    let truth: BTreeMap<Uuid, i64> = rows.iter().map(|row| (row.get(0).unwrap(), row.get(1).unwrap())).collect();
    for walker in &mut bases {
        while walker.pull().await == Verdict::More {}
        let seen: BTreeMap<Uuid, i64> = walker.base.rows.iter().map(|(door, (_, seq))| (*door, *seq)).collect();
        assert_eq!(seen, truth, "I4: a phone missed a change");
    }
    drop(tx);
    (cost.lost, cost.duplicated) = lost_and_twice(&pair.servers[0].state.db, &noted).await;
    cost.again = again.load(Ordering::Relaxed);
    drop(bases);
    Arc::into_inner(pair).expect("nobody else has it").stop().await;
    cost
}

async fn count(pair: &Pair, sql: &str) -> u64 {
    let mut tx = pair.servers[0].state.db.read().await.unwrap();
    let row = tx.one(sql, args![]).await.unwrap().unwrap();
    u64::try_from(row.get::<i64>(0).unwrap()).unwrap()
}

/// A transaction takes its number and does not commit; another phone pushes through the other server; a third reads
/// meanwhile and afterwards.
async fn commits_late(cluster: &Cluster) -> (u64, u64) {
    let pair = Pair::on(cluster.fresh_database().await).await;
    let (turf, house) = (pair.world.turfs[0].id, &pair.houses[0]);
    let (mut writer, reader) = (pair.phone().await, pair.phone().await);
    let first = writer.visit(&pair.servers[0].state, house, Some(0), Outcome::NotHome);
    writer.push(&pair.servers[0], std::slice::from_ref(&first)).await;

    let mut late = pair.servers[0].state.db.begin().await.unwrap();
    let seq = campaign::take_seq(&mut late, pair.world.campaign.id, 1).await.unwrap();
    let door = house.units[1];
    let state = door_state::NewState { door, turf, entrance: house.entrance, state: Some(Outcome::Talked), seq };
    door_state::put(&mut late, pair.world.campaign.id, &[state]).await.unwrap();

    let entry = writer.visit(&pair.servers[0].state, house, Some(2), Outcome::Talked);
    let push = writer.push(&pair.servers[1], std::slice::from_ref(&entry));
    let meanwhile = async {
        while waiting(&pair.servers[0].state.db).await == 0 {}
        // The reader sees neither the number that is not committed nor the one after it.
        let pull = reader.pull(&pair.servers[1], &[(turf, None)], None).await;
        assert_eq!(pull.turfs[0].rows.len(), 1);
        late.commit().await.unwrap();
        pull.turfs[0].next.clone()
    };
    let (answer, cursor) = tokio::join!(push, meanwhile);
    assert_eq!(answer.results[0].status, Status::Applied);
    assert!(answer.results[0].seq.unwrap() > seq);
    let pull = reader.pull(&pair.servers[0], &[(turf, Some(&cursor))], None).await;
    let seen: Vec<Uuid> = pull.turfs[0].rows.iter().map(|row| row.door).collect();
    assert_eq!(seen, [door, house.units[2]], "both changes, in the order of their numbers");
    let cost = lost_and_twice(&pair.servers[0].state.db, [&first, &entry]).await;
    pair.stop().await;
    cost
}

/// A push holds its phone's row and waits for the campaign's counter; who holds the counter wants the phone's row. Gives
/// whether the push was the one that the database ended, and what it cost.
async fn deadlock(cluster: &Cluster) -> (bool, (u64, u64)) {
    let pair = Pair::on(cluster.fresh_database().await).await;
    let mut phone = pair.phone().await;
    let entry = phone.visit(&pair.servers[0].state, &pair.houses[0], Some(0), Outcome::Talked);
    let before = cluster.has_said("deadlock detected");
    let mut other = pair.servers[0].state.db.begin().await.unwrap();
    // Whoever has waited for so long looks for a ring and is ended if there is one. The push looks after a second.
    other.execute("SET LOCAL deadlock_timeout = '20s'", args![]).await.unwrap();
    campaign::take_seq(&mut other, pair.world.campaign.id, 1).await.unwrap();
    let push = phone.push(&pair.servers[1], std::slice::from_ref(&entry));
    let rival = async {
        while waiting(&pair.servers[0].state.db).await == 0 {}
        let went_on = device::note_drawn(&mut other, phone.id, 0).await.is_ok();
        if went_on {
            other.commit().await.unwrap();
        }
        went_on
    };
    let (answer, went_on) = tokio::join!(push, rival);
    // One request, and it is answered as if nothing had been: the server did it again.
    assert_eq!(answer.results[0].status, Status::Applied);
    assert_eq!(count(&pair, "SELECT COUNT(*) FROM visit").await, 1);
    // More than once where the push, done again, has the phone's row before its rival wakes up: the ring closes anew.
    assert!(cluster.has_said("deadlock detected") > before, "neither of the two was ended");
    let cost = lost_and_twice(&pair.servers[0].state.db, [&entry]).await;
    pair.stop().await;
    (went_on, cost)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_one_postgresql_skip_nothing_and_count_nothing_twice() {
    let cluster = Arc::new(Cluster::start());
    let rounds: u64 = env::var("DORBANK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    let mut rows = Vec::new();
    let mut failed = false;
    let entries = PHONES * BATCHES * BATCH;
    for (kind, fault, said, tried) in [
        (Storm::Calm, "Two servers on one PostgreSQL", None, "push and pull at once, a third of the batches to both at the same moment"),
        (
            Storm::RepeatableRead,
            "Transactions that cannot be serialized",
            Some("could not serialize access"),
            "the same storm at the isolation level repeatable read",
        ),
        (
            Storm::Killed(2),
            "PostgreSQL is killed",
            Some("immediate shutdown request"),
            "pg_ctl restart -m immediate, twice in the middle of the same storm",
        ),
        (
            Storm::OneKilled(4),
            "One of two servers is killed",
            None,
            "kill -9 in the middle of the same storm, each twice, and the other goes on meanwhile",
        ),
    ] {
        let (mut lost, mut duplicated, mut again, mut killed) = (0, 0, 0, 0);
        let has_said = || said.map(|said| cluster.has_said(said));
        let before = has_said();
        for round in 0..rounds {
            let cost = storm(&cluster, kind, round).await;
            (lost, duplicated, again, killed) = (lost + cost.lost, duplicated + cost.duplicated, again + cost.again, killed + cost.killed);
        }
        let times = if let Storm::OneKilled(_) = kind { Some(killed) } else { has_said().zip(before).map(|(now, before)| now - before) };
        assert_ne!(times, Some(0), "{fault}: it never happened");
        failed |= lost + duplicated > 0;
        let tried = format!("{tried}; {PHONES} phones, {entries} visits a run, {again} answers had to be asked for again");
        rows.push(Row { fault: fault.into(), tried, runs: rounds, times, lost, duplicated });
    }
    let (mut late, mut locked, mut ended) = ((0, 0), (0, 0), 0);
    let add = |sum: &mut (u64, u64), cost: (u64, u64)| *sum = (sum.0 + cost.0, sum.1 + cost.1);
    for round in 0..rounds {
        add(&mut late, commits_late(&cluster).await);
        // On a machine that is busy enough the other one may have looked first.
        for _ in 0..5 {
            let (is_push, cost) = deadlock(&cluster).await;
            add(&mut locked, cost);
            if is_push {
                ended += 1;
                break;
            }
        }
        assert_eq!(ended, round + 1, "the push was never the one that was ended");
    }
    for (fault, tried, times, (lost, duplicated)) in [
        ("A transaction commits late", "it holds its number while another server pushes and a third phone reads", None, late),
        (
            "A deadlock",
            "a push holds its phone's row and wants the campaign's counter, another transaction the reverse; the push is ended and done again",
            Some(ended),
            locked,
        ),
    ] {
        failed |= lost + duplicated > 0;
        rows.push(Row { fault: fault.into(), tried: tried.into(), runs: rounds, times, lost, duplicated });
    }
    reliability::write("20-postgres", "PostgreSQL, two servers", "Two processes of the server on one database, real sockets.", &rows);
    assert!(!failed, "{rows:?}");
}

/// Sends slots as a phone does. Gives what became of each.
async fn offer(server: &TestServer, slots: &[&Slot]) -> Vec<SlotStatus> {
    let mut answer = send(server, &request(server, slots.iter().copied().cloned().collect())).await.slots;
    answer.truncate(slots.len());
    answer
}

/// A copy by PostgreSQL's own tools, and what a phone sent after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_after_a_pg_dump_is_offered_again_after_pg_restore() {
    let cluster = Cluster::start();
    let pair = Pair::on(cluster.fresh_database().await).await;
    let folder = tempfile::tempdir().unwrap();
    let place = Place::with_database(folder.path(), &pair.address);
    let mut phone = pair.phone().await;
    let [before, after] = [0, 1].map(|door| phone.visit(&pair.servers[0].state, &pair.houses[0], Some(door), Outcome::Talked));
    let held = phone.push(&pair.servers[0], std::slice::from_ref(&before)).await;
    // An input in the copy, one whose ticket alone is, and one of which nothing is.
    let early = draw(&pair.servers[0], &phone, 2).await;
    let seal = |ticket: &str, words: &str| slot(&pair.servers[0], &pair.world, ticket, words);
    let (first, second) = (seal(&early[0], "Bussen"), seal(&early[1], "Skolen"));
    assert_eq!(offer(&pair.servers[0], &[&first]).await, [SlotStatus::Held]);
    let copy = folder.path().join("dorbank.dump");
    cluster.dump(&pair.address, &copy);
    place.done(&["backup", "--noted"]);
    assert_eq!(phone.push(&pair.servers[1], std::slice::from_ref(&after)).await.results[0].status, Status::Applied);
    let third = seal(&draw(&pair.servers[1], &phone, 1).await[0], "Parken");
    assert_eq!(offer(&pair.servers[1], &[&second, &third]).await, [SlotStatus::Held; 2]);
    let Pair { servers, processes, address, .. } = pair;
    processes.into_iter().for_each(stop);
    for server in servers {
        server.stop().await;
    }

    // With both servers stopped; and what must follow is said.
    cluster.restore(&address, &copy);
    let said = place.done(&["restore", "--noted"]);
    assert!(said.contains("new epoch"), "{said}");
    assert!(place.done(&["verify"]).contains("All is well"));
    let mut server = TestServer::with(Engine::Sqlite, |config| config.database.clone_from(&address)).await;
    let process = Place::with_database(server.folder.path(), &address).serve();
    server.address = process.address;
    let again = phone.push(&server, &[before.clone(), after.clone()]).await;
    assert_ne!(again.epoch, held.epoch, "phones notice");
    assert_eq!(again.results.iter().map(|result| result.status).collect::<Vec<_>>(), [Status::Duplicate, Status::Applied]);
    let sealed = [&first, &second, &third].map(|slot| BASE64_URL_SAFE_NO_PAD.decode(&slot.sealed).unwrap());
    let spool = async || Holds::read(&server.state.db).await.spool;
    assert_eq!(spool().await, [(sealed[0].clone(), 1)].into(), "the others are gone");
    // The ticket that was drawn after the copy is known no more, and the phone draws another for what it sealed.
    assert_eq!(offer(&server, &[&first, &second, &third]).await, [SlotStatus::Held, SlotStatus::Held, SlotStatus::Refused]);
    let third = Slot { ticket: draw(&server, &phone, 1).await.remove(0), ..third };
    for _ in 0..2 {
        assert_eq!(offer(&server, &[&first, &second, &third]).await, [SlotStatus::Held; 3], "also when it is asked again");
    }
    assert!(place.done(&["verify"]).contains("All is well"));
    let holds = Holds::read(&server.state.db).await;
    assert_eq!((holds.visits.len(), holds.spool.len()), (2, 3), "all are there");
    let entries = holds.entries_lost_and_twice([(&before, true), (&after, true)]);
    let inputs = holds.inputs_lost_and_twice(sealed.iter().map(|sealed| (sealed.as_slice(), true)));
    let (lost, duplicated) = (entries.0 + inputs.0, entries.1 + inputs.1);
    let mut tx = server.state.db.read().await.unwrap();
    assert!(meta::find(&mut tx, dorbank_server::sync::inputs::BACKED_UP_THROUGH).await.unwrap().is_none(), "phones keep their inputs");
    drop(tx);
    process.stop();
    server.stop().await;
    reliability::write(
        "21-postgres-restored",
        "PostgreSQL is restored from a backup",
        "PostgreSQL's own tools, the server and its commands as processes.",
        &[Row {
            fault: "pg_restore of a dump older than the phones' receipts".into(),
            tried: "a visit and a sealed input before it, a visit and two sealed inputs after it; then dorbank restore --noted".into(),
            runs: 1,
            times: None,
            lost,
            duplicated,
        }],
    );
    assert_eq!((lost, duplicated), (0, 0));
}
