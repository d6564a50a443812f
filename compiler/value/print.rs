//! Values as words: as targets write them, and in normal form.

use super::{LinkPart, Piece, Value, cpu, duration, image, memory};

/// Whose words are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Words {
    /// Kubernetes and Helm: `1Gi`, `500m`, `36h`.
    Kubernetes,
    /// Docker Compose: `1g`, `0.5`, `36h`.
    Compose,
    /// Files that no tool of ours reads: as Kubernetes.
    Plain,
}

/// A scalar as a target writes it, before any quoting.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Printed {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
}

/// A value in a target's words; nothing for lists, maps, secrets and text with links or secrets in it, which each
/// target prints in its own way.
#[must_use]
pub fn print(value: &Value, words: Words) -> Option<Printed> {
    let compose = words == Words::Compose;
    Some(match value {
        Value::Null => Printed::Null,
        Value::Bool(yes) => Printed::Bool(*yes),
        Value::Int(number) => Printed::Int(*number),
        Value::Float(number) => Printed::Float(*number),
        Value::String(text) => Printed::String(text.to_string()),
        Value::Memory(bytes) if compose => Printed::String(memory::compose(*bytes)),
        Value::Memory(bytes) => Printed::String(memory::kubernetes(*bytes)),
        Value::Cpu(amount) if compose => Printed::String(cpu::decimal(*amount)),
        Value::Cpu(amount) => Printed::String(cpu::plain(*amount)),
        Value::Duration(length) => Printed::String(duration::go(*length)),
        Value::Image(found) => Printed::String(image::reference(found)),
        Value::Text(_) | Value::Secret(_) | Value::List(_) | Value::Map(_) => return None,
    })
}

/// The normal form as text, for messages, `settings.json` and differences. Scalars other than numbers are parsed back
/// to the same value. Text with pieces is a template: `{endpoint.db.host}`, `{endpoint.db.ports.http}`,
/// `{secret NAME/KEY}`, with braces of its own doubled.
#[must_use]
pub fn spell(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(yes) => yes.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => float(*number),
        Value::String(text) => text.to_string(),
        Value::Text(pieces) => pieces.iter().map(piece).collect(),
        Value::Memory(bytes) => memory::kubernetes(*bytes),
        Value::Cpu(amount) => cpu::plain(*amount),
        Value::Duration(length) => duration::long(*length),
        Value::Secret(secret) => format!("{}/{}", secret.name, secret.key),
        Value::Image(found) => image::reference(found),
        Value::List(items) => format!("[{}]", items.iter().map(spell).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{key}: {}", spell(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A number in as few characters as say it exactly.
fn float(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-5..1e16).contains(&size) { number.to_string() } else { format!("{number:e}") }
}

fn piece(piece: &Piece) -> String {
    match piece {
        Piece::Literal(text) => text.replace('{', "{{").replace('}', "}}"),
        Piece::Secret(secret) => format!("{{secret {}/{}}}", secret.name, secret.key),
        Piece::Link(link) => match &link.part {
            LinkPart::Host => format!("{{endpoint.{}.host}}", link.endpoint),
            LinkPart::Port(name) if name.is_empty() => format!("{{endpoint.{}.port}}", link.endpoint),
            LinkPart::Port(name) => format!("{{endpoint.{}.ports.{name}}}", link.endpoint),
            LinkPart::Address => format!("{{endpoint.{}}}", link.endpoint),
            LinkPart::Field(field) => format!("{{endpoint.{}.{field}}}", link.endpoint),
        },
    }
}
