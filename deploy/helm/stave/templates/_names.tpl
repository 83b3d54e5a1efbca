{{/* Names and labels of objects. */}}

{{/* Short enough for what Kubernetes puts behind the name of a StatefulSet: "-invoker", and a hash of ten characters, in a label of 63. */}}
{{- define "stave.name" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "stave.image" -}}
{{- .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion -}}
{{- end -}}

{{- define "stave.tokenSecret" -}}
{{- .Values.token.existingSecret | default (printf "%s-invokers-token" (include "stave.name" .)) -}}
{{- end -}}

{{/* The server as pods and containers of nodes reach it. */}}
{{- define "stave.serverHost" -}}
{{- printf "%s-server.%s.svc.%s" (include "stave.name" .) .Release.Namespace .Values.clusterDomain -}}
{{- end -}}

{{/* What tells the pods of a component from all others; it can never be changed. Of `root` and `component`. */}}
{{- define "stave.selector" -}}
app.kubernetes.io/name: stave
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}
