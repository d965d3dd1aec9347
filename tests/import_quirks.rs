//! One file in many dresses: whatever a spreadsheet, an editor or the publisher does to its form, it reads the same.

use dorbank_server::import::{AddressOptions, Report};
use dorbank_tests::Engine;
use rand::{RngExt as _, SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha20Rng;

use crate::import_published::{Home, Town, addresses_of, dwellings_of};

/// The same rows in another form: with or without a mark at the front, either line end, columns in another order, columns
/// that nobody knows and one without a name at the end, quotes, spaces, small letters in the header, decimal commas, and
/// without the zeros that a spreadsheet takes from the front of a number.
fn dressed(text: &str, seed: u64) -> String {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut rows: Vec<Vec<String>> = text.trim_start_matches('\u{feff}').lines().map(|line| line.split(';').map(str::to_owned).collect()).collect();
    let (commas, no_zeros, small) = (rng.random_bool(0.5), rng.random_bool(0.5), rng.random_bool(0.3));
    for column in 0..rows[0].len() {
        let name = rows[0][column].clone();
        for row in &mut rows[1..] {
            if commas && ["Nord", "Øst"].contains(&name.as_str()) {
                row[column] = row[column].replace('.', ",");
            }
            if no_zeros && name == "postnummer" {
                let short = row[column].trim_start_matches('0').to_owned();
                row[column] = short;
            }
        }
        if small {
            rows[0][column] = name.to_lowercase();
        }
    }
    if rng.random_bool(0.5) {
        for (place, row) in rows.iter_mut().enumerate() {
            row.push(if place == 0 { "merknad".to_owned() } else { ["", "han sa \"nei\"; og gikk", "æøå", "H0101"][place % 4].to_owned() });
        }
    }
    if rng.random_bool(0.7) {
        let mut order: Vec<usize> = (0..rows[0].len()).collect();
        order.shuffle(&mut rng);
        rows = rows.iter().map(|row| order.iter().map(|at| row[*at].clone()).collect()).collect();
    }
    if rng.random_bool(0.4) {
        for row in &mut rows {
            row.push(String::new());
        }
    }
    let (quotes, spaces) = ([0.0, 0.2, 1.0][rng.random_range(0..3)], [0.0, 0.2][rng.random_range(0..2)]);
    let end = ["\r\n", "\n"][rng.random_range(0..2)];
    let mut out = String::from(["\u{feff}", ""][rng.random_range(0..2)]);
    for row in &rows {
        let fields = row.iter().map(|field| {
            if field.contains(['"', ';']) || rng.random_bool(quotes) {
                format!("\"{}\"", field.replace('"', "\"\""))
            } else if rng.random_bool(spaces) {
                format!(" {field} ")
            } else {
                field.clone()
            }
        });
        out += &fields.collect::<Vec<_>>().join(";");
        out += end;
    }
    out
}

async fn read(text: &str) -> (Report, String) {
    let mut town = Town::new(Engine::Sqlite).await;
    let report = town.import_with(text, &AddressOptions::default()).await.unwrap_or_else(|error| panic!("{error}\n{text}"));
    (report, town.in_force().await)
}

#[tokio::test]
async fn whatever_the_form_the_same_rows_read_the_same() {
    let mut shop = Home::new(3, 5, "", &["H0101", "H01", "K0102"]);
    shop.units[0].1 = "A";
    let parcel = Home { street: String::new(), ..Home::new(4, 7, "", &["U0101"]) };
    let homes = [Home::new(1, 1, "", &["H0101", "H0201", "H0102"]), Home::new(2, 3, "B", &[]), shop, parcel];
    for text in [addresses_of(&homes), dwellings_of(&homes)] {
        let plain = read(&text).await;
        assert_eq!(plain.0.added, homes.len());
        for seed in 0..60 {
            let dressed = dressed(&text, seed);
            let read = read(&dressed).await;
            assert!(read == plain, "seed {seed}: {}\n{}\nnot {}\n{}\n{dressed}", read.0, read.1, plain.0, plain.1);
        }
    }
}
