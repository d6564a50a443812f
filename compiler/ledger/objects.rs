//! Keys of a chart that are Kubernetes' own fields: what they carry has to be what Kubernetes calls so.
//!
//! In: a `Surface`. Out: findings.
//! Never: values; they may be equal where a surface mistakes one key for another, and then nothing else tells.
//! Invariant: fields of one object of Kubernetes are handed to the same containers, so they carry facts of the same
//! workloads, and of the same check.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    diag::{Diags, codes},
    plan::{FactPath, Kind},
    schema::{Carry, Surface},
};

/// A field of Kubernetes, and the fact that it says.
struct Field {
    /// Its path within its object: the last words of the path of a key.
    path: &'static str,
    kind: Kind,
    field: &'static str,
}

const fn field(path: &'static str, kind: Kind, field: &'static str) -> Field {
    Field { path, kind, field }
}

/// The fields that charts hand on under their own names.
const FIELDS: &[Field] = &[
    field("runAsUser", Kind::Security, "user"),
    field("runAsGroup", Kind::Security, "group"),
    field("fsGroup", Kind::Security, "group"),
    field("readOnlyRootFilesystem", Kind::Security, "read-only-root"),
    field("allowPrivilegeEscalation", Kind::Security, "escalation"),
    field("privileged", Kind::Security, "privileged"),
    field("capabilities.drop", Kind::Security, "drop"),
    field("capabilities.add", Kind::Security, "add"),
    field("initialDelaySeconds", Kind::Health, "delay"),
    field("periodSeconds", Kind::Health, "period"),
    field("timeoutSeconds", Kind::Health, "timeout"),
    field("failureThreshold", Kind::Health, "failures"),
    field("requests.cpu", Kind::Resources, "requests.cpu"),
    field("requests.memory", Kind::Resources, "requests.memory"),
    field("limits.cpu", Kind::Resources, "limits.cpu"),
    field("limits.memory", Kind::Resources, "limits.memory"),
    field("pullPolicy", Kind::Image, "pull"),
    field("imagePullPolicy", Kind::Image, "pull"),
];

/// Kinds of facts whose fields Kubernetes has names for; texts that programs read may be called anything.
const KINDS: &[Kind] =
    &[Kind::Image, Kind::Replicas, Kind::Port, Kind::Volume, Kind::Health, Kind::Resources, Kind::Security];

/// The key of an object's field: its number, its path, and the field.
struct Known<'s> {
    number: u32,
    path: String,
    field: &'static Field,
    /// What it carries of the field's kind.
    carries: Vec<&'s Carry>,
}

/// Checks every key of a surface that is called as a field of Kubernetes.
pub(super) fn check(surface: &Surface, diags: &mut Diags) {
    let mut objects: BTreeMap<(String, &str), Vec<Known<'_>>> = BTreeMap::new();
    for (number, key) in (0_u32..).zip(&surface.keys).filter(|(_, key)| !key.carries.is_empty()) {
        let path = surface.path_of(number);
        let Some((above, field)) = known(&path) else { continue };
        let other = |carry: &&Carry| KINDS.contains(&carry.fact.kind) && !is_of(carry, field);
        if let Some(carry) = key.carries.iter().find(other) {
            said_otherwise(surface, number, &path, carry, field, diags);
            continue;
        }
        let carries: Vec<&Carry> = key.carries.iter().filter(|carry| is_of(carry, field)).collect();
        let object = (above.to_owned(), field.kind.row().name);
        if !carries.is_empty() {
            objects.entry(object).or_default().push(Known { number, path, field, carries });
        }
    }
    objects.values().for_each(|fields| one_object(surface, fields, diags));
}

/// The field that a key is, by its path, and the path of its object.
fn known(path: &str) -> Option<(&str, &'static Field)> {
    FIELDS.iter().find_map(|field| {
        let above = path.strip_suffix(field.path)?;
        Some((above.strip_suffix('.').or(above.is_empty().then_some(""))?, field))
    })
}

fn is_of(carry: &Carry, field: &Field) -> bool {
    carry.fact.kind == field.kind && carry.fact.field == field.field
}

/// Reports the field of an object that is said of other workloads, or of another check, than most of its fields.
fn one_object(surface: &Surface, fields: &[Known<'_>], diags: &mut Diags) {
    let mut votes: BTreeMap<BTreeSet<String>, usize> = BTreeMap::new();
    for field in fields {
        *votes.entry(of(&field.carries)).or_default() += 1;
    }
    let Some((most, _)) = votes.iter().max_by_key(|(_, count)| **count).filter(|_| votes.len() > 1) else { return };
    for known in fields.iter().filter(|known| of(&known.carries) != *most) {
        let (own, most) = (words(&of(&known.carries)), words(most));
        let message = format!(
            "`{}` says `{}` of {own}, and what stands beside it of {most}: Kubernetes takes both as one",
            known.path, known.field.field
        );
        let finding = codes::OTHER_FIELD.at(surface.key(known.number).span, message);
        diags.push(finding.hint(format!("let it carry `{}` of the same", known.field.field)));
    }
}

/// What facts are said of: the workload, and the check.
fn of(carries: &[&Carry]) -> BTreeSet<String> {
    let name = |carry: &&Carry| FactPath { kind: carry.fact.kind, field: "", ..carry.fact.clone() }.to_string();
    carries.iter().map(name).collect()
}

fn words(facts: &BTreeSet<String>) -> String {
    facts.iter().map(|fact| format!("`{fact}`")).collect::<Vec<_>>().join(", ")
}

fn said_otherwise(surface: &Surface, number: u32, path: &str, carry: &Carry, field: &Field, diags: &mut Diags) {
    let kind = field.kind.row().name;
    let message = format!("`{path}` carries `{}`, and Kubernetes calls `{kind}.{}` so", carry.fact, field.field);
    let finding = codes::OTHER_FIELD.at(surface.key(number).span, message);
    diags.push(finding.hint(format!("let it carry `… {kind}.{}`", field.field)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_known_by_the_end_of_a_path() {
        let of = |path| known(path).map(|(above, field)| (above, field.field));
        assert_eq!(of("api.securityContext.runAsUser"), Some(("api.securityContext", "user")));
        assert_eq!(of("api.securityContext.capabilities.drop"), Some(("api.securityContext", "drop")));
        assert_eq!(of("resources.limits.cpu"), Some(("resources", "limits.cpu")));
        assert_eq!(of("pullPolicy"), Some(("", "pull")));
        assert_eq!([of("api.cpu"), of("api.neverrunAsUser"), of("drop")], [None; 3]);
    }

    #[test]
    fn every_field_is_one_of_the_table_of_facts() {
        for field in FIELDS {
            assert!(field.kind.row().field(field.field).is_some(), "{}", field.path);
        }
    }
}
