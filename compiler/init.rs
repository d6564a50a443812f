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
        questions::{self, Answer, Fits, Question, Section},
    },
    sensitive,
    source::{Source, SourceId},
    syntax::{self, Doc},
    value::{self, Attributes, spell},
};

/// What may be answered.
#[derive(Clone, PartialEq, Debug)]
pub enum Wanted {
    /// One of these words, each with what it means, which may be empty.
    Words(Vec<(Arc<str>, Arc<str>)>),
    /// Yes or no.
    YesNo,
    /// The reference of a secret, `NAME/KEY`.
    Secret,
    /// A value of the scalar type of this name.
    Value(Arc<str>),
    /// Values of the scalar type of this name, with commas between them.
    Values(Arc<str>),
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
    Missing(Arc<str>, Wanted),
    /// A question was answered that is not asked while the other answers are as they are.
    NotAsked(Arc<str>),
    /// An answer does not fit.
    Refused(Arc<str>, String),
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
    answered: BTreeSet<Arc<str>>,
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

    fn slot(&self, id: SettingId) -> Option<&Slot> {
        self.deployed.as_ref()?.base.slot(id, &[])
    }

    /// The question as things stand; none if it is not asked.
    #[must_use]
    pub fn open(&self, question: &Question) -> Option<Open> {
        let deployed = self.deployed.as_ref()?;
        let asked_for = |target: &Arc<str>| deployed.writes(target);
        if !(question.targets.is_empty() || question.targets.iter().any(asked_for)) || !self.holds(question) {
            return None;
        }
        let Some(id) = question.sets else {
            let current = question.answers.iter().find(|answer| self.says(deployed, answer));
            let value =
                current.filter(|_| self.own || self.is_answered(question)).map(|answer| answer.word.to_string());
            return Some(Open { written: value.is_some(), required: question.required && value.is_none(), value });
        };
        let slot = self.slot(id)?;
        let declaration = &self.stack.setting(id).declarations[slot.declaration? as usize];
        let value = if let Evaluated::Value(value) = &slot.value { Some(spell(value)) } else { None };
        let written = deployed.written.iter().any(|it| it.setting == id);
        let must = declaration.required && value.is_none();
        let asked = question.required && !self.own && !self.is_answered(question);
        Some(Open { value, written, required: must || asked })
    }

    /// Whether the conditions of a question hold.
    fn holds(&self, question: &Question) -> bool {
        let Some(deployed) = &self.deployed else { return false };
        let reading = Reading {
            stack: &self.stack,
            view: &deployed.base,
            target: "",
            environment: &Arc::from(self.name.as_str()),
            release: &deployed.name,
            own: &[],
            loops: &[],
            provider: None,
            findings: None,
        };
        question.when.iter().all(|condition| reading.holds(condition) == Some(true))
    }

    /// Whether everything that an answer writes is so already.
    fn says(&self, deployed: &Deployed, answer: &Answer) -> bool {
        let wanted: BTreeSet<&Arc<str>> = answer.targets.iter().collect();
        let targets = wanted.is_empty() || deployed.targets.iter().collect::<BTreeSet<_>>() == wanted;
        targets && answer.writes.iter().all(|(id, value)| self.value_now(*id).as_deref() == Some(said(value)))
    }

    fn value_now(&self, id: SettingId) -> Option<String> {
        let Evaluated::Value(value) = &self.slot(id)?.value else { return None };
        Some(spell(value))
    }

    /// What may be answered.
    #[must_use]
    pub fn wanted(&self, question: &Question) -> Wanted {
        let Some(id) = question.sets else {
            return Wanted::Words(question.answers.iter().map(|it| (it.word.clone(), it.about.clone())).collect());
        };
        match questions::fits(&self.stack.settings, id) {
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
        match question.sets {
            None => {
                let answer = question.answers.iter().find(|answer| &*answer.word == text);
                let answer = answer.ok_or_else(|| self.none_of(question, text))?;
                if !answer.targets.is_empty() {
                    let targets: Vec<String> = answer.targets.iter().map(|name| questions::quoted(name)).collect();
                    after = patch::set(&after, &["targets"], &targets.join(" ")).map_err(unpatched)?;
                }
                for (id, value) in &answer.writes {
                    after = self.set(after, *id, value)?;
                }
            }
            Some(id) if text.is_empty() => {
                after = patch::unset(&after, &self.words(id)).map_err(unpatched)?;
            }
            Some(id) => after = self.set(after, id, &self.value_of(question, text)?)?,
        }
        let deployed = self.resolved(&after).ok_or_else(|| unpatched(patch::Refused::OtherChange))?;
        self.answered.insert(question.id.clone());
        // What holds anyway is not written: an environment is a list of differences.
        if !question.sets.is_some_and(|id| self.is_same(id, &deployed)) {
            (self.text, self.deployed) = (after, Some(deployed));
        }
        Ok(())
    }

    /// Whether a setting has the same value after a change.
    fn is_same(&self, id: SettingId, after: &Deployed) -> bool {
        let value = |slot: Option<&Slot>| slot.map(|slot| slot.value.clone());
        let written = |deployed: &Deployed| deployed.written.iter().any(|it| it.setting == id);
        let cleared = self.deployed.as_ref().is_some_and(|now| written(now)) && !written(after);
        !cleared && value(self.slot(id)) == value(after.base.slot(id, &[]))
    }

    fn none_of(&self, question: &Question, text: &str) -> Refusal {
        Refusal(format!("`{}` is none of {}", sensitive::redacted(text), self.wanted(question)))
    }

    fn words(&self, id: SettingId) -> Vec<&str> {
        self.stack.setting(id).path.split('.').collect()
    }

    fn set(&self, text: String, id: SettingId, value: &str) -> Result<String, Refusal> {
        let holds_others = matches!(self.stack.setting(id).kind, Kind::Choice(_) | Kind::Switch);
        let set = if holds_others { patch::set_node } else { patch::set };
        set(&text, &self.words(id), value).map_err(unpatched)
    }

    /// An answer as KDL writes it.
    fn value_of(&self, question: &Question, text: &str) -> Result<String, Refusal> {
        let id = question.sets.ok_or_else(|| self.none_of(question, text))?;
        let wanted = self.wanted(question);
        if wanted == Wanted::Secret && sensitive::find_hidden(text).next().is_some() {
            return Err(Refusal(SECRET_ITSELF.to_owned()));
        }
        let declarations = &self.stack.setting(id).declarations;
        let holds = self.slot(id).and_then(|slot| slot.declaration).unwrap_or(0);
        let attributes = declarations.get(holds as usize).map(|found| found.attributes.clone());
        let attributes: Attributes = attributes.unwrap_or_default();
        questions::written(&self.stack.settings, id, &attributes, text).map_err(|bad| match wanted {
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
        for id in all(&stack).filter_map(|question| question.sets) {
            let Some(deployed) = self.deployed.as_ref() else { return };
            let written = deployed.written.iter().any(|it| it.setting == id);
            if !written || self.slot(id).is_some_and(|slot| slot.declaration.is_some()) {
                continue;
            }
            if let Ok(after) = patch::unset(&self.text, &self.words(id)) {
                self.deployed = self.resolved(&after);
                self.text = after;
            }
        }
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
    fn says_value(&self, id: SettingId) -> bool {
        let said = |it: &Assignment| it.setting == id && it.given != Given::Here;
        self.deployed.as_ref().is_some_and(|deployed| deployed.written.iter().any(said))
    }

    /// What the first question that writes a node of this name asks.
    fn about(&self, name: &str) -> Arc<str> {
        let writes = |question: &&Question| match question.sets {
            Some(id) => self.words(id).first() == Some(&name),
            None => {
                let targets = name == "targets" && question.answers.iter().any(|answer| !answer.targets.is_empty());
                targets || question.answers.iter().flat_map(|it| &it.writes).any(|(id, _)| self.words(*id)[0] == name)
            }
        };
        let said = |question: &&Question| question.sets.is_none_or(|id| self.says_value(id));
        let mut found = all(&self.stack).filter(writes);
        found.clone().find(said).or_else(|| found.next()).map(|question| question.about.clone()).unwrap_or_default()
    }
}

/// The questions of a stack, in order.
pub fn all(stack: &Stack) -> impl Iterator<Item = &Question> + Clone {
    stack.questions.iter().flat_map(|section: &Section| &section.questions)
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
