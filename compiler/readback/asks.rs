//! How Compose and Kubernetes ask whether a program can work: an `override` says that they ask in other ways, and not that
//! they ask something else.
//!
//! In: the workloads of both views. Out: findings.
//! Never: what the views differ in otherwise.
//! Invariant: a command that asks its own container over the network asks the port that Kubernetes asks, and there the
//! path; and a setting that is one time of a check to one target is not another time of it to the other.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use crate::{
    diag::{Diags, codes},
    plan::{Deployment, Health, HealthKind, Leaf, Origin, Probe, Workload},
    value::{self, Value},
};

/// What is before a port where a command asks its own container.
const OWN: &[&str] = &["127.0.0.1:", "localhost:", "/dev/tcp/127.0.0.1/", "/dev/tcp/localhost/"];

/// Compares the checks of each workload that both targets run.
pub(super) fn check(deployment: &Deployment, diags: &mut Diags) {
    let Some(compose) = &deployment.compose else { return };
    for here in &compose.workloads {
        let there = deployment.cluster.iter().find(|there| there.name == here.name);
        for check in &here.health {
            let other = there.and_then(|there| there.health.iter().find(|other| other.kind == check.kind));
            let one = Pair { here, check, other, there, words: words(check) };
            one.port(diags);
            one.path(diags);
            one.times(diags);
        }
    }
}

/// A check as both targets make it.
struct Pair<'a> {
    here: &'a Workload,
    check: &'a Health,
    other: Option<&'a Health>,
    there: Option<&'a Workload>,
    /// The words of Compose's command, if it asks its own container over the network.
    words: Option<&'a [Leaf]>,
}

/// The words of a command that asks its own container over the network.
fn words(check: &Health) -> Option<&[Leaf]> {
    let Probe::Exec { argv } = &check.probe else { return None };
    let asks = |leaf: &Leaf| {
        let word = text_of(leaf);
        OWN.iter().any(|own| word.contains(own))
    };
    argv.iter().any(asks).then_some(argv)
}

/// A leaf as text.
fn text_of(leaf: &Leaf) -> Cow<'_, str> {
    match &leaf.value {
        Value::String(text) => Cow::Borrowed(text),
        value => Cow::Owned(value::spell(value)),
    }
}

impl Pair<'_> {
    fn port(&self, diags: &mut Diags) {
        let Some(words) = self.words else { return };
        let asked: BTreeSet<i64> = words.iter().flat_map(|word| ports(&text_of(word))).collect();
        let Some(other) = asked.iter().find(|port| !self.is_fine(**port)) else { return };
        let name = self.name();
        let (message, hint) = match self.wanted() {
            Some((port, number)) => (
                format!("`{name}` asks port {other} to `compose`, and to `helm` port `{port}`, which is {number}"),
                format!("ask port {number}"),
            ),
            None => (
                format!("`{name}` asks port {other} to `compose`, and `{}` has no such port", self.here.name),
                format!("ask a port that it has, or declare {other} as one"),
            ),
        };
        let at = words.first().map_or(self.check.at, |word| word.at);
        diags.push(codes::VIEWS_DIFFER.at(at, message).hint(hint));
    }

    /// Whether a command may ask a port: that of the check of the other target, else any of the program, which shares those
    /// of the pod that it runs in.
    fn is_fine(&self, port: i64) -> bool {
        match self.wanted() {
            Some((_, number)) => port == number,
            None => {
                self.here.beside.is_some() || self.here.ports.iter().any(|one| one.number.value == Value::Int(port))
            }
        }
    }

    /// The port that the other target asks, by its name.
    fn wanted(&self) -> Option<(&Arc<str>, i64)> {
        let (Probe::Http { port, .. } | Probe::Tcp { port }) = &self.other?.probe else { return None };
        let declared = self.there?.ports.iter().find(|one| one.name == *port)?;
        match declared.number.value {
            Value::Int(number) => Some((port, number)),
            _ => None,
        }
    }

    /// The path that Kubernetes asks for is what the command asks for too, from the same settings.
    fn path(&self, diags: &mut Diags) {
        let (Some(words), Some(Probe::Http { path, .. })) = (self.words, self.other.map(|other| &other.probe)) else {
            return;
        };
        let wanted = text_of(path);
        let is_said = words.iter().any(|word| text_of(word).contains(&*wanted));
        let origins: BTreeSet<&str> = words.iter().flat_map(|word| paths(&word.origins)).collect();
        let from = super::from(&path.origins);
        let name = self.name();
        let message = match paths(&path.origins).all(|path| origins.contains(path)) {
            true if is_said => return,
            _ if !is_said => format!("`{name}` asks for `{wanted}`{from} to `helm`, and not to `compose`"),
            _ => {
                format!("`{name}` asks for `{wanted}`{from} to `helm`, and to `compose` for what does not come from it")
            }
        };
        let at = words.first().map_or(self.check.at, |word| word.at);
        diags.push(codes::VIEWS_DIFFER.at(at, message).hint("ask for the same path"));
    }

    /// No setting is one time to one target and another time to the other.
    fn times(&self, diags: &mut Diags) {
        let Some(other) = self.other else { return };
        let (here, there) = (times(self.check), times(other));
        let pairs = || here.iter().zip(&there).filter_map(|(one, two)| Some((one.0, one.1?, two.1?)));
        for (name, one, two) in pairs().filter(|(_, one, two)| !one.origins.is_empty() && !same(one, two)) {
            let crossed =
                |(field, here, there): (&str, &Leaf, &Leaf)| field != name && (same(here, two) || same(there, one));
            if two.origins.is_empty() || !pairs().any(crossed) {
                continue;
            }
            let (check, one_from, two_from) = (self.name(), super::from(&one.origins), super::from(&two.origins));
            let message = format!(
                "`{check}.{name}` is `{}`{one_from} to `compose` and `{}`{two_from} to `helm`, which is another time of \
                 the check",
                value::spell(&one.value),
                value::spell(&two.value)
            );
            diags.push(codes::VIEWS_DIFFER.at(two.at, message).hint(format!("compute `{name}` from the same setting")));
        }
    }

    fn name(&self) -> String {
        let kind = match self.check.kind {
            HealthKind::Liveness => "liveness",
            HealthKind::Readiness => "readiness",
            HealthKind::Startup => "startup",
        };
        format!("{} health[{kind}]", self.here.name)
    }
}

/// The times of a check, by their names in facts.
fn times(check: &Health) -> [(&'static str, Option<&Leaf>); 5] {
    [
        ("period", check.period.as_ref()),
        ("delay", check.delay.as_ref()),
        ("timeout", check.timeout.as_ref()),
        ("failures", check.failures.as_ref()),
        ("start", check.start.as_ref()),
    ]
}

fn paths(origins: &[Origin]) -> impl Iterator<Item = &str> {
    origins.iter().map(|origin| &*origin.path)
}

/// Whether two leaves come from the same settings.
fn same(one: &Leaf, other: &Leaf) -> bool {
    paths(&one.origins).eq(paths(&other.origins))
        || paths(&one.origins).collect::<BTreeSet<_>>() == paths(&other.origins).collect()
}

/// The ports of its own container that a text names.
fn ports(text: &str) -> Vec<i64> {
    let mut found = Vec::new();
    for own in OWN {
        for (at, _) in text.match_indices(own) {
            let rest = &text[at + own.len()..];
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            found.extend(rest[..digits].parse::<i64>());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_the_own_container_are_found_in_commands() {
        assert_eq!(ports("urlopen('http://127.0.0.1:7002/healthcheck')"), [7002]);
        assert_eq!(ports("exec 3<>/dev/tcp/127.0.0.1/6333 && echo"), [6333]);
        assert_eq!(ports("http://localhost:80 http://127.0.0.1:81"), [81, 80]);
        assert!(ports("http://10.0.0.1:80 127.0.0.1:$PORT").is_empty());
    }
}
