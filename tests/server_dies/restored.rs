//! A backup is put in the place of the database, older than what phones were answered.

use std::{collections::BTreeSet, sync::Arc};

use dorbank_server::{
    clock::SystemClock,
    state::{AppState, system_seed},
    store::{self, Db},
    verify,
};
use dorbank_shared::{
    sync::wire::{Admission, KIND_VISIT, Reason, Status},
    visit::Outcome,
};
use dorbank_tests::{
    field::Field,
    reliability::{self, Row},
};
use uuid::Uuid;

use super::world::{World, admit, look, visits_lost_and_twice};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_older_than_the_phones_receipts_loses_nothing_and_doubles_nothing() {
    let (world, state) = World::make().await;
    let place = &world.place;
    // Three shifts, in each a phone for each turf: enough was heard for the area to be mixed.
    let mut phones = vec![];
    for _ in 0..3 {
        phones.extend(world.shift(&state).await);
    }
    let server = place.serve();
    for (number, phone) in phones.iter_mut().enumerate() {
        for talk in 0..8 {
            phone.visit(number / 3 * 8 + talk, Outcome::Talked, None);
            world.hear(&state, phone, &format!("setning {number} {talk}"));
        }
        phone.finish(server.address).await;
    }
    assert!(place.done(&["mix"]).contains("mixed"));
    // What is heard now waits in the spool.
    for phone in &mut phones {
        world.hear(&state, phone, "før kopien");
        phone.draw(server.address).await.unwrap();
        phone.send_inputs(server.address).await.unwrap();
    }
    let backup = world.folder.path().join("backup.db");
    let backup = backup.to_str().unwrap();
    place.done(&["backup", backup]);
    assert!(place.done(&["verify", backup]).contains("All is well"));
    assert!(place.refused(&["backup", backup]).contains("already"), "no file is written over");
    // One that was killed left this behind.
    let (part, whole) = (world.folder.path().join("second.db.part"), world.folder.path().join("second.db"));
    std::fs::write(&part, "half").unwrap();
    place.done(&["backup", whole.to_str().unwrap()]);
    assert!(!part.exists() && whole.exists());
    assert!(place.refused(&["restore", "--noted"]).contains("is in use"), "under a server that runs");
    assert!(place.refused(&["backup", "/nowhere/backup.db"]).contains("mkdir -p /nowhere"));

    // After the backup: a correction of what it has, new visits, inputs for tickets drawn before and after, and a phone
    // that joins, is let in and works.
    let shift = store::device::find(&mut state.db.read().await.unwrap(), phones[0].device).await.unwrap().unwrap().shift;
    phones.push(world.join(&state, shift, 0, Some(Admission::Admitted)).await);
    for phone in &mut phones {
        let first = phone.entries.first().map(|entry| entry.id);
        phone.visit(30, Outcome::NotHome, None);
        phone.visit(0, Outcome::Declined, first);
        for _ in 0..12 {
            world.hear(&state, phone, "etter kopien");
        }
        phone.finish(server.address).await;
    }
    server.stop();
    let before = look(&world).await;

    // While anybody has it open it is not restored.
    assert!(place.refused(&["restore", backup]).contains("in use"));
    state.db.close().await;
    let other = sqlx::SqlitePool::connect(&place.config().database).await.unwrap();
    let _held: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM visit").fetch_one(&other).await.unwrap();
    assert!(place.refused(&["restore", backup]).contains("in use"), "also by another program");
    other.close().await;
    std::fs::write(world.folder.path().join("note.txt"), "not a backup").unwrap();
    assert!(place.refused(&["restore", "note.txt"]).contains("not whole"));
    assert!(place.refused(&["restore", "nowhere.db"]).contains("no file"));
    let said = place.done(&["restore", backup]);
    assert!(said.contains("Restored from") && said.contains("offer again"), "{said}");
    let aside: Vec<_> = std::fs::read_dir(world.folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("dorbank.db.before-") && !name.ends_with("-wal"))
        .collect();
    assert_eq!(aside.len(), 1, "the old one is put aside: {aside:?}");
    assert!(!world.folder.path().join("dorbank.db.restoring").exists());

    let state = AppState::open(place.config(), Arc::new(SystemClock), system_seed()).await.unwrap();
    let rows = store::audit::all(&mut state.db.read().await.unwrap()).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.action == "restore").count(), 1);
    let server = place.serve();
    let at = server.address;
    for phone in &mut phones {
        let held = store::device::find(&mut state.db.read().await.unwrap(), phone.device).await.unwrap();
        if held.is_none() {
            // It is not known any more. Its proof lets it wait; nothing that it has is put aside for anybody to look at.
            phone.answered.clear();
            let results = phone.push(at, 200).await.unwrap();
            assert!(results.iter().all(|result| *result == (Status::Retry, Some(Reason::NotAdmitted))), "{results:?}");
            admit(&state, phone.device, Admission::Admitted, phone.turf).await;
        }
        // Something new is sent, the answer names another epoch, and all is offered again.
        phone.visit(31, Outcome::ComeBack, None);
        phone.finish(at).await;
    }
    server.stop();
    let after = look(&world).await;
    let visits: BTreeSet<Uuid> =
        phones.iter().flat_map(|phone| &phone.entries).filter(|entry| entry.kind == KIND_VISIT).map(|entry| entry.id).collect();
    assert_eq!(after.visits.keys().copied().collect::<BTreeSet<_>>(), visits);
    assert_eq!(after.receipts.len(), phones.iter().map(|phone| phone.entries.len()).sum::<usize>());
    assert_eq!(after.mixed, 72, "what was mixed before the backup is known by its tickets and not taken again");
    assert_eq!(after.spool, before.spool, "and what waited or was lost with the old database is there, once");
    assert_eq!(after.spool.len() + 72, phones.iter().map(|phone| phone.sealed.len()).sum::<usize>());
    assert!(after.spool.values().all(|count| *count == 1));
    // Of inputs some are mixed by now, and were counted above.
    let (lost, twice) = visits_lost_and_twice(&phones, &after);
    assert_eq!((lost, twice), (0, 0));

    // A backup after this does not have phones let go of anything: one that was away does not know of the restore yet.
    let later = world.folder.path().join("later.db");
    place.done(&["backup", later.to_str().unwrap()]);
    let through = store::meta::find(&mut state.db.read().await.unwrap(), dorbank_server::sync::inputs::BACKED_UP_THROUGH).await.unwrap();
    assert_eq!(through, None);
    state.db.close().await;
    reliability::write(
        "server-restored",
        "The server is restored from a backup",
        "The server and the tools as processes of their own, over real sockets.",
        &[Row {
            fault: "a restore older than the phones' receipts".into(),
            tried: format!(
                "{} visits and {} sealed inputs, some mixed, some of phones that joined after the backup",
                visits.len(),
                after.spool.len() + 72
            ),
            runs: 1,
            times: None,
            lost,
            duplicated: twice,
        }],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_backup_than_the_newest_is_restored_only_when_meant() {
    let (world, state) = World::make().await;
    let old = world.folder.path().join("old.db");
    let (config, rng) = (world.place.config(), &mut state.fork_rng());
    let now = state.now_ms();
    dorbank_server::backup::run(&config.database, &old, now).await.unwrap();
    dorbank_server::backup::note(&state.db, now + 3 * 86_400_000, now + 3 * 86_400_000).await.unwrap();
    state.db.close().await;
    let refused = dorbank_server::restore::run(&config.database, &old, false, now, rng).await.unwrap_err();
    assert!(refused.to_string().contains("--older"), "{refused}");
    let restored = dorbank_server::restore::run(&config.database, &old, true, now, rng).await.unwrap();
    assert_eq!(restored.begun_at, Some(now));
    let again = dorbank_server::restore::run(&config.database, &old, true, now, rng).await.unwrap();
    assert_ne!(restored.aside, again.aside, "each that is put aside has its own name");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_the_first_hour_of_a_day_was_taken_in_the_place_of_one_that_holds_the_day_before() {
    let (world, state) = World::make().await;
    let old = world.folder.path().join("old.db");
    let (config, rng) = (world.place.config(), &mut state.fork_rng());
    // Half past midnight, UTC: what came a little before it may have been written after the copy.
    let midnight = state.now_ms().div_euclid(86_400_000) * 86_400_000;
    let (early, hour) = (midnight + 1_800_000, 3_600_000);
    dorbank_server::backup::run(&config.database, &old, early).await.unwrap();
    dorbank_server::backup::note(&state.db, early + hour, early + hour).await.unwrap();
    let mut restore = async || dorbank_server::restore::run(&config.database, &old, false, early + 2 * hour, rng).await;
    // A dump that began before is noted after it: what phones were told they may have let go of.
    let noted = dorbank_server::backup::note(&state.db, early - 26 * hour, early + hour).await.unwrap();
    assert!(noted < Some(dorbank_server::backup::last_whole_day(early + hour)), "from now on they are told less");
    state.db.close().await;
    let refused = restore().await.unwrap_err();
    assert!(refused.to_string().contains("--older"), "{refused}");
    // A day that is not over was noted by a clock that was ahead.
    let db = Db::open(&config.database).await.unwrap();
    dorbank_server::backup::note(&db, early + hour / 4, early + hour / 4).await.unwrap();
    db.close().await;
    restore().await.unwrap();
}

#[tokio::test]
async fn what_follows_a_restore_is_done_on_both() {
    for engine in dorbank_tests::Engine::BOTH {
        let server = dorbank_tests::TestServer::on(engine).await;
        let state = &server.state;
        let field = Field::make(state, 1, 1, 12).await;
        let mut phones = field.shift(state, &[0]).await;
        field.knock(state, &mut phones[0], 0, state.now_ms(), &[(0, Outcome::Talked)]).await;
        field.send(state, &phones[0], &[field.input(state, "01", &[0], None)]).await;
        let epoch = async || store::meta::epoch(&mut state.db.read().await.unwrap()).await.unwrap();
        let before = epoch().await;
        server.clock.advance(4 * 86_400_000);
        dorbank_server::restore::begin_again(&state.db, state.now_ms(), &mut state.fork_rng()).await.unwrap();
        assert_ne!(epoch().await, before);
        let mut tx = state.db.read().await.unwrap();
        assert_eq!(store::ticket::pool(&mut tx, field.round.id).await.unwrap(), 0, "no ticket that a phone may have is drawn again");
        let row = tx.one("SELECT outcome, device FROM visit", vec![]).await.unwrap().unwrap();
        assert_eq!((row.get::<String>(0).unwrap().as_str(), row.get::<Option<Uuid>>(1).unwrap()), ("done", None), "what came due is deleted");
        drop(tx);
        let checks = verify::run(&state.db, state.now_ms()).await.unwrap();
        assert!(verify::is_whole(&checks), "{checks:#?}");
        server.stop().await;
    }
}
