{{/* What the server's pod is told. */}}

{{- define "stave.server.env" -}}
- name: STAVE_CONTAINERS_PROVIDER
  value: invokers
- name: STAVE_HOST
  value: 0.0.0.0
- name: STAVE_PORT
  value: {{ .Values.server.ports.api | quote }}
- name: STAVE_INVOKERS_LISTEN
  value: 0.0.0.0:{{ .Values.server.ports.invokers }}
- name: STAVE_INVOKERS_TOKEN_FILE
  value: /run/secrets/stave/token
{{- end -}}
