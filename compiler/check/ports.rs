//! Ports of the host.

use std::collections::BTreeMap;

use crate::{
    diag::{Diags, codes},
    plan::{Deployment, Leaf, Workload},
    source::Span,
    value::Value,
};

/// Where a leaf was written: the setting it came from, or the stack's line.
pub(super) fn place(leaf: &Leaf) -> Span {
    leaf.origins.first().map_or(leaf.at, |origin| origin.span)
}

/// The setting a leaf came from, for messages.
pub(super) fn named(leaf: &Leaf, otherwise: &str) -> String {
    leaf.origins.first().map_or_else(|| otherwise.to_owned(), |origin| format!("`{}`", origin.path))
}

/// One port of the host leads to one container.
pub(super) fn host_ports(deployment: &Deployment, diags: &mut Diags) {
    let Some(compose) = &deployment.compose else { return };
    let mut taken: BTreeMap<(String, i64), (&str, &Leaf)> = BTreeMap::new();
    for workload in &compose.workloads {
        for port in &workload.ports {
            let Some((leaf, number)) = port.publish.as_ref().and_then(|leaf| match leaf.value {
                Value::Int(number) => Some((leaf, number)),
                _ => None,
            }) else {
                continue;
            };
            if let Some((other, first)) = taken.insert((port.protocol.to_string(), number), (&workload.name, leaf)) {
                diags.push(
                    codes::HOST_PORT_TWICE
                        .at(
                            place(leaf),
                            format!("port {number} of the host leads to `{other}` and to `{}`", workload.name),
                        )
                        .underline(format!("{} is {number}", named(leaf, "this")))
                        .label(place(first), format!("{} is {number}, too", named(first, "this")))
                        .hint("give one of them another port, or `#null` to publish none"),
                );
            }
        }
        copies(workload, diags);
    }
}

/// A port of the host that a workload publishes, and the leaf that says so.
fn published(workload: &Workload) -> impl Iterator<Item = ((&str, i64), &Leaf)> {
    workload.ports.iter().filter_map(|port| match port.publish.as_ref().map(|leaf| (leaf, &leaf.value)) {
        Some((leaf, Value::Int(number))) => Some(((&*port.protocol, *number), leaf)),
        _ => None,
    })
}

/// Whether two addresses of the host may be one: the same, or one of them stands for all.
fn meet(one: &Value, other: &Value) -> bool {
    let all = [Value::string("0.0.0.0"), Value::string("::")];
    one == other || all.contains(one) || all.contains(other)
}

/// Deployments of one environment are told once that they cannot run on one machine together.
pub(super) fn between(deployments: &[Deployment], diags: &mut Diags) {
    let composes: Vec<_> = deployments.iter().filter_map(|all| Some((&*all.name, all.compose.as_ref()?))).collect();
    for (at, (name, compose)) in composes.iter().enumerate() {
        let ports = || compose.workloads.iter().flat_map(published);
        let found = composes[..at].iter().find_map(|(other, before)| {
            let theirs = || before.workloads.iter().flat_map(published);
            let twice = ports().find_map(|(port, leaf)| {
                theirs().find(|(known, _)| *known == port).map(|(_, first)| (port.1, leaf, first))
            });
            twice.filter(|_| meet(&compose.bind.value, &before.bind.value)).map(|found| (*other, found))
        });
        if let Some((other, (number, leaf, first))) = found {
            diags.push(
                codes::HOST_PORT_SHARED
                    .at(place(leaf), format!("port {number} of the host leads to `{other}` and to `{name}`"))
                    .underline(format!("{} is {number}", named(leaf, "this")))
                    .label(place(first), format!("{} is {number}, too", named(first, "this")))
                    .hint("give one of them another port or address, or leave `compose` out of its `targets`"),
            );
        }
    }
}

/// Several copies cannot listen on one port of the host: told once, where the number of copies comes from.
fn copies(workload: &Workload, diags: &mut Diags) {
    let Some(replicas) = workload.replicas.as_ref().filter(|_| !workload.stateful) else { return };
    let Value::Int(count @ 2..) = replicas.value else { return };
    let published: Vec<(&Leaf, i64)> = published(workload).map(|((_, number), leaf)| (leaf, number)).collect();
    let numbers: Vec<String> = published.iter().map(|(_, number)| number.to_string()).collect();
    if numbers.is_empty() {
        return;
    }
    let ports = if numbers.len() == 1 { "port" } else { "the ports" };
    let message =
        format!("{count} copies of `{}` cannot share {ports} {} of the host", workload.name, numbers.join(", "));
    let mut finding = codes::HOST_PORT_COPIES
        .at(place(replicas), message)
        .underline(format!("{} is {count}", named(replicas, "the number of copies")));
    for (leaf, number) in published {
        finding = finding.label(place(leaf), format!("{} is {number}", named(leaf, "this")));
    }
    diags.push(
        finding.hint("publish none (`#null`), or run one copy in Compose: `override \"compose\" because=\"…\" { … }`"),
    );
}
