//! When things happen in the demo: weeks around the moment at which it is made, in Norwegian time.

use jiff::{Timestamp, ToSpan as _, Zoned, civil::Date, tz::TimeZone};

/// The demo's weeks.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// The Monday of the week in which the demo is made.
    monday: Date,
    zone: TimeZone,
    /// Milliseconds since 1970, UTC.
    pub now_ms: i64,
}

impl Calendar {
    /// Around a moment.
    pub fn around(now_ms: i64) -> Self {
        let zone = TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC);
        let today = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone()).date();
        let mut calendar = Self { monday: today, zone, now_ms };
        calendar.monday = calendar.day(-calendar.today());
        calendar
    }

    /// How many days after this week's Monday today is.
    pub fn today(&self) -> i64 {
        let now = Timestamp::from_millisecond(self.now_ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(self.zone.clone());
        i64::from(now.weekday().to_monday_zero_offset())
    }

    /// A day: so many days after this week's Monday, or before it.
    pub fn day(&self, offset: i64) -> Date {
        self.monday.checked_add(offset.days()).unwrap_or(self.monday)
    }

    /// A day as it is stored, `YYYY-MM-DD`.
    pub fn date(&self, offset: i64) -> String {
        self.day(offset).to_string()
    }

    /// A time of day, in milliseconds since 1970, UTC.
    pub fn at(&self, offset: i64, hour: i8, minute: i8) -> i64 {
        self.day(offset).at(hour, minute, 0, 0).to_zoned(self.zone.clone()).map_or(self.now_ms, |at: Zoned| at.timestamp().as_millisecond())
    }

    /// What the round is called: "høst 2026" from July on, else "vår 2026".
    pub fn season(&self) -> String {
        let (month, year) = (self.monday.month(), self.monday.year());
        format!("{} {year}", if month >= 7 { "høst" } else { "vår" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_mondays_in_norwegian_time() {
        // Wednesday 14 October 2026, 18:00 in Oslo.
        let calendar = Calendar::around(1_791_993_600_000);
        assert_eq!((calendar.date(0), calendar.today(), calendar.season()), ("2026-10-12".to_owned(), 2, "høst 2026".to_owned()));
        assert_eq!(calendar.at(2, 18, 0), 1_791_993_600_000);
        // The clock went back between; four in the morning is four in the morning.
        assert_eq!((calendar.at(14, 4, 0) - calendar.at(7, 4, 0)) / 3_600_000, 7 * 24 + 1);
    }
}
