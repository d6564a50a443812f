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
        let mut published = Vec::new();
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
            published.push((leaf, number));
        }
        copies(workload, &published, diags);
    }
}

/// Several copies cannot share ports of the host; told once, however many ports there are.
fn copies(workload: &Workload, published: &[(&Leaf, i64)], diags: &mut Diags) {
    let Some(replicas) = workload.replicas.as_ref().filter(|_| !workload.stateful) else { return };
    let Value::Int(count @ 2..) = replicas.value else { return };
    let numbers: Vec<String> = published.iter().map(|(_, number)| number.to_string()).collect();
    let ports = match numbers.as_slice() {
        [] => return,
        [one] => format!("port {one}"),
        [first @ .., last] => format!("the ports {} and {last}", first.join(", ")),
    };
    let finding = codes::HOST_PORT_COPIES
        .at(place(replicas), format!("{count} copies of `{}` cannot share {ports} of the host", workload.name))
        .underline(format!("{} is {count}", named(replicas, "the number of copies")));
    let finding = published.iter().fold(finding, |finding, (leaf, number)| {
        finding.label(place(leaf), format!("{} is {number}", named(leaf, "this")))
    });
    diags.push(
        finding
            .hint("run one copy in Compose: `override \"compose\" because=\"…\" { … }`, or publish no port (`#null`)"),
    );
}
