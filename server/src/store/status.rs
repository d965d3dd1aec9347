//! How the phones of the last shifts stand: what they say they have not sent, and which of their counters never came.

use uuid::Uuid;

use super::{Row, StoreError, Tx};
use crate::{args, statements};

statements! {
    ALL = "SELECT s.id, s.starts_at, s.ends_at, s.meeting_place, b.name, d.sign, d.unsent, d.max_issued, d.last_seen_at, \
        (SELECT COUNT(*) FROM (SELECT r.device_seq FROM receipt r WHERE r.device = d.id AND r.device_seq > 0 \
        UNION SELECT q.device_seq FROM quarantine q WHERE q.device = d.id AND q.device_seq > 0) AS seen), d.state, d.unsent_since \
        FROM device d JOIN shift s ON s.id = d.shift JOIN campaign c ON c.id = s.campaign JOIN branch b ON b.id = c.branch \
        WHERE s.ends_at > $1 ORDER BY s.starts_at DESC, s.id, d.joined_at, d.id";
    OF_BRANCH = "SELECT s.id, s.starts_at, s.ends_at, s.meeting_place, b.name, d.sign, d.unsent, d.max_issued, d.last_seen_at, \
        (SELECT COUNT(*) FROM (SELECT r.device_seq FROM receipt r WHERE r.device = d.id AND r.device_seq > 0 \
        UNION SELECT q.device_seq FROM quarantine q WHERE q.device = d.id AND q.device_seq > 0) AS seen), d.state, d.unsent_since \
        FROM device d JOIN shift s ON s.id = d.shift JOIN campaign c ON c.id = s.campaign JOIN branch b ON b.id = c.branch \
        JOIN shift_branch x ON x.shift = s.id WHERE s.ends_at > $1 AND x.branch = $2 \
        ORDER BY s.starts_at DESC, s.id, d.joined_at, d.id";
}

/// A phone that was let in to a shift, or that has something all the same, and how it stands. Times are milliseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneStatus {
    /// The shift.
    pub shift: Uuid,
    /// When that began.
    pub starts_at: i64,
    /// When it ended.
    pub ends_at: i64,
    /// Where it met.
    pub meeting_place: String,
    /// The branch whose campaign it belongs to.
    pub branch: String,
    /// The phone's two characters.
    pub sign: String,
    /// How many entries it last said it had not sent.
    pub unsent: i64,
    /// The highest counter that it said it had given.
    pub max_issued: i64,
    /// Since when it has said at each push that it has some; of no meaning where it has none.
    pub unsent_since: Option<i64>,
    /// When it last sent something.
    pub last_seen_at: i64,
    /// How many of its counters ever came.
    pub held: i64,
}

impl PhoneStatus {
    /// How many of its entries never came although the phone does not say that it still has them.
    pub fn lacking(&self) -> i64 {
        // A phone may say any number of both.
        self.max_issued.saturating_sub(self.held).saturating_sub(self.unsent).max(0)
    }

    /// How many of its entries are not in: those that it still has, and those that are lacking.
    pub fn open(&self) -> i64 {
        self.unsent.saturating_add(self.lacking())
    }
}

fn phone(row: &Row) -> Result<PhoneStatus, StoreError> {
    Ok(PhoneStatus {
        shift: row.get(0)?,
        starts_at: row.get(1)?,
        ends_at: row.get(2)?,
        meeting_place: row.get(3)?,
        branch: row.get(4)?,
        sign: row.get(5)?,
        unsent: row.get(6)?,
        max_issued: row.get(7)?,
        last_seen_at: row.get(8)?,
        held: row.get(9)?,
        unsent_since: row.get(11)?,
    })
}

/// The phones of shifts that ended after a moment: of a branch's shifts, or of all; the last shift first.
pub async fn phones(tx: &mut Tx, branch: Option<Uuid>, after_ms: i64) -> Result<Vec<PhoneStatus>, StoreError> {
    let rows = match branch {
        Some(branch) => tx.all(OF_BRANCH, args![after_ms, branch]).await?,
        None => tx.all(ALL, args![after_ms]).await?,
    };
    let mut phones = Vec::with_capacity(rows.len());
    for row in &rows {
        let phone = phone(row)?;
        // One that only asked to be let in has nothing. One that a restore forgot waits with all that it noted.
        let was_in = matches!(row.get::<String>(10)?.as_str(), "admitted" | "revoked");
        if was_in || phone.unsent > 0 || phone.max_issued > phone.held {
            phones.push(phone);
        }
    }
    Ok(phones)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_phone_still_has_is_not_lacking() {
        let phone = |max_issued, held, unsent| PhoneStatus {
            shift: Uuid::nil(),
            starts_at: 0,
            ends_at: 0,
            meeting_place: String::new(),
            branch: String::new(),
            sign: String::new(),
            unsent,
            unsent_since: None,
            max_issued,
            last_seen_at: 0,
            held,
        };
        assert_eq!([phone(9, 9, 0), phone(9, 6, 3), phone(9, 6, 1), phone(9, 10, 0)].map(|phone| phone.lacking()), [0, 0, 2, 0]);
        let boasts = [phone(0, 2, i64::MAX), phone(i64::MAX, 0, i64::MAX), phone(i64::MAX, 0, 0)];
        assert_eq!(boasts.map(|phone| (phone.lacking(), phone.open())), [(0, i64::MAX), (0, i64::MAX), (i64::MAX, i64::MAX)]);
    }
}
