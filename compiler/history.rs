//! What a change would do to what runs: `change` declarations, judged against the settings that were compiled before.
//!
//! In: the old `settings.json`, what is known of the new settings. Out: findings.
//! Never: a byte of output; the same environment compiles to the same files whatever came before.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::{
    compile::Compiled,
    diag::{Diags, codes},
    diff::{self, SettingChange},
    explain::Explanation,
    source::{SourceId, Span},
    value::{self, Attributes, Raw, Value},
};

/// Reports changes that lose data or cannot be made, unless their path is accepted.
pub fn judge(old: &Json, compiled: &Compiled, accepted: &[String], diags: &mut Diags) {
    if old.is_null() {
        return; // nothing runs yet
    }
    // What is new, or gone, loses nothing that anybody declared.
    let mut changes = diff::settings(old, &compiled.settings());
    changes.retain(|change| change.old.is_some() && change.new.is_some());
    if changes.is_empty() {
        return;
    }
    let explanations = compiled.explanations();
    let by_place: BTreeMap<(&str, &str, &str), &Explanation> =
        explanations.iter().map(|found| ((&*found.deployment, &*found.view, &*found.path), found)).collect();
    for change in changes {
        let view = if change.view.is_empty() { "base" } else { change.view.as_str() };
        let place = |view| (change.deployment.as_str(), view, change.path.as_str());
        let Some(explained) = by_place.get(&place(view)).or_else(|| by_place.get(&place("base"))) else { continue };
        let (Some(before), Some(after)) = (&change.old, &change.new) else { continue };
        if accepted.contains(&change.path) {
            continue;
        }
        let what = effect(explained, &change);
        let code = match what {
            "data-loss" => &codes::LOSES_DATA,
            "immutable" => &codes::IMMUTABLE,
            _ => continue,
        };
        let why = if what == "data-loss" { "which loses data" } else { "which cannot be changed once it runs" };
        let span = explained.span.unwrap_or(Span::new(SourceId(0), 0, 0));
        let message = format!("`{}` changes from {before} to {after}, {why}", change.path);
        diags.push(
            code.at(span, message)
                .underline(format!("was {before}"))
                .hint(format!("if that is meant: `trueline compile --accept {}`", change.path)),
        );
    }
}

/// The word of the `change` declaration that fits a change, with its direction.
fn effect<'e>(explained: &'e Explanation, change: &SettingChange) -> &'e str {
    let directed =
        match (typed(&explained.scalar, change.old.as_deref()), typed(&explained.scalar, change.new.as_deref())) {
            (Some(old), Some(new)) if new < old => explained.change.shrink.as_ref(),
            (Some(old), Some(new)) if new > old => explained.change.grow.as_ref(),
            _ => "",
        };
    if directed.is_empty() { explained.change.any.as_ref() } else { directed }
}

/// A value that has a size, as a number.
fn typed(scalar: &str, json: Option<&str>) -> Option<u64> {
    let json: Json = serde_json::from_str(json?).ok()?;
    if let Some(number) = json.as_u64() {
        return Some(number);
    }
    match value::parse(value::scalar(scalar)?, &Raw::String(json.as_str()?), &Attributes::default()).ok()? {
        Value::Memory(size) | Value::Cpu(size) | Value::Duration(size) => Some(size),
        _ => None,
    }
}
