//! What differs between two sets of facts: exactly, of what we printed ourselves, or as strangers' files are compared.

mod argv;
mod normal;
mod sides;
mod url;

use std::cmp::Ordering;

use smol_str::SmolStr;

pub use self::sides::{Side, compare_sides};
use super::{Fact, Facts, Place, file::holds};
use crate::{
    plan::{FactPath, Kind},
    value::{LinkPart, Piece, Value, spell},
};

/// The most characters of a value that a message shows.
const MOST_SHOWN: usize = 80;

/// What kind of difference it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
    /// Both sides state it, and not alike.
    Conflict,
    /// The left side alone states it.
    OnlyLeft,
    /// The right side alone states it.
    OnlyRight,
    /// A side states what may mean another thing tomorrow.
    Floating,
    /// A side leaves it to its user.
    Open,
    /// One side states it, and the other has no words for it.
    NotExpressible,
    /// A side holds `${X}` where nobody replaces it.
    Unexpanded,
    /// A side holds a number that a template turned into `1e+06`.
    Mangled,
    /// A side checks a port that it does not declare.
    UndeclaredPort,
}

/// A fact that two sides do not state alike, or that one of them states badly.
#[derive(Clone, PartialEq, Debug)]
pub struct Difference {
    /// What kind of difference it is.
    pub class: Class,
    /// What it is about.
    pub path: FactPath,
    /// Further workloads of which the same is to be said.
    pub also: Vec<SmolStr>,
    /// What the left side says, and where.
    pub left: Option<Said>,
    /// What the right side says, and where.
    pub right: Option<Said>,
    /// Whether it hardly matters, such as the time between two checks.
    pub minor: bool,
}

/// What one side says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// The value for people to read; nothing where it may be a secret.
    pub value: Option<String>,
    /// Where it is said.
    pub place: Place,
}

impl Said {
    /// What a fact says, without what may be a secret.
    #[must_use]
    pub fn of(path: &FactPath, fact: &Fact) -> Said {
        Said { value: shown(path, &fact.value), place: fact.place.clone() }
    }
}

/// A value for people to read, unless it may be a secret.
fn shown(path: &FactPath, value: &Value) -> Option<String> {
    if matches!(value, Value::Secret(secret) if !secret.name.is_empty()) {
        return Some(spell(value));
    }
    if path.kind == Kind::Env && normal::is_credential(&path.key) || matches!(path.kind, Kind::File) {
        return None;
    }
    let text = readable(value);
    if text.chars().count() <= MOST_SHOWN {
        return Some(text);
    }
    Some(text.chars().take(MOST_SHOWN).chain(['…']).collect())
}

/// A value as people read it: links by what they lead to, a secret without a name as `…`.
fn readable(value: &Value) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(text) => text.to_string(),
        Piece::Secret(secret) if secret.name.is_empty() => "…".to_owned(),
        Piece::Secret(secret) => format!("{{secret {}/{}}}", secret.name, secret.key),
        Piece::Link(link) => match &link.part {
            LinkPart::Port(name) if name.bytes().all(|byte| byte.is_ascii_digit()) => name.to_string(),
            LinkPart::Port(name) => format!("{{{name}}}"),
            _ => format!("{{{}}}", link.endpoint),
        },
    };
    match value {
        Value::Text(pieces) => pieces.iter().map(piece).collect(),
        Value::Secret(_) => "…".to_owned(),
        Value::List(items) => format!("[{}]", items.iter().map(readable).collect::<Vec<_>>().join(", ")),
        value => spell(value),
    }
}

impl Difference {
    /// A sentence about it, with what the sides are called, such as `Compose` and `the chart`.
    #[must_use]
    pub fn message(&self, left: &str, right: &str) -> String {
        let what = self.what();
        let is = |said: &Option<Said>| match said.as_ref().and_then(|said| said.value.as_deref()) {
            Some("") => "empty".to_owned(),
            Some(value) => format!("`{value}`"),
            None => "something else".to_owned(),
        };
        let (side, said) = if self.left.is_some() { (left, &self.left) } else { (right, &self.right) };
        let other = if self.left.is_some() { right } else { left };
        let hidden = said.as_ref().is_some_and(|said| said.value.is_none());
        match self.class {
            Class::Conflict if hidden => format!("{what} is not the same in {left} and in {right}"),
            Class::Conflict => format!("{what} is {} in {left} and {} in {right}", is(&self.left), is(&self.right)),
            Class::OnlyLeft | Class::OnlyRight if self.path.kind == Kind::Role => {
                format!("{} runs in {side} only", self.who())
            }
            Class::OnlyLeft | Class::OnlyRight if hidden => format!("{what} stands in {side} only"),
            Class::OnlyLeft | Class::OnlyRight => format!("{what} stands in {side} only, as {}", is(said)),
            Class::Floating => format!("{what} may be another one tomorrow: {}", self.both(left, right)),
            Class::Open => format!("{what} is left to the user in one of the files: {}", self.both(left, right)),
            Class::NotExpressible => format!("{what} stands in {side}, and cannot be said in {other}"),
            Class::Unexpanded => format!("{what} is {} in {side}, where nobody replaces `${{…}}`", is(said)),
            Class::Mangled => format!("{what} is {} in {side}, a number that a template did not print whole", is(said)),
            Class::UndeclaredPort => format!("{what} asks port {} in {side}, which is not declared there", is(said)),
        }
    }

    fn both(&self, left: &str, right: &str) -> String {
        let side = |name: &str, said: &Option<Said>| {
            let value = said.as_ref()?.value.as_deref().filter(|value| !value.is_empty())?;
            Some(format!("`{value}` in {name}"))
        };
        let said: Vec<String> = [side(left, &self.left), side(right, &self.right)].into_iter().flatten().collect();
        if said.is_empty() { "no value is given".to_owned() } else { said.join(", ") }
    }

    fn who(&self) -> String {
        let all: Vec<String> =
            std::iter::once(&self.path.workload).chain(&self.also).map(|name| format!("`{name}`")).collect();
        all.join(", ")
    }

    fn what(&self) -> String {
        let FactPath { kind, key, field, .. } = &self.path;
        let key = if key.is_empty() { String::new() } else { format!("[{key}]") };
        let dot = if field.is_empty() { "" } else { "." };
        format!("`{}{key}{dot}{field}` of {}", kind.row().name, self.who())
    }
}

/// Everything that two sides do not state alike to the letter, in the order of facts: for files that were printed
/// from the very plan they are compared with.
#[must_use]
pub fn compare(left: &Facts, right: &Facts) -> Vec<Difference> {
    let mut found = Vec::new();
    for (path, one, other) in side_by_side(left, right) {
        let class = match (one, other) {
            (Some(one), Some(other)) if same(one, other) => continue,
            (Some(_), Some(_)) => Class::Conflict,
            (Some(_), None) => Class::OnlyLeft,
            (None, _) => Class::OnlyRight,
        };
        let said = |fact: &Fact| Said::of(path, fact);
        let (left, right) = (one.map(said), other.map(said));
        found.push(Difference { class, path: path.clone(), also: Vec::new(), left, right, minor: false });
    }
    found
}

/// What one side or both state, in the order of facts; one of the two is there.
pub fn side_by_side<'f>(
    left: impl IntoIterator<Item = (&'f FactPath, &'f Fact)>,
    right: impl IntoIterator<Item = (&'f FactPath, &'f Fact)>,
) -> impl Iterator<Item = (&'f FactPath, Option<&'f Fact>, Option<&'f Fact>)> {
    let (mut lefts, mut rights) = (left.into_iter().peekable(), right.into_iter().peekable());
    std::iter::from_fn(move || {
        let order = match (lefts.peek(), rights.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((one, _)), Some((other, _))) => one.cmp(other),
        };
        let one = if order.is_le() { lefts.next() } else { None };
        let other = if order.is_ge() { rights.next() } else { None };
        let (path, _) = one.or(other)?;
        Some((path, one.map(|(_, fact)| fact), other.map(|(_, fact)| fact)))
    })
}

/// Whether two facts are the same to the letter. A tree and a text that holds it are.
#[must_use]
pub fn same(one: &Fact, other: &Fact) -> bool {
    let values = one.value == other.value
        || match (&one.value, &other.value) {
            (tree @ (Value::Map(_) | Value::List(_)), Value::String(text))
            | (Value::String(text), tree @ (Value::Map(_) | Value::List(_))) => holds(text, tree),
            _ => false,
        };
    values && one.delivery == other.delivery && (one.state == other.state)
}

#[cfg(test)]
mod tests;
