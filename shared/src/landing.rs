//! How the doors of a floor are numbered, by municipality: the number's last two digits ("H0302" is the second).
//!
//! The national rule counts on each floor from the top of the stairs. Oslo and Bærum had numbered their doors before there
//! was one, and count on every floor as on the ground floor, from the front door: where the stairs turn back towards the
//! street, their first door is another one. So whoever looks for a door needs to know in which municipality it is. The
//! rules and where each stands are in `data/landing.csv`.

/// The table, as it is kept.
const TABLE: &str = include_str!("../data/landing.csv");

/// Where counting begins. From there the first door is the one to the left, and it goes on clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountedFrom {
    /// The top of the stairs, on each floor.
    Stairs,
    /// The front door, seen from outside, on all floors alike: H0401 lies above H0101.
    FrontDoor,
    /// The lift.
    Lift,
}

impl CountedFrom {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "stairs" => Some(Self::Stairs),
            "front_door" => Some(Self::FrontDoor),
            "lift" => Some(Self::Lift),
            _ => None,
        }
    }

    /// In words, for who runs the server.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Stairs => "from the top of the stairs, the first door to the left, then clockwise",
            Self::FrontDoor => "as seen from outside the front door, on every floor alike, the first door to the left, then clockwise",
            Self::Lift => "from the lift",
        }
    }
}

/// How a municipality numbers the doors of a floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landing {
    /// Where counting begins.
    pub from: CountedFrom,
    /// Where it began for doors that were numbered before a day (`YYYY-MM-DD`).
    pub before: Option<(CountedFrom, &'static str)>,
    /// Where that is said.
    pub source: &'static str,
}

/// The rule of a municipality, by its number; where it has none of its own, the national one.
pub fn landing(municipality: &str) -> Landing {
    let mut national = Landing { from: CountedFrom::Stairs, before: None, source: "" };
    for (municipalities, rule) in rules() {
        if municipalities.is_empty() {
            national = rule;
        } else if municipalities.split(' ').any(|own| own == municipality) {
            return rule;
        }
    }
    national
}

/// The rules of the table, each with the municipalities that it is for; none for the national one.
fn rules() -> impl Iterator<Item = (&'static str, Landing)> {
    TABLE.lines().skip(1).filter_map(|line| {
        // The source comes last and may hold what divides the fields.
        let mut fields = line.splitn(5, ';');
        let municipalities = fields.next()?;
        let from = CountedFrom::parse(fields.next()?)?;
        let before = CountedFrom::parse(fields.next()?).zip(fields.next().filter(|day| !day.is_empty()));
        Some((municipalities, Landing { from, before, source: fields.next()? }))
    })
}

impl std::fmt::Display for Landing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.from.words())?;
        if let Some((from, day)) = self.before {
            write!(f, " (doors that were numbered before {day}: {})", from.words())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_and_says_where_it_is_from() {
        let all: Vec<_> = rules().collect();
        assert_eq!(all.len(), TABLE.lines().count() - 1);
        assert_eq!(all.iter().filter(|(municipalities, _)| municipalities.is_empty()).count(), 1, "one national rule");
        for (municipalities, rule) in all {
            assert!(municipalities.is_empty() || municipalities.split(' ').all(|m| m.len() == 4 && m.bytes().all(|b| b.is_ascii_digit())));
            assert!(rule.source.len() > 20, "{municipalities}");
        }
    }

    #[test]
    fn oslo_and_baerum_count_from_the_front_door_and_others_from_the_stairs() {
        for own in ["0301", "3201", "3024", "0219"] {
            assert_eq!(landing(own).from, CountedFrom::FrontDoor, "{own}");
        }
        for other in ["3420", "5001", "4601", ""] {
            assert_eq!((landing(other).from, landing(other).before), (CountedFrom::Stairs, None), "{other}");
        }
        let stavanger = landing("1103");
        assert_eq!((stavanger.from, stavanger.before), (CountedFrom::Stairs, Some((CountedFrom::Lift, "2011-01-01"))));
        assert!(stavanger.to_string().contains("before 2011-01-01: from the lift"), "{stavanger}");
    }
}
