//! Typed values in their normal form, and the table of scalar types ([`SCALARS`]).
//!
//! In: literals and words. Out: [`Value`]s, and their words per target.
//! Never: a setting's name, a target's layout.
//! Invariant: two spellings of the same thing (`1Gi`, `1024Mi`) are the same [`Value`].

mod cpu;
mod cron;
mod duration;
mod host;
mod image;
mod map;
mod memory;
mod name;
mod number;
mod part;
mod path;
mod print;
mod scalar;
mod secret;
mod semver;
mod text;
mod url;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use smol_str::SmolStr;

pub use self::{
    map::Map,
    name::why_no_variable,
    number::meant_bool,
    part::{PARTS, Part, Set, part, parts, with_parts},
    print::{Printed, Words, print, spell},
    scalar::{Attributes, Bad, Base, Ranged, Raw, SCALARS, ScalarType, assignable, fit, parse, scalar},
    secret::secret_variable,
};
use crate::pack::pack;

/// A value in normal form.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A whole number: `int`, `port`, `percent`, and the whole-number parts of units.
    Int(i64),
    /// A finite number with a fraction: `number`, `ratio`.
    Float(f64),
    /// Text without pieces that are known only later; most scalar types keep their normal form in it.
    String(SmolStr),
    /// Text with links or secrets in it, which each target prints in its own way. Never all literal.
    Text(Vec<Piece>),
    /// An amount of memory or storage, in bytes.
    Memory(u64),
    /// An amount of processor, in thousandths of a core.
    Cpu(u64),
    /// A length of time, in milliseconds.
    Duration(u64),
    /// A reference to a secret; the secret itself is never known.
    Secret(SecretRef),
    /// A container image.
    Image(Arc<Image>),
    /// A list.
    List(Vec<Value>),
    /// A map; order is the order of declaration or writing.
    Map(Map),
    /// An explicit null in a free tree.
    Null,
}

pack!(enum Value:
    Bool(one), Int(one), Float(one), String(one), Text(one), Memory(one), Cpu(one), Duration(one), Secret(one),
    Image(one), List(one), Map(one), Null
);

/// The most bytes that values of one view, or leaves of one target, may take together; see [`size`].
pub const MAX_BYTES: usize = 64 << 20;

/// Roughly how many bytes a value takes, for limits: its texts, and a constant for each piece.
#[must_use]
pub fn size(value: &Value) -> usize {
    const PIECE: usize = 32;
    PIECE
        + match value {
            Value::String(text) => text.len(),
            Value::Text(pieces) => {
                let length = |piece: &Piece| if let Piece::Literal(text) = piece { PIECE + text.len() } else { PIECE };
                pieces.iter().map(length).sum()
            }
            Value::List(items) => items.iter().map(size).sum(),
            Value::Map(entries) => entries.iter().map(|(key, value)| PIECE + key.len() + size(value)).sum(),
            _ => 0,
        }
}

/// A piece of [`Value::Text`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Piece {
    /// Plain text, never empty; two literals never stand side by side.
    Literal(SmolStr),
    /// The address of a workload.
    Link(Link),
    /// The value of a secret; legal only in variables and arguments of a workload.
    Secret(SecretRef),
}

pack!(enum Piece: Literal(one), Link(one), Secret(one));

/// The address of a workload, or a part of it. Compose and Kubernetes print it differently; it is one fact.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Link {
    /// The endpoint, which is the workload's name.
    pub endpoint: SmolStr,
    /// Which part.
    pub part: LinkPart,
}

pack!(struct Link: endpoint, part);

/// The part of an address that a [`Link`] stands for.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum LinkPart {
    /// Host and first port, `host:port`.
    Address,
    /// A field that the stack gives the endpoint, such as `url`; gone once a plan is lowered.
    Field(SmolStr),
    /// The host name alone.
    Host,
    /// The number of the named port; an empty name is the first port.
    Port(SmolStr),
}

pack!(enum LinkPart: Address, Field(one), Host, Port(one));

/// Name and key of a secret that somebody else keeps.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SecretRef {
    /// A DNS subdomain: the Kubernetes `Secret`, or the folder of the Compose secret file.
    pub name: SmolStr,
    /// `[-._a-zA-Z0-9]+`: the key in it, or the file.
    pub key: SmolStr,
}

pack!(struct SecretRef: name, key);

/// A container image, in normal form: without the default registry and without `library/`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Image {
    /// Host and optional port, empty for Docker Hub.
    pub registry: SmolStr,
    /// Path below the registry.
    pub repository: SmolStr,
    /// Tag, or empty.
    pub tag: SmolStr,
    /// `sha256:` and 64 hexadecimal digits, or empty.
    pub digest: SmolStr,
}

pack!(struct Image: registry, repository, tag, digest);

impl Value {
    /// A string value.
    #[must_use]
    pub fn string(text: impl Into<SmolStr>) -> Value {
        Value::String(text.into())
    }

    /// Joins pieces: literals that touch become one, and text that is all literal becomes a string.
    #[must_use]
    pub fn text(pieces: impl IntoIterator<Item = Piece>) -> Value {
        let mut joined: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (joined.last_mut(), piece) {
                (_, Piece::Literal(text)) if text.is_empty() => {}
                (Some(Piece::Literal(before)), Piece::Literal(text)) => *before = format!("{before}{text}").into(),
                (_, piece) => joined.push(piece),
            }
        }
        match joined.as_slice() {
            [] => Value::string(""),
            [Piece::Literal(text)] => Value::String(text.clone()),
            _ => Value::Text(joined),
        }
    }
}
