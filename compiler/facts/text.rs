//! Text as a target prints it into values in normal form: links, secrets, and trees in JSON are found again.

use std::borrow::Cow;

use smol_str::SmolStr;

use super::names::Names;
use crate::{
    plan::{Format, Tree},
    value::{Link, LinkPart, Piece, SecretRef, Value, spell},
};

/// The character that stands for the first secret of a text while it is taken apart; the second has the next one.
pub(super) const FIRST_MARK: u32 = 0xF_0000;

/// Words of a variable's name that say that it holds a host, by their first letter.
const HOST_WORDS: &[(u8, &[&str])] = &[
    (b'a', &["addr"]),
    (b'b', &["broker", "bootstrap"]),
    (b'd', &["dsn"]),
    (b'e', &["endpoint"]),
    (b'h', &["host"]),
    (b'n', &["node"]),
    (b'p', &["proxy", "peer"]),
    (b's', &["server", "service", "sentinel"]),
    (b'u', &["url", "uri", "upstream"]),
];

/// A text in which secrets are marks.
#[derive(Clone, Debug, Default)]
pub(super) struct Marked<'t> {
    /// The text.
    pub(super) text: Cow<'t, str>,
    /// What the marks stand for.
    pub(super) secrets: Vec<SecretRef>,
    /// The text where it is shared, so that a value that is all of it shares it too.
    pub(super) shared: Option<&'t SmolStr>,
}

impl Marked<'_> {
    /// Adds a secret.
    pub(super) fn push_secret(&mut self, secret: SecretRef) {
        let mark = u32::try_from(self.secrets.len()).ok().and_then(|at| char::from_u32(FIRST_MARK + at));
        if let Some(mark) = mark {
            self.text.to_mut().push(mark);
            self.secrets.push(secret);
        }
    }

    /// The value that the text is: a link, a secret, a tree in JSON, or text. `name` is what the value is called:
    /// one that stands alone is taken for a host only where its name says so.
    pub(super) fn value(&self, name: &str, names: &Names) -> Value {
        self.of(&self.text, name, names)
    }

    fn of(&self, text: &str, name: &str, names: &Names) -> Value {
        if text.starts_with(['{', '['])
            && let Ok(tree) = serde_json::from_str::<serde_json::Value>(text)
        {
            return self.json(tree, name, names);
        }
        self.scalar(text, name, names)
    }

    /// The value of a word of a command, in which JSON is text.
    pub(super) fn word(&self, name: &str, names: &Names) -> Value {
        self.scalar(&self.text, name, names)
    }

    /// The value of a text that is no tree.
    fn scalar(&self, text: &str, name: &str, names: &Names) -> Value {
        if self.secrets.is_empty() && !text.bytes().any(|byte| matches!(byte, b':' | b'@')) {
            return bare(text, name, names).unwrap_or_else(|| self.as_it_is(text));
        }
        if let ([secret], true) = (self.secrets.as_slice(), text.chars().eq(char::from_u32(FIRST_MARK))) {
            return Value::Secret(secret.clone());
        }
        let mut pieces = Vec::new();
        if !self.secrets.is_empty() || is_addressed(text) {
            links(text, name, names, &mut pieces);
        } else {
            return self.as_it_is(text);
        }
        if self.secrets.is_empty() {
            return Value::text(pieces);
        }
        let pieces: Vec<Piece> = pieces.into_iter().flat_map(|piece| self.unmarked(piece)).collect();
        match pieces.as_slice() {
            [Piece::Secret(secret)] => Value::Secret(secret.clone()),
            _ => Value::text(pieces),
        }
    }

    /// A text in which nothing was found.
    fn as_it_is(&self, text: &str) -> Value {
        match self.shared {
            Some(shared) if std::ptr::eq(&**shared, text) => Value::String(shared.clone()),
            _ => Value::string(text),
        }
    }

    /// A literal with its marks as secrets again.
    fn unmarked(&self, piece: Piece) -> Vec<Piece> {
        let Piece::Literal(text) = piece else { return vec![piece] };
        let mut pieces = Vec::new();
        let mut from = 0;
        for (at, c) in text.char_indices() {
            let secret = u32::from(c).checked_sub(FIRST_MARK).and_then(|mark| self.secrets.get(mark as usize));
            if let Some(secret) = secret {
                pieces.push(Piece::Literal(text[from..at].into()));
                pieces.push(Piece::Secret(secret.clone()));
                from = at + c.len_utf8();
            }
        }
        pieces.push(Piece::Literal(text[from..].into()));
        pieces
    }

    fn json(&self, tree: serde_json::Value, name: &str, names: &Names) -> Value {
        match tree {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(yes) => Value::Bool(yes),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Value::Int(whole),
                (None, Some(real)) => real_number(real),
                _ => Value::string(number.to_string()),
            },
            serde_json::Value::String(text) => self.of(&text, name, names),
            serde_json::Value::Array(items) => {
                Value::List(items.into_iter().map(|item| self.json(item, name, names)).collect())
            }
            serde_json::Value::Object(entries) => {
                let entries = entries.into_iter().map(|(key, value)| {
                    let value = self.json(value, &key, names);
                    (key.into(), value)
                });
                Value::Map(entries.collect())
            }
        }
    }
}

/// A tree that was read, in normal form.
pub(super) fn json_value(tree: serde_json::Value, name: &str, names: &Names) -> Value {
    Marked::default().json(tree, name, names)
}

/// A number with a fraction; without one it is a whole number.
pub(super) fn real_number(real: f64) -> Value {
    #[allow(clippy::cast_possible_truncation, reason = "compared below")]
    let whole = real as i64;
    #[allow(clippy::cast_precision_loss, reason = "compared, not kept")]
    if whole as f64 == real && real.abs() < 9e15 { Value::Int(whole) } else { Value::Float(real) }
}

/// The value in normal form of a text that a target prints for something of this name, such as a variable.
#[must_use]
pub fn text_value(text: &str, name: &str, names: &Names) -> Value {
    Marked { text: Cow::Borrowed(text), ..Marked::default() }.value(name, names)
}

/// A value of a plan, or of a text with links in it, in the normal form that its text has when it is read.
#[must_use]
pub fn normal(value: &Value, name: &str, names: &Names) -> Value {
    printed(value, names).value(name, names)
}

/// The words that begin with each byte, small or large.
static WORDS_OF: [&[&str]; 256] = {
    let mut words: [&[&str]; 256] = [&[]; 256];
    let mut at = 0;
    while at < HOST_WORDS.len() {
        let (first, of) = HOST_WORDS[at];
        words[first as usize] = of;
        words[first.to_ascii_uppercase() as usize] = of;
        at += 1;
    }
    words
};

/// Whether a name says that its value is a host.
fn is_host_like(name: &str) -> bool {
    let name = name.as_bytes();
    let is_here =
        |rest: &[u8], word: &str| rest.get(..word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word.as_bytes()));
    let mut places = (0..name.len()).flat_map(|at| WORDS_OF[name[at] as usize].iter().map(move |word| (at, word)));
    name.eq_ignore_ascii_case(b"-h") || places.any(|(at, word)| is_here(&name[at..], word))
}

/// Whether an address may stand in a text with a colon or an `@`.
fn is_addressed(text: &str) -> bool {
    text.contains("://")
        || text.contains('@')
        || text.as_bytes().windows(2).any(|pair| pair[0] == b':' && pair[1].is_ascii_digit())
}

/// A text without addresses. A host that stands alone is a link where its name says so; elsewhere it is the name of
/// the endpoint as text, because in Compose nobody could tell the two apart. None where it names no endpoint.
fn bare(text: &str, name: &str, names: &Names) -> Option<Value> {
    let parts = |byte: u8| matches!(byte, b',' | b' ' | b'/' | b';');
    if text.bytes().any(parts) {
        let hosts = text.split([',', ' ', '/', ';']).any(|word| names.endpoint_of(word).is_some());
        if !hosts || !is_host_like(name) {
            return None;
        }
        let mut pieces = Vec::new();
        links(text, name, names, &mut pieces);
        return Some(Value::text(pieces));
    }
    let endpoint = names.endpoint_of(text)?;
    Some(if is_host_like(name) { Value::Text(vec![host(endpoint)]) } else { Value::String(endpoint.clone()) })
}

fn host(endpoint: &SmolStr) -> Piece {
    Piece::Link(Link { endpoint: endpoint.clone(), part: LinkPart::Host })
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

/// Takes a text apart into literals and links, and passwords in URLs into secrets without a name.
fn links(text: &str, name: &str, names: &Names, pieces: &mut Vec<Piece>) {
    let bytes = text.as_bytes();
    let (mut done, mut at) = (0, 0);
    while at < bytes.len() {
        if !is_host_byte(bytes[at]) {
            at += 1;
            if bytes[..at].ends_with(b"://")
                && let Some((from, to)) = password(text, at)
            {
                pieces.push(Piece::Literal(text[done..from].into()));
                pieces.push(Piece::Secret(SecretRef { name: "".into(), key: "".into() }));
                (done, at) = (to, to);
            }
            continue;
        }
        let end = bytes[at..].iter().position(|byte| !is_host_byte(*byte)).map_or(bytes.len(), |length| at + length);
        let found =
            names.endpoint_of(&text[at..end]).filter(|endpoint| is_address(text, at, end, endpoint, name, names));
        if let Some(endpoint) = found {
            pieces.push(Piece::Literal(text[done..at].into()));
            pieces.push(host(endpoint));
            done = end;
            if let Some((number, after)) = port_after(text, end)
                && let Some(port) = names.port_of(endpoint, number)
            {
                pieces.push(Piece::Literal(":".into()));
                pieces.push(Piece::Link(Link { endpoint: endpoint.clone(), part: LinkPart::Port(port.clone()) }));
                done = after;
            }
        }
        at = end.max(done);
    }
    pieces.push(Piece::Literal(text[done..].into()));
}

/// The bounds of a password in the authority that begins at `from`. A mark of a secret is none.
fn password(text: &str, from: usize) -> Option<(usize, usize)> {
    let end = text[from..].find(['/', '?', '#', ' ', '"', '\'', ',']).map_or(text.len(), |length| from + length);
    let authority = &text[from..end];
    let user = &authority[..authority.rfind('@')?];
    let colon = user.find(':')? + 1;
    let secret = &user[colon..];
    (!secret.is_empty() && secret.chars().all(|c| u32::from(c) < FIRST_MARK))
        .then_some((from + colon, from + user.len()))
}

/// Whether a word that is the name of a host stands where a host stands.
fn is_address(text: &str, at: usize, end: usize, endpoint: &str, name: &str, names: &Names) -> bool {
    let before = &text[..at];
    let in_url = || text.find("://").is_some_and(|scheme| scheme < at);
    if before.ends_with("://") || (before.ends_with('@') && (at == 1 || in_url())) {
        return true;
    }
    let last = before.chars().next_back();
    let begins = last.is_none_or(|c| matches!(c, ',' | ' ' | '=' | '"' | '\'' | '(' | '[' | ';' | '\n' | '@'));
    if !begins {
        return false;
    }
    if let Some((number, _)) = port_after(text, end) {
        return number >= 100 || number == 80 || names.port_of(endpoint, number).is_some();
    }
    let ends = text[end..].chars().next().is_none_or(|c| matches!(c, ',' | ' ' | ';' | '/'));
    ends && is_host_like(name)
}

/// The number after a colon, and where it ends.
fn port_after(text: &str, at: usize) -> Option<(i64, usize)> {
    let rest = text[at..].strip_prefix(':')?;
    let length = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let ends = rest.as_bytes().get(length).is_none_or(|byte| !is_host_byte(*byte));
    let plain = (1..=5).contains(&length) && !rest.starts_with('0') && ends;
    plain.then(|| rest[..length].parse().ok()).flatten().map(|number| (number, at + 1 + length))
}

/// A value of a plan as one target prints it into text, with secrets as marks.
pub(super) fn printed<'t>(value: &'t Value, names: &Names) -> Marked<'t> {
    match value {
        Value::String(text) => Marked { text: Cow::Borrowed(text), secrets: Vec::new(), shared: Some(text) },
        Value::Text(_) | Value::Secret(_) | Value::List(_) => {
            let mut marked = Marked::default();
            print(value, names, &mut marked);
            marked
        }
        value => Marked { text: Cow::Owned(plain(value)), ..Marked::default() },
    }
}

fn print(value: &Value, names: &Names, into: &mut Marked<'_>) {
    match value {
        Value::Secret(secret) => into.push_secret(secret.clone()),
        Value::Text(pieces) => {
            for piece in pieces {
                match piece {
                    Piece::Literal(text) => into.text.to_mut().push_str(text),
                    Piece::Secret(secret) => into.push_secret(secret.clone()),
                    Piece::Link(link) => address(link, names, into.text.to_mut()),
                }
            }
        }
        Value::List(items) => {
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    into.text.to_mut().push(',');
                }
                print(item, names, into);
            }
        }
        value => into.text.to_mut().push_str(&plain(value)),
    }
}

/// A value without pieces as text.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Float(number) => number.to_string(),
        Value::Memory(bytes) => amount(*bytes),
        Value::Duration(milliseconds) => length(*milliseconds),
        Value::Map(_) => json(value).to_string(),
        value => spell(value),
    }
}

/// A part of an address, as a target says it.
fn address(link: &Link, names: &Names, text: &mut String) {
    let port = |port: &str, text: &mut String| match names.number_of(&link.endpoint, port) {
        Some(number) => text.push_str(&number.to_string()),
        None => text.push_str(port),
    };
    match &link.part {
        LinkPart::Host => text.push_str(names.host_of(&link.endpoint)),
        LinkPart::Port(name) => port(name, text),
        LinkPart::Address | LinkPart::Field(_) => {
            text.push_str(names.host_of(&link.endpoint));
            text.push(':');
            port("", text);
        }
    }
}

/// An amount of memory within text: the largest unit that says it exactly, powers of 1024 first.
fn amount(bytes: u64) -> String {
    let binary = [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)].map(|(unit, power)| (unit, 1_u64 << power));
    let decimal = [("T", 12), ("G", 9), ("M", 6), ("k", 3)].map(|(unit, power)| (unit, 10_u64.pow(power)));
    let exact = binary.into_iter().chain(decimal).find(|(_, size)| bytes > 0 && bytes.is_multiple_of(*size));
    exact.map_or_else(|| bytes.to_string(), |(unit, size)| format!("{}{unit}", bytes / size))
}

/// A length of time within text: the largest unit that says it exactly.
fn length(milliseconds: u64) -> String {
    let units = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let exact = units.into_iter().find(|(_, size)| milliseconds > 0 && milliseconds.is_multiple_of(*size));
    exact.map_or_else(|| "0s".to_owned(), |(unit, size)| format!("{}{unit}", milliseconds / size))
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(yes) => (*yes).into(),
        Value::Int(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => entries.iter().map(|(key, value)| (key.to_string(), json(value))).collect(),
        value => spell(value).into(),
    }
}

/// A tree of a plan in normal form: scalars as its format holds them, texts with links found again.
pub(super) fn tree(tree: &Tree, format: Format, name: &str, names: &Names) -> Value {
    match tree {
        Tree::Leaf(leaf) => leaf_of_tree(&leaf.value, format, name, names),
        Tree::List(items) if format == Format::Ini => {
            let items = items.iter().map(|item| self::tree(item, format, name, names));
            text_value(&items.map(|item| plain(&item)).collect::<Vec<_>>().join(","), name, names)
        }
        Tree::List(items) => Value::List(items.iter().map(|item| self::tree(item, format, name, names)).collect()),
        Tree::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.clone(), self::tree(value, format, key, names)));
            // TOML and INI have no null.
            let said =
                entries.filter(|(_, value)| *value != Value::Null || !matches!(format, Format::Toml | Format::Ini));
            Value::Map(said.collect())
        }
        Tree::Embedded(inner, tree) => self::tree(tree, *inner, name, names),
    }
}

fn leaf_of_tree(value: &Value, format: Format, name: &str, names: &Names) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) | Value::Int(_) if format != Format::Ini => value.clone(),
        Value::Float(real) if format != Format::Ini => real_number(*real),
        Value::Text(pieces) if format != Format::Ini => match pieces.as_slice() {
            // A port alone is a number.
            [Piece::Link(Link { endpoint, part: LinkPart::Port(port) })] => {
                names.number_of(endpoint, port).map_or_else(|| Value::String(port.clone()), Value::Int)
            }
            _ => printed(value, names).value(name, names),
        },
        Value::List(items) if format != Format::Ini => {
            Value::List(items.iter().map(|item| leaf_of_tree(item, format, name, names)).collect())
        }
        Value::Map(entries) if format != Format::Ini => {
            let entries = entries.iter().map(|(key, value)| (key.clone(), leaf_of_tree(value, format, key, names)));
            Value::Map(entries.collect())
        }
        value => printed(value, names).value(name, names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_by_their_first_letter_and_are_found_within_names() {
        for (first, words) in HOST_WORDS {
            assert!(words.iter().all(|word| word.as_bytes()[0] == *first), "{words:?}");
            for word in *words {
                let loud = format!("X_{}_1", word.to_ascii_uppercase());
                assert!(is_host_like(word) && is_host_like(&loud), "{word}");
            }
        }
        assert!(!is_host_like("HOS") && !is_host_like("NAME") && !is_host_like("") && is_host_like("-H"));
    }
}
