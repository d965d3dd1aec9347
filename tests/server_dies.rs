//! The server is killed in the middle of its work, and put back to a backup older than what phones were answered: nothing
//! is lost, nothing is there twice, and every repeat is answered.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use dorbank_server::{
    auth::credential::Credential,
    clock::SystemClock,
    state::{AppState, system_seed},
    store::{self, Db},
    verify,
};
use dorbank_shared::{
    input::{InputsRequest, InputsResponse, SLOTS, Slot, SlotStatus},
    seal::SEALED_BYTES,
    sync::wire::{
        Admission, Envelope, Have, KIND_VISIT, KIND_WITHDRAWAL, MEDIA_TYPE, PushRequest, PushResponse, Reason, Status, TicketsRequest,
        TicketsResponse,
    },
    visit::{Outcome, VisitV1, WithdrawalV1},
};
use dorbank_tests::{
    field::Field,
    held::Holds,
    reliability::{self, Row},
    write_site,
};
use rand::{RngExt as _, SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha20Rng;
use reqwest::Client;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::process::Place;

/// A sealed input on a phone.
#[derive(Debug, Clone)]
struct Sealed {
    bytes: Vec<u8>,
    ticket: Option<String>,
    held: bool,
}

/// A phone as far as it matters here: what is durable on it, and what it does with answers.
struct Phone {
    device: Uuid,
    credential: String,
    campaign: Uuid,
    turf: Uuid,
    doors: Vec<(Uuid, Uuid)>,
    entries: Vec<Envelope>,
    answered: BTreeMap<Uuid, Status>,
    sealed: Vec<Sealed>,
    tickets: Vec<String>,
    epoch: Option<String>,
    rng: ChaCha20Rng,
    client: Client,
}

/// What a request came to, other than an answer of ours.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    Gone,
    Status(u16),
}

impl Phone {
    fn id(&mut self) -> Uuid {
        Uuid::from_u128(self.rng.random::<u128>() & !(0xf << 76) | (7 << 76))
    }

    fn entry(&mut self, kind: &str, supersedes: Option<Uuid>, bytes: String) {
        let device_seq = self.entries.len() as u64 + 1;
        let id = self.id();
        self.entries.push(Envelope { id, kind: kind.into(), version: 1, device_seq, supersedes, captured_at: 0, bytes });
    }

    fn visit(&mut self, door: usize, outcome: Outcome, supersedes: Option<Uuid>) {
        let (entrance, unit) = self.doors[door];
        let body = VisitV1 { campaign: self.campaign, turf: self.turf, entrance, unit: Some(unit), outcome, leaflet: false, occurred_at: 0 };
        self.entry(KIND_VISIT, supersedes, serde_json::to_string(&body).unwrap());
    }

    /// Mostly a visit; at times a correction of the last one, or an undo.
    fn note(&mut self) {
        let door = self.rng.random_range(0..self.doors.len());
        let outcome = [Outcome::NotHome, Outcome::Talked, Outcome::Declined, Outcome::ComeBack][self.rng.random_range(0..4)];
        let last = self.entries.last().filter(|entry| entry.kind == KIND_VISIT).map(|entry| entry.id);
        match (self.rng.random_range(0..10), last) {
            (0, Some(last)) => {
                let body = serde_json::to_string(&WithdrawalV1 { campaign: self.campaign }).unwrap();
                self.entry(KIND_WITHDRAWAL, Some(last), body);
            }
            (1, Some(last)) => {
                let old: VisitV1 = serde_json::from_str(&self.entries.last().unwrap().bytes).unwrap();
                let door = self.doors.iter().position(|(_, unit)| old.unit == Some(*unit)).unwrap();
                self.visit(door, outcome, Some(last));
            }
            _ => self.visit(door, outcome, None),
        }
    }

    fn unsent(&self) -> Vec<Envelope> {
        self.entries.iter().filter(|entry| !self.answered.contains_key(&entry.id)).cloned().collect()
    }

    async fn post<T: serde::Serialize>(&self, at: SocketAddr, path: &str, body: &T, signed: bool) -> Result<reqwest::Response, Fault> {
        let request = self.client.post(format!("http://{at}{path}")).json(body);
        let request = if signed { request.bearer_auth(&self.credential) } else { request };
        let response = request.send().await.map_err(|_| Fault::Gone)?;
        if response.status() == 200 { Ok(response) } else { Err(Fault::Status(response.status().as_u16())) }
    }

    /// Sends so many entries. Only what is answered for, under its own digest, counts.
    async fn push(&mut self, at: SocketAddr, most: usize) -> Result<Vec<(Status, Option<Reason>)>, Fault> {
        let entries: Vec<Envelope> = self.unsent().into_iter().take(most).collect();
        let have = Have {
            min_unacked: entries.first().map_or(0, |entry| entry.device_seq),
            max_issued: self.entries.len() as u64,
            unsent: self.unsent().len() as u64,
        };
        let request = PushRequest { proto: 1, build: "test".into(), epoch: self.epoch.clone(), have, entries: entries.clone() };
        let response = self.post(at, "/sync/v1/push", &request, true).await?;
        assert_eq!(response.headers()["content-type"], MEDIA_TYPE);
        let answer: PushResponse = response.json().await.map_err(|_| Fault::Gone)?;
        for result in &answer.results {
            let entry = entries.iter().find(|entry| entry.id == result.id).unwrap();
            assert_eq!(entry.digest(), result.digest);
            if result.status.is_receipt() {
                self.answered.insert(entry.id, result.status);
            }
        }
        self.meet(&answer.epoch);
        Ok(answer.results.iter().map(|result| (result.status, result.reason)).collect())
    }

    /// Another epoch: everything is offered again.
    fn meet(&mut self, epoch: &str) {
        if self.epoch.as_deref().is_some_and(|known| known != epoch) {
            self.answered.clear();
            self.sealed.iter_mut().for_each(|sealed| sealed.held = false);
        }
        self.epoch = Some(epoch.to_owned());
    }

    /// Draws tickets, if it has few.
    async fn draw(&mut self, at: SocketAddr) -> Result<(), Fault> {
        if self.tickets.len() < 6 {
            let drawn: TicketsResponse =
                self.post(at, "/sync/v1/tickets", &TicketsRequest { count: 20 }, true).await?.json().await.map_err(|_| Fault::Gone)?;
            self.tickets.extend(drawn.tickets);
        }
        Ok(())
    }

    /// Sends what waits, eight slots a request. What is refused gets another ticket the next time.
    async fn send_inputs(&mut self, at: SocketAddr) -> Result<(), Fault> {
        for sealed in self.sealed.iter_mut().filter(|sealed| !sealed.held && sealed.ticket.is_none()) {
            sealed.ticket = self.tickets.pop();
        }
        let mut ready: Vec<usize> = (0..self.sealed.len()).filter(|i| !self.sealed[*i].held && self.sealed[*i].ticket.is_some()).collect();
        ready.shuffle(&mut self.rng);
        for part in ready.chunks(SLOTS) {
            let mut slots: Vec<Slot> = part
                .iter()
                .map(|i| Slot { ticket: self.sealed[*i].ticket.clone().unwrap(), sealed: BASE64_URL_SAFE_NO_PAD.encode(&self.sealed[*i].bytes) })
                .collect();
            while slots.len() < SLOTS {
                let ticket: [u8; 32] = self.rng.random();
                let byte: u8 = self.rng.random();
                slots.push(Slot { ticket: BASE64_URL_SAFE_NO_PAD.encode(ticket), sealed: BASE64_URL_SAFE_NO_PAD.encode(vec![byte; SEALED_BYTES]) });
            }
            let answer = self.post(at, "/inputs/v1", &InputsRequest { proto: 1, slots }, false).await?;
            let answer: InputsResponse = answer.json().await.map_err(|_| Fault::Gone)?;
            for (i, status) in part.iter().zip(&answer.slots) {
                match status {
                    SlotStatus::Held => self.sealed[*i].held = true,
                    SlotStatus::Refused => self.sealed[*i].ticket = None,
                }
            }
        }
        Ok(())
    }

    /// Until all is answered for, as a phone does over its evening.
    async fn finish(&mut self, at: SocketAddr) {
        for _ in 0..50 {
            while !self.unsent().is_empty() {
                let results = self.push(at, 200).await.unwrap();
                assert!(results.iter().any(|(status, _)| status.is_receipt()), "{results:?}");
            }
            self.draw(at).await.unwrap();
            self.send_inputs(at).await.unwrap();
            if self.sealed.iter().all(|sealed| sealed.held) {
                return;
            }
        }
        panic!("an input was refused again and again");
    }
}

/// A campaign on disk, and phones in its shifts.
struct World {
    place: Place,
    field: Field,
    folder: tempfile::TempDir,
}

impl World {
    async fn make() -> (Self, AppState) {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        write_site(&folder.path().join("site"));
        let state = AppState::open(place.config(), Arc::new(SystemClock), system_seed()).await.unwrap();
        let field = Field::make(&state, 1, 3, 40).await;
        (Self { place, field, folder }, state)
    }

    /// A shift with a phone for each turf, all let in.
    async fn shift(&self, state: &AppState) -> Vec<Phone> {
        let mut phones = vec![];
        for (walk, made) in self.field.shift(state, &[0, 1, 2]).await.into_iter().enumerate() {
            phones.push(self.join(state, made.shift, walk, Some(Admission::Admitted)).await);
        }
        phones
    }

    /// A phone joins a shift, as its code would let it.
    async fn join(&self, state: &AppState, shift: Uuid, walk: usize, admission: Option<Admission>) -> Phone {
        let device = state.id_v7();
        let mut rng = state.fork_rng();
        let sign = format!("{}{}", rng.random_range('A'..='Z'), rng.random_range(2..=9));
        let credential = Credential::new(&state.keys, device, shift, &sign);
        let mut tx = state.db.begin().await.unwrap();
        store::device::insert(&mut tx, device, shift, &sign, credential.hash(), state.now_ms()).await.unwrap();
        tx.commit().await.unwrap();
        let turf = self.field.walks[walk].turf;
        if let Some(admission) = admission {
            admit(state, device, admission, turf).await;
        }
        Phone {
            device,
            credential: credential.text(),
            campaign: self.field.campaign,
            turf,
            doors: self.field.walks[walk].doors.clone(),
            entries: vec![],
            answered: BTreeMap::new(),
            sealed: vec![],
            tickets: vec![],
            epoch: None,
            rng,
            client: {
                dorbank_server::import::fetch::provide_tls();
                Client::new()
            },
        }
    }

    fn hear(&self, state: &AppState, phone: &mut Phone, words: &str) {
        let input = self.field.input(state, "01", &[0], Some(words));
        let bytes = self.field.seal(state, serde_json::to_string(&input).unwrap().as_bytes());
        phone.sealed.push(Sealed { bytes, ticket: None, held: false });
    }
}

async fn admit(state: &AppState, device: Uuid, admission: Admission, turf: Uuid) {
    let mut tx = state.db.begin().await.unwrap();
    let version = store::device::find(&mut tx, device).await.unwrap().unwrap().version;
    store::device::set_admission(&mut tx, device, version, admission, Some(turf)).await.unwrap();
    tx.commit().await.unwrap();
}

/// Looks at a database that nobody need have closed, and holds it to `verify`.
async fn look(world: &World) -> Holds {
    let db = Db::inspect(&world.place.config().database).await.unwrap();
    let checks = verify::run(&db, dorbank_server::clock::Clock::now_ms(&SystemClock)).await.unwrap();
    assert!(verify::is_whole(&checks), "{checks:#?}");
    assert!(checks.len() > 10 && checks.iter().all(|check| check.skipped.is_none()), "{checks:#?}");
    let holds = Holds::read(&db).await;
    db.close().await;
    holds
}

/// How many of what phones were answered for is nowhere, and how many are there more than once.
fn lost_and_twice(phones: &[Phone], holds: &Holds) -> (u64, u64) {
    let (lost, twice) = visits_lost_and_twice(phones, holds);
    let sealed = phones.iter().flat_map(|phone| &phone.sealed).map(|sealed| (sealed.bytes.as_slice(), sealed.held));
    let (inputs_lost, inputs_twice) = holds.inputs_lost_and_twice(sealed);
    (lost + inputs_lost, twice + inputs_twice)
}

/// The same of visits and what replaces them.
fn visits_lost_and_twice(phones: &[Phone], holds: &Holds) -> (u64, u64) {
    let noted = phones.iter().flat_map(|phone| phone.entries.iter().map(|entry| (entry, phone.answered.contains_key(&entry.id))));
    holds.entries_lost_and_twice(noted)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_that_was_there_twice_under_two_ids_went_unseen() {
    let (world, state) = World::make().await;
    let mut phones = world.shift(&state).await;
    phones.truncate(1);
    let server = world.place.serve();
    phones[0].visit(0, Outcome::NotHome, None);
    let first = phones[0].entries[0].id;
    phones[0].visit(0, Outcome::Talked, Some(first));
    phones[0].visit(1, Outcome::NotHome, None);
    phones[0].finish(server.address).await;
    server.stop();
    assert_eq!(lost_and_twice(&phones, &look(&world).await), (0, 0));
    let copy = "INSERT INTO visit (id, campaign, turf, entrance, unit, outcome, leaflet, occurred_at, device, device_seq, superseded_by, silenced) \
        SELECT $1, campaign, turf, entrance, unit, outcome, leaflet, occurred_at, device, device_seq + 100, superseded_by, silenced FROM visit WHERE id = $2";
    let same_counter = copy.replace(" + 100", "");
    let (last, other) = (phones[0].entries[2].id, state.id_v7());
    for (sql, ids, found) in [
        (copy, vec![other, last], (0, 1)),
        (same_counter.as_str(), vec![other, first], (0, 1)),
        ("UPDATE visit SET superseded_by = NULL WHERE id = $1", vec![first], (0, 1)),
        ("UPDATE visit SET superseded_by = id WHERE id = $1", vec![last], (1, 0)),
    ] {
        // Done beside what is there, and undone.
        let mut tx = state.db.begin().await.unwrap();
        tx.execute(sql, ids.into_iter().map(Into::into).collect()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(lost_and_twice(&phones, &Holds::read(&state.db).await), found, "{sql}");
        let mut tx = state.db.begin().await.unwrap();
        tx.execute("DELETE FROM visit WHERE id = $1", vec![other.into()]).await.unwrap();
        tx.execute("UPDATE visit SET superseded_by = NULL WHERE id = $1", vec![last.into()]).await.unwrap();
        let second = phones[0].entries[1].id;
        tx.execute("UPDATE visit SET superseded_by = $2 WHERE id = $1", vec![first.into(), second.into()]).await.unwrap();
        tx.commit().await.unwrap();
    }
    state.db.close().await;
}

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
        for _ in 0..rng.random_range(0..2_000) {
            std::hint::spin_loop();
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_older_than_the_phones_receipts_loses_nothing_and_doubles_nothing() {
    let (world, state) = World::make().await;
    let place = &world.place;
    // Three shifts, in each a phone for each turf: enough was heard for the area to be mixed.
    let mut phones = vec![];
    for _ in 0..3 {
        phones.extend(world.shift(&state).await);
    }
    let server = place.serve();
    for (number, phone) in phones.iter_mut().enumerate() {
        for talk in 0..8 {
            phone.visit(number / 3 * 8 + talk, Outcome::Talked, None);
            world.hear(&state, phone, &format!("setning {number} {talk}"));
        }
        phone.finish(server.address).await;
    }
    assert!(place.done(&["mix"]).contains("mixed"));
    // What is heard now waits in the spool.
    for phone in &mut phones {
        world.hear(&state, phone, "før kopien");
        phone.draw(server.address).await.unwrap();
        phone.send_inputs(server.address).await.unwrap();
    }
    let backup = world.folder.path().join("backup.db");
    let backup = backup.to_str().unwrap();
    place.done(&["backup", backup]);
    assert!(place.done(&["verify", backup]).contains("All is well"));
    assert!(place.refused(&["backup", backup]).contains("already"), "no file is written over");
    // One that was killed left this behind.
    let (part, whole) = (world.folder.path().join("second.db.part"), world.folder.path().join("second.db"));
    std::fs::write(&part, "half").unwrap();
    place.done(&["backup", whole.to_str().unwrap()]);
    assert!(!part.exists() && whole.exists());
    assert!(place.refused(&["restore", "--noted"]).contains("is in use"), "under a server that runs");
    assert!(place.refused(&["backup", "/nowhere/backup.db"]).contains("mkdir -p /nowhere"));

    // After the backup: a correction of what it has, new visits, inputs for tickets drawn before and after, and a phone
    // that joins, is let in and works.
    let shift = store::device::find(&mut state.db.read().await.unwrap(), phones[0].device).await.unwrap().unwrap().shift;
    phones.push(world.join(&state, shift, 0, Some(Admission::Admitted)).await);
    for phone in &mut phones {
        let first = phone.entries.first().map(|entry| entry.id);
        phone.visit(30, Outcome::NotHome, None);
        phone.visit(0, Outcome::Declined, first);
        for _ in 0..12 {
            world.hear(&state, phone, "etter kopien");
        }
        phone.finish(server.address).await;
    }
    server.stop();
    let before = look(&world).await;

    // While anybody has it open it is not restored.
    assert!(place.refused(&["restore", backup]).contains("in use"));
    state.db.close().await;
    let other = sqlx::SqlitePool::connect(&place.config().database).await.unwrap();
    let _held: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM visit").fetch_one(&other).await.unwrap();
    assert!(place.refused(&["restore", backup]).contains("in use"), "also by another program");
    other.close().await;
    std::fs::write(world.folder.path().join("note.txt"), "not a backup").unwrap();
    assert!(place.refused(&["restore", "note.txt"]).contains("not whole"));
    assert!(place.refused(&["restore", "nowhere.db"]).contains("no file"));
    let said = place.done(&["restore", backup]);
    assert!(said.contains("Restored from") && said.contains("offer again"), "{said}");
    let aside: Vec<_> = std::fs::read_dir(world.folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("dorbank.db.before-") && !name.ends_with("-wal"))
        .collect();
    assert_eq!(aside.len(), 1, "the old one is put aside: {aside:?}");
    assert!(!world.folder.path().join("dorbank.db.restoring").exists());

    let state = AppState::open(place.config(), Arc::new(SystemClock), system_seed()).await.unwrap();
    let rows = store::audit::all(&mut state.db.read().await.unwrap()).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.action == "restore").count(), 1);
    let server = place.serve();
    let at = server.address;
    for phone in &mut phones {
        let held = store::device::find(&mut state.db.read().await.unwrap(), phone.device).await.unwrap();
        if held.is_none() {
            // It is not known any more. Its proof lets it wait; nothing that it has is put aside for anybody to look at.
            phone.answered.clear();
            let results = phone.push(at, 200).await.unwrap();
            assert!(results.iter().all(|result| *result == (Status::Retry, Some(Reason::NotAdmitted))), "{results:?}");
            admit(&state, phone.device, Admission::Admitted, phone.turf).await;
        }
        // Something new is sent, the answer names another epoch, and all is offered again.
        phone.visit(31, Outcome::ComeBack, None);
        phone.finish(at).await;
    }
    server.stop();
    let after = look(&world).await;
    let visits: BTreeSet<Uuid> =
        phones.iter().flat_map(|phone| &phone.entries).filter(|entry| entry.kind == KIND_VISIT).map(|entry| entry.id).collect();
    assert_eq!(after.visits.keys().copied().collect::<BTreeSet<_>>(), visits);
    assert_eq!(after.receipts.len(), phones.iter().map(|phone| phone.entries.len()).sum::<usize>());
    assert_eq!(after.mixed, 72, "what was mixed before the backup is known by its tickets and not taken again");
    assert_eq!(after.spool, before.spool, "and what waited or was lost with the old database is there, once");
    assert_eq!(after.spool.len() + 72, phones.iter().map(|phone| phone.sealed.len()).sum::<usize>());
    assert!(after.spool.values().all(|count| *count == 1));
    // Of inputs some are mixed by now, and were counted above.
    let (lost, twice) = visits_lost_and_twice(&phones, &after);
    assert_eq!((lost, twice), (0, 0));

    // A backup after this does not have phones let go of anything: one that was away does not know of the restore yet.
    let later = world.folder.path().join("later.db");
    place.done(&["backup", later.to_str().unwrap()]);
    let through = store::meta::find(&mut state.db.read().await.unwrap(), dorbank_server::sync::inputs::BACKED_UP_THROUGH).await.unwrap();
    assert_eq!(through, None);
    state.db.close().await;
    reliability::write(
        "server-restored",
        "The server is restored from a backup",
        "The server and the tools as processes of their own, over real sockets.",
        &[Row {
            fault: "a restore older than the phones' receipts".into(),
            tried: format!(
                "{} visits and {} sealed inputs, some mixed, some of phones that joined after the backup",
                visits.len(),
                after.spool.len() + 72
            ),
            runs: 1,
            times: None,
            lost,
            duplicated: twice,
        }],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_backup_than_the_newest_is_restored_only_when_meant() {
    let (world, state) = World::make().await;
    let old = world.folder.path().join("old.db");
    let (config, rng) = (world.place.config(), &mut state.fork_rng());
    let now = state.now_ms();
    dorbank_server::backup::run(&config.database, &old, now).await.unwrap();
    dorbank_server::backup::note(&state.db, now + 3 * 86_400_000, now + 3 * 86_400_000).await.unwrap();
    state.db.close().await;
    let refused = dorbank_server::restore::run(&config.database, &old, false, now, rng).await.unwrap_err();
    assert!(refused.to_string().contains("--older"), "{refused}");
    let restored = dorbank_server::restore::run(&config.database, &old, true, now, rng).await.unwrap();
    assert_eq!(restored.begun_at, Some(now));
    let again = dorbank_server::restore::run(&config.database, &old, true, now, rng).await.unwrap();
    assert_ne!(restored.aside, again.aside, "each that is put aside has its own name");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_the_first_hour_of_a_day_was_taken_in_the_place_of_one_that_holds_the_day_before() {
    let (world, state) = World::make().await;
    let old = world.folder.path().join("old.db");
    let (config, rng) = (world.place.config(), &mut state.fork_rng());
    // Half past midnight, UTC: what came a little before it may have been written after the copy.
    let midnight = state.now_ms().div_euclid(86_400_000) * 86_400_000;
    let (early, hour) = (midnight + 1_800_000, 3_600_000);
    dorbank_server::backup::run(&config.database, &old, early).await.unwrap();
    dorbank_server::backup::note(&state.db, early + hour, early + hour).await.unwrap();
    let mut restore = async || dorbank_server::restore::run(&config.database, &old, false, early + 2 * hour, rng).await;
    // A dump that began before is noted after it: what phones were told they may have let go of.
    let noted = dorbank_server::backup::note(&state.db, early - 26 * hour, early + hour).await.unwrap();
    assert!(noted < Some(dorbank_server::backup::last_whole_day(early + hour)), "from now on they are told less");
    state.db.close().await;
    let refused = restore().await.unwrap_err();
    assert!(refused.to_string().contains("--older"), "{refused}");
    // A day that is not over was noted by a clock that was ahead.
    let db = Db::open(&config.database).await.unwrap();
    dorbank_server::backup::note(&db, early + hour / 4, early + hour / 4).await.unwrap();
    db.close().await;
    restore().await.unwrap();
}

/// Each thing that `verify` looks at, broken on purpose.
const BROKEN: [(&str, &str); 8] = [
    ("DELETE FROM visit WHERE id IN (SELECT id FROM visit ORDER BY id LIMIT 1)", "has its visit"),
    ("DELETE FROM receipt WHERE id IN (SELECT id FROM visit ORDER BY id DESC LIMIT 1)", "has its receipt"),
    ("UPDATE door_state SET state = 'come_back' WHERE state = 'not_home'", "what its visits say"),
    ("UPDATE campaign_clock SET seq = 0", "campaign's counter"),
    ("UPDATE spool SET sealed = ticket_hash FROM ticket WHERE envelope_hash IS NOT NULL", "one size"),
    ("UPDATE ticket SET envelope_hash = NULL", "paid for"),
    ("DELETE FROM meta WHERE key = 'epoch'", "epoch"),
    ("DELETE FROM quarantine", "kept to be looked at"),
];

#[tokio::test]
async fn what_is_wrong_with_a_database_is_found_on_both() {
    for engine in dorbank_tests::Engine::BOTH {
        for (sql, found) in BROKEN {
            let server = dorbank_tests::TestServer::on(engine).await;
            let state = &server.state;
            let field = Field::make(state, 1, 1, 12).await;
            let mut phones = field.shift(state, &[0]).await;
            let doors: Vec<(usize, Outcome)> = (0..6).map(|door| (door, Outcome::NotHome)).collect();
            field.knock(state, &mut phones[0], 0, state.now_ms(), &doors).await;
            field.send(state, &phones[0], &[field.input(state, "01", &[0], None)]).await;
            let strange =
                Envelope { id: state.id_v7(), kind: "later".into(), version: 9, device_seq: 7, supersedes: None, captured_at: 0, bytes: "{}".into() };
            let batch = dorbank_server::sync::entry::Batch { have: Have::default(), epoch: None, entries: vec![strange.into()] };
            dorbank_server::sync::push::push(&state.db, state.now_ms(), phones[0].device, &batch).await.unwrap();
            let checks = verify::run(&state.db, state.now_ms()).await.unwrap();
            assert!(verify::is_whole(&checks) && checks.iter().all(|check| check.skipped.is_none()), "{engine:?}: {checks:#?}");
            let mut tx = state.db.begin().await.unwrap();
            tx.execute(sql, vec![]).await.unwrap();
            tx.commit().await.unwrap();
            let checks = verify::run(&state.db, state.now_ms()).await.unwrap();
            let wrong: Vec<&str> = checks.iter().filter(|check| !check.wrong.is_empty()).map(|check| check.what).collect();
            assert!(wrong.iter().any(|what| what.contains(found)), "{engine:?}: {sql}: {wrong:?}");
            server.stop().await;
        }
    }
}

#[tokio::test]
async fn what_follows_a_restore_is_done_on_both() {
    for engine in dorbank_tests::Engine::BOTH {
        let server = dorbank_tests::TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 1, 1, 12).await;
        let mut phones = field.shift(state, &[0]).await;
        field.knock(state, &mut phones[0], 0, state.now_ms(), &[(0, Outcome::Talked)]).await;
        field.send(state, &phones[0], &[field.input(state, "01", &[0], None)]).await;
        let epoch = async || store::meta::epoch(&mut state.db.read().await.unwrap()).await.unwrap();
        let before = epoch().await;
        server.clock.advance(4 * 86_400_000);
        dorbank_server::restore::begin_again(&state.db, state.now_ms(), &mut state.fork_rng()).await.unwrap();
        assert_ne!(epoch().await, before);
        let mut tx = state.db.read().await.unwrap();
        assert_eq!(store::ticket::pool(&mut tx, field.round.id).await.unwrap(), 0, "no ticket that a phone may have is drawn again");
        let row = tx.one("SELECT outcome, device FROM visit", vec![]).await.unwrap().unwrap();
        assert_eq!((row.get::<String>(0).unwrap().as_str(), row.get::<Option<Uuid>>(1).unwrap()), ("done", None), "what came due is deleted");
        drop(tx);
        let checks = verify::run(&state.db, state.now_ms()).await.unwrap();
        assert!(verify::is_whole(&checks), "{checks:#?}");
        server.stop().await;
    }
}
