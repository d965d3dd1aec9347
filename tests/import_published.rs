//! Address files as they are published, made up: both products from one list of homes, and a register to import them into.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use dorbank_server::{
    args,
    import::{AddressOptions, ImportError, Report, addresses},
    store::{Db, entrance, overview, staged},
};
use dorbank_shared::place::Entrance;
use dorbank_tests::{Engine, database};
use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha20Rng;
use tempfile::TempDir;
use uuid::Uuid;

/// The columns of "Matrikkelen - Adresse", in the published order.
pub const ADDRESSES: &str = "lokalid;kommunenummer;kommunenavn;adressetype;adressetilleggsnavn;adressetilleggsnavnKilde;adressekode;adressenavn;nummer;\
    bokstav;gardsnummer;bruksnummer;festenummer;undernummer;adresseTekst;adresseTekstUtenAdressetilleggsnavn;EPSG-kode;Nord;Øst;postnummer;poststed;\
    grunnkretsnummer;grunnkretsnavn;soknenummer;soknenavn;organisasjonsnummer;tettstednummer;tettstednavn;valgkretsnummer;valgkretsnavn;\
    oppdateringsdato;datauttaksdato;adresseId;uuidAdresse;atkomstId;uuidAtkomst;atkomstNord;atkomstØst;sommeratkomstId;uuidSommeratkomst;\
    sommeratkomstNord;sommeratkomstØst;vinteratkomstId;uuidVinteratkomst;vinteratkomstNord;vinteratkomstØst";

/// The columns of "Matrikkelen - Adresse Leilighetsnivå", in the published order. `lokalid` is the dwelling's.
pub const DWELLINGS: &str = "kommunenummer;kommunenavn;adressetype;adressetilleggsnavn;adressetilleggsnavnKilde;adressekode;adressenavn;nummer;bokstav;\
    gardsnummer;bruksnummer;festenummer;seksjonsnummer;undernummer;lokalid;bruksenhetsnummer;adresseTekst;adresseTekstUtenAdressetilleggsnavn;\
    EPSG-kode;Nord;Øst;postnummer;poststed;grunnkretsnummer;grunnkretsnavn;soknenummer;soknenavn;organisasjonsnummer;tettstednummer;tettstednavn;\
    valgkretsnummer;valgkretsnavn;oppdateringsdato;datauttaksdato;adresseId;uuidAdresse";

/// An address with its units, each by number and kind; none stands for an address for which no unit is listed.
#[derive(Debug, Clone, PartialEq)]
pub struct Home {
    pub id: u64,
    pub street: String,
    pub number: u16,
    pub letter: String,
    /// Gårdsnummer, bruksnummer, festenummer.
    pub property: (u32, u32, u32),
    pub lat: f64,
    pub lon: f64,
    pub grunnkrets: String,
    pub units: Vec<(String, &'static str)>,
}

impl Home {
    /// A house in Rognegata with these units, all of them dwellings.
    pub fn new(id: u64, number: u16, letter: &str, units: &[&str]) -> Self {
        Self {
            id,
            street: "Rognegata".to_owned(),
            number,
            letter: letter.to_owned(),
            property: (7, u32::from(number), 0),
            lat: 59.91 + f64::from(number) * 1e-4,
            lon: 10.77,
            grunnkrets: "99990101".to_owned(),
            units: units.iter().map(|unit| ((*unit).to_owned(), "B")).collect(),
        }
    }

    /// On another property.
    pub fn on(self, holding: u32) -> Self {
        Self { property: (7, holding, 0), ..self }
    }

    /// Its kind, and its text.
    fn called(&self) -> (&'static str, String) {
        if self.street.is_empty() {
            return ("matrikkeladresse", format!("Solbakken, {}/{}", self.property.0, self.property.1));
        }
        ("vegadresse", format!("{} {}{}", self.street, self.number, self.letter))
    }

    fn number(&self) -> String {
        if self.street.is_empty() { String::new() } else { self.number.to_string() }
    }

    /// Its row in the address product.
    pub fn address(&self) -> String {
        let Self { id, street, letter, property: (farm, holding, lease), lat, lon, grunnkrets, .. } = self;
        let (kind, text) = self.called();
        let lease = if *lease == 0 { String::new() } else { lease.to_string() };
        format!(
            "{id};9999;PRØVE;{kind};;;100;{street};{};{letter};{farm};{holding};{lease};;{text};{text};4258;{lat:.7};{lon:.7};0101;PRØVE;{grunnkrets};\
             Krets;1;Sokn;1;;;1;Valgkrets;01.01.2026 00:00:00;01.02.2026 00:00:00;{id};0;;;;;;;;;;;;",
            self.number()
        )
    }

    /// Its rows in the flat-level product.
    pub fn dwellings(&self) -> Vec<String> {
        let Self { id, street, letter, property: (farm, holding, lease), lat, lon, grunnkrets, .. } = self;
        let (kind, text) = self.called();
        let none = [(String::new(), "")];
        let units = if self.units.is_empty() { &none[..] } else { &self.units[..] };
        let row = |(place, (label, unit)): (u64, &(String, &str))| {
            let text = if label.is_empty() { text.clone() } else { format!("{text}, {label}") };
            format!(
                "9999;PRØVE;{kind};;;100;{street};{};{letter};{farm};{holding};{lease};0;0;{};{label};{text};{text};4258;{lat:.7};{lon:.7};0101;PRØVE;\
                 {grunnkrets};Krets;1;Sokn;1;;;1;Valgkrets;01.01.2026 00:00:00;01.02.2026 00:00:00;{id};0;{unit}",
                self.number(),
                id * 1_000 + place
            )
        };
        (1..).zip(units).map(row).collect()
    }

    /// The doors that people live behind.
    pub fn doors(&self) -> Vec<String> {
        let dwellings: Vec<&String> = self.units.iter().filter(|(_, kind)| !matches!(*kind, "F" | "A")).map(|(label, _)| label).collect();
        let mut doors: Vec<String> = dwellings.iter().filter(|label| !label.is_empty()).map(|label| (*label).clone()).collect();
        doors.sort();
        if doors.is_empty() && (self.units.is_empty() || !dwellings.is_empty()) {
            doors.push(String::new());
        }
        doors
    }
}

fn file(header: &str, rows: &[String]) -> String {
    let mut text = format!("\u{feff}{header}\r\n");
    for row in rows {
        write!(text, "{row}\r\n").unwrap();
    }
    text
}

/// The address product of some homes.
pub fn addresses_of(homes: &[Home]) -> String {
    file(ADDRESSES, &homes.iter().map(Home::address).collect::<Vec<_>>())
}

/// The flat-level product of some homes, the rows of an address together.
pub fn dwellings_of(homes: &[Home]) -> String {
    file(&format!("{DWELLINGS};bruksenhetstype"), &homes.iter().flat_map(Home::dwellings).collect::<Vec<_>>())
}

/// As [`dwellings_of`], in any order.
pub fn scattered_dwellings_of(homes: &[Home], seed: u64) -> String {
    let mut rows: Vec<String> = homes.iter().flat_map(Home::dwellings).collect();
    rows.shuffle(&mut ChaCha20Rng::seed_from_u64(seed));
    file(&format!("{DWELLINGS};bruksenhetstype"), &rows)
}

/// Refuses a register in force that is not as big as it says.
pub async fn is_counted(db: &Db) {
    let mut tx = db.read().await.unwrap();
    let fresh = "SELECT (SELECT COUNT(*) FROM entrance_in_force WHERE NOT vanished), \
        (SELECT COUNT(*) FROM unit_in_force u JOIN entrance_in_force e ON e.id = u.entrance WHERE NOT e.vanished AND NOT u.vanished)";
    let row = tx.one(fresh, args![]).await.unwrap().unwrap();
    let told = overview::register(&mut tx).await.unwrap();
    assert_eq!((told.entrances, told.doors), (row.get(0).unwrap(), row.get(1).unwrap()));
}

/// A register, and a folder for files.
pub struct Town {
    pub db: Db,
    pub dir: TempDir,
    /// The last id that was given.
    pub ids: u128,
    /// Milliseconds since 1970.
    pub now: i64,
}

impl Town {
    pub async fn new(engine: Engine) -> Self {
        let dir = TempDir::new().unwrap();
        let db = Db::open(&database(engine, dir.path()).await).await.unwrap();
        Self { db, dir, ids: 0, now: 1_780_000_000_000 }
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub async fn import_with(&mut self, text: &str, options: &AddressOptions) -> Result<Report, ImportError> {
        let path = self.write("addresses.csv", text);
        self.now += 1;
        let ids = &mut self.ids;
        let next = &mut || {
            *ids += 1;
            Uuid::from_u128(*ids)
        };
        addresses(&self.db, &path, options, self.now, next).await
    }

    /// Imports a file; many may vanish.
    pub async fn import(&mut self, text: &str) -> Report {
        self.import_with(text, &AddressOptions { accept_many_vanished: true, ..AddressOptions::default() }).await.unwrap()
    }

    /// The id of what is published under a number.
    pub async fn id(&self, published: u64) -> Uuid {
        self.known(published).await.id
    }

    /// What is in force under a published number.
    pub async fn known(&self, published: u64) -> staged::Known {
        let id = published.to_string();
        staged::known_as(&mut self.db.read().await.unwrap(), "kartverket", &[&id]).await.unwrap().remove(&id).unwrap()
    }

    /// An entrance with all its doors, vanished ones too.
    pub async fn entrance(&self, published: u64) -> Entrance {
        let id = self.id(published).await;
        entrance::find(&mut self.db.read().await.unwrap(), id).await.unwrap().unwrap()
    }

    /// The doors of an entrance, vanished ones too.
    pub async fn doors(&self, published: u64) -> Vec<staged::Door> {
        let id = self.id(published).await;
        let mut doors = staged::doors(&mut self.db.read().await.unwrap(), &[id]).await.unwrap().remove(&id).unwrap_or_default();
        doors.sort_by(|a, b| a.label.cmp(&b.label));
        doors
    }

    /// The numbers of the doors that are walked to.
    pub async fn standing(&self, published: u64) -> Vec<String> {
        self.doors(published).await.into_iter().filter(|door| !door.vanished).map(|door| door.label).collect()
    }

    /// The numbers of the doors where nobody rings.
    pub async fn quiet(&self, published: u64) -> Vec<String> {
        self.doors(published).await.into_iter().filter(|door| door.do_not_knock).map(|door| door.label).collect()
    }

    /// Of every property: its entrances that have doors, and the doors that are walked to.
    pub async fn by_property(&self) -> BTreeMap<String, (usize, Vec<String>)> {
        let sql = "SELECT e.property, e.id, u.label FROM entrance_in_force e JOIN unit_in_force u ON u.entrance = e.id \
            WHERE NOT e.vanished AND NOT u.vanished ORDER BY e.property, u.label, e.id";
        let mut properties: BTreeMap<String, (Vec<Uuid>, Vec<String>)> = BTreeMap::new();
        for row in self.db.read().await.unwrap().all(sql, args![]).await.unwrap() {
            let property = properties.entry(row.get(0).unwrap()).or_default();
            let id: Uuid = row.get(1).unwrap();
            if !property.0.contains(&id) {
                property.0.push(id);
            }
            property.1.push(row.get(2).unwrap());
        }
        properties.into_iter().map(|(property, (entrances, doors))| (property, (entrances.len(), doors))).collect()
    }

    /// How many rows a statement counts.
    pub async fn count(&self, sql: &str) -> i64 {
        self.db.read().await.unwrap().one(sql, args![]).await.unwrap().unwrap().get(0).unwrap()
    }

    /// Refuses a register that is not as big as it says.
    pub async fn is_counted(&self) {
        is_counted(&self.db).await;
    }

    /// All that is read of the register for screens and phones, as one text.
    pub async fn in_force(&self) -> String {
        let mut text = String::new();
        let mut tx = self.db.read().await.unwrap();
        for sql in [
            "SELECT id, id, source_id || ' ' || municipality || ' ' || street || ' ' || CAST(number AS TEXT) || letter || ' ' || postcode || ' ' || \
             COALESCE(district, '-') || ' ' || CAST(lat AS TEXT) || ' ' || CAST(lon AS TEXT) || ' ' || property || ' ' || CAST(vanished AS TEXT) || ' ' || \
             CAST(do_not_knock AS TEXT) FROM entrance_in_force ORDER BY id",
            "SELECT id, entrance, label || ' ' || CAST(floor AS TEXT) || ' ' || CAST(vanished AS TEXT) || ' ' || CAST(do_not_knock AS TEXT) \
             FROM unit_in_force ORDER BY id",
        ] {
            for row in tx.all(sql, args![]).await.unwrap() {
                let (id, of, line): (Uuid, Uuid, String) = (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
                writeln!(text, "{id} {of} {line}").unwrap();
            }
        }
        text
    }
}
