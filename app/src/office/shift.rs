//! Read by the lead, standing at a noisy square with a phone held up: the code, who waits, who is where, how it goes.

use dorbank_shared::words::key;
use leptos::prelude::*;
use uuid::Uuid;

use super::{
    page::{Board, Code, PhoneRow, ShiftPage, TurfRow},
    text::{count, figure, number, t, with},
    trouble::notice,
};

/// One shift. In the browser it keeps itself fresh; each part is drawn again only when its own data changed.
pub fn shift(first: ShiftPage) -> impl IntoView {
    let page = RwSignal::new(first.clone());
    #[cfg(feature = "office")]
    super::refresh::keep_fresh(page);
    let code = Memo::new(move |_| page.with(|page| (page.code.clone(), page.version)));
    let waiting = Memo::new(move |_| page.with(|page| (page.waiting.clone(), page.turfs.clone())));
    let admitted = Memo::new(move |_| page.with(|page| (page.admitted.clone(), page.turfs.clone(), page.board.is_some())));
    let turfs = Memo::new(move |_| page.with(|page| page.turfs.clone()));
    let board = Memo::new(move |_| page.with(|page| page.board.clone()));
    let id = first.id;
    let time = with(key::PLAN_WHEN, &[("from", &first.from), ("to", &first.to)]);
    view! {
        <div class="wide">
            {first.notice.map(notice)}
            <p class="back"><a href="/plan">{t(key::BOARD_BACK)}</a></p>
            <h1>{first.place}</h1>
            <p class="lead when">{first.date}" · "<span class="whole">{time}</span></p>
            <p class="soft">{t(&first.kind)}" · "{first.campaign}</p>
            {move || waiting_link(waiting.with(|(phones, _)| phones.len()))}
            {first.zetkin.map(|address| view! { <p><a href=address rel="noreferrer external">{t(key::BOARD_ZETKIN)}</a></p> })}
            <div class="board">
                <div class="board-code">{move || code_part(id, code.get())}</div>
                <section class="board-waiting" id="waiting">
                    <h2>{t(key::BOARD_WAITING)}</h2>
                    <div aria-live="polite">{move || waiting_part(id, waiting.get())}</div>
                </section>
                <section class="board-live">
                    <h2>{t(key::BOARD_LIVE)}</h2>
                    {move || board_part(board.get())}
                </section>
                <section class="board-turfs">
                    <h2>{t(key::BOARD_TURFS)}</h2>
                    {move || turfs_part(turfs.get())}
                </section>
                <section class="board-admitted">
                    <h2>{t(key::BOARD_ADMITTED)}</h2>
                    {move || admitted_part(id, admitted.get())}
                </section>
            </div>
        </div>
    }
}

/// The way past the code to those who wait, on a small screen.
fn waiting_link(waiting: usize) -> impl IntoView {
    let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
    (waiting > 0).then(|| view! { <p><a class="chip warn" href="#waiting">{count(key::PLAN_WAITING, waiting)}</a></p> })
}

fn code_part(id: Uuid, (code, version): (Option<Code>, i64)) -> impl IntoView {
    let Some(code) = code else {
        return view! { <p class="notice">{t(key::BOARD_CODE_CLOSED)}</p> }.into_any();
    };
    let how = with(key::BOARD_CODE_HOW, &[("address", &code.address)]);
    let valid = with(key::BOARD_CODE_VALID, &[("from", &code.from), ("to", &code.to)]);
    // The picture changes with the code, so its address does too: no browser shows an old one.
    let picture = format!("/plan/v1/shifts/{id}/qr.svg?v={version}");
    view! {
        <section class="card code">
            <h2>{t(key::BOARD_CODE)}</h2>
            <p class="typed">{code.typed}</p>
            <p>{how}</p>
            <img class="qr" src=picture alt=t(key::BOARD_CODE_QR) width="280" height="280"/>
            {code.locked_until.map(|time| view! { <p class="notice warn">{with(key::BOARD_CODE_LOCKED, &[("time", &time)])}</p> })}
            <p class="soft">{valid}</p>
            <details>
                <summary>{t(key::BOARD_ROTATE)}</summary>
                <p>{t(key::BOARD_ROTATE_WHY)}</p>
                <form method="post" action=format!("/plan/v1/shifts/{id}/rotate")>
                    <input type="hidden" name="version" value=version.to_string()/>
                    <button class="second" type="submit">{t(key::BOARD_ROTATE)}</button>
                </form>
                <p>{t(key::BOARD_REFUSE_ALL_WHY)}</p>
                <form method="post" action=format!("/plan/v1/shifts/{id}/refuse-waiting")>
                    <input type="hidden" name="version" value=version.to_string()/>
                    <button class="second" type="submit">{t(key::BOARD_REFUSE_ALL)}</button>
                </form>
            </details>
        </section>
    }
    .into_any()
}

/// "Rode 4 · Tøyengata øst".
fn turf_name(turf: &TurfRow) -> String {
    with(key::BOARD_TURF, &[("number", &turf.number.to_string()), ("name", &turf.name)])
}

fn choices(turfs: &[TurfRow], chosen: Option<Uuid>) -> Vec<impl IntoView + use<>> {
    turfs.iter().map(|turf| view! { <option value=turf.id.to_string() selected=chosen == Some(turf.id)>{turf_name(turf)}</option> }).collect()
}

/// The turf that the fewest phones walk: what the lead most likely wants to give next.
fn next_turf(turfs: &[TurfRow]) -> Option<Uuid> {
    turfs.iter().min_by_key(|turf| (turf.signs.len(), turf.number)).map(|turf| turf.id)
}

fn waiting_part(id: Uuid, (phones, turfs): (Vec<PhoneRow>, Vec<TurfRow>)) -> impl IntoView {
    if phones.is_empty() {
        return view! { <p class="soft">{t(key::BOARD_WAITING_NONE)}</p> }.into_any();
    }
    let rows: Vec<_> = phones
        .into_iter()
        .map(|phone| {
            let sign = [("sign", phone.sign.as_str())];
            let select = format!("turf-{}", phone.id);
            let action = format!("/plan/v1/shifts/{id}/devices/{}", phone.id);
            view! {
                <li class="phone">
                    <p class="sign">{phone.sign.clone()}</p>
                    <form method="post" action=format!("{action}/admit")>
                        <input type="hidden" name="version" value=phone.version.to_string()/>
                        <label class="unseen" for=select.clone()>{with(key::BOARD_TURF_CHOOSE, &sign)}</label>
                        <select id=select name="turf" required>{choices(&turfs, next_turf(&turfs))}</select>
                        <button type="submit" aria-label=with(key::BOARD_ADMIT_SIGN, &sign)>{t(key::BOARD_ADMIT)}</button>
                    </form>
                    <form method="post" action=format!("{action}/refuse")>
                        <input type="hidden" name="version" value=phone.version.to_string()/>
                        <button class="second" type="submit" aria-label=with(key::BOARD_REFUSE_SIGN, &sign)>{t(key::BOARD_REFUSE)}</button>
                    </form>
                </li>
            }
        })
        .collect();
    view! {
        <p class="soft">{t(key::BOARD_WAITING_HOW)}</p>
        <ul class="phones">{rows}</ul>
    }
    .into_any()
}

/// When a phone was last seen, in steps of five minutes: enough to see that it lives, too little to follow anybody.
pub(super) fn seen(minutes: i64) -> String {
    match minutes {
        ..5 => t(key::BOARD_SEEN_NOW),
        5..60 => with(key::BOARD_SEEN_AGO, &[("n", &minutes.to_string())]),
        60.. => t(key::BOARD_SEEN_LONG),
    }
}

fn admitted_part(id: Uuid, (phones, turfs, live): (Vec<PhoneRow>, Vec<TurfRow>, bool)) -> impl IntoView {
    if phones.is_empty() {
        return view! { <p class="soft">{t(if live { key::BOARD_ADMITTED_NONE } else { key::BOARD_ADMITTED_GONE })}</p> }.into_any();
    }
    let rows: Vec<_> = phones
        .into_iter()
        .map(|phone| {
            let turf = turfs.iter().find(|turf| Some(turf.id) == phone.turf).map_or_else(|| t(key::BOARD_TURF_NONE), turf_name);
            // What a phone has noted since it was last heard nobody knows.
            let (class, unsent) = match (phone.unsent, phone.seen_minutes) {
                (1.., _) => ("chip warn", count(key::BOARD_UNSENT_COUNT, phone.unsent)),
                (_, ..5) => ("chip good", t(key::BOARD_UNSENT_NONE)),
                _ => ("chip", t(key::BOARD_UNSENT_THEN)),
            };
            let sign = [("sign", phone.sign.as_str())];
            view! {
                <li class="row">
                    <p class="small-sign">{phone.sign.clone()}</p>
                    <div class="grow">
                        <p>{turf}</p>
                        <p class="chips">
                            <span class=class>{unsent}</span>
                            <span class="soft">{t(key::BOARD_SEEN)}": "{seen(phone.seen_minutes)}</span>
                        </p>
                    </div>
                    <details>
                        <summary aria-label=with(key::BOARD_REVOKE_SIGN, &sign)>{t(key::BOARD_REVOKE)}</summary>
                        <p>{t(key::BOARD_REVOKE_WHY)}</p>
                        <form method="post" action=format!("/plan/v1/shifts/{id}/devices/{}/revoke", phone.id)>
                            <input type="hidden" name="version" value=phone.version.to_string()/>
                            <button class="second" type="submit">{with(key::BOARD_REVOKE_SIGN, &sign)}</button>
                        </form>
                    </details>
                </li>
            }
        })
        .collect();
    view! { <ul class="rows">{rows}</ul> }.into_any()
}

fn turfs_part(turfs: Vec<TurfRow>) -> impl IntoView {
    if turfs.is_empty() {
        return view! { <p class="soft">{t(key::BOARD_TURFS_NONE)}</p> }.into_any();
    }
    let rows: Vec<_> = turfs
        .into_iter()
        .map(|turf| {
            let done = with(key::BOARD_TURFS_PROGRESS, &[("done", &turf.done.to_string()), ("all", &turf.doors.to_string())]);
            let name = turf_name(&turf);
            view! {
                <li>
                    <p class="turf">
                        <span>{name.clone()}</span>
                        <span class="soft">{turf.signs.join(" ")}</span>
                    </p>
                    <progress max=turf.doors.max(1).to_string() value=turf.done.to_string() aria-label=name></progress>
                    <p class="soft">{done}</p>
                </li>
            }
        })
        .collect();
    view! {
        <ul class="turfs">{rows}</ul>
        <p class="soft">{t(key::BOARD_TURFS_HOW)}</p>
    }
    .into_any()
}

fn board_part(board: Option<Board>) -> impl IntoView {
    let Some(board) = board else {
        return view! { <p class="soft">{t(key::BOARD_LIVE_GONE)}</p> }.into_any();
    };
    let doors = number(board.doors.unsigned_abs());
    view! {
        <dl class="figures">
            <div><dt>{t(key::BOARD_LIVE_DOORS)}</dt><dd>{doors}</dd></div>
            <div><dt>{t(key::BOARD_LIVE_OPENED)}</dt><dd>{figure(board.opened)}</dd></div>
            <div><dt>{t(key::BOARD_LIVE_TALKED)}</dt><dd>{figure(board.talked)}</dd></div>
        </dl>
        <p class="soft">{with(key::BOARD_LIVE_AT, &[("time", &board.at)])}</p>
    }
    .into_any()
}
