//! What the releases of a stack write, against what their charts read.
//!
//! In: a `Stack` with surfaces. Out: findings for keys that a chart does not read, or reads as something else.
//! Never: values of an environment; what is written under which conditions is for the read-back.
//! Invariant: a value whose type is not known before there is an environment is passed over.

use crate::{
    diag::{Diags, codes, nearest},
    expr::{self, Expr, Operator, Type},
    schema::{
        ChartKey, Keep, KeyShape, Kind, Other, Release, SettingId, Stack, Surface, TreeKey, TreeNode, TreeValue,
        type_of,
    },
    source::Span,
    value::{self, Value},
};

/// Checks the values of every release.
pub(super) fn check(stack: &Stack, diags: &mut Diags) {
    for release in stack.helm.iter().flat_map(|block| &block.releases) {
        match stack.surface(release) {
            Some(surface) => Projection { stack, surface: &surface, named: None, diags }.tree(&release.values, 0),
            None => diags.push(unknown(release)),
        }
    }
}

fn unknown(release: &Release) -> crate::diag::Finding {
    codes::NO_SURFACE
        .at(release.span, format!("nothing is known of what chart `{}` {} reads", release.chart, release.version))
        .hint(format!(
            "list its keys in `surface \"{}\" version=\"{}\" {{ … }}`, and name the file here: `surface=\"FILE\"`",
            release.chart, release.version
        ))
}

struct Projection<'a> {
    stack: &'a Stack,
    surface: &'a Surface,
    /// The name under which the key of the items of a map was last written.
    named: Option<(u32, String)>,
    diags: &'a mut Diags,
}

impl<'a> Projection<'a> {
    fn key(&self, number: u32) -> &'a ChartKey {
        self.surface.key(number)
    }

    /// Nodes of the map or list at a key.
    fn tree(&mut self, nodes: &[TreeNode], number: u32) {
        for node in nodes {
            match node {
                TreeNode::When(_, nodes) | TreeNode::Each(_, nodes) => self.tree(nodes, number),
                TreeNode::Item { value, span } => match self.key(number).shape {
                    KeyShape::List(item) => {
                        let known = self.key(number).item_of(|by| value.text_of(by));
                        self.value(known.unwrap_or(item), value, *span);
                    }
                    KeyShape::Any => {}
                    _ => self.differs(number, *span, "a list"),
                },
                TreeNode::Key { key: TreeKey::Fixed(name), value, span } => {
                    if let Some(child) = self.child(number, name, *span) {
                        self.value(child, value, *span);
                    }
                }
                TreeNode::Key { key: TreeKey::Computed(_), value, span } => match self.key(number).shape {
                    KeyShape::Map(item) => self.value(item, value, *span),
                    KeyShape::List(_) | KeyShape::Scalar(..) => self.differs(number, *span, "a map"),
                    KeyShape::Group | KeyShape::Any | KeyShape::Dead(_) => {}
                },
            }
        }
    }

    /// The key of this name below another; none if there is nothing to check below, or it was reported.
    fn child(&mut self, number: u32, name: &str, span: Span) -> Option<u32> {
        let key = self.key(number);
        // The items of a list have names too, but are no keys of a map.
        if let Some(child) = key.children.get(name).filter(|_| key.by.is_none()) {
            return Some(*child);
        }
        match key.shape {
            KeyShape::Map(item) => {
                self.named = Some((item, name.to_owned()));
                Some(item)
            }
            KeyShape::Any | KeyShape::Dead(_) => None,
            KeyShape::List(_) | KeyShape::Scalar(..) => {
                self.differs(number, span, "a map");
                None
            }
            KeyShape::Group => {
                let path = self.below(number, name);
                let near = nearest(name, key.children.keys().map(AsRef::as_ref));
                let message = format!("chart `{}` {} does not read `{path}`", self.surface.chart, self.surface.version);
                self.diags.push(
                    codes::FOREIGN_KEY
                        .at(span, message)
                        .label(key.span, "it reads the keys here")
                        .maybe_hint(near.map(|near| format!("did you mean `{near}`?"))),
                );
                None
            }
        }
    }

    /// The path of what is looked at: an item of a map by the name that it is written under.
    fn path(&self, number: u32) -> String {
        match (&self.named, self.key(number).parent) {
            (Some((item, name)), Some(above)) if *item == number => self.below(above, name),
            _ => self.surface.path_of(number),
        }
    }

    fn below(&self, number: u32, name: &str) -> String {
        let path = self.surface.path_of(number);
        if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
    }

    fn value(&mut self, number: u32, value: &TreeValue, span: Span) {
        if let KeyShape::Dead(because) = &self.key(number).shape {
            let path = self.surface.path_of(number);
            let message =
                format!("chart `{}` {} reads no `{path}`: {because}", self.surface.chart, self.surface.version);
            self.diags.push(codes::TRAP_KEY.at(span, message).label(self.key(number).span, "the surface says so"));
            return;
        }
        match value {
            TreeValue::One(expr) => self.one(number, expr, span),
            TreeValue::Many(exprs) => match self.key(number).shape {
                KeyShape::List(item) => exprs.iter().for_each(|expr| self.one(item, expr, span)),
                KeyShape::Any => {}
                _ => self.differs(number, span, "a list"),
            },
            TreeValue::Nodes { nodes, keep } => match (&self.key(number).shape, keep) {
                (KeyShape::Scalar(..), _) => {
                    self.differs(number, span, if is_list(nodes, *keep) { "a list" } else { "a map" })
                }
                (KeyShape::List(_), Some(Keep::Map)) => self.differs(number, span, "a map"),
                (KeyShape::Group | KeyShape::Map(_), Some(Keep::List)) => self.differs(number, span, "a list"),
                _ => self.tree(nodes, number),
            },
            TreeValue::Embedded(..) => self.typed(number, &Type::scalar("string"), span),
        }
    }

    fn one(&mut self, number: u32, expr: &Expr, span: Span) {
        if let expr::Kind::Ref(found) = &expr.kind
            && let Some(id) = self.stack.setting_at(found.place)
        {
            return self.setting(number, id, span);
        }
        // One finding is enough, whatever else the expression may yield.
        let before = self.diags.as_slice().len();
        for of in types(self.stack, expr) {
            if self.diags.as_slice().len() == before {
                self.typed(number, &of, span);
            }
        }
    }

    /// A setting that is printed, with what it holds.
    fn setting(&mut self, number: u32, id: SettingId, span: Span) {
        let setting = self.stack.setting(id);
        let shape = &self.key(number).shape;
        match (&setting.kind, shape) {
            (_, KeyShape::Any) if self.key(number).children.is_empty() => {}
            (Kind::Group, KeyShape::Group | KeyShape::Any | KeyShape::Map(_)) => {
                for (name, child) in &setting.children {
                    if let Some(below) = self.child(number, name, span) {
                        self.setting(below, *child, span);
                    }
                }
            }
            (Kind::Map(item), KeyShape::Map(below)) | (Kind::List(item), KeyShape::List(below)) => {
                self.setting(*below, *item, span);
            }
            (Kind::Group | Kind::Map(_), _) => self.differs(number, span, "a map"),
            (Kind::List(_), _) => self.differs(number, span, "a list"),
            _ => self.typed(number, &type_of(&self.stack.settings, id), span),
        }
    }

    /// A value of a type at a key.
    fn typed(&mut self, number: u32, of: &Type, span: Span) {
        let wanted = match &self.key(number).shape {
            KeyShape::Scalar(name, attributes) if name.as_str() == "enum" => {
                let own = self.key(number).default.iter().filter_map(|value| match value {
                    Value::String(word) => Some(word),
                    _ => None,
                });
                Type::Enum(attributes.words.iter().chain(own).cloned().collect())
            }
            KeyShape::Scalar(name, _) if name.as_str() == "secret" => {
                let path = self.surface.path_of(number);
                let message = format!("`{path}` is the text of a secret, which stands in no file");
                self.diags.push(
                    codes::KEY_TYPE
                        .at(span, message)
                        .label(self.key(number).span, "declared here")
                        .hint("use the key that names an existing secret"),
                );
                return;
            }
            KeyShape::Scalar(name, _) => Type::Scalar(name.clone()),
            KeyShape::Any | KeyShape::Dead(_) => return,
            KeyShape::Group | KeyShape::Map(_) | KeyShape::List(_) => {
                if of.is_any() || matches!(of, Type::List(_) | Type::Map(_) | Type::Record(_)) {
                    return;
                }
                return self.differs(number, span, &of.to_string());
            }
        };
        // Empty text is how values say that there is none.
        let nothing = matches!(of, Type::Enum(words) if words.iter().all(|word| word.is_empty()));
        if !nothing && !of.fits(&wanted) {
            let path = self.path(number);
            let message = format!(
                "chart `{}` {} reads {wanted} at `{path}`, this is {of}",
                self.surface.chart, self.surface.version
            );
            self.diags.push(codes::KEY_TYPE.at(span, message).label(self.key(number).span, "declared here"));
        }
    }

    fn differs(&mut self, number: u32, span: Span, found: &str) {
        let key = self.key(number);
        let wanted = match &key.shape {
            KeyShape::Group | KeyShape::Map(_) => "a map",
            KeyShape::List(_) => "a list",
            _ => "one value",
        };
        let path = self.path(number);
        let message = format!(
            "chart `{}` {} reads {wanted} at `{path}`, this is {found}",
            self.surface.chart, self.surface.version
        );
        self.diags.push(codes::KEY_TYPE.at(span, message).label(key.span, "declared here"));
    }
}

fn is_list(nodes: &[TreeNode], keep: Option<Keep>) -> bool {
    keep == Some(Keep::List)
        || nodes.iter().any(|node| match node {
            TreeNode::When(_, nodes) | TreeNode::Each(_, nodes) => is_list(nodes, None),
            TreeNode::Item { .. } => true,
            TreeNode::Key { .. } => false,
        })
}

/// The types that an expression may yield, as far as they are known before there is an environment.
fn types(stack: &Stack, expr: &Expr) -> Vec<Type> {
    let one = |name: &str| vec![Type::scalar(name)];
    match &expr.kind {
        expr::Kind::Literal(value) => literal(value).into_iter().collect(),
        expr::Kind::Ref(found) => match stack.other_at(found.place) {
            None => stack.setting_at(found.place).map(|id| type_of(&stack.settings, id)).into_iter().collect(),
            Some(Other::Endpoint(_)) => one("address"),
            Some(Other::EndpointHost(_) | Other::ProviderHost) => one("host"),
            Some(Other::EndpointPort(..) | Other::ProviderPort) => one("port"),
            Some(Other::Environment | Other::Release) => one("string"),
            Some(Other::WorkloadFact(_, fact) | Other::EachWorkloadFact(fact)) => match fact.as_ref() {
                "image" => one("image"),
                "replicas" => one("int"),
                _ => Vec::new(),
            },
            Some(_) => Vec::new(),
        },
        expr::Kind::Part(_, of, part) => {
            value::part(of, part).map(|part| Type::scalar(part.result)).into_iter().collect()
        }
        expr::Kind::Not(_) | expr::Kind::Has(_) => one("bool"),
        expr::Kind::Binary(operator, a, _) => match operator {
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
                let of = types(stack, a);
                if of == one("int") { of } else { Vec::new() }
            }
            _ => one("bool"),
        },
        expr::Kind::If(_, a, b) => [a, b].into_iter().flat_map(|branch| types(stack, branch)).collect(),
        expr::Kind::First(parts) => parts.iter().flat_map(|part| types(stack, part)).collect(),
        expr::Kind::Text(_) => one("string"),
        _ => Vec::new(),
    }
}

fn literal(value: &Value) -> Option<Type> {
    Some(match value {
        Value::Bool(_) => Type::scalar("bool"),
        Value::Int(_) => Type::scalar("int"),
        Value::Float(_) => Type::scalar("number"),
        Value::String(text) => Type::words([text.as_ref()]),
        Value::Text(_) => Type::scalar("string"),
        Value::Memory(_) => Type::scalar("memory"),
        Value::Cpu(_) => Type::scalar("cpu"),
        Value::Duration(_) => Type::scalar("duration"),
        Value::Secret(_) => Type::scalar("secret"),
        Value::Image(_) => Type::scalar("image"),
        Value::List(_) | Value::Map(_) | Value::Null => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::{
        diag::Diags,
        schema::load,
        source::{Source, SourceId},
    };

    const KEYS: &str = r#"
        (int)count
        (seconds)wait
        (cpu)cpu
        limits { (cpu)cpu; (memory)memory }
        (any)pod { (bool)root; (list)drop of="string" }
        (map)labels of="string" { (int)known }
        (list)hosts { (host)host; (list)paths of="path" }
        (enum)mode "a" "b"
        (secret)password
        (dead)old because="no template reads it"
    "#;

    /// The codes and messages that values give.
    fn found(values: &str) -> Vec<(&'static str, String)> {
        let stack = format!(
            r#"stack "shop" version="1" {{
                type "limits" {{ (cpu)cpu default="1"; (memory)memory default="1Gi" }}
                type "more" {{ (cpu)cpu default="1"; (int)disk default=1 }}
                settings {{
                    (int)count default=1
                    (duration)wait default="5s"
                    (limits)limits
                    (more)more
                    (map)labels of="string"
                    (list)hosts of="host"
                    (enum)mode "a" "c" default="a"
                    (bool)on default=#true
                }}
                fragment "two" {{ count 2 }}
                helm "shop" {{ release "shop" chart="shop" version="1" surface="chart.kdl" file="values.yaml" {{ values {{ {values}; x {{ (use)"two" }} }} }} }}
            }}"#
        );
        let chart = format!("surface \"shop\" version=\"1\" {{ {KEYS}\n x {{ (int)count }} }}");
        let source = |id, name: &str, text: String| Arc::new(Source { id: SourceId(id), name: name.to_owned(), text });
        let texts = [source(1, "shop/chart.kdl", chart), source(2, "shop/stack.kdl", stack)];
        let mut diags = Diags::default();
        let stack = load::load("shop", &texts, &[], &mut diags);
        let mut found = Diags::default();
        super::check(&stack.unwrap_or_else(|| panic!("{values}: {diags:?}")), &mut found);
        found.as_slice().iter().map(|finding| (finding.code.id, finding.message.clone())).collect()
    }

    #[test]
    fn what_a_chart_reads_is_no_finding() {
        let fine = [
            r#"count (ref)"count"; wait (ref)"wait.seconds"; limits (ref)"limits"; labels (ref)"labels""#,
            r#"pod { root #true; drop "ALL" "NET"; other { deep 3 } }"#,
            r#"hosts { (each)"h in hosts" { - host=(ref)"h" { paths "/a" "/b" } } }"#,
            r#"labels { (each)"k, v in labels" { (ref)"k" (ref)"v" }; known 3; any "x" }"#,
            r#"(when)"on" { count (cel)"on ? 1 : count + 1" }; mode "b"; cpu (ref)"limits.cpu""#,
            "count #null; (map)labels",
        ];
        for values in fine {
            assert_eq!(found(values), [], "{values}");
        }
    }

    #[test]
    fn what_a_chart_does_not_read_so_is_found_wherever_it_stands() {
        let cases = [
            ("counts 3", "TL0906", "does not read `counts`"),
            (r#"(when)"on" { limits { disk 3 } }"#, "TL0906", "does not read `limits.disk`"),
            (r#"limits (ref)"more""#, "TL0906", "does not read `limits.disk`"),
            (r#"hosts { (each)"h in hosts" { - name=(ref)"h" } }"#, "TL0906", "does not read `hosts.*.name`"),
            ("old 3", "TL0907", "reads no `old`: no template reads it"),
            ("old { deep 3 }", "TL0907", "reads no `old`"),
            (r#"count (ref)"on""#, "TL0908", "`count`, this is a yes or no"),
            (r#"wait (ref)"wait""#, "TL0908", "`wait`, this is a length of time"),
            (r#"wait (ref)"wait.milliseconds""#, "TL0908", "`wait`, this is"),
            (r#"cpu (ref)"limits.memory""#, "TL0908", "`cpu`, this is an amount of memory"),
            (r#"count (cel)"on ? 'y' : 'x'""#, "TL0908", "`count`, this is the text `y`"),
            ("count { a 1 }", "TL0908", "one value at `count`, this is a map"),
            (r#"count (ref)"limits""#, "TL0908", "one value at `count`, this is a map"),
            (r#"count (ref)"hosts""#, "TL0908", "one value at `count`, this is a list"),
            ("count 1 2", "TL0908", "one value at `count`, this is a list"),
            ("limits 3", "TL0908", "a map at `limits`, this is a whole number"),
            ("hosts { a 1 }", "TL0908", "a list at `hosts`, this is a map"),
            (r#"labels (ref)"hosts""#, "TL0908", "a map at `labels`, this is a list"),
            (r#"labels { known "x" }"#, "TL0908", "`labels.known`, this is the text `x`"),
            (r#"pod { root 3 }"#, "TL0908", "`pod.root`, this is a whole number"),
            (r#"mode (ref)"mode""#, "TL0908", "`mode`, this is one of `a`, `c`"),
            (r#"password "x""#, "TL0908", "`password` is the text of a secret"),
            (r#"(json)count { a 1 }"#, "TL0908", "`count`, this is text"),
        ];
        let differs = |(values, code, message): &&(&str, &str, &str)| {
            let found = found(values);
            !matches!(found.as_slice(), [(id, text)] if id == code && text.contains(message))
        };
        let wrong = cases.iter().filter(differs).map(|(values, ..)| format!("{values}\n    {:?}\n", found(values)));
        assert_eq!(wrong.collect::<String>(), "");
    }
}
