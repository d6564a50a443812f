//! How Compose and Kubernetes ask whether a program can work: an `override` says that they ask in other ways, and not that
//! they ask something else.
//!
//! In: the workloads of both views. Out: findings.
//! Never: what the views differ in otherwise.
//! Invariant: a command that asks its own container over the network asks the port that Kubernetes asks, and there the
//! path; a setting that is one time of a check to one target is not another time of it to the other; the times of a check
//! that a stack fixes are in proportion; and two commands of the same words have them in the same order.

use std::{borrow::Cow, collections::BTreeSet};

use smol_str::SmolStr;

use crate::{
    diag::{Diags, codes},
    plan::{Deployment, Health, Leaf, Origin, Probe, Workload},
    value::{self, Value},
};

/// What is before a port where a command asks its own container.
const OWN: &[&str] = &["127.0.0.1:", "localhost:", "/dev/tcp/127.0.0.1/", "/dev/tcp/localhost/"];

/// Compares the checks of each workload that both targets run.
pub(super) fn check(deployment: &Deployment, diags: &mut Diags) {
    let here = deployment.compose.iter().flat_map(|compose| &compose.workloads);
    let mut seen = BTreeSet::new();
    for workload in here.chain(&deployment.cluster) {
        for check in workload.health.iter().filter(|check| seen.insert((check.at, check.kind))) {
            proportions(&name_of(workload, check), check, diags);
        }
    }
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
        if let Some(there) = there {
            same_order(here, there, diags);
        }
    }
}

/// How many times the time that an answer may take the time between two questions is at most, and how many times that the
/// time to start: beyond, one of them is in another unit.
const MOST: (u64, u64) = (60, 120);

/// The time in milliseconds that an answer may take whatever the time between two questions is: both clients ask again only
/// after the answer, so it is no mistake that a store is asked every second and may take five.
const ANSWER: u64 = 60_000;

/// Reports times that a stack fixes and that do not fit the others of the same check.
fn proportions(name: &str, check: &Health, diags: &mut Diags) {
    let time = |leaf: &Option<Leaf>| match leaf.as_ref().map(|leaf| &leaf.value) {
        Some(Value::Duration(time)) => Some(*time),
        _ => None,
    };
    let (period, timeout) = (time(&check.period), time(&check.timeout));
    let is_more = |more: Option<u64>, times: u64, than: Option<u64>| {
        more.zip(than).is_some_and(|(more, than)| more > than.saturating_mul(times))
    };
    let rows = [
        ("timeout", &check.timeout, "period", timeout >= Some(ANSWER) && is_more(timeout, 1, period)),
        ("period", &check.period, "timeout", is_more(period, MOST.0 - 1, timeout)),
        ("delay", &check.delay, "period", is_more(time(&check.delay), MOST.1 - 1, period)),
        ("start", &check.start, "period", is_more(time(&check.start), MOST.1 - 1, period)),
    ];
    for (field, leaf, other, is_out) in rows {
        let Some(leaf) = leaf.as_ref().filter(|leaf| is_out && leaf.origins.is_empty()) else { continue };
        let against = times(check).into_iter().find(|(name, _)| *name == other).and_then(|(_, leaf)| leaf);
        let against = against.map(|leaf| value::spell(&leaf.value)).unwrap_or_default();
        let message = format!("`{name}.{field}` is `{}`, and `{other}` is `{against}`", value::spell(&leaf.value));
        diags.push(codes::CHECK_TIMES.at(leaf.at, message).hint("look at the units; what is meant so is a setting"));
        return;
    }
}

/// Reports commands that have the same words to both targets, in another order.
fn same_order(here: &Workload, there: &Workload, diags: &mut Diags) {
    let words = |all: &[Leaf]| -> Vec<String> {
        let spelled = all.iter().map(|leaf| value::spell(&leaf.value));
        spelled.flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let (mut less, mut more) = (words(&here.command), words(&there.command));
    if less.len() > more.len() {
        std::mem::swap(&mut less, &mut more);
    }
    let mut rest = more.iter();
    let in_order = less.iter().all(|word| rest.any(|other| other == word));
    if less.is_empty() || in_order || !less.iter().all(|word| more.contains(word)) {
        return;
    }
    let at = here.command.first().map_or(here.at, |leaf| leaf.at);
    let message = format!("`{} command` has to `helm` the words that it has to `compose`, in another order", here.name);
    diags.push(codes::VIEWS_DIFFER.at(at, message).hint("write them in the same order"));
}

/// A check as messages call it.
fn name_of(workload: &Workload, check: &Health) -> String {
    format!("{} health[{}]", workload.name, check.kind.word())
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
    fn wanted(&self) -> Option<(&SmolStr, i64)> {
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
        name_of(self.here, self.check)
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
