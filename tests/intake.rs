//! A file from a phone that could not send, taken in on the organiser's screen; and the page that says what is missing.

use std::{fs, path::Path};

use dorbank_server::{auth::credential::Credential, coarsen, store};
use dorbank_shared::{
    principal::Role,
    sync::{
        file::{FILE, MAX_FILE_BYTES, OutboxFile, Unwritten},
        wire::{Admission, Envelope, PushResponse, Status},
    },
    visit::Outcome,
    words::{LANGUAGES, Words, key},
};
use dorbank_tests::{Engine, TestServer, World};
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    pages::read,
    phone::{House, Phone, houses, read as answer},
};

const HTML: &str = "text/html,application/xhtml+xml";
const HOUR_MS: i64 = 3_600_000;

struct Desk {
    server: TestServer,
    world: World,
    houses: Vec<House>,
    phone: Phone,
    organiser: String,
}

impl Desk {
    async fn open(engine: Engine) -> Self {
        let server = TestServer::on(engine).await;
        let world = World::make(&server.state).await;
        let houses = houses(&server.state, &world).await;
        let phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
        let (_, organiser) = World::officer(&server.state, Role::Organiser, Some(world.branch.id)).await;
        Self { server, world, houses, phone, organiser }
    }

    /// The page that follows when a form with a file is sent: its data.
    async fn post(&self, field: &str, content: &[u8], cookie: &str) -> (StatusCode, Value) {
        self.post_of((field, content), None, cookie).await
    }

    /// The same, with the shift that somebody says a phone belongs to.
    async fn post_of(&self, (field, content): (&str, &[u8]), belongs: Option<(Uuid, Uuid)>, cookie: &str) -> (StatusCode, Value) {
        let name = if field == "file" { "; filename=\"dorbank.json\"" } else { "" };
        let mut body = format!("--edge\r\nContent-Disposition: form-data; name=\"{field}\"{name}\r\n\r\n").into_bytes();
        body.extend_from_slice(content);
        if let Some((device, shift)) = belongs {
            body.extend_from_slice(format!("\r\n--edge\r\nContent-Disposition: form-data; name=\"shift-{device}\"\r\n\r\n{shift}").as_bytes());
        }
        body.extend_from_slice(b"\r\n--edge--\r\n");
        let request = self.server.post("/plan/intake").header("sec-fetch-site", "same-origin").header("cookie", cookie);
        let request = request.header("accept", "application/json").header("content-type", "multipart/form-data; boundary=edge");
        let answer = request.body(body).send().await.unwrap();
        let status = answer.status();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }

    /// Looks at a file, then takes what the page gives back.
    async fn take(&self, file: &OutboxFile) -> (Value, Value) {
        let (_, look) = self.post("file", &serde_json::to_vec_pretty(file).unwrap(), &self.organiser).await;
        let look = look["body"]["Intake"]["step"]["Look"].clone();
        let (_, taken) = self.post("text", look[1].as_str().unwrap().as_bytes(), &self.organiser).await;
        (look[0][0]["Open"][1].clone(), taken["body"]["Intake"]["step"]["Taken"][0]["Open"][1].clone())
    }

    async fn visits(&self) -> usize {
        let entrances = self.houses.iter().map(|house| house.entrance).collect();
        store::visit::standing(&mut self.server.state.db.read().await.unwrap(), self.world.campaign.id, &entrances).await.unwrap().len()
    }

    fn visit(&mut self, door: usize) -> Envelope {
        self.phone.visit(&self.server.state, &self.houses[0], Some(door), Outcome::NotHome)
    }

    fn file(&self, unsent: Vec<Envelope>) -> OutboxFile {
        OutboxFile { dorbank: FILE, device: Some(self.phone.id), unsent, unwritten: Vec::new(), earlier: Vec::new() }
    }

    async fn status(&self, cookie: &str) -> String {
        let answer = self.server.get("/plan/status").header("accept", HTML).header("cookie", cookie).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        read(&answer.text().await.unwrap())
    }
}

fn counts(counted: i64, known: i64, kept: i64) -> Value {
    json!({ "counted": counted, "known": known, "kept": kept, "failed": 0 })
}

fn fault(answer: &Value) -> &str {
    answer["body"]["Intake"]["step"]["Fault"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_file_is_looked_at_then_taken_and_nothing_counts_twice() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let sent = desk.visit(0);
        desk.phone.push(&desk.server, std::slice::from_ref(&sent)).await;
        let fresh = desk.visit(1);
        let mut odd = desk.visit(2);
        odd.kind = "survey".into();
        let file = desk.file(vec![sent.clone(), fresh.clone(), odd.clone()]);
        let (_, look) = desk.post("file", &serde_json::to_vec(&file).unwrap(), &desk.organiser).await;
        assert_eq!(look["body"]["Intake"]["step"]["Look"][0][0]["Open"][1], counts(1, 1, 1));
        assert_eq!(desk.visits().await, 1, "looking writes nothing");

        let (look, taken) = desk.take(&file).await;
        assert_eq!((look, taken), (counts(1, 1, 1), counts(1, 1, 1)));
        assert_eq!(desk.visits().await, 2);
        let (look, _) = desk.take(&file).await;
        assert_eq!(look, counts(0, 2, 1), "what is kept is said again to be kept");
        let again = desk.phone.push(&desk.server, &[fresh, odd]).await;
        assert_eq!((again.results[0].status, again.results[1].status), (Status::Duplicate, Status::Quarantined));
        assert_eq!((again.held, again.missing.len(), desk.visits().await), (3, 0, 2));

        let audit = store::audit::all(&mut desk.server.state.db.read().await.unwrap()).await.unwrap();
        let taken: Vec<_> = audit.iter().filter(|row| row.action == "take_file").collect();
        assert!(taken.len() == 2 && taken.iter().all(|row| row.subject_id == desk.phone.id.to_string() && row.officer.is_some()));
    }
}

#[tokio::test]
async fn what_storage_had_not_taken_is_known_again_when_the_phone_counts_it() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let (first, second) = (desk.visit(0), desk.visit(1));
        let bare = |entry: &Envelope| Unwritten {
            id: entry.id,
            kind: entry.kind.clone(),
            version: entry.version,
            supersedes: entry.supersedes,
            captured_at: entry.captured_at,
            bytes: entry.bytes.clone(),
        };
        let file = OutboxFile { unwritten: vec![bare(&first)], ..desk.file(Vec::new()) };
        assert_eq!(desk.take(&file).await.1, counts(1, 0, 0));
        // The phone's storage comes back and gives it a counter.
        let answer = desk.phone.push(&desk.server, &[first.clone(), second.clone()]).await;
        assert_eq!((answer.results[0].status, answer.results[1].status), (Status::Duplicate, Status::Applied));
        assert_eq!((answer.held, answer.missing.len(), desk.visits().await), (2, 0, 2));
        let again = desk.phone.push(&desk.server, &[first]).await;
        assert_eq!((again.results[0].status, again.held), (Status::Duplicate, 2));
        // And the other way: the file comes when the phone has long sent it.
        let late = OutboxFile { unwritten: vec![bare(&second)], ..desk.file(Vec::new()) };
        assert_eq!(desk.take(&late).await.0, counts(0, 1, 0));
        // Another entry under its id is no repeat.
        let mut other = bare(&second);
        other.bytes = other.bytes.replace("not_home", "talked");
        assert_eq!(desk.take(&OutboxFile { unwritten: vec![other], ..late }).await.1, counts(0, 0, 1));
        assert_eq!(desk.visits().await, 2);
        // Storage has it, and said that it had not: the file holds it both ways.
        let third = desk.visit(2);
        let both = OutboxFile { unwritten: vec![bare(&third)], ..desk.file(vec![third]) };
        assert_eq!((desk.take(&both).await.1, desk.visits().await), (counts(1, 1, 0), 3));
    }
}

#[tokio::test]
async fn a_note_under_a_taken_id_was_kept_once_from_a_file_and_once_from_its_phone() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let taken = desk.visit(0);
        desk.phone.push(&desk.server, std::slice::from_ref(&taken)).await;
        let [mut second, mut third] = [1, 2].map(|door| desk.visit(door));
        (second.id, third.id) = (taken.id, taken.id);
        let bare = |entry: &Envelope| Envelope { device_seq: 0, ..entry.clone() };
        // One comes in a file before its phone can count it, the other the other way round; and each again.
        assert_eq!(desk.take(&desk.file(vec![bare(&second)])).await.1, counts(0, 0, 1));
        for _ in 0..2 {
            let answer = desk.phone.push(&desk.server, &[second.clone(), third.clone()]).await;
            assert!(answer.results.iter().all(|result| result.status == Status::Quarantined), "{answer:?}");
            assert_eq!((answer.held, answer.missing.len()), (3, 0));
            desk.take(&desk.file(vec![bare(&third), bare(&second), third.clone()])).await;
            let kept = store::quarantine::open(&mut desk.server.state.db.read().await.unwrap(), desk.world.campaign.id).await.unwrap();
            assert_eq!(kept.iter().map(|kept| kept.device_seq).collect::<Vec<_>>(), [2, 3], "{engine:?}");
        }
    }
}

#[tokio::test]
async fn a_wrong_file_is_told_apart_and_changes_nothing() {
    let mut desk = Desk::open(Engine::Sqlite).await;
    let visit = desk.visit(0);
    let file = serde_json::to_vec(&desk.file(vec![visit.clone()])).unwrap();
    let state = &desk.server.state;
    let stranger = World::officer(state, Role::Organiser, Some(desk.world.other_branch.id)).await.1;
    let lead = World::officer(state, Role::Lead, Some(desk.world.branch.id)).await.1;
    let nobody = serde_json::to_vec(&OutboxFile { device: Some(Uuid::from_u128(1)), ..desk.file(vec![visit]) }).unwrap();
    assert_eq!(fault(&desk.post("file", b"", &desk.organiser).await.1), "NotOurs", "one was chosen, and is empty");
    assert_eq!(fault(&desk.post("text", b"", &desk.organiser).await.1), "Nothing");
    for (content, expected) in [
        (&b"\x89PNG\r\n"[..], "NotOurs"),
        (&file[..file.len() - 1], "NotOurs"),
        (&vec![b' '; MAX_FILE_BYTES + 1], "TooLarge"),
        (&vec![b' '; 3 * MAX_FILE_BYTES], "TooLarge"),
        // A film: the connection was closed in the middle of it, and the browser said so instead of us.
        (&vec![b' '; 30 * MAX_FILE_BYTES], "TooLarge"),
    ] {
        for field in ["file", "text"] {
            assert_eq!(fault(&desk.post(field, content, &desk.organiser).await.1), expected);
        }
    }
    for field in ["file", "text"] {
        let asked = desk.post(field, &nobody, &desk.organiser).await.1;
        assert_eq!(
            asked["body"]["Intake"]["step"]["Look"][0][0],
            json!({ "Unknown": [Uuid::from_u128(1), 1] }),
            "nothing is taken before somebody says whose it is"
        );
    }
    assert_eq!(fault(&desk.post("else", b"x", &desk.organiser).await.1), "Nothing");
    assert_eq!(fault(&desk.post("text", &file, &stranger).await.1), "NotYours");
    assert_eq!(desk.post("text", &file, &lead).await.0, StatusCode::FORBIDDEN);
    assert_eq!(desk.visits().await, 0);
    let page = desk.server.get("/plan/intake").header("accept", HTML).header("cookie", &desk.organiser).send().await.unwrap();
    assert!(read(&page.text().await.unwrap()).contains(Words::embedded("nb").get(key::INTAKE_INTRO)));
}

#[tokio::test]
async fn the_file_that_phones_write_keeps_its_shape_and_is_taken() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/file-v1.json")).unwrap();
    let file: OutboxFile = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(&file).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
    for never in ["credential", "sealed", "ticket", "words", "topics"] {
        assert!(!text.contains(never));
    }
    let desk = Desk::open(Engine::Sqlite).await;
    let mut tx = desk.server.state.db.begin().await.unwrap();
    store::device::insert(&mut tx, file.device.unwrap(), desk.world.shift.id, "G1", [9; 32], desk.server.state.now_ms()).await.unwrap();
    tx.commit().await.unwrap();
    let (_, look) = desk.post("file", text.as_bytes(), &desk.organiser).await;
    let parts = look["body"]["Intake"]["step"]["Look"][0].clone();
    let own = &parts[0]["Open"];
    assert_eq!((&own[0]["sign"], &own[1]), (&json!("G1"), &counts(0, 0, 3)), "whole, though its campaign is another");
    assert!(parts[1]["Unknown"][0].is_string(), "one shift's does not hold up another's: {parts}");
}

#[tokio::test]
async fn the_status_says_whom_to_ask_and_forgets_phones_with_their_visits() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let words = Words::embedded("nb");
        let (has, lacks) = (desk.visit(0), desk.visit(1));
        assert!(desk.status(&desk.organiser).await.contains(words.get(key::STATUS_ALL_IN)));
        // It has given two, sent the second, and says that one waits.
        let mut request = desk.phone.request(std::slice::from_ref(&lacks));
        (request.have.max_issued, request.have.unsent) = (3, 2);
        desk.phone.send(&desk.server, "/sync/v1/push", serde_json::to_vec(&request).unwrap()).await;
        let during = desk.status(&desk.organiser).await;
        let (waits, lacking) = (words.count(key::BOARD_UNSENT_COUNT, 1, &[]), words.count(key::STATUS_LACKING, 1, &[]));
        assert!(during.contains("K7") && during.contains(&waits) && during.contains(&lacking), "{during}");
        assert!(!during.contains("Be den som har"), "nobody is asked before the shift is over: {during}");
        assert!(!during.contains(words.get(key::STATUS_SYSTEM)));
        let stranger = World::officer(&desk.server.state, Role::Organiser, Some(desk.world.other_branch.id)).await.1;
        assert!(!desk.status(&stranger).await.contains("K7"));
        let county = World::officer(&desk.server.state, Role::County, None).await.1;
        let all = desk.status(&county).await;
        assert!(all.contains("K7") && all.contains(words.get(key::STATUS_EPOCH)) && all.contains(words.get(key::STATUS_BACKUP_NEVER)));

        desk.server.clock.set(desk.world.shift.ends_at + 49 * HOUR_MS);
        desk.organiser = World::officer(&desk.server.state, Role::Organiser, Some(desk.world.branch.id)).await.1;
        let after = desk.status(&desk.organiser).await;
        assert!(after.contains(&words.with(key::STATUS_ASK, &[("sign", "K7")])) && after.contains(&words.count(key::STATUS_LACKING_LONG, 1, &[])));
        desk.server.clock.set(desk.world.shift.ends_at + coarsen::FINE_MS);
        desk.organiser = World::officer(&desk.server.state, Role::Organiser, Some(desk.world.branch.id)).await.1;
        let later = desk.status(&desk.organiser).await;
        assert!(!later.contains("K7") && later.contains(&words.count(key::STATUS_REST, 2, &[])), "{later}");
        assert!(later.contains(words.get(key::STATUS_REST_ASK)));

        // A file brings what was missing.
        let third = desk.visit(2);
        desk.take(&desk.file(vec![has, third])).await;
        assert!(desk.status(&desk.organiser).await.contains(words.get(key::STATUS_ALL_IN)));
    }
}

/// What the status says of the desk's phone, which has given so many counters and has so many unsent, when it pushes.
async fn unsent_after(desk: &Desk, entries: &[Envelope], have: (u64, u64, u64)) -> (PushResponse, String) {
    let mut request = desk.phone.request(entries);
    (request.have.min_unacked, request.have.max_issued, request.have.unsent) = have;
    let answer = answer(desk.phone.send(&desk.server, "/sync/v1/push", serde_json::to_vec(&request).unwrap()).await).await;
    (answer, desk.status(&desk.organiser).await)
}

fn says_unsent(status: &str, count: u64) -> bool {
    status.contains("K7") && status.contains(&Words::embedded("nb").count(key::BOARD_UNSENT_COUNT, count, &[]))
}

#[tokio::test]
async fn what_was_told_to_wait_was_said_to_be_sent() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let first = desk.visit(0);
        // The second corrects the first, which failed and was stepped over: it has to wait, and so has the third.
        let second = desk.phone.correct(&desk.server.state, &desk.houses[0], Some(0), Outcome::Talked, Some(first.id));
        let third = desk.visit(1);
        let (answer, status) = unsent_after(&desk, &[second.clone(), third.clone()], (1, 3, 3)).await;
        assert_eq!((answer.results[0].status, answer.results[1].status), (Status::Retry, Status::Applied));
        assert!(says_unsent(&status, 2), "{engine:?}: {status}");
        let (_, status) = unsent_after(&desk, &[first, second], (1, 3, 2)).await;
        assert!(status.contains(Words::embedded("nb").get(key::STATUS_ALL_IN)), "{engine:?}: {status}");

        // A phone that a restore put back to waiting, with its visits on it.
        desk.phone.stand(&desk.server.state, Admission::Waiting, None).await;
        let more = [desk.visit(2), desk.visit(3)];
        let (answer, status) = unsent_after(&desk, &more, (4, 5, 2)).await;
        assert!(answer.results.iter().all(|result| result.status == Status::Retry), "{answer:?}");
        assert!(says_unsent(&status, 2), "{engine:?}: {status}");
        // One that only waits has nothing, and is not asked for.
        Phone::join(&desk.server.state, &desk.world, Admission::Waiting, None).await;
        desk.phone.stand(&desk.server.state, Admission::Admitted, None).await;
        let (_, status) = unsent_after(&desk, &more, (4, 5, 2)).await;
        assert!(status.contains(Words::embedded("nb").get(key::STATUS_ALL_IN)), "{engine:?}: {status}");
    }
}

#[tokio::test]
async fn the_phone_that_has_waited_longest_stands_first() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let mut other = Phone::join(&desk.server.state, &desk.world, Admission::Admitted, Some(desk.world.turfs[0].id)).await;
        let start = desk.server.state.now_ms();
        // The one that joined last is the first that says so, and says so again; the other one had sent all in between.
        for (minute, phone, unsent) in [(0, 1, 2), (0, 0, 2), (20, 0, 1), (40, 1, 2), (40, 0, 2)] {
            desk.server.clock.set(start + minute * 60_000);
            let phone = if phone == 0 { &mut desk.phone } else { &mut other };
            let entry = phone.visit(&desk.server.state, &desk.houses[0], Some(0), Outcome::NotHome);
            let mut request = phone.request(&[entry]);
            request.have.unsent = unsent;
            phone.send(&desk.server, "/sync/v1/push", serde_json::to_vec(&request).unwrap()).await;
        }
        let page = desk.server.get("/plan/status").header("accept", "application/json").header("cookie", &desk.organiser).send().await.unwrap();
        let page: Value = page.json().await.unwrap();
        let phones = page["body"]["Status"]["open"][0]["phones"].as_array().unwrap();
        let waits: Vec<_> = phones.iter().map(|phone| (phone["unsent"].as_i64(), phone["waits_minutes"].as_i64())).collect();
        assert_eq!(waits, [(Some(1), Some(40)), (Some(1), Some(0))], "{engine:?}: {page}");
    }
}

#[tokio::test]
async fn an_entry_that_broke_its_batch_was_said_to_be_sent() {
    let mut desk = Desk::open(Engine::Sqlite).await;
    let entries = [desk.visit(0), desk.visit(1), desk.visit(2)];
    for (broken, waits) in [(1, 1), (2, 1)] {
        let id = entries[broken].id.simple();
        let broken = format!("CREATE TRIGGER broken BEFORE INSERT ON receipt WHEN NEW.id = X'{id}' BEGIN SELECT RAISE(ABORT, 'broken'); END");
        let mut tx = desk.server.state.db.begin().await.unwrap();
        tx.execute(&broken, Vec::new()).await.unwrap();
        tx.commit().await.unwrap();
        let (answer, status) = unsent_after(&desk, &entries, (1, 3, 3)).await;
        assert_eq!(answer.results.iter().filter(|result| result.status == Status::Retry).count(), waits);
        assert!(says_unsent(&status, 1), "{status}");
        let mut tx = desk.server.state.db.begin().await.unwrap();
        tx.execute("DROP TRIGGER broken", Vec::new()).await.unwrap();
        for table in ["receipt", "visit"] {
            tx.execute(&format!("DELETE FROM {table}"), Vec::new()).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let (_, status) = unsent_after(&desk, &entries, (1, 3, 3)).await;
    assert!(status.contains(Words::embedded("nb").get(key::STATUS_ALL_IN)), "{status}");
}

#[tokio::test]
async fn one_entry_that_breaks_the_server_kept_a_whole_file_out() {
    let mut desk = Desk::open(Engine::Sqlite).await;
    let entries: Vec<Envelope> = (0..3).map(|door| desk.visit(door)).collect();
    let (id, file) = (entries[1].id.simple(), desk.file(entries.clone()));
    let execute = async |sql: String| {
        let mut tx = desk.server.state.db.begin().await.unwrap();
        tx.execute(&sql, Vec::new()).await.unwrap();
        tx.commit().await.unwrap();
    };
    execute(format!("CREATE TRIGGER broken BEFORE INSERT ON receipt WHEN NEW.id = X'{id}' BEGIN SELECT RAISE(ABORT, 'broken'); END")).await;
    let broken = json!({ "counted": 2, "known": 0, "kept": 0, "failed": 1 });
    assert_eq!(desk.take(&file).await, (broken.clone(), broken));
    assert_eq!(desk.visits().await, 2, "the others are in");
    execute("DROP TRIGGER broken".into()).await;
    assert_eq!(desk.take(&file).await, (counts(1, 2, 0), counts(1, 2, 0)), "and that one later");
    assert_eq!(desk.visits().await, 3);
}

/// A phone that this server let into a shift, and that a restore forgot.
fn forgotten(desk: &Desk, shift: Uuid, campaign: Uuid) -> Phone {
    let id = desk.server.state.id_v7();
    Phone { id, credential: Credential::new(&desk.server.state.keys, id, shift, "Q7").text(), campaign, seq: 0 }
}

#[tokio::test]
async fn the_file_of_a_phone_that_a_restore_forgot_was_refused() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let state = desk.server.state.clone();
        desk.phone = forgotten(&desk, desk.world.shift.id, desk.world.campaign.id);
        let (device, shift) = (desk.phone.id, desk.world.shift.id);
        let (first, second, mut odd) = (desk.visit(0), desk.visit(1), desk.visit(2));
        odd.kind = "survey".into();
        let file = serde_json::to_vec(&desk.file(vec![first.clone(), second.clone(), odd.clone()])).unwrap();
        let known = async || store::device::find(&mut state.db.read().await.unwrap(), device).await.unwrap();

        // Whoever has the file in the mail is asked which shift it was, of those that they may see.
        for language in LANGUAGES {
            let mut form = b"--edge\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n".to_vec();
            form.extend_from_slice(&file);
            form.extend_from_slice(b"\r\n--edge--\r\n");
            let request = desk.server.post(&format!("/plan/intake?lang={language}")).header("sec-fetch-site", "same-origin").header("accept", HTML);
            let request = request.header("cookie", &desk.organiser).header("content-type", "multipart/form-data; boundary=edge");
            let page = request.body(form).send().await.unwrap().text().await.unwrap();
            let words = Words::embedded(language);
            for fact in [key::INTAKE_WHOSE, key::INTAKE_WHOSE_WHY] {
                assert!(read(&page).contains(words.get(fact)), "{language} lacks {fact}: {page}");
            }
            assert!(read(&page).contains(&words.count(key::INTAKE_WHOSE_ENTRIES, 3, &[])));
            assert!(page.contains(&format!("name=\"shift-{device}\"")) && page.contains(&format!("<option value=\"{shift}\"")), "{page}");
            assert!(!page.contains("name=\"text\""), "there is nothing to say yes to yet");
        }
        let stranger = World::officer(&state, Role::Organiser, Some(desk.world.other_branch.id)).await.1;
        assert_eq!(fault(&desk.post_of(("text", &file), Some((device, shift)), &stranger).await.1), "NotYours");
        let nowhere = desk.post_of(("text", &file), Some((device, state.id_v7())), &desk.organiser).await.1;
        assert_eq!(fault(&nowhere), "NotYours", "no shift is there for who does not hold it");
        let (_, look) = desk.post_of(("file", &file), Some((device, shift)), &desk.organiser).await;
        assert_eq!(look["body"]["Intake"]["step"]["Look"][2], json!([[device, shift]]), "the yes says it again");
        assert_eq!(look["body"]["Intake"]["step"]["Look"][0][0]["Open"][1], counts(2, 0, 1));
        assert!(known().await.is_none() && desk.visits().await == 0, "looking writes nothing");

        let (_, taken) = desk.post_of(("text", &file), Some((device, shift)), &desk.organiser).await;
        let taken = &taken["body"]["Intake"]["step"]["Taken"][0]["Open"];
        let phone = known().await.unwrap();
        assert_eq!((&taken[0]["sign"], &taken[1]), (&json!(phone.sign), &counts(2, 0, 1)), "{engine:?}");
        assert_eq!((phone.admission, phone.shift, desk.visits().await), (Admission::Waiting, shift, 2));
        let audit = store::audit::all(&mut state.db.read().await.unwrap()).await.unwrap();
        let of = |action: &str| {
            audit.iter().filter(|row| row.action == action && row.officer.is_some()).map(|row| row.subject_id.clone()).collect::<Vec<_>>()
        };
        assert_eq!((of("place_phone"), of("take_file")), (vec![shift.to_string()], vec![device.to_string()]));
        // A second file of the same phone needs no word, and what is known in it counts once.
        let third = desk.visit(3);
        assert_eq!(desk.take(&desk.file(vec![second.clone(), third.clone()])).await.1, counts(1, 1, 0));

        // When the phone itself comes it hears that all has arrived, and waits for its lead with what is new.
        let new = desk.phone.visit(&state, &desk.houses[1], Some(0), Outcome::NotHome);
        let answer = desk.phone.push(&desk.server, &[first, second, odd, third, new.clone()]).await;
        let statuses: Vec<Status> = answer.results.iter().map(|result| result.status).collect();
        assert_eq!(statuses, [Status::Duplicate, Status::Duplicate, Status::Quarantined, Status::Duplicate, Status::Retry], "{engine:?}");
        desk.phone.stand(&state, Admission::Admitted, Some(desk.world.turfs[0].id)).await;
        assert_eq!(desk.phone.push(&desk.server, &[new]).await.results[0].status, Status::Applied);
        assert_eq!(desk.visits().await, 4);
    }
}

#[tokio::test]
async fn what_was_noted_in_a_shift_that_a_restore_forgot_had_no_way_in() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let state = desk.server.state.clone();
        // Shift, campaign and turf were made after the backup. The doors are the city's.
        desk.phone = forgotten(&desk, state.id_v7(), state.id_v7());
        let device = desk.phone.id;
        let house = House { turf: state.id_v7(), ..desk.houses[0].clone() };
        let visits = [0, 1].map(|door| desk.phone.visit(&state, &house, Some(door), Outcome::NotHome));
        let better = desk.phone.correct(&state, &house, Some(0), Outcome::Talked, Some(visits[0].id));
        let gone = desk.phone.withdraw(&state, &visits[1]);
        let entries = [visits.to_vec(), vec![better, gone]].concat();
        let unknown = desk.phone.send(&desk.server, "/sync/v1/push", serde_json::to_vec(&desk.phone.request(&entries)).unwrap()).await;
        assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);

        let file = serde_json::to_vec(&desk.file(entries.clone())).unwrap();
        let (_, taken) = desk.post_of(("text", &file), Some((device, desk.world.shift.id)), &desk.organiser).await;
        assert_eq!(taken["body"]["Intake"]["step"]["Taken"][0]["Open"][1], counts(0, 0, 4), "{engine:?}");
        let clarify = desk.server.get("/plan/quarantine").header("accept", HTML).header("cookie", &desk.organiser).send().await.unwrap();
        let page = read(&clarify.text().await.unwrap());
        assert!(page.contains("Tell med i rode 1 · Rode 1") && page.contains("Tell med alle 4"), "{page}");
        let all = format!("reason=outside_scope&until={}", state.now_ms());
        let request = desk.server.post("/plan/v1/quarantine/count-all").header("sec-fetch-site", "same-origin").header("accept", HTML);
        let request = request.header("cookie", &desk.organiser).header("content-type", "application/x-www-form-urlencoded");
        let counted = request.body(all).send().await.unwrap();
        assert_eq!(counted.headers()["location"], "/plan/quarantine?done=counted.4.0.0", "{engine:?}");
        assert_eq!(desk.visits().await, 1, "one is corrected, one is taken back");

        // And the phone, which was refused before, is told so.
        let answer = desk.phone.push(&desk.server, &entries).await;
        assert!(answer.results.iter().all(|result| result.status == Status::Duplicate), "{engine:?}: {answer:?}");
        let other = forgotten(&desk, state.id_v7(), desk.world.campaign.id);
        let refused = other.send(&desk.server, "/sync/v1/push", serde_json::to_vec(&other.request(&[])).unwrap()).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "only the phone that somebody placed");
    }
}
