//! Bodies of nodes: conditions, loops and fragments around what stands in them.
//!
//! In: nodes and the scope they stand in. Out: [`Item`]s, each with its guards and its own scope.
//! Never: what a node means.
//! Invariant: fragments end: they do not use themselves, and are used a bounded number of times.

use crate::{
    diag::{codes, nearest},
    expr::{self, Entity, Names, Type},
    schema::{
        Guard, Guarded, Kind, Other,
        build::Builder,
        declare::{Written, string_of},
        names::{Loop, RESERVED_ROOTS, Scope, ScopedNames},
    },
    source::Span,
    syntax::{Entry, Literal, Name, Node},
};

/// Most uses of fragments in one stack, and how deep they may nest.
const MAX_USES: usize = 20_000;

const MAX_USE_DEPTH: usize = 32;

/// A node of a body with the conditions and loops around it.
pub(super) struct Item<'d> {
    pub(super) node: &'d Node,
    pub(super) guards: Vec<Guard>,
    pub(super) scope: Scope,
}

impl<'d> Builder<'d> {
    /// The nodes of a body with the conditions, loops and fragments around them resolved.
    pub(super) fn flatten(&self, nodes: &'d [Node], guards: &[Guard], scope: &Scope, out: &mut Vec<Item<'d>>) {
        for node in nodes {
            match node.annotation.as_ref().map(|name| name.text.as_str()) {
                Some("when") => {
                    self.no_entries(node);
                    self.not_bare(node);
                    if let Some(condition) = self.condition_text(Written::Name(&node.name), scope) {
                        let inner: Vec<Guard> = guards.iter().cloned().chain([Guard::When(condition)]).collect();
                        self.flatten(&node.children, &inner, scope, out);
                    }
                }
                Some("each") => {
                    self.no_entries(node);
                    self.not_bare(node);
                    if let Some((source, inner_scope)) = self.each(&node.name, scope) {
                        let inner: Vec<Guard> = guards.iter().cloned().chain([Guard::Each(source)]).collect();
                        self.flatten(&node.children, &inner, &inner_scope, out);
                    }
                }
                Some("use") => {
                    if let Some((fragment, inner)) = self.fragment(node, scope) {
                        self.flatten(&fragment.children, guards, &inner, out);
                    }
                }
                _ => out.push(Item { node, guards: guards.to_vec(), scope: scope.clone() }),
            }
        }
    }

    /// The source and the names of a loop, `(each)"k, v in path"`.
    pub(super) fn each(&self, name: &Name, scope: &Scope) -> Option<(expr::Ref, Scope)> {
        let bad = || {
            self.report(
                codes::BAD_LOOP
                    .at(name.span, "this is no loop")
                    .hint("write `(each)\"item in path\" { … }` or `(each)\"key, item in path\" { … }`"),
            );
        };
        let Some((variables, path)) = name.text.split_once(" in ") else {
            bad();
            return None;
        };
        let variables: Vec<&str> = variables.split(',').map(str::trim).collect();
        let (key, item) = match variables.as_slice() {
            [item] => (None, *item),
            [key, item] => (Some(*key), *item),
            _ => {
                bad();
                return None;
            }
        };
        for variable in key.iter().chain([&item]) {
            if !variable.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') || variable.is_empty() {
                bad();
                return None;
            }
            self.refuse_hiding(variable, name.span, scope);
        }
        if key == Some(item) {
            self.report(codes::HIDES_SETTING.at(name.span, format!("both variables are called `{item}`")));
        }
        let (source, of) = self.path(path.trim(), name.span, scope)?;
        let number = scope.next_loop;
        let entity = self.item_of(&source, of, path.trim(), name, scope)?;
        let indexes =
            self.setting_at(source.place).is_some_and(|id| matches!(self.settings[id.index()].kind, Kind::List(_)));
        let mut inner = scope.clone();
        inner.loops.push(Loop { key: key.map(Into::into), item: item.into(), entity, number, indexes });
        inner.next_loop += 1;
        Some((source, inner))
    }

    /// What the item of a loop over `source` is.
    fn item_of(&self, source: &expr::Ref, of: Type, path: &str, name: &Name, scope: &Scope) -> Option<Entity> {
        let names = ScopedNames { builder: self, scope };
        let key = expr::Key::Loop(scope.next_loop);
        if self.other_at(source.place) == Some(Other::Workloads) {
            if !scope.projection {
                self.report(
                    codes::MISPLACED
                        .at(name.span, "a loop over `workloads` cannot stand here")
                        .underline("only in `helm`, `config` and `mcp`: workloads are made of everything else"),
                );
                return None;
            }
            return Some(names.each_workload(key));
        }
        let whole = Entity::Place { place: source.place, keys: source.keys.clone(), of };
        let entity = names.index(&whole, key);
        if entity.is_none() {
            let hint = matches!(whole, Entity::Place { of: Type::Record(_), .. })
                .then_some("it is a group: say each of its settings by its own name");
            let message = format!("`{path}` is no list and no map");
            self.report(codes::NOT_A_COLLECTION.at(name.span, message).maybe_hint(hint.map(str::to_owned)));
        }
        entity
    }

    fn refuse_hiding(&self, name: &str, span: Span, scope: &Scope) {
        let setting = self.settings[0].children.contains_key(name) || RESERVED_ROOTS.contains(&name);
        let around = scope.loops.iter().any(|outer| outer.item.as_str() == name || outer.key.as_deref() == Some(name))
            || scope.parameters.iter().any(|(parameter, _)| parameter.as_str() == name);
        if setting || around {
            let what = if setting { "the setting" } else { "the variable around it" };
            self.report(
                codes::HIDES_SETTING
                    .at(span, format!("`{name}` would hide {what} of that name"))
                    .hint("choose another name for the variable"),
            );
        }
    }

    /// Refuses a condition or a loop around nothing.
    pub(super) fn not_bare(&self, node: &Node) {
        if node.children.is_empty() {
            let word = node.annotation.as_ref().map_or("", |name| &name.text);
            self.empty(node.span, format!("`({word})` holds nothing"), "put nodes into it, or delete it");
        }
    }

    /// The body of a fragment and the scope it is read in.
    pub(super) fn fragment(&self, node: &Node, scope: &Scope) -> Option<(&'d Node, Scope)> {
        let name = node.name.text.as_str();
        if let Some(entry) = node.arguments().next() {
            self.report(
                codes::STRAY_ARGUMENT
                    .at(entry.span, "arguments of a fragment have names")
                    .hint(format!("write `(use)\"{name}\" PARAMETER=\"PATH\"`")),
            );
        }
        if let Some(child) = node.children.first() {
            self.report(codes::UNKNOWN_NODE.at(child.span, "the use of a fragment holds no nodes"));
        }
        let Some(fragment) = self.fragments.get(name).copied() else {
            let near =
                nearest(name, self.fragments.keys().map(AsRef::as_ref)).map(|near| format!("did you mean `{near}`?"));
            self.report(
                codes::UNKNOWN_FRAGMENT.at(node.name.span, format!("there is no fragment `{name}`")).maybe_hint(near),
            );
            return None;
        };
        self.used_fragments.borrow_mut().insert(name.into());
        if scope.fragments.iter().any(|around| around.as_str() == name) {
            self.report(codes::FRAGMENT_CYCLE.at(node.name.span, format!("the fragment `{name}` uses itself")));
            return None;
        }
        self.uses.set(self.uses.get() + 1);
        if self.uses.get() > MAX_USES || scope.fragments.len() >= MAX_USE_DEPTH {
            if !self.diags.borrow().has_errors() {
                self.report(codes::TOO_LARGE.at(
                    node.name.span,
                    format!("fragments are used more than {MAX_USES} times, or more than {MAX_USE_DEPTH} deep"),
                ));
            }
            return None;
        }
        let mut inner = Scope {
            projection: scope.projection,
            next_loop: scope.next_loop,
            fragments: scope.fragments.clone(),
            ..Scope::default()
        };
        inner.fragments.push(name.into());
        for (parameter, of) in fragment.properties() {
            let Some(argument) = node.property(&parameter.text) else {
                self.report(
                    codes::FRAGMENT_ARGUMENT
                        .at(node.name.span, format!("the fragment `{name}` needs `{}`", parameter.text))
                        .label(parameter.span, "declared here"),
                );
                return None;
            };
            let (path, found) = match &argument.value {
                Literal::String(path) if argument.annotation.as_ref().is_none_or(|name| name.text == "ref") => {
                    self.path(path, argument.span, scope)?
                }
                _ => {
                    self.report(
                        codes::NOT_A_SETTING.at(argument.span, "an argument of a fragment is the path of a setting"),
                    );
                    return None;
                }
            };
            self.check_argument(&path, &found, of, argument.span);
            inner.parameters.push((
                parameter.text.as_str().into(),
                Entity::Place { place: path.place, keys: path.keys, of: found },
            ));
        }
        for (name, _) in node.properties().filter(|(name, _)| fragment.property(&name.text).is_none()) {
            self.report(
                codes::FRAGMENT_ARGUMENT
                    .at(name.span, format!("the fragment has no parameter `{}`", name.text))
                    .label(fragment.name.span, "declared here"),
            );
        }
        Some((fragment, inner))
    }

    fn check_argument(&self, path: &expr::Ref, found: &Type, wanted: &Entry, span: Span) {
        let Some(wanted_name) = string_of(wanted) else { return };
        let declared = self.setting_at(path.place).map(|id| self.settings[id.index()].of.clone());
        let scalar = match found {
            Type::Scalar(name) => Some(name.as_ref()),
            Type::Enum(_) => Some("enum"),
            _ => None,
        };
        let fits = declared.as_deref() == Some(wanted_name.as_str()) || scalar == Some(wanted_name.as_str());
        if !fits {
            let is = declared.filter(|of| !of.is_empty()).map_or("a group".to_owned(), |of| format!("`{of}`"));
            self.report(
                codes::FRAGMENT_ARGUMENT
                    .at(span, format!("the parameter is a `{wanted_name}`, this is {is}"))
                    .label(wanted.span, "declared here"),
            );
        }
    }

    pub(super) fn check_fragments(&self) {
        // After an error a use may not have been read.
        let failed = self.diags.borrow().has_errors();
        for (name, node) in &self.fragments {
            for (parameter, _) in node.properties() {
                self.refuse_hiding(&parameter.text, parameter.span, &Scope::default());
            }
            if !failed && !self.used_fragments.borrow().contains(name) {
                self.report(
                    codes::UNUSED_FRAGMENT
                        .at(node.span, format!("the fragment `{name}` is used nowhere"))
                        .hint("delete it"),
                );
            }
        }
    }
}

/// A thing with its guards.
pub(super) fn guarded<T>(guards: &[Guard], node: T) -> Guarded<T> {
    Guarded { guards: guards.to_vec(), node }
}
