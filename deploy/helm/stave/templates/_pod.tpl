{{/* What the pods of both components have in common. Most templates take `root`, the context of the chart, and `component`, the component's name. */}}

{{/* Where the scheduler may put it, what is given in values as it is. */}}
{{- define "stave.placement" -}}
{{- $values := index .root.Values .component -}}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include (printf "stave.affinity.%s" .component) .root }}
affinity:
  {{- . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "stave.affinity.server" -}}
{{- with .Values.server.affinity }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* Two invokers on a node would be one by name. A DaemonSet never has two there; a StatefulSet has to be told. */}}
{{- define "stave.affinity.invoker" -}}
{{- $onLabel := dict "nodeAffinity" (dict "requiredDuringSchedulingIgnoredDuringExecution" (dict "nodeSelectorTerms" (list (dict "matchExpressions" (list (dict "key" "openwhisk-role" "operator" "In" "values" (list "invoker"))))))) -}}
{{- $labels := include "stave.selector" (dict "root" . "component" "invoker") | fromYaml -}}
{{- $apart := dict "podAntiAffinity" (dict "requiredDuringSchedulingIgnoredDuringExecution" (list (dict "labelSelector" (dict "matchLabels" $labels) "topologyKey" "kubernetes.io/hostname"))) -}}
{{- $affinity := .Values.invoker.affinity | default $onLabel -}}
{{- if eq .Values.invoker.kind "StatefulSet" }}{{ $affinity = mergeOverwrite $apart (deepCopy $affinity) }}{{ end -}}
{{- toYaml $affinity -}}
{{- end -}}

{{/* Variables of the component, without those that the values have as well, and then these. `own` is the chart's, as YAML. */}}
{{- define "stave.env" -}}
{{- $given := (index .root.Values .component).env -}}
{{- $names := list -}}
{{- range $given }}{{ $names = append $names .name }}{{ end -}}
{{- range .own | fromYamlArray }}
{{- if not (has .name $names) }}
- {{ toYaml . | nindent 2 | trim }}
{{- end }}
{{- end }}
{{- range $given }}
- {{ toYaml . | nindent 2 | trim }}
{{- end }}
{{- end -}}

{{/* A probe of Kubernetes cannot ask a unix socket. A start is over when the process answers: whether it is ready may depend on others. */}}
{{- define "stave.probes" -}}
startupProbe:
  exec:
    command: [node, /stave/deploy/docker/probe.cjs, livez]
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 60
readinessProbe:
  exec:
    command: [node, /stave/deploy/docker/probe.cjs, readyz]
  periodSeconds: 10
  timeoutSeconds: 5
livenessProbe:
  exec:
    command: [node, /stave/deploy/docker/probe.cjs, livez]
  periodSeconds: 20
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}

{{- define "stave.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}
