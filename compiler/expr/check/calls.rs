//! Functions and macros: how they are called, with what.
//!
//! In: [`Node`]s of calls. Out: [`Expr`]s with their [`Type`]s.
//! Never: what a function computes.
//! Invariant: every name is a row of [`FUNCTIONS`].

use super::operators::has_order;
use super::{Checker, Typed, not_path};
use crate::diag::nearest;
use crate::expr::functions::{self, Eval, FUNCTIONS, Function, Param, Returns, Style};
use crate::expr::parse::{Node, Shape, Word};
use crate::expr::pattern::Pattern;
use crate::expr::scalars::{self, Base};
use crate::expr::{Expr, Kind, Macro, Type, codes};
use crate::value::Value;

impl Checker<'_> {
    pub(super) fn call(
        &mut self,
        node: &Node,
        word: &Word,
        receiver: Option<&Node>,
        arguments: &[Node],
    ) -> Option<Typed> {
        let Some(row) = functions::function(&word.text) else { return self.unknown_function(word) };
        let is_misplaced = match row.style {
            Style::Before => receiver.is_some(),
            Style::Behind => receiver.is_none(),
            Style::Either => false,
        };
        let all: Vec<&Node> = receiver.into_iter().chain(arguments).collect();
        if is_misplaced || all.len() < row.least || (all.len() > row.params.len() && !row.repeats) {
            return self.bad_call(word, row);
        }
        match row.name {
            "has" => self.has(node, all[0]),
            "first" => self.first(node, word, arguments, None),
            "all" => self.each_item(node, Macro::All, &all),
            "exists" => self.each_item(node, Macro::Exists, &all),
            "map" => self.each_item(node, Macro::Map, &all),
            "filter" => self.each_item(node, Macro::Filter, &all),
            "memory" | "cpu" | "duration" => self.constant(node, row, all[0]),
            _ => self.strict(node, row, &all),
        }
    }

    fn unknown_function<T>(&mut self, word: &Word) -> Option<T> {
        const KNOWN: [(&str, &str); 9] = [
            ("len", "size(…)"),
            ("length", "size(…)"),
            ("count", "size(…)"),
            ("int", "no conversion: `.seconds` and its like are numbers already"),
            ("exists_one", "x.filter(v, …).size() == 1"),
            ("default", "first(a, b)"),
            ("coalesce", "first(a, b)"),
            ("quantity", "memory('1Gi')"),
            ("any", "x.exists(v, …)"),
        ];
        let near = nearest(&word.text, FUNCTIONS.iter().map(|row| row.name)).and_then(functions::function);
        let hint = match KNOWN.iter().find(|(name, _)| *name == word.text) {
            Some((_, right)) => Some(format!("write `{right}`")),
            None => near.map(|row| format!("write `{}`", row.signature())),
        };
        let message = format!("there is no function `{}`", word.text);
        self.report(codes::UNKNOWN_FUNCTION.at(self.word_span(word), message).maybe_hint(hint));
        None
    }

    pub(super) fn bad_call<T>(&mut self, word: &Word, row: &Function) -> Option<T> {
        let message = format!("`{}` is not called like this", row.name);
        let finding = codes::ARGUMENTS.at(self.word_span(word), message);
        self.report(finding.hint(format!("write `{}`", row.signature())));
        None
    }

    fn has(&mut self, node: &Node, path: &Node) -> Option<Typed> {
        if let Some(other) = not_path(path) {
            let message = format!("`has` needs a path, `{}` is an expression", self.written(other));
            self.report(codes::NOT_A_PATH.at(self.of(other), message));
            return None;
        }
        let (inner, _) = self.any_value(path)?;
        Some((Expr { kind: Kind::Has(Box::new(inner)), span: self.of(node) }, Type::scalar("bool")))
    }

    fn each_item(&mut self, node: &Node, which: Macro, all: &[&Node]) -> Option<Typed> {
        let (items, found) = self.any_value(all[0])?;
        let item = match &found {
            Type::List(item) => item.as_ref().clone(),
            Type::Map(_) | Type::Record(_) => Type::scalar("string"),
            any if any.is_any() => Type::Any,
            other => {
                self.report(codes::ARGUMENTS.at(items.span, format!("a list or a map is wanted, this is {other}")));
                return None;
            }
        };
        let Shape::Name(name) = &all[1].shape else {
            let message = format!("the name of a variable is wanted, this is `{}`", self.written(all[1]));
            self.report(codes::ARGUMENTS.at(self.of(all[1]), message));
            return None;
        };
        if self.is_root(name) {
            let message = format!("the variable `{name}` hides another `{name}`");
            let finding = codes::HIDDEN_NAME.at(self.of(all[1]), message);
            self.report(finding.hint(format!("write another name, such as `{}`", self.free_name(name))));
            return None;
        }
        self.locals.push((name.clone(), item.clone()));
        let wanted = (which != Macro::Map).then(|| Type::scalar("bool"));
        let body = self.value(all[2], wanted.as_ref());
        self.locals.pop();
        let (body, result) = body?;
        let result = match which {
            Macro::All | Macro::Exists => Type::scalar("bool"),
            Macro::Map => Type::List(Box::new(result)),
            Macro::Filter => Type::List(Box::new(item)),
        };
        Some((Expr { kind: Kind::Each(which, Box::new(items), Box::new(body)), span: self.of(node) }, result))
    }

    fn free_name(&self, name: &str) -> String {
        let letters = name.chars().take(1).chain('a'..='z').map(String::from);
        letters.into_iter().find(|letter| !self.is_root(letter)).unwrap_or_else(|| format!("{name}-item"))
    }

    fn constant(&mut self, node: &Node, row: &Function, argument: &Node) -> Option<Typed> {
        let span = self.of(argument);
        let Shape::Literal(Value::String(text)) = &argument.shape else {
            let message = format!("`{}` needs a constant text", row.name);
            self.report(codes::BAD_CONSTANT.at(span, message).hint(format!("write `{}`", row.signature())));
            return None;
        };
        match scalars::read(row.name, text) {
            Ok(value) => Some((Expr { kind: Kind::Literal(value), span: self.of(node) }, Type::scalar(row.name))),
            Err(message) => {
                self.report(codes::BAD_CONSTANT.at(span, message));
                None
            }
        }
    }

    fn strict(&mut self, node: &Node, row: &Function, all: &[&Node]) -> Option<Typed> {
        let values: Vec<_> = all.iter().map(|node| self.any_value(node)).collect();
        let values: Vec<Typed> = values.into_iter().collect::<Option<_>>()?;
        for (at, value) in values.iter().enumerate() {
            let param = row.params.get(at).or(row.params.last()).copied().unwrap_or(Param::Any);
            self.check_argument(row, param, value, values.len())?;
        }
        let result = match row.result {
            Returns::Bool => Type::scalar("bool"),
            Returns::Int => Type::scalar("int"),
            Returns::String => Type::scalar("string"),
            Returns::Strings => Type::List(Box::new(Type::scalar("string"))),
            Returns::Scalar(name) => Type::scalar(name),
            Returns::Common => match values.as_slice() {
                [(_, Type::List(item))] => item.as_ref().clone(),
                values => self.common(&values.iter().map(|(expr, found)| (expr, found)).collect::<Vec<_>>(), None)?,
            },
            Returns::SameList | Returns::List => Type::List(Box::new(Type::Any)),
        };
        debug_assert!(matches!(row.eval, Eval::Strict(_)), "forms are checked before");
        let arguments = values.into_iter().map(|(expr, _)| expr).collect();
        Some((Expr { kind: Kind::Call(row.name.into(), arguments), span: self.of(node) }, result))
    }

    fn check_argument(&mut self, row: &Function, param: Param, (expr, found): &Typed, count: usize) -> Option<()> {
        let is_spelled = |found: &Type| found.base().is_some_and(|base| base != Base::Secret);
        let wanted = match param {
            Param::Text if !found.is_text() => "text",
            Param::Scalar if !is_spelled(found) => "a value that can be written as text",
            Param::Sized if !found.is_text() && found.base().is_some() => "text, a list or a map",
            Param::Scalars => match found {
                Type::List(item) if is_spelled(item) => return Some(()),
                any if any.is_any() => return Some(()),
                _ => "a list of values that can be written as text",
            },
            Param::Ordered => match found {
                Type::List(item) if count == 1 && has_order(item) => return Some(()),
                found if has_order(found) => return Some(()),
                _ => "values that have an order",
            },
            Param::Pattern => return self.check_pattern(expr),
            _ => return Some(()),
        };
        let message = format!("`{}` needs {wanted}, this is {found}", row.name);
        self.report(codes::ARGUMENTS.at(expr.span, message));
        None
    }

    fn check_pattern(&mut self, expr: &Expr) -> Option<()> {
        let Kind::Literal(Value::String(pattern)) = &expr.kind else {
            self.report(codes::BAD_PATTERN.at(expr.span, "a regular expression is a constant text"));
            return None;
        };
        match Pattern::new(pattern) {
            Ok(_) => Some(()),
            Err(wrong) => {
                // The quote stands before the pattern; without escapes in it the byte is known.
                let length = (expr.span.end - expr.span.start) as usize;
                let is_plain = self.text.verbatim_at.is_some() && length == pattern.len() + 2;
                let span = if is_plain { expr.span.within(1 + wrong.at, length - 1) } else { expr.span };
                self.report(codes::BAD_PATTERN.at(span, wrong.message));
                None
            }
        }
    }
}
