//! A campaign on disk with phones in it, and a look at what of theirs is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use dorbank_server::{
    auth::credential::Credential,
    clock::SystemClock,
    state::{AppState, system_seed},
    store::{self, Db, Row, Value},
    verify,
};
use dorbank_shared::{
    sync::{base::Base, wire::Admission},
    visit::Outcome,
};
use dorbank_tests::{field::Field, held::Holds, write_site};
use rand::RngExt as _;
use reqwest::Client;
use uuid::Uuid;

use super::phone::{Phone, Sealed};
use crate::process::Place;

/// A campaign on disk, and phones in its shifts.
pub struct World {
    pub place: Place,
    pub field: Field,
    pub folder: tempfile::TempDir,
}

impl World {
    pub async fn make() -> (Self, AppState) {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        write_site(&folder.path().join("site"));
        let state = AppState::open(place.config(), Arc::new(SystemClock), system_seed()).await.unwrap();
        let field = Field::make(&state, 1, 3, 40).await;
        (Self { place, field, folder }, state)
    }

    /// A shift with a phone for each turf, all let in.
    pub async fn shift(&self, state: &AppState) -> Vec<Phone> {
        let mut phones = vec![];
        for (walk, made) in self.field.shift(state, &[0, 1, 2]).await.into_iter().enumerate() {
            phones.push(self.join(state, made.shift, walk, Some(Admission::Admitted)).await);
        }
        phones
    }

    /// A phone joins a shift, as its code would let it.
    pub async fn join(&self, state: &AppState, shift: Uuid, walk: usize, admission: Option<Admission>) -> Phone {
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
            base: Base::default(),
            rng,
            client: {
                dorbank_server::import::fetch::provide_tls();
                Client::new()
            },
        }
    }

    pub fn hear(&self, state: &AppState, phone: &mut Phone, words: &str) {
        let input = self.field.input(state, "01", &[0], Some(words));
        let bytes = self.field.seal(state, serde_json::to_string(&input).unwrap().as_bytes());
        phone.sealed.push(Sealed { bytes, ticket: None, held: false });
    }
}

pub async fn admit(state: &AppState, device: Uuid, admission: Admission, turf: Uuid) {
    let mut tx = state.db.begin().await.unwrap();
    let version = store::device::find(&mut tx, device).await.unwrap().unwrap().version;
    store::device::set_admission(&mut tx, device, version, admission, Some(turf)).await.unwrap();
    tx.commit().await.unwrap();
}

/// Looks at a database that nobody need have closed, and holds it to `verify`.
pub async fn look(world: &World) -> Holds {
    let db = Db::inspect(&world.place.config().database).await.unwrap();
    let checks = verify::run(&db, dorbank_server::clock::Clock::now_ms(&SystemClock)).await.unwrap();
    assert!(verify::is_whole(&checks), "{checks:#?}");
    assert!(checks.len() > 10 && checks.iter().all(|check| check.skipped.is_none()), "{checks:#?}");
    let holds = Holds::read(&db).await;
    db.close().await;
    holds
}

async fn rows(world: &World, sql: &'static str, args: Vec<Value>) -> Vec<Row> {
    let db = Db::inspect(&world.place.config().database).await.unwrap();
    let rows = db.read().await.unwrap().all(sql, args).await.unwrap();
    db.close().await;
    rows
}

/// The doors of a turf, each with the number of its last change.
pub async fn doors(world: &World, turf: Uuid) -> BTreeMap<Uuid, i64> {
    let rows = rows(world, "SELECT door, seq FROM door_state WHERE turf = $1", vec![turf.into()]).await;
    rows.iter().map(|row| (row.get(0).unwrap(), row.get(1).unwrap())).collect()
}

/// Who has joined.
pub async fn devices(world: &World) -> BTreeSet<Uuid> {
    rows(world, "SELECT id FROM device", vec![]).await.iter().map(|row| row.get(0).unwrap()).collect()
}

/// How many of what phones were answered for is nowhere, and how many are there more than once.
pub fn lost_and_twice(phones: &[Phone], holds: &Holds) -> (u64, u64) {
    let (lost, twice) = visits_lost_and_twice(phones, holds);
    let sealed = phones.iter().flat_map(|phone| &phone.sealed).map(|sealed| (sealed.bytes.as_slice(), sealed.held));
    let (inputs_lost, inputs_twice) = holds.inputs_lost_and_twice(sealed);
    (lost + inputs_lost, twice + inputs_twice)
}

/// The same of visits and what replaces them.
pub fn visits_lost_and_twice(phones: &[Phone], holds: &Holds) -> (u64, u64) {
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
