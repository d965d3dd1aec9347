//! The first reading of an address file: whether it is whole and what it lists, in little memory.
//!
//! Nothing is written before it is done, so a wrong file leaves no trace. What it remembers of each address and door are
//! 128 bits of a digest: a million of them are some 50 MB, and that two of Norway's are alike will not happen.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use dorbank_shared::place::UnitLabel;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::{
    ImportError, Product, Progress, Refused, WrongFile,
    read::{Row, Rows},
    row::{Address, Dwelling, Reason},
    sniff::ADDRESS_FILE,
};

/// An address or a door, by 128 bits of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 16]);

impl Key {
    /// Of some words.
    pub fn of(words: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for word in words {
            hash.update(word);
            hash.update([0]);
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        Self(key)
    }

    /// Of a door: its address and its number.
    pub fn of_door(source_id: &str, label: UnitLabel) -> Self {
        Self::of(&[source_id, &label.to_string()])
    }

    fn number(self) -> u128 {
        u128::from_le_bytes(self.0)
    }
}

/// What a file lists of one address.
#[expect(clippy::struct_excessive_bools, reason = "there are a million of it in memory, and each is a byte")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// How many numbered doors.
    pub doors: u16,
    /// The rank of the first of them; see [`UnitLabel::rank`].
    pub first: u16,
    /// A row of it can be used.
    pub usable: bool,
    /// A row of it cannot be read: what it lists there is not known whole.
    pub unreadable: bool,
    /// A dwelling without a number, or no unit at all: where no door has a number, there is one.
    pub unnumbered: bool,
    /// The second reading has met it.
    pub met: bool,
}

/// What a file lists.
#[derive(Debug, Default)]
pub struct Survey {
    /// Which product it is.
    pub product: Product,
    /// It says what kind of unit a dwelling is.
    pub has_kinds: bool,
    /// It says in which basic statistical unit an address lies.
    pub has_grunnkrets: bool,
    /// It says on which property an address lies.
    pub has_property: bool,
    /// Rows, without the header.
    pub rows: usize,
    /// Those that are not used, in their order.
    pub refused: Vec<Refused>,
    /// The municipalities of its addresses.
    pub municipalities: BTreeSet<String>,
    /// Its addresses, those too of which no row can be read.
    pub addresses: HashMap<Key, Seen>,
    /// Its numbered doors.
    pub doors: HashSet<Key>,
    /// Rows of units in which nobody lives.
    pub left_out: usize,
    /// Rows of a dwelling without a number.
    pub unnumbered: usize,
    /// So that the second reading can tell whether the file is still the same.
    sum: u128,
}

impl Survey {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or is refused as a whole.
    pub fn of(path: &Path, progress: &Progress) -> Result<Self, ImportError> {
        let mut rows = Rows::open(path, progress, "checking")?;
        let mut survey = Self {
            product: rows.columns.product,
            has_kinds: rows.columns.has_kinds(),
            has_grunnkrets: rows.columns.has_grunnkrets(),
            has_property: rows.columns.has_property(),
            ..Self::default()
        };
        let id_name = rows.columns.id_name();
        while let Some(row) = rows.next()? {
            survey.rows += 1;
            match row {
                Row::Usable { line, address, dwelling } => survey.take(line, &address, dwelling, id_name),
                Row::Refused { refused, source_id } => {
                    survey.refused.push(refused);
                    if let Some(id) = source_id {
                        survey.addresses.entry(Key::of(&[&id])).or_default().unreadable = true;
                    }
                }
            }
        }
        if survey.municipalities.is_empty() {
            let found = survey.refused.first().map_or_else(
                || "a header and no row".to_owned(),
                |first| format!("{} rows, none of which can be used; the first, line {}, {}: {}", survey.rows, first.line, first.field, first.reason),
            );
            return Err(WrongFile::new(ADDRESS_FILE, found, "download the file again and give it as it is").into());
        }
        Ok(survey)
    }

    fn take(&mut self, line: u64, address: &Address, dwelling: Option<Dwelling>, id_name: &'static str) {
        let key = Key::of(&[&address.source_id]);
        let seen = self.addresses.entry(key).or_default();
        match dwelling {
            None if seen.usable => {
                self.refused.push(Refused { line, field: id_name, reason: Reason::RepeatedId });
                return;
            }
            Some(Dwelling::Numbered(label)) => {
                if !self.doors.insert(Key::of_door(&address.source_id, label)) {
                    self.refused.push(Refused { line, field: "bruksenhetsnummer", reason: Reason::RepeatedDwelling });
                    return;
                }
                seen.first = if seen.doors == 0 { label.rank() } else { seen.first.min(label.rank()) };
                seen.doors = seen.doors.saturating_add(1);
            }
            Some(Dwelling::Unnumbered) => {
                self.unnumbered += 1;
                seen.unnumbered = true;
            }
            Some(Dwelling::None) => self.left_out += 1,
            None => {}
        }
        seen.usable = true;
        self.sum = self.sum.wrapping_add(checked(key, line));
        if !self.municipalities.contains(&address.municipality) {
            self.municipalities.insert(address.municipality.clone());
        }
    }

    /// How many doors it lists without a number: one at each address that has a dwelling and none with one.
    pub fn doors_without_number(&self) -> usize {
        self.addresses.values().filter(|seen| seen.unnumbered && seen.doors == 0).count()
    }

    /// What the second reading needs to know.
    pub fn plan(&self, rows_at_once: usize) -> SecondReading {
        SecondReading { skip: self.refused.iter().map(|refused| refused.line).collect(), sum: self.sum, rows_at_once }
    }
}

/// What a usable row adds to the sum.
fn checked(key: Key, line: u64) -> u128 {
    key.number().wrapping_mul(u128::from(line) | 1)
}

/// A usable row, on its way to the register.
#[derive(Debug)]
pub struct Usable {
    /// Its line.
    pub line: u64,
    /// The key of its address.
    pub key: Key,
    /// The address.
    pub address: Address,
    /// Its door.
    pub dwelling: Option<Dwelling>,
}

/// The second reading of a file, which hands over what the first found usable.
#[derive(Debug)]
pub struct SecondReading {
    skip: Arc<[u64]>,
    sum: u128,
    rows_at_once: usize,
}

impl SecondReading {
    /// Reads the file and hands its usable rows over, some thousand at once. Ends early when nobody takes them any more.
    ///
    /// # Errors
    /// When it cannot be read, or is not the file any more that was read first.
    pub fn run(self, path: &Path, progress: &Progress, to: &mpsc::Sender<Vec<Usable>>) -> Result<(), ImportError> {
        let mut rows = Rows::open(path, progress, "importing")?;
        let mut skip = self.skip.iter().peekable();
        let (mut sum, mut part) = (0u128, Vec::with_capacity(self.rows_at_once));
        while let Some(row) = rows.next()? {
            let line = match &row {
                Row::Usable { line, .. } => *line,
                Row::Refused { refused, .. } => refused.line,
            };
            if skip.next_if_eq(&&line).is_some() {
                continue;
            }
            let Row::Usable { address, dwelling, .. } = row else { return Err(ImportError::Changed) };
            let key = Key::of(&[&address.source_id]);
            sum = sum.wrapping_add(checked(key, line));
            part.push(Usable { line, key, address, dwelling });
            if part.len() == self.rows_at_once && to.blocking_send(std::mem::replace(&mut part, Vec::with_capacity(self.rows_at_once))).is_err() {
                return Ok(());
            }
        }
        if sum != self.sum {
            return Err(ImportError::Changed);
        }
        // The last part goes when the file has shown to be the same; the receiver hears of an error before it ends.
        let _ = to.blocking_send(part);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_where_a_word_ends() {
        assert_ne!(Key::of(&["12", "3"]), Key::of(&["1", "23"]));
        assert_eq!(Key::of(&["12"]), Key::of(&["12"]));
        assert_ne!(Key::of(&["12"]), Key::of(&["12", ""]));
    }

    #[test]
    fn what_is_remembered_of_an_address_is_small() {
        assert!(size_of::<(Key, Seen)>() <= 24, "{}", size_of::<(Key, Seen)>());
    }
}
