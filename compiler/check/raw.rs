//! Services that an environment adds to Compose by `raw`: what Docker says too late, or not at all.

use std::collections::BTreeSet;

use super::ports::place;
use crate::{
    diag::{Diags, codes},
    plan::{Compose, Deployment, Leaf, Tree},
    value::{self, Value},
};

/// Keys of a service that hold an amount of memory.
const MEMORY: &[&[&str]] = &[
    &["mem_limit"],
    &["mem_reservation"],
    &["memswap_limit"],
    &["shm_size"],
    &["deploy", "resources", "limits", "memory"],
    &["deploy", "resources", "reservations", "memory"],
];

/// Looks at every service that `raw` adds.
pub(super) fn services(deployment: &Deployment, diags: &mut Diags) {
    let Some((compose, raw)) = deployment.compose.as_ref().and_then(|compose| Some((compose, compose.raw.as_ref()?)))
    else {
        return;
    };
    let services = get(raw, &["services"]);
    for (name, service) in services.map(entries).into_iter().flatten() {
        if compose.workloads.iter().any(|workload| *workload.name == *name) {
            continue; // its facts are no business of `raw`
        }
        amounts(name, service, diags);
        health(name, service, compose, services, diags);
        ports(name, service, compose, diags);
    }
}

/// `12Gi` is Kubernetes' spelling.
fn amounts(name: &str, service: &Tree, diags: &mut Diags) {
    for path in MEMORY {
        let Some(leaf) = get(service, path).and_then(leaf) else { continue };
        let text = value::spell(&leaf.value);
        if !is_amount(&text) {
            let short = text.trim_end_matches(['i', 'I']).to_ascii_lowercase();
            let message = format!("`{}` of `{name}` is {text}, which Compose cannot read", path.join("."));
            let finding = codes::BAD_AMOUNT.at(place(leaf), message);
            diags.push(finding.maybe_hint(is_amount(&short).then(|| format!("write `{short}`"))));
        }
    }
}

/// Whether Compose reads it: a number, and of `b k m g t p` one, which `b` or `ib` may follow.
fn is_amount(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let unit = lower.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim_start();
    let is_number = lower.starts_with(|c: char| c.is_ascii_digit());
    let mut rest = unit.chars();
    let first = rest.next();
    is_number && first.is_none_or(|c| "bkmgtp".contains(c)) && matches!(rest.as_str(), "" | "b" | "ib")
}

/// What waits for health waits for something that is checked.
fn health(name: &str, service: &Tree, compose: &Compose, services: Option<&Tree>, diags: &mut Diags) {
    for (other, need) in get(service, &["depends_on"]).map(entries).into_iter().flatten() {
        let Some(condition) = get(need, &["condition"]).and_then(leaf) else { continue };
        if condition.value != Value::string("service_healthy") {
            continue;
        }
        let checked = match compose.workloads.iter().find(|workload| *workload.name == *other) {
            Some(workload) => !workload.health.is_empty(),
            None => services
                .is_none_or(|services| get(services, &[other]).is_none_or(|it| get(it, &["healthcheck"]).is_some())),
        };
        if !checked {
            let message = format!("`{name}` waits for `{other}` to be healthy, which is never checked");
            let hint = format!("give `{other}` a check, or wait by `service_started`");
            diags.push(codes::NO_HEALTH.at(place(condition), message).hint(hint));
        }
    }
}

/// A port of the host leads to one program.
fn ports(name: &str, service: &Tree, compose: &Compose, diags: &mut Diags) {
    let taken: BTreeSet<(i64, &str)> = compose
        .workloads
        .iter()
        .flat_map(|workload| workload.ports.iter().map(move |port| (port, &*workload.name)))
        .filter_map(|(port, workload)| match port.publish.as_ref().map(|leaf| &leaf.value) {
            Some(Value::Int(number)) if &*port.protocol == "tcp" => Some((*number, workload)),
            _ => None,
        })
        .collect();
    let items = match get(service, &["ports"]) {
        Some(Tree::List(items)) => items.as_slice(),
        _ => return,
    };
    for item in items {
        let Some(leaf) = get(item, &["published"]).and_then(leaf).or_else(|| leaf(item)) else { continue };
        let text = value::spell(&leaf.value);
        let steps: Vec<&str> = text.split(':').collect();
        let number = match (get(item, &["published"]), steps.as_slice()) {
            (Some(_), [number]) | (None, [.., number, _]) => number.parse().ok(),
            _ => None,
        };
        if let Some((number, other)) = taken.iter().find(|(taken, _)| Some(*taken) == number) {
            let message = format!("port {number} of the host leads to `{other}` and to `{name}`");
            diags.push(codes::HOST_PORT_TWICE.at(place(leaf), message).hint("give one of them another port"));
        }
    }
}

fn leaf(tree: &Tree) -> Option<&Leaf> {
    if let Tree::Leaf(leaf) = tree { Some(leaf) } else { None }
}

fn get<'t>(tree: &'t Tree, path: &[&str]) -> Option<&'t Tree> {
    path.iter().try_fold(tree, |tree, key| if let Tree::Map(map) = tree { map.get(*key) } else { None })
}

fn entries(tree: &Tree) -> impl Iterator<Item = (&str, &Tree)> {
    let map = if let Tree::Map(map) = tree { Some(map) } else { None };
    map.into_iter().flatten().map(|(key, tree)| (&**key, tree))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_those_that_compose_reads() {
        for text in ["12g", "12G", "12gb", "12GiB", "512m", "1024", "1.5g", "10b", "2 k"] {
            assert!(is_amount(text), "{text}");
        }
        for text in ["12Gi", "512Mi", "g", "", "12x", "12gbb", "much"] {
            assert!(!is_amount(text), "{text}");
        }
    }
}
