//! `flux { … }`: what an environment says of Flux, for all of its deployments or for one.
//!
//! The words are the rows of [`WORDS`], written and checked as settings are.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    diag::{Diags, Finding, codes},
    model::{Flux, WORDS, Word, WordKind},
    schema::{Children, Declaration, Given, Kind, Setting, SettingId, assign::Reader},
    source::{Source, Span},
    syntax::Node,
    value::{Attributes, Value},
};

/// The word that an environment and a deployment may use, unless the stack has a setting of this name.
pub(super) const NODE: &str = "flux";

/// Words of one `Kustomization`, which there is one of.
const OF_ALL: &str = "kustomization";

/// Reads `flux` nodes on top of what is said for all deployments. `all` is whether these are those nodes.
pub(super) fn read(nodes: &[&Node], above: Flux, all: bool, source: &Arc<Source>, diags: &mut Diags) -> Flux {
    let Some(first) = nodes.first() else { return above };
    let settings = settings();
    let sources = std::slice::from_ref(source);
    let mut reader = Reader::new(&settings, sources, None);
    reader.nodes(nodes.iter().copied(), SettingId::ROOT, &[]);
    diags.extend(reader.diags);
    let mut wrong = BTreeSet::new();
    let mut own = Flux { span: first.name.span, written: true, ..Flux::default() };
    for assignment in reader.values {
        let Some(word) = assignment.setting.index().checked_sub(FIRST).and_then(|row| words().nth(row)) else {
            continue; // the node itself, or an item of a list
        };
        if !all && word.path.starts_with(OF_ALL) {
            diags.push(not_here(word, assignment.name_span));
        } else if is_wrong(&assignment.given) {
            wrong.insert(word.path);
        } else if let Some(value) = value_of(assignment.given) {
            own.said.insert(word.path, (value, assignment.span));
        }
    }
    own.said.keys().filter_map(|path| redundant(path, &own, &above)).for_each(|finding| diags.push(finding));
    let said: Vec<&str> = own.said.keys().copied().collect();
    let flux = above.under(own);
    said.iter().filter_map(|path| Word::named(path)).for_each(|word| fits(word, &flux, &wrong, diags));
    flux
}

/// Settings before those of the words: the root and `flux`.
const FIRST: usize = 2;

/// The words, each with room behind it for the item of a list.
fn words() -> impl Iterator<Item = &'static Word> {
    WORDS.iter().flat_map(|word| std::iter::repeat_n(word, 1 + usize::from(matches!(word.of, WordKind::List(_)))))
}

fn is_wrong(given: &Given) -> bool {
    match given {
        Given::Wrong => true,
        Given::List(items) => items.iter().any(is_wrong),
        _ => false,
    }
}

fn value_of(given: Given) -> Option<Value> {
    match given {
        Given::Value(value) => Some(value),
        Given::List(items) => items.into_iter().map(value_of).collect::<Option<Vec<Value>>>().map(Value::List),
        _ => None,
    }
}

/// Words of a choice fit what is chosen, and those that it needs are there, if only with a value that is wrong.
fn fits(word: &Word, flux: &Flux, wrong: &BTreeSet<&str>, diags: &mut Diags) {
    if let Some(finding) = unavailable(word, flux) {
        return diags.push(finding);
    }
    let WordKind::Choice(_) = word.of else { return };
    let chosen = flux.text(word.path);
    let needs = |row: &&Word| row.parent() == word.path && row.required && row.with.contains(&chosen.as_ref());
    let given = |path: &str| flux.said.contains_key(path) || wrong.contains(path);
    for needed in WORDS.iter().filter(needs).filter(|needed| !given(needed.path)) {
        diags.push(missing(word, &chosen, needed.name(), needed.about, flux));
    }
    let moves = !["tag", "commit"].iter().any(|name| given(&format!("{}.{name}", word.path)));
    if (word.path, chosen.as_ref()) == ("source", "git") && moves {
        diags.push(missing(word, &chosen, "tag", "what is taken must not move: a tag or a commit", flux));
    }
}

/// What is said is what holds anyway. A choice that is written brings the words below it with it.
fn redundant(path: &str, own: &Flux, above: &Flux) -> Option<Finding> {
    let word = Word::named(path)?;
    let below = format!("{path}.");
    let leads = own.said.keys().chain(above.said.keys()).any(|other| other.starts_with(&below));
    if leads || own.said.contains_key(word.parent()) {
        return None;
    }
    let (value, span) = own.said.get(path)?;
    let same = above.leaf(word.path).is_some_and(|before| before.value == *value);
    let finding = codes::REDUNDANT.at(*span, format!("`flux.{path}` would have this value anyway"));
    same.then(|| finding.maybe_label(above.said.get(path).map(|(_, before)| *before), "from here"))
}

fn missing(word: &Word, chosen: &str, name: &str, about: &str, flux: &Flux) -> Finding {
    codes::REQUIRED
        .at(flux.span_of(word.path), format!("`flux.{}.{name}` is required and has no value", word.path))
        .underline(about)
        .hint(format!("write `flux {{ {} \"{chosen}\" {name}=\"…\" }}`", word.path.replace('.', " { ")))
}

fn unavailable(word: &Word, flux: &Flux) -> Option<Finding> {
    let parent = Word::named(word.parent())?;
    let chosen = flux.text(parent.path);
    if word.with.is_empty() || word.with.contains(&chosen.as_ref()) {
        return None;
    }
    let wanted = word.with.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
    let is = if chosen.is_empty() { "not said".to_owned() } else { format!("`{chosen}`") };
    let message = format!("`flux.{}` exists only with `{}` {wanted}, and that is {is}", word.path, parent.path);
    let finding = codes::UNAVAILABLE.at(flux.span_of(word.path), message).underline("has no effect here");
    Some(finding.hint(format!("delete it, or write `{} \"{}\"`", parent.name(), word.with[0])))
}

fn not_here(word: &Word, span: Span) -> Finding {
    codes::UNKNOWN_SETTING
        .at(span, format!("`flux.{}` belongs to the environment, not to one deployment", word.path))
        .hint("write it in `flux { … }` beside the deployments")
}

/// The words as settings, so that they are read as all others are: number 0 holds `flux`, which holds the words.
fn settings() -> Vec<Setting> {
    let mut settings = vec![setting("", "", None, Kind::Group), setting(NODE, NODE, Some(0), Kind::Group)];
    settings[0].children.insert(NODE.into(), SettingId(1));
    for word in WORDS {
        let id = settings.len() as u32;
        let path = format!("{NODE}.{}", word.path);
        let parent = path.rsplit_once('.').map_or(NODE, |(parent, _)| parent);
        let parent = settings.iter().position(|found| found.path.as_str() == parent).unwrap_or(1);
        settings[parent].children.insert(word.name().into(), SettingId(id));
        let kind = match word.of {
            WordKind::Group => Kind::Group,
            WordKind::Scalar(name) => Kind::Scalar(name.into()),
            WordKind::Enum(_) => Kind::Scalar("enum".into()),
            WordKind::List(_) => Kind::List(SettingId(id + 1)),
            WordKind::Choice(words) => Kind::Choice(words.iter().map(|word| (*word).into()).collect()),
        };
        let mut found = setting(word.name(), &path, Some(parent as u32), kind);
        found.declarations[0].said.about = word.about.into();
        found.declarations[0].attributes = attributes(word).into();
        settings.push(found);
        if let WordKind::List(of) = word.of {
            settings.push(setting("*", &format!("{path}.*"), Some(id), Kind::Scalar(of.into())));
        }
    }
    settings
}

fn attributes(word: &Word) -> Attributes {
    let mut attributes = Attributes::default();
    match word.of {
        WordKind::Enum(words) => attributes.words = words.iter().map(|word| (*word).into()).collect(),
        // Flux looks at nothing more often than every second, and -1 is for ever.
        WordKind::Scalar("duration") => attributes.min = Some(Value::Duration(1000)),
        WordKind::Scalar("int") => (attributes.min, attributes.max) = (Some(Value::Int(-1)), Some(Value::Int(1000))),
        WordKind::Scalar("url") => {
            attributes.schemes = ["oci", "https", "http", "ssh"].iter().map(|scheme| (*scheme).into()).collect();
        }
        _ => {}
    }
    attributes
}

fn setting(name: &str, path: &str, parent: Option<u32>, kind: Kind) -> Setting {
    Setting {
        name: name.into(),
        path: path.into(),
        parent: parent.map(SettingId),
        depth: 0,
        below_list: false,
        kind,
        children: Children::default(),
        of: "".into(),
        declarations: vec![Declaration::new(Span::default())],
    }
}
