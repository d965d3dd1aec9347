//! What the wire promises beyond one push: a copied phone counts on under another identity, an old app may always send,
//! and no words are kept beside a door.

use dorbank_server::{auth::codes, store};
use dorbank_shared::{
    error::{Code, Refusal},
    sync::wire::{APP_NUMBER, Admission, HelloResponse, JoinResponse, PullRequest, PullResponse, PushResponse, Reason, Status},
    visit::Outcome,
};
use dorbank_tests::{Engine, TestServer, World};
use reqwest::StatusCode;
use serde_json::json;

use crate::{
    inputs::draw,
    phone::{House, Phone, houses, read},
};

#[tokio::test]
async fn a_copied_phone_is_told_and_counts_on_under_another_identity() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let world = World::make(&server.state).await;
        let houses = houses(&server.state, &world).await;
        let mut phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
        let first = phone.visit(&server.state, &houses[0], Some(0), Outcome::NotHome);
        assert!(!phone.push(&server, std::slice::from_ref(&first)).await.cloned);
        let asks = phone.clone();
        let renew = async || asks.send(&server, "/sync/v1/renew", "").await;
        assert_eq!(renew().await.status(), StatusCode::NOT_FOUND, "only a phone that was copied");

        let mut copy = phone.clone();
        let mine = phone.visit(&server.state, &houses[0], Some(1), Outcome::NotHome);
        let theirs = copy.visit(&server.state, &houses[0], Some(2), Outcome::Talked);
        assert_eq!(mine.device_seq, theirs.device_seq);
        assert!(!phone.push(&server, std::slice::from_ref(&mine)).await.cloned);
        let answer = copy.push(&server, std::slice::from_ref(&theirs)).await;
        assert_eq!((answer.results[0].status, answer.cloned), (Status::Applied, true), "counted all the same");
        assert_eq!((answer.held, answer.missing.as_slice()), (3, [].as_slice()));
        assert!(phone.push(&server, &[]).await.cloned, "the other of the two hears of it as well");
        assert!(phone.pull(&server, &[], None).await.cloned, "also when it has nothing to send");

        let renewed: JoinResponse = read(renew().await).await;
        assert_eq!(renewed.admission, Admission::Admitted, "it stands where it stood");
        let mut renewed = Phone { id: renewed.device, credential: renewed.credential, campaign: world.campaign.id, seq: 0 };
        let next = renewed.visit(&server.state, &houses[0], Some(3), Outcome::NotHome);
        let answer = renewed.push(&server, &[next]).await;
        assert_eq!((answer.results[0].status, answer.held, answer.cloned), (Status::Applied, 1, false));
        let late = phone.visit(&server.state, &houses[1], Some(0), Outcome::NotHome);
        assert_eq!(phone.push(&server, &[late]).await.results[0].status, Status::Applied, "what was noted before is taken under the old one");
        // What was noted before may be corrected after, but not by a stranger.
        let undo = renewed.withdraw(&server.state, &mine);
        assert_eq!(renewed.push(&server, &[undo]).await.results[0].status, Status::Applied);
        let mut stranger = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
        let undo = stranger.withdraw(&server.state, &theirs);
        assert_eq!(stranger.push(&server, &[undo]).await.results[0].reason, Some(Reason::UnknownSuperseded));

        // An answer that is lost on its way leaves an identity that nobody uses; a copy still gets one of its own.
        for _ in 0..5 {
            assert_eq!(renew().await.status(), StatusCode::OK);
        }
        for _ in 0..2 {
            let joined: JoinResponse = read(renew().await).await;
            let mut used = Phone { id: joined.device, credential: joined.credential, campaign: world.campaign.id, seq: 0 };
            let note = used.visit(&server.state, &houses[1], Some(1), Outcome::NotHome);
            used.push(&server, &[note]).await;
        }
        assert_eq!(renew().await.status(), StatusCode::NOT_FOUND, "not without end");
    }
}

/// Sends two entries under one counter, as a copied phone does, and says that it has given no counter at all.
async fn copied(server: &TestServer, phone: &mut Phone, house: &House) {
    let mut twin = phone.clone();
    let twice = [phone.visit(&server.state, house, Some(0), Outcome::NotHome), twin.visit(&server.state, house, Some(1), Outcome::NotHome)];
    let mut request = phone.request(&twice);
    request.have.max_issued = 0;
    let answer: PushResponse = read(phone.send(server, "/sync/v1/push", serde_json::to_vec(&request).unwrap()).await).await;
    assert!(answer.cloned);
}

/// A phone that is copied and counts on, is copied again and counts on, as often as it may: all that it is then.
async fn copies(server: &TestServer, world: &World, houses: &[House]) -> Vec<Phone> {
    let mut family = vec![Phone::join(&server.state, world, Admission::Admitted, Some(world.turfs[0].id)).await];
    // A shift has 128 signs; without a limit it ends with them.
    for _ in 0..12 {
        let last = family.last_mut().unwrap();
        copied(server, last, &houses[0]).await;
        let answer = last.send(server, "/sync/v1/renew", "").await;
        if answer.status() != StatusCode::OK {
            break;
        }
        let joined: JoinResponse = read(answer).await;
        assert_eq!(joined.admission, Admission::Admitted);
        family.push(Phone { id: joined.device, credential: joined.credential, campaign: world.campaign.id, seq: 0 });
    }
    family
}

#[tokio::test]
async fn the_copy_of_a_copy_had_all_limits_anew() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let world = World::make(&server.state).await;
        let houses = houses(&server.state, &world).await;
        let mut family = copies(&server, &world, &houses).await;
        assert_eq!(family.len(), 4, "the phone, and three that are used");
        for phone in &family {
            assert_eq!(phone.send(&server, "/sync/v1/renew", "").await.status(), StatusCode::NOT_FOUND, "whichever of them asks");
        }

        let mut drawn = 0;
        for phone in family.iter().rev() {
            drawn += draw(&server, phone, 25).await.len();
        }
        assert_eq!(drawn, 40, "tickets of all of them");

        let mut doors = (0..3).flat_map(|house| (0..4).map(move |door| (house, door)));
        let (mut taken, mut kept) = (0, 0);
        for (phone, wishes) in family.iter_mut().zip([6, 0, 6, 0]) {
            let wishes: Vec<_> = doors
                .by_ref()
                .take(wishes)
                .map(|(house, door)| phone.visit(&server.state, &houses[house], Some(door), Outcome::DoNotKnock))
                .collect();
            taken += phone.push(&server, &wishes).await.results.iter().filter(|result| result.reason.is_none()).count();
        }
        assert_eq!(taken, 12);
        for (phone, house) in family.iter_mut().zip([0, 1, 2, 3]) {
            let wish = phone.visit(&server.state, &houses[house], None, Outcome::DoNotKnock);
            let answer = phone.push(&server, &[wish]).await;
            kept += usize::from(answer.results[0].reason == Some(Reason::ManyDoNotKnock));
        }
        assert_eq!(kept, 1, "the sixteenth wish of all of them waits");
        server.stop().await;
    }
}

#[tokio::test]
async fn copies_of_a_phone_took_the_places_of_others() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let world = World::make(&server.state).await;
        let houses = houses(&server.state, &world).await;
        let family = copies(&server, &world, &houses).await;
        let code = codes::typed(&server.state.keys, &world.shift);
        let exchange = async || server.post("/join/v1/exchange").json(&json!({ "code": code })).send().await.unwrap().status();
        for _ in 1..world.shift.places() {
            assert_eq!(exchange().await, StatusCode::OK);
        }
        assert_ne!(exchange().await, StatusCode::OK);
        // As long as one of them is let in, it holds its place.
        for phone in &family {
            assert_ne!(exchange().await, StatusCode::OK);
            phone.stand(&server.state, Admission::Revoked, None).await;
        }
        assert_eq!(exchange().await, StatusCode::OK);
        server.stop().await;
    }
}

#[tokio::test]
async fn an_app_that_is_too_old_may_send_and_not_fetch() {
    let server = TestServer::with(Engine::Sqlite, |config| config.client_min = APP_NUMBER + 1).await;
    let world = World::make(&server.state).await;
    let houses = houses(&server.state, &world).await;
    let mut phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
    let hello: HelloResponse = read(server.get("/sync/v1/hello").send().await.unwrap()).await;
    assert_eq!(hello.client_min, APP_NUMBER + 1);
    let visit = phone.visit(&server.state, &houses[0], Some(0), Outcome::NotHome);
    assert_eq!(phone.push(&server, &[visit]).await.results[0].status, Status::Applied);
    for (number, status) in [(APP_NUMBER, StatusCode::UPGRADE_REQUIRED), (APP_NUMBER + 1, StatusCode::OK)] {
        let request = PullRequest { proto: 1, build: format!("{number}-7b2fb2baaf03"), bundle: None, turfs: [].into() };
        let answer = phone.send(&server, "/sync/v1/pull", serde_json::to_vec(&request).unwrap()).await;
        assert_eq!(answer.status(), status, "{number}");
        if status != StatusCode::OK {
            assert_eq!(answer.json::<Refusal>().await.unwrap().error, Code::UpdateNeeded);
        }
    }
    // Whoever is shut out is told so all the same, and drops what it has.
    phone.stand(&server.state, Admission::Revoked, None).await;
    let turf = world.turfs[0].id;
    let request = PullRequest { proto: 1, build: format!("{APP_NUMBER}-7b2fb2baaf03"), bundle: None, turfs: [(turf, None)].into() };
    let answer: PullResponse = read(phone.send(&server, "/sync/v1/pull", serde_json::to_vec(&request).unwrap()).await).await;
    assert_eq!((answer.admission, answer.removed, answer.bundle.is_none()), (Admission::Revoked, vec![turf], true));
}

#[tokio::test]
async fn what_cannot_be_applied_is_kept_without_any_words() {
    for engine in Engine::BOTH {
        let server = TestServer::on(engine).await;
        let world = World::make(&server.state).await;
        let houses = houses(&server.state, &world).await;
        let mut phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
        let mut noted = phone.visit(&server.state, &houses[0], Some(0), Outcome::Talked);
        noted.bytes = noted.bytes.replacen('{', r#"{"note":"Kari i tredje vil ha buss","#, 1);
        let mut later = phone.visit(&server.state, &houses[0], Some(1), Outcome::Talked);
        (later.kind, later.version) = ("Kari Nordmann".into(), 9);
        // One word is enough, wherever it stands, and so is a number.
        let mut worded = phone.visit(&server.state, &houses[0], Some(2), Outcome::Talked);
        (worded.kind, worded.captured_at) = ("frp".into(), 91_234_567);
        worded.bytes = json!({ "entrance": houses[0].entrance, "party": "frp", "nato": true, "ring": 91_234_567 }).to_string();
        let mut body = serde_json::to_value(phone.request(&[noted.clone(), later, worded.clone()])).unwrap();
        body["entries"].as_array_mut().unwrap().push(json!({ "id": noted.id, "said": "ring meg på 91 23 45 67" }));
        let answer: PushResponse = read(phone.send(&server, "/sync/v1/push", body.to_string()).await).await;
        assert!(answer.results.iter().all(|result| result.status == Status::Quarantined), "{answer:?}");
        let mut tx = server.state.db.read().await.unwrap();
        let kept = store::quarantine::open(&mut tx, world.campaign.id).await.unwrap();
        assert_eq!(kept.len(), 4);
        for entry in &kept {
            assert_ne!(entry.captured_at, 91_234_567);
            for word in ["Kari", "buss", "91 23", "ring", "frp", "party", "nato", "91234567"] {
                assert!(!entry.body.contains(word) && !entry.kind.contains(word), "{word} in {entry:?}");
            }
            assert!(entry.body.contains("left_out"), "{entry:?}");
        }
        let later = kept.iter().find(|entry| entry.id == worded.id).unwrap();
        assert!(later.body.contains(&houses[0].entrance.to_string()), "which door it was can be said: {}", later.body);
        let visit = kept.iter().find(|entry| entry.device_seq == 1).unwrap();
        assert!(visit.body.contains("talked") && visit.body.contains(&houses[0].units[0].to_string()), "the rest is there: {}", visit.body);
    }
}
