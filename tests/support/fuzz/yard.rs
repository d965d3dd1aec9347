//! What hostile input is thrown at: the whole router over a fresh database, with ids that never change, so that the kept
//! corpus hits doors, turfs and tickets that are there.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use dorbank_server::{
    auth::{codes, credential::Token},
    clock::TestClock,
    config::Config,
    limits::{Limits, Pace},
    router,
    state::AppState,
    store::{self, campaign::Campaign, entrance::Registered, turf::Turf},
    sync::{entry::Batch, push},
};
use dorbank_shared::{
    geo::LatLon,
    place::Unit,
    seal::SEALED_BYTES,
    shift::Shift,
    sync::wire::{Admission, Envelope, Have, KIND_VISIT},
    visit::{Outcome, VisitV1},
};
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, Row as _, SqliteConnection};
use tempfile::TempDir;
use uuid::Uuid;

use super::Target;
use crate::{START_MS, World};

/// An id of the corpus: those of the golden files.
const fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0192_f5a0_7c3e_7000_8a10_0000_0000_0000 | ((number & 0xfff) << 64) | number)
}
const CAMPAIGN: Uuid = id(1);
const TURFS: [Uuid; 2] = [id(2), id(3)];
const SHIFT: Uuid = id(8);
/// Entrances and a unit of each; the last lies in a turf of another shift.
const DOORS: [(Uuid, Uuid); 3] = [(id(4), id(5)), (id(6), id(7)), (id(0x20), id(0x21))];
const FOREIGN_TURF: Uuid = id(0x22);
const BYSTANDER: Uuid = id(0x30);
/// So many tickets are drawn; each is 32 times its number.
const TICKETS: u8 = 16;

/// A phone.
#[derive(Debug, Clone)]
pub(super) struct Phone {
    pub(super) id: Uuid,
    pub(super) admission: Admission,
    pub(super) credential: String,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) media: String,
    pub(super) body: Vec<u8>,
}

/// A server with its database.
#[derive(Debug)]
pub(super) struct Yard {
    pub(super) state: AppState,
    pub(super) phones: Vec<Phone>,
    pub(super) folder: TempDir,
    pub(super) shift: Shift,
    router: Router,
    look: SqliteConnection,
    /// What stood in each table when it was made, as far as no target may change it.
    began: BTreeMap<String, String>,
}

/// Memory where the system has a folder of it: the disk is not what is tried here.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a temporary folder can be made")
}

impl Yard {
    /// Makes one.
    pub(super) async fn make() -> Self {
        let folder = folder();
        let path = folder.path().join("dorbank.db");
        let config = Config {
            database: format!("sqlite:{}", path.display()),
            data: folder.path().join("data"),
            site: folder.path().join("site"),
            listen: ([127, 0, 0, 1], 0).into(),
            public_url: "http://localhost".into(),
            client_min: 0,
            limits: Limits::default(),
        };
        let mut state = AppState::open(config, Arc::new(TestClock::new(START_MS)), [7; 32]).await.expect("the state opens");
        // One phone asks as often as it can here; that this is slowed is tried elsewhere.
        state.phones = Arc::new(Pace::new(u32::MAX, 1));
        let world = World::make(&state).await;
        let (shift, phones) = furnish(&state, &world).await;
        let look = SqliteConnection::connect(&format!("sqlite:{}?mode=ro", path.display())).await.expect("the file can be read");
        let mut yard = Self { router: router::router(state.clone()), state, phones, folder, shift, look, began: BTreeMap::new() };
        yard.began = yard.tables().await;
        yard
    }

    /// The phone that an input is sent by: mostly one that is admitted.
    pub(super) fn phone(&self, input: &[u8]) -> Phone {
        let at = usize::from(Sha256::digest(input)[0]);
        self.phones[if at < 200 { 0 } else { at % self.phones.len() }].clone()
    }

    /// Fills in what the corpus cannot know: `~typed~`, `~link~` (the shift's codes) and `~sealed~` (an envelope's size).
    pub(super) fn fill_in(&self, input: &[u8]) -> Vec<u8> {
        let Ok(text) = std::str::from_utf8(input) else { return input.to_vec() };
        if !text.contains('~') {
            return input.to_vec();
        }
        let link = codes::link(&self.state.config, &self.state.keys, &self.shift);
        let link = link.rsplit_once("#j=").map_or("", |(_, value)| value);
        let sealed = BASE64_URL_SAFE_NO_PAD.encode([5; SEALED_BYTES]);
        let text = text.replace("~typed~", &codes::typed(&self.state.keys, &self.shift)).replace("~link~", link);
        text.replacen("~sealed~", &sealed, 16).into_bytes()
    }

    /// Sends a body through the router.
    pub(super) async fn post(&self, path: &str, phone: Option<&Phone>, body: Vec<u8>) -> Answer {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        if let Some(phone) = phone {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", phone.credential));
        }
        let request = request.body(Body::from(body)).expect("it is a request");
        let Ok(response) = tower::ServiceExt::oneshot(self.router.clone(), request).await;
        let status = response.status();
        let media = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let body = to_bytes(response.into_body(), 16 * 1024 * 1024).await.expect("an answer ends").to_vec();
        assert!(!status.is_server_error(), "{path} answered {status}: {}", String::from_utf8_lossy(&body));
        Answer { status, media, body }
    }

    /// Makes room in the shift: phones that joined by hostile input go, and typing is unlocked.
    pub(super) async fn reopen(&mut self) {
        let known: Vec<store::db::Value> = self.phones.iter().map(|phone| phone.id).chain([BYSTANDER]).map(Into::into).collect();
        let mut tx = self.state.db.begin().await.expect("the database answers");
        tx.execute("DELETE FROM device WHERE id NOT IN ($1, $2, $3, $4, $5)", known).await.expect("it can be written");
        tx.execute("UPDATE shift SET misses = 0, locked_until = 0", Vec::new()).await.expect("it can be written");
        tx.commit().await.expect("it commits");
    }

    /// A number that another connection's commit changes.
    pub(super) async fn data_version(&mut self) -> i64 {
        self.number("PRAGMA data_version").await
    }

    /// The number that a statement gives.
    pub(super) async fn number(&mut self, sql: &'static str) -> i64 {
        sqlx::query(sql).fetch_one(&mut self.look).await.expect("it can be read").get(0)
    }

    /// How many rows of a table have this id and this phone.
    pub(super) async fn rows_of(&mut self, sql: &'static str, id: Uuid, device: Uuid) -> i64 {
        sqlx::query(sql).bind(id).bind(device).fetch_one(&mut self.look).await.expect("it can be read").get(0)
    }

    /// A digest of each table, of what is not any target's own to change; and of the bystander's rows.
    async fn tables(&mut self) -> BTreeMap<String, String> {
        let names: Vec<String> = sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
            .fetch_all(&mut self.look)
            .await
            .expect("it can be read")
            .iter()
            .map(|row| row.get(0))
            .collect();
        let mut out = BTreeMap::new();
        for name in names {
            let columns: Vec<String> = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT name FROM pragma_table_info('{name}')")))
                .fetch_all(&mut self.look)
                .await
                .expect("it can be read")
                .iter()
                .map(|row| format!("quote({})", row.get::<String, _>(0)))
                .collect();
            let of = if name == "device" { "id" } else { "device" };
            let bystander = format!("{of} = x'{}'", BYSTANDER.simple());
            let parts = match name.as_str() {
                "device" | "visit" | "receipt" | "quarantine" => vec![(format!("{name} of the bystander"), bystander), (name.clone(), "TRUE".into())],
                _ => vec![(name.clone(), "TRUE".to_owned())],
            };
            for (label, condition) in parts {
                let sql = format!("SELECT {} FROM {name} WHERE {condition} ORDER BY 1", columns.join(" || ',' || "));
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut self.look).await.expect("it can be read");
                let mut hash = Sha256::new();
                for row in rows {
                    hash.update(row.get::<String, _>(0));
                }
                out.insert(label, format!("{:x?}", hash.finalize()));
            }
        }
        out
    }

    /// Checks that no table changed but those that are the target's own.
    pub(super) async fn nothing_else_changed(&mut self, target: Target) {
        let own: &[&str] = match target {
            Target::Push => &["visit", "receipt", "quarantine", "replaced_early", "door_state", "device", "campaign_clock", "unit", "entrance"],
            Target::Pull => &[],
            Target::Inputs => &["ticket", "spool"],
            Target::Join => &["device", "shift", "meta"],
            Target::Addresses => &["entrance", "unit", "register", "succession", "door_succession"],
            Target::Districts => &["district", "grunnkrets", "entrance", "district_group", "district_group_member"],
            Target::Tables => &["district", "grunnkrets", "entrance", "district_group", "district_group_member", "household"],
            Target::Lines => &["district", "line", "line_origin"],
            Target::Feed => &[],
            Target::Zip => &["entrance", "unit", "register", "succession", "door_succession"],
        };
        for (table, digest) in self.tables().await {
            assert!(own.contains(&table.as_str()) || self.began.get(&table) == Some(&digest), "{} changed {table}", target.name());
        }
    }
}

/// Writes the corpus' own campaign beside the world's: a shift with two turfs, a door in each, one in a turf of nobody,
/// phones of every standing and one that does nothing, and tickets that were drawn.
async fn furnish(state: &AppState, world: &World) -> (Shift, Vec<Phone>) {
    let mut tx = state.db.begin().await.expect("the database answers");
    let campaign = Campaign { id: CAMPAIGN, ..world.campaign.clone() };
    let turf = |id: Uuid, number: i64| Turf { id, campaign: CAMPAIGN, district: "01".into(), number, name: "Tøyengata".into(), version: 1 };
    let shift = Shift { id: SHIFT, campaign: CAMPAIGN, selector: "K7QF".into(), capacity: 40, ..world.shift.clone() };
    let entrances: Vec<Registered> = DOORS
        .iter()
        .zip(1..)
        .map(|((entrance, _), number)| Registered {
            id: *entrance,
            origin: "kartverket".into(),
            source_id: number.to_string(),
            municipality: "9999".into(),
            street: "Rognegata".into(),
            number,
            letter: String::new(),
            postcode: "0101".into(),
            post_town: "PRØVE".into(),
            grunnkrets: None,
            district: Some("01".into()),
            at: LatLon { lat: 59.91, lon: 10.77 },
            vanished: false,
        })
        .collect();
    let units: Vec<(Uuid, Unit)> = DOORS.iter().map(|(entrance, unit)| (*entrance, Unit::new(*unit, "H0101"))).collect();
    let all = async {
        store::campaign::insert(&mut tx, &campaign).await?;
        store::turf::insert(&mut tx, &[turf(TURFS[0], 11), turf(TURFS[1], 12), turf(FOREIGN_TURF, 13)]).await?;
        store::entrance::put(&mut tx, &entrances, START_MS).await?;
        store::entrance::put_units(&mut tx, &units).await?;
        for (turf, (entrance, _)) in [TURFS[0], TURFS[1], FOREIGN_TURF].iter().zip(DOORS) {
            store::turf::place(&mut tx, *turf, &[entrance]).await?;
        }
        store::shift::insert(&mut tx, &shift, &[world.branch.id], &TURFS).await?;
        let mut phones = Vec::new();
        for (standing, number) in
            [Admission::Admitted, Admission::Waiting, Admission::Refused, Admission::Revoked, Admission::Admitted].into_iter().zip(0..)
        {
            let (device, token) = (id(BYSTANDER.as_u128() & 0xfff ^ [1, 2, 3, 4, 0][number]), Token::new(state));
            store::device::insert(&mut tx, device, SHIFT, &format!("K{number}"), token.hash(), START_MS).await?;
            store::device::set_admission(&mut tx, device, 1, standing, Some(TURFS[0])).await?;
            phones.push(Phone { id: device, admission: standing, credential: token.text() });
        }
        let tickets: Vec<[u8; 32]> = (1..=TICKETS).map(|n| Sha256::digest([n; 32]).into()).collect();
        store::ticket::issue(&mut tx, world.round.id, &tickets).await?;
        tx.commit().await?;
        Ok::<_, store::StoreError>(phones)
    };
    let mut phones = all.await.expect("the yard can be furnished");
    let bystander = phones.pop().expect("the last one");
    assert_eq!(bystander.id, BYSTANDER);
    let body = VisitV1 {
        campaign: CAMPAIGN,
        turf: TURFS[0],
        entrance: DOORS[0].0,
        unit: Some(DOORS[0].1),
        outcome: Outcome::Talked,
        leaflet: false,
        occurred_at: START_MS,
    };
    let entry = Envelope {
        id: id(0x31),
        kind: KIND_VISIT.into(),
        version: 1,
        device_seq: 1,
        supersedes: None,
        captured_at: START_MS,
        bytes: serde_json::to_string(&body).expect("a visit is JSON"),
    };
    let batch = Batch { have: Have::default(), epoch: None, entries: vec![entry.into()] };
    push::push(&state.db, START_MS, BYSTANDER, &batch).await.expect("the bystander's visit is taken");
    (shift, phones)
}
