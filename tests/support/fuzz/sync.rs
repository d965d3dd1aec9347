//! What must hold of each answer to a phone.

use std::collections::HashSet;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use dorbank_server::sync::{entry, inputs as server_inputs};
use dorbank_shared::{
    error::{Code, Refusal},
    input::{InputsRequest, InputsResponse, SLOTS, SlotStatus},
    sync::wire::{Admission, JoinResponse, MAX_PUSH_BYTES, MEDIA_TYPE, PullResponse, PushResponse, Reason, Status},
};
use serde::de::DeserializeOwned;

use super::yard::{Answer, Phone, Yard};

fn refusal(answer: &Answer) -> Code {
    let text = String::from_utf8_lossy(&answer.body);
    serde_json::from_slice::<Refusal>(&answer.body).unwrap_or_else(|_| panic!("{} is no refusal of ours: {text}", answer.status)).error
}

fn accepted<T: DeserializeOwned>(answer: &Answer) -> T {
    assert_eq!(answer.media, MEDIA_TYPE);
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&answer.body)))
}

/// Every entry is answered for, under its digest; what is answered with a receipt is stored; what is no push changes nothing.
pub(super) async fn push(yard: &mut Yard, input: &[u8]) {
    let phone = yard.phone(input);
    let before = yard.data_version().await;
    let answer = yard.post("/sync/v1/push", Some(&phone), input.to_vec()).await;
    let batch = match entry::read(input) {
        _ if input.len() > MAX_PUSH_BYTES => Err(Code::TooLarge),
        read => read,
    };
    let batch = match batch {
        Ok(batch) => batch,
        Err(code) => {
            assert_eq!(refusal(&answer), code);
            assert_eq!(yard.data_version().await, before, "a refused push changed something");
            return;
        }
    };
    let response: PushResponse = accepted(&answer);
    assert_eq!(response.results.len(), batch.entries.len());
    let mut looked = HashSet::new();
    for (entry, result) in batch.entries.iter().zip(&response.results) {
        assert_eq!((entry.id, &entry.digest), (result.id, &result.digest));
        // A phone that waits keeps what it has until it is let in.
        let waits = (result.status, result.reason) == (Status::Retry, Some(Reason::NotAdmitted)) && phone.admission == Admission::Waiting
            // And one that replaces an entry which is still on its phone, as far as the phone says.
            || (result.status, result.reason) == (Status::Retry, Some(Reason::UnknownSuperseded));
        assert_eq!(result.status == Status::Quarantined || waits, result.reason.is_some(), "{result:?}");
        if waits {
            continue;
        }
        if !looked.insert((entry.id, result.status.name())) {
            continue;
        }
        let receipt = "SELECT COUNT(*) FROM receipt WHERE id = $1 AND device = $2";
        // The very same entry from whichever phone: it is there once.
        let known = "SELECT COUNT(*) FROM receipt WHERE id = $1 AND device = COALESCE(device, $2)";
        let kept = "SELECT COUNT(*) FROM quarantine WHERE id = $1 AND device = COALESCE(device, $2)";
        let stored = match result.status {
            // Nothing else is at work here, so nothing is busy: an entry that has to wait breaks the server.
            Status::Retry => panic!("an entry broke its transaction: {}", entry.id),
            Status::Quarantined => yard.rows_of(kept, entry.id, phone.id).await,
            Status::Duplicate => yard.rows_of(known, entry.id, phone.id).await,
            Status::Applied | Status::Merged | Status::ConflictRecorded => {
                assert_eq!(phone.admission, Admission::Admitted);
                yard.rows_of(receipt, entry.id, phone.id).await
            }
        };
        assert!(stored > 0, "{result:?} is not stored: {}", entry.id);
    }
    assert!(response.held <= 2_000_000 && response.missing.len() <= 100);
    assert!(response.missing.iter().all(|(from, to)| from <= to));
}

/// A pull changes nothing, and tells a phone that is not admitted nothing.
pub(super) async fn pull(yard: &mut Yard, input: &[u8]) {
    let phone = yard.phone(input);
    let before = yard.data_version().await;
    let answer = yard.post("/sync/v1/pull", Some(&phone), input.to_vec()).await;
    assert_eq!(yard.data_version().await, before, "a pull changed something");
    if !answer.status.is_success() {
        assert!(matches!(refusal(&answer), Code::Malformed | Code::TooLarge | Code::UpdateNeeded), "{}", answer.status);
        return;
    }
    let response: PullResponse = accepted(&answer);
    assert_eq!(response.admission, phone.admission);
    if phone.admission == Admission::Admitted {
        assert_eq!(response.turfs.len(), 1, "its own turf, whatever it asked for");
        assert!(response.turfs[0].complete);
    } else {
        assert!(response.turfs.is_empty() && response.bundle.is_none());
    }
}

/// As many envelopes lie in the spool as tickets were spent; a held slot has one that was drawn.
pub(super) async fn inputs(yard: &mut Yard, input: &[u8]) {
    let input = yard.fill_in(input);
    let before = yard.data_version().await;
    let answer = yard.post("/inputs/v1", None, input.clone()).await;
    if !answer.status.is_success() {
        let code = refusal(&answer);
        assert!(matches!(code, Code::Malformed | Code::TooLarge), "{code:?}");
        assert!(code == Code::TooLarge || server_inputs::read(&input).is_err());
        assert_eq!(yard.data_version().await, before, "a refused request changed something");
        return;
    }
    let request: InputsRequest = serde_json::from_slice(&input).expect("it was read");
    let response: InputsResponse = serde_json::from_slice(&answer.body).expect("the answer is one");
    assert_eq!(response.slots.len(), SLOTS);
    for (slot, status) in request.slots.iter().zip(response.slots) {
        let ticket = BASE64_URL_SAFE_NO_PAD.decode(&slot.ticket).expect("it was read");
        let drawn = ticket.iter().all(|byte| *byte == ticket[0]) && (1..=16).contains(&ticket[0]);
        assert!(status == SlotStatus::Refused || drawn, "an input was held without a ticket");
    }
    let spent = yard.number("SELECT COUNT(*) FROM ticket WHERE envelope_hash IS NOT NULL").await;
    assert_eq!(yard.number("SELECT COUNT(*) FROM spool").await, spent);
}

/// Only the shift's own code makes a phone, and never more than the shift has places.
pub(super) async fn join(yard: &mut Yard, input: &[u8]) {
    // Twenty misses lock typing for a while, and phones take places: each input finds the shift as it was.
    yard.reopen().await;
    let before = yard.number("SELECT COUNT(*) FROM device").await;
    let filled = yard.fill_in(input);
    let answer = yard.post("/join/v1/exchange", None, filled.clone()).await;
    let after = yard.number("SELECT COUNT(*) FROM device").await;
    if answer.status.is_success() {
        let joined: JoinResponse = serde_json::from_slice(&answer.body).expect("the answer is one");
        assert!(joined.admission == Admission::Waiting && joined.sign.len() == 2);
        let phone = Phone { id: joined.device, admission: joined.admission, credential: joined.credential };
        let pulled = yard.post("/sync/v1/pull", Some(&phone), br#"{"proto":1,"build":"1","turfs":{}}"#.to_vec()).await;
        assert_eq!(accepted::<PullResponse>(&pulled).admission, Admission::Waiting);
        assert!(filled != input, "somebody joined without the code: {}", String::from_utf8_lossy(input));
        assert_eq!(after, before + 1);
    } else {
        let code = refusal(&answer);
        assert!(matches!(code, Code::Malformed | Code::TooLarge | Code::CodeRefused | Code::ShiftFull), "{code:?}");
        assert_eq!(after, before);
    }
}
