//! Changes to what is kept: to the tree where the input is JSON (also inside the text of an entry's body), to fields and
//! lines where it is a table, to bytes everywhere.

use mutatis::{Candidates, Context, Mutate, Result, Session};
use serde_json::{Map, Number, Value};

use super::{Form, MAX_INPUT, Target};

/// Values that programs trip over.
const NUMBERS: [&str; 14] = [
    "0",
    "-1",
    "1",
    "2147483648",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e400",
    "-0.0",
    "1.5",
];
const TEXTS: [&str; 17] = [
    "#huge#",
    "",
    " ",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "a\u{0}b",
    "\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}",
    "null",
    "'; DROP TABLE visit; --",
    "../../keys/server.key",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "%00",
    "\r\n",
    "talked",
    "NaN",
];
const HUGE: &str = "\"#huge#\"";
const KEYS: [&str; 6] = ["id", "entries", "__proto__", "note", "", "supersedes"];

/// An input made from the corpus by a few changes.
pub fn mutate(target: Target, session: &mut Session, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut made = Made { target, corpus, out: Vec::new() };
    // The one mutation of `Make` cannot fail.
    let _ = session.mutate_with(&mut Make, &mut made);
    made.out.truncate(MAX_INPUT);
    made.out
}

struct Made<'a> {
    target: Target,
    corpus: &'a [Vec<u8>],
    out: Vec<u8>,
}

struct Make;

impl Mutate<Made<'_>> for Make {
    fn mutate(&mut self, candidates: &mut Candidates<'_>, made: &mut Made<'_>) -> Result<()> {
        candidates.mutation(|context| {
            let mut out = context.rng().choose(made.corpus).cloned().unwrap_or_default();
            let form = made.target.form(&out);
            if context.rng().gen_u8() < 200 {
                match form {
                    Form::Json => out = json(context, &out),
                    Form::Table => out = table(context, &out, made.corpus),
                    Form::Bytes => bytes(context, &mut out),
                }
            }
            if context.rng().gen_u8() < 60 {
                bytes(context, &mut out);
            }
            made.out = out;
            Ok(())
        })
    }
}

fn below(context: &mut Context, count: usize) -> usize {
    context.rng().gen_index(count).unwrap_or_default()
}

fn one_of<T: Clone>(context: &mut Context, all: &[T]) -> T {
    all[below(context, all.len())].clone()
}

/// Bytes changed, put in, taken out, doubled.
fn bytes(context: &mut Context, out: &mut Vec<u8>) {
    for _ in 0..=below(context, 4) {
        let at = below(context, out.len() + 1);
        let to = (at + 1 + below(context, 24)).min(out.len());
        match below(context, 6) {
            0 if at < out.len() => out[at] = context.rng().gen_u8(),
            1 if at < to => drop(out.drain(at..to)),
            2 if at < to => {
                let again = out[at..to].to_vec();
                out.splice(at..at, again);
            }
            3 => drop(out.splice(at..at, one_of(context, &TEXTS).bytes())),
            4 => out.insert(at, one_of(context, &[0, 0xff, 0xc0, 0xed, b'"', b'\\', b'{', b'[', b';', b'\n'])),
            _ => out.truncate(at),
        }
    }
}

fn json(context: &mut Context, text: &[u8]) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(text) else { return text.to_vec() };
    for _ in 0..=below(context, 4) {
        tree(context, &mut value, 0);
    }
    // No tree holds a number that is too large for it; the text does.
    value.to_string().replace(HUGE, "1e400").into_bytes()
}

/// Walks down at random and changes where it stops.
fn tree(context: &mut Context, value: &mut Value, depth: usize) {
    let stop = depth > 8 || context.rng().gen_u8() < 40;
    match value {
        Value::Object(object) if !stop && !object.is_empty() => {
            let at = below(context, object.len());
            if let Some((_, inner)) = object.iter_mut().nth(at) {
                tree(context, inner, depth + 1);
            }
        }
        Value::Array(array) if !stop && !array.is_empty() => {
            let at = below(context, array.len());
            tree(context, &mut array[at], depth + 1);
        }
        // The body of an entry is JSON in a text.
        Value::String(text) if !stop && text.starts_with('{') => {
            if let Ok(mut inner) = serde_json::from_str::<Value>(text) {
                tree(context, &mut inner, depth + 1);
                *text = inner.to_string();
            }
        }
        Value::Object(object) => in_object(context, object),
        Value::Array(array) => in_array(context, array),
        leaf => *leaf = self::leaf(context, leaf),
    }
}

fn in_object(context: &mut Context, object: &mut Map<String, Value>) {
    let name = object.keys().nth(below(context, object.len())).cloned().unwrap_or_default();
    match below(context, 4) {
        0 => drop(object.remove(&name)),
        1 => drop(object.insert(one_of(context, &KEYS).to_owned(), strange(context))),
        2 => drop(object.insert(name, strange(context))),
        _ => {
            if let Some(value) = object.remove(&name) {
                object.insert(one_of(context, &KEYS).to_owned(), value);
            }
        }
    }
}

/// Whether copies of it stay within what a request may hold.
fn is_small(value: &Value) -> bool {
    value.to_string().len() < 4_096
}

fn in_array(context: &mut Context, array: &mut Vec<Value>) {
    let at = below(context, array.len());
    match below(context, 5) {
        0 if !array.is_empty() => drop(array.remove(at)),
        1 if !array.is_empty() && is_small(&array[at]) => array.insert(at, array[at].clone()),
        2 if !array.is_empty() => {
            let other = below(context, array.len());
            array.swap(at, other);
        }
        // Around the limit of 200 entries. Of what is large already a copy of copies would fill the machine.
        3 if !array.is_empty() && array.len() < 300 && is_small(&array[at]) => {
            let many = vec![array[at].clone(); 198 + below(context, 5)];
            array.extend(many);
        }
        _ => array.push(strange(context)),
    }
}

fn leaf(context: &mut Context, leaf: &Value) -> Value {
    if context.rng().gen_u8() < 90 {
        return strange(context);
    }
    match leaf {
        Value::String(text) => {
            let mut raw = text.clone().into_bytes();
            bytes(context, &mut raw);
            Value::String(String::from_utf8_lossy(&raw).into_owned())
        }
        Value::Number(_) if context.rng().gen_bool() => (context.rng().gen_i64() >> below(context, 64)).into(),
        Value::Number(_) => f64::from_bits(context.rng().gen_u64()).into(),
        Value::Bool(flag) => (!flag).into(),
        _ => strange(context),
    }
}

fn strange(context: &mut Context) -> Value {
    match below(context, 8) {
        0 => Value::Null,
        1 => context.rng().gen_bool().into(),
        2 | 3 => one_of(context, &NUMBERS).parse::<Number>().map_or(Value::Null, Value::Number),
        4 | 5 => one_of(context, &TEXTS).into(),
        6 => "x".repeat(1 << below(context, 14)).into(),
        _ => (0..below(context, 200)).fold(Value::Array(Vec::new()), |inner, _| Value::Array(vec![inner])),
    }
}

/// Fields changed, lines doubled, taken out, exchanged, taken from another file.
fn table(context: &mut Context, text: &[u8], corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    for _ in 0..=below(context, 4) {
        let at = below(context, lines.len());
        match below(context, 6) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => {
                let other = below(context, lines.len());
                lines.swap(at, other);
            }
            3 => {
                let other = one_of(context, corpus);
                lines.push(one_of(context, &other.split(|byte| *byte == b'\n').collect::<Vec<_>>()).to_vec());
            }
            _ => {
                let mut fields: Vec<Vec<u8>> = lines[at].split(|byte| *byte == b';').map(<[u8]>::to_vec).collect();
                let field = below(context, fields.len());
                fields[field] = if context.rng().gen_bool() { one_of(context, &NUMBERS) } else { one_of(context, &TEXTS) }.as_bytes().to_vec();
                lines[at] = fields.join(&b';');
            }
        }
        if lines.is_empty() {
            break;
        }
    }
    lines.join(&b'\n')
}
