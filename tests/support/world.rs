//! A small city to test in: two branches in a district each, a round, a campaign, a shift with two turfs, and officers.

use dorbank_server::{
    auth::{codes, session},
    state::AppState,
    store::{
        self,
        campaign::{Campaign, Purpose},
        district::NewDistrict,
        round::{Round, RoundState},
        turf::Turf,
    },
};
use dorbank_shared::{
    district::Branch,
    officer::Officer,
    principal::Role,
    shift::{Shift, ShiftKind},
};
use uuid::Uuid;

const HOUR_MS: i64 = 60 * 60 * 1000;

/// What was made.
#[derive(Debug, Clone)]
pub struct World {
    /// The branch that holds the shift; district 01.
    pub branch: Branch,
    /// Another branch; district 02.
    pub other_branch: Branch,
    /// The open round. Its private key is [`World::ROUND_KEY`].
    pub round: Round,
    /// The branch's campaign.
    pub campaign: Campaign,
    /// Two turfs of the campaign, both walked by the shift.
    pub turfs: [Turf; 2],
    /// A turf of the campaign that the shift does not walk.
    pub other_turf: Turf,
    /// A shift that began an hour ago and lasts another hour.
    pub shift: Shift,
}

impl World {
    /// The round's private key.
    pub const ROUND_KEY: [u8; 32] = [3; 32];

    /// Writes it.
    pub async fn make(state: &AppState) -> Self {
        let (branch_id, other_id, round_id, campaign_id) = (state.id_v7(), state.id_v7(), state.id_v7(), state.id_v7());
        let branch = Branch { id: branch_id, name: "Gamle Oslo".into(), districts: vec!["01".into()], version: 1 };
        let other_branch = Branch { id: other_id, name: "Grünerløkka".into(), districts: vec!["02".into()], version: 1 };
        let district =
            |number: &str, name: &str| NewDistrict { number: number.into(), name: name.into(), area: number.into(), households: 100, boundary: None };
        let round = Round {
            id: round_id,
            name: "høst 2026".into(),
            state: RoundState::Open,
            opens_on: "2026-09-01".into(),
            closes_on: "2026-12-31".into(),
            public_key: dorbank_shared::seal::public_key(&Self::ROUND_KEY).expect("it is a key"),
            version: 1,
        };
        let campaign = Campaign {
            id: campaign_id,
            round: round_id,
            branch: branch_id,
            purpose: Purpose::Listen,
            name: "Kampanjeuke 42".into(),
            starts_on: "2026-10-12".into(),
            ends_on: "2026-10-18".into(),
            receipt_key: state.random_bytes::<32>().to_vec(),
            version: 1,
        };
        let turf = |number: i64| Turf {
            id: state.id_v7(),
            campaign: campaign_id,
            district: "01".into(),
            number,
            name: format!("Rode {number}"),
            version: 1,
        };
        let (turfs, other_turf) = ([turf(1), turf(2)], turf(3));
        let now = state.now_ms();
        let shift = Shift {
            id: state.id_v7(),
            campaign: campaign_id,
            kind: ShiftKind::Door,
            starts_at: now - HOUR_MS,
            ends_at: now + HOUR_MS,
            meeting_place: "Tøyen torg".into(),
            capacity: 4,
            zetkin_url: None,
            selector: codes::new_selector(state),
            code_version: 1,
            misses: 0,
            locked_until: 0,
            version: 1,
        };
        let mut tx = state.db.begin().await.expect("the database answers");
        let all = async {
            store::district::put(&mut tx, &[district("01", "Gamle Oslo"), district("02", "Grünerløkka")]).await?;
            store::branch::insert(&mut tx, &[branch.clone(), other_branch.clone()]).await?;
            store::round::insert(&mut tx, &round).await?;
            store::campaign::insert(&mut tx, &campaign).await?;
            store::turf::insert(&mut tx, &[turfs[0].clone(), turfs[1].clone(), other_turf.clone()]).await?;
            store::shift::insert(&mut tx, &shift, &[branch_id], &[turfs[0].id, turfs[1].id]).await?;
            tx.commit().await
        };
        all.await.expect("the world can be written");
        Self { branch, other_branch, round, campaign, turfs, other_turf, shift }
    }

    /// An officer, and the cookie of a session of theirs.
    pub async fn officer(state: &AppState, role: Role, branch: Option<Uuid>) -> (Officer, String) {
        let id = state.id_v7();
        let name = format!("{}-{}", role.name(), id.simple());
        let officer = Officer { id, email: format!("{name}@example.no"), name, role, branch, district: None, active: true, version: 1 };
        let mut tx = state.db.begin().await.expect("the database answers");
        store::officer::insert(&mut tx, &officer).await.expect("an officer can be written");
        let token = session::open(&mut tx, state, &officer, None).await.expect("a session can be opened");
        tx.commit().await.expect("it commits");
        (officer, format!("{}={}", state.config.cookie_name(), token.text()))
    }
}
