//! Importing again: nothing is lost, everything is counted, and a wish for quiet follows its door.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
};

use dorbank_server::{
    import::{AddressOptions, ListTo, Pace},
    store::visit,
};
use dorbank_tests::Engine;
use rand::{RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha20Rng;
use uuid::Uuid;

use crate::import_published::{Home, Town, addresses_of, dwellings_of, scattered_dwellings_of};

async fn wish(town: &Town, doors: &[Uuid], entrances: &[Uuid]) {
    let mut tx = town.db.begin().await.unwrap();
    visit::set_quiet(&mut tx, &doors.iter().copied().collect(), &entrances.iter().copied().collect(), true).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_changed_moved_vanished_and_came_back_is_counted_apart() {
    for engine in Engine::BOTH {
        let mut town = Town::new(engine).await;
        let homes: Vec<Home> = (1..=6).map(|id| Home::new(id, u16::try_from(id).unwrap(), "", &[]).on(100 + u32::try_from(id).unwrap())).collect();
        town.import(&addresses_of(&homes)).await;
        let mut next = homes.clone();
        next[0].street = "Nye Rognegate".to_owned();
        // Two metres north, and half a metre: the last is the same place, written in another system.
        next[1].lat += 1.8e-5;
        next[2].lat += 4e-6;
        let gone = next.remove(5);
        next.push(Home::new(7, 70, "", &[]).on(200));
        let report = town.import(&addresses_of(&next)).await;
        assert_eq!((report.added, report.changed, report.moved, report.back, report.unchanged, report.vanished), (1, 2, 1, 0, 3, 1));
        assert!((town.known(3).await.listing.at.lat - homes[2].lat).abs() < 1e-9, "it does not creep");
        assert!(town.known(6).await.vanished);
        let text = report.to_string();
        assert!(text.contains("2  changed") && text.contains("1  of these moved") && !text.contains("back:"), "{text}");

        next.push(gone);
        let report = town.import(&addresses_of(&next)).await;
        assert_eq!((report.added, report.changed, report.moved, report.back, report.unchanged, report.vanished), (0, 1, 0, 1, 6, 0));
    }
}

#[tokio::test]
async fn a_vanished_entrance_keeps_its_wish_until_it_comes_back() {
    for engine in Engine::BOTH {
        let mut town = Town::new(engine).await;
        let homes = [Home::new(1, 1, "", &["H0101", "H0201"]), Home::new(2, 9, "", &["H0101"])];
        town.import(&dwellings_of(&homes)).await;
        let (entrance, door) = (town.id(1).await, town.doors(1).await[1].id);
        wish(&town, &[door], &[entrance]).await;
        town.import(&dwellings_of(&homes[1..])).await;
        assert!(town.known(1).await.vanished && town.known(1).await.do_not_knock);
        let report = town.import(&dwellings_of(&homes)).await;
        let back = town.known(1).await;
        assert_eq!((report.back, back.id, back.vanished, back.do_not_knock), (1, entrance, false, true));
        assert_eq!(town.quiet(1).await, ["H0201"]);
    }
}

#[tokio::test]
async fn where_a_house_is_split_nobody_rings_where_it_was_asked_not_to() {
    for engine in Engine::BOTH {
        let mut town = Town::new(engine).await;
        // 5 is split into 5A and 5B; 8 gets a new number on its property; 11 goes and nothing comes.
        let before = [
            Home::new(1, 5, "", &["H0101", "H0201", "H0301"]),
            Home::new(2, 8, "", &["H0101", "H0102"]).on(80),
            Home::new(3, 11, "", &["H0101"]).on(110),
            Home::new(4, 13, "", &["H0101"]).on(130),
        ];
        town.import(&dwellings_of(&before)).await;
        let five = town.doors(1).await;
        let eight = town.id(2).await;
        wish(&town, &[five[1].id, five[2].id, town.doors(3).await[0].id], &[eight]).await;

        let after = [
            Home::new(11, 5, "A", &["H0101", "H0201"]).on(51),
            Home::new(12, 5, "B", &["H0101", "H0201"]).on(52),
            Home::new(13, 10, "", &["H0101", "H0102"]).on(80),
            before[3].clone(),
        ];
        let list = town.dir.path().join("list.csv");
        let options = AddressOptions { accept_many_vanished: true, list: ListTo::File(list.clone()), ..AddressOptions::default() };
        let dry = town.import_with(&dwellings_of(&after), &AddressOptions { dry_run: true, list: ListTo::Nowhere, ..options.clone() }).await.unwrap();
        let report = town.import_with(&dwellings_of(&after), &options).await.unwrap();
        // H0201 holds at two doors, H0301 nowhere (twice), the whole of 8 at 10, and the door of 11 nowhere.
        assert_eq!((report.carried, report.carried_nowhere, report.vanished, report.added), (3, 3, 3, 3));
        assert_eq!((dry.carried, dry.carried_nowhere, dry.vanished, dry.added), (3, 3, 3, 3));
        for split in [11, 12] {
            assert_eq!((town.quiet(split).await, town.known(split).await.do_not_knock), (vec!["H0201".to_owned()], false), "{split}");
        }
        assert_eq!((town.quiet(13).await.len(), town.known(13).await.do_not_knock), (0, true));
        assert_eq!(town.quiet(4).await.len(), 0);
        let lines = fs::read_to_string(&list).unwrap();
        assert!(lines.contains("wish for quiet carried over;;11;Rognegata 5A;Rognegata 5 H0201;door H0201"), "{lines}");
        assert!(lines.contains("wish for quiet carried over;;13;Rognegata 10;Rognegata 8;the whole entrance"), "{lines}");
        assert!(lines.contains("no such door any more, please look;;12;Rognegata 5B;Rognegata 5 H0301;"), "{lines}");

        // A phone that was out of reach notes its wish at the old door, or for the old house.
        wish(&town, &[five[0].id], &[]).await;
        assert_eq!(town.quiet(11).await, ["H0101", "H0201"]);
        wish(&town, &[], &[town.id(1).await]).await;
        assert!(town.known(11).await.do_not_knock && town.known(12).await.do_not_knock);
        assert!(!town.known(13).await.do_not_knock || town.known(2).await.do_not_knock, "only what came after");

        // Split once more: what came after what came after.
        let again = [Home::new(21, 5, "C", &["H0101", "H0201"]).on(51), after[1].clone(), after[2].clone(), after[3].clone()];
        town.import(&dwellings_of(&again)).await;
        assert_eq!((town.quiet(21).await, town.known(21).await.do_not_knock), (vec!["H0101".to_owned(), "H0201".to_owned()], true));
    }
}

#[tokio::test]
async fn a_door_without_a_number_on_one_side_may_be_any() {
    for engine in Engine::BOTH {
        let mut town = Town::new(engine).await;
        let old = [Home::new(1, 5, "", &["H0301"]), Home::new(2, 7, "", &[]), Home::new(9, 99, "", &["H0101"])];
        town.import(&dwellings_of(&old)).await;
        wish(&town, &[town.doors(1).await[0].id, town.doors(2).await[0].id], &[]).await;
        // The address product lists no doors: the wish at H0301 holds at the one door of 5A.
        let new = [Home::new(11, 5, "A", &[]), Home::new(2, 7, "", &[]), Home::new(9, 99, "", &[])];
        let report = town.import(&addresses_of(&new)).await;
        assert_eq!((report.carried, town.quiet(11).await), (1, vec![String::new()]));
        // And the wish at the one door of 7 at each door of 7B.
        let new = [Home::new(11, 5, "A", &["H0301"]), Home::new(12, 7, "B", &["H0101", "H0201"]), old[2].clone()];
        let report = town.import(&dwellings_of(&new)).await;
        assert_eq!((report.carried, town.quiet(12).await.len()), (1, 2));
        assert_eq!(town.quiet(11).await, ["H0301"], "the only door got its number and kept the wish");
    }
}

#[tokio::test]
async fn the_same_address_under_a_new_id_keeps_its_wish() {
    let mut town = Town::new(Engine::Sqlite).await;
    town.import(&dwellings_of(&[Home::new(1, 5, "", &["H0101"]), Home::new(9, 99, "", &[])])).await;
    wish(&town, &[town.doors(1).await[0].id], &[]).await;
    town.import(&dwellings_of(&[Home::new(2, 5, "", &["H0101"]).on(77), Home::new(9, 99, "", &[])])).await;
    assert_eq!(town.quiet(2).await, ["H0101"]);
}

#[tokio::test]
async fn the_list_has_a_line_for_each_thing_that_was_counted_and_no_formula() {
    let mut town = Town::new(Engine::Sqlite).await;
    let formula = Home { street: "=HYPERLINK(\"http://x\";\"y\")".to_owned(), ..Home::new(1, 1, "", &["H0101"]) };
    let homes = [formula.clone(), Home::new(2, 3, "", &["H0101", "H0102"]), Home::new(3, 5, "", &["H0101"]), Home::new(4, 7, "", &["H0101"])];
    let quoted = |homes: &[Home]| dwellings_of(homes).replace("=HYPERLINK(\"http://x\";\"y\")", "\"=HYPERLINK(\"\"http://x\"\";\"\"y\"\")\"");
    let folder = town.dir.path().join("lists");
    fs::create_dir(&folder).unwrap();
    let options = AddressOptions { accept_many_vanished: true, list: ListTo::Folder(folder.clone()), ..AddressOptions::default() };
    let first = town.import_with(&quoted(&homes), &options).await.unwrap();
    assert_eq!(first.list.as_deref(), Some(folder.join("import-report-2026-05-28-1.csv").as_path()));
    let mut next = homes.to_vec();
    next[0].number = 2;
    next[1].units.pop();
    next[2].lat += 0.001;
    next.remove(3);
    next.push(Home::new(5, 9, "", &["H0101", "H01"]));
    let dry = town.import_with(&quoted(&next), &AddressOptions { dry_run: true, ..options.clone() }).await.unwrap();
    assert_eq!((dry.list, fs::read_dir(&folder).unwrap().count()), (None, 1), "a trial run writes no file unasked");
    let report = town.import_with(&quoted(&next), &options).await.unwrap();
    let path = report.list.clone().unwrap();
    assert_eq!(path, folder.join("import-report-2026-05-28-2.csv"));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "nothing half-written lies beside them");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let of = |what: &str| lines.iter().filter(|line| line.starts_with(what)).count();
    assert!(text.starts_with("\u{feff}what;line in the file;publisher's id;address;"), "{text}");
    let counts = (of("refused;"), of("changed;"), of("moved;"), of("vanished;"), of("door vanished;"), of("added;"), of("unchanged;"));
    assert_eq!(counts, (1, 1, 1, 1, 1, 1, 1), "{text}");
    assert_eq!(
        (report.refused.len(), report.changed, report.moved, report.vanished, report.doors.vanished, report.added, report.unchanged),
        (1, 2, 1, 1, 1, 1, 1)
    );
    assert!(lines[lines.len() - 1].starts_with("added;") || lines[lines.len() - 1].starts_with("unchanged;"), "what is usual comes last: {text}");
    assert!(text.contains(";\"'=HYPERLINK(\"\"http://x\"\";\"\"y\"\") 2\";"), "{text}");
    for cell in lines.iter().skip(1).flat_map(|line| line.split(';')) {
        assert!(!cell.trim_start_matches('"').starts_with(['=', '+', '-', '@']), "{cell}");
    }

    // One that is named is not written over, and then nothing is imported.
    let taken = AddressOptions { list: ListTo::File(path.clone()), ..options };
    let refused = town.import_with(&quoted(&homes), &taken).await.unwrap_err().to_string();
    assert!(refused.contains("there is a file of that name already") && refused.contains("Nothing was changed"), "{refused}");
    assert_eq!((fs::read_to_string(&path).unwrap(), town.known(4).await.vanished), (text, true));
}

#[tokio::test]
async fn an_entrance_whose_doors_are_all_gone_is_not_walked_to() {
    for engine in Engine::BOTH {
        let mut town = Town::new(engine).await;
        town.import(&dwellings_of(&[Home::new(1, 1, "", &["H0101"]), Home::new(2, 3, "", &["H0101"])])).await;
        let mut shop = Home::new(1, 1, "", &["H0101"]);
        shop.units[0].1 = "A";
        let report = town.import(&dwellings_of(&[shop, Home::new(2, 3, "", &["H0101"])])).await;
        assert_eq!((report.doors.vanished, report.doors.none, report.unchanged), (1, 1, 2));
        assert_eq!((town.standing(1).await.len(), town.entrance(1).await.units.len()), (0, 1));
        let ids: HashSet<Uuid> = [town.id(1).await, town.id(2).await].into();
        assert_eq!(ids.len(), 2);
    }
}

/// What the file lists at 5, beside a house that stays: each unit by number and kind.
fn five(units: &[(&str, &'static str)]) -> String {
    let mut home = Home::new(1, 5, "", &[]);
    home.units = units.iter().map(|(label, kind)| ((*label).to_owned(), *kind)).collect();
    dwellings_of(&[home, Home::new(9, 99, "", &["H0101"])])
}

#[tokio::test]
async fn a_wish_was_lost_when_its_door_got_another_number() {
    for engine in Engine::BOTH {
        for (next, heirs) in [
            (vec![("H0102", "B")], vec!["H0102"]),
            (vec![("H0201", "B"), ("H0102", "B")], vec!["H0102"]),
            (vec![("", "B")], vec![""]),
            (vec![("H0201", "B")], vec![]),
        ] {
            let mut town = Town::new(engine).await;
            let first: &[(&str, &str)] = &[("H0101", "B"), ("H0201", "B")];
            // Where no number is left, one cannot be told from the other.
            town.import(&five(if next[0].0.is_empty() { &first[..1] } else { first })).await;
            let old = town.doors(1).await[0].id;
            wish(&town, &[old], &[]).await;
            let dry = town.import_with(&five(&next), &AddressOptions { dry_run: true, ..AddressOptions::default() }).await.unwrap();
            let report = town.import(&five(&next)).await;
            let counted = (usize::from(!heirs.is_empty()), usize::from(heirs.is_empty()));
            assert_eq!(((report.carried, report.carried_nowhere), (dry.carried, dry.carried_nowhere)), (counted, counted), "{next:?}");
            let mut quiet = town.quiet(1).await;
            quiet.retain(|label| label != "H0101");
            assert_eq!(quiet, heirs, "{next:?}");
            // Nothing more is said of it when the same file comes again.
            let again = town.import(&five(&next)).await;
            assert_eq!((again.carried, again.carried_nowhere), (0, 0), "{next:?}");
        }
    }
}

#[tokio::test]
async fn a_wish_was_lost_when_its_door_vanished_before_another_came() {
    for engine in Engine::BOTH {
        for (first, gone) in [("", vec![("H0101", "A")]), ("", vec![("", "A")]), ("H0301", vec![("H0101", "A")])] {
            let mut town = Town::new(engine).await;
            town.import(&five(&[(first, "B")])).await;
            wish(&town, &[town.doors(1).await[0].id], &[]).await;
            let report = town.import(&five(&gone)).await;
            assert_eq!((report.doors.vanished, report.carried, report.carried_nowhere), (1, 0, 1), "{report}");
            let report = town.import(&five(&[("H0101", "B"), ("H0102", "B")])).await;
            assert_eq!((report.carried, report.carried_nowhere), (1, 0), "{report}");
            assert_eq!(town.quiet(1).await.len(), 3, "{:?}", town.doors(1).await);
            // What came after it has it, and what comes later has nothing to do with it.
            town.import(&five(&[("H0101", "B"), ("H0102", "B"), ("H0501", "B")])).await;
            assert_eq!(town.quiet(1).await.len(), 3);
        }
    }
}

#[tokio::test]
async fn a_later_wish_at_a_door_with_another_number_reached_nobody() {
    for engine in Engine::BOTH {
        let mut town = Town::new(engine).await;
        town.import(&five(&[("H0101", "B"), ("H0201", "B")])).await;
        let old = town.doors(1).await[0].id;
        let report = town.import(&five(&[("H0102", "B"), ("H0201", "B")])).await;
        assert_eq!((report.carried, report.carried_nowhere, town.quiet(1).await.len()), (0, 0, 0));
        town.import(&five(&[("H0103", "B"), ("H0201", "B")])).await;
        // A phone that was away for two years still shows the first.
        wish(&town, &[old], &[]).await;
        assert_eq!(town.quiet(1).await, ["H0101", "H0102", "H0103"], "and not the door that had nothing to do with it");
    }
}

#[tokio::test]
async fn a_wish_was_lost_when_two_houses_were_joined() {
    for engine in Engine::BOTH {
        // 10B goes, and its doors are at 10A, which stands; one of them has its number still, the other another one.
        let before =
            [Home::new(1, 10, "A", &["H0101"]), Home::new(2, 10, "B", &["H0101", "H0201", "H0301"]).on(33), Home::new(3, 12, "", &["H0101"]).on(34)];
        let after = [Home::new(1, 10, "A", &["H0101", "H0102", "H0201", "H0302"]), before[2].clone()];
        let mut town = Town::new(engine).await;
        town.import(&dwellings_of(&before)).await;
        let (old, house) = (town.doors(2).await, town.id(2).await);
        wish(&town, &[old[1].id], &[]).await;
        let list = town.dir.path().join("list.csv");
        let options = AddressOptions { accept_many_vanished: true, list: ListTo::File(list.clone()), ..AddressOptions::default() };
        let report = town.import_with(&dwellings_of(&after), &options).await.unwrap();
        assert_eq!((report.vanished, report.carried, report.carried_nowhere), (1, 1, 0), "{report}");
        assert_eq!(town.quiet(1).await, ["H0201"]);
        let lines = fs::read_to_string(&list).unwrap();
        assert!(lines.contains("wish for quiet carried over;;1;Rognegata 10A;Rognegata 10B H0201;door H0201"), "{lines}");
        // A phone that was away: H0101 of 10B is one of the new doors, and not the one that 10A had.
        wish(&town, &[old[0].id], &[]).await;
        assert_eq!(town.quiet(1).await, ["H0102", "H0201", "H0302"]);
        assert!(!town.known(1).await.do_not_knock && town.quiet(3).await.is_empty());

        // And where the whole of 10B had asked.
        let mut town = Town::new(engine).await;
        town.import(&dwellings_of(&before)).await;
        assert_eq!(town.id(2).await, house);
        wish(&town, &[], &[house]).await;
        let report = town.import(&dwellings_of(&after)).await;
        assert_eq!((report.carried, report.carried_nowhere, town.quiet(1).await.len()), (1, 0, 3), "{report}");
        // 12 goes, and nothing comes: that is said.
        wish(&town, &[town.doors(3).await[0].id], &[town.id(3).await]).await;
        let report = town.import(&dwellings_of(&after[..1])).await;
        assert_eq!((report.carried, report.carried_nowhere), (0, 2), "{report}");
    }
}

/// What may become of a street in a year: houses go, come under new ids, are split and joined; doors go, come and are
/// numbered anew.
fn next_year(rng: &mut ChaCha20Rng, homes: &[Home], gone: &mut Vec<Home>, ids: &mut u64) -> Vec<Home> {
    let labels = ["H0101", "H0102", "H0201", "H0301"];
    let (mut next, left): (Vec<Home>, Vec<Home>) = homes.iter().cloned().partition(|_| rng.random_bool(0.8));
    next.extend(gone.pop().filter(|_| rng.random_bool(0.5)));
    gone.extend(left);
    while next.len() < 5 || rng.random_bool(0.3) {
        *ids += 1;
        let mut home = Home::new(*ids, rng.random_range(1..4), ["", "A", "B"].choose(rng).unwrap(), &[]).on(rng.random_range(1..5));
        home.lat = 59.91;
        next.push(home);
    }
    for home in &mut next {
        if home.units.is_empty() || rng.random_bool(0.4) {
            let mut units: Vec<(String, &'static str)> = Vec::new();
            for label in labels {
                if rng.random_bool(0.4) {
                    units.push((label.to_owned(), ["B", "B", "B", "A"].choose(rng).unwrap()));
                }
            }
            if units.is_empty() {
                units.push((String::new(), ["B", "U", "A"].choose(rng).unwrap()));
            }
            if rng.random_bool(0.1) {
                units.push(("H1".to_owned(), "B"));
            }
            home.units = units;
        }
    }
    next
}

/// A door or, without a number, an entrance, of those that the register knows.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    entrance: Uuid,
    /// What a house shares with one that came after it.
    shared: [String; 2],
    stands: bool,
    quiet: bool,
}

async fn all_places(town: &Town) -> BTreeMap<Uuid, Place> {
    let entrances = "SELECT id, id, property, street || ' ' || CAST(number AS TEXT), NOT vanished, do_not_knock FROM entrance_in_force";
    let doors = "SELECT u.id, e.id, e.property, e.street || ' ' || CAST(e.number AS TEXT), NOT e.vanished AND NOT u.vanished, u.do_not_knock \
        FROM unit_in_force u JOIN entrance_in_force e ON e.id = u.entrance";
    let mut all = BTreeMap::new();
    let mut tx = town.db.read().await.unwrap();
    for sql in [entrances, doors] {
        for row in tx.all(sql, Vec::new()).await.unwrap() {
            let shared = [row.get(2).unwrap(), row.get(3).unwrap()];
            let place = Place { entrance: row.get(1).unwrap(), shared, stands: row.get(4).unwrap(), quiet: row.get(5).unwrap() };
            all.insert(row.get(0).unwrap(), place);
        }
    }
    all
}

#[tokio::test]
async fn no_wish_is_lost_unless_it_is_counted() {
    let (mut carried, mut nowhere) = (0, 0);
    for seed in 0..60 {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut town = Town::new(if seed % 10 == 0 { Engine::Postgres } else { Engine::Sqlite }).await;
        let (mut homes, mut gone, mut ids) = (Vec::new(), Vec::new(), 0);
        let options = AddressOptions { accept_many_vanished: true, pace: Pace { rows: 3, stop_after: None }, ..AddressOptions::default() };
        for year in 0..6 {
            homes = next_year(&mut rng, &homes, &mut gone, &mut ids);
            let before = all_places(&town).await;
            let file = if rng.random_bool(0.15) { addresses_of(&homes) } else { scattered_dwellings_of(&homes, seed) };
            let dry = town.import_with(&file, &AddressOptions { dry_run: true, ..options.clone() }).await.unwrap();
            let report = town.import_with(&file, &options).await.unwrap();
            assert_eq!((dry.carried, dry.carried_nowhere), (report.carried, report.carried_nowhere), "seed {seed}, year {year}");
            let after = all_places(&town).await;
            town.is_counted().await;
            let mut lost = Vec::new();
            for (id, old) in before.iter().filter(|(_, old)| old.quiet) {
                assert!(after[id].quiet, "seed {seed}, year {year}: the wish itself is gone");
                if !old.stands || after[id].stands {
                    continue;
                }
                // Something came to be quiet, or came quiet: there, or at what shares the property, or street and number.
                let heir = |(other, now): (&Uuid, &Place)| {
                    let is_near = now.entrance == old.entrance || now.shared.iter().any(|one| old.shared.contains(one));
                    now.quiet && is_near && before.get(other).is_none_or(|before| !before.quiet || !before.stands && now.stands)
                };
                if !after.iter().any(heir) {
                    lost.push(*id);
                }
            }
            assert!(lost.len() <= report.carried_nowhere, "seed {seed}, year {year}: {lost:?}\n{report}");
            (carried, nowhere) = (carried + report.carried, nowhere + report.carried_nowhere);
            // Somebody asks, here and there; of a whole house seldom.
            let standing: Vec<(&Uuid, &Place)> = after.iter().filter(|(_, place)| place.stands).collect();
            let (mut doors, mut whole) = (Vec::new(), Vec::new());
            for (id, place) in standing {
                let is_whole = *id == place.entrance;
                if rng.random_bool(if is_whole { 0.04 } else { 0.1 }) {
                    if is_whole { &mut whole } else { &mut doors }.push(*id);
                }
            }
            wish(&town, &doors, &whole).await;
        }
    }
    assert!(carried > 50 && nowhere > 20, "the street is lively enough to tell: {carried} carried, {nowhere} nowhere");
}
