//! A simulated campaign: areas with turfs and doors, shifts with phones that knock, note and send as real ones do, all
//! through the server's own code.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use dorbank_server::{
    auth::codes,
    job::Actor,
    round::{self, NewRound},
    state::AppState,
    store::{
        self,
        campaign::{Campaign, Purpose},
        district::NewDistrict,
        entrance::Registered,
        round::Round,
        turf::Turf,
    },
    sync::{entry::Batch, inputs, push, tickets},
};
use dorbank_shared::{
    district::Branch,
    geo::LatLon,
    input::{Arena, Input, InputsRequest, SLOTS, Slot, SlotStatus},
    place::Unit,
    seal::{self, SEALED_BYTES},
    shift::{Shift, ShiftKind},
    sync::wire::{Admission, Envelope, Have, KIND_VISIT, Status},
    visit::{Outcome, VisitV1},
};
use rand::{Rng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha20Rng;
use uuid::Uuid;

/// One hour, in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;

/// A turf with its doors.
#[derive(Debug, Clone)]
pub struct Walk {
    /// Its id.
    pub turf: Uuid,
    /// The number of its area.
    pub area: String,
    /// Entrance and unit of each door, in walk order.
    pub doors: Vec<(Uuid, Uuid)>,
}

/// A campaign over some areas.
#[derive(Debug)]
pub struct Field {
    /// The open round.
    pub round: Round,
    /// Its topics.
    pub topics: Vec<Uuid>,
    /// The campaign.
    pub campaign: Uuid,
    /// Its turfs, area by area.
    pub walks: Vec<Walk>,
    branch: Uuid,
}

/// A phone in a shift.
#[derive(Debug, Clone)]
pub struct Phone {
    /// Its id.
    pub device: Uuid,
    /// Its shift.
    pub shift: Uuid,
    counter: u64,
}

impl Field {
    /// Makes areas "01", "02" … with so many turfs of so many doors each, an open round and a campaign.
    ///
    /// # Panics
    /// When the store says no.
    pub async fn make(state: &AppState, areas: usize, turfs: usize, doors: usize) -> Self {
        let rng = &mut state.fork_rng();
        let now = state.now_ms();
        let numbers: Vec<String> = (1..=areas).map(|area| format!("{area:02}")).collect();
        let new = NewRound {
            name: "høst 2026".into(),
            opens_on: "2026-09-01".into(),
            closes_on: "2026-12-31".into(),
            codebook: round::default_codebook().expect("it reads"),
        };
        let keys = state.config.keys_dir();
        let (round, _) = round::make(&state.db, &keys, &new, &Actor::operator(), now, rng).await.expect("a round can be made");
        round::open(&state.db, &keys, round, &Actor::operator(), now, rng).await.expect("it opens");
        let mut tx = state.db.begin().await.expect("the database answers");
        let round = store::round::find(&mut tx, round).await.expect("it reads").expect("it is there");
        let topics = store::round::topics(&mut tx, round.id).await.expect("it reads").into_iter().map(|topic| topic.id).collect();
        let (branch, campaign) = (state.id_v7(), state.id_v7());
        let districts: Vec<NewDistrict> = numbers
            .iter()
            .map(|n| NewDistrict { number: n.clone(), name: format!("Bydel {n}"), area: n.clone(), households: 1000, boundary: None })
            .collect();
        let campaign_row = Campaign {
            id: campaign,
            round: round.id,
            branch,
            purpose: Purpose::Listen,
            name: "Kampanjeuke 42".into(),
            starts_on: "2026-10-12".into(),
            ends_on: "2026-12-18".into(),
            receipt_key: state.random_bytes::<32>().to_vec(),
            version: 1,
        };
        let mut walks = vec![];
        let mut rows: (Vec<Turf>, Vec<Registered>, Vec<(Uuid, Unit)>) = (vec![], vec![], vec![]);
        for (number, (area, _)) in (1..).zip(numbers.iter().flat_map(|area| (0..turfs).map(move |turf| (area, turf)))) {
            let turf = state.id_v7();
            rows.0.push(Turf { id: turf, campaign, district: area.clone(), number, name: format!("Rode {number}"), version: 1 });
            let mut walk = Walk { turf, area: area.clone(), doors: vec![] };
            for door in 0..doors {
                let (entrance, unit) = (state.id_v7(), state.id_v7());
                rows.1.push(Registered {
                    id: entrance,
                    origin: "test".into(),
                    source_id: format!("{number}-{door}"),
                    municipality: "0301".into(),
                    street: format!("Gate {number}"),
                    number: i64::try_from(door).expect("small"),
                    letter: String::new(),
                    postcode: "0562".into(),
                    post_town: "Oslo".into(),
                    grunnkrets: None,
                    district: Some(area.clone()),
                    at: LatLon { lat: 59.9, lon: 10.7 },
                    vanished: false,
                });
                rows.2.push((entrance, Unit { id: unit, label: "H0101".into(), floor: 1, position: 1, do_not_knock: false }));
                walk.doors.push((entrance, unit));
            }
            walks.push(walk);
        }
        let all = async {
            store::district::put(&mut tx, &districts).await?;
            store::branch::insert(&mut tx, &[Branch { id: branch, name: "Laget".into(), districts: numbers, version: 1 }]).await?;
            store::campaign::insert(&mut tx, &campaign_row).await?;
            store::turf::insert(&mut tx, &rows.0).await?;
            store::entrance::put(&mut tx, &rows.1, now).await?;
            store::entrance::put_units(&mut tx, &rows.2).await?;
            for walk in &walks {
                let entrances: Vec<Uuid> = walk.doors.iter().map(|door| door.0).collect();
                store::turf::place(&mut tx, walk.turf, &entrances).await?;
            }
            tx.commit().await
        };
        all.await.expect("the campaign can be written");
        Self { round, topics, campaign, walks, branch }
    }

    /// The turfs of an area, by their place in [`Field::walks`].
    pub fn walks_in(&self, area: &str) -> Vec<usize> {
        (0..self.walks.len()).filter(|walk| self.walks[*walk].area == area).collect()
    }

    /// A shift now, three hours long, with an admitted phone for each turf.
    ///
    /// # Panics
    /// When the store says no.
    pub async fn shift(&self, state: &AppState, walks: &[usize]) -> Vec<Phone> {
        let now = state.now_ms();
        let shift = Shift {
            id: state.id_v7(),
            campaign: self.campaign,
            kind: ShiftKind::Door,
            starts_at: now,
            ends_at: now + 3 * HOUR_MS,
            meeting_place: "Tøyen torg".into(),
            capacity: 20,
            zetkin_url: None,
            selector: codes::new_selector(state),
            code_version: 1,
            misses: 0,
            locked_until: 0,
            version: 1,
        };
        let turfs: Vec<Uuid> = walks.iter().map(|walk| self.walks[*walk].turf).collect();
        let mut tx = state.db.begin().await.expect("the database answers");
        store::shift::insert(&mut tx, &shift, &[self.branch], &turfs).await.expect("a shift can be written");
        let mut phones = vec![];
        for (number, turf) in turfs.into_iter().enumerate() {
            let device = state.id_v7();
            store::device::insert(&mut tx, device, shift.id, &format!("K{number}"), state.random_bytes(), now).await.expect("a phone can join");
            store::device::set_admission(&mut tx, device, 1, Admission::Admitted, Some(turf)).await.expect("it is admitted");
            phones.push(Phone { device, shift: shift.id, counter: 0 });
        }
        tx.commit().await.expect("it commits");
        phones
    }

    /// Notes what happened at doors, a minute apart from `at_ms` on, and sends it. Gives the entries' ids.
    ///
    /// # Panics
    /// When one is not applied.
    pub async fn knock(&self, state: &AppState, phone: &mut Phone, walk: usize, at_ms: i64, doors: &[(usize, Outcome)]) -> Vec<Uuid> {
        let (campaign, turf) = (self.campaign, self.walks[walk].turf);
        let mut entries = vec![];
        for (minute, (door, outcome)) in (0..).zip(doors) {
            let (entrance, unit) = self.walks[walk].doors[*door];
            let at = at_ms + minute * 60_000;
            phone.counter += 1;
            let body = VisitV1 { campaign, turf, entrance, unit: Some(unit), outcome: *outcome, leaflet: false, occurred_at: at };
            entries.push(Envelope {
                id: uuid::Builder::from_unix_timestamp_millis(u64::try_from(at).expect("after 1970"), &state.random_bytes()).into_uuid(),
                kind: KIND_VISIT.into(),
                version: 1,
                device_seq: phone.counter,
                supersedes: None,
                captured_at: at,
                bytes: serde_json::to_string(&body).expect("a visit is JSON"),
            });
        }
        let ids = entries.iter().map(|entry| entry.id).collect();
        for chunk in entries.chunks(200) {
            let batch = Batch { have: Have::default(), epoch: None, entries: chunk.iter().cloned().map(Into::into).collect() };
            let answer = push::push(&state.db, state.now_ms(), phone.device, &batch).await.expect("a push is answered");
            assert!(answer.results.iter().all(|result| matches!(result.status, Status::Applied | Status::Merged)), "{:?}", answer.results);
        }
        ids
    }

    /// An input, not yet sealed.
    pub fn input(&self, state: &AppState, area: &str, topics: &[usize], words: Option<&str>) -> Input {
        let topics = topics.iter().map(|topic| self.topics[*topic]).collect();
        Input { id: state.id_v4(), round: self.round.id, area: area.into(), arena: Arena::Door, topics, words: words.map(str::to_owned) }
    }

    /// Sends inputs as a phone does: sealed, in random order, eight slots a request, the rest random bytes.
    ///
    /// # Panics
    /// When one is not held.
    pub async fn send(&self, state: &AppState, phone: &Phone, inputs: &[Input]) {
        let sealed = inputs.iter().map(|input| self.seal(state, serde_json::to_string(input).expect("JSON").as_bytes())).collect();
        self.send_sealed(state, phone, sealed).await;
    }

    /// Seals bytes to the round's key.
    ///
    /// # Panics
    /// When they are too long.
    pub fn seal(&self, state: &AppState, plain: &[u8]) -> Vec<u8> {
        seal::seal(&self.round.public_key, plain, &state.random_bytes()).expect("it can be sealed")
    }

    /// As [`Field::send`], for envelopes.
    ///
    /// # Panics
    /// When one is not held.
    pub async fn send_sealed(&self, state: &AppState, phone: &Phone, mut sealed: Vec<Vec<u8>>) {
        let rng = &mut state.fork_rng();
        sealed.shuffle(rng);
        let drawn = tickets::draw(&state.db, rng, phone.device, u32::try_from(sealed.len()).expect("few")).await.expect("tickets are given");
        assert_eq!(drawn.tickets.len(), sealed.len(), "a phone draws at most {} tickets", tickets::MOST_TICKETS);
        let filler = |rng: &mut ChaCha20Rng, length: usize| {
            let mut bytes = vec![0; length];
            rng.fill_bytes(&mut bytes);
            BASE64_URL_SAFE_NO_PAD.encode(bytes)
        };
        let mut real: Vec<Slot> =
            drawn.tickets.into_iter().zip(&sealed).map(|(ticket, sealed)| Slot { ticket, sealed: BASE64_URL_SAFE_NO_PAD.encode(sealed) }).collect();
        while !real.is_empty() {
            let rest = real.split_off(real.len().min(SLOTS));
            let mut slots: Vec<(bool, Slot)> = real.into_iter().map(|slot| (true, slot)).collect();
            while slots.len() < SLOTS {
                slots.push((false, Slot { ticket: filler(rng, 32), sealed: filler(rng, SEALED_BYTES) }));
            }
            slots.shuffle(rng);
            let request = InputsRequest { proto: 1, slots: slots.iter().map(|slot| slot.1.clone()).collect() };
            let read = inputs::read(&serde_json::to_vec(&request).expect("JSON")).expect("it is a request");
            let answer = inputs::take(&state.db, state.now_ms(), rng, &read).await.expect("inputs are answered");
            for ((is_real, _), status) in slots.iter().zip(answer.slots) {
                assert_eq!(status, if *is_real { SlotStatus::Held } else { SlotStatus::Refused });
            }
            real = rest;
        }
    }

    /// A whole evening in one area: a phone for each turf has so many conversations from door `from` on, and what was
    /// said in each names the topics that `topics` says. Gives the sentences, in the order of the conversations.
    ///
    /// # Panics
    /// When the store says no.
    pub async fn evening(
        &self,
        state: &AppState,
        area: &str,
        from: usize,
        talks: usize,
        mut topics: impl FnMut(usize) -> Vec<usize>,
    ) -> Vec<(Uuid, String)> {
        let walks = self.walks_in(area);
        let phones = self.shift(state, &walks).await;
        let mut said = vec![];
        for (walk, mut phone) in walks.into_iter().zip(phones) {
            let doors: Vec<(usize, Outcome)> = (from..from + talks).map(|door| (door, Outcome::Talked)).collect();
            let visits = self.knock(state, &mut phone, walk, state.now_ms() + 60_000, &doors).await;
            let mut inputs = vec![];
            for visit in visits {
                let number = said.len();
                let words = format!("setning {area} {} {number} .", phone.shift.simple());
                inputs.push(self.input(state, area, &topics(number), Some(&words)));
                said.push((visit, words));
            }
            self.send(state, &phone, &inputs).await;
        }
        said
    }
}
