//! What was most likely meant by a name that is not known, or by a value that stands without a name.
//!
//! In: a [`Reader`] and what it stopped at. Out: findings with the line to type.
//! Never: a guess that is taken for what was written; a text that may be secret.
//! Invariant: what was meant counts as given wrongly, so that nobody asks for it again.

use super::{Keys, Reader};
use crate::{
    diag::{codes, list_of, nearest},
    schema::{Given, Kind, SettingId, build::raw, line},
    syntax::{Entry, Literal, Name, Node},
    value,
};

/// Words of Compose files and of Kubernetes, as [`camel`] spells them, and what settings of that meaning are called.
const ELSEWHERE: &[(&str, &[&str])] = &[
    ("command", &["exec"]),
    ("containerPort", &["port"]),
    ("dependsOn", &["needs"]),
    ("entrypoint", &["command"]),
    ("expose", &["port"]),
    ("failureThreshold", &["failures"]),
    ("httpGet", &["http"]),
    ("imagePullPolicy", &["pull"]),
    ("initialDelaySeconds", &["delay"]),
    ("interval", &["period"]),
    ("livenessProbe", &["liveness"]),
    ("maxReplicas", &["max"]),
    ("path", &["http"]),
    ("periodSeconds", &["period"]),
    ("pullPolicy", &["pull"]),
    ("readinessProbe", &["health", "readiness"]),
    ("retries", &["failures"]),
    ("scale", &["replicas"]),
    ("startPeriod", &["start"]),
    ("storage", &["size"]),
    ("storageClass", &["class"]),
    ("storageClassName", &["class"]),
    ("test", &["exec"]),
    ("timeoutSeconds", &["timeout"]),
];

impl Reader<'_> {
    pub(super) fn unknown(&mut self, name: &Name, group: SettingId, keys: Keys<'_>) {
        if self.diags.is_full() {
            return;
        }
        let setting = &self.settings[group.index()];
        let place =
            if group == SettingId::ROOT { "the stack".to_owned() } else { format!("`{}`", self.named(group, keys)) };
        let message = format!("{place} has no setting `{}`", name.text);
        let finding = codes::UNKNOWN_SETTING.at(name.span, message);
        let known: Vec<&str> = setting.children.keys().map(AsRef::as_ref).collect();
        let near = meant(&name.text, &known);
        let hint = match near {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if name.text == "enabled" && matches!(setting.kind, Kind::Switch) => {
                Some(format!("write `{}` to switch it on, `{} #false` to switch it off", setting.name, setting.name))
            }
            None => self.elsewhere(&name.text, group, keys),
        };
        let almost =
            || self.elsewhere(nearest(&name.text, self.settings.iter().map(|it| it.name.as_str()))?, group, keys);
        let listed = || (!known.is_empty()).then(|| format!("it has {}", list_of(&known)));
        let finding = match hint {
            Some(hint) => finding.hint(hint),
            None => finding.maybe_hint(almost()).maybe_hint(listed()),
        };
        self.diags.push(finding);
        let meant = near.and_then(|near| setting.children.get(near)).copied();
        if let Some(id) = meant.filter(|id| matches!(self.settings[id.index()].kind, Kind::Scalar(_) | Kind::List(_))) {
            // What was probably meant has been given something, so that nobody asks for it again.
            self.push(id, keys, Given::Wrong, name.span, name.span);
        }
    }

    /// Where a setting of this name, or of a path with dots, stands instead.
    fn elsewhere(&self, name: &str, group: SettingId, keys: Keys<'_>) -> Option<String> {
        if name.contains('.') {
            let found = self.settings.iter().position(|setting| setting.path.as_str() == name)?;
            let found = SettingId(u32::try_from(found).ok()?);
            return Some(format!("write it as nodes: `{}`", line::line(self.settings, found, &[], "…")));
        }
        let depth = |id: &SettingId| self.settings[id.index()].path.matches('.').count();
        let called =
            self.settings.iter().zip(0..).filter(|(setting, _)| *setting.name == *name).map(|(_, id)| SettingId(id));
        let found = called.min_by_key(depth)?;
        let there = &self.settings[found.index()].path;
        // The keys of the maps that both stand in.
        let common = there.split('.').zip(self.settings[group.index()].path.split('.')).take_while(|(a, b)| a == b);
        let keys = &keys[..common.filter(|(word, _)| *word == "*").count().min(keys.len())];
        let line = line::line(self.settings, found, keys, "…");
        Some(format!("there is `{}`: write `{line}`", self.named(found, keys)))
    }

    /// Whether what stands behind a switch is a value of one of its settings rather than a yes or no.
    pub(super) fn is_meant_below(&self, id: SettingId, entry: &Entry) -> bool {
        let is_word = match &entry.value {
            Literal::String(text) => value::meant_bool(text).is_none(),
            Literal::Integer(number) => !matches!(number, 0 | 1),
            _ => false,
        };
        is_word && self.settings[id.index()].kind == Kind::Switch && self.taker(id, entry).is_some()
    }

    /// `ingress "a.example.com"`: the value of a setting behind the switch that it belongs to.
    pub(super) fn below(&mut self, name: &Name, id: SettingId, entry: &Entry, keys: Keys<'_>, how: &str) {
        let Some((takers, value)) = self.takers(id, entry) else { return };
        let line = |taker: &SettingId| format!("`{} {}={value}`", name.text, self.settings[taker.index()].name);
        let lines: Vec<String> = takers.iter().take(3).map(line).collect();
        let message = format!("`{}` is on or off, and its settings have names", self.named(id, keys));
        self.diags.push(
            codes::NOT_A_SWITCH
                .at(entry.span, message)
                .underline("neither `#true` nor `#false`")
                .hint(format!("write {}{how}", lines.join(" or "))),
        );
        self.push(id, keys, Given::Here, name.span, name.span);
        self.push(takers[0], keys, Given::Wrong, entry.span, name.span);
    }

    /// `volume "data" "/data"`: a value behind the key of an entry.
    pub(super) fn nameless(&mut self, node: &Node, entry: &Entry, item: SettingId, keys: Keys<'_>) {
        let map = self.settings[item.index()].parent.unwrap_or(item);
        let message = format!("an entry of `{}` takes its name and named fields", self.named(map, keys));
        let mut finding = codes::TOO_MANY_VALUES.at(entry.span, message).underline("one too many");
        if let Some((taker, value)) = self.taker(item, entry) {
            let (name, key) = (&node.name.text, keys.last().map_or("NAME", |key| key));
            finding = finding.hint(format!("write `{name} \"{key}\" {}={value}`", self.settings[taker.index()].name));
            // It has been given something, so that nobody asks for it again.
            self.push(taker, keys, Given::Wrong, entry.span, node.name.span);
        }
        self.diags.push(finding);
    }

    /// The type by which a setting can hold a value that stands without a name; none where it cannot.
    fn holds(&self, id: SettingId, entry: &Entry) -> Option<&'static str> {
        let of = match &self.settings[id.index()].kind {
            Kind::List(item) => &self.settings[item.index()],
            _ => &self.settings[id.index()],
        };
        let Kind::Scalar(name) = &of.kind else { return None };
        let scalar = value::scalar(name).filter(|of| !matches!(of.name, "secret" | "any" | "tree"))?;
        let attributes = of.declarations.first().map(|found| found.attributes.clone()).unwrap_or_default();
        value::parse(scalar, &raw(entry, self.sources), &attributes).ok().map(|_| scalar.name)
    }

    /// The settings of a group that a value without a name may be meant for, and the value as it may be shown: the one that
    /// has to be given, or the first that can hold it and those of its type.
    fn takers(&self, group: SettingId, entry: &Entry) -> Option<(Vec<SettingId>, String)> {
        entry.annotation.is_none().then_some(())?;
        let children = self.settings[group.index()].children.values();
        let all: Vec<(SettingId, &str)> = children.filter_map(|id| Some((*id, self.holds(*id, entry)?))).collect();
        let is_required = |(id, _): &&(SettingId, &str)| {
            self.settings[id.index()].declarations.iter().any(|declaration| declaration.required)
        };
        let required = all.iter().find(is_required).copied();
        let (first, of) = required.or_else(|| all.first().copied())?;
        let same = all.iter().filter(|(id, other)| *id == first || required.is_none() && *other == of);
        // Any text is a string, so it may be meant otherwise, and is not repeated.
        let is_plain = of == "string" && matches!(entry.value, Literal::String(_));
        Some((same.map(|(id, _)| *id).collect(), if is_plain { "\"…\"".to_owned() } else { self.text_of(entry) }))
    }

    /// The first of these.
    pub(super) fn taker(&self, group: SettingId, entry: &Entry) -> Option<(SettingId, String)> {
        let (all, value) = self.takers(group, entry)?;
        Some((*all.first()?, value))
    }

    /// A value as it is written.
    fn text_of(&self, entry: &Entry) -> String {
        let source = self.sources.iter().find(|source| source.id == entry.span.source);
        source.map_or_else(|| "…".to_owned(), |source| source.slice(entry.span).to_owned())
    }
}

/// The name in `"NAME=value"`, as it would stand before its value.
pub(super) fn assigned(entry: Option<&Entry>) -> Option<String> {
    let Literal::String(text) = &entry?.value else { return None };
    let (name, _) = text.split_once('=')?;
    let is_plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_plain.then(|| format!("{name} \"…\""))
}

/// The one of the names here that a word most likely means: a name that is spelled almost so, the longest that it begins
/// with, or what is called so in other files.
fn meant<'n>(word: &str, known: &[&'n str]) -> Option<&'n str> {
    let begins =
        || known.iter().copied().filter(|name| name.len() > 2 && word.starts_with(name)).max_by_key(|name| name.len());
    let other = || {
        let word = camel(word);
        let (_, names) = ELSEWHERE.iter().find(|(other, _)| *other == word)?;
        known.iter().copied().find(|name| names.contains(name))
    };
    nearest(word, known.iter().copied()).or_else(other).or_else(begins)
}

/// `depends_on` and `depends-on` as `dependsOn`.
fn camel(word: &str) -> String {
    let mut parts = word.split(['-', '_']);
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        camel.extend(part.chars().take(1).map(|c| c.to_ascii_uppercase()).chain(part.chars().skip(1)));
    }
    camel
}
