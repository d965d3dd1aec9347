//! What the wire promises beyond one push: a copied phone counts on under another identity, an old app may always send,
//! and no words are kept beside a door.

use dorbank_server::store;
use dorbank_shared::{
    error::{Code, Refusal},
    sync::wire::{APP_NUMBER, Admission, HelloResponse, JoinResponse, PullRequest, Reason, Status},
    visit::Outcome,
};
use dorbank_tests::{Engine, TestServer, World};
use reqwest::StatusCode;
use serde_json::json;

use crate::phone::{Phone, houses, read};

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
        let answer: dorbank_shared::sync::wire::PushResponse = read(phone.send(&server, "/sync/v1/push", body.to_string()).await).await;
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
