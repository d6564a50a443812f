//! The table of scalar types and the ways into it: from a literal, and from a computed value.

use std::ops::Deref;

use smol_str::SmolStr;

use super::{Value, cpu, cron, duration, host, image, memory, name, number, path, secret, semver, spell, text, url};
use crate::{
    diag::{
        Code, Finding,
        codes::{BAD_LENGTH, NOT_A_WORD, NUMBER_FOR_TEXT, OUT_OF_RANGE, WRONG_LITERAL, WRONG_TYPE},
    },
    pack::pack,
    source::Span,
};

/// A value as written, before it has a type.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Raw<'a> {
    /// Text.
    String(&'a str),
    /// A whole number.
    Integer(i128),
    /// A number with a fraction or exponent, and its text as written, such as `1.10`.
    Float(f64, &'a str),
    /// `#true` or `#false`.
    Bool(bool),
}

/// What a declaration demands of a value beyond its type.
#[derive(Default, Clone, PartialEq, Debug)]
pub struct Attributes {
    /// The least value, in the type of the value; for types that are text the least number of characters, an `Int`.
    pub min: Option<Value>,
    /// The greatest value, likewise.
    pub max: Option<Value>,
    /// The schemes that a `url` may have, in lower case; none is any.
    pub schemes: Vec<SmolStr>,
    /// The words of an `enum`.
    pub words: Vec<SmolStr>,
}

pack!(struct Attributes: min, max, schemes, words);

/// Attributes that take no room where there are none, as of most settings.
#[derive(Default, Clone, PartialEq, Debug)]
pub struct Ranged(Option<Box<Attributes>>);

pack!(struct Ranged(attributes));

impl From<Attributes> for Ranged {
    fn from(attributes: Attributes) -> Ranged {
        Ranged((attributes != Attributes::default()).then(|| Box::new(attributes)))
    }
}

impl Deref for Ranged {
    type Target = Attributes;

    fn deref(&self) -> &Attributes {
        static NONE: Attributes = Attributes { min: None, max: None, schemes: Vec::new(), words: Vec::new() };
        self.0.as_deref().unwrap_or(&NONE)
    }
}

/// Why a value does not have a type. It becomes a finding as soon as somebody knows the place ([`Bad::at`]).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bad {
    /// Its row in the table of codes.
    pub code: &'static Code,
    /// What was found and what was wanted.
    pub message: String,
    /// What stands under the value; may be empty.
    pub underline: String,
    /// Something to type.
    pub hint: Option<String>,
}

impl Bad {
    /// A mistake with nothing under the value and nothing to type.
    pub(super) fn new(code: &'static Code, message: impl Into<String>) -> Bad {
        Bad { code, message: message.into(), underline: String::new(), hint: None }
    }

    /// Says what stands under the value.
    pub(super) fn underline(mut self, text: impl Into<String>) -> Bad {
        self.underline = text.into();
        self
    }

    /// Says what to type.
    pub(super) fn hint(mut self, text: impl Into<String>) -> Bad {
        self.hint = Some(text.into());
        self
    }

    /// Says what to type, where something is known.
    pub(super) fn maybe_hint(mut self, text: Option<String>) -> Bad {
        self.hint = text.or(self.hint);
        self
    }

    /// Names the setting that the value is for, where the words that were wanted are of that setting alone.
    #[must_use]
    pub fn of_setting(mut self, path: &str) -> Bad {
        if *self.code == NOT_A_WORD {
            self.message = format!("{}, the words of `{path}`", self.message);
        }
        self
    }

    /// The finding at the place of the value.
    #[must_use]
    pub fn at(self, span: Span) -> Finding {
        self.code.at(span, self.message).underline(self.underline).maybe_hint(self.hint)
    }
}

/// Which kind of [`Value`] a scalar type holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Base {
    Bool,
    Int,
    Float,
    /// [`Value::String`], or [`Value::Text`] where links or secrets are in it.
    String,
    Memory,
    Cpu,
    Duration,
    Secret,
    Image,
    /// A free tree.
    Tree,
    /// Several kinds; `check` says which.
    Any,
}

impl Base {
    /// What a value of this kind is called in messages, with its article.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Base::Bool => "a yes or no",
            Base::Int => "a whole number",
            Base::Float => "a number",
            Base::String => "text",
            Base::Memory => "an amount of memory",
            Base::Cpu => "an amount of processor",
            Base::Duration => "a length of time",
            Base::Secret => "a secret",
            Base::Image => "an image",
            Base::Tree => "a tree",
            Base::Any => "a value",
        }
    }
}

/// A row of the table of scalar types.
#[derive(Debug)]
pub struct ScalarType {
    /// What a declaration calls it.
    pub name: &'static str,
    /// The kind of its values.
    pub base: Base,
    /// What a bare number of it counts. Types whose units differ never stand for each other.
    pub unit: Option<&'static str>,
    /// What it is, with its range and normal form, for the reference.
    pub about: &'static str,
    /// A value as KDL writes it.
    pub example: &'static str,
    /// A literal into a value in normal form; ranges are checked by [`parse`].
    pub parse: fn(&Raw<'_>, &Attributes) -> Result<Value, Bad>,
    /// Whether a value of the right kind is in the type's own range.
    pub check: fn(&Value) -> Result<(), Bad>,
}

/// The scalar type of this name.
#[must_use]
pub fn scalar(name: &str) -> Option<&'static ScalarType> {
    // Most rows differ in length or in the first letter, which is quicker to see than halving the table.
    let first = name.as_bytes().first();
    SCALARS.iter().find(|row| row.name.len() == name.len() && row.name.as_bytes().first() == first && row.name == name)
}

/// A literal as a value of a type, in normal form, with all ranges checked.
///
/// # Errors
/// The literal is of the wrong kind, is not of the type, or breaks an attribute.
pub fn parse(of: &ScalarType, raw: &Raw<'_>, attributes: &Attributes) -> Result<Value, Bad> {
    let value = (of.parse)(raw, attributes)?;
    (of.check)(&value)?;
    in_range(of, &value, attributes)?;
    Ok(value)
}

/// A computed value as a value of a type, in normal form, with all ranges checked. Text is parsed, and text with
/// links or secrets in it is taken as it is where the type is text.
///
/// # Errors
/// The value is of another kind, is not of the type, or breaks an attribute.
pub fn fit(of: &ScalarType, value: Value, attributes: &Attributes) -> Result<Value, Bad> {
    let value = match (of.base, value) {
        (_, Value::String(text)) => return parse(of, &Raw::String(&text), attributes),
        (Base::String, value @ Value::Text(_)) => return Ok(value),
        (Base::Float, Value::Int(whole)) => number::exact(whole.into())?,
        (Base::Tree | Base::Any, value) => value,
        (base, value) if base_of(&value) == Some(base) => value,
        (_, value) => return Err(wrong_type(of, &value)),
    };
    (of.check)(&value)?;
    in_range(of, &value, attributes)?;
    Ok(value)
}

/// Whether a value of type `from` may stand where `to` is wanted, as far as that is known without the value.
/// Text may stand for everything that has a text form, because [`fit`] parses it; a whole number for a number.
/// A number with a unit never stands for one with another unit.
#[must_use]
pub fn assignable(from: &ScalarType, to: &ScalarType) -> bool {
    if matches!((from.unit, to.unit), (Some(a), Some(b)) if a != b) {
        return false;
    }
    match (from.base, to.base) {
        (from, to) if from == to => true,
        (Base::Any, _) | (_, Base::Tree) => true,
        // Of the types that hold several kinds, `env-value` takes no trees and no quantities without a unit.
        (base, Base::Any) => {
            to.name != text::ENV_VALUE
                || matches!(base, Base::Bool | Base::Int | Base::Float | Base::String | Base::Secret)
        }
        (Base::Int, Base::Float) => true,
        (Base::String, to) => {
            matches!(to, Base::Memory | Base::Cpu | Base::Duration | Base::Secret | Base::Image)
        }
        _ => false,
    }
}

/// The kind of a value; none for lists, maps and null, which only trees hold.
pub(super) fn base_of(value: &Value) -> Option<Base> {
    Some(match value {
        Value::Bool(_) => Base::Bool,
        Value::Int(_) => Base::Int,
        Value::Float(_) => Base::Float,
        Value::String(_) | Value::Text(_) => Base::String,
        Value::Memory(_) => Base::Memory,
        Value::Cpu(_) => Base::Cpu,
        Value::Duration(_) => Base::Duration,
        Value::Secret(_) => Base::Secret,
        Value::Image(_) => Base::Image,
        Value::List(_) | Value::Map(_) | Value::Null => return None,
    })
}

/// What a computed value is called in messages, with its article.
pub(super) fn noun_of(value: &Value) -> &'static str {
    match value {
        Value::Text(_) => "text with links or secrets in it",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        Value::Null => "null",
        value => base_of(value).unwrap_or(Base::Any).noun(),
    }
}

/// The finding for a computed value of another kind. Never shows the value, which may come from anywhere.
pub(super) fn wrong_type(of: &ScalarType, value: &Value) -> Bad {
    let hint = match value {
        Value::Memory(_) => Some("add the unit, such as `.bytes` or `.mebibytes`"),
        Value::Cpu(_) => Some("add the unit, `.cores` or `.millicores`"),
        Value::Duration(_) => Some("add the unit, such as `.seconds`"),
        Value::Image(_) => Some("add the part, such as `.reference` or `.version`"),
        Value::Secret(_) => Some("add the part, such as `.name` or `.key`"),
        _ => None,
    };
    Bad::new(&WRONG_TYPE, format!("this is {}, wanted {} (`{}`)", noun_of(value), of.base.noun(), of.name))
        .underline(format!("not of type `{}`", of.name))
        .maybe_hint(hint.map(str::to_owned))
}

/// Checks `min` and `max`.
fn in_range(of: &ScalarType, value: &Value, attributes: &Attributes) -> Result<(), Bad> {
    if let (Base::String, Value::String(text)) = (of.base, value) {
        return in_length(text, attributes);
    }
    let (Some(found), min, max) =
        (amount(value), attributes.min.as_ref().and_then(amount), attributes.max.as_ref().and_then(amount))
    else {
        return Ok(());
    };
    if min.is_some_and(|min| found.less(min)) || max.is_some_and(|max| max.less(found)) {
        return Err(out_of_range(
            &spell(value),
            attributes.min.as_ref().map(spell),
            attributes.max.as_ref().map(spell),
        ));
    }
    Ok(())
}

/// The finding for a value beyond its bounds.
pub(super) fn out_of_range(found: &str, min: Option<String>, max: Option<String>) -> Bad {
    let wanted = match (min, max) {
        (Some(min), Some(max)) => format!("from {min} to {max}"),
        (Some(min), None) => format!("{min} or more"),
        (None, Some(max)) => format!("{max} or less"),
        (None, None) => "less extreme".to_owned(),
    };
    Bad::new(&OUT_OF_RANGE, format!("{} is out of range, wanted {wanted}", shown(found)))
        .underline(format!("not {wanted}"))
        .hint(format!("write a value {wanted}"))
}

fn in_length(text: &str, attributes: &Attributes) -> Result<(), Bad> {
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let wanted = match (&attributes.min, &attributes.max) {
        (Some(Value::Int(min)), _) if length < *min => format!("{min} or more"),
        (_, Some(Value::Int(max))) if length > *max => format!("{max} or fewer"),
        _ => return Ok(()),
    };
    Err(Bad::new(&BAD_LENGTH, format!("this text has {length} characters, wanted {wanted}"))
        .underline(format!("{length} characters"))
        .hint(format!("write {wanted} characters")))
}

/// An amount that can be compared with another of its type.
#[derive(Clone, Copy)]
enum Amount {
    Whole(i128),
    Real(f64),
}

impl Amount {
    fn less(self, other: Amount) -> bool {
        match (self, other) {
            (Amount::Whole(a), Amount::Whole(b)) => a < b,
            (a, b) => a.real() < b.real(),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "bounds of numbers with fractions are small")]
    fn real(self) -> f64 {
        match self {
            Amount::Whole(whole) => whole as f64,
            Amount::Real(real) => real,
        }
    }
}

fn amount(value: &Value) -> Option<Amount> {
    match value {
        Value::Int(whole) => Some(Amount::Whole(i128::from(*whole))),
        Value::Float(real) => Some(Amount::Real(*real)),
        Value::Memory(whole) | Value::Cpu(whole) | Value::Duration(whole) => Some(Amount::Whole(i128::from(*whole))),
        _ => None,
    }
}

/// The text of a literal that has to be text.
pub(super) fn text_of<'a>(raw: &Raw<'a>, what: &str) -> Result<&'a str, Bad> {
    let (code, written) = match raw {
        Raw::String(text) => return Ok(text),
        Raw::Integer(number) => (&NUMBER_FOR_TEXT, number.to_string()),
        Raw::Float(_, source) => (&NUMBER_FOR_TEXT, (*source).to_owned()),
        Raw::Bool(yes) => {
            return Err(Bad::new(&WRONG_LITERAL, format!("`#{yes}` is a yes or no, wanted {what}"))
                .underline(format!("not {what}"))
                .hint(format!("write `\"{yes}\"` if the word itself is meant")));
        }
    };
    Err(Bad::new(code, format!("{} is a number, wanted {what}", shown(&written)))
        .underline("a number loses its spelling")
        .hint(format!("write `\"{}\"`", clipped(&written))))
}

/// Text in backticks, shortened.
pub(super) fn shown(text: &str) -> String {
    format!("`{}`", clipped(text))
}

/// Text as a KDL string in backticks, shortened.
pub(super) fn typed(text: &str) -> String {
    format!("`{:?}`", clipped(text))
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// For types that their parser has checked in full.
fn checked(_: &Value) -> Result<(), Bad> {
    Ok(())
}

macro_rules! scalars {
    ($($name:literal $base:ident [$unit:expr] $example:literal $parse:expr, $check:expr, $about:literal;)*) => {
        /// All scalar types, by name.
        pub static SCALARS: &[ScalarType] = &[$(ScalarType {
            name: $name,
            base: Base::$base,
            unit: $unit,
            about: $about,
            example: $example,
            parse: $parse,
            check: $check,
        }),*];
    };
}

scalars! {
    "address" String [None] r#""db.internal:5432""# host::parse_address, checked,
        "A host with a port, `HOST:PORT`. An IPv6 host stands in brackets. Parts: `host`, `port`.";
    "any" Any [None] r#""text""# text::parse_any, checked,
        "Any value; the keys of a chart that take everything.";
    "bool" Bool [None] "#true" number::parse_bool, checked,
        "`#true` or `#false`.";
    "bytes" Int [Some("bytes")] "1048576" number::parse_count, number::check_count,
        "A whole number of bytes, 0 or more; what `.bytes` of a `memory` yields.";
    "cores" Int [Some("cores")] "2" number::parse_count, number::check_count,
        "A whole number of processor cores, 0 or more; what `.cores` of a `cpu` yields.";
    "cpu" Cpu [None] r#""500m""# cpu::parse, cpu::check,
        "An amount of processor: `500m`, `2` or `0.5`, held in thousandths of a core, 1 or more. Kubernetes gets `500m` or `2`, Compose `0.5`. Parts: `cores`, `millicores`.";
    "cron" String [None] r#""0 2 * * *""# cron::parse, checked,
        "A schedule of five fields (minute, hour, day, month, day of the week) with `*`, lists, ranges, steps and English names. Normal form: numbers, Sunday is 0, one blank between fields. Part: `with-seconds`.";
    "cron-with-seconds" String [None] r#""0 0 2 * * *""# cron::parse_with_seconds, checked,
        "A schedule of six fields: `cron` with the second in front.";
    "days" Int [Some("days")] "30" number::parse_count, number::check_count,
        "A whole number of days, 0 or more; what `.days` of a `duration` yields.";
    "duration" Duration [None] r#""1m30s""# duration::parse, duration::check,
        "A length of time of `d h m s ms`, each at most once and in this order, held in milliseconds, at most 292 years. Printed as Go writes it, days as hours. Parts: `milliseconds`, `seconds`, `minutes`, `hours`, `days`.";
    "endpoint" String [None] r#""postgres""# name::parse_endpoint, checked,
        "The name of an endpoint, which is a DNS label.";
    "enum" String [None] r#""hybrid""# text::parse_enum, checked,
        "One of the words of the declaration, spelled exactly.";
    "env-value" Any [None] r#""text""# text::parse_env_value, text::check_env_value,
        "What a variable may hold: text, a number, a yes or no, a secret, a link.";
    "gibibytes" Int [Some("gibibytes")] "4" number::parse_count, number::check_count,
        "A whole number of 1024³ bytes, 0 or more; what `.gibibytes` of a `memory` yields.";
    "host" String [None] r#""db.internal""# host::parse_host, checked,
        "A DNS name, an IPv4 or an IPv6 address, without a port. Normal form: lower case, no brackets.";
    "hostname" String [None] r#""app.example.com""# host::parse_hostname, checked,
        "A DNS name, as an ingress takes it: no address, and `*` may stand for the first label.";
    "hours" Int [Some("hours")] "12" number::parse_count, number::check_count,
        "A whole number of hours, 0 or more; what `.hours` of a `duration` yields.";
    "identifier" String [None] r#""my_database""# name::parse_identifier, checked,
        "The name of a database or a role in it: `[a-z_][a-z0-9_-]*`, at most 63 characters.";
    "image" Image [None] r#""ghcr.io/acme/api:1.4.2""# image::parse, image::check,
        "A container image, `[REGISTRY/]REPOSITORY[:TAG][@sha256:DIGEST]`. Normal form: without `docker.io/` and `library/`. Parts: `registry`, `repository` (with the registry, as charts want it), `path` (without), `tag`, `digest`, `version` (`TAG[@DIGEST]`), `reference` (all).";
    "image-repository" String [None] r#""ghcr.io/acme/api""# image::parse_repository, checked,
        "A container image without tag and digest. Normal form: without `docker.io/` and `library/`.";
    "int" Int [None] "3" number::parse_int, checked,
        "A whole number of 64 bits.";
    "key" String [None] r#""common""# text::parse_key, checked,
        "A key of a map of settings; that the map has it is checked apart.";
    "kibibytes" Int [Some("kibibytes")] "64" number::parse_count, number::check_count,
        "A whole number of 1024 bytes, 0 or more; what `.kibibytes` of a `memory` yields.";
    "mebibytes" Int [Some("mebibytes")] "512" number::parse_count, number::check_count,
        "A whole number of 1024² bytes, 0 or more; what `.mebibytes` of a `memory` yields.";
    "memory" Memory [None] r#""8Gi""# memory::parse, memory::check,
        "An amount of memory or storage: `Ki Mi Gi Ti Pi` (1024-based), `k M G T P` (1000-based), or digits alone for bytes, no fraction, 1 byte to 2⁶³-1. Kubernetes gets `8Gi`, Compose `8g`. Parts: `bytes`, `kibibytes`, `mebibytes`, `gibibytes`.";
    "millicores" Int [Some("millicores")] "500" number::parse_count, number::check_count,
        "A whole number of thousandths of a core, 0 or more; what `.millicores` of a `cpu` yields.";
    "milliseconds" Int [Some("milliseconds")] "100" number::parse_count, number::check_count,
        "A whole number of milliseconds, 0 or more; what `.milliseconds` of a `duration` yields.";
    "minutes" Int [Some("minutes")] "5" number::parse_count, number::check_count,
        "A whole number of minutes, 0 or more; what `.minutes` of a `duration` yields.";
    "name" String [None] r#""shop""# name::parse_label, checked,
        "A DNS label: `[a-z0-9]([-a-z0-9]*[a-z0-9])?`, at most 63 characters.";
    "number" Float [None] "0.5" number::parse_number, number::check_finite,
        "A finite number, with or without a fraction.";
    "path" String [None] r#""/var/lib/data""# path::parse, checked,
        "An absolute path, of a file or of a URL, without `.` and `..` as a step.";
    "percent" Int [Some("percent")] "70" number::parse_percent, number::check_percent,
        "A whole number from 1 to 100.";
    "port" Int [Some("port")] "8080" number::parse_port, number::check_port,
        "The number of a port, from 1 to 65535.";
    "ratio" Float [Some("ratio")] "0.1" number::parse_ratio, number::check_ratio,
        "A number from 0 to 1.";
    "seconds" Int [Some("seconds")] "30" number::parse_count, number::check_count,
        "A whole number of seconds, 0 or more; what `.seconds` of a `duration` yields.";
    "secret" Secret [None] r#""mail-credentials/password""# secret::parse, secret::check,
        "A reference to a secret, `NAME/KEY`: a DNS subdomain, and `[-._a-zA-Z0-9]+` that does not begin with `..`. Parts: `name`, `key`, `variable` (both in capitals, joined by `_`).";
    "semver" String [None] r#""1.4.2""# semver::parse, checked,
        "A semantic version, `MAJOR.MINOR.PATCH[-PRE][+BUILD]`. Parts: `major`, `minor`, `patch`, `pre-release`, `build`.";
    "string" String [None] r#""text""# text::parse_string, checked,
        "Any text; `min` and `max` count its characters.";
    "subdomain" String [None] r#""shop.example""# name::parse_subdomain, checked,
        "DNS labels joined by dots, at most 253 characters: the name of most things in Kubernetes.";
    "tree" Tree [None] r#""text""# text::parse_any, checked,
        "A free tree: any value, list or map.";
    "url" String [None] r#""https://example.com/mcp""# url::parse, checked,
        "A URL with a host, `SCHEME://HOST[:PORT][/PATH]`, never with a password; `schemes` says which are allowed. Normal form: scheme and host in lower case, no lone `/` at the end. Parts: `scheme`, `host`, `port`, `path`.";
}
