//! What people speak of in the demo: the topics of the built-in codebook, how often each comes up and where.

mod home;
mod people;
mod town;

/// What is said about a topic: clauses that begin small, so that something may come before them.
#[derive(Debug)]
pub struct Voices {
    /// In bokmål.
    pub nb: &'static [&'static str],
    /// In nynorsk.
    pub nn: &'static [&'static str],
    /// As many speak in the east of the city.
    pub east: &'static [&'static str],
    /// As those speak who came from the north.
    pub north: &'static [&'static str],
    /// In English.
    pub en: &'static [&'static str],
}

/// A topic of the demo.
#[derive(Debug)]
pub struct DemoTopic {
    /// Its name in bokmål, as in the codebook.
    pub nb: &'static str,
    /// How often it comes up, against the others.
    weight: f64,
    /// How much more often or seldom in the inner city, in the west, in the north-east and in the south.
    skew: [f64; 4],
    /// What is said.
    pub voices: Voices,
}

/// In the order of the codebook.
pub static TOPICS: [&DemoTopic; 15] = [
    &home::HOUSING,
    &people::SCHOOL,
    &people::KINDERGARTEN,
    &town::TRANSPORT,
    &town::TRAFFIC,
    &people::ELDERLY,
    &people::HEALTH,
    &home::CLIMATE,
    &town::PARKS,
    &town::WASTE,
    &town::SAFETY,
    &home::PRICES,
    &people::YOUTH,
    &town::CULTURE,
    &home::COMMUNITY,
];

/// How often a topic comes up in an area, against the others.
pub fn weight(topic: usize, area: &str) -> f64 {
    let part = match area {
        "01" | "02" | "03" | "04" | "05" => 0,
        "06" | "07" | "08" => 1,
        "09" | "10" | "11" | "12" => 2,
        _ => 3,
    };
    // No two neighbours are alike.
    let place = area.bytes().fold(0usize, |sum, byte| sum * 31 + usize::from(byte));
    TOPICS[topic].weight * TOPICS[topic].skew[part] * [0.8, 1.0, 1.0, 1.3][(place * 7 + topic * 5) % 4]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_of_the_codebook_is_spoken_of() {
        let names: Vec<String> = crate::round::default_codebook().expect("it reads").into_iter().map(|row| row.nb).collect();
        assert_eq!(names, TOPICS.iter().map(|topic| topic.nb).collect::<Vec<_>>());
    }

    #[test]
    fn what_moves_people_differs_from_part_to_part() {
        let first = |area: &str| (0..TOPICS.len()).max_by(|a, b| weight(*a, area).total_cmp(&weight(*b, area))).map(|topic| TOPICS[topic].nb);
        let firsts: std::collections::BTreeSet<_> = ["01", "07", "11", "15"].into_iter().filter_map(first).collect();
        assert!(firsts.len() >= 3, "{firsts:?}");
    }
}
