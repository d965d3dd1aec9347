//! "Til avklaring" over a real socket, as a browser without scripting does it: what waits is seen by those who answer for
//! it, counted by the code that takes a push, or discarded; never twice.

use std::collections::HashSet;

use dorbank_server::{
    args,
    auth::{codes, credential::Token},
    coarsen,
    job::Actor,
    store::{self, entrance, quarantine, visit::Standing},
    sync::{entry::Batch, push::file},
    verify,
};
use dorbank_shared::{
    principal::Role,
    shift::Shift,
    sync::wire::{Admission, Envelope, PushResponse, Reason, Status},
    visit::Outcome,
    words::{LANGUAGES, Words, key},
};
use dorbank_tests::{Engine, TestServer, World};
use reqwest::StatusCode;
use uuid::Uuid;

use crate::{
    pages::read,
    phone::{House, Phone, houses, read as answer},
};

const HTML: &str = "text/html,application/xhtml+xml";
const HOUR_MS: i64 = 3_600_000;
const PAGE: &str = "/plan/quarantine";

/// A small city with a phone, and an organiser's cookie.
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

    async fn stand(&self, admission: Admission) {
        self.phone.stand(&self.server.state, admission, Some(self.world.turfs[0].id)).await;
    }

    /// It is later, and the organiser has signed in again.
    async fn later(&mut self, at_ms: i64) {
        self.server.clock.set(at_ms);
        self.organiser = World::officer(&self.server.state, Role::Organiser, Some(self.world.branch.id)).await.1;
    }

    /// A phone that was shut out sends so many visits, each at a door of its own.
    async fn kept(&mut self, count: usize) -> Vec<Envelope> {
        self.stand(Admission::Revoked).await;
        let visits: Vec<_> = (0..count).map(|n| self.phone.visit(&self.server.state, &self.houses[n / 4], Some(n % 4), Outcome::Talked)).collect();
        let answer = self.phone.push(&self.server, &visits).await;
        assert!(answer.results.iter().all(|result| result.status == Status::Quarantined));
        visits
    }

    async fn get(&self, path: &str, cookie: &str) -> (StatusCode, String) {
        let answer = self.server.get(path).header("accept", HTML).header("cookie", cookie).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// Where a form leads.
    async fn press(&self, act: &str, form: &[(&str, String)], cookie: &str) -> String {
        let request = self.server.post(&format!("/plan/v1/quarantine/{act}")).header("sec-fetch-site", "same-origin").header("accept", HTML);
        // Ids, numbers and names of lists need no escaping.
        let body = form.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        let request = request.header("cookie", cookie).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{act}");
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    /// The fields that name an entry on the page.
    async fn named(&self, entry: &Envelope) -> Vec<(&'static str, String)> {
        let kept = quarantine::open(&mut self.server.state.db.read().await.unwrap(), self.world.campaign.id).await.unwrap();
        let mac = kept.iter().find(|kept| kept.id == entry.id).unwrap().mac.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        vec![("id", entry.id.to_string()), ("mac", mac)]
    }

    async fn count(&self, entry: &Envelope) -> String {
        self.press("count", &self.named(entry).await, &self.organiser).await
    }

    async fn waiting(&self) -> i64 {
        quarantine::count_open(&mut self.server.state.db.read().await.unwrap(), self.world.campaign.id).await.unwrap()
    }

    async fn standing(&self) -> Vec<Standing> {
        let entrances: HashSet<Uuid> = self.houses.iter().map(|house| house.entrance).collect();
        store::visit::standing(&mut self.server.state.db.read().await.unwrap(), self.world.campaign.id, &entrances).await.unwrap()
    }

    async fn audited(&self, action: &str) -> usize {
        let all = store::audit::all(&mut self.server.state.db.read().await.unwrap()).await.unwrap();
        all.iter().filter(|row| row.action == action && row.officer.is_some()).count()
    }
}

fn all_of(reason: Reason, until: i64) -> Vec<(&'static str, String)> {
    vec![("reason", reason.name().to_owned()), ("until", until.to_string())]
}

#[tokio::test]
async fn what_waits_is_read_in_words_by_those_who_answer_for_it() {
    let mut desk = Desk::open(Engine::Sqlite).await;
    let (status, empty) = desk.get(PAGE, &desk.organiser).await;
    assert_eq!(status, StatusCode::OK);
    assert!(read(&empty).contains(Words::embedded("nb").get(key::CLARIFY_NONE)));
    desk.kept(2).await;
    for language in LANGUAGES {
        let words = Words::embedded(language);
        let text = read(&desk.get(&format!("{PAGE}?lang={language}"), &desk.organiser).await.1);
        for fact in [key::CLARIFY_INTRO, key::CLARIFY_NOT_ADMITTED, key::CLARIFY_NOT_ADMITTED_WHY, key::CLARIFY_COUNT, key::OUTCOME_TALKED] {
            assert!(text.contains(words.get(fact)), "{language} lacks {fact}: {text}");
        }
        for fact in ["Tøyengata 1 ·", "(H0101)", "K7", "Tøyen torg", "Kampanjeuke 42"] {
            assert!(text.contains(fact), "{language} lacks {fact}: {text}");
        }
        assert!(!text.contains('{'), "{text}");
    }
    let plan = desk.get("/plan", &desk.organiser).await.1;
    assert!(plan.contains("href=\"/plan/quarantine\""));

    let state = &desk.server.state;
    let (_, lead) = World::officer(state, Role::Lead, Some(desk.world.branch.id)).await;
    let (_, stranger) = World::officer(state, Role::Organiser, Some(desk.world.other_branch.id)).await;
    let (_, county) = World::officer(state, Role::County, None).await;
    assert!(!desk.get("/plan", &lead).await.1.contains("href=\"/plan/quarantine\""), "nothing is offered that is refused");
    assert_eq!(desk.get(PAGE, &lead).await.0, StatusCode::SEE_OTHER);
    assert!(!read(&desk.get(PAGE, &stranger).await.1).contains("Tøyengata"));
    assert!(read(&desk.get(PAGE, &county).await.1).contains("Tøyengata"));

    // Three days after the shift neither the phone nor the answer at the door is read here.
    desk.later(desk.world.shift.ends_at + coarsen::FINE_MS).await;
    let later = read(&desk.get(PAGE, &desk.organiser).await.1);
    let words = Words::embedded("nb");
    assert!(!later.contains("K7") && !later.contains(words.get(key::OUTCOME_TALKED)), "{later}");
    assert!(later.contains(words.get(key::OUTCOME_DONE)) && later.contains(words.get(key::CLARIFY_SIGN_GONE)));
}

#[tokio::test]
async fn what_is_counted_stands_once_is_pulled_and_is_answered_for() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let visits = desk.kept(5).await;
        assert_eq!(desk.count(&visits[0]).await, "/plan/quarantine?done=counted.1.0.0");
        assert_eq!((desk.waiting().await, desk.standing().await.len()), (4, 1));

        // A double click, and two officers at once.
        let county = World::officer(&desk.server.state, Role::County, None).await.1;
        let all = all_of(Reason::NotAdmitted, desk.server.state.now_ms());
        let (one, other) = tokio::join!(desk.press("count-all", &all, &desk.organiser), desk.press("count-all", &all, &county));
        let counted: i64 = [&one, &other].iter().map(|place| place.split('.').nth(1).unwrap().parse::<i64>().unwrap()).sum();
        assert_eq!(counted, 4, "{one} {other}");
        assert_eq!(desk.press("count-all", &all, &county).await, "/plan/quarantine?done=counted.0.0.0");
        assert_eq!((desk.waiting().await, desk.standing().await.len(), desk.audited("quarantine_apply").await), (0, 5, 5));

        // The phone that asks again is told the truth; every other pulls it.
        let again = desk.phone.push(&desk.server, &visits).await;
        assert!(again.results.iter().all(|result| result.status == Status::Duplicate), "{again:?}");
        assert_eq!((again.held, again.missing.len()), (5, 0));
        let other = Phone::join(&desk.server.state, &desk.world, Admission::Admitted, Some(desk.world.turfs[0].id)).await;
        let pulled = other.pull(&desk.server, &[(desk.world.turfs[0].id, None)], None).await;
        assert_eq!(pulled.turfs[0].rows.iter().filter(|row| row.state == Some(Outcome::Talked)).count(), 5);

        // What came first is replaced by what the phone noted after it, and taken back, as if it had been counted at once.
        desk.stand(Admission::Admitted).await;
        let state = &desk.server.state;
        let better = desk.phone.correct(state, &desk.houses[0], Some(0), Outcome::ComeBack, Some(visits[0].id));
        let gone = desk.phone.withdraw(state, &visits[1]);
        let answer = desk.phone.push(&desk.server, &[better, gone]).await;
        assert!(answer.results.iter().all(|result| result.status == Status::Applied), "{answer:?}");
        assert_eq!(desk.standing().await.len(), 4);
    }
}

#[tokio::test]
async fn a_second_press_on_one_entry_says_that_it_is_settled() {
    let mut desk = Desk::open(Engine::Sqlite).await;
    let visits = desk.kept(2).await;
    let named = [desk.named(&visits[0]).await, desk.named(&visits[1]).await];
    assert_eq!(desk.press("count", &named[0], &desk.organiser).await, "/plan/quarantine?done=counted.1.0.0");
    let again = desk.press("count", &named[0], &desk.organiser).await;
    assert_eq!(again, "/plan/quarantine?done=counted.0.0.1");
    assert!(read(&desk.get(&again, &desk.organiser).await.1).contains("Ingenting ble talt to ganger"));

    // Discarded, for a reason of the list; counting it then is too late.
    let discard = |why: &str| [named[1].clone(), vec![("why", why.to_owned())]].concat();
    assert_eq!(desk.press("discard", &discard("because"), &desk.organiser).await, "/plan/quarantine?error=malformed");
    assert_eq!(desk.waiting().await, 1);
    assert_eq!(desk.press("discard", &discard("trial"), &desk.organiser).await, "/plan/quarantine?done=discarded.1.0.0");
    assert_eq!(desk.press("discard", &discard("trial"), &desk.organiser).await, "/plan/quarantine?done=discarded.0.0.1");
    assert_eq!(desk.press("count", &named[1], &desk.organiser).await, "/plan/quarantine?done=counted.0.0.1");
    assert_eq!((desk.standing().await.len(), desk.audited("quarantine_discard").await), (1, 1));
    let again = desk.phone.push(&desk.server, &visits).await;
    assert_eq!((again.results[0].status, again.results[1].status), (Status::Duplicate, Status::Quarantined));
    assert_eq!((again.held, desk.waiting().await), (2, 0), "a repeat does not wake what was discarded");
}

#[tokio::test]
async fn another_branchs_entries_are_nobody_elses_to_settle() {
    let mut desk = Desk::open(Engine::Sqlite).await;
    let visits = desk.kept(1).await;
    let named = desk.named(&visits[0]).await;
    let discard = [named.clone(), vec![("why", "trial".to_owned())]].concat();
    let state = &desk.server.state;
    let stranger = World::officer(state, Role::Organiser, Some(desk.world.other_branch.id)).await.1;
    let lead = World::officer(state, Role::Lead, Some(desk.world.branch.id)).await.1;
    for (act, form) in [("count", &named), ("discard", &discard)] {
        assert_eq!(desk.press(act, form, &stranger).await, "/plan/quarantine?error=forbidden");
        assert_eq!(desk.press(act, form, &lead).await, "/sign-in?error=forbidden");
    }
    let until = state.now_ms();
    assert_eq!(desk.press("count-all", &all_of(Reason::NotAdmitted, until), &stranger).await, "/plan/quarantine?done=counted.0.0.0");
    let find = format!("{PAGE}/entry?id={}&mac={}", named[0].1, named[1].1);
    assert_eq!(desk.get(&find, &stranger).await.0, StatusCode::FORBIDDEN);
    assert_eq!(desk.get(&find, &desk.organiser).await.0, StatusCode::OK);
    assert_eq!(desk.get(&format!("{PAGE}/entry?id=x"), &desk.organiser).await.0, StatusCode::NOT_FOUND);
    // What came after the page was read is not meant by "all".
    assert_eq!(desk.press("count-all", &all_of(Reason::NotAdmitted, until - 1), &desk.organiser).await, "/plan/quarantine?done=counted.0.0.0");
    assert_eq!((desk.waiting().await, desk.standing().await.len()), (1, 0));
}

#[tokio::test]
async fn a_visit_outside_the_shift_is_counted_where_its_door_lies_or_where_somebody_says() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let state = desk.server.state.clone();
        let lies = desk.phone.visit(&state, &desk.houses[5], Some(0), Outcome::Talked);
        let nowhere = House { turf: desk.world.turfs[0].id, entrance: state.id_v7(), units: vec![state.id_v7()] };
        let lost = desk.phone.visit(&state, &nowhere, Some(0), Outcome::NotHome);
        let mut noted = desk.phone.visit(&state, &desk.houses[0], Some(1), Outcome::Declined);
        noted.bytes = noted.bytes.replace("\"occurred_at\"", "\"note\":\"a name\",\"occurred_at\"");
        let answer = desk.phone.push(&desk.server, &[lies.clone(), lost.clone(), noted.clone()]).await;
        assert!(answer.results.iter().all(|result| result.status == Status::Quarantined));
        let page = read(&desk.get(PAGE, &desk.organiser).await.1);
        assert!(page.contains("Tell med i rode 3 · Rode 3"), "{page}");
        assert!(!page.contains("a name"), "no field is shown that a visit has no room for");

        let all = all_of(Reason::OutsideScope, state.now_ms());
        assert_eq!(desk.press("count-all", &all, &desk.organiser).await, "/plan/quarantine?done=counted.1.1.0");
        let standing = desk.standing().await;
        assert_eq!((standing.len(), standing[0].door), (1, desk.houses[5].units[0]));

        // Step by step: a turf, an entrance, a door.
        let named = desk.named(&lost).await;
        let find = format!("{PAGE}/entry?id={}&mac={}", named[0].1, named[1].1);
        let (turf, house) = (desk.world.turfs[0].id, &desk.houses[1]);
        assert!(desk.get(&find, &desk.organiser).await.1.contains(&house.entrance.to_string()), "its turf is known already");
        let doors = desk.get(&format!("{find}&turf={turf}&entrance={}", house.entrance), &desk.organiser).await.1;
        assert!(doors.contains(&house.units[3].to_string()));
        assert!(!doors.contains(r#"<select id="entrance""#), "what is chosen cannot be turned to another address beside its doors");
        let again = desk.get(&format!("{find}&turf={turf}&entrance={}", Uuid::nil()), &desk.organiser).await.1;
        assert!(again.contains(r#"<select id="entrance""#) && !again.contains(r#"<select id="unit""#));
        let at = |unit: Uuid, outcome: &str| {
            let place = [("turf", turf.to_string()), ("entrance", house.entrance.to_string()), ("unit", unit.to_string())];
            [named.clone(), place.to_vec(), vec![("outcome", outcome.to_owned())]].concat()
        };
        let wrong = desk.press("count", &at(desk.houses[0].units[0], "not_home"), &desk.organiser).await;
        assert_eq!(wrong, "/plan/quarantine?done=counted.0.1.0", "a door of another entrance");
        assert_eq!(desk.press("count", &at(house.units[3], "done"), &desk.organiser).await, "/plan/quarantine?error=malformed");
        let nowhere = [&at(house.entrance, "not_home")[..4], &[("unit", String::new()), ("outcome", "not_home".to_owned())]].concat();
        assert_eq!(desk.press("count", &nowhere, &desk.organiser).await, "/plan/quarantine?error=malformed", "nobody counts by choosing nothing");
        assert_eq!(desk.press("count", &at(house.units[3], "not_home"), "dorbank-session=gone").await, "/sign-in?error=unknown");
        assert_eq!(desk.press("count", &at(house.units[3], "not_home"), &desk.organiser).await, "/plan/quarantine?done=counted.1.0.0");
        let settled = read(&desk.get(&find, &desk.organiser).await.1);
        assert!(settled.contains(Words::embedded("nb").get(key::CLARIFY_SETTLED)));

        let place = [
            ("turf", turf.to_string()),
            ("entrance", house.entrance.to_string()),
            ("unit", house.entrance.to_string()),
            ("outcome", "no_access".into()),
        ];
        let whole = [desk.named(&noted).await, place.to_vec()].concat();
        assert_eq!(desk.press("count", &whole, &desk.organiser).await, "/plan/quarantine?done=counted.1.0.0");
        assert_eq!((desk.standing().await.len(), desk.waiting().await), (3, 0));
        let again = desk.phone.push(&desk.server, &[lies, lost, noted]).await;
        assert!(again.results.iter().all(|result| result.status == Status::Duplicate), "the receipt is for what the phone wrote");
    }
}

#[tokio::test]
async fn many_wishes_for_quiet_are_confirmed_and_then_in_the_register() {
    let mut desk = Desk::open(Engine::Sqlite).await;
    let state = desk.server.state.clone();
    // Twelve doors and their three entrances, and two more.
    let places: Vec<(usize, Option<usize>)> = (0..3).flat_map(|house| (0..4).map(move |door| (house, Some(door))).chain([(house, None)])).collect();
    let mut wishes: Vec<_> =
        places.into_iter().map(|(house, door)| desk.phone.visit(&state, &desk.houses[house], door, Outcome::DoNotKnock)).collect();
    wishes.extend([3, 4].map(|house| desk.phone.visit(&state, &desk.houses[house], Some(0), Outcome::DoNotKnock)));
    let answer = desk.phone.push(&desk.server, &wishes).await;
    assert_eq!(answer.results.iter().filter(|result| result.reason == Some(Reason::ManyDoNotKnock)).count(), 2);
    let quiet =
        async |house: &House| entrance::find(&mut state.db.read().await.unwrap(), house.entrance).await.unwrap().unwrap().units[0].do_not_knock;
    assert!(!quiet(&desk.houses[3]).await && read(&desk.get(PAGE, &desk.organiser).await.1).contains("Bekreft alle 2"));
    let all = all_of(Reason::ManyDoNotKnock, state.now_ms());
    assert_eq!(desk.press("count-all", &all, &desk.organiser).await, "/plan/quarantine?done=counted.2.0.0");
    assert!(quiet(&desk.houses[3]).await && quiet(&desk.houses[4]).await);
}

#[tokio::test]
async fn what_comes_very_late_is_counted_and_then_coarsened_with_what_was_kept() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let state = desk.server.state.clone();
        let late = desk.phone.visit(&state, &desk.houses[0], Some(0), Outcome::Talked);
        let trial = desk.phone.visit(&state, &desk.houses[0], Some(1), Outcome::Talked);
        desk.later(desk.world.shift.ends_at + 31 * 24 * HOUR_MS).await;
        let answer = desk.phone.push(&desk.server, &[late.clone(), trial.clone()]).await;
        assert!(answer.results.iter().all(|result| result.reason == Some(Reason::TooLate)));
        assert_eq!(desk.count(&late).await, "/plan/quarantine?done=counted.1.0.0");
        let discard = [desk.named(&trial).await, vec![("why", "twice".to_owned())]].concat();
        desk.press("discard", &discard, &desk.organiser).await;
        assert_eq!(desk.standing().await[0].outcome, Outcome::Talked);

        let body = async || {
            let sql = "SELECT body, settled_as FROM quarantine WHERE id = $1";
            let row = state.db.read().await.unwrap().one(sql, args![trial.id]).await.unwrap().unwrap();
            (row.get::<String>(0).unwrap(), row.get::<Option<String>>(1).unwrap())
        };
        assert!(body().await.0.contains("talked"), "a mistake can still be found");
        desk.server.clock.advance(coarsen::FINE_MS);
        coarsen::run(&state.db, &Actor::schedule(), state.now_ms(), &mut state.fork_rng()).await.unwrap();
        assert_eq!(desk.standing().await[0].outcome, Outcome::Done);
        assert_eq!(body().await, (String::new(), Some("twice".to_owned())), "what was discarded says nothing any more");
    }
}

#[tokio::test]
async fn what_rests_on_something_lost_or_bears_a_taken_id_is_counted_for_itself() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let state = desk.server.state.clone();
        let lost = state.id_v7();
        let correction = desk.phone.correct(&state, &desk.houses[0], Some(0), Outcome::ComeBack, Some(lost));
        let mut other = Phone::join(&state, &desk.world, Admission::Admitted, Some(desk.world.turfs[0].id)).await;
        let mut same = other.visit(&state, &desk.houses[0], Some(1), Outcome::NotHome);
        let first = desk.phone.visit(&state, &desk.houses[0], Some(2), Outcome::NotHome);
        same.id = first.id;
        let withdrawal = desk.phone.withdraw(&state, &Envelope { id: lost, ..first.clone() });
        desk.phone.push(&desk.server, &[correction.clone(), first.clone(), withdrawal.clone()]).await;
        other.push(&desk.server, std::slice::from_ref(&same)).await;
        assert_eq!(desk.waiting().await, 3);

        assert_eq!(desk.count(&correction).await, "/plan/quarantine?done=counted.1.0.0");
        assert_eq!(desk.count(&withdrawal).await, "/plan/quarantine?done=counted.0.1.0", "there is nothing to take back");
        assert_eq!(desk.count(&same).await, "/plan/quarantine?done=counted.1.0.0");
        assert_eq!((desk.standing().await.len(), desk.waiting().await), (3, 1));
        // Each phone is still answered for what it wrote, and its own count is whole.
        let (own, others) = (desk.phone.push(&desk.server, &[first]).await, other.push(&desk.server, &[same]).await);
        assert_eq!((own.results[0].status, own.held, own.missing.len()), (Status::Duplicate, 3, 0));
        assert_eq!((others.results[0].status, others.held, others.missing.len()), (Status::Quarantined, 1, 0));
        assert_eq!((desk.standing().await.len(), desk.waiting().await), (3, 1), "and nothing wakes");
    }
}

#[tokio::test]
async fn a_withdrawal_that_was_kept_takes_back_what_it_means() {
    let mut desk = Desk::open(Engine::Sqlite).await;
    let state = desk.server.state.clone();
    let visit = desk.phone.visit(&state, &desk.houses[0], Some(0), Outcome::DoNotKnock);
    desk.phone.push(&desk.server, std::slice::from_ref(&visit)).await;
    desk.stand(Admission::Revoked).await;
    let withdrawal = desk.phone.withdraw(&state, &visit);
    desk.phone.push(&desk.server, std::slice::from_ref(&withdrawal)).await;
    assert_eq!((desk.standing().await.len(), desk.waiting().await), (1, 1));
    assert!(read(&desk.get(PAGE, &desk.organiser).await.1).contains(Words::embedded("nb").get(key::CLARIFY_WITHDRAWAL)));
    assert_eq!(desk.count(&withdrawal).await, "/plan/quarantine?done=counted.1.0.0");
    let register = entrance::find(&mut state.db.read().await.unwrap(), desk.houses[0].entrance).await.unwrap().unwrap();
    assert_eq!((desk.standing().await.len(), register.units[0].do_not_knock), (0, false));
}

/// Pushes what is all that a phone still has: nothing that it rests on may still come.
async fn push_last(desk: &Desk, phone: &Phone, entries: &[Envelope]) -> PushResponse {
    let mut request = phone.request(entries);
    request.have.min_unacked = entries[0].device_seq;
    answer(phone.send(&desk.server, "/sync/v1/push", serde_json::to_vec(&request).unwrap()).await).await
}

/// Another identity of a phone, as its lead let it in.
async fn joined_anew(desk: &Desk) -> Phone {
    let turf = Some(desk.world.turfs[0].id);
    Phone::join(&desk.server.state, &desk.world, Admission::Admitted, turf).await
}

#[tokio::test]
async fn a_correction_of_what_another_identity_sent_counted_the_door_twice() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let state = desk.server.state.clone();
        // What it corrects is counted under the identity before.
        let first = desk.phone.visit(&state, &desk.houses[0], Some(0), Outcome::Talked);
        desk.phone.push(&desk.server, std::slice::from_ref(&first)).await;
        let mut anew = joined_anew(&desk).await;
        let better = anew.correct(&state, &desk.houses[0], Some(0), Outcome::ComeBack, Some(first.id));
        let answer = push_last(&desk, &anew, std::slice::from_ref(&better)).await;
        assert_eq!(answer.results[0].reason, Some(Reason::UnknownSuperseded));
        assert_eq!(desk.count(&better).await, "/plan/quarantine?done=counted.1.0.0");
        let standing = desk.standing().await;
        assert_eq!((standing.len(), standing[0].outcome), (1, Outcome::ComeBack), "{engine:?}");

        // And a withdrawal takes back what it means.
        let mistake = desk.phone.visit(&state, &desk.houses[0], Some(1), Outcome::Talked);
        desk.phone.push(&desk.server, std::slice::from_ref(&mistake)).await;
        let gone = anew.withdraw(&state, &mistake);
        push_last(&desk, &anew, std::slice::from_ref(&gone)).await;
        let page = read(&desk.get(PAGE, &desk.organiser).await.1);
        assert!(page.contains("(H0201)") && page.contains(Words::embedded("nb").get(key::CLARIFY_WITHDRAWAL)), "{page}");
        assert_eq!(desk.count(&gone).await, "/plan/quarantine?done=counted.1.0.0");
        assert_eq!((desk.standing().await.len(), desk.waiting().await), (1, 0));

        // What it corrects waits as well: one of the two is counted, whichever is pressed first.
        let visits = desk.kept(2).await;
        let corrections = [0, 1].map(|door| anew.correct(&state, &desk.houses[0], Some(door), Outcome::Declined, Some(visits[door].id)));
        push_last(&desk, &anew, &corrections).await;
        assert_eq!(desk.waiting().await, 4);
        assert_eq!(desk.count(&corrections[0]).await, "/plan/quarantine?done=counted.1.0.0");
        assert_eq!(desk.waiting().await, 2, "what it replaces does not wait any more");
        assert_eq!(desk.count(&visits[1]).await, "/plan/quarantine?done=counted.1.0.0");
        assert_eq!(desk.count(&corrections[1]).await, "/plan/quarantine?done=counted.1.0.0");
        let declined = desk.standing().await.iter().filter(|standing| standing.outcome == Outcome::Declined).count();
        assert_eq!((desk.standing().await.len(), declined, desk.waiting().await), (3, 2, 0), "{engine:?}");
    }
}

#[tokio::test]
async fn a_visit_that_came_after_its_correction_was_counted_counted_the_door_twice() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let state = desk.server.state.clone();
        let before = desk.phone.visit(&state, &desk.houses[0], Some(0), Outcome::NotHome);
        // Storage had lost it when its correction was sent; the file that was saved before has it.
        let lost = desk.phone.correct(&state, &desk.houses[0], Some(0), Outcome::DoNotKnock, Some(before.id));
        let correction = desk.phone.correct(&state, &desk.houses[0], Some(0), Outcome::Talked, Some(lost.id));
        desk.phone.push(&desk.server, &[before.clone(), correction.clone()]).await;
        assert_eq!(desk.count(&correction).await, "/plan/quarantine?done=counted.1.0.0");
        assert_eq!(desk.standing().await.len(), 2, "nobody knows yet that they are the same");

        let answer = desk.phone.push(&desk.server, std::slice::from_ref(&lost)).await;
        assert_eq!((answer.results[0].status, answer.held), (Status::Applied, 3));
        let standing = desk.standing().await;
        assert_eq!(standing.iter().map(|visit| visit.id).collect::<Vec<_>>(), [correction.id], "{engine:?}");
        let register = entrance::find(&mut state.db.read().await.unwrap(), desk.houses[0].entrance).await.unwrap().unwrap();
        assert!(!register.units[0].do_not_knock, "a wish that was corrected asks for nothing");
        assert_eq!(desk.phone.push(&desk.server, &[lost, before, correction]).await.held, 3);
        assert_eq!(desk.standing().await.len(), 1);
    }
}

#[tokio::test]
async fn a_correction_of_a_correction_that_was_kept_left_the_first_visit_counted_beside_it() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let state = desk.server.state.clone();
        let (house, other) = (desk.houses[0].clone(), desk.houses[1].clone());
        let first = desk.phone.visit(&state, &house, Some(0), Outcome::DoNotKnock);
        let beside = desk.phone.visit(&state, &other, Some(0), Outcome::NotHome);
        desk.phone.push(&desk.server, &[first.clone(), beside.clone()]).await;
        desk.stand(Admission::Revoked).await;
        let second = desk.phone.correct(&state, &house, Some(0), Outcome::NotHome, Some(first.id));
        let changed = desk.phone.correct(&state, &other, Some(0), Outcome::Talked, Some(beside.id));
        desk.phone.push(&desk.server, &[second.clone(), changed.clone()]).await;
        assert_eq!((desk.standing().await.len(), desk.waiting().await), (2, 2));

        desk.stand(Admission::Admitted).await;
        let third = desk.phone.correct(&state, &house, Some(0), Outcome::Talked, Some(second.id));
        let undone = desk.phone.withdraw(&state, &changed);
        let answer = desk.phone.push(&desk.server, &[third.clone(), undone]).await;
        assert!(answer.results.iter().all(|result| result.status == Status::Applied), "{answer:?}");
        let standing = desk.standing().await;
        assert_eq!(standing.iter().map(|visit| visit.id).collect::<Vec<_>>(), [third.id], "{engine:?}");
        assert_eq!(desk.waiting().await, 0, "what was replaced waits for nobody");
        let register = entrance::find(&mut state.db.read().await.unwrap(), house.entrance).await.unwrap().unwrap();
        assert!(!register.units[0].do_not_knock, "the wish was corrected");
    }
}

#[tokio::test]
async fn entries_that_supersede_each_other_are_kept_and_take_nothing_with_them() {
    let mut desk = Desk::open(Engine::Sqlite).await;
    let state = desk.server.state.clone();
    let ids = [state.id_v7(), state.id_v7()];
    let mut ring: Vec<Envelope> =
        (0..2).map(|at| desk.phone.correct(&state, &desk.houses[0], Some(0), Outcome::NotHome, Some(ids[1 - at]))).collect();
    (ring[0].id, ring[1].id) = (ids[0], ids[1]);
    desk.stand(Admission::Revoked).await;
    desk.phone.push(&desk.server, &ring).await;
    desk.stand(Admission::Admitted).await;
    let next = desk.phone.correct(&state, &desk.houses[0], Some(0), Outcome::Talked, Some(ids[0]));
    let answer = push_last(&desk, &desk.phone, std::slice::from_ref(&next)).await;
    assert_eq!((answer.results[0].status, desk.standing().await.len(), desk.waiting().await), (Status::Quarantined, 0, 3));
}

#[tokio::test]
async fn a_visit_and_its_correction_without_a_counter_that_are_counted_at_once_are_one() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let state = desk.server.state.clone();
        desk.stand(Admission::Revoked).await;
        let visit = desk.phone.visit(&state, &desk.houses[0], Some(0), Outcome::NotHome);
        // As a file has it, of a phone whose storage failed: it sorts before all that has a counter.
        let mut correction = desk.phone.correct(&state, &desk.houses[0], Some(0), Outcome::Talked, Some(visit.id));
        correction.device_seq = 0;
        let whose = file::Whose { device: desk.phone.id, mark: [0; 32], shift: None };
        let batch = Batch { entries: vec![visit.into(), correction.clone().into()], ..Batch::default() };
        file::take(&state.db, state.now_ms(), whose, &batch, (file::Take::Take, &Actor::operator()), &mut state.fork_rng()).await.unwrap();
        assert_eq!(desk.waiting().await, 2);
        desk.press("count-all", &all_of(Reason::NotAdmitted, state.now_ms()), &desk.organiser).await;
        let standing = desk.standing().await;
        assert_eq!((standing.iter().map(|visit| visit.id).collect::<Vec<_>>(), desk.waiting().await), (vec![correction.id], 0), "{engine:?}");
    }
}

#[tokio::test]
async fn what_another_phone_says_it_corrects_is_not_replaced_before_it_comes() {
    let mut desk = Desk::open(Engine::Sqlite).await;
    let state = desk.server.state.clone();
    let mut other = joined_anew(&desk).await;
    let theirs = desk.phone.visit(&state, &desk.houses[0], Some(0), Outcome::DoNotKnock);
    let claim = other.correct(&state, &desk.houses[0], Some(0), Outcome::NotHome, Some(theirs.id));
    let withdrawal = other.withdraw(&state, &claim);
    push_last(&desk, &other, &[claim, withdrawal]).await;
    desk.phone.push(&desk.server, std::slice::from_ref(&theirs)).await;
    assert_eq!(desk.standing().await.iter().map(|visit| visit.id).collect::<Vec<_>>(), [theirs.id]);
    let register = entrance::find(&mut state.db.read().await.unwrap(), desk.houses[0].entrance).await.unwrap().unwrap();
    assert!(register.units[0].do_not_knock);
}

#[tokio::test]
async fn who_corrects_what_was_discarded_and_emptied_counted_beside_what_that_corrected() {
    let mut desk = Desk::open(Engine::Sqlite).await;
    let state = desk.server.state.clone();
    let first = desk.phone.visit(&state, &desk.houses[0], Some(0), Outcome::NotHome);
    desk.phone.push(&desk.server, std::slice::from_ref(&first)).await;
    desk.stand(Admission::Revoked).await;
    let second = desk.phone.correct(&state, &desk.houses[0], Some(0), Outcome::Talked, Some(first.id));
    desk.phone.push(&desk.server, std::slice::from_ref(&second)).await;
    desk.press("discard-all", &[&all_of(Reason::NotAdmitted, state.now_ms())[..], &[("why", "mistake".to_owned())]].concat(), &desk.organiser).await;
    assert_eq!(desk.waiting().await, 0);
    desk.later(desk.world.shift.ends_at + 73 * HOUR_MS).await;
    coarsen::run(&state.db, &Actor::schedule(), state.now_ms(), &mut state.fork_rng()).await.unwrap();
    desk.stand(Admission::Admitted).await;
    let third = desk.phone.correct(&state, &desk.houses[0], Some(0), Outcome::Declined, Some(second.id));
    let answer = push_last(&desk, &desk.phone, std::slice::from_ref(&third)).await;
    assert_eq!((answer.results[0].status, answer.results[0].reason), (Status::Quarantined, Some(Reason::UnknownSuperseded)));
    assert_eq!(desk.standing().await.len(), 1);
}

#[tokio::test]
async fn a_correction_that_came_after_its_visit_was_coarsened_counted_the_door_twice() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let state = desk.server.state.clone();
        let visit = desk.phone.visit(&state, &desk.houses[0], Some(0), Outcome::Talked);
        desk.phone.push(&desk.server, std::slice::from_ref(&visit)).await;
        let better = desk.phone.correct(&state, &desk.houses[0], Some(0), Outcome::Declined, Some(visit.id));
        let gone = desk.phone.withdraw(&state, &visit);
        desk.later(desk.world.shift.ends_at + 4 * 24 * HOUR_MS).await;
        coarsen::run(&state.db, &Actor::schedule(), state.now_ms(), &mut state.fork_rng()).await.unwrap();
        let before = store::tally::reach(&mut state.db.read().await.unwrap(), desk.world.round.id).await.unwrap();
        let answer = push_last(&desk, &desk.phone, &[better.clone(), gone.clone()]).await;
        assert!(answer.results.iter().all(|result| result.reason == Some(Reason::UnknownSuperseded)), "{answer:?}");
        for language in LANGUAGES {
            let page = desk.get(&format!("{PAGE}?lang={language}"), &desk.organiser).await.1;
            assert!(read(&page).contains(Words::embedded(language).get(key::CLARIFY_COUNTED_BEFORE)), "{language}: {page}");
            assert!(!page.contains("/plan/v1/quarantine/count") && !page.contains("/plan/quarantine/entry"), "nothing is offered that is refused");
        }
        // Also where somebody presses what an older page offered, or says which door it was.
        for entry in [&better, &gone] {
            assert_eq!(desk.count(entry).await, "/plan/quarantine?done=counted.0.1.0");
        }
        let (turf, house) = (desk.world.turfs[0].id, &desk.houses[0]);
        let place = [
            ("turf", turf.to_string()),
            ("entrance", house.entrance.to_string()),
            ("unit", house.units[0].to_string()),
            ("outcome", "talked".into()),
        ];
        let placed = desk.press("count", &[desk.named(&better).await, place.to_vec()].concat(), &desk.organiser).await;
        assert_eq!(placed, "/plan/quarantine?done=counted.0.1.0");
        assert_eq!((desk.standing().await.len(), desk.waiting().await), (1, 2), "{engine:?}");
        let discard = [desk.named(&better).await, vec![("why", "twice".to_owned())]].concat();
        assert_eq!(desk.press("discard", &discard, &desk.organiser).await, "/plan/quarantine?done=discarded.1.0.0");
        desk.server.clock.advance(coarsen::FINE_MS);
        coarsen::run(&state.db, &Actor::schedule(), state.now_ms(), &mut state.fork_rng()).await.unwrap();
        assert_eq!(store::tally::reach(&mut state.db.read().await.unwrap(), desk.world.round.id).await.unwrap(), before, "no tally is larger for it");
    }
}

#[tokio::test]
async fn what_a_renewed_phone_corrected_was_left_open_and_counted_as_well() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let state = desk.server.state.clone();
        let kept = desk.kept(1).await;
        let token = Token::new(&state);
        let mut renewed = Phone { id: state.id_v7(), credential: token.text(), seq: 0, ..desk.phone.clone() };
        let mut tx = state.db.begin().await.unwrap();
        store::device::renew(&mut tx, desk.phone.id, renewed.id, "M3", token.hash(), state.now_ms()).await.unwrap();
        tx.commit().await.unwrap();
        renewed.stand(&state, Admission::Admitted, Some(desk.world.turfs[0].id)).await;
        let better = renewed.correct(&state, &desk.houses[0], Some(0), Outcome::Declined, Some(kept[0].id));
        let answer = renewed.push(&desk.server, &[better]).await;
        assert_eq!(answer.results[0].status, Status::Applied);
        assert_eq!(desk.waiting().await, 0, "{engine:?}");
        let all = all_of(Reason::NotAdmitted, state.now_ms());
        assert_eq!(desk.press("count-all", &all, &desk.organiser).await, "/plan/quarantine?done=counted.0.0.0");
        let standing = desk.standing().await;
        assert_eq!((standing.len(), standing[0].outcome), (1, Outcome::Declined), "{engine:?}");
    }
}

#[tokio::test]
async fn two_officers_who_count_a_visit_and_its_correction_at_once_count_one() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let state = desk.server.state.clone();
        let county = World::officer(&state, Role::County, None).await.1;
        let visits = desk.kept(12).await;
        let mut anew = joined_anew(&desk).await;
        let corrections: Vec<_> =
            (0..12).map(|n| anew.correct(&state, &desk.houses[n / 4], Some(n % 4), Outcome::ComeBack, Some(visits[n].id))).collect();
        push_last(&desk, &anew, &corrections).await;
        for (visit, better) in visits.iter().zip(&corrections) {
            let (first, second) = (desk.named(visit).await, desk.named(better).await);
            tokio::join!(desk.press("count", &first, &desk.organiser), desk.press("count", &second, &county));
        }
        let standing = desk.standing().await;
        assert!(standing.iter().all(|standing| standing.outcome == Outcome::ComeBack), "{engine:?}: {standing:?}");
        assert_eq!((standing.len(), desk.waiting().await), (12, 0), "{engine:?}");
    }
}

#[tokio::test]
async fn a_visit_that_was_counted_under_another_id_made_the_backups_of_that_time_unrestorable() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let state = desk.server.state.clone();
        let whole = async || {
            let checks = verify::run(&state.db, state.now_ms()).await.unwrap();
            assert!(verify::is_whole(&checks), "{engine:?}: {checks:#?}");
        };
        let firsts = [0, 1].map(|door| desk.phone.visit(&state, &desk.houses[0], Some(door), Outcome::NotHome));
        desk.phone.push(&desk.server, &firsts).await;
        // The same counters too, as a copied phone has them.
        let seconds: Vec<Envelope> = (0..2)
            .map(|n| {
                let visit = desk.phone.visit(&state, &desk.houses[1], Some(n), Outcome::Talked);
                Envelope { id: firsts[n].id, device_seq: firsts[n].device_seq, ..visit }
            })
            .collect();
        let answer = desk.phone.push(&desk.server, &seconds).await;
        assert!(answer.results.iter().all(|result| result.reason == Some(Reason::IdReuse)), "{answer:?}");
        whole().await;
        assert_eq!(desk.count(&seconds[0]).await, "/plan/quarantine?done=counted.1.0.0");
        whole().await;
        let all = all_of(Reason::IdReuse, state.now_ms());
        assert_eq!(desk.press("count-all", &all, &desk.organiser).await, "/plan/quarantine?done=counted.1.0.0");
        whole().await;
        let again = desk.phone.push(&desk.server, &seconds).await;
        assert!(again.results.iter().all(|result| result.status == Status::Quarantined), "{again:?}");
        assert_eq!((desk.standing().await.len(), desk.waiting().await), (4, 0), "what is sent again wakes nothing");
        let recounted = Envelope { device_seq: 9, ..seconds[0].clone() };
        desk.phone.push(&desk.server, std::slice::from_ref(&recounted)).await;
        assert_eq!((desk.standing().await.len(), desk.waiting().await), (4, 0), "nor under another counter");
        whole().await;

        // A receipt that was lost is still missed.
        let mut tx = state.db.begin().await.unwrap();
        tx.execute("DELETE FROM receipt WHERE id = $1", args![firsts[0].id]).await.unwrap();
        tx.commit().await.unwrap();
        let checks = verify::run(&state.db, state.now_ms()).await.unwrap();
        assert!(checks.iter().any(|check| check.what.contains("has its receipt") && !check.wrong.is_empty()), "{checks:#?}");
    }
}

#[tokio::test]
async fn a_withdrawal_looked_lost_when_what_it_took_back_in_an_earlier_shift_was_coarsened() {
    for engine in Engine::BOTH {
        let mut desk = Desk::open(engine).await;
        let state = desk.server.state.clone();
        let visit = desk.phone.visit(&state, &desk.houses[0], Some(0), Outcome::Talked);
        desk.phone.push(&desk.server, std::slice::from_ref(&visit)).await;
        // Two days later the same person takes it back, with the phone of another shift.
        let day = 24 * HOUR_MS;
        let (starts_at, ends_at) = (desk.world.shift.starts_at + 2 * day, desk.world.shift.ends_at + 2 * day);
        let shift = Shift { id: state.id_v7(), starts_at, ends_at, selector: codes::new_selector(&state), ..desk.world.shift.clone() };
        let mut tx = state.db.begin().await.unwrap();
        store::shift::insert(&mut tx, &shift, &[desk.world.branch.id], &[desk.world.turfs[0].id]).await.unwrap();
        tx.commit().await.unwrap();
        desk.later(starts_at + HOUR_MS).await;
        let later = World { shift, ..desk.world.clone() };
        let mut other = Phone::join(&state, &later, Admission::Admitted, Some(later.turfs[0].id)).await;
        let withdrawals = [0, 1].map(|_| other.withdraw(&state, &visit));
        let answer = push_last(&desk, &other, &withdrawals).await;
        assert!(answer.results.iter().all(|result| result.reason == Some(Reason::UnknownSuperseded)), "{answer:?}");
        assert_eq!(desk.count(&withdrawals[0]).await, "/plan/quarantine?done=counted.1.0.0");
        assert_eq!(desk.standing().await.len(), 0);
        // What the later shift noted itself is still looked for.
        let noted = other.visit(&state, &desk.houses[0], Some(1), Outcome::Talked);
        other.push(&desk.server, std::slice::from_ref(&noted)).await;

        desk.server.clock.set(desk.world.shift.ends_at + coarsen::FINE_MS);
        assert!(coarsen::run(&state.db, &Actor::schedule(), state.now_ms(), &mut state.fork_rng()).await.unwrap());
        let checks = verify::run(&state.db, state.now_ms()).await.unwrap();
        assert!(verify::is_whole(&checks), "{engine:?}: {checks:#?}");
        let mut tx = state.db.begin().await.unwrap();
        tx.execute("DELETE FROM visit WHERE id = $1", args![noted.id]).await.unwrap();
        tx.commit().await.unwrap();
        let checks = verify::run(&state.db, state.now_ms()).await.unwrap();
        assert!(checks.iter().any(|check| check.what.contains("has its visit") && !check.wrong.is_empty()), "{checks:#?}");
    }
}
