//! Paths: each step exists, and a key is one that can be there.
//!
//! In: [`Node`]s of names, members and indices. Out: what the path leads to.
//! Never: the value that lies there.
//! Invariant: a step that does not exist is reported at its own word, with what exists beside it.

use super::{Checker, Typed, is_constant};
use crate::diag::nearest;
use crate::expr::functions;
use crate::expr::parse::{Node, Shape, Word};
use crate::expr::scalars;
use crate::expr::{Entity, Expr, Key, Kind, Ref, Type, codes};
use crate::source::Span;
use crate::value::Value;

/// Where a path leads.
enum Step {
    /// Something that [`Names`] knows, and where its path is written.
    Entity(Entity, Span),
    /// A value.
    Value(Expr, Type),
}

impl Checker<'_> {
    /// What a path leads to, as a value.
    pub(super) fn path(&mut self, node: &Node) -> Option<Typed> {
        let step = self.step(node)?;
        self.finish(step)
    }

    /// Walks a path as far as it goes.
    fn step(&mut self, node: &Node) -> Option<Step> {
        match &node.shape {
            Shape::Name(name) => self.root(node, name),
            Shape::Member(of, word) => {
                let of = self.step(of)?;
                self.member(node, of, word)
            }
            Shape::Index(of, key) => {
                let of = self.step(of);
                let key = self.any_value(key);
                self.index(node, of?, key?)
            }
            _ => self.any_value(node).map(|(expr, found)| Step::Value(expr, found)),
        }
    }

    fn root(&mut self, node: &Node, name: &str) -> Option<Step> {
        let span = self.of(node);
        if let Some(at) = self.locals.iter().rposition(|(local, _)| local == name) {
            let depth = (self.locals.len() - 1 - at) as u32;
            return Some(Step::Value(Expr { kind: Kind::Local(depth), span }, self.locals[at].1.clone()));
        }
        if let Some(entity) = self.names.root(name) {
            return Some(Step::Entity(entity, span));
        }
        if self.is_subtraction(name, span, |checker, word| checker.is_root(word)) {
            return None;
        }
        let mut known = self.names.names(None);
        known.extend(self.locals.iter().map(|(local, _)| local.clone()));
        let near = nearest(name, known.iter().map(String::as_str)).map(|near| format!("write `{near}`"));
        let hint = near.or_else(|| functions::function(name).map(|row| format!("write `{}`", row.signature())));
        self.report(codes::UNKNOWN_NAME.at(span, format!("there is no `{name}`")).maybe_hint(hint));
        None
    }

    pub(super) fn is_root(&self, name: &str) -> bool {
        self.names.root(name).is_some() || self.locals.iter().any(|(local, _)| local == name)
    }

    /// Reports `a-b` where both sides are known and the whole is not.
    pub(super) fn is_subtraction(&mut self, name: &str, span: Span, is_known: impl Fn(&Self, &str) -> bool) -> bool {
        let dashes = name.match_indices('-').map(|(at, _)| at);
        let found = dashes.into_iter().find(|at| {
            let (left, right) = (&name[..*at], &name[at + 1..]);
            is_known(self, left) && (right.bytes().all(|byte| byte.is_ascii_digit()) || self.is_root(right))
        });
        let Some(at) = found else { return false };
        let message = format!("there is no `{name}`, and a subtraction has a blank on both sides of its `-`");
        let finding = codes::CROWDED_MINUS.at(span, message);
        self.report(finding.hint(format!("write `{} - {}`", &name[..at], &name[at + 1..])));
        true
    }

    fn member(&mut self, node: &Node, of: Step, word: &Word) -> Option<Step> {
        let span = self.of(node);
        match of {
            Step::Entity(entity, before) => {
                if let Some(found) = self.names.member(&entity, &word.text) {
                    return Some(Step::Entity(found, span));
                }
                let has_members =
                    matches!(entity, Entity::Namespace(..) | Entity::Place { of: Type::Record(_) | Type::Map(_), .. });
                if has_members {
                    return self.no_member(&entity, before, word);
                }
                let (expr, found) = self.finish(Step::Entity(entity.clone(), before))?;
                self.part(span, expr, &found, word, Some(&entity))
            }
            Step::Value(expr, found) => self.part(span, expr, &found, word, None),
        }
    }

    fn no_member<T>(&mut self, entity: &Entity, before: Span, word: &Word) -> Option<T> {
        let span = self.word_span(word);
        let is_known = |checker: &Self, name: &str| checker.names.member(entity, name).is_some();
        if self.is_subtraction(&word.text, span, is_known) {
            return None;
        }
        let known = self.names.names(Some(entity));
        self.unknown_member(before, word, known, "")
    }

    fn unknown_member<T>(&mut self, before: Span, word: &Word, known: Vec<String>, what: &str) -> Option<T> {
        let span = self.word_span(word);
        let owner = self.under(before).map_or("this".to_owned(), |text| format!("`{text}`"));
        let near = nearest(&word.text, known.iter().map(String::as_str)).map(|near| format!("write `{near}`"));
        let all = || (!known.is_empty() && known.len() <= 8).then(|| format!("known are `{}`", known.join("`, `")));
        let finding = codes::UNKNOWN_NAME.at(span, format!("{owner}{what} has no `{}`", word.text));
        let finding = match near {
            Some(near) => finding.hint(near),
            None => finding.underline(all().unwrap_or_default()),
        };
        self.report(finding);
        None
    }

    /// The words under a span of this text.
    pub(super) fn under(&self, span: Span) -> Option<&str> {
        let at = self.text.verbatim_at?;
        self.text.text.get(span.start.checked_sub(at)? as usize..span.end.checked_sub(at)? as usize)
    }

    /// A part or an entry of a value.
    fn part(&mut self, span: Span, expr: Expr, of: &Type, word: &Word, entity: Option<&Entity>) -> Option<Step> {
        let before = expr.span;
        let part = |expr: Expr, of: &str| Kind::Part(Box::new(expr), of.into(), word.text.as_str().into());
        let text = |span| Expr { kind: Kind::Literal(Value::string(word.text.as_str())), span };
        let entry = |expr: Expr, span: Span| Kind::Index(Box::new(expr), Box::new(text(span)));
        let (kind, found) = match of {
            Type::List(item) if word.text == "first" => (part(expr, "list"), item.as_ref().clone()),
            Type::List(_) if word.text == "size" => (part(expr, "list"), Type::scalar("int")),
            Type::List(_) => {
                return self.unknown_member(before, word, vec!["first".into(), "size".into()], ", a list,");
            }
            Type::Map(item) => (entry(expr, self.word_span(word)), item.as_ref().clone()),
            // The fields of a value are the same as those of the place that declares them.
            Type::Record(place) => {
                let record = Entity::Place { place: *place, keys: Vec::new(), of: of.clone() };
                match self.names.member(&record, &word.text) {
                    Some(Entity::Place { of, .. } | Entity::Key(_, of)) => (entry(expr, self.word_span(word)), of),
                    _ => return self.no_member(&record, before, word),
                }
            }
            any if any.is_any() => (entry(expr, self.word_span(word)), Type::Any),
            Type::Scalar(name) => match scalars::part(name, &word.text) {
                Some(result) => (part(expr, name), Type::scalar(result)),
                None => {
                    let known = scalars::parts(name).into_iter().map(str::to_owned);
                    let known = known.chain(entity.map_or(Vec::new(), |entity| self.names.names(Some(entity))));
                    return self.unknown_member(before, word, known.collect(), &format!(", {of},"));
                }
            },
            _ => match entity {
                Some(entity) => return self.no_member(entity, before, word),
                None => return self.unknown_member(before, word, Vec::new(), &format!(", {of},")),
            },
        };
        Some(Step::Value(Expr { kind, span }, found))
    }

    fn index(&mut self, node: &Node, of: Step, key: Typed) -> Option<Step> {
        let span = self.of(node);
        let (expr, found) = match of {
            Step::Entity(entity, before) => {
                if self.key_fits(&entity, &key)? {
                    let key = into_key(key.0.clone());
                    if let Some(found) = self.names.index(&entity, key) {
                        return Some(Step::Entity(found, span));
                    }
                }
                self.finish(Step::Entity(entity, before))?
            }
            Step::Value(expr, found) => (expr, found),
        };
        let item = match &found {
            Type::List(item) => item.as_ref().clone(),
            Type::Map(item) => item.as_ref().clone(),
            any if any.is_any() => Type::Any,
            other => {
                let message = format!("`[…]` needs a list or a map, this is {other}");
                self.report(codes::OPERANDS.at(expr.span, message));
                return None;
            }
        };
        self.check_key(&found, &key)?;
        self.check_exhaustive(&expr, &key)?;
        Some(Step::Value(Expr { kind: Kind::Index(Box::new(expr), Box::new(key.0)), span }, item))
    }

    /// Whether settings may be asked for this key. Reports a key of the wrong type.
    fn key_fits(&mut self, entity: &Entity, key: &Typed) -> Option<bool> {
        match entity {
            Entity::Place { of, .. } => self.check_key(of, key),
            Entity::Namespace(..) => self.check_key(&Type::Map(Box::new(Type::Any)), key),
            Entity::Key(..) => Some(false),
        }
    }

    fn check_key(&mut self, of: &Type, key: &Typed) -> Option<bool> {
        let wanted = match of {
            Type::List(_) => Type::scalar("int"),
            Type::Map(_) | Type::Record(_) => Type::scalar("string"),
            _ => return Some(true),
        };
        if key.1.is_any() || key.1.base() == wanted.base() {
            return Some(true);
        }
        let what =
            if matches!(of, Type::List(_)) { "an item of a list has a number" } else { "a key of a map is text" };
        self.report(codes::WRONG_KIND.at(key.0.span, format!("{what}, this is {}", key.1)));
        None
    }

    /// Reports a map literal that does not say what every word of an enum becomes, and keys that are no word.
    fn check_exhaustive(&mut self, map: &Expr, key: &Typed) -> Option<()> {
        let (Kind::Map(entries), Type::Enum(words)) = (&map.kind, &key.1) else { return Some(()) };
        let mut is_right = true;
        for (written, value) in entries.iter().filter(|_| !is_constant(&key.0)) {
            if !words.contains(written) {
                is_right = false;
                let near = nearest(written, words.iter().map(AsRef::as_ref));
                let message = format!("the key `{}` can never be asked for, it is {}", written.escape_debug(), key.1);
                let finding = codes::NOT_ONE_OF.at(value.span, message).label(key.0.span, "asked for here");
                self.report(finding.maybe_hint(near.map(|near| format!("write `'{near}'`"))));
            }
        }
        let lacking: Vec<_> = words.iter().filter(|word| !entries.iter().any(|(key, _)| key == *word)).collect();
        if !lacking.is_empty() && is_right {
            let list: Vec<_> = lacking.iter().map(|word| format!("`{}`", word.escape_debug())).collect();
            let message = format!("the map has no entry for {}", list.join(", "));
            let finding = codes::NOT_EXHAUSTIVE.at(map.span, message).label(key.0.span, key.1.to_string());
            self.report(finding.hint(format!("add `'{}': …`", lacking[0].escape_debug())));
            return None;
        }
        is_right.then_some(())
    }

    /// The value behind the last step.
    fn finish(&mut self, step: Step) -> Option<Typed> {
        match step {
            Step::Value(expr, found) => Some((expr, found)),
            Step::Entity(Entity::Place { place, keys, of }, span) => {
                Some((Expr { kind: Kind::Ref(Ref { place, keys, span }), span }, of))
            }
            Step::Entity(Entity::Key(key, of), span) => Some((Expr { kind: Kind::Key(key), span }, of)),
            Step::Entity(entity @ Entity::Namespace(..), span) => {
                let name = self.under(span).unwrap_or("this").to_owned();
                let known = self.names.names(Some(&entity));
                let finding = codes::NOT_A_VALUE.at(span, format!("`{name}` is not a value by itself"));
                self.report(finding.maybe_hint(known.first().map(|first| format!("write `{name}.{first}`"))));
                None
            }
        }
    }
}

fn into_key(expr: Expr) -> Key {
    match expr.kind {
        Kind::Literal(Value::String(text)) => Key::Literal(text),
        Kind::Key(key) => key,
        kind => Key::Computed(Box::new(Expr { kind, span: expr.span })),
    }
}
