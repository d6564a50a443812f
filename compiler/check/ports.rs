//! Ports of the host.

use std::collections::BTreeMap;

use crate::{
    diag::{Diags, codes},
    plan::{Deployment, Leaf},
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
            copies(workload.stateful, workload.replicas.as_ref(), leaf, number, &workload.name, diags);
        }
    }
}

fn copies(stateful: bool, replicas: Option<&Leaf>, publish: &Leaf, number: i64, name: &str, diags: &mut Diags) {
    let Some(replicas) = replicas.filter(|_| !stateful) else { return };
    if let Value::Int(count @ 2..) = replicas.value {
        diags.push(
            codes::HOST_PORT_COPIES
                .at(place(publish), format!("{count} copies of `{name}` cannot share port {number} of the host"))
                .underline(format!("{} is {number}", named(publish, "this")))
                .label(place(replicas), format!("{} is {count}", named(replicas, "the number of copies")))
                .hint("publish none (`#null`), or run one copy in Compose: `override \"compose\" because=\"…\" { … }`"),
        );
    }
}
