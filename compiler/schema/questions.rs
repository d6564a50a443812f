//! What `init` asks before it writes an environment: sections of questions, most of them about one setting.
//!
//! In: `questions` nodes, and a `Builder` in which every setting is declared. Out: [`Section`]s.
//! Never: who answers, and how.
//! Invariant: a question writes settings that exist, and the values that it writes itself fit them.

use indexmap::IndexMap;
use smol_str::SmolStr;

use crate::{
    diag::{codes, nearest},
    expr::Expr,
    schema::{
        Kind, Setting, SettingId,
        build::Builder,
        declare::{Written, is_setting_name},
        flux,
        names::Scope,
        shape::{ALL_TARGETS, Shape},
    },
    source::Span,
    syntax::{Entry, Literal, Node},
    value::{self, Attributes, Bad, Raw},
};

/// Questions that belong together.
#[derive(Clone, PartialEq, Debug)]
pub struct Section {
    /// Its title, for people.
    pub title: SmolStr,
    /// Whether a terminal asks first whether somebody wants to go through it.
    pub collapsed: bool,
    /// Its questions, in the order in which they are asked.
    pub questions: Vec<Question>,
}

/// A question.
#[derive(Clone, PartialEq, Debug)]
pub struct Question {
    /// Its id, unique in the stack: the flag is `--ID`.
    pub id: SmolStr,
    /// Where it stands.
    pub span: Span,
    /// What is asked.
    pub about: SmolStr,
    /// What the answer is the value of; none if `answers` say what is written.
    pub sets: Option<Sets>,
    /// All must hold for it to be asked, given what was answered before.
    pub when: Vec<Expr>,
    /// The targets of which one must be written for it to be asked; empty is any.
    pub targets: Vec<SmolStr>,
    /// Whether it must be answered although the setting has a default.
    pub required: bool,
    /// What a terminal proposes where there is no default; may be empty.
    pub suggest: SmolStr,
    /// The words that may be answered; empty where the setting says what fits.
    pub answers: Vec<Answer>,
}

/// A word that may be answered, and what it writes.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    /// The word.
    pub word: SmolStr,
    /// What it means; may be empty.
    pub about: SmolStr,
    /// The targets that are written; empty says nothing about them, or means all where another answer names some.
    pub targets: Vec<SmolStr>,
    /// Settings and their values, as KDL writes those.
    pub writes: Vec<(Place, SmolStr)>,
}

/// A setting, be it of an entry of a map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The setting.
    pub setting: SettingId,
    /// The words of its path: below a map of records `*`, which stands for the key of its only entry, below a map of
    /// values a key.
    pub words: Vec<SmolStr>,
}

/// What an answer is the value of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sets {
    /// A setting; of a map of records it is the key of its only entry.
    Setting(Place),
    /// The word of this path below `flux`.
    Flux(SmolStr),
}

impl Question {
    /// The setting that the answer is the value of, if it is one of a setting.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match &self.sets {
            Some(Sets::Setting(place)) => Some(place),
            _ => None,
        }
    }

    /// The word of Flux that the answer is the value of, if it is one of Flux.
    #[must_use]
    pub fn word(&self) -> Option<&'static flux::Word> {
        match &self.sets {
            Some(Sets::Flux(path)) => flux::Word::named(path),
            _ => None,
        }
    }
}

/// What fits a setting, for those who ask.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Fits<'s> {
    /// One of these words.
    Words(&'s [SmolStr]),
    /// Yes or no.
    YesNo,
    /// A value of the scalar type of this name.
    Scalar(&'s str),
    /// Several values of the scalar type of this name.
    List(&'s str),
}

/// What fits a setting, if one line of text can say its value.
#[must_use]
pub fn fits(settings: &[Setting], id: SettingId) -> Option<Fits<'_>> {
    let setting = &settings[id.index()];
    let scalar = |setting: &Setting| match &setting.kind {
        Kind::Scalar(name) if !["tree", "any", "env-value"].contains(&name.as_ref()) => {
            value::scalar(name).map(|row| row.name)
        }
        _ => None,
    };
    match &setting.kind {
        Kind::Choice(words) => Some(Fits::Words(words)),
        Kind::Switch => Some(Fits::YesNo),
        Kind::Scalar(name) if name.as_str() == "bool" => Some(Fits::YesNo),
        Kind::Scalar(name) if name.as_str() == "enum" => {
            setting.declarations.first().map(|found| Fits::Words(&found.attributes.words))
        }
        Kind::Scalar(_) => scalar(setting).map(Fits::Scalar),
        Kind::List(item) => scalar(&settings[item.index()]).map(Fits::List),
        // the key of its only entry
        Kind::Map(item) => (settings[item.index()].kind == Kind::Group).then_some(Fits::Scalar("name")),
        Kind::Group => None,
    }
}

/// A line of text as the value of a setting, as KDL writes it: `("openai", choice)` is `"openai"`, `("3", int)` is
/// `3`, `("a, b", list)` is `"a" "b"`. `attributes` are those of the declaration that holds.
///
/// # Errors
/// The text is no value of the setting. What should be the reference of a secret is not repeated.
pub fn written(settings: &[Setting], id: SettingId, attributes: &Attributes, text: &str) -> Result<String, Bad> {
    match fits(settings, id) {
        Some(Fits::Words(words)) => {
            let attributes = Attributes { words: words.to_vec(), ..Attributes::default() };
            one("enum", &attributes, text)
        }
        Some(Fits::YesNo) => one("bool", &Attributes::default(), text),
        Some(Fits::Scalar(name)) => one(name, attributes, text),
        Some(Fits::List(name)) => {
            let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
            let words: Result<Vec<String>, Bad> = words.map(|word| one(name, &Attributes::default(), word)).collect();
            let words = words?;
            // An empty list is asked for as one empty word, which no type takes without saying why.
            if words.is_empty() { one(name, &Attributes::default(), "") } else { Ok(words.join(" ")) }
        }
        None => one("any", attributes, text),
    }
}

/// The same for a word of Flux.
///
/// # Errors
/// The text is no value of the word.
pub fn written_for_flux(word: &flux::Word, text: &str) -> Result<String, Bad> {
    match word.of {
        flux::WordKind::Enum(words) | flux::WordKind::Choice(words) => {
            let words = words.iter().map(|word| (*word).into()).collect();
            one("enum", &Attributes { words, ..Attributes::default() }, text)
        }
        flux::WordKind::Scalar(name) | flux::WordKind::List(name) => one(name, &Attributes::default(), text),
        flux::WordKind::Group => one("any", &Attributes::default(), text),
    }
}

/// One word as a value of a scalar type.
fn one(name: &str, attributes: &Attributes, text: &str) -> Result<String, Bad> {
    let Some(of) = value::scalar(name) else { return Ok(quoted(text)) };
    let raw = match (of.base, text) {
        (value::Base::Bool, "true" | "yes" | "on") => Raw::Bool(true),
        (value::Base::Bool, "false" | "no" | "off") => Raw::Bool(false),
        (value::Base::Int, _) => text.parse().map_or(Raw::String(text), Raw::Integer),
        (value::Base::Float, _) => text.parse().map_or(Raw::String(text), |number| Raw::Float(number, text)),
        _ => Raw::String(text),
    };
    value::parse(of, &raw, attributes)?;
    Ok(match raw {
        Raw::Bool(yes) => format!("#{yes}"),
        Raw::Integer(number) => number.to_string(),
        Raw::Float(number, _) => format!("{number:?}"),
        Raw::String(text) if of.base == value::Base::Secret => format!("(secret){}", quoted(text)),
        Raw::String(text) => quoted(text),
    })
}

/// A text as a KDL string.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            char if char.is_control() => quoted.push_str(&format!("\\u{{{:x}}}", u32::from(char))),
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

/// What sections and questions share.
struct Around {
    when: Vec<Expr>,
    targets: Vec<SmolStr>,
}

impl<'d> Builder<'d> {
    /// The questions of a stack.
    pub(super) fn questions(&self, bodies: &[&'d Node]) -> Vec<Section> {
        let mut sections = Vec::new();
        let mut seen = IndexMap::new();
        for node in bodies.iter().filter(|node| node.name.text == "questions" && node.annotation.is_none()) {
            self.shape(node, Shape { arguments: 0, properties: &[], children: true });
            for child in &node.children {
                match child.name.text.as_str() {
                    "section" => sections.push(self.section(child, &mut seen)),
                    _ => self.unknown_node(child, &["section"], "questions"),
                }
            }
        }
        sections
    }

    fn section(&self, node: &'d Node, seen: &mut IndexMap<SmolStr, Span>) -> Section {
        self.shape(node, Shape { arguments: 1, properties: &["when", "collapsed"], children: true });
        let title = self.node_name(node);
        let around = self.around(node, Around { when: Vec::new(), targets: Vec::new() });
        let mut questions = Vec::new();
        for child in &node.children {
            match child.name.text.as_str() {
                "question" => questions.extend(self.question(child, &around, seen)),
                "for" => {}
                _ => self.unknown_node(child, &["question", "for"], "a section"),
            }
        }
        if questions.is_empty() {
            self.empty(
                node.name.span,
                format!("the section `{title}` asks nothing"),
                "write `question \"ID\" …` in it",
            );
        }
        let collapsed = node.property("collapsed").is_some_and(|entry| self.flag(entry));
        Section { title, collapsed, questions }
    }

    /// The conditions and targets of a section or question, with those around it.
    fn around(&self, node: &'d Node, outer: Around) -> Around {
        let mut around = outer;
        let when = node.property("when");
        around.when.extend(when.and_then(|entry| self.condition_text(Written::Entry(entry), &Scope::default())));
        self.children_once(node, &["for"]);
        for child in node.children_named("for") {
            self.shape(child, Shape { arguments: Shape::MANY, properties: &[], children: false });
            around.targets = self.asked_targets(child);
        }
        around
    }

    fn asked_targets(&self, node: &'d Node) -> Vec<SmolStr> {
        let targets = self.strings(node);
        if targets.is_empty() {
            self.report(
                codes::NO_TARGET
                    .at(node.name.span, format!("`{}` names no target", node.name.text))
                    .hint(format!("write `{} \"helm\"`", node.name.text)),
            );
        }
        for (target, entry) in targets.iter().zip(node.arguments()) {
            if !ALL_TARGETS.contains(&target.as_str()) {
                let near = nearest(target, ALL_TARGETS.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                self.report(
                    codes::UNKNOWN_TARGET.at(entry.span, format!("there is no target `{target}`")).maybe_hint(near),
                );
            }
        }
        targets.into_iter().map(SmolStr::from).collect()
    }

    fn question(&self, node: &'d Node, section: &Around, seen: &mut IndexMap<SmolStr, Span>) -> Option<Question> {
        self.shape(node, Shape { arguments: 1, properties: &["sets", "when", "required", "suggest"], children: true });
        let id = self.node_name(node);
        self.question_id(node, &id, seen);
        let outer = Around { when: section.when.clone(), targets: section.targets.clone() };
        let around = self.around(node, outer);
        let sets = self.asked_setting(node);
        let mut answers = Vec::new();
        self.children_once(node, &["about"]);
        let mut about: SmolStr = "".into();
        for child in &node.children {
            match child.name.text.as_str() {
                "about" => about = self.sentence(child),
                "answer" => answers.extend(self.answer(child, &answers)),
                "for" => {}
                _ => self.unknown_node(child, &["about", "answer", "for"], "a question"),
            }
        }
        self.one_way_to_answer(node, sets.as_ref(), &answers);
        if about.is_empty() {
            about = self.asked_about(sets.as_ref());
        }
        Some(Question {
            id,
            span: node.name.span,
            about,
            sets,
            when: around.when,
            targets: around.targets,
            required: node.property("required").is_some_and(|entry| self.flag(entry)),
            suggest: self.word(node, "suggest").unwrap_or_default(),
            answers,
        })
    }

    fn sentence(&self, node: &'d Node) -> SmolStr {
        self.shape(node, Shape { arguments: Shape::MANY, properties: &[], children: false });
        self.one_string(node).unwrap_or_default().into()
    }

    /// An id becomes a flag and a variable, so it is written as the name of a setting, and stands once.
    fn question_id(&self, node: &Node, id: &SmolStr, seen: &mut IndexMap<SmolStr, Span>) {
        if id.is_empty() {
            return; // reported as a missing name
        }
        if !is_setting_name(id) || OWN_FLAGS.contains(&id.as_ref()) {
            self.report(
                codes::BAD_QUESTION
                    .at(node.name.span, format!("`{id}` is no id for a question"))
                    .underline("lower-case letters, digits and dashes, and no flag that `trueline init` has itself"),
            );
        }
        if let Some(first) = seen.insert(id.clone(), node.name.span) {
            self.declared_twice(node.name.span, &format!("the question `{id}`"), first);
        }
    }

    /// What a question asks that says nothing of it itself.
    fn asked_about(&self, sets: Option<&Sets>) -> SmolStr {
        match sets {
            Some(Sets::Setting(place)) => {
                let declared = self.settings[place.setting.index()].declarations.first();
                declared.map(|found| found.said.about.clone()).unwrap_or_default()
            }
            Some(Sets::Flux(path)) => flux::Word::named(path).map_or("", |word| word.about).into(),
            None => "".into(),
        }
    }

    /// What a question is about: a setting, or a word of Flux where no setting is called so.
    fn asked_setting(&self, node: &'d Node) -> Option<Sets> {
        let entry = node.property("sets")?;
        let path = self.plain(entry, "`sets`")?;
        if let Some(word) = path.strip_prefix("flux.").and_then(flux::Word::named)
            && !matches!(word.of, flux::WordKind::Group | flux::WordKind::List(_))
        {
            return Some(Sets::Flux(word.path.into()));
        }
        let place = self.place_named(&path, entry)?;
        let setting = &self.settings[place.setting.index()];
        let derived = setting.declarations.iter().any(|declaration| declaration.derived);
        if derived || setting.below_list || fits(&self.settings, place.setting).is_none() {
            self.report(
                codes::BAD_QUESTION
                    .at(entry.span, format!("`{path}` cannot be asked for"))
                    .underline("not a value, a list of values, a choice or a switch that an environment may write")
                    .hint("ask for the settings in it one by one"),
            );
            return None;
        }
        Some(Sets::Setting(place))
    }

    /// The setting of a path; in one of an entry of a map `*` is the key, in one of a map of values the key stands.
    fn place_named(&self, path: &str, entry: &Entry) -> Option<Place> {
        let words: Vec<SmolStr> = path.split('.').map(SmolStr::from).collect();
        let Some(setting) = self.below_map(&words) else {
            let setting = self.setting_named(path, entry)?;
            return Some(Place { setting, words });
        };
        if setting.is_none() {
            self.report(
                codes::NOT_A_SETTING
                    .at(entry.span, format!("`{path}` names no setting"))
                    .hint("below a map of records write `*` for the key of its entry"),
            );
        }
        setting.map(|setting| Place { setting, words })
    }

    /// The setting that a path through maps leads to, or none; nothing at all where it goes through no map.
    fn below_map(&self, words: &[SmolStr]) -> Option<Option<SettingId>> {
        let (mut current, mut in_map) = (SettingId::ROOT, false);
        for word in words {
            let setting = &self.settings[current.index()];
            let next = match setting.kind {
                Kind::Map(item) => {
                    in_map = true;
                    let of_records = self.settings[item.index()].kind == Kind::Group;
                    (of_records == (word.as_str() == "*")).then_some(item)
                }
                _ => setting.children.get(word).copied(),
            };
            let Some(next) = next else { return in_map.then_some(None) };
            current = next;
        }
        in_map.then_some(Some(current))
    }

    /// The setting of a path, without keys of maps.
    fn setting_named(&self, path: &str, entry: &Entry) -> Option<SettingId> {
        let (found, _) = self.path(path, entry.span, &Scope::default())?;
        let id = self.setting_at(found.place);
        if id.is_none() {
            self.report(codes::NOT_A_SETTING.at(entry.span, format!("`{path}` names no setting")));
        }
        id
    }

    /// Either the setting says what fits, or the answers say what they write.
    fn one_way_to_answer(&self, node: &Node, sets: Option<&Sets>, answers: &[Answer]) {
        let said = node.property("sets").is_some();
        if said && sets.is_some() && !answers.is_empty() {
            self.report(
                codes::CONTRADICTION
                    .at(node.name.span, "the question is about a setting, and lists answers of its own")
                    .hint("delete `sets`, or the answers: the setting says which there are"),
            );
        } else if !said && answers.is_empty() {
            self.report(
                codes::MISSING_PROPERTY
                    .at(node.name.span, "the question writes nothing")
                    .hint("add `sets=\"PATH\"`, or `answer \"WORD\" { write \"PATH\" VALUE }`"),
            );
        }
    }

    fn answer(&self, node: &'d Node, before: &[Answer]) -> Option<Answer> {
        self.shape(node, Shape { arguments: 1, properties: &[], children: true });
        let word = self.node_name(node);
        if before.iter().any(|other| other.word == word) {
            self.declared_twice(node.name.span, &format!("the answer `{word}`"), node.span);
        }
        let mut answer = Answer { word, about: "".into(), targets: Vec::new(), writes: Vec::new() };
        self.children_once(node, &["about", "targets"]);
        for child in &node.children {
            match child.name.text.as_str() {
                "about" => answer.about = self.sentence(child),
                "targets" => {
                    self.shape(child, Shape { arguments: Shape::MANY, properties: &[], children: false });
                    answer.targets = self.asked_targets(child);
                }
                "write" => answer.writes.extend(self.write(child)),
                _ => self.unknown_node(child, &["about", "targets", "write"], "an answer"),
            }
        }
        Some(answer)
    }

    /// `write "PATH" VALUE`.
    fn write(&self, node: &'d Node) -> Option<(Place, SmolStr)> {
        self.shape(node, Shape { arguments: 2, properties: &[], children: false });
        let mut arguments = node.arguments();
        let (Some(first), Some(second)) = (arguments.next(), arguments.next()) else {
            self.report(
                codes::ONE_VALUE
                    .at(node.name.span, "`write` needs a path and a value")
                    .hint("write `write \"PATH\" VALUE`"),
            );
            return None;
        };
        let path = self.plain(first, "a path")?;
        let place = self.place_named(&path, first)?;
        let setting = &self.settings[place.setting.index()];
        let is_link = second.annotation.as_ref().is_some_and(|annotation| annotation.text == "link");
        let text = match &second.value {
            Literal::String(text) if is_link => {
                return Some((place, format!("(link){}", quoted(text)).into()));
            }
            Literal::String(text) => text.clone(),
            Literal::Bool(yes) => yes.to_string(),
            Literal::Integer(number) => number.to_string(),
            Literal::Float(number) => number.to_string(),
            Literal::Null => String::new(),
        };
        let attributes = setting.declarations.first().map(|found| found.attributes.clone()).unwrap_or_default();
        match written(&self.settings, place.setting, &attributes, &text) {
            Ok(value) => Some((place, value.into())),
            Err(bad) => {
                self.report(bad.at(second.span));
                None
            }
        }
    }
}

/// Flags that `init` has for every stack.
pub const OWN_FLAGS: &[&str] =
    &["accept", "color", "format", "help", "non-interactive", "reconfigure", "replace", "root", "show", "version"];
