//! The server-rendered pages, as a browser without scripting gets them, over a whole demo.

use dorbank_server::{
    demo::{DemoOptions, DemoReport, Size, build},
    store::{branch, officer},
};
use dorbank_shared::{
    officer::Officer,
    principal::Role,
    visit::Outcome,
    words::{LANGUAGES, Words, key},
};
use dorbank_tests::{Engine, START_MS, TestServer, World, field::Field};
use reqwest::StatusCode;

const HTML: &str = "text/html,application/xhtml+xml";

struct Office {
    server: TestServer,
    report: DemoReport,
    officers: Vec<Officer>,
}

struct Got {
    status: StatusCode,
    policy: String,
    text: String,
    place: String,
    cookies: Vec<String>,
}

impl Office {
    async fn open(engine: Engine) -> Self {
        let server = TestServer::on(engine).await;
        let options = DemoOptions { size: Size::Small, keys_dir: server.state.config.keys_dir() };
        let report = build(&server.state.db, 1, START_MS, &options).await.unwrap();
        let officers = officer::all(&mut server.state.db.read().await.unwrap()).await.unwrap();
        Self { server, report, officers }
    }

    /// The cookie of somebody with a role, and where a branch matters, of the branch whose shift runs.
    async fn sign_in(&self, role: Role) -> String {
        let own = branch::of_district(&mut self.server.state.db.read().await.unwrap(), "01").await.unwrap();
        let fits = |officer: &&Officer| officer.role == role && officer.branch.is_none_or(|branch| own.iter().any(|one| one.id == branch));
        let officer = self.officers.iter().find(fits).unwrap();
        let form = format!("officer={}", officer.id);
        let request = self.server.post("/sign-in/v1/demo").header("sec-fetch-site", "same-origin").header("accept", HTML);
        let answer = request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    async fn get(&self, path: &str, cookie: &str) -> Got {
        self.get_as(path, cookie, HTML).await
    }

    async fn get_as(&self, path: &str, cookie: &str, accept: &str) -> Got {
        let answer = self.server.get(path).header("accept", accept).header("cookie", cookie).send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        Got {
            status: answer.status(),
            policy: header("content-security-policy"),
            place: header("location"),
            cookies: answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned()).collect(),
            text: answer.text().await.unwrap(),
        }
    }

    fn running(&self) -> String {
        format!("/plan/shifts/{}", self.report.running.unwrap())
    }
}

/// What a person reads: the document without its scripts, tags and escapes.
pub fn read(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        rest = if after.starts_with("script") {
            after.split_once("</script>").map_or("", |(_, rest)| rest)
        } else if let Some(comment) = after.strip_prefix("!--") {
            comment.split_once("-->").map_or("", |(_, rest)| rest)
        } else if let Some(marker) = after.strip_prefix("!>") {
            marker
        } else {
            out.push(' ');
            after.split_once('>').map_or("", |(_, rest)| rest)
        };
    }
    out.push_str(rest);
    let out = out.replace("&#x27;", "'").replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The texts of all elements with a class.
fn with_class<'a>(html: &'a str, class: &str) -> Vec<&'a str> {
    html.split('<')
        .filter_map(|part| part.split_once('>'))
        .filter(|(tag, _)| tag.split_once("class=\"").is_some_and(|(_, rest)| rest.split('"').next().unwrap().split(' ').any(|one| one == class)))
        .map(|(_, text)| text)
        .collect()
}

#[tokio::test]
async fn every_page_is_whole_without_scripting_in_three_languages() {
    let office = Office::open(Engine::Sqlite).await;
    let (lead, county) = (office.sign_in(Role::Lead).await, office.sign_in(Role::County).await);
    let running = office.running();
    let pages: [(&str, &str, &[&str]); 7] = [
        ("/", "", &[key::FRONT_TITLE, key::FRONT_ANONYMOUS_1, key::FRONT_ANONYMOUS_5]),
        ("/privacy", "", &[key::PRIVACY_PAGE_RESIDENT, key::PRIVACY_PAGE_RESIDENT_4, key::PRIVACY_PAGE_ASK_TEXT]),
        ("/sign-in", "", &[key::SIGN_IN_HOW_1, key::SIGN_IN_DEMO, key::ROLE_COMMITTEE]),
        ("/plan", &lead, &[key::PLAN_TODAY, key::PLAN_NOW, key::SHIFT_KIND_DOOR]),
        (&running, &lead, &[key::BOARD_CODE, key::BOARD_WAITING, key::BOARD_ADMIT, key::BOARD_LIVE_DOORS, key::BOARD_ROTATE_WHY]),
        ("/programme", &county, &[key::PROGRAMME_TOPICS, key::PROGRAMME_CITY, key::PROGRAMME_MEANS_6, key::PROGRAMME_CLOSED]),
        ("/admin", &county, &[key::ADMIN_ROUNDS, key::ADMIN_ROUND_OPEN, key::ADMIN_JOBS, key::ADMIN_REGISTER_DOORS]),
    ];
    for language in LANGUAGES {
        let words = Words::embedded(language);
        for (path, cookie, facts) in pages {
            let got = office.get(&format!("{path}?lang={language}"), cookie).await;
            assert_eq!(got.status, StatusCode::OK, "{path}");
            assert!(got.text.contains(&format!("<html lang=\"{language}\"")), "{path} in {language}");
            let text = read(&got.text);
            for fact in facts.iter().chain(&[key::OFFICE_DEMO, key::OFFICE_FOOTER_PRIVACY]) {
                assert!(text.contains(words.get(fact)), "{path} in {language} lacks {fact}: {text}");
            }
            assert!(!text.contains('{'), "{path} in {language} has a placeholder left: {text}");
        }
    }
}

#[tokio::test]
async fn no_page_needs_more_than_its_policy_allows() {
    let office = Office::open(Engine::Sqlite).await;
    let (lead, county) = (office.sign_in(Role::Lead).await, office.sign_in(Role::County).await);
    for (path, cookie) in [
        ("/", ""),
        ("/privacy", ""),
        ("/sign-in", ""),
        ("/plan", &lead),
        (&office.running(), &lead),
        ("/programme", &county),
        ("/admin", &county),
        ("/nowhere", ""),
    ] {
        let got = office.get(path, cookie).await;
        assert!(!got.text.contains(" style="), "{path} has a style of its own");
        assert!(!got.text.contains(" on") || !got.text.contains("onclick="), "{path} has a handler in its text");
        let nonce = got.policy.split_once("'nonce-").unwrap().1.split('\'').next().unwrap();
        assert!(!got.policy.contains("unsafe-inline"));
        let scripts = got.text.matches("<script").count();
        assert_eq!(got.text.matches(&format!(" nonce=\"{nonce}\"")).count(), scripts, "{path}: a script without the nonce");
        assert!(scripts > 0, "{path} brings no data to take over");
        let again = office.get(path, cookie).await;
        assert_ne!(got.policy, again.policy, "a nonce is used once");
    }
}

#[tokio::test]
async fn each_role_sees_what_it_may() {
    let office = Office::open(Engine::Sqlite).await;
    let running = office.running();
    let pages = ["/plan", running.as_str(), "/programme", "/admin"];
    for (role, may) in [
        (Role::Lead, [true, true, false, false]),
        (Role::Organiser, [true, true, false, false]),
        (Role::Committee, [false, false, true, false]),
        (Role::Reviewer, [false, false, true, false]),
        (Role::County, [true, true, true, true]),
        (Role::Privacy, [false, false, true, true]),
    ] {
        let cookie = office.sign_in(role).await;
        for (path, may) in pages.into_iter().zip(may) {
            let got = office.get(path, &cookie).await;
            assert_eq!(got.status == StatusCode::OK, may, "{path} as {}", role.name());
            assert_eq!(office.get(path, "").await.place, "/sign-in", "{path} as nobody");
        }
        // What the header offers can be opened.
        let front = office.get("/", &cookie).await.text;
        for path in ["/plan", "/programme", "/admin"] {
            if front.contains(&format!("href=\"{path}\"")) {
                assert_eq!(office.get(path, &cookie).await.status, StatusCode::OK, "{path} is offered to {}", role.name());
            }
        }
    }
    let own = branch::of_district(&mut office.server.state.db.read().await.unwrap(), "01").await.unwrap();
    let elsewhere = office.officers.iter().find_map(|officer| officer.branch.filter(|branch| own.iter().all(|one| one.id != *branch)));
    let (_, stranger) = World::officer(&office.server.state, Role::Lead, elsewhere).await;
    assert_eq!(office.get(&running, &stranger).await.place, "/sign-in?error=forbidden", "another branch's shift");
}

#[tokio::test]
async fn the_programme_prints_no_count_from_one_to_nine() {
    for engine in Engine::BOTH {
        let office = Office::open(engine).await;
        let county = office.sign_in(Role::County).await;
        let mut counts = 0;
        let first = office.get("/programme", &county).await.text;
        let links: Vec<&str> = first.split("href=\"/programme?").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(links.len() > 10, "every area is a link");
        for link in links {
            let link = link.replace("&amp;", "&");
            let got = office.get(&format!("/programme?{link}"), &county).await;
            assert_eq!(got.status, StatusCode::OK, "{link}");
            let (shown, bases) = (with_class(&got.text, "count"), with_class(&got.text, "base"));
            for count in shown.iter().chain(&bases) {
                let digits: String = count.chars().filter(char::is_ascii_digit).collect();
                // "under 10" is the only small number, and it is no count.
                let number: u64 = digits.parse().unwrap_or(10);
                assert!(number >= 10, "{link} shows {count:?}");
            }
            counts += shown.len();
        }
        assert!(counts > 100, "{counts} counts were read");
    }
}

#[tokio::test]
async fn the_lead_reads_code_signs_and_turfs_and_the_page_can_ask_for_its_data() {
    let office = Office::open(Engine::Sqlite).await;
    let lead = office.sign_in(Role::Lead).await;
    let running = office.running();
    let got = office.get(&running, &lead).await;
    let view = dorbank_server::auth::lead::view(&office.server.state, office.report.running.unwrap()).await.unwrap();
    assert_eq!(with_class(&got.text, "typed"), [view.typed.as_str()]);
    for device in view.devices.iter().filter(|device| matches!(device.admission, dorbank_shared::sync::wire::Admission::Waiting)) {
        assert!(with_class(&got.text, "sign").contains(&device.sign.as_str()), "{} waits", device.sign);
    }
    for turf in &view.turfs {
        assert!(read(&got.text).contains(&turf.name));
    }
    assert!(got.text.contains("http-equiv=\"refresh\""), "without scripting it loads itself again");
    let data = office.get_as(&running, &lead, "application/json").await;
    let data: serde_json::Value = serde_json::from_str(&data.text).unwrap();
    assert_eq!(data["body"]["Shift"]["code"]["typed"].as_str(), Some(view.typed.as_str()));
    assert_eq!(data["body"]["Shift"]["turfs"].as_array().unwrap().len(), view.turfs.len());
    let refused = office.get(&format!("{running}?error=stale"), &lead).await;
    assert!(read(&refused.text).contains(Words::embedded("nb").get(key::TROUBLE_STALE_TEXT)));
}

#[tokio::test]
async fn a_language_is_taken_from_the_browser_and_remembered_when_chosen() {
    let server = TestServer::start().await;
    let of = |text: &str| text.split_once("<html lang=\"").unwrap().1[..2].to_owned();
    let liked = server.get("/").header("accept", HTML).header("accept-language", "en-GB,nb;q=0.5").send().await.unwrap();
    assert_eq!(of(&liked.text().await.unwrap()), "en");
    let chosen = server.get("/?lang=nn").header("accept", HTML).header("accept-language", "en").send().await.unwrap();
    let cookie = chosen.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(of(&chosen.text().await.unwrap()), "nn");
    let kept = server.get("/privacy").header("accept", HTML).header("accept-language", "en").header("cookie", cookie).send().await.unwrap();
    assert_eq!(of(&kept.text().await.unwrap()), "nn");
    let unknown = server.get("/?lang=xx").header("accept", HTML).send().await.unwrap();
    assert!(unknown.headers().get("set-cookie").is_none());
    assert_eq!(of(&unknown.text().await.unwrap()), "nb");
}

#[tokio::test]
async fn a_real_database_is_not_called_a_demo_and_names_nobody() {
    let server = TestServer::start().await;
    World::make(&server.state).await;
    let words = Words::embedded("nb");
    for path in ["/", "/sign-in"] {
        let text = read(&server.get(path).header("accept", HTML).send().await.unwrap().text().await.unwrap());
        assert!(!text.contains(words.get(key::OFFICE_DEMO)), "{path}");
        assert!(!text.contains(words.get(key::SIGN_IN_DEMO)), "{path}");
    }
}

#[tokio::test]
async fn what_is_nowhere_says_so_in_words_to_a_person_and_in_a_code_to_a_program() {
    let office = Office::open(Engine::Sqlite).await;
    let person = office.get("/nowhere", "").await;
    assert_eq!(person.status, StatusCode::NOT_FOUND);
    assert!(read(&person.text).contains(Words::embedded("nb").get(key::TROUBLE_NOT_FOUND_TEXT)));
    assert!(person.cookies.is_empty());
    let program = office.get_as("/nowhere", "", "*/*").await;
    assert_eq!((program.status, program.text.as_str()), (StatusCode::NOT_FOUND, r#"{"error":"not_found"}"#));
    let county = office.sign_in(Role::County).await;
    let gone = office.get("/plan/shifts/00000000-0000-0000-0000-000000000000", &county).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(read(&gone.text).contains(Words::embedded("nb").get(key::TROUBLE_NOT_FOUND_TITLE)));
}

#[tokio::test]
async fn an_address_that_means_nothing_is_a_page_and_a_release_that_is_not_there_is_said() {
    let office = Office::open(Engine::Sqlite).await;
    let (lead, county) = (office.sign_in(Role::Lead).await, office.sign_in(Role::County).await);
    let words = Words::embedded("nb");
    for path in ["/plan/shifts/garbage", "/plan/nothing", "/plan/v1/quarantine/count", "/programme/x"] {
        let got = office.get(path, &county).await;
        assert!(got.status.is_client_error(), "{path}: {}", got.status);
        assert!(read(&got.text).contains(words.get(key::TROUBLE_NOT_FOUND_TITLE)), "{path}: {}", got.text);
        assert!(read(&got.text).contains(words.get(key::ROLE_COUNTY)), "{path}: who is signed in is still said");
    }
    assert!(read(&office.get("/plan/shifts/garbage", &lead).await.text).contains(words.get(key::TROUBLE_NOT_FOUND_TEXT)));
    assert_eq!(office.get_as("/plan/shifts/garbage", &county, "*/*").await.text, r#"{"error":"not_found"}"#);

    let missing = read(&office.get("/programme?release=99", &county).await.text);
    assert!(missing.contains(&words.with(key::PROGRAMME_MISSING, &[("number", "99")])), "{missing}");
    for there in ["/programme", "/programme?release=1", "/programme?release=x"] {
        assert!(!read(&office.get(there, &county).await.text).contains("finnes ikke"), "{there}");
    }
}

#[tokio::test]
async fn a_board_shows_no_conversation_below_ten_and_no_input() {
    let server = TestServer::start().await;
    let state = &server.state;
    let field = Field::make(state, 1, 1, 20).await;
    let mut phones = field.shift(state, &[0]).await;
    let (_, county) = World::officer(state, Role::County, None).await;
    let page = format!("/plan/shifts/{}", phones[0].shift);
    let board = async || {
        let request = server.get(&page).header("accept", "application/json").header("cookie", &county);
        let text = request.send().await.unwrap().text().await.unwrap();
        (serde_json::from_str::<serde_json::Value>(&text).unwrap()["body"]["Shift"]["board"].clone(), text)
    };
    for (talks, shown) in [(9, serde_json::json!("Under")), (10, serde_json::json!({ "Exact": 10 }))] {
        let doors: Vec<(usize, Outcome)> = (if talks == 9 { 0 } else { 9 }..talks).map(|door| (door, Outcome::Talked)).collect();
        field.knock(state, &mut phones[0], 0, state.now_ms(), &doors).await;
        field.send(state, &phones[0], &[field.input(state, "01", &[0], None)]).await;
        server.clock.advance(20 * 60_000);
        let (board, text) = board().await;
        assert_eq!((board["doors"].as_u64(), &board["opened"], &board["talked"]), (Some(talks as u64), &shown, &shown), "{board}");
        assert!(!text.contains("input") && !text.contains("topic"), "{text}");
    }
}

#[tokio::test]
async fn three_days_after_its_shift_a_page_names_no_phone() {
    let office = Office::open(Engine::Sqlite).await;
    let lead = office.sign_in(Role::Lead).await;
    let words = Words::embedded("nb");
    let running = office.running();
    let before = office.get(&running, &lead).await.text;
    assert!(before.contains("/revoke") && !with_class(&before, "small-sign").is_empty());
    office.server.clock.advance(dorbank_server::coarsen::FINE_MS + 24 * 3_600_000);
    let after = office.get(&running, &office.sign_in(Role::Lead).await).await.text;
    let text = read(&after);
    assert!(text.contains(words.get(key::BOARD_LIVE_GONE)) && text.contains(words.get(key::BOARD_ADMITTED_GONE)), "{text}");
    assert!(!after.contains("/revoke") && with_class(&after, "small-sign").is_empty());
}

#[tokio::test]
async fn a_mix_that_moved_nothing_has_run() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let state = &server.state;
    let county = World::officer(state, Role::County, None).await.1;
    let admin = async || {
        let got = server.get("/admin").header("accept", HTML).header("cookie", &county).send().await.unwrap();
        read(&got.text().await.unwrap()).matches(Words::embedded("nb").get(key::ADMIN_JOB_NEVER)).count()
    };
    assert_eq!(admin().await, 3);
    let keys = state.config.keys_dir();
    std::fs::create_dir_all(&keys).unwrap();
    dorbank_server::keys::write_secret(&dorbank_server::round::key_path(&keys, world.round.id), &World::ROUND_KEY).unwrap();
    let actor = dorbank_server::job::Actor::operator();
    dorbank_server::mix::run(&state.db, &keys, world.round.id, &actor, state.now_ms(), &mut state.fork_rng()).await.unwrap();
    assert_eq!(admin().await, 2);
}
