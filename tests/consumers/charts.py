"""Two releases of Helm render our chart with the values of every environment that uses it, and Kubernetes' own schemas
accept what comes out.

    charts.py HELM4 HELM3 KUBERNETES-VERSION,KUBERNETES-VERSION SCRATCH-FOLDER OUT…

For each deployment: `helm lint --strict`; `helm template` for each version of Kubernetes, where both releases of Helm give
the same objects; each object fits the strict schema of that version; and what objects say of each other is there. The
manifests stay in the scratch folder, for other proofs.
"""

import functools
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kubernetes_validate
import yaml

import common

# It reads a file of a megabyte again for each object, which is what takes the time.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)

# Kinds that Kubernetes does not know itself, so that it has no schema: only these may lack one. What they have to be here.
FOREIGN = {
    ("monitoring.coreos.com/v1", "ServiceMonitor"): {
        "metadata": {"name", "namespace", "labels"},
        "spec": {"selector", "endpoints", "jobLabel"},
        "endpoints": {"port", "path", "interval", "scrapeTimeout", "scheme"},
    },
}
TEMPLATED = {"Deployment", "StatefulSet", "Job"}


def helm(program, *arguments):
    ran = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    return (ran.stdout, None) if ran.returncode == 0 else (None, (ran.stderr or ran.stdout).strip())


def name(thing):
    return f"{thing['kind']} {thing['metadata']['name']}"


def sorted_objects(text):
    return {name(thing): thing for thing in yaml.safe_load_all(text) if thing}


def refused(thing, version):
    """Why an object does not fit the schema of a version of Kubernetes."""
    foreign = FOREIGN.get((thing["apiVersion"], thing["kind"]))
    if foreign:
        parts = {"metadata": [thing["metadata"]], "spec": [thing["spec"]], "endpoints": thing["spec"].get("endpoints", [])}
        more = {f"{part}.{key}" for part, maps in parts.items() for each in maps for key in set(each) - foreign[part]}
        return f"unknown keys {sorted(more)}" if more else None
    try:
        held = kubernetes_validate.validate(thing, version, strict=True)
        return None if held == version else f"held against {held}"
    except kubernetes_validate.ValidationError as error:
        return f"{'.'.join(map(str, error.path))}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError as error:
        return error.message


def template_of(thing):
    if thing["kind"] == "CronJob":
        return thing["spec"]["jobTemplate"]["spec"]["template"]
    return thing["spec"]["template"] if thing["kind"] in TEMPLATED else None


def selects(selector, labels):
    return all(labels.get(key) == value for key, value in selector.items())


def config_maps_of(pod):
    volumes = pod["spec"].get("volumes") or []
    sources = [volume.get("configMap") for volume in volumes]
    sources += [part.get("configMap") for volume in volumes for part in volume.get("projected", {}).get("sources", [])]
    return [source["name"] for source in sources if source]


def dangling(objects, existing):
    """What an object names and no object is: schemas do not look at that. Some the values say are there already."""
    pods = {key: template for key, thing in objects.items() if (template := template_of(thing))}
    labels = {key: pod["metadata"]["labels"] for key, pod in pods.items()}
    for key, thing in objects.items():
        spec = thing.get("spec", {})
        if key in pods and not selects(spec.get("selector", {}).get("matchLabels", {}), labels[key]):
            yield f"{key} does not select its own pods"
        for config in config_maps_of(pods[key]) if key in pods else ():
            if config != "kube-root-ca.crt" and f"ConfigMap {config}" not in objects:
                yield f"{key} mounts ConfigMap {config}"
        account = pods[key]["spec"].get("serviceAccountName", "default") if key in pods else "default"
        if account not in existing and f"ServiceAccount {account}" not in objects:
            yield f"{key} runs as ServiceAccount {account}"
        if thing["kind"] == "Service":
            behind = [pods[pod] for pod in pods if selects(spec["selector"], labels[pod])]
            open_ = {port["name"] for pod in behind for each in pod["spec"]["containers"] for port in each.get("ports", [])}
            for port in spec.get("ports", []):
                if port["targetPort"] not in open_:
                    yield f"{key} leads to port {port['targetPort']}, the pods have {sorted(open_)}"
        if thing["kind"] == "Ingress":
            for path in (path for rule in spec["rules"] for path in rule["http"]["paths"]):
                service = path["backend"]["service"]
                ports = objects.get(f"Service {service['name']}", {}).get("spec", {}).get("ports", [])
                if service["port"].get("name", service["port"].get("number")) not in [p[k] for p in ports for k in ("name", "port")]:
                    yield f"{key} leads to {service}"
        if thing["kind"] == "HorizontalPodAutoscaler":
            if f"{spec['scaleTargetRef']['kind']} {spec['scaleTargetRef']['name']}" not in objects:
                yield f"{key} scales {spec['scaleTargetRef']}"
        if thing["kind"] == "PodDisruptionBudget":
            if not any(selects(spec["selector"]["matchLabels"], of) for of in labels.values()):
                yield f"{key} selects no pods"
        if thing["kind"] == "ServiceMonitor":
            services = [each for each in objects.values() if each["kind"] == "Service"]
            found = [each for each in services if selects(spec["selector"]["matchLabels"], each["metadata"]["labels"])]
            ports = {port["name"] for each in found for port in each["spec"]["ports"]}
            if not found or not {endpoint["port"] for endpoint in spec["endpoints"]} <= ports:
                yield f"{key} reads {spec['endpoints']} of services with ports {sorted(ports)}"


def prove(helms, versions, scratch, label, chart, values):
    """The findings about one deployment, and how many objects it has."""
    wrong, counts = [], []
    cluster = yaml.safe_load(values.read_text()).get("cluster", {})
    existing = {"default"} | {each["account"] for each in cluster.values() if "account" in each}
    for program in helms:
        if (said := helm(program, "lint", chart, "--strict", "-f", values)[1]) is not None:
            wrong.append(f"{label}: {program} lint: {said:.400}")
    for version in versions:
        options = ["--namespace", "shop", "--kube-version", f"{version}.0", "-f", values]
        rendered = [helm(program, "template", "release", chart, *options) for program in helms]
        if any(error for _, error in rendered):
            wrong += [f"{label}: {program} template: {error:.400}" for program, (_, error) in zip(helms, rendered) if error]
            continue
        ours, *others = (sorted_objects(text) for text, _ in rendered)
        wrong += [f"{label}: the Helms differ at {at}" for other in others if (at := common.differs(ours, other))]
        refusals = [(key, why) for key, thing in ours.items() if (why := refused(thing, version))]
        wrong += [f"{label}: Kubernetes {version} refuses {key}: {why:.300}" for key, why in refusals]
        # An object of another form cannot be asked what it names.
        wrong += [f"{label}: {line}" for line in dangling(ours, existing)] if not refusals else []
        counts.append(len(ours))
        (Path(scratch) / f"{label.replace('/', '_')}-{version}.yaml").write_text(rendered[0][0])
    return wrong, max(counts, default=0)


def cases(outs):
    """Every deployment of a stack whose chart is ours: a label, the chart and the values."""
    for out in outs:
        charts = {path.name.rsplit("-", 1)[0]: path for path in sorted(Path(out).glob("charts/*-*"))}
        for label, folder in common.environments([out]):
            for deployment, stack in common.deployments(folder).items():
                values = folder / deployment / "helm" / "values.yaml"
                if stack in charts and values.exists():
                    yield f"{label}/{deployment}", charts[stack], values


def main(helm4, helm3, versions, scratch, *outs):
    found = list(cases(outs))
    versions = versions.split(",")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        proofs = list(pool.map(lambda case: prove((helm4, helm3), versions, scratch, *case), found))
    wrong = [line for lines, _ in proofs for line in lines]
    objects = sum(count for _, count in proofs)
    text = f"{len(found)} deployments, {objects} objects, for Kubernetes {' and '.join(versions)}"
    common.report(wrong, (len(found), text), least=7)


if __name__ == "__main__":
    main(*sys.argv[1:])
