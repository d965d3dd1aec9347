//! Times as people read them: Norwegian time, in the words of a language.

use std::sync::Arc;

use dorbank_app::office::text;
use dorbank_shared::words::{Words, key};
use jiff::{Timestamp, Zoned, civil::Date, tz::TimeZone};

/// Writes times in one language.
#[derive(Debug)]
pub(super) struct Calendar {
    words: Arc<Words>,
    zone: TimeZone,
}

impl Calendar {
    pub(super) fn new(language: &str) -> Self {
        Self { words: text::words(language), zone: TimeZone::get("Europe/Oslo").unwrap_or(TimeZone::UTC) }
    }

    fn zoned(&self, ms: i64) -> Zoned {
        Timestamp::from_millisecond(ms).unwrap_or_default().to_zoned(self.zone.clone())
    }

    /// The day, to compare.
    pub(super) fn day(&self, ms: i64) -> Date {
        self.zoned(ms).date()
    }

    /// "17.00".
    pub(super) fn time(&self, ms: i64) -> String {
        let at = self.zoned(ms);
        self.words.with(key::DATE_TIME, &[("hour", &format!("{:02}", at.hour())), ("minute", &format!("{:02}", at.minute()))])
    }

    /// "tirsdag 24. november 2026".
    pub(super) fn date(&self, ms: i64) -> String {
        let date = self.day(ms);
        let weekday = format!("date.weekday.{}", date.weekday().to_monday_one_offset());
        self.written(key::DATE_FULL, date, self.words.get(&weekday))
    }

    /// "24. november 2026".
    pub(super) fn short(&self, ms: i64) -> String {
        self.written(key::DATE_SHORT, self.day(ms), "")
    }

    /// "24. november 2026 kl. 04.00".
    pub(super) fn moment(&self, ms: i64) -> String {
        self.words.with(key::DATE_AT, &[("date", &self.short(ms)), ("time", &self.time(ms))])
    }

    /// "24. november 2026", from `2026-11-24`. A text that is no date is left as it is.
    pub(super) fn of_text(&self, text: &str) -> String {
        text.parse().map_or_else(|_| text.to_owned(), |date| self.written(key::DATE_SHORT, date, ""))
    }

    fn written(&self, pattern: &str, date: Date, weekday: &str) -> String {
        let month = format!("date.month.{}", date.month());
        let (day, year) = (date.day().to_string(), date.year().to_string());
        self.words.with(pattern, &[("weekday", weekday), ("day", &day), ("month", self.words.get(&month)), ("year", &year)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_norwegian_and_in_the_readers_words() {
        // 2026-11-24T16:05:00Z, winter time; an hour earlier in July it is the same on the clock.
        let ms = 1_795_536_300_000;
        let read = |language| (Calendar::new(language).date(ms), Calendar::new(language).time(ms));
        assert_eq!(read("nb"), ("tirsdag 24. november 2026".into(), "17.05".into()));
        assert_eq!(read("nn"), ("tysdag 24. november 2026".into(), "17.05".into()));
        assert_eq!(read("en"), ("Tuesday 24 November 2026".into(), "17:05".into()));
        assert_eq!(Calendar::new("nb").moment(ms), "24. november 2026 kl. 17.05");
        assert_eq!(Calendar::new("nb").of_text("2026-07-01"), "1. juli 2026");
        assert_eq!(Calendar::new("nb").of_text("snart"), "snart");
    }
}
