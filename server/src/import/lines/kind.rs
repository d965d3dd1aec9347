//! What a line is, by OpenStreetMap's tags or by a word.

use dorbank_shared::line::Kind;

/// The kind of what has these tags; nothing for what nobody walks along or is stopped by.
///
/// What runs in a tunnel or a culvert stops nobody and is left out, but for streets, which keep their names.
pub fn of_tags<'a>(tag: impl Fn(&str) -> Option<&'a str>) -> Option<Kind> {
    let below = tag("tunnel").is_some_and(|value| value != "no");
    if let Some(highway) = tag("highway") {
        return of_highway(highway, &tag).filter(|kind| *kind != Kind::Motorway || !below);
    }
    if below {
        return None;
    }
    match (tag("railway"), tag("waterway"), tag("natural")) {
        (Some("rail" | "light_rail" | "subway" | "tram" | "narrow_gauge"), ..) => {
            // Tracks beside tracks say nothing more.
            (!matches!(tag("service"), Some("yard" | "siding" | "crossover"))).then_some(Kind::Railway)
        }
        (_, Some("river" | "stream" | "canal" | "riverbank" | "tidal_channel"), _) | (.., Some("water" | "coastline")) => Some(Kind::Water),
        _ => None,
    }
}

fn of_highway<'a>(highway: &str, tag: &impl Fn(&str) -> Option<&'a str>) -> Option<Kind> {
    match highway {
        "motorway" | "motorway_link" => Some(Kind::Motorway),
        // In Norwegian a "motortrafikkvei": no houses, no walking.
        _ if tag("motorroad") == Some("yes") => Some(Kind::Motorway),
        "trunk" | "trunk_link" | "primary" | "primary_link" | "secondary" | "secondary_link" | "tertiary" | "tertiary_link" | "unclassified"
        | "residential" | "living_street" | "pedestrian" | "road" | "busway" => Some(Kind::Street),
        "service" => (!matches!(tag("service"), Some("driveway" | "parking_aisle" | "drive-through"))).then_some(Kind::Street),
        // A pavement runs beside its street.
        "footway" | "path" | "cycleway" => (!matches!(tag("footway"), Some("sidewalk" | "crossing"))).then_some(Kind::Path),
        "track" | "steps" | "bridleway" => Some(Kind::Path),
        _ => None,
    }
}

/// The kind that a word of a file means: one of our own names, or what Norwegian publishers write.
pub fn of_word(word: &str) -> Option<Kind> {
    let word = word.trim().to_lowercase();
    Kind::parse(&word).or(match word.as_str() {
        "gate" | "gata" | "veg" | "vei" | "road" | "bilveg" | "bilvei" | "enkelbilveg" | "enkel bilveg" | "kanalisertveg" | "kanalisert veg"
        | "gatetun" | "rundkjøring" | "rundkjoring" => Some(Kind::Street),
        "sti" | "gangveg" | "gangvei" | "gang- og sykkelveg" | "gang- og sykkelvei" | "gangogsykkelveg" | "sykkelveg" | "sykkelvei" | "gågate"
        | "trapp" | "traktorveg" | "footway" | "cycleway" => Some(Kind::Path),
        "vann" | "vatn" | "elv" | "bekk" | "elvbekk" | "innsjø" | "innsjo" | "hav" | "havflate" | "kystkontur" | "kystlinje" | "river" | "lake" => {
            Some(Kind::Water)
        }
        "motorveg" | "motorvei" | "motortrafikkveg" | "motortrafikkvei" => Some(Kind::Motorway),
        "jernbane" | "bane" | "t-bane" | "tbane" | "trikk" | "trikkespor" | "spor" | "spormidt" | "rail" => Some(Kind::Railway),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(tags: &[(&str, &'static str)]) -> Option<Kind> {
        of_tags(|key| tags.iter().find(|(known, _)| *known == key).map(|(_, value)| *value))
    }

    #[test]
    fn tags_say_what_a_line_is() {
        for (tags, kind) in [
            (&[("highway", "residential")][..], Some(Kind::Street)),
            (&[("highway", "trunk")], Some(Kind::Street)),
            (&[("highway", "trunk"), ("motorroad", "yes")], Some(Kind::Motorway)),
            (&[("highway", "motorway_link")], Some(Kind::Motorway)),
            (&[("highway", "motorway"), ("tunnel", "yes")], None),
            (&[("highway", "primary"), ("tunnel", "yes")], Some(Kind::Street)),
            (&[("highway", "service"), ("service", "driveway")], None),
            (&[("highway", "footway")], Some(Kind::Path)),
            (&[("highway", "footway"), ("footway", "sidewalk")], None),
            (&[("highway", "construction")], None),
            (&[("railway", "tram")], Some(Kind::Railway)),
            (&[("railway", "subway"), ("tunnel", "yes")], None),
            (&[("railway", "rail"), ("tunnel", "no")], Some(Kind::Railway)),
            (&[("railway", "rail"), ("service", "siding")], None),
            (&[("railway", "abandoned")], None),
            (&[("waterway", "river")], Some(Kind::Water)),
            (&[("waterway", "stream"), ("tunnel", "culvert")], None),
            (&[("natural", "water")], Some(Kind::Water)),
            (&[("natural", "coastline")], Some(Kind::Water)),
            (&[("natural", "tree_row")], None),
            (&[("building", "yes")], None),
            (&[], None),
        ] {
            assert_eq!(tagged(tags), kind, "{tags:?}");
        }
    }

    #[test]
    fn words_say_what_a_line_is() {
        for (word, kind) in
            [("street", Kind::Street), (" Gate ", Kind::Street), ("ElvBekk", Kind::Water), ("Motorveg", Kind::Motorway), ("T-bane", Kind::Railway)]
        {
            assert_eq!(of_word(word), Some(kind), "{word}");
        }
        assert_eq!(of_word("bygning"), None);
    }
}
