//! Who answers at which endpoint in one view, also those that stand in loops.

use indexmap::IndexMap;
use smol_str::SmolStr;

use super::{Lowering, Step};
use crate::{
    diag::{codes, list_of},
    expr::{Evaluated, Expr, Kind as ExprKind},
    lookup::pieces,
    model::Instances,
    plan::Origin,
    schema::{FactKind, bad_value},
    source::Span,
    value::{Attributes, Link, LinkPart, Piece, Value},
};

/// How deep fields of endpoints may lead to one another.
const MAX_DEPTH: usize = 8;

/// The endpoints of one view.
#[derive(Clone, Default)]
pub(super) struct Endpoints {
    by_name: IndexMap<SmolStr, Endpoint>,
    /// Names that were reported because two workloads have them.
    twice: Vec<SmolStr>,
    /// Names that exist in the stack, though nobody answers in this environment.
    absent: Vec<SmolStr>,
}

/// One endpoint.
#[derive(Clone, Default)]
struct Endpoint {
    external: Option<External>,
    workload: Option<Span>,
    /// The workload whose address it has, because it runs beside that one.
    beside: Option<SmolStr>,
    /// Name, container port, port of the Service.
    ports: Vec<(SmolStr, Option<Value>, Option<i64>)>,
    fields: Vec<Field>,
}

/// Name and value of a further field, with the loops around it and what they are at.
type Field = (SmolStr, Expr, Vec<Step>, Vec<Value>);

/// An external that answers, and what its host and port were read from.
#[derive(Clone)]
struct External {
    host: Value,
    port: Option<Value>,
    host_reads: Instances,
    port_reads: Instances,
}

impl Endpoints {
    /// Whether a workload of ours answers at this name.
    pub(super) fn is_workload(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|endpoint| endpoint.workload.is_some())
    }

    /// What the host or the port of an external was read from.
    pub(super) fn external_reads(&self, name: &str, host: bool) -> Option<&Instances> {
        let external = self.by_name.get(name)?.external.as_ref()?;
        Some(if host { &external.host_reads } else { &external.port_reads })
    }

    /// Whether two workloads have this name, which was reported.
    pub(super) fn is_twice(&self, name: &str) -> bool {
        self.twice.iter().any(|twice| twice.as_str() == name)
    }

    /// Whether the stack knows the name, whoever answers.
    pub(super) fn is_known(&self, name: &str) -> bool {
        self.by_name.contains_key(name) || self.absent.iter().any(|absent| absent.as_str() == name)
    }

    /// The names at which somebody answers.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(AsRef::as_ref)
    }

    /// The number of each named port at its Service; the empty name is the first.
    pub(super) fn service_ports(&self) -> IndexMap<(SmolStr, SmolStr), i64> {
        let mut ports = IndexMap::new();
        for (name, endpoint) in &self.by_name {
            for (index, (port, _, number)) in endpoint.ports.iter().enumerate() {
                if let Some(number) = number {
                    ports.insert((name.clone(), port.clone()), *number);
                    if index == 0 {
                        ports.insert((name.clone(), "".into()), *number);
                    }
                }
            }
        }
        ports
    }
}

/// Finds all endpoints of a view.
pub(super) fn find(lowering: &mut Lowering<'_>) -> Endpoints {
    let mut endpoints = Endpoints::default();
    let stack = lowering.stack;
    let mut shared = Vec::new();
    for guarded in &stack.workloads {
        let before = endpoints.by_name.len();
        lowering.each(&guarded.guards, &mut |lowering| {
            let Some(name) = lowering.name(&guarded.node.name) else { return };
            let ports = ports(lowering, &guarded.node.facts);
            let beside = owner(lowering, &guarded.node.facts);
            let at = lowering.entry_span(guarded.node.span);
            let endpoint = endpoints.by_name.entry(name.clone()).or_default();
            if let Some(first) = endpoint.workload {
                let finding = codes::WORKLOAD_TWICE.at(at, format!("two workloads are called `{name}`"));
                lowering.report(finding.label(first, "the other one").hint("give one another name"));
                endpoints.twice.push(name);
                return;
            }
            if let Some(bad) = crate::value::scalar("name")
                .and_then(|of| crate::value::fit(of, Value::String(name), &Attributes::default()).err())
            {
                lowering.report(bad_value(bad, at));
            }
            endpoint.workload = Some(at);
            match &beside {
                Some(owner) => shared.push((owner.clone(), ports)),
                None => endpoint.ports = ports,
            }
            endpoint.beside = beside;
        });
        // Outside of its loop a computed name has no parts.
        if endpoints.by_name.len() == before && matches!(guarded.node.name.kind, ExprKind::Literal(_)) {
            endpoints.absent.extend(lowering.name(&guarded.node.name));
        }
    }
    // What runs beside another one is reached at its address.
    for (owner, ports) in shared {
        if let Some(endpoint) = endpoints.by_name.get_mut(&owner) {
            endpoint.ports.extend(ports);
        }
    }
    for guarded in &stack.endpoints {
        lowering.each(&guarded.guards, &mut |lowering| {
            let Some(name) = lowering.name(&guarded.node.name) else { return };
            let external = guarded.node.external.as_ref().filter(|external| match &external.when {
                Some(when) => lowering.holds(when),
                None => true,
            });
            let external = external.and_then(|external| {
                let (host, host_reads) = lowering.looked_up(&external.host);
                let (port, port_reads) =
                    external.port.as_ref().map_or_else(Default::default, |port| lowering.looked_up(port));
                Some((External { host: host?, port, host_reads, port_reads }, external.span))
            });
            let fields = guarded.node.fields.iter();
            let fields = fields
                .map(|(field, expr)| (field.clone(), expr.clone(), lowering.steps.clone(), lowering.loop_keys.clone()));
            let fields: Vec<_> = fields.collect();
            if external.is_none() && !endpoints.by_name.contains_key(&name) {
                endpoints.absent.push(name);
                return;
            }
            let endpoint = endpoints.by_name.entry(name.clone()).or_default();
            if let (Some(workload), Some((_, span))) = (endpoint.workload, &external) {
                let finding =
                    codes::TWO_PROVIDERS.at(*span, format!("a workload and an external both answer at `{name}`"));
                lowering.report(
                    finding.label(workload, "the workload").hint("give them conditions that exclude each other"),
                );
            }
            endpoint.external = external.map(|(external, _)| external);
            endpoint.fields.extend(fields);
        });
    }
    endpoints
}

/// The workload beside which one runs.
fn owner(lowering: &mut Lowering<'_>, facts: &[crate::schema::Guarded<crate::schema::Fact>]) -> Option<SmolStr> {
    let mut owner = None;
    for guarded in facts {
        let FactKind::Beside(name) = &guarded.node.kind else { continue };
        lowering.each(&guarded.guards, &mut |lowering| owner = lowering.name(name));
    }
    owner
}

fn ports(
    lowering: &mut Lowering<'_>,
    facts: &[crate::schema::Guarded<crate::schema::Fact>],
) -> Vec<(SmolStr, Option<Value>, Option<i64>)> {
    let mut ports = Vec::new();
    for guarded in facts {
        let FactKind::Port { name, number, service, .. } = &guarded.node.kind else { continue };
        lowering.each(&guarded.guards, &mut |lowering| {
            let value = |lowering: &Lowering<'_>, expr: &Expr| match lowering.reading().evaluate(expr) {
                Evaluated::Value(value) => Some(value),
                _ => None,
            };
            let number = value(lowering, number);
            let service = service.as_ref().and_then(|service| value(lowering, service)).or_else(|| number.clone());
            let service = if let Some(Value::Int(port)) = service { Some(port) } else { None };
            if let Some(name) = lowering.name(name) {
                ports.push((name, number, service));
            }
        });
    }
    ports
}

impl Lowering<'_> {
    /// A value whose links are all to workloads of this view; those to externals are what they stand for.
    /// What a link leads to is where its text comes from, too.
    pub(super) fn linked(&mut self, value: Value, at: Span, origins: &mut Vec<Origin>) -> Option<Value> {
        match value {
            Value::Text(found) => {
                let span = origins.first().map_or(at, |origin| origin.span);
                let mut linked = Vec::new();
                for piece in found {
                    match piece {
                        Piece::Link(link) => linked.extend(self.link(link, span, origins, 0)?),
                        piece => linked.push(piece),
                    }
                }
                // A secret alone is that secret, and no text with one in it.
                Some(match linked.as_slice() {
                    [Piece::Secret(secret)] => Value::Secret(secret.clone()),
                    _ => Value::text(linked),
                })
            }
            Value::List(items) => {
                let items = items.into_iter().map(|item| self.linked(item, at, origins));
                items.collect::<Option<Vec<_>>>().map(Value::List)
            }
            value => Some(value),
        }
    }

    fn link(&mut self, link: Link, span: Span, origins: &mut Vec<Origin>, depth: usize) -> Option<Vec<Piece>> {
        let Some(endpoint) = self.endpoints.by_name.get(&link.endpoint).cloned() else {
            if !self.endpoints.is_known(&link.endpoint) {
                let near = crate::diag::nearest(&link.endpoint, self.endpoints.names())
                    .map(|near| format!("did you mean `{near}`?"));
                let known: Vec<&str> = self.endpoints.names().collect();
                let known = format!("there is {}", list_of(&known));
                let finding = codes::UNKNOWN_LINK.at(span, format!("nothing here is called `{}`", link.endpoint));
                self.report(finding.hint(near.unwrap_or(known)));
            } else {
                let finding =
                    codes::UNKNOWN_LINK.at(span, format!("nobody answers at `{}` in this environment", link.endpoint));
                self.report(finding);
            }
            return None;
        };
        if let Some(owner) = &endpoint.beside {
            let finding = codes::UNKNOWN_LINK.at(span, format!("`{}` has no address of its own", link.endpoint));
            self.report(finding.hint(format!("it runs beside `{owner}`: link to that")));
            return None;
        }
        if let Some(external) = &endpoint.external
            && !matches!(link.part, LinkPart::Field(_))
        {
            return self.external(&link, external, span, origins);
        }
        match (&link.part, &endpoint.external) {
            (LinkPart::Field(field), _) => self.link_field(&link, field, &endpoint, span, origins, depth),
            (LinkPart::Port(name), None)
                if !name.is_empty() && !endpoint.ports.iter().any(|(port, _, _)| port == name) =>
            {
                let known: Vec<&str> = endpoint.ports.iter().map(|(port, _, _)| port.as_ref()).collect();
                let finding = codes::UNKNOWN_LINK.at(span, format!("`{}` has no port `{name}`", link.endpoint));
                self.report(finding.hint(format!("it has {}", list_of(&known))));
                None
            }
            (LinkPart::Port(_) | LinkPart::Address, None) if endpoint.ports.is_empty() => {
                self.report(codes::UNKNOWN_LINK.at(span, format!("`{}` has no port", link.endpoint)));
                None
            }
            _ => {
                let at = endpoint.workload.unwrap_or_default();
                let origin = Origin { path: format!("endpoint.{}", link.endpoint).into(), span: at };
                // A text of a stack that names the endpoint has this origin already.
                if !origins.iter().any(|known| known.path == origin.path) {
                    origins.push(origin);
                }
                Some(vec![Piece::Link(link)])
            }
        }
    }

    /// What an external says of itself; it counts as read now that somebody links to it.
    fn external(
        &mut self,
        link: &Link,
        external: &External,
        span: Span,
        origins: &mut Vec<Origin>,
    ) -> Option<Vec<Piece>> {
        let mut pieces_of = Vec::new();
        if matches!(link.part, LinkPart::Host | LinkPart::Address) {
            self.read_origins(&external.host_reads, origins);
            pieces_of.extend(pieces(external.host.clone()));
        }
        if link.part == LinkPart::Host {
            return Some(pieces_of);
        }
        let Some(port) = &external.port else {
            self.report(codes::UNKNOWN_LINK.at(span, format!("the port of `{}` is not known", link.endpoint)));
            return None;
        };
        self.read_origins(&external.port_reads, origins);
        if link.part == LinkPart::Address {
            pieces_of.push(Piece::Literal(":".into()));
        }
        pieces_of.extend(pieces(port.clone()));
        Some(pieces_of)
    }

    fn read_origins(&mut self, reads: &Instances, origins: &mut Vec<Origin>) {
        for (id, keys) in reads.iter() {
            self.setting_origin(id, keys, origins);
        }
    }

    /// The origins of `self.host` and `self.port` in a field, where somebody else answers.
    fn provider_origins(&mut self, name: &str, origins: &mut Vec<Origin>) {
        if let Some(external) = self.endpoints.by_name.get(name).and_then(|endpoint| endpoint.external.clone()) {
            let mut found = external.host_reads.clone();
            found.add(&external.port_reads);
            for (id, keys) in found.iter() {
                if self.reads.contains(id, keys) {
                    self.setting_origin(id, keys, origins);
                }
            }
        }
    }

    /// A value and what it is read from, without noting that.
    fn looked_up(&mut self, expr: &Expr) -> (Option<Value>, Instances) {
        let before = std::mem::take(&mut self.reads);
        self.origins(expr);
        let reads = std::mem::replace(&mut self.reads, before);
        match self.reading().evaluate(expr) {
            Evaluated::Value(value) => (Some(value), reads),
            _ => (None, reads),
        }
    }

    fn link_field(
        &mut self,
        link: &Link,
        field: &SmolStr,
        endpoint: &Endpoint,
        span: Span,
        origins: &mut Vec<Origin>,
        depth: usize,
    ) -> Option<Vec<Piece>> {
        let Some((_, expr, steps, loop_keys)) = endpoint.fields.iter().find(|(name, ..)| name == field) else {
            let known: Vec<&str> =
                endpoint.fields.iter().map(|(name, ..)| name.as_ref()).chain(["host", "port"]).collect();
            let near = crate::diag::nearest(field, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let finding = codes::UNKNOWN_LINK.at(span, format!("`{}` has no `{field}`", link.endpoint));
            self.report(finding.hint(near.unwrap_or_else(|| format!("it has {}", list_of(&known)))));
            return None;
        };
        if depth > MAX_DEPTH {
            self.report(codes::UNKNOWN_LINK.at(span, format!("the link to `{}` leads in a circle", link.endpoint)));
            return None;
        }
        let outer = (
            std::mem::replace(&mut self.steps, steps.clone()),
            std::mem::replace(&mut self.loop_keys, loop_keys.clone()),
        );
        let outer_provider = self.provider.replace(link.endpoint.clone());
        let found = self.origins(expr);
        origins.extend(found.into_iter().filter(|origin| !origins.contains(origin)).collect::<Vec<_>>());
        self.provider_origins(&link.endpoint, origins);
        let value = self.reading().evaluate(expr);
        (self.steps, self.loop_keys) = outer;
        self.provider = outer_provider;
        let Evaluated::Value(value) = value else {
            self.report(codes::UNKNOWN_LINK.at(span, format!("`{}.{field}` has no value", link.endpoint)));
            return None;
        };
        let mut linked = Vec::new();
        for piece in pieces(value) {
            match piece {
                Piece::Link(link) => linked.extend(self.link(link, span, origins, depth + 1)?),
                piece => linked.push(piece),
            }
        }
        Some(linked)
    }
}
