//! Values of a chart, as the conditions of its surface ask for them.
//!
//! In: a [`Surface`], and values as they were read from a file. Out: values of keys, with the chart's own where nothing
//! is written; whether conditions hold.
//! Never: a stack's settings, which file it was.
//! Invariant: what Helm would give a template is what comes back: null removes the chart's own value.

use std::cell::OnceCell;

use crate::{
    expr::{self, Evaluated, Expr, Lookup, Place},
    read::{Data, Node},
    schema::{KeyShape, Surface},
    value::{self, Attributes, Bad, Link, LinkPart, Piece, Raw, Value},
};

/// Steps that one condition may take.
const STEPS: u64 = 100_000;

/// The values of one release, seen through the surface of its chart.
#[derive(Clone, Debug)]
pub struct Values<'a, 't> {
    surface: &'a Surface,
    values: &'a Node<'t>,
    /// The values of the keys in [`Surface::asked`], once a condition asked: many ask for the same few.
    asked: Vec<OnceCell<Evaluated>>,
}

/// What stands at a key.
enum Found<'a, 't> {
    /// This, in the file.
    Written(&'a Node<'t>),
    /// Nothing, so that the chart's own value counts.
    Unwritten,
    /// A null at the key or above it: neither.
    Removed,
}

impl<'a, 't> Values<'a, 't> {
    /// The values of a file.
    #[must_use]
    pub fn new(surface: &'a Surface, values: &'a Node<'t>) -> Values<'a, 't> {
        Values { surface, values, asked: vec![OnceCell::new(); surface.asked().len()] }
    }

    /// The value of a key: the written one in the key's type, else the chart's own. Missing if there is neither, or the
    /// key is that of an item; unknown if what is written is not of the type.
    #[must_use]
    pub fn value(&self, key: u32) -> Evaluated {
        match self.find(key) {
            Found::Removed => Evaluated::Missing,
            Found::Unwritten => self.surface.key(key).default.clone().map_or(Evaluated::Missing, Evaluated::Value),
            Found::Written(node) => typed(self.surface, key, node).map_or(Evaluated::Unknown, Evaluated::Value),
        }
    }

    /// What is written at a key; none for keys of items, which there may be several of.
    #[must_use]
    pub fn written(&self, key: u32) -> Option<&'a Node<'t>> {
        match self.find(key) {
            Found::Written(node) => Some(node),
            _ => None,
        }
    }

    /// The value of an expression over the keys.
    #[must_use]
    pub fn evaluate(&self, expr: &Expr) -> Evaluated {
        expr::evaluate(expr, self, &mut STEPS.clone())
    }

    /// Whether a condition holds; none is always true. `None` where it reads a value that is wrong.
    #[must_use]
    pub fn holds(&self, condition: Option<&Expr>) -> Option<bool> {
        let Some(condition) = condition else { return Some(true) };
        match self.evaluate(condition) {
            Evaluated::Value(Value::Bool(value)) => Some(value),
            Evaluated::Unknown => None,
            _ => Some(false),
        }
    }

    /// Whether the chart reads a key: its own condition and those of the keys above it hold.
    #[must_use]
    pub fn is_read(&self, key: u32) -> Option<bool> {
        let mut next = Some(key);
        while let Some(number) = next {
            let key = self.surface.key(number);
            if !self.holds(key.when.as_deref())? {
                return Some(false);
            }
            next = key.parent;
        }
        Some(true)
    }

    /// What [`Values::is_read`] says of every key, by number, with each condition evaluated once.
    #[must_use]
    pub fn all_read(&self) -> Vec<Option<bool>> {
        let mut read: Vec<Option<bool>> = Vec::with_capacity(self.surface.keys.len());
        for key in &self.surface.keys {
            // What holds a key stands before it.
            let above = key.parent.map_or(Some(true), |parent| read.get(parent as usize).copied().flatten());
            read.push(match self.holds(key.when.as_deref()) {
                Some(true) => above,
                other => other,
            });
        }
        read
    }

    /// What has this name there: a key of a map, or an item of a list that is known by it.
    fn named(&self, node: &'a Node<'t>, number: u32, name: &str) -> Option<&'a Node<'t>> {
        let Some(by) = &self.surface.key(number).by else { return node.get(name) };
        node.items().iter().find(|item| item.get(by).and_then(Node::as_str) == Some(name))
    }

    fn find(&self, key: u32) -> Found<'a, 't> {
        let Some(parent) = self.surface.key(key).parent else { return Found::Written(self.values) };
        let name = &self.surface.key(key).name;
        match self.find(parent) {
            Found::Written(node) if name.as_str() != "*" => match self.named(node, parent, name) {
                Some(Node { data: Data::Null, .. }) => Found::Removed,
                Some(node) => Found::Written(node),
                None => Found::Unwritten,
            },
            Found::Removed => Found::Removed,
            _ => Found::Unwritten,
        }
    }
}

impl Lookup for Values<'_, '_> {
    fn get(&self, place: Place, _: &[Value]) -> Evaluated {
        match self.surface.workload_at(place) {
            Some(name) => {
                let link = Link { endpoint: name.clone(), part: LinkPart::Host };
                Evaluated::Value(Value::text([Piece::Link(link)]))
            }
            None if (place.0 as usize) < self.surface.keys.len() => {
                let asked = self.surface.asked().binary_search(&place.0).ok().and_then(|at| self.asked.get(at));
                asked.map_or_else(|| self.value(place.0), |known| known.get_or_init(|| self.value(place.0)).clone())
            }
            None => Evaluated::Missing,
        }
    }

    fn own_key(&self, _: u32) -> Value {
        Value::Null
    }

    fn loop_key(&self, _: u32) -> Value {
        Value::Null
    }
}

/// What stands in a file as a value of a key's type; maps, lists and what the chart hands on whole as they are.
///
/// # Errors
/// It is not of the type; nothing more is known where it is a map or list.
pub fn typed(surface: &Surface, key: u32, node: &Node<'_>) -> Result<Value, Option<Bad>> {
    match &surface.key(key).shape {
        KeyShape::Scalar(name, attributes) => scalar(name, attributes, node),
        _ => plain(node).ok_or(None),
    }
}

/// A scalar of a file as a value of a type. Empty text is how charts say that there is none, and fits every type.
///
/// # Errors
/// It is not of the type; nothing more is known where it is a map or list.
pub fn scalar(of: &str, attributes: &Attributes, node: &Node<'_>) -> Result<Value, Option<Bad>> {
    let of = value::scalar(of).ok_or(None)?;
    let raw = match &node.data {
        Data::String(text) if text.is_empty() => return Ok(Value::string("")),
        Data::String(text) => Raw::String(text),
        Data::Bool(value) => Raw::Bool(*value),
        Data::Int(number) => Raw::Integer((*number).into()),
        Data::Float(number) => Raw::Float(*number, ""),
        Data::Null | Data::List(_) | Data::Map(_) => return Err(None),
    };
    value::parse(of, &raw, attributes).map_err(Some)
}

/// A value as it stands there.
fn plain(node: &Node<'_>) -> Option<Value> {
    Some(match &node.data {
        Data::Null => Value::Null,
        Data::Bool(value) => Value::Bool(*value),
        Data::Int(number) => Value::Int(*number),
        Data::Float(number) => Value::Float(*number),
        Data::String(text) => Value::string(text.as_ref()),
        Data::List(items) => Value::List(items.iter().map(plain).collect::<Option<Vec<_>>>()?),
        Data::Map(entries) => {
            let entries = entries.iter().map(|(key, node)| Some((key.as_ref().into(), plain(node)?)));
            Value::Map(entries.collect::<Option<value::Map>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        diag::Diags,
        schema::load,
        source::{Source, SourceId},
    };

    const STACK: &str = r#"
stack "shop" version="1" {
    settings { (int)replicas default=1 }
    workload "shop" { image "acme/shop:1"; replicas (ref)"replicas" }
    helm "shop" { release "shop" chart="shop" version="1" surface="chart.kdl" file="values.yaml" { values { replicas (ref)"replicas" } } }
}
"#;

    fn surface(keys: &str) -> Arc<Surface> {
        let chart = format!("surface \"shop\" version=\"1\" {{ {keys} }}");
        let source = |id, name: &str, text: &str| {
            Arc::new(Source { id: SourceId(id), name: name.to_owned(), text: text.to_owned() })
        };
        let texts = [source(1, "shop/stack.kdl", STACK), source(2, "shop/chart.kdl", &chart)];
        let mut diags = Diags::default();
        let stack = load::load("shop", &texts, &[], &mut diags);
        assert_eq!(diags.as_slice(), [], "{keys}");
        let stack = stack.expect("it loads");
        stack.surface(&stack.helm[0].releases[0]).expect("the release has a surface")
    }

    fn node(data: Data<'_>) -> Node<'_> {
        Node { line: 1, data }
    }

    fn map<'t>(entries: Vec<(&'t str, Data<'t>)>) -> Data<'t> {
        Data::Map(entries.into_iter().map(|(key, data)| (key.into(), node(data))).collect())
    }

    #[test]
    fn the_charts_own_value_counts_where_nothing_is_written_and_null_removes_it() {
        let surface =
            surface(r#"db { (bool)on default=#true; (host)host default="" when="!db.on"; (seconds)wait default=5 }"#);
        let key = |name: &str| surface.below(surface.below(0, "db").unwrap_or(0), name).unwrap_or(0);
        let empty = node(map(vec![]));
        let values = Values::new(&surface, &empty);
        assert_eq!(values.value(key("on")), Evaluated::Value(Value::Bool(true)));
        assert_eq!(values.is_read(key("host")), Some(false));
        let each: Vec<Option<bool>> = (0..surface.keys.len() as u32).map(|key| values.is_read(key)).collect();
        assert_eq!(values.all_read(), each);
        let off =
            node(map(vec![("db", map(vec![("on", Data::Bool(false)), ("host", Data::String("db.internal".into()))]))]));
        let values = Values::new(&surface, &off);
        assert_eq!(values.is_read(key("host")), Some(true));
        assert_eq!(values.value(key("host")), Evaluated::Value(Value::string("db.internal")));
        assert_eq!(values.value(key("wait")), Evaluated::Value(Value::Int(5)));
        let removed = node(map(vec![("db", Data::Null)]));
        assert_eq!(Values::new(&surface, &removed).value(key("wait")), Evaluated::Missing);
        let wrong = node(map(vec![("db", map(vec![("on", Data::String("yes".into()))]))]));
        assert_eq!(Values::new(&surface, &wrong).is_read(key("host")), None);
    }

    #[test]
    fn texts_have_keys_and_hosts_in_them() {
        let surface = surface(
            r#"(string)name default="shop"
               runs "shop" host=(f)"{name}-web"
               fixed "shop env[SELF]" (f)"http://{workload.shop}:80/{name}"
               fixed "shop env[HOST]" (workload)"shop""#,
        );
        let empty = node(map(vec![]));
        let values = Values::new(&surface, &empty);
        let host = surface.runs[0].host.as_ref().map(|host| values.evaluate(host));
        assert_eq!(host, Some(Evaluated::Value(Value::string("shop-web"))));
        let link = || Piece::Link(Link { endpoint: "shop".into(), part: LinkPart::Host });
        let literal = |text: &str| Piece::Literal(text.into());
        let expected = Value::text([literal("http://"), link(), literal(":80/shop")]);
        assert_eq!(values.evaluate(&surface.fixed[0].value), Evaluated::Value(expected));
        assert_eq!(values.evaluate(&surface.fixed[1].value), Evaluated::Value(Value::text([link()])));
    }
}
