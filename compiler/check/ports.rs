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

/// Several copies cannot listen on one port of the host: told once, where the number of copies comes from.
fn copies(workload: &Workload, diags: &mut Diags) {
    let Some(replicas) = workload.replicas.as_ref().filter(|_| !workload.stateful) else { return };
    let Value::Int(count @ 2..) = replicas.value else { return };
    let published: Vec<(&Leaf, i64)> = workload
        .ports
        .iter()
        .filter_map(|port| match port.publish.as_ref().map(|leaf| (leaf, &leaf.value)) {
            Some((leaf, Value::Int(number))) => Some((leaf, *number)),
            _ => None,
        })
        .collect();
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
