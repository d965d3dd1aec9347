//! `dorbank import addresses --municipality 0301`, as the one person who runs it does.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    process::{Command, Stdio},
};

use dorbank_server::{
    import::Credit,
    store::{Db, entrance},
};
use dorbank_shared::sync::wire::Admission;
use dorbank_tests::{Engine, TestServer, World, database, write_site};
use tempfile::TempDir;

use super::{
    geonorge::{Fault, Geonorge, name, path},
    packed,
};
use crate::{
    import_published::{Home, dwellings_of},
    phone::Phone,
    process::Place,
};

const ADDRESSES: &str = "MatrikkelenAdresse";
const DWELLINGS: &str = "MatrikkelenAdresseLeilighetsniva";

fn oslo() -> String {
    name("0301", "Oslo", 4258, ADDRESSES)
}

async fn set(houses: usize) -> (Geonorge, TempDir, Place) {
    let server = Geonorge::start().await;
    server.publish(ADDRESSES, &[("0301", "Oslo", "Oslo", 4258, packed::published(&oslo(), &packed::addresses("0301", houses)))]);
    let folder = tempfile::tempdir().unwrap();
    write_site(&folder.path().join("site"));
    let place = Place::new(folder.path());
    (server, folder, place)
}

/// Runs a command while the server answers it.
async fn run(place: &Place, args: &[&str]) -> (bool, String, String) {
    let (place, args): (Place, Vec<String>) = (place.clone(), args.iter().map(|arg| (*arg).to_owned()).collect());
    let output = tokio::task::spawn_blocking(move || place.run(&args.iter().map(String::as_str).collect::<Vec<_>>())).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

async fn entrances(place: &Place) -> i64 {
    let db = Db::open(&format!("sqlite:{}", place.database().display())).await.unwrap();
    let count = entrance::count(&mut db.read().await.unwrap()).await.unwrap();
    db.close().await;
    count
}

#[tokio::test]
async fn one_command_brings_a_municipality_and_its_credit() {
    let (server, folder, place) = set(400).await;
    let feeds = server.feeds();
    let args = ["import", "addresses", "--municipality", "0301", "--feeds", &feeds];
    let (done, out, err) = run(&place, &[&args[..], &["--dry-run"]].concat()).await;
    assert!(done && out.contains("tried only") && out.contains("400  rows read"), "{out}{err}");
    assert_eq!(entrances(&place).await, 0);

    let (done, out, err) = run(&place, &args).await;
    assert!(done && out.contains("400  rows read") && out.contains("Inneholder data under CC BY 4.0 / © Kartverket (2026-07-01)"), "{out}{err}");
    assert!(err.contains("was there already, and is the newest") && err.contains(&oslo()), "{err}");
    assert!(err.contains("offers no flats"), "{err}");
    assert!(folder.path().join("data/cache").join(oslo()).is_file());
    assert_eq!(entrances(&place).await, 400);
    let db = Db::open(&format!("sqlite:{}", place.database().display())).await.unwrap();
    let credit = Credit::read(&mut db.read().await.unwrap()).await.unwrap().unwrap();
    assert_eq!((credit.holder.as_str(), credit.licence.as_str(), credit.extracted.as_deref()), ("Kartverket", "CC BY 4.0", Some("2026-07-01")));
    db.close().await;

    // The kept file is one like any other.
    let kept = folder.path().join("data/cache").join(oslo());
    let (done, out, err) = run(&place, &["import", "addresses", kept.to_str().unwrap()]).await;
    assert!(done && out.contains("400  unchanged"), "{out}{err}");
}

#[tokio::test]
async fn where_dwellings_are_offered_every_door_comes() {
    let (server, _folder, place) = set(3).await;
    let homes = [Home::new(1, 1, "", &["H0101", "H0102", "H0201"]), Home::new(2, 3, "", &[])];
    let file = name("0301", "Oslo", 4258, DWELLINGS);
    server.publish(DWELLINGS, &[("0301", "Oslo", "Oslo", 4258, packed::published(&file, &dwellings_of(&homes)))]);
    let (done, out, err) = run(&place, &["import", "addresses", "--municipality", "0301", "--feeds", &server.feeds()]).await;
    assert!(done && err.contains(&file), "{out}{err}");
    let db = Db::open(&format!("sqlite:{}", place.database().display())).await.unwrap();
    let mut tx = db.read().await.unwrap();
    let doors: i64 = tx.one("SELECT COUNT(*) FROM unit_in_force", vec![]).await.unwrap().unwrap().get(0).unwrap();
    assert_eq!((entrance::count(&mut tx).await.unwrap(), doors), (2, 4));
}

#[tokio::test]
async fn what_cannot_be_is_said_before_anything_is_fetched() {
    let (server, _folder, place) = set(10).await;
    let feeds = server.feeds();
    for (args, expected) in [
        (&["import", "addresses"][..], "required"),
        (&["import", "addresses", "a.csv", "--municipality", "0301"], "cannot be used with"),
        (&["import", "addresses", "a.csv", "--product", "flats"], "cannot be used with"),
        (&["import", "addresses", "--municipality", "0301", "--product", "houses"], "possible values: addresses, flats"),
        (&["import", "addresses", "--municipality", "0302", "--feeds", &feeds], "Near it are 0301 Oslo"),
    ] {
        let (done, out, err) = run(&place, args).await;
        assert!(!done && err.contains(expected), "{args:?}: {out}{err}");
    }
    let (done, out, err) = run(&place, &["demo", "--size", "small"]).await;
    assert!(done, "{out}{err}");
    let before = server.asked(&path(&oslo())).len();
    let (done, _, err) = run(&place, &["import", "addresses", "--municipality", "0301", "--feeds", &feeds]).await;
    assert!(!done && err.contains("a demo takes no real data"), "{err}");
    assert_eq!(server.asked(&path(&oslo())).len(), before);
}

#[tokio::test]
async fn what_the_environment_says_of_proxies_is_heeded() {
    let (server, _folder, place) = set(3).await;
    // Nobody knows this name, so it can only have been asked through the proxy.
    let args = ["import", "addresses", "--municipality", "0301", "--feeds", "http://geonorge.invalid/geonorge/ATOM-feeds/"];
    let mut command = place.command(&args);
    command.env("http_proxy", server.url("")).env_remove("NO_PROXY").env_remove("no_proxy");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !server.asked(&path(&oslo())).is_empty(), "{said}");

    // Of a secure address a proxy is asked for a way there.
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = place.command(&["import", "addresses", "--municipality", "0301", "--feeds", "https://geonorge.invalid/"]);
    command.env("HTTPS_PROXY", format!("http://{}", proxy.local_addr().unwrap())).env_remove("NO_PROXY").env_remove("no_proxy");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let asked = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(proxy.accept().unwrap().0).read_line(&mut line).unwrap();
        line
    });
    assert_eq!(asked.await.unwrap(), "CONNECT geonorge.invalid:443 HTTP/1.1\r\n");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn ctrl_c_leaves_the_part_and_the_register() {
    let (server, folder, place) = set(400).await;
    server.fails(&path(&oslo()), &[Fault::SilentAfter(3_000)]);
    let feeds = server.feeds();
    let mut command = place.command(&["import", "addresses", "--municipality", "0301", "--feeds", &feeds]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    server.silent().notified().await;
    // The server has given all that it gives; the command has it when it is on the disk.
    let part = folder.path().join("data/cache").join(format!("{}.part", oslo()));
    while !std::fs::metadata(&part).is_ok_and(|about| about.len() == 3_000) {
        tokio::task::yield_now().await;
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let status = tokio::task::spawn_blocking(move || {
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (child.wait().unwrap(), said)
    });
    let (status, said) = status.await.unwrap();
    assert!(!status.success() && said.contains("what has come is kept, and the same command goes on from there"), "{said}");
    assert_eq!(entrances(&place).await, 0);
    let (done, out, err) = run(&place, &["import", "addresses", "--municipality", "0301", "--feeds", &feeds]).await;
    assert!(done, "{out}{err}");
    assert_eq!(server.asked(&path(&oslo()))[1].range.as_deref(), Some("bytes=3000-"));
    assert_eq!(entrances(&place).await, 400);
}

#[tokio::test]
async fn a_full_disk_is_told_and_gets_its_room_back() {
    let (server, folder, place) = set(20_000).await;
    let feeds = server.feeds();
    // The database is there; then no file may grow beyond what the zip needs.
    let (done, out, err) = run(&place, &["officer", "list"]).await;
    assert!(done, "{out}{err}");
    let size = packed::published(&oslo(), &packed::addresses("0301", 20_000)).len();
    assert!(size > 2 * 65_536, "{size}");
    let args = ["import", "addresses", "--municipality", "0301", "--feeds", &feeds];
    let starved = place.command_that_may_be_starved(&args);
    let mut limited = Command::new("prlimit");
    limited.arg("--fsize=65536:65536").arg(starved.get_program()).args(starved.get_args()).current_dir(place.folder());
    for (name, value) in starved.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let output = tokio::task::spawn_blocking(move || limited.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("there is no more room") && said.contains("--data"), "{said}");
    assert!(said.contains(&format!("{}.part", oslo())), "{said}");
    let left: Vec<_> = std::fs::read_dir(folder.path().join("data/cache")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains(".zip")), "{left:?}");
    assert_eq!(entrances(&place).await, 0);
    let (done, out, err) = run(&place, &args).await;
    assert!(done && out.contains("20000  rows read"), "{out}{err}");
}

#[tokio::test]
async fn every_page_shows_the_credit_in_its_language() {
    let server = TestServer::start().await;
    let footer = async |language: &str| {
        let page = server.get(&format!("/?lang={language}")).send().await.unwrap().text().await.unwrap();
        page.split("<footer").nth(1).unwrap().split("</footer>").next().unwrap().to_owned()
    };
    assert!(!footer("nb").await.contains("CC BY"), "nobody's data is here yet");
    Credit::kartverket(Some(jiff::civil::date(2026, 7, 1))).write(&server.state.db).await.unwrap();
    for (language, words) in [
        ("nb", "Inneholder data under CC BY 4.0 / © Kartverket, uttrekk 1. juli 2026."),
        ("nn", "Inneheld data under CC BY 4.0 / © Kartverket, uttrekk 1. juli 2026."),
        ("en", "Contains data under CC BY 4.0 / © Kartverket, extracted 1 July 2026."),
    ] {
        assert!(footer(language).await.contains(words), "{language}: {}", footer(language).await);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_phone_is_told_the_credit_of_its_doors() {
    let server = TestServer::start().await;
    let world = World::make(&server.state).await;
    let phone = Phone::join(&server.state, &world, Admission::Admitted, Some(world.turfs[0].id)).await;
    let before = phone.pull(&server, &[], None).await.bundle.unwrap();
    assert_eq!(before.credit, None);
    Credit::kartverket(Some(jiff::civil::date(2026, 7, 1))).write(&server.state.db).await.unwrap();
    // What a phone has is no longer all: it fetches its doors anew, and the credit with them.
    let after = phone.pull(&server, &[], Some(&before.tag)).await.bundle.unwrap();
    assert_eq!(after.credit.as_deref(), Some("CC BY 4.0 / © Kartverket (2026-07-01)"));
    server.stop().await;
}

#[tokio::test]
async fn the_credit_is_kept_on_both_databases() {
    for engine in Engine::BOTH {
        let folder = TempDir::new().unwrap();
        let db = Db::open(&database(engine, folder.path()).await).await.unwrap();
        assert_eq!(Credit::read(&mut db.read().await.unwrap()).await.unwrap(), None);
        for day in [None, Some(jiff::civil::date(2026, 7, 1))] {
            let credit = Credit::kartverket(day);
            credit.write(&db).await.unwrap();
            assert_eq!(Credit::read(&mut db.read().await.unwrap()).await.unwrap(), Some(credit));
        }
    }
}
