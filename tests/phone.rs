//! A phone as the tests hold it: it writes entries and sends them over a real socket. And the doors that it knocks at.

use dorbank_server::{
    auth::credential::Token,
    state::AppState,
    store::{self, entrance::Registered},
};
use dorbank_shared::{
    geo::LatLon,
    place::Unit,
    sync::wire::{Admission, Envelope, Have, MEDIA_TYPE, PullRequest, PullResponse, PushRequest, PushResponse},
    visit::{Outcome, VisitV1, WithdrawalV1},
};
use dorbank_tests::{TestServer, World};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// An entrance with its doors, in a turf.
#[derive(Debug, Clone)]
pub struct House {
    pub turf: Uuid,
    pub entrance: Uuid,
    pub units: Vec<Uuid>,
}

/// Fills the world's turfs: three entrances with four doors each in the first, two with one in the second, and one in
/// the turf that the shift does not walk.
pub async fn houses(state: &AppState, world: &World) -> Vec<House> {
    let mut houses = Vec::new();
    let mut entrances = Vec::new();
    let mut units = Vec::new();
    for (turf, count, doors) in [(world.turfs[0].id, 3, 4), (world.turfs[1].id, 2, 1), (world.other_turf.id, 1, 1)] {
        for _ in 0..count {
            let number = i64::try_from(houses.len()).unwrap() + 1;
            let mut house = House { turf, entrance: state.id_v7(), units: Vec::new() };
            entrances.push(Registered {
                id: house.entrance,
                origin: "kartverket".into(),
                source_id: number.to_string(),
                municipality: "0301".into(),
                street: "Tøyengata".into(),
                number,
                letter: String::new(),
                postcode: "0190".into(),
                post_town: "OSLO".into(),
                grunnkrets: None,
                district: Some("01".into()),
                at: LatLon { lat: 59.914, lon: 10.77 },
                vanished: false,
            });
            for door in 1..=doors {
                let label = if doors == 1 { String::new() } else { format!("H0{door}01") };
                let unit = Unit::new(state.id_v7(), &label);
                house.units.push(unit.id);
                units.push((house.entrance, unit));
            }
            houses.push(house);
        }
    }
    let mut tx = state.db.begin().await.unwrap();
    store::entrance::put(&mut tx, &entrances, state.now_ms()).await.unwrap();
    store::entrance::put_units(&mut tx, &units).await.unwrap();
    for turf in [world.turfs[0].id, world.turfs[1].id, world.other_turf.id] {
        let held: Vec<Uuid> = houses.iter().filter(|house| house.turf == turf).map(|house| house.entrance).collect();
        store::turf::place(&mut tx, turf, &held).await.unwrap();
    }
    tx.commit().await.unwrap();
    houses
}

/// A phone.
#[derive(Debug, Clone)]
pub struct Phone {
    pub id: Uuid,
    pub credential: String,
    pub campaign: Uuid,
    pub seq: u64,
}

impl Phone {
    /// A phone that joined the world's shift and stands so.
    pub async fn join(state: &AppState, world: &World, admission: Admission, turf: Option<Uuid>) -> Self {
        let token = Token::new(state);
        let id = state.id_v7();
        let mut tx = state.db.begin().await.unwrap();
        store::device::insert(&mut tx, id, world.shift.id, "K7", token.hash(), state.now_ms()).await.unwrap();
        tx.commit().await.unwrap();
        let phone = Self { id, credential: token.text(), campaign: world.campaign.id, seq: 0 };
        phone.stand(state, admission, turf).await;
        phone
    }

    /// The lead changes where it stands.
    pub async fn stand(&self, state: &AppState, admission: Admission, turf: Option<Uuid>) {
        let mut tx = state.db.begin().await.unwrap();
        let version = store::device::find(&mut tx, self.id).await.unwrap().unwrap().version;
        store::device::set_admission(&mut tx, self.id, version, admission, turf).await.unwrap();
        tx.commit().await.unwrap();
    }

    fn envelope(&mut self, state: &AppState, kind: &str, bytes: String, supersedes: Option<Uuid>) -> Envelope {
        self.seq += 1;
        Envelope { id: state.id_v7(), kind: kind.into(), version: 1, device_seq: self.seq, supersedes, captured_at: state.now_ms(), bytes }
    }

    /// Notes something at a door of a house, or at its entrance.
    pub fn visit(&mut self, state: &AppState, house: &House, door: Option<usize>, outcome: Outcome) -> Envelope {
        self.correct(state, house, door, outcome, None)
    }

    /// Notes something in the place of an earlier entry.
    pub fn correct(&mut self, state: &AppState, house: &House, door: Option<usize>, outcome: Outcome, supersedes: Option<Uuid>) -> Envelope {
        let visit = VisitV1 {
            campaign: self.campaign,
            turf: house.turf,
            entrance: house.entrance,
            unit: door.map(|door| house.units[door]),
            outcome,
            leaflet: false,
            occurred_at: state.now_ms(),
        };
        self.envelope(state, "visit", serde_json::to_string(&visit).unwrap(), supersedes)
    }

    /// Takes an earlier entry back.
    pub fn withdraw(&mut self, state: &AppState, entry: &Envelope) -> Envelope {
        let bytes = serde_json::to_string(&WithdrawalV1 { campaign: self.campaign }).unwrap();
        self.envelope(state, "withdrawal", bytes, Some(entry.id))
    }

    /// The body of a push.
    pub fn request(&self, entries: &[Envelope]) -> PushRequest {
        let have = Have { min_unacked: 1, max_issued: self.seq, unsent: entries.len() as u64 };
        PushRequest { proto: 1, build: "test".into(), epoch: None, have, entries: entries.to_vec() }
    }

    /// Sends a body, whatever it is.
    pub async fn send(&self, server: &TestServer, path: &str, body: impl Into<reqwest::Body>) -> Response {
        server.post(path).bearer_auth(&self.credential).header("content-type", "application/json").body(body).send().await.unwrap()
    }

    /// Pushes entries.
    pub async fn push(&self, server: &TestServer, entries: &[Envelope]) -> PushResponse {
        read(self.send(server, "/sync/v1/push", serde_json::to_vec(&self.request(entries)).unwrap()).await).await
    }

    /// Pulls with cursors.
    pub async fn pull(&self, server: &TestServer, cursors: &[(Uuid, Option<&str>)], bundle: Option<&str>) -> PullResponse {
        let turfs = cursors.iter().map(|(turf, cursor)| (*turf, cursor.map(str::to_owned))).collect();
        let request = PullRequest { proto: 1, build: "test".into(), bundle: bundle.map(str::to_owned), turfs };
        read(self.send(server, "/sync/v1/pull", serde_json::to_vec(&request).unwrap()).await).await
    }
}

/// Reads an answer as a phone does: only under the media type of sync.
pub async fn read<T: DeserializeOwned>(response: Response) -> T {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], MEDIA_TYPE);
    response.json().await.unwrap()
}
