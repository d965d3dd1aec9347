//! Golden files: every shape that ever crossed the wire. Each still parses, says the same when it is written again, and
//! the running server still takes what phones sent. A file here is never changed; a new shape is a new file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use dorbank_server::{
    state::AppState,
    store::{self, campaign::Campaign, entrance::Registered, turf::Turf},
    sync::{entry, inputs},
};
use dorbank_shared::{
    error::Refusal,
    geo::LatLon,
    input::{Input, InputsRequest, InputsResponse, SlotStatus},
    place::Unit,
    seal,
    shift::Shift,
    sync::{
        outbox::{Identity, Pool, Sealed, Shelved, assign, round_of},
        replay::Kept,
        wire::{
            Admission, Envelope, HelloResponse, JoinRequest, JoinResponse, PullRequest, PullResponse, PushRequest, PushResponse, Reason, Status,
            TicketsRequest, TicketsResponse,
        },
    },
    visit::{VisitV1, WithdrawalV1},
};
use dorbank_tests::{Engine, TestServer, World};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

use crate::phone::Phone;

fn golden(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Parses as the type, and writes the same JSON again.
fn round_trips<T: DeserializeOwned + Serialize>(name: &str) -> T {
    let text = golden(name);
    let value: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(serde_json::to_value(&value).unwrap(), serde_json::from_str::<Value>(&text).unwrap(), "{name} does not say the same again");
    value
}

#[test]
fn every_shape_still_parses_and_says_the_same() {
    round_trips::<PushRequest>("push-request-v1.json");
    round_trips::<PushResponse>("push-response-v1.json");
    round_trips::<PushResponse>("push-response-v1-cloned.json");
    round_trips::<PullRequest>("pull-request-v1.json");
    round_trips::<PullResponse>("pull-response-v1.json");
    round_trips::<PullResponse>("pull-response-waiting-v1.json");
    round_trips::<PullResponse>("pull-response-v1-cloned.json");
    round_trips::<PullResponse>("pull-response-v1-credit.json");
    round_trips::<HelloResponse>("hello-response-v1.json");
    round_trips::<TicketsRequest>("tickets-request-v1.json");
    round_trips::<TicketsResponse>("tickets-response-v1.json");
    round_trips::<TicketsResponse>("tickets-response-v1-round.json");
    round_trips::<JoinRequest>("join-request-v1.json");
    round_trips::<JoinResponse>("join-response-v1.json");
    round_trips::<InputsResponse>("inputs-response-v1.json");
    round_trips::<InputsResponse>("inputs-response-v1-epoch.json");
    round_trips::<InputsResponse>("inputs-response-v1-of.json");
    round_trips::<Input>("input-v1.json");
    round_trips::<Refusal>("refusal-v1.json");
}

/// Every name that the wire may have, as its description says, and a golden file that has it.
#[test]
fn a_field_that_came_later_stood_in_no_golden_file() {
    fn names(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.keys().cloned());
                fields.values().for_each(|value| names(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| names(value, found)),
            // The body of an entry.
            Value::String(text) if text.starts_with('{') => names(&serde_json::from_str(text).unwrap(), found),
            _ => {}
        }
    }
    let mut kept = BTreeSet::new();
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")).unwrap() {
        names(&serde_json::from_str(&fs::read_to_string(file.unwrap().path()).unwrap()).unwrap(), &mut kept);
    }
    let described: Value = serde_json::from_str(include_str!("../docs/openapi.json")).unwrap();
    let schemas = described["components"]["schemas"].as_object().unwrap();
    let of_phones = |name: &&String| !["Me", "NewOfficer", "Officer", "ShiftView"].contains(&name.as_str());
    for (schema, fields) in schemas.keys().filter(of_phones).filter_map(|name| Some((name, schemas[name]["properties"].as_object()?))) {
        for field in fields.keys() {
            assert!(kept.contains(field), "{schema}.{field} stands in no file of tests/golden");
        }
    }
}

#[test]
fn a_reason_that_an_app_did_not_know_took_the_whole_answer_away() {
    let newer = golden("push-response-v1.json").replace("\"outside_scope\"", "\"moved_house\"");
    assert!(newer.contains("moved_house"));
    let answer: PushResponse = serde_json::from_str(&newer).unwrap();
    assert!(answer.results.iter().any(|result| result.status == Status::Quarantined && result.reason.is_none()));
}

/// A connection that ends early must never leave something that reads as an answer.
#[test]
fn an_answer_cut_short_anywhere_is_none() {
    fn cut<T: DeserializeOwned>(name: &str) {
        let text = golden(name);
        let whole = text.trim_end();
        assert!(serde_json::from_str::<T>(whole).is_ok(), "{name}");
        for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            assert!(serde_json::from_str::<T>(&whole[..end]).is_err(), "{name}, cut after {end} bytes");
        }
    }
    cut::<PushResponse>("push-response-v1.json");
    cut::<PushResponse>("push-response-v1-cloned.json");
    cut::<PullResponse>("pull-response-v1.json");
    cut::<HelloResponse>("hello-response-v1.json");
    cut::<TicketsResponse>("tickets-response-v1.json");
    cut::<JoinResponse>("join-response-v1.json");
    cut::<InputsResponse>("inputs-response-v1.json");
}

#[derive(Deserialize)]
struct Outbox {
    envelope: Envelope,
    digest: String,
}

#[test]
fn the_outbox_envelope_keeps_its_shape_and_its_digest() {
    let outbox: Vec<Outbox> = serde_json::from_str(&golden("outbox-v1.json")).unwrap();
    assert_eq!(outbox.len(), 3);
    for entry in &outbox {
        assert_eq!(entry.envelope.digest(), entry.digest);
    }
    assert!(serde_json::from_str::<VisitV1>(&outbox[0].envelope.bytes).is_ok());
    assert!(serde_json::from_str::<VisitV1>(&outbox[1].envelope.bytes).is_ok());
    assert!(serde_json::from_str::<WithdrawalV1>(&outbox[2].envelope.bytes).is_ok());
    let push: PushRequest = round_trips("push-request-v1.json");
    assert_eq!(push.entries, outbox.into_iter().map(|entry| entry.envelope).collect::<Vec<_>>());
    assert_eq!(entry::read(golden("push-request-v1.json").as_bytes()).unwrap(), entry::Batch::from(push));
}

/// What a phone keeps in its browser, store by store: a phone that is opened after weeks has records of an older app.
#[derive(Serialize, Deserialize)]
struct Records {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<u64>,
    identity: Identity,
    pool: Pool,
    entry: Vec<Kept>,
    sealed: Vec<Sealed>,
    ticket: BTreeMap<String, Value>,
    shelf: Vec<Shelved>,
}

#[test]
fn what_a_phone_ever_kept_is_still_read_and_waits_still() {
    for shape in ["", "-rounds", "-joined", "-held", "-marked"] {
        let name = &format!("phone-records-v1{shape}.json");
        let Records { entry, mut sealed, ticket, shelf, .. } = round_trips(name);
        assert_eq!(entry.iter().filter(|kept| kept.status.is_none()).count(), 1, "{name}");
        assert_eq!(shelf.iter().map(|shelved| shelved.unsent().count()).collect::<Vec<_>>(), [1, 0], "{name}");
        let mut inputs: Vec<(usize, Sealed)> = sealed.drain(..).enumerate().collect();
        assert_eq!(
            assign(
                &mut inputs,
                &mut ticket.into_iter().map(|(ticket, record)| (ticket, round_of(&record.to_string()))).collect(),
                &mut Pool::default()
            ),
            [0],
            "{name}: the input that waits has its ticket"
        );
    }
}

#[derive(Deserialize)]
struct Seals {
    private: String,
    public: String,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    ephemeral: String,
    plain: String,
    sealed: String,
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn envelopes_are_sealed_and_opened_as_ever() {
    let seals: Seals = serde_json::from_str(&golden("seal-v1.json")).unwrap();
    let (private, public) = (bytes(&seals.private), bytes(&seals.public));
    assert_eq!(seal::public_key(&private).unwrap(), public);
    for vector in &seals.vectors {
        let (plain, sealed) = (bytes(&vector.plain), bytes(&vector.sealed));
        let ephemeral: [u8; 32] = bytes(&vector.ephemeral).try_into().unwrap();
        assert_eq!(seal::seal(&public, &plain, &ephemeral).unwrap(), sealed);
        assert_eq!(seal::open(&private, &sealed).unwrap(), plain);
    }
}

#[tokio::test]
async fn the_running_server_takes_what_phones_ever_sent() {
    let text = golden("inputs-request-v1.json");
    let request: InputsRequest = round_trips("inputs-request-v1.json");
    assert_eq!(inputs::read(text.as_bytes()).unwrap().slots.len(), request.slots.len());
    assert!(request.slots.iter().all(|slot| BASE64_URL_SAFE_NO_PAD.decode(&slot.sealed).unwrap().len() == seal::SEALED_BYTES));
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let phone = Phone::join(&server.state, &world, Admission::Admitted, None).await;
    // The doors of the golden files are not this city's: kept, each for that and nothing else, never refused. A version
    // that is not read any more, or a field that is not known, would be another reason.
    let push: PushResponse = crate::phone::read(phone.send(&server, "/sync/v1/push", golden("push-request-v1.json")).await).await;
    let outside = (Status::Quarantined, Some(Reason::OutsideScope));
    assert_eq!(push.results.iter().map(|result| (result.status, result.reason)).collect::<Vec<_>>(), [outside; 3]);
    let pull: PullResponse = crate::phone::read(phone.send(&server, "/sync/v1/pull", golden("pull-request-v1.json")).await).await;
    assert_eq!(pull.removed.len(), 2);
    let tickets: TicketsResponse = crate::phone::read(phone.send(&server, "/sync/v1/tickets", golden("tickets-request-v1.json")).await).await;
    assert_eq!(tickets.tickets.len(), 8);
    // The tickets of the golden files were drawn from no pool of this round: refused, as a ticket is, not as a shape.
    let inputs = server.post("/inputs/v1").body(text).send().await.unwrap();
    assert_eq!(inputs.status(), 200);
    let inputs: InputsResponse = inputs.json().await.unwrap();
    assert!(inputs.slots.len() == request.slots.len() && inputs.slots.iter().all(|slot| *slot == SlotStatus::Refused));
    // A code of a shift that is not this city's is refused as a wrong code, not as a shape that is not known.
    let join = server.post("/join/v1/exchange").header("content-type", "application/json").body(golden("join-request-v1.json")).send().await.unwrap();
    assert_eq!(join.status(), 403, "{}", join.text().await.unwrap());
}

/// The golden files' own city: the campaign, the turf and the door that they name.
async fn their_city(state: &AppState, world: &World) -> (Phone, Uuid) {
    let outbox: Vec<Outbox> = serde_json::from_str(&golden("outbox-v1.json")).unwrap();
    let visit: VisitV1 = serde_json::from_str(&outbox[0].envelope.bytes).unwrap();
    let (campaign, turf, entrance) = (visit.campaign, visit.turf, visit.entrance);
    let mut tx = state.db.begin().await.unwrap();
    store::campaign::insert(&mut tx, &Campaign { id: campaign, ..world.campaign.clone() }).await.unwrap();
    store::turf::insert(&mut tx, &[Turf { id: turf, campaign, ..world.other_turf.clone() }]).await.unwrap();
    let door = Registered {
        id: entrance,
        origin: "kartverket".into(),
        source_id: "1".into(),
        municipality: "9999".into(),
        street: "Rognegata".into(),
        number: 1,
        letter: String::new(),
        postcode: "0101".into(),
        post_town: "PRØVE".into(),
        grunnkrets: None,
        district: Some("01".into()),
        at: LatLon { lat: 59.91, lon: 10.77 },
        vanished: false,
    };
    store::entrance::put(&mut tx, &[door], state.now_ms()).await.unwrap();
    store::entrance::put_units(&mut tx, &[(entrance, Unit::new(visit.unit.unwrap(), "H0101"))]).await.unwrap();
    store::turf::place(&mut tx, turf, &[entrance]).await.unwrap();
    let shift = Shift { id: state.id_v7(), campaign, selector: "K7QF".into(), ..world.shift.clone() };
    store::shift::insert(&mut tx, &shift, &[world.branch.id], &[turf]).await.unwrap();
    tx.commit().await.unwrap();
    let phone = Phone::join(state, &World { shift, ..world.clone() }, Admission::Admitted, Some(turf)).await;
    (phone, entrance)
}

#[tokio::test]
async fn a_server_that_read_version_1_no_more_passed_as_one_that_keeps_it() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let world = World::make(&server.state).await;
        let (phone, entrance) = their_city(&server.state, &world).await;
        let push: PushResponse = crate::phone::read(phone.send(&server, "/sync/v1/push", golden("push-request-v1.json")).await).await;
        // A visit, its correction at the whole entrance, and the withdrawal of that.
        assert_eq!(push.results.iter().map(|result| (result.status, result.reason)).collect::<Vec<_>>(), [(Status::Applied, None); 3], "{engine:?}");
        let mut tx = server.state.db.read().await.unwrap();
        let outbox: Vec<Outbox> = serde_json::from_str(&golden("outbox-v1.json")).unwrap();
        let ids = outbox.iter().map(|entry| entry.envelope.id).collect();
        let mut stored = store::visit::among(&mut tx, &ids).await.unwrap();
        stored.sort_by_key(|visit| visit.id);
        let bodies: Vec<VisitV1> = outbox[..2].iter().map(|entry| serde_json::from_str(&entry.envelope.bytes).unwrap()).collect();
        assert_eq!(stored.iter().map(|visit| visit.body.clone()).collect::<Vec<_>>(), bodies);
        assert_eq!(stored.iter().map(|visit| visit.superseded_by).collect::<Vec<_>>(), [Some(outbox[1].envelope.id), Some(outbox[2].envelope.id)]);
        let campaign = bodies[0].campaign;
        assert!(store::visit::standing(&mut tx, campaign, &[entrance].into()).await.unwrap().is_empty());
    }
}
