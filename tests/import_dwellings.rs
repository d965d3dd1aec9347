//! The flat-level product: every door, property by property, whichever product comes first and in whatever order its rows.

use std::collections::{BTreeMap, HashSet};

use dorbank_server::{
    import::{AddressOptions, Doors, Pace, Product, Reason},
    store::visit,
};
use dorbank_tests::Engine;
use rand::{RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha20Rng;

use crate::import_published::{DWELLINGS, Home, Town, addresses_of, dwellings_of, scattered_dwellings_of};

/// A made-up town: houses, blocks, cabins, shops, addresses without units, and some of all on one property.
fn town(seed: u64, homes: u64) -> Vec<Home> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    (1..=homes)
        .map(|id| {
            let mut home = Home::new(id, u16::try_from(id).unwrap(), ["", "", "A"].choose(&mut rng).unwrap(), &[]);
            home.property = (rng.random_range(1..4), rng.random_range(1..20), *[0, 0, 0, 3].choose(&mut rng).unwrap());
            if rng.random_bool(0.1) {
                home.street = String::new();
                home.letter = String::new();
            }
            let shape = rng.random_range(0..6);
            let mut labels: HashSet<String> = HashSet::new();
            for _ in 0..[0, 1, 1, 2, 8, 20][shape] {
                let level = *["H", "H", "H", "H", "K", "U", "L"].choose(&mut rng).unwrap();
                labels.insert(format!("{level}{:02}{:02}", rng.random_range(1..6), rng.random_range(1..5)));
            }
            let mut labels: Vec<String> = labels.into_iter().collect();
            labels.sort();
            home.units = labels.into_iter().map(|label| (label, *["B", "B", "B", "B", "I", "F", "A", ""].choose(&mut rng).unwrap())).collect();
            if rng.random_bool(0.15) {
                home.units.push((String::new(), ["U", "A", "F", "B"].choose(&mut rng).unwrap()));
            }
            home
        })
        .collect()
}

fn expected(homes: &[Home]) -> BTreeMap<String, (usize, Vec<String>)> {
    let mut properties: BTreeMap<String, (usize, Vec<String>)> = BTreeMap::new();
    for home in homes {
        let doors = home.doors();
        if !doors.is_empty() {
            let (farm, holding, lease) = home.property;
            let property = properties.entry(format!("{farm}/{holding}/{lease}")).or_default();
            property.0 += 1;
            property.1.extend(doors);
            property.1.sort();
        }
    }
    properties
}

#[tokio::test]
async fn every_property_has_its_doors_whichever_product_comes_first() {
    for engine in Engine::BOTH {
        for seed in [1, 2, 3] {
            let homes = town(seed, 150);
            let right = expected(&homes);
            let doors: usize = right.values().map(|(_, doors)| doors.len()).sum();
            assert!(doors > 300 && right.len() > 40, "the town is big enough to tell: {doors} doors");
            let (plain, flats) = (addresses_of(&homes), scattered_dwellings_of(&homes, seed));
            // Parts so small that the rows of an address lie in several.
            let options = AddressOptions { pace: Pace { rows: 7, stop_after: None }, ..AddressOptions::default() };
            for order in [vec![&flats], vec![&plain, &flats], vec![&flats, &plain], vec![&plain, &flats, &plain, &flats]] {
                let mut town = Town::new(engine).await;
                for text in &order {
                    let dry = town.import_with(text, &AddressOptions { dry_run: true, ..options.clone() }).await.unwrap();
                    let real = town.import_with(text, &options).await.unwrap();
                    assert_eq!(dry, dorbank_server::import::Report { dry_run: true, ..real.clone() });
                    assert_eq!(real.added + real.changed + real.unchanged, homes.len());
                }
                assert_eq!(town.by_property().await, right, "{engine:?}, seed {seed}, {} files", order.len());
                let again = town.import_with(&flats, &options).await.unwrap();
                assert_eq!(again.doors, Doors { unchanged: doors, none: again.doors.none, ..Doors::default() }, "nothing is new");
                assert_eq!((again.unchanged, again.changed), (homes.len(), 0));
            }
        }
    }
}

#[tokio::test]
async fn a_door_of_each_level_gets_its_floor_and_number() {
    for engine in Engine::BOTH {
        let mut town = Town::new(engine).await;
        let report = town.import(&dwellings_of(&[Home::new(1, 1, "", &["L0101", "H0302", "K0101", "U0101", "H0101"])])).await;
        assert_eq!((report.product, report.added, report.doors.added), (Product::Dwellings, 1, 5));
        let found: Vec<(String, i64, i64)> = town.entrance(1).await.units.into_iter().map(|unit| (unit.label, unit.floor, unit.position)).collect();
        let right = [("K0101", -101, 1), ("U0101", -1, 1), ("H0101", 1, 1), ("H0302", 3, 2), ("L0101", 101, 1)];
        assert_eq!(found, right.map(|(label, floor, position)| (label.to_owned(), floor, position)));
    }
}

#[tokio::test]
async fn what_is_no_dwelling_is_left_out_and_what_cannot_be_read_is_refused_by_line() {
    let mut town = Town::new(Engine::Sqlite).await;
    let mut mixed = Home::new(1, 1, "", &["H0101", "H0201", "H201", "H0101"]);
    mixed.units.extend([("H0301", "I"), ("H0102", "A"), ("H0401", "F"), ("", "U"), ("H0501", "X")].map(|(label, kind)| (label.to_owned(), kind)));
    let mut shop = Home::new(2, 3, "", &[]);
    shop.units = vec![("H0101".to_owned(), "A")];
    let nothing = Home::new(3, 5, "", &[]);
    let report = town.import(&dwellings_of(&[mixed, shop, nothing])).await;
    let refused: Vec<(u64, &str, Reason)> = report.refused.iter().map(|one| (one.line, one.field, one.reason)).collect();
    let right = [
        (4, "bruksenhetsnummer", Reason::BadDwelling),
        (5, "bruksenhetsnummer", Reason::RepeatedDwelling),
        (10, "bruksenhetstype", Reason::UnknownKind),
    ];
    assert_eq!(refused, right);
    assert_eq!((report.left_out, report.unnumbered, report.doors.none, report.doors.added), (3, 1, 1, 4));
    assert_eq!(town.standing(1).await, ["H0101", "H0201", "H0301"]);
    assert_eq!(town.standing(2).await, [""; 0], "nobody lives in a shop");
    assert_eq!(town.standing(3).await, [""], "one door where none is listed");
    let text = report.to_string();
    assert!(text.contains("3  rows left out: holiday homes, shops and offices") && text.contains("1  addresses without a dwelling"), "{text}");
    assert!(text.contains("Doors of a floor are counted from the top of the stairs") && text.contains("Føringsinstruks"), "{text}");
}

#[tokio::test]
async fn without_a_column_for_the_kind_every_unit_is_a_dwelling() {
    let mut town = Town::new(Engine::Sqlite).await;
    let mut home = Home::new(1, 1, "", &["H0101"]);
    home.units.push(("H0102".to_owned(), "A"));
    let rows: Vec<String> = home.dwellings().iter().map(|row| row.rsplit_once(';').unwrap().0.to_owned()).collect();
    // Also in another order, without the optional columns, with Unix line ends and lower case.
    let whole = format!("{DWELLINGS}\r\n{}\r\n", rows.join("\r\n"));
    let report = town.import(&whole).await;
    assert_eq!((report.doors.added, report.without_kinds), (2, true));
    assert!(
        report.to_string().contains("The file does not say which units are dwellings") && report.to_string().contains("all were taken"),
        "{report}"
    );
    let few = "bruksenhetsnummer;Øst;Nord;EPSG-kode;poststed;postnummer;adresseTekst;bokstav;nummer;adressenavn;kommunenummer;adresseId\n\
        h0101;10,77;59,9101;4258;PRØVE;101;Rognegata 1;;1;Rognegata;9999;1\n ;10,77;59,9101;4258;PRØVE;101;Rognegata 3;;3;Rognegata;9999;2\n";
    let report = town.import(few).await;
    assert_eq!((report.added, report.doors.added, report.doors.vanished, report.refused.len()), (1, 1, 1, 0), "{report}");
    assert_eq!((town.standing(1).await, town.standing(2).await), (vec!["H0101".to_owned()], vec![String::new()]));
    assert_eq!(town.known(1).await.listing.property, "7/1/0", "what a file has no column for is as it was");
    assert_eq!(town.known(1).await.listing.grunnkrets.as_deref(), Some("99990101"));
}

#[tokio::test]
async fn an_address_without_a_street_is_the_same_in_both_products() {
    let mut town = Town::new(Engine::Sqlite).await;
    let parcel = Home { street: String::new(), ..Home::new(1, 1, "", &["H0101", "H0201"]) };
    town.import(&addresses_of(std::slice::from_ref(&parcel))).await;
    let report = town.import(&dwellings_of(&[parcel])).await;
    assert_eq!((report.unchanged, report.doors.numbered, report.doors.added), (1, 1, 1), "{report}");
    assert_eq!(town.known(1).await.listing.street, "Solbakken, 7/1");
}

#[tokio::test]
async fn a_door_without_a_number_becomes_the_first_one_unless_something_happened_there() {
    for engine in Engine::BOTH {
        let mut town = Town::new(engine).await;
        let homes = [
            Home::new(1, 1, "", &["H0201", "H0101"]),
            Home::new(2, 3, "", &["H0201", "H0101"]),
            Home::new(3, 5, "", &["H0101"]),
            Home::new(4, 7, "", &["K0101"]),
        ];
        town.import(&addresses_of(&homes)).await;
        let door = async |town: &Town, published| town.doors(published).await[0].id;
        let (first, second, third) = (door(&town, 1).await, door(&town, 2).await, door(&town, 3).await);
        let mut tx = town.db.begin().await.unwrap();
        visit::set_quiet(&mut tx, &HashSet::from([second, third]), &HashSet::new(), true).await.unwrap();
        tx.commit().await.unwrap();

        let report = town.import(&dwellings_of(&homes)).await;
        assert_eq!((report.doors.numbered, report.doors.added, report.doors.vanished), (3, 3, 1));
        // Nobody had been there: it is the first of them, and a phone that shows it goes on showing it.
        let now = town.doors(1).await;
        assert_eq!((now[0].label.as_str(), now[0].id, now.len()), ("H0101", first, 2));
        // Somebody had: it is kept and not walked to, and since nobody knows which door it was, nobody rings at any.
        let now = town.doors(2).await;
        assert_eq!((now[0].label.as_str(), now[0].id, now[0].vanished), ("", second, true));
        assert_eq!(
            (town.standing(2).await, town.quiet(2).await),
            (vec!["H0101".into(), "H0201".into()], vec![String::new(), "H0101".into(), "H0201".into()])
        );
        assert_eq!(report.carried, 1);
        // The only one is the only one, whatever happened there.
        let now = town.doors(3).await;
        assert_eq!((now[0].label.as_str(), now[0].id, now[0].do_not_knock, now.len()), ("H0101", third, true, 1));
        // A phone that was away notes its wish where it still shows the old door.
        let mut tx = town.db.begin().await.unwrap();
        visit::set_quiet(&mut tx, &HashSet::from([second]), &HashSet::new(), true).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(town.quiet(2).await.len(), 3);
    }
}

#[tokio::test]
async fn a_door_that_is_no_longer_listed_is_kept_and_comes_back_as_it_was() {
    for engine in Engine::BOTH {
        let mut town = Town::new(engine).await;
        let home = |units: &[&str]| dwellings_of(&[Home::new(1, 1, "", units), Home::new(2, 3, "", &["H0101"])]);
        town.import(&home(&["H0101", "H0102"])).await;
        let gone = town.doors(1).await[1].clone();
        let report = town.import(&home(&["H0101", "H0201"])).await;
        assert_eq!((report.doors.added, report.doors.vanished, report.doors.unchanged, report.unchanged), (1, 1, 2, 2));
        assert_eq!(town.standing(1).await, ["H0101", "H0201"]);
        assert_eq!(town.doors(1).await.len(), 3, "nothing is deleted");
        let report = town.import(&home(&["H0101", "H0102"])).await;
        assert_eq!((report.doors.back, report.doors.vanished, report.doors.added), (1, 1, 0));
        assert!(town.doors(1).await.contains(&gone));
        // The address product lists no doors and so says nothing of them.
        let report = town.import(&addresses_of(&[Home::new(1, 1, "", &[]), Home::new(2, 3, "", &[])])).await;
        assert_eq!((report.unchanged, report.doors), (2, Doors::default()));
        assert_eq!(town.standing(1).await, ["H0101", "H0102"]);
        // A row of the address that cannot be read may be any of its doors.
        let report = town.import(&home(&["H0101", "H102"])).await;
        assert_eq!((report.doors.vanished, report.refused.len()), (0, 1));
    }
}

#[tokio::test]
async fn what_a_spreadsheet_set_to_norwegian_saves_is_read() {
    let mut town = Town::new(Engine::Sqlite).await;
    // A mark before a quoted first name, commas in numbers, zeros gone from the front, metres with a comma.
    let text = "\u{feff}\"adresseId\";kommunenummer;adressenavn;nummer;bokstav;adresseTekst;EPSG-kode;Nord;Øst;postnummer;poststed;bruksenhetsnummer\r\n\
        1;301;Rognegata;1;;\"Rognegata 1, H0101\";25832;6642711,242;598986,701;184;OSLO;H0101\r\n\
        1;301;Rognegata;1;;\"Rognegata 1, H0102\";25832;6642711,242;598986,701;184;OSLO;H0102\r\n\
        2;301;Rognegata;3;a;\"Rognegata 3A\";4258;59,91;10,77;184;OSLO;\r\n";
    let report = town.import(text).await;
    assert_eq!((report.added, report.doors.added, report.refused.len()), (2, 3, 0), "{report}");
    let (metres, degrees) = (town.known(1).await.listing, town.known(2).await.listing);
    assert!((metres.at.lat - degrees.at.lat).abs() < 2e-7 && (metres.at.lon - degrees.at.lon).abs() < 4e-7, "{metres:?} {degrees:?}");
    assert_eq!((degrees.municipality.as_str(), degrees.postcode.as_str(), degrees.letter.as_str()), ("0301", "0184", "A"));
    let said = report.to_string();
    assert!(said.contains("Doors of a floor are counted as seen from outside the front door") && said.contains("in 0301"), "{said}");
}
