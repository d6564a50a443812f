//! Two sides that do not know of each other, compared.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::{
    Class, Difference,
    normal::{self, Normal, Normals, SECRET, is_timing},
    url,
};
use crate::{
    facts::{Facts, State, View},
    plan::{FactPath, Kind},
    value::Value,
};

/// The most variables of a workload among which parts of URLs are looked for.
const MOST_VARIABLES: usize = 500;

/// Facts, and in whose words they were said.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The facts.
    pub facts: &'a Facts,
    /// Whose words they are.
    pub view: View,
}

/// What two sides do not state alike once spelling, delivery and defaults are set aside, and what each states badly,
/// in the order of facts. Credentials are compared by whether they are there.
#[must_use]
pub fn compare_sides(left: Side<'_>, right: Side<'_>) -> Vec<Difference> {
    let (mut lefts, mut rights) = (normal::normals(left.facts, left.view), normal::normals(right.facts, right.view));
    let mut found = Vec::new();
    for (class, path, said) in std::mem::take(&mut lefts.bad) {
        found.push(normal::bad(class, path, said, true));
    }
    for (class, path, said) in std::mem::take(&mut rights.bad) {
        found.push(normal::bad(class, path, said, false));
    }
    let sides = Sides { left: &lefts, right: &rights, views: (left.view, right.view) };
    sides.workloads(&mut found);
    let unexpanded = found.iter().filter(|bad| bad.class == Class::Unexpanded).map(|bad| bad.path.clone());
    let unexpanded: BTreeSet<FactPath> = unexpanded.collect();
    let paths: BTreeSet<&FactPath> = lefts.facts.keys().chain(rights.facts.keys()).collect();
    for path in paths {
        // What is wrong by itself is not compared, too.
        if !unexpanded.contains(path) && sides.runs(&path.workload, true) && sides.runs(&path.workload, false) {
            found.extend(sides.difference(path));
        }
    }
    blanket(found)
}

struct Sides<'a> {
    left: &'a Normals<'a>,
    right: &'a Normals<'a>,
    views: (View, View),
}

impl Sides<'_> {
    fn of(&self, left: bool) -> &Normals<'_> {
        if left { self.left } else { self.right }
    }

    /// Whether a side has a workload.
    fn runs(&self, workload: &SmolStr, left: bool) -> bool {
        let from = FactPath { workload: workload.clone(), kind: Kind::Role, key: SmolStr::default(), field: "" };
        self.of(left).facts.range(from..).next().is_some_and(|(path, _)| path.workload == *workload)
    }

    /// Workloads of one side alone: one difference each.
    fn workloads(&self, found: &mut Vec<Difference>) {
        for left in [true, false] {
            let mut last = None;
            for (path, fact) in &self.of(left).facts {
                if last != Some(&path.workload) && !self.runs(&path.workload, !left) {
                    let path = FactPath { kind: Kind::Role, key: SmolStr::default(), field: "", ..path.clone() };
                    let class = if left { Class::OnlyLeft } else { Class::OnlyRight };
                    found.push(Difference { class, ..normal::bad(class, path, fact.said.clone(), left) });
                }
                last = Some(&path.workload);
            }
        }
    }

    fn difference(&self, path: &FactPath) -> Option<Difference> {
        let (left, right) = (self.left.facts.get(path), self.right.facts.get(path));
        let class = match (left, right) {
            (Some(left), Some(right)) => self.both(path, left, right)?,
            (Some(fact), None) => self.one(path, fact, true)?,
            (None, Some(fact)) => self.one(path, fact, false)?,
            (None, None) => return None,
        };
        let said = |side: Option<&Normal<'_>>| side.map(|fact| fact.said.clone());
        let minor = left.or(right).is_some_and(|fact| fact.minor);
        Some(Difference { class, path: path.clone(), also: Vec::new(), left: said(left), right: said(right), minor })
    }

    /// What is to be said of a fact that both sides state.
    fn both(&self, path: &FactPath, left: &Normal<'_>, right: &Normal<'_>) -> Option<Class> {
        if path.kind == Kind::Image && path.field.is_empty() {
            return self.images(path, left, right);
        }
        if left.text == right.text {
            return None;
        }
        if left.state == State::Open || right.state == State::Open {
            return Some(Class::Open);
        }
        let secret = |one: &Normal<'_>, other: &Normal<'_>| one.text == SECRET && !other.text.is_empty();
        if path.kind == Kind::Env && (secret(left, right) || secret(right, left)) {
            return None;
        }
        // Who waits for whom counts; how long, each side says in its own way.
        let different = path.kind != Kind::Needs && !(path.kind == Kind::Args && ends_alike(&left.text, &right.text));
        different.then_some(Class::Conflict)
    }

    fn images(&self, path: &FactPath, left: &Normal<'_>, right: &Normal<'_>) -> Option<Class> {
        if left.state == State::Open || right.state == State::Open {
            return (left.text != right.text).then_some(Class::Open);
        }
        let image = |fact: &Normal<'_>| match fact.fact.map(|fact| &fact.value) {
            Some(Value::Image(image)) => Some(image.clone()),
            _ => None,
        };
        let built = FactPath { field: "build", ..path.clone() };
        let is_built = self.left.facts.contains_key(&built) || self.right.facts.contains_key(&built);
        let same_place = match (image(left), image(right)) {
            (Some(one), Some(other)) => {
                let pinned = !one.digest.is_empty() && one.digest == other.digest;
                if pinned && one.repository == other.repository {
                    return None;
                }
                one.repository == other.repository && one.registry == other.registry
            }
            _ => false,
        };
        let floats = left.state == State::Floating || right.state == State::Floating;
        match (same_place, floats) {
            (true, true) => Some(Class::Floating),
            // What is built here has the name that somebody gave it here.
            (false, true) if is_built => None,
            _ => (left.text != right.text).then_some(Class::Conflict),
        }
    }

    /// What is to be said of a fact that one side states.
    fn one(&self, path: &FactPath, fact: &Normal<'_>, left: bool) -> Option<Class> {
        let other = if left { self.views.1 } else { self.views.0 };
        let own = if left { self.views.0 } else { self.views.1 };
        let row = path.row();
        let says = |view: View| row.is_none_or(|row| if view == View::Compose { row.compose } else { row.helm });
        if !says(other) && own != other {
            return Some(Class::NotExpressible);
        }
        let said = match path.kind {
            // Inside a network nobody has to declare a port, so only who declares some can miss one.
            Kind::Port => self.declares(&path.workload, !left),
            Kind::Health => self.checks(path, left),
            Kind::Env => fact.state == State::Open || !self.in_parts(path, fact, left),
            Kind::File => !self.below(path, !left),
            Kind::Replicas if path.field.is_empty() => fact.fact.is_some(),
            Kind::Role | Kind::Image if !path.field.is_empty() => false,
            _ => true,
        };
        if !said {
            return None;
        }
        Some(match (fact.state, left) {
            (State::Open, _) if path.kind == Kind::Env => Class::Open,
            (_, true) => Class::OnlyLeft,
            (_, false) => Class::OnlyRight,
        })
    }

    fn facts_of(&self, path: &FactPath, kind: Kind, left: bool) -> impl Iterator<Item = (&FactPath, &Normal<'_>)> {
        let from = FactPath { kind, key: SmolStr::default(), field: "", ..path.clone() };
        let workload = path.workload.clone();
        let all = self.of(left).facts.range(from..);
        all.take_while(move |(path, _)| path.workload == workload && path.kind == kind)
    }

    fn declares(&self, workload: &SmolStr, left: bool) -> bool {
        let path = FactPath { workload: workload.clone(), kind: Kind::Port, key: SmolStr::default(), field: "" };
        self.facts_of(&path, Kind::Port, left).next().is_some()
    }

    /// A check of one side alone counts once; a command and a request are two ways to check.
    fn checks(&self, path: &FactPath, left: bool) -> bool {
        let said = |left: bool| self.facts_of(path, Kind::Health, left).any(|(path, _)| !is_timing(path.field));
        !is_timing(path.field) && path.field != "port" && !said(!left)
    }

    /// Whether a file of one side stands in a folder that the other mounts as a whole, or the other way round.
    fn below(&self, path: &FactPath, left: bool) -> bool {
        let inside = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        self.facts_of(path, Kind::File, left)
            .any(|(other, _)| inside(&other.key, &path.key) || inside(&path.key, &other.key))
    }

    /// Whether the other side says the parts of this URL, or this is such a part of a URL there, and they agree.
    fn in_parts(&self, path: &FactPath, fact: &Normal<'_>, left: bool) -> bool {
        if self.facts_of(path, Kind::Env, !left).nth(MOST_VARIABLES).is_some() {
            return false;
        }
        if let Some(url) = url::split(&fact.text) {
            return self.parts_say(path, &url, !left);
        }
        let urls = self.facts_of(path, Kind::Env, !left).filter(|(other, _)| !self.of(left).facts.contains_key(*other));
        let mut urls = urls.filter_map(|(_, fact)| url::split(&fact.text));
        urls.any(|url| self.parts_say(path, &url, left) && says_part(&path.key, &fact.text, &url))
    }

    /// Whether variables of a side say host, port and name of a URL.
    fn parts_say(&self, path: &FactPath, url: &url::Url<'_>, left: bool) -> bool {
        let mut hosts = self.facts_of(path, Kind::Env, left).filter(|(_, fact)| fact.text == url.host);
        hosts.any(|(host, _)| {
            let Some(prefix) =
                ["_HOST", "_HOSTNAME", "_SERVER", "_ADDR"].iter().find_map(|end| host.key.strip_suffix(end))
            else {
                return false;
            };
            let of = |end: &str| {
                let path = FactPath { key: format!("{prefix}{end}").into(), ..host.clone() };
                self.of(left).facts.get(&path).map(|fact| fact.text.as_str())
            };
            let default = url::default_port(url.scheme).map(|port| port.to_string()).unwrap_or_default();
            let port = if url.port.is_empty() { &default } else { url.port };
            let name = ["_DB", "_NAME", "_DATABASE", "_DBNAME"].iter().find_map(|end| of(end));
            of("_PORT").is_none_or(|said| said == port)
                && name.is_none_or(|said| said == url.path)
                && url.query.is_empty()
        })
    }
}

/// Whether a variable of this name says a part of a URL, and says it right.
fn says_part(name: &str, value: &str, url: &url::Url<'_>) -> bool {
    let default = url::default_port(url.scheme).map(|port| port.to_string()).unwrap_or_default();
    let port = if url.port.is_empty() { &default } else { url.port };
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    if ends(&["_HOST", "_HOSTNAME", "_SERVER", "_ADDR"]) {
        value == url.host
    } else if ends(&["_PORT"]) {
        value == port
    } else if ends(&["_DB", "_NAME", "_DATABASE", "_DBNAME"]) {
        value == url.path
    } else {
        ends(&["_USER", "_USERNAME", "_PASSWORD"]) && !url.user.is_empty()
    }
}

/// Whether one command is the other with a program in front, which the image may say.
fn ends_alike(one: &str, other: &str) -> bool {
    let tail = |long: &str, short: &str| {
        long.strip_suffix(short).is_some_and(|program| program.split_whitespace().count() == 1)
    };
    !one.is_empty() && !other.is_empty() && (tail(one, &format!(" {other}")) || tail(other, &format!(" {one}")))
}

/// The same said of a variable of several workloads is said once.
fn blanket(found: Vec<Difference>) -> Vec<Difference> {
    let mut kept: Vec<Difference> = Vec::new();
    let mut known = BTreeMap::new();
    for difference in found {
        let value = |said: &Option<super::Said>| said.as_ref().map(|said| said.value.clone());
        let same = (difference.class, difference.path.key.clone(), value(&difference.left), value(&difference.right));
        match known.get(&same).filter(|_| difference.path.kind == Kind::Env) {
            Some(at) => {
                let first: &mut Difference = &mut kept[*at];
                first.also.push(difference.path.workload);
            }
            None => {
                if difference.path.kind == Kind::Env {
                    known.insert(same, kept.len());
                }
                kept.push(difference);
            }
        }
    }
    kept.sort_by(|a, b| (&a.path, a.class).cmp(&(&b.path, b.class)));
    kept
}
