//! Workloads against each other.

use std::collections::{BTreeMap, BTreeSet};

use super::ports::place;
use crate::{
    diag::{Diags, codes},
    plan::{Deployment, HealthKind, Probe, Role, Until, Workload},
    source::Span,
    value::{Piece, SecretRef, Value, secret_variable, why_no_variable},
};

fn compose_workloads(deployment: &Deployment) -> &[Workload] {
    deployment.compose.as_ref().map_or(&[], |compose| &compose.workloads)
}

/// `until="healthy"` needs a health check to wait for.
pub(super) fn waits_for_health(deployment: &Deployment, diags: &mut Diags) {
    let workloads = compose_workloads(deployment);
    for workload in workloads {
        for need in workload.needs.iter().filter(|need| need.until == Until::Healthy) {
            let Some(other) = workloads.iter().find(|other| other.name == need.workload) else { continue };
            if other.health.is_empty() {
                diags.push(
                    codes::NO_HEALTH
                        .at(
                            need.at,
                            format!(
                                "`{}` waits for `{}` to be healthy, which is never checked",
                                workload.name, other.name
                            ),
                        )
                        .label(other.at, "has no `health`")
                        .hint(format!(
                            "add `health \"readiness\" {{ … }}` to `{}`, or wait `until=\"started\"`",
                            other.name
                        )),
                );
            }
        }
    }
}

/// Compose checks health by a command only.
pub(super) fn compose_health(deployment: &Deployment, diags: &mut Diags) {
    for workload in compose_workloads(deployment) {
        let exec = workload.health.iter().any(|health| matches!(health.probe, Probe::Exec { .. }));
        let probe =
            workload.health.iter().find(|health| health.kind == HealthKind::Readiness).or(workload.health.first());
        if let (false, Some(health)) = (exec, probe) {
            diags.push(
                codes::NO_COMPOSE_CHECK
                    .at(health.at, format!("Compose cannot check the health of `{}` over the network", workload.name))
                    .hint("add `override \"compose\" because=\"…\" { health \"readiness\" { exec \"COMMAND\" } }`"),
            );
        }
    }
}

/// A command is started without a shell, so its first word is the program's name, blanks and all.
pub(super) fn one_word(deployment: &Deployment, diags: &mut Diags) {
    for workload in compose_workloads(deployment) {
        let argvs = workload.health.iter().filter_map(|health| match &health.probe {
            Probe::Exec { argv } => Some(argv),
            _ => None,
        });
        for program in std::iter::once(&workload.command).chain(argvs).filter_map(|argv| argv.first()) {
            let Value::String(text) = &program.value else { continue };
            let mut words = text.split_whitespace();
            if let (Some(first), Some(_)) = (words.next(), words.next()) {
                // What follows the program may be a password.
                let first = if first.contains('=') { "…" } else { first };
                let message = format!("`{}` starts a program with blanks in its name, without a shell", workload.name);
                let hint = format!("write each word by itself: `\"{first}\" \"…\"`");
                diags.push(codes::ONE_WORD.at(place(program), message).underline("one word").hint(hint));
            }
        }
    }
}

/// Workloads that wait for each other never start.
pub(super) fn circles(deployment: &Deployment, diags: &mut Diags) {
    let workloads = compose_workloads(deployment);
    let mut waiting: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for workload in workloads {
        waiting.insert(&workload.name, workload.needs.iter().map(|need| need.workload.as_ref()).collect());
    }
    // Take away who waits for nobody, again and again; a circle is left.
    while let Some(free) =
        waiting.iter().find(|(_, needs)| !needs.iter().any(|need| waiting.contains_key(need))).map(|(name, _)| *name)
    {
        waiting.remove(free);
    }
    let Some(first) = workloads.iter().find(|workload| waiting.contains_key(workload.name.as_str())) else { return };
    let names: Vec<String> = waiting.keys().map(|name| format!("`{name}`")).collect();
    let at = first.needs.first().map_or(first.at, |need| need.at);
    diags.push(
        codes::WAITING_CIRCLE
            .at(at, format!("these workloads wait for each other: {}", names.join(", ")))
            .hint("let one of them not wait"),
    );
}

/// Compose has no schedule.
pub(super) fn cron(deployment: &Deployment, diags: &mut Diags) {
    for workload in compose_workloads(deployment).iter().filter(|workload| workload.role == Role::Cron) {
        let at = workload.schedule.as_ref().map_or(workload.at, place);
        diags.push(codes::NO_CRON.at(at, format!("Compose does not run `{}`: it has no schedule", workload.name)));
    }
}

/// A shell, `env_file` and the cluster each take fewer names than the others; what none of them takes is refused.
pub(super) fn variable_names(deployment: &Deployment, diags: &mut Diags) {
    let mut told = BTreeSet::new();
    for workload in compose_workloads(deployment).iter().chain(&deployment.cluster) {
        for (name, variable) in &workload.env {
            let (Some(why), at) = (why_no_variable(name), place(&variable.leaf)) else { continue };
            // A group of variables may be that of several programs.
            if told.insert((at, name)) {
                diags.push(
                    codes::BAD_NAME
                        .at(at, format!("`{name}` cannot be the name of a variable: it {why}"))
                        .underline("the variable is here")
                        .maybe_hint(usual_name(name).map(|name| format!("call it `{name}`"))),
                );
            }
        }
    }
}

/// The same name in the characters that everything takes; `None` if nothing is left of it.
fn usual_name(name: &str) -> Option<String> {
    let usual: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    usual.contains(|c: char| c != '_').then_some(usual)
}

/// Every secret has a variable of its own.
pub(super) fn secret_variables(deployment: &Deployment, diags: &mut Diags) {
    let mut seen: BTreeMap<String, (SecretRef, Span)> = BTreeMap::new();
    for workload in compose_workloads(deployment) {
        for variable in workload.env.values() {
            for secret in secrets(&variable.leaf.value) {
                let name = secret_variable(secret);
                let (first, span) = seen.entry(name.clone()).or_insert_with(|| (secret.clone(), place(&variable.leaf)));
                if first != secret {
                    diags.push(
                        codes::SECRET_COLLISION
                            .at(place(&variable.leaf), format!("two secrets would both be `{name}` in Compose"))
                            .label(*span, "the other one")
                            .hint("rename one of the secrets or keys"),
                    );
                }
            }
        }
    }
}

fn secrets(value: &Value) -> Vec<&SecretRef> {
    match value {
        Value::Secret(secret) => vec![secret],
        Value::Text(pieces) => pieces
            .iter()
            .filter_map(|piece| if let Piece::Secret(secret) = piece { Some(secret) } else { None })
            .collect(),
        _ => Vec::new(),
    }
}
