//! The demo's shifts, held: phones join, walk and send, and what was said is handed in.

use dorbank_shared::{
    input::Arena,
    sync::wire::{Admission, Envelope, KIND_VISIT, KIND_WITHDRAWAL},
    visit::{Outcome, VisitV1, WithdrawalV1},
};
use uuid::Uuid;

use super::{
    DemoError, DemoReport,
    city::{City, DISTRICTS, Known},
    doors::{self, Answered, Pair},
    maker::Maker,
    phone::Phone,
    plan::{Plan, Tour, Walk, When},
    said::{self, Collection},
    size::Past,
};
use crate::store::Db;

/// From so many weeks on, something that a phone kept comes too late to be counted unasked.
const LATE_WEEKS: i64 = 6;

/// A demo that is being played.
pub struct Play<'a> {
    /// Where it is written.
    pub db: &'a Db,
    /// The city.
    pub city: &'a City,
    /// Who goes where and when.
    pub plan: &'a Plan,
    /// How it goes.
    pub past: Past,
    /// What of the round the phones need.
    pub collection: Collection<'a>,
    /// Chance.
    pub maker: &'a mut Maker,
    /// What it comes to.
    pub report: &'a mut DemoReport,
    /// Doors that need no other visit.
    pub answered: Answered,
    /// A phone of the first weeks, and what it never sent.
    pub late: Option<(Phone, Vec<Envelope>)>,
}

impl Play<'_> {
    /// Holds all shifts of a week.
    pub async fn week(&mut self, weeks_ago: i64) -> Result<(), DemoError> {
        let mut heard = Vec::new();
        let plan = self.plan;
        for tour in plan.at(When::WeeksAgo(weeks_ago)) {
            let mut phones = self.join(tour, tour.walks.len()).await?;
            for (phone, walk) in phones.iter_mut().zip(&tour.walks) {
                let walk = &self.plan.walks[*walk];
                let mut visits = self.walk(tour, walk, usize::MAX);
                if self.late.is_none() && weeks_ago >= LATE_WEEKS && visits.len() > 2 {
                    let rest = visits.split_off(visits.len() - 2);
                    self.send(phone, tour, &visits).await?;
                    let rest = rest.iter().map(|visit| phone.visit(self.maker, visit)).collect();
                    self.late = Some((phone.clone(), rest));
                } else {
                    self.send(phone, tour, &visits).await?;
                }
                heard.push((walk, talks(&visits)));
            }
        }
        self.hand_in(heard).await
    }

    /// The shift that runs now: three pairs are half an hour in, a phone waits to be let in, and two turfs are free.
    pub async fn running(&mut self) -> Result<(), DemoError> {
        let plan = self.plan;
        let Some(tour) = plan.running() else { return Ok(()) };
        let mut phones = self.join(tour, 3).await?;
        let mut tx = self.db.begin().await?;
        Phone::join(&mut tx, self.maker, tour, 3, None).await?;
        tx.commit().await?;
        let mut heard = Vec::new();
        for (phone, walk) in phones.iter_mut().zip(&tour.walks) {
            let walk = &self.plan.walks[*walk];
            let mut visits = self.walk(tour, walk, 16);
            visits.retain(|visit| visit.occurred_at < self.maker.now_ms);
            self.send(phone, tour, &visits).await?;
            heard.push((walk, talks(&visits)));
        }
        self.hand_in(heard).await
    }

    /// Yesterday's shift, of which not everything has come in as it should.
    ///
    /// The first phone sends all, then takes back what the server never had, and something from a newer app. The second
    /// strayed into another turf, still has four visits, and one was lost on its way. The third was shut out before it had
    /// sent its last three.
    pub async fn yesterday(&mut self) -> Result<(), DemoError> {
        let plan = self.plan;
        let Some(tour) = plan.at(When::Yesterday).next().filter(|tour| tour.walks.len() == 3) else { return Ok(()) };
        let now = self.maker.now_ms;
        let phones = self.join(tour, 3).await?;
        let walks: Vec<&Walk> = tour.walks.iter().map(|walk| &plan.walks[*walk]).collect();
        let visits: Vec<Vec<VisitV1>> = walks.iter().map(|walk| self.walk(tour, walk, usize::MAX)).collect();
        let [mut first, mut second, mut third] = <[Phone; 3]>::try_from(phones).map_err(|_| DemoError::NotTaken(None))?;

        self.send(&mut first, tour, &visits[0]).await?;
        let gone = self.maker.id_at(tour.shift.starts_at);
        let bytes = serde_json::to_string(&WithdrawalV1 { campaign: tour.shift.campaign }).unwrap_or_default();
        let withdrawal = first.note(self.maker, KIND_WITHDRAWAL, 1, tour.shift.ends_at, Some(gone), bytes);
        let newer = visits[0].first().map(|visit| serde_json::to_string(visit).unwrap_or_default()).unwrap_or_default();
        let newer = first.note(self.maker, KIND_VISIT, 2, tour.shift.ends_at, None, newer);
        self.keep_aside(&first, now - HOUR_MS, vec![withdrawal, newer], 0).await?;

        let mut sent: Vec<Envelope> = visits[1].iter().map(|visit| second.visit(self.maker, visit)).collect();
        let kept = sent.split_off(sent.len().saturating_sub(4)).len() as u64;
        let lost = sent.len() / 2;
        sent.remove(lost);
        let mut came = visits[1][..visits[1].len().saturating_sub(4)].to_vec();
        came.remove(lost);
        self.report.visits += came.len();
        second.send(self.db, sent_at(tour, &came), sent, kept).await?;
        let astray: Vec<VisitV1> = self.elsewhere(tour).into_iter().map(|entrance| self.stray(tour, entrance)).collect();
        let astray = astray.iter().map(|visit| second.visit(self.maker, visit)).collect();
        self.keep_aside(&second, tour.shift.ends_at, astray, kept).await?;

        let (before, after) = visits[2].split_at(visits[2].len().saturating_sub(3));
        self.send(&mut third, tour, before).await?;
        let mut tx = self.db.begin().await?;
        third.stand(&mut tx, Admission::Revoked, None).await?;
        tx.commit().await?;
        let after = after.iter().map(|visit| third.visit(self.maker, visit)).collect();
        self.keep_aside(&third, now - HOUR_MS / 2, after, 0).await?;

        if let Some((phone, entries)) = self.late.take() {
            self.keep_aside(&phone, now - 2 * HOUR_MS, entries, 0).await?;
        }
        let heard = vec![(walks[0], talks(&visits[0])), (walks[1], talks(&came)), (walks[2], talks(before))];
        self.hand_in(heard).await
    }

    /// So many phones join a shift, one for each of its first turfs.
    async fn join(&mut self, tour: &Tour, count: usize) -> Result<Vec<Phone>, DemoError> {
        let mut tx = self.db.begin().await?;
        let mut phones = Vec::new();
        for (number, walk) in tour.walks.iter().take(count).enumerate() {
            let turf = self.plan.walks[*walk].turf.id;
            phones.push(Phone::join(&mut tx, self.maker, tour, number, Some(turf)).await?);
        }
        tx.commit().await?;
        Ok(phones)
    }

    /// A pair walks a turf.
    fn walk(&mut self, tour: &Tour, walk: &Walk, most: usize) -> Vec<VisitV1> {
        let pair = Pair { campaign: tour.shift.campaign, turf: walk.turf.id, starts_at: tour.shift.starts_at, talks: self.past.talks };
        let entrances = walk.entrances.iter().map(|(district, entrance)| &self.city.entrances[*district][*entrance]);
        doors::walk(self.maker, pair, entrances, most, &mut self.answered)
    }

    async fn send(&mut self, phone: &mut Phone, tour: &Tour, visits: &[VisitV1]) -> Result<(), DemoError> {
        self.report.visits += visits.len();
        phone.send_walk(self.db, self.maker, sent_at(tour, visits).min(self.maker.now_ms), visits).await
    }

    /// Sends what can only be kept aside.
    async fn keep_aside(&mut self, phone: &Phone, now_ms: i64, entries: Vec<Envelope>, kept: u64) -> Result<(), DemoError> {
        self.report.quarantined += entries.len();
        let answer = phone.send(self.db, now_ms, entries, kept).await?;
        let taken = answer.results.iter().any(|result| result.reason.is_none());
        if taken { Err(DemoError::NotTaken(None)) } else { Ok(()) }
    }

    /// Two entrances of the campaign that the shift does not walk: the turf and the place of each.
    fn elsewhere(&self, tour: &Tour) -> Vec<(Uuid, (usize, usize))> {
        let others = self.plan.at(When::Planned).filter(|other| other.shift.campaign == tour.shift.campaign);
        let walks = others.flat_map(|other| &other.walks).map(|walk| &self.plan.walks[*walk]);
        walks.take(1).flat_map(|walk| walk.entrances.iter().take(2).map(|at| (walk.turf.id, *at))).collect()
    }

    fn stray(&self, tour: &Tour, (turf, (district, entrance)): (Uuid, (usize, usize))) -> VisitV1 {
        let entrance = &self.city.entrances[district][entrance];
        let unit = entrance.units.first().map(|unit| unit.id);
        let occurred_at = tour.shift.ends_at - 10 * 60_000;
        VisitV1 { campaign: tour.shift.campaign, turf, entrance: entrance.id, unit, outcome: Outcome::NotHome, leaflet: true, occurred_at }
    }

    /// What was said in some conversations, sealed and handed in, all in one random order.
    async fn hand_in(&mut self, heard: Vec<(&Walk, usize)>) -> Result<(), DemoError> {
        let mut plain = Vec::new();
        for (walk, conversations) in heard {
            self.report.conversations += conversations;
            plain.extend(said::inputs(self.maker, self.collection, area(&walk.turf.district), Arena::Door, conversations, self.past.noted));
        }
        let sealed = said::seal(self.maker, self.collection.public_key, plain)?;
        self.report.inputs += sealed.len();
        let mut tx = self.db.begin().await?;
        said::hand_in(&mut tx, self.maker, self.collection.round, sealed).await?;
        tx.commit().await?;
        Ok(())
    }
}

const HOUR_MS: i64 = 3_600_000;

/// When a phone sends the last of a walk: at the end of its shift, or when it was noted, whichever is later.
fn sent_at(tour: &Tour, visits: &[VisitV1]) -> i64 {
    visits.iter().map(|visit| visit.occurred_at).fold(tour.shift.ends_at, i64::max)
}

fn talks(visits: &[VisitV1]) -> usize {
    visits.iter().filter(|visit| visit.outcome.is_conversation()).count()
}

/// The area of a district.
fn area(number: &str) -> &'static str {
    DISTRICTS.iter().find(|district| district.number == number).map_or("01", Known::area)
}
