//! What a first download costs, in bytes: these do not depend on the machine.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
};

use dorbank_server::store::{self, entrance::Registered};
use dorbank_shared::{
    geo::LatLon,
    place::Unit,
    sync::wire::{Admission, PullResponse},
};
use dorbank_tests::{TestServer, World};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::json;

use crate::phone::Phone;

const ENTRANCES: usize = 1_000;
const DOORS_OF_ENTRANCE: usize = 20;

/// Twenty thousand doors in one turf, and the same rows as a table.
async fn large_turf(server: &TestServer, world: &World) -> String {
    let state = &server.state;
    let (mut entrances, mut units) = (Vec::new(), Vec::new());
    let mut table = String::from("entrance;street;number;letter;lat;lon;unit;label;floor;position\n");
    for number in 0..ENTRANCES {
        let at = LatLon { lat: 59.9 + (number * 7919 % 100_003) as f64 / 1e6, lon: 10.7 + (number * 104_729 % 100_003) as f64 / 1e6 };
        let entrance = Registered {
            id: state.id_v7(),
            origin: "test".into(),
            source_id: number.to_string(),
            municipality: "0301".into(),
            street: format!("Gate {}", number / 40),
            number: i64::try_from(number % 40 + 1).unwrap(),
            letter: String::new(),
            postcode: "0562".into(),
            post_town: "Oslo".into(),
            grunnkrets: None,
            district: Some("01".into()),
            at,
            vanished: false,
        };
        for door in 0..DOORS_OF_ENTRANCE {
            let (floor, position) = (1 + door / 4, 1 + door % 4);
            let unit = Unit::new(state.id_v7(), &format!("H{floor:02}{position:02}"));
            let Registered { id, street, number, letter, .. } = &entrance;
            writeln!(table, "{id};{street};{number};{letter};{};{};{};{};{floor};{position}", at.lat, at.lon, unit.id, unit.label).unwrap();
            units.push((entrance.id, unit));
        }
        entrances.push(entrance);
    }
    let mut tx = state.db.begin().await.unwrap();
    store::entrance::put(&mut tx, &entrances, state.now_ms()).await.unwrap();
    store::entrance::put_units(&mut tx, &units).await.unwrap();
    let ids: Vec<_> = entrances.iter().map(|entrance| entrance.id).collect();
    store::turf::place(&mut tx, world.turfs[0].id, &ids).await.unwrap();
    tx.commit().await.unwrap();
    table
}

#[tokio::test]
async fn twenty_thousand_doors_cost_at_most_half_more_than_their_table() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let table = large_turf(&server, &world).await;
    let phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
    let ask = server.post("/sync/v1/pull").bearer_auth(&phone.credential).json(&json!({ "proto": 1, "build": "1", "turfs": {} }));
    let plain = ask.try_clone().unwrap().send().await.unwrap();
    assert!(!plain.headers().contains_key("content-encoding"), "who does not take it packed gets it as it is");
    let plain: PullResponse = plain.json().await.unwrap();
    let answer = ask.header("accept-encoding", "gzip, br").send().await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let packed = answer.bytes().await.unwrap();
    let mut text = String::new();
    GzDecoder::new(packed.as_ref()).read_to_string(&mut text).unwrap();
    let unpacked: PullResponse = serde_json::from_str(&text).unwrap();
    assert_eq!(unpacked, plain);
    assert_eq!(unpacked.bundle.unwrap().turfs[0].entrances.iter().map(|entrance| entrance.units.len()).sum::<usize>(), ENTRANCES * DOORS_OF_ENTRANCE);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(table.as_bytes()).unwrap();
    let table = encoder.finish().unwrap().len();
    eprintln!("20,000 doors: {} bytes packed, {} as they are, {table} as a packed table", packed.len(), text.len());
    assert!(packed.len() * 2 <= table * 3, "{} bytes against {table}", packed.len());
}
