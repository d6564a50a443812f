//! What of a stack stands in its image: all of it, field by field.
//!
//! In: the types of a [`super::Stack`]. Out: how each is packed.
//! Invariant: the compiler refuses a field or a variant that is missing here.

use super::{
    questions::{Answer, Place, Question, Section, Sets},
    *,
};
use crate::pack::{Pack, Reader, Writer, pack};

pack!(struct SettingId(number));
pack!(enum Other:
    Endpoints, Endpoint(one), EndpointHost(one), EndpointPort(one, two), EndpointPorts(one), EndpointField(one, two),
    Provider, ProviderHost, ProviderPort, Record(one), Workloads, Workload(one), WorkloadFact(one, two), EachWorkload,
    EachWorkloadFact(one), Environment, Release
);
pack!(struct Stack:
    name, version, digest, settings, others, conditions, presets, overrides, rules, endpoints, workloads, compose,
    configs, mcp, helm, flux, surfaces, questions, order, preset_index
);
pack!(enum Step: Preset(one), Setting(one));
pack!(struct Setting: name, path, parent, depth, below_list, kind, children, of, declarations);
pack!(enum Kind: Group, Scalar(one), List(one), Map(one), Choice(one), Switch);
pack!(struct Declaration: span, available, defaults, derived, required, overridable, attributes, key_of, said);
pack!(struct Said: about, absent, change);
pack!(struct Change: any, shrink, grow);
pack!(struct Absent: targets, because, span);
pack!(struct Preset: when, span, values);
pack!(struct Override: targets, because, span, values);
pack!(struct Assignment: setting, keys, given, span, name_span);
pack!(enum Given: Value(one), Expr(one), List(one), Part(one, two), Here, Null, Wrong);
pack!(struct Rule: id, span, record, warning, view, without, when, require, told);
pack!(struct Guarded<T>: guards, node);
pack!(enum Guard: When(one), Each(one));
pack!(struct Endpoint: name, span, external, fields);
pack!(struct External: when, host, port, span);
pack!(struct Workload: name, span, role, stateful, facts, overrides);
pack!(struct FactOverride: targets, because, span, facts);
pack!(struct Fact: span, kind);
pack!(enum FactKind:
    Image { image, build, pull }, Replicas { count, max }, Command(one), Args(one), Schedule(one),
    Env { name, also, file, value }, EnvTree { name, format, tree }, Resources(one),
    Port { name, number, service, publish, protocol }, Needs { names, until }, Profile(one), Beside(one), Health(one),
    Volume { name, at, of, size, class }, Tmpfs(one), File { path, content },
    Security { user, group, read_only_root, drop, escalation }, Route { hosts, path, port, tls }
);
pack!(enum FileExpr: Text(one), Tree(one, two), Config(one));
pack!(enum FormatExpr: Fixed(one), Computed(one));
pack!(struct ResourceExprs: request_cpu, request_memory, limit_cpu, limit_memory);
pack!(struct HealthExprs: kind, probe, period, delay, timeout, failures, start);
pack!(enum ProbeExpr: Http { path, port }, Tcp { port }, Exec { argv });
pack!(struct ComposeSettings: project, bind, restart);
pack!(struct Scope: settings, because, span);
pack!(struct Config: name, file, format, span, when, scope, tree);
pack!(struct Mcp: span, when, clients, scope, servers);
pack!(struct FluxObjects: span, scope, objects);
pack!(struct FluxObject: file, span, tree);
pack!(struct Server: name, span, command, url, headers, environment);
pack!(struct Helm: name, span, when, requires, makes, releases);
pack!(struct Requirement: name, crd, span);
pack!(struct Release: name, span, chart, version, surface, file, needs, source, names, values);
pack!(struct ChartSource: span, kind, words);
pack!(enum TreeNode: Key { key, value, span }, Item { value, span }, When(one, two), Each(one, two));
pack!(enum TreeKey: Fixed(one), Computed(one));
pack!(enum TreeValue: One(one), Many(one), Nodes { nodes, keep }, Embedded(one, two));
pack!(enum Keep: Map, List);

pack!(struct Told: message, help, named);

pack!(struct Section: title, collapsed, questions);
pack!(struct Question: id, span, about, sets, when, targets, required, suggest, answers);
pack!(struct Answer: word, about, targets, writes);
pack!(struct Place: setting, words);
pack!(enum Sets: Setting(one), Flux(one));

pack!(struct Packed: file, chart, version, surface);
pack!(struct Surface: chart, version, span, keys, workloads, runs, fixed, unsaid, found);
pack!(struct ChartKey: name, parent, span, shape, default, when, carries, template, required, says, by, children);
pack!(enum KeyShape: Group, Scalar(one, two), List(one), Map(one), Any, Dead(one));
pack!(struct Carry: fact, part, plus, when);
pack!(struct Runs: workload, host, when, span);
pack!(struct Fixed: fact, value, when, span);
pack!(struct Unsaid: facts, because, when, span);

/// As the list that it is.
impl<T: Pack> Pack for Children<T> {
    fn write(&self, to: &mut Writer) {
        to.number(self.len() as u64);
        for (name, child) in self {
            name.write(to);
            child.write(to);
        }
    }

    fn read(from: &mut Reader) -> Children<T> {
        Vec::read(from).into()
    }
}
