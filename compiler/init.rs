//! The questions of a stack and their answers into the text of an environment.
//!
//! In: a [`Stack`], and answers as text, one by one. Out: which questions are open, and the environment that the
//! answers make: a new one with comments, or one that was there with those values changed.
//! Never: a terminal, the disk, what a question means.
//! Invariant: what is asked follows from the text as it stands, so a question is asked only while its setting exists;
//! an answer changes the settings that its question names and no others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use smol_str::SmolStr;

use crate::{
    compile::Stdlib,
    diag::Diags,
    expr::Evaluated,
    fmt::{self as layout, patch},
    lookup::Reading,
    model::{Deployed, Env, Slot},
    resolve,
    schema::{
        Assignment, Given, Kind, SettingId, Stack,
        flux::{Word, WordKind},
        questions::{self, Answer, Fits, Place, Question, Section, Sets},
    },
    sensitive,
    source::{Source, SourceId},
    syntax::{self, Doc},
    value::{self, Value, spell},
};

/// What may be answered.
#[derive(Clone, PartialEq, Debug)]
pub enum Wanted {
    /// One of these words, each with what it means, which may be empty.
    Words(Vec<(SmolStr, SmolStr)>),
    /// Yes or no.
    YesNo,
    /// The reference of a secret, `NAME/KEY`.
    Secret,
    /// A value of the scalar type of this name.
    Value(SmolStr),
    /// Values of the scalar type of this name, with commas between them.
    Values(SmolStr),
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Words(words) => {
                let words: Vec<&str> = words.iter().map(|(word, _)| &**word).collect();
                f.write_str(&words.join(", "))
            }
            Wanted::YesNo => f.write_str("yes, no"),
            Wanted::Secret => f.write_str("the secret's reference, NAME/KEY"),
            Wanted::Value(name) => write!(f, "{}", example(name)),
            Wanted::Values(name) => write!(f, "one or more with commas between them, {}", example(name)),
        }
    }
}

/// What a value of a scalar type looks like.
fn example(name: &str) -> String {
    value::scalar(name).map_or_else(String::new, |row| format!("such as {}", row.example.trim_matches('"')))
}

/// A question that is open, or was answered, as things stand.
#[derive(Clone, PartialEq, Debug)]
pub struct Open {
    /// The value that holds now, in normal form: the answer given, or what holds without one.
    pub value: Option<String>,
    /// Whether the environment's text says it.
    pub written: bool,
    /// Whether an answer must be given.
    pub required: bool,
}

/// Why an answer was not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal(
    /// What was found and what was wanted; a text that may be a secret is not in it.
    pub String,
);

/// What is wrong with answers.
#[derive(Clone, PartialEq, Debug)]
pub enum Problem {
    /// A question must be answered, and was not.
    Missing(SmolStr, Wanted),
    /// A question was answered that is not asked while the other answers are as they are.
    NotAsked(SmolStr),
    /// An answer does not fit.
    Refused(SmolStr, String),
}

/// An environment that answers are being written into.
#[derive(Clone, Debug)]
pub struct Interview<'a> {
    stdlib: &'a Stdlib,
    stack: Arc<Stack>,
    name: String,
    text: String,
    deployed: Option<Arc<Deployed>>,
    /// Whether the text is somebody's own; else it becomes a new one, with comments.
    own: bool,
    /// The ids of the questions that were answered.
    answered: BTreeSet<SmolStr>,
}

impl<'a> Interview<'a> {
    /// A new environment, of which nothing is said yet.
    #[must_use]
    pub fn new(stdlib: &'a Stdlib, stack: Arc<Stack>, name: &str) -> Interview<'a> {
        let text = format!("environment {} stack={} {{\n}}\n", questions::quoted(name), questions::quoted(&stack.name));
        Interview::with(stdlib, stack, name, text, false)
    }

    /// An environment that is there.
    ///
    /// # Errors
    /// Its text cannot be read, holds several deployments, or is of another stack.
    pub fn of(stdlib: &'a Stdlib, stack: Arc<Stack>, name: &str, text: String) -> Result<Interview<'a>, Refusal> {
        let interview = Interview::with(stdlib, stack, name, text, true);
        match &interview.deployed {
            Some(deployed) if deployed.stack.name == interview.stack.name => Ok(interview),
            Some(deployed) => Err(Refusal(format!("`{name}` is an environment of `{}`", deployed.stack.name))),
            None => Err(Refusal(format!(
                "`{name}` cannot be changed by answers: its text has mistakes, or several deployments"
            ))),
        }
    }

    fn with(stdlib: &'a Stdlib, stack: Arc<Stack>, name: &str, text: String, own: bool) -> Interview<'a> {
        let name = name.to_owned();
        let mut new = Interview { stdlib, stack, name, text, deployed: None, own, answered: BTreeSet::new() };
        new.deployed = new.resolved(&new.text);
        new
    }

    /// The stack.
    #[must_use]
    pub fn stack(&self) -> &Arc<Stack> {
        &self.stack
    }

    /// Whether this question was answered.
    #[must_use]
    pub fn is_answered(&self, question: &Question) -> bool {
        self.answered.contains(&question.id)
    }

    /// The one deployment of a text, whose settings may be incomplete; none where there is no such text.
    fn resolved(&self, text: &str) -> Option<Arc<Deployed>> {
        let name = format!("environments/{}.kdl", self.name);
        let source = Arc::new(Source { id: SourceId(0), name, text: text.to_owned() });
        let mut diags = Diags::default();
        let doc = syntax::parse(&source, &mut diags);
        if diags.has_errors() || doc.nodes.iter().any(|node| node.property("stack").is_none()) {
            return None;
        }
        let sources = self.stdlib.sources().with(source.clone());
        let inputs = resolve::Inputs {
            source: &source,
            sources: &sources,
            stacks: &|name, diags| self.stdlib.stack(name, diags),
            stack_names: &self.stdlib.stacks(),
        };
        let Env { mut deployments, .. } = resolve::resolve(&doc, &inputs, &mut diags)?;
        deployments.pop().map(Arc::new)
    }

    /// The keys of a place as things stand, and the words that lead there in the text; none while a map on the way has
    /// not exactly one entry.
    fn located(&self, place: &Place) -> Option<Located> {
        let deployed = self.deployed.as_ref()?;
        let settings = &self.stack.settings;
        let mut found = Located { keys: Vec::new(), words: Vec::new() };
        let mut current = SettingId::ROOT;
        for word in &place.words {
            let setting = &settings[current.index()];
            let Kind::Map(item) = setting.kind else {
                found.words.push(word.to_string());
                current = *setting.children.get(word)?;
                continue;
            };
            if settings[item.index()].kind == Kind::Group {
                let [key] = deployed.base.keys_of(current, &found.keys) else { return None };
                found.keys.push(key.clone());
                let map = found.words.pop()?;
                found.words.push(format!("{map}[{key}]"));
            } else {
                found.keys.push(word.clone());
                found.words.push(word.to_string());
            }
            current = item;
        }
        Some(found)
    }

    fn slot(&self, place: &Place) -> Option<&Slot> {
        self.deployed.as_ref()?.base.slot(place.setting, &self.located(place)?.keys)
    }

    /// Whether the text writes the setting of a place.
    fn is_written(&self, deployed: &Deployed, place: &Place) -> bool {
        let keys = self.located(place).map(|found| found.keys);
        deployed.written.iter().any(|it| it.setting == place.setting && Some(&it.keys) == keys.as_ref())
    }

    /// The number of entries that the map of a question has, if it asks for the key of one.
    fn entries(&self, place: &Place) -> Option<&[SmolStr]> {
        matches!(self.stack.setting(place.setting).kind, Kind::Map(_)).then_some(())?;
        Some(self.deployed.as_ref()?.base.keys_of(place.setting, &self.located(place)?.keys))
    }

    /// The question as things stand; none if it is not asked.
    #[must_use]
    pub fn open(&self, question: &Question) -> Option<Open> {
        let deployed = self.deployed.as_ref()?;
        let asked_for = |target: &SmolStr| deployed.writes(target);
        if !(question.targets.is_empty() || question.targets.iter().any(asked_for)) || !self.holds(question) {
            return None;
        }
        if let Some(word) = question.word() {
            return self.open_word(deployed, question, word);
        }
        let Some(place) = question.place() else {
            let says = question.answers.iter().filter(|answer| self.says(deployed, question, answer));
            // the one that says most, the first of several
            let current = says.rev().max_by_key(|answer| answer.writes.len());
            let value =
                current.filter(|_| self.own || self.is_answered(question)).map(|answer| answer.word.to_string());
            let required = question.required && value.is_none() && !self.own;
            return Some(Open { written: value.is_some(), required, value });
        };
        if let Some(keys) = self.entries(place) {
            let value = keys.first().map(ToString::to_string);
            let required = question.required && value.is_none();
            return (keys.len() < 2).then_some(Open { written: value.is_some(), required, value });
        }
        let slot = self.slot(place)?;
        let declaration = &self.stack.setting(place.setting).declarations[slot.declaration? as usize];
        let value = if let Evaluated::Value(value) = &slot.value { Some(spell(value)) } else { None };
        let written = self.is_written(deployed, place);
        let must = declaration.required && value.is_none();
        let asked = question.required && !self.own && !self.is_answered(question);
        Some(Open { value, written, required: must || asked })
    }

    /// A question about Flux, which is asked where Flux installs and the word means something.
    fn open_word(&self, deployed: &Deployed, question: &Question, word: &'static Word) -> Option<Open> {
        let words = deployed.flux.effective(&deployed.name, &self.name);
        let (_, value) = words.into_iter().find(|(found, _)| found.path == word.path && deployed.writes("flux"))?;
        let written = deployed.flux.said.contains_key(word.path);
        let must = word.required && value.is_none();
        let asked = question.required && !self.own && !self.is_answered(question);
        Some(Open { value: value.as_ref().map(spell), written, required: must || asked })
    }

    /// Whether the conditions of a question hold.
    fn holds(&self, question: &Question) -> bool {
        let Some(deployed) = &self.deployed else { return false };
        let reading = Reading {
            stack: &self.stack,
            view: &deployed.base,
            target: "",
            environment: &SmolStr::from(self.name.as_str()),
            release: &deployed.name,
            own: &[],
            loops: &[],
            provider: None,
            findings: None,
        };
        question.when.iter().all(|condition| reading.holds(condition) == Some(true))
    }

    /// Whether everything that an answer writes is so already.
    fn says(&self, deployed: &Deployed, question: &Question, answer: &Answer) -> bool {
        let wanted: BTreeSet<&SmolStr> = answer.targets.iter().collect();
        let targets = match (answer.targets.is_empty(), about_targets(question)) {
            (true, true) => !self.doc().nodes.iter().any(|node| node.children_named("targets").next().is_some()),
            (true, false) => true,
            (false, _) => deployed.targets.iter().collect::<BTreeSet<_>>() == wanted,
        };
        targets && answer.writes.iter().all(|(place, value)| self.is_so(deployed, place, value))
    }

    /// Whether a setting has this value, as KDL writes it. What leads to another program counts as such by being there.
    fn is_so(&self, deployed: &Deployed, place: &Place, value: &str) -> bool {
        if value.starts_with("(link)") {
            return self.is_written(deployed, place);
        }
        if let Some(keys) = self.entries(place) {
            return matches!(keys, [key] if key.as_str() == said(value));
        }
        match self.slot(place).map(|slot| &slot.value) {
            Some(Evaluated::Value(Value::List(items))) => items.iter().map(spell).eq([said(value)]),
            Some(Evaluated::Value(found)) => spell(found) == said(value),
            _ => false,
        }
    }

    /// What may be answered.
    #[must_use]
    pub fn wanted(&self, question: &Question) -> Wanted {
        if let Some(word) = question.word() {
            return wanted_of(word);
        }
        let Some(place) = question.place() else {
            return Wanted::Words(question.answers.iter().map(|it| (it.word.clone(), it.about.clone())).collect());
        };
        match questions::fits(&self.stack.settings, place.setting) {
            Some(Fits::Words(words)) => Wanted::Words(words.iter().map(|word| (word.clone(), "".into())).collect()),
            Some(Fits::YesNo) => Wanted::YesNo,
            Some(Fits::Scalar("secret")) => Wanted::Secret,
            Some(Fits::Scalar(name)) => Wanted::Value(name.into()),
            Some(Fits::List(name)) => Wanted::Values(name.into()),
            None => Wanted::Value("string".into()),
        }
    }

    /// Whether an answer would be taken; it changes nothing.
    ///
    /// # Errors
    /// As [`Interview::answer`].
    pub fn check(&self, question: &Question, text: &str) -> Result<(), Refusal> {
        if text.is_empty() || question.sets.is_none() {
            return self.clone().answer(question, text);
        }
        self.value_of(question, text).map(|_| ())
    }

    /// Takes an answer. No text at all takes the value out again, where one need not be.
    ///
    /// # Errors
    /// It does not fit, or its place in the text is not clear; then nothing is changed.
    pub fn answer(&mut self, question: &Question, text: &str) -> Result<(), Refusal> {
        let mut after = self.text.clone();
        match &question.sets {
            None if text.is_empty() && self.own => return Ok(()), // as it is
            None => {
                let answer = question.answers.iter().find(|answer| &*answer.word == text);
                let answer = answer.ok_or_else(|| self.none_of(question, text))?;
                self.taken_back(question, answer)?;
                if !answer.targets.is_empty() {
                    let targets: Vec<String> = answer.targets.iter().map(|name| questions::quoted(name)).collect();
                    after = patch::set(&after, &["targets"], &targets.join(" ")).map_err(unpatched)?;
                } else if about_targets(question) {
                    after = patch::unset(&after, &["targets"]).map_err(unpatched)?;
                }
                for (place, value) in &answer.writes {
                    after = self.set(after, place, value)?;
                }
            }
            Some(Sets::Setting(place)) if text.is_empty() => {
                after = patch::unset(&after, &words_of(&self.place(place)?)).map_err(unpatched)?;
            }
            Some(Sets::Setting(place)) => after = self.set(after, place, &self.value_of(question, text)?)?,
            Some(Sets::Flux(path)) => {
                let words: Vec<&str> = std::iter::once("flux").chain(path.split('.')).collect();
                let is_choice = question.word().is_some_and(|word| matches!(word.of, WordKind::Choice(_)));
                let set = if is_choice { patch::set_node } else { patch::set };
                after = if text.is_empty() {
                    patch::unset(&after, &words)
                } else {
                    set(&after, &words, &self.value_of(question, text)?)
                }
                .map_err(unpatched)?;
            }
        }
        let deployed = self.resolved(&after).ok_or_else(|| unpatched(patch::Refused::OtherChange))?;
        self.answered.insert(question.id.clone());
        // What holds anyway is not written: an environment is a list of differences.
        if !self.is_same(question, &deployed) {
            (self.text, self.deployed) = (after, Some(deployed));
        }
        Ok(())
    }

    /// An answer that writes nothing says that nothing is so; it takes nothing back that is.
    fn taken_back(&self, question: &Question, answer: &Answer) -> Result<(), Refusal> {
        let Some(deployed) = self.deployed.as_ref().filter(|_| answer.writes.is_empty()) else { return Ok(()) };
        let so = |other: &&Answer| {
            other.targets.is_empty() && !other.writes.is_empty() && self.says(deployed, question, other)
        };
        match question.answers.iter().find(so).filter(|_| answer.targets.is_empty() && !about_targets(question)) {
            Some(other) => Err(Refusal(format!("`{}` is written; take it out by hand", other.word))),
            None => Ok(()),
        }
    }

    /// The words that lead to a setting in the text.
    fn place(&self, place: &Place) -> Result<Located, Refusal> {
        self.located(place).ok_or_else(|| unpatched(patch::Refused::Ambiguous))
    }

    /// Whether what a question is about has the same value after a change.
    fn is_same(&self, question: &Question, after: &Deployed) -> bool {
        let Some(now) = self.deployed.as_ref() else { return false };
        if let Some(word) = question.word() {
            let value = |deployed: &Deployed| deployed.flux.leaf(word.path).map(|leaf| leaf.value);
            let cleared = now.flux.said.contains_key(word.path) && !after.flux.said.contains_key(word.path);
            return !cleared && value(now) == value(after);
        }
        let Some(place) = question.place().filter(|place| self.entries(place).is_none()) else { return false };
        let keys = self.located(place).map(|found| found.keys).unwrap_or_default();
        let value = |deployed: &Deployed| deployed.base.slot(place.setting, &keys).map(|slot| slot.value.clone());
        let cleared = self.is_written(now, place) && !self.is_written(after, place);
        !cleared && value(now) == value(after)
    }

    fn none_of(&self, question: &Question, text: &str) -> Refusal {
        Refusal(format!("`{}` is none of {}", sensitive::redacted(text), self.wanted(question)))
    }

    fn set(&self, text: String, place: &Place, value: &str) -> Result<String, Refusal> {
        let holds_others =
            matches!(self.stack.setting(place.setting).kind, Kind::Choice(_) | Kind::Switch | Kind::Map(_));
        let set = if holds_others { patch::set_node } else { patch::set };
        set(&text, &words_of(&self.place(place)?), value).map_err(unpatched)
    }

    /// An answer as KDL writes it.
    fn value_of(&self, question: &Question, text: &str) -> Result<String, Refusal> {
        let wanted = self.wanted(question);
        if wanted == Wanted::Secret && sensitive::find_hidden(text).next().is_some() {
            return Err(Refusal(SECRET_ITSELF.to_owned()));
        }
        let written = match (question.word(), question.place()) {
            (Some(word), _) => questions::written_for_flux(word, text),
            (None, Some(place)) => {
                let declarations = &self.stack.setting(place.setting).declarations;
                let holds = self.slot(place).and_then(|slot| slot.declaration).unwrap_or(0);
                let attributes = declarations.get(holds as usize).map(|found| found.attributes.clone());
                let attributes = attributes.unwrap_or_default();
                questions::written(&self.stack.settings, place.setting, &attributes, text)
            }
            (None, None) => return Err(self.none_of(question, text)),
        };
        written.map_err(|bad| match wanted {
            Wanted::Secret => Refusal(SECRET_ITSELF.to_owned()),
            Wanted::Words(_) | Wanted::YesNo => self.none_of(question, text),
            _ => Refusal(sensitive::redacted(&bad.message).into_owned()),
        })
    }

    /// Takes answers by the ids of their questions, in the order of the questions, and says all that is wrong with
    /// them. Those of `ambient` are used where nothing else is said, and count only for questions that are asked.
    pub fn answer_all(
        &mut self,
        answers: &BTreeMap<String, String>,
        ambient: &BTreeMap<String, String>,
    ) -> Vec<Problem> {
        let stack = self.stack.clone();
        let mut problems = Vec::new();
        for question in all(&stack) {
            let said = answers.get(&*question.id);
            let Some(open) = self.open(question) else {
                if said.is_some() {
                    problems.push(Problem::NotAsked(question.id.clone()));
                }
                continue;
            };
            match said.or_else(|| ambient.get(&*question.id)) {
                Some(text) => {
                    if let Err(Refusal(message)) = self.answer(question, text) {
                        problems.push(Problem::Refused(question.id.clone(), message));
                    }
                }
                None if open.required => {
                    problems.push(Problem::Missing(question.id.clone(), self.wanted(question)));
                }
                None => {}
            }
        }
        self.drop_stale();
        problems
    }

    /// Takes out what was answered to questions that are no longer asked: the host of a database that is not used.
    pub fn drop_stale(&mut self) {
        let stack = self.stack.clone();
        // what stands below something goes before it
        let questions: Vec<&Question> = all(&stack).collect();
        for question in questions.into_iter().rev() {
            let Some(words) = self.stale(question) else { continue };
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            if let Ok(after) = patch::unset(&self.text, &words) {
                self.deployed = self.resolved(&after);
                self.text = after;
            }
        }
        self.drop_empty_flux();
    }

    /// Takes out what is left of `flux` where Flux installs nothing and nothing is said of it any more.
    fn drop_empty_flux(&mut self) {
        let silent = |deployed: &Arc<Deployed>| {
            deployed.flux.written && deployed.flux.said.is_empty() && !deployed.writes("flux")
        };
        if self.deployed.as_ref().is_some_and(silent)
            && let Ok(after) = patch::unset(&self.text, &["flux"])
        {
            self.deployed = self.resolved(&after);
            self.text = after;
        }
    }

    /// The words that lead to what a question wrote, if that means nothing any more.
    fn stale(&self, question: &Question) -> Option<Vec<String>> {
        let deployed = self.deployed.as_ref()?;
        if let Some(word) = question.word() {
            let is_said =
                deployed.flux.said.contains_key(word.path) && self.open_word(deployed, question, word).is_none();
            return is_said.then(|| std::iter::once("flux").chain(word.path.split('.')).map(str::to_owned).collect());
        }
        let place = question.place()?;
        let gone = self.slot(place).is_none_or(|slot| slot.declaration.is_none());
        (gone && self.is_written(deployed, place) && self.entries(place).is_none())
            .then(|| self.located(place).map(|found| found.words))
            .flatten()
    }

    /// The environment's text: with a comment on every answer where it is new, else with its own.
    #[must_use]
    pub fn text(&self) -> String {
        if self.own { self.text.clone() } else { self.commented() }
    }

    fn commented(&self) -> String {
        let doc = self.doc();
        let Some(environment) = doc.nodes.first() else { return self.text.clone() };
        let head = format!(
            "// {}, as `trueline init` was answered. What is not written has the default of the stack:\n\
             // `trueline explain {}` shows it, `trueline init {} {} --reconfigure` asks again.\n",
            self.name, self.name, self.stack.name, self.name
        );
        let mut edits = vec![patch::Edit { range: 0..0, text: head }];
        for (at, child) in environment.children.iter().enumerate() {
            let gap = if at > 0 { "\n    " } else { "" };
            let about = self.about(&child.name.text);
            if !about.is_empty() {
                let start = child.span.start as usize;
                edits.push(patch::Edit { range: start..start, text: format!("{gap}// {about}\n    ") });
            }
        }
        let text = patch::apply(&self.text, &edits).unwrap_or_else(|_| self.text.clone());
        let source = Source { id: SourceId(0), name: String::new(), text };
        layout::format(&source, &mut Diags::default())
    }

    fn doc(&self) -> Doc {
        let source = Source { id: SourceId(0), name: String::new(), text: self.text.clone() };
        syntax::parse(&source, &mut Diags::default())
    }

    /// Whether the text gives a setting a value of its own.
    fn says_value(&self, place: &Place) -> bool {
        if let Some(keys) = self.entries(place) {
            return !keys.is_empty();
        }
        let said = |it: &Assignment| it.setting == place.setting && it.given != Given::Here;
        self.deployed.as_ref().is_some_and(|deployed| deployed.written.iter().any(said))
    }

    /// What the first question that writes a node of this name asks.
    fn about(&self, name: &str) -> SmolStr {
        let first = |place: &Place| place.words.first().is_some_and(|word| word.as_str() == name);
        let writes = |question: &&Question| match &question.sets {
            Some(Sets::Setting(place)) => first(place),
            Some(Sets::Flux(_)) => name == "flux",
            None => {
                let targets = name == "targets" && question.answers.iter().any(|answer| !answer.targets.is_empty());
                targets || question.answers.iter().flat_map(|it| &it.writes).any(|(place, _)| first(place))
            }
        };
        let said = |question: &&Question| question.place().is_none_or(|place| self.says_value(place));
        let mut found = all(&self.stack).filter(writes);
        found.clone().find(said).or_else(|| found.next()).map(|question| question.about.clone()).unwrap_or_default()
    }
}

/// Where a setting stands.
struct Located {
    /// The keys of the maps above it.
    keys: Vec<SmolStr>,
    /// The words that lead to it in a text, an entry of a map as `service[web]`.
    words: Vec<String>,
}

fn words_of(place: &Located) -> Vec<&str> {
    place.words.iter().map(String::as_str).collect()
}

/// What may be answered to a question about Flux.
fn wanted_of(word: &Word) -> Wanted {
    match word.of {
        WordKind::Enum(words) | WordKind::Choice(words) => {
            Wanted::Words(words.iter().map(|word| ((*word).into(), "".into())).collect())
        }
        WordKind::Scalar("bool") => Wanted::YesNo,
        WordKind::Scalar("secret") => Wanted::Secret,
        WordKind::Scalar(name) | WordKind::List(name) => Wanted::Value(name.into()),
        WordKind::Group => Wanted::Value("string".into()),
    }
}

/// The questions of a stack, in order.
pub fn all(stack: &Stack) -> impl Iterator<Item = &Question> + Clone {
    stack.questions.iter().flat_map(|section: &Section| &section.questions)
}

/// Whether the answers to a question differ in what is written; then one that names no target means all.
fn about_targets(question: &Question) -> bool {
    question.answers.iter().any(|answer| !answer.targets.is_empty())
}

/// What is told where the secret itself may have been given.
const SECRET_ITSELF: &str = "not the reference of a secret, wanted `NAME/KEY`; what was given is not repeated, and a \
                             secret itself is never written";

/// The variable that answers a question: `redis-host` is `TRUELINE_INIT_REDIS_HOST`.
#[must_use]
pub fn variable(id: &str) -> String {
    format!("TRUELINE_INIT_{}", id.to_ascii_uppercase().replace('-', "_"))
}

/// The normal form of a constant that KDL writes as one word.
fn said(value: &str) -> &str {
    value.trim_start_matches("(secret)").trim_matches('"').trim_start_matches('#')
}

fn unpatched(refused: patch::Refused) -> Refusal {
    Refusal(match refused {
        patch::Refused::Ambiguous => "the setting is written in several places; change it by hand".to_owned(),
        _ => "there is no clear place for it in the environment; change it by hand".to_owned(),
    })
}
