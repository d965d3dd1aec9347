//! What a door is called on the office's pages: its address, floor and door, the official number beside it.

use dorbank_shared::{
    place::{Entrance, Level, Unit, UnitLabel},
    words::{Words, key},
};

/// "Tøyengata 14 B", or with a door "Tøyengata 14 B · 3. etg · dør 1 (H0301)".
pub(super) fn name(entrance: &Entrance, unit: Option<&Unit>, words: &Words) -> String {
    unit.map_or_else(|| entrance.address(), |unit| format!("{} · {}", entrance.address(), unit_name(unit, words)))
}

/// "3. etg · dør 1 (H0301)"; without an official number the door alone.
pub(super) fn unit_name(unit: &Unit, words: &Words) -> String {
    let Some(label) = UnitLabel::parse(&unit.label) else {
        return words.get(key::DOOR_ONLY).to_owned();
    };
    let floor = label.floor.to_string();
    let level = match label.level {
        Level::Main => words.with(key::FLOOR_MAIN, &[("n", &floor)]),
        Level::Loft => words.get(key::FLOOR_LOFT).to_owned(),
        Level::Lower => words.get(key::FLOOR_LOWER).to_owned(),
        Level::Cellar => words.get(key::FLOOR_CELLAR).to_owned(),
    };
    let door = words.with(key::DOOR_NAME, &[("n", &unit.position.to_string())]);
    format!("{} ({})", words.with(key::DOOR_FULL_NAME, &[("floor", &level), ("door", &door)]), unit.label)
}
