{{/* The pod template of a workload. Takes a dict with `root` and `name`. */}}
{{- define "app.pod" -}}
{{- $root := .root -}}
{{- $name := .name -}}
{{- $w := index .root.Values.workloads .name -}}
{{- $cluster := dig .name dict (default dict .root.Values.cluster) -}}
{{- $role := include "app.role" $w -}}
{{- $steps := include "app.steps" . | fromJsonArray -}}
{{- $sidecars := include "app.sidecars" . | fromJsonArray -}}
{{- $all := concat (list $name) $steps $sidecars -}}
{{- $files := dict -}}
{{- range $all -}}
{{- range $path, $it := (index $root.Values.workloads .).files -}}
{{- if not $it.secret -}}{{- $_ := set $files $path $it.text -}}{{- end -}}
{{- end -}}
{{- end -}}
metadata:
  labels:
    {{- include "app.selector" . | nindent 4 }}
    {{- range $label, $value := $cluster.labels }}
    {{ $label | quote }}: {{ $value | quote }}
    {{- end }}
  {{- if or $files $cluster.annotations }}
  annotations:
    {{- if $files }}
    checksum/files: {{ toJson $files | sha256sum }}
    {{- end }}
    {{- range $annotation, $value := $cluster.annotations }}
    {{ $annotation | quote }}: {{ $value | quote }}
    {{- end }}
  {{- end }}
spec:
  {{- if ne $role "service" }}
  restartPolicy: Never
  {{- end }}
  serviceAccountName: {{ include "app.account" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with $root.Values.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with $cluster.graceSeconds }}
  terminationGracePeriodSeconds: {{ int64 . }}
  {{- end }}
  {{- with $cluster.priorityClass }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: {{ not $cluster.root }}
    seccompProfile:
      type: RuntimeDefault
    {{- with dig "security" "group" nil $w }}
    fsGroup: {{ int64 . }}
    fsGroupChangePolicy: OnRootMismatch
    {{- end }}
  {{- with $cluster.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $cluster.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if has $cluster.apart (list "preferred" "required") }}
  affinity:
    podAntiAffinity:
      {{- if eq $cluster.apart "required" }}
      requiredDuringSchedulingIgnoredDuringExecution:
        - topologyKey: {{ default "kubernetes.io/hostname" $cluster.over }}
          labelSelector:
            matchLabels:
              {{- include "app.selector" . | nindent 14 }}
      {{- else }}
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm:
            topologyKey: {{ default "kubernetes.io/hostname" $cluster.over }}
            labelSelector:
              matchLabels:
                {{- include "app.selector" . | nindent 16 }}
      {{- end }}
  {{- end }}
  {{- $before := include "app.before" . | trim }}
  {{- with $before }}
  initContainers:
    {{- . | nindent 4 }}
  {{- end }}
  containers:
    {{- include "app.container" (dict "root" $root "name" $name "main" (eq $role "service")) | nindent 4 }}
    {{- range $sidecars }}
    {{- include "app.container" (dict "root" $root "name" . "main" true) | nindent 4 }}
    {{- end }}
  {{- $volumes := include "app.volumes" (dict "root" $root "names" $all "claims" (ne (include "app.kind" .) "StatefulSet" | or (ne $role "service"))) | trim }}
  {{- with $volumes }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* Names of the workloads that run in its pod before it, as JSON. */}}
{{- define "app.steps" -}}
{{- $root := .root -}}
{{- $steps := list -}}
{{- range (index .root.Values.workloads .name).needs -}}
{{- $other := index $root.Values.workloads .workload -}}
{{- if and $other (eq (include "app.role" $other) "init") -}}{{- $steps = append $steps .workload -}}{{- end -}}
{{- end -}}
{{- toJson $steps -}}
{{- end }}

{{/* Containers that run before it: those that wait, then those that prepare. */}}
{{- define "app.before" -}}
{{- $root := .root -}}
{{- $steps := include "app.steps" . | fromJsonArray -}}
{{- $needs := list -}}
{{- range prepend $steps .name -}}
{{- range (index $root.Values.workloads .).needs -}}
{{- if not (has .workload $needs) -}}{{- $needs = append $needs .workload -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- range $needs }}
{{- $other := index $root.Values.workloads . }}
{{- $role := include "app.role" (default dict $other) }}
{{- if and $other (eq $role "job") }}
{{- include "app.waitForJob" (dict "root" $root "name" .) | nindent 0 }}
{{- else if and $other (eq $role "service") }}
{{- $of := default . $other.beside }}
{{- $port := include "app.firstPort" $other }}
{{- if $port }}
{{- include "app.waitForPort" (dict "root" $root "name" $of "port" $port) | nindent 0 }}
{{- end }}
{{- end }}
{{- end }}
{{- range $steps }}
{{- include "app.container" (dict "root" $root "name" . "main" false) | nindent 0 }}
{{- end }}
{{- end }}

{{/* The number of a TCP port of the Service, that for `http` if there is one. */}}
{{- define "app.firstPort" -}}
{{- $found := "" -}}
{{- range $port, $it := .ports -}}
{{- if and (eq (default "tcp" $it.protocol) "tcp") (or (not $found) (eq $port "http")) -}}
{{- $found = toString (default $it.number $it.service) -}}
{{- end -}}
{{- end -}}
{{- $found -}}
{{- end }}

{{- define "app.waitForPort" -}}
- name: wait-for-{{ .name }}
  image: {{ .root.Values.waiting.tcp | quote }}
  command:
    - sh
    - -c
    - until nc -z -w 2 "$0" "$1"; do sleep 2; done
    - {{ include "app.name" . }}
    - {{ .port | quote }}
  {{- include "app.waiter" . | nindent 2 }}
{{- end }}

{{/* The job is a new object for each change, so it is waited for by its full name. */}}
{{- define "app.waitForJob" -}}
- name: wait-for-{{ .name }}
  image: {{ .root.Values.waiting.jobs | quote }}
  args:
    - wait
    - --for=condition=Complete
    - --timeout=10m
    - job/{{ include "app.jobName" . }}
  {{- include "app.waiter" . | nindent 2 }}
  volumeMounts:
    - name: wait-token
      mountPath: /var/run/secrets/kubernetes.io/serviceaccount
      readOnly: true
{{- end }}

{{- define "app.waiter" -}}
resources:
  requests:
    cpu: 10m
    memory: 16Mi
  limits:
    memory: 64Mi
securityContext:
  allowPrivilegeEscalation: false
  capabilities:
    drop:
      - ALL
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  runAsUser: 65534
  runAsGroup: 65534
{{- end }}

{{/* The jobs that a workload, or a step before it, waits for; as JSON. */}}
{{- define "app.awaited" -}}
{{- $root := .root -}}
{{- $jobs := list -}}
{{- range prepend (include "app.steps" . | fromJsonArray) .name -}}
{{- range (index $root.Values.workloads .).needs -}}
{{- $other := index $root.Values.workloads .workload -}}
{{- if and $other (eq (include "app.role" $other) "job") -}}{{- $jobs = append $jobs .workload -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- uniq $jobs | toJson -}}
{{- end }}

{{/* A job cannot be changed, so another one is another object. */}}
{{- define "app.jobName" -}}
{{- printf "%s-%s" (include "app.name" .) (include "app.jobSpec" . | sha256sum | trunc 8) -}}
{{- end }}

{{- define "app.jobSpec" -}}
{{- $cluster := dig .name dict (default dict .root.Values.cluster) -}}
backoffLimit: {{ dig "retries" 3 $cluster }}
{{- with $cluster.deadlineSeconds }}
activeDeadlineSeconds: {{ int64 . }}
{{- end }}
template:
  {{- include "app.pod" . | nindent 2 }}
{{- end }}

{{- define "app.volumes" -}}
{{- $root := .root -}}
{{- $claims := .claims -}}
{{- $awaited := list -}}
{{- range .names }}
{{- $name := . }}
{{- $w := index $root.Values.workloads . }}
{{- range $w.needs }}
{{- $other := index $root.Values.workloads .workload }}
{{- if and $other (eq (include "app.role" $other) "job") }}{{- $awaited = append $awaited .workload }}{{- end }}
{{- end }}
{{- if $claims }}
{{- range $volume, $it := $w.volumes }}
- name: {{ $volume }}
  persistentVolumeClaim:
    claimName: {{ include "app.name" (dict "root" $root "name" $name) }}-{{ $volume }}
{{- end }}
{{- end }}
{{- range $at, $path := $w.tmpfs }}
- name: {{ $name }}-tmp-{{ $at }}
  emptyDir: {}
{{- end }}
{{- $texts := false }}
{{- range $path, $it := $w.files }}
{{- if $it.secret }}
- name: {{ $name }}-{{ sha256sum $path | trunc 8 }}
  secret:
    secretName: {{ $it.secret.name }}
    items:
      - key: {{ $it.secret.key | quote }}
        path: file
{{- else }}
{{- $texts = true }}
{{- end }}
{{- end }}
{{- if $texts }}
- name: {{ $name }}-files
  configMap:
    name: {{ include "app.name" (dict "root" $root "name" $name) }}-files
{{- end }}
{{- end }}
{{- if $awaited }}
- name: wait-token
  projected:
    sources:
      - serviceAccountToken:
          path: token
      - configMap:
          name: kube-root-ca.crt
          items:
            - key: ca.crt
              path: ca.crt
      - downwardAPI:
          items:
            - path: namespace
              fieldRef:
                fieldPath: metadata.namespace
{{- end }}
{{- end }}
