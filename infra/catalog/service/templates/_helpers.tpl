{{- define "service.labels" -}}
app.kubernetes.io/name: {{ .Release.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "service.selector" -}}
app.kubernetes.io/name: {{ .Release.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "service.trace" -}}
platform/commit: {{ .Values.platform.commit | quote }}
platform/build-id: {{ .Values.platform.buildId | quote }}
platform/execution-id: {{ .Values.platform.executionId | quote }}
platform/image-digest: {{ .Values.image.digest | quote }}
{{- end }}

{{/* Pod Security Standard "restricted", in full. */}}
{{- define "service.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "service.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{/* Environment: plain values, then those from secrets. A name that is in both is refused here, in plain words. */}}
{{- define "service.env" -}}
{{- $seen := dict }}
{{- range $name, $value := .root.Values.env }}
{{- $_ := set $seen $name true }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- $root := .root }}{{- $suffix := .suffix }}
{{- range $secret := .root.Values.externalSecrets }}
{{- range $name, $property := $secret.env }}
{{- if hasKey $seen $name }}{{ fail (printf "the environment variable %s is set twice; a pod with a name twice is refused" $name) }}{{ end }}
{{- $_ := set $seen $name true }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $root.Release.Name }}-{{ $secret.name }}{{ $suffix }}
      key: {{ $property }}
{{- end }}
{{- end }}
{{- end }}

{{/*
A Secret that changes does not restart the pods that read it into their environment. So the pod template carries the
checksum of what the Secrets hold at this moment: an upgrade after a rotation, even of the same version, rolls the pods.
*/}}
{{- define "service.secretsChecksum" -}}
{{- $all := "" }}
{{- range $secret := .Values.externalSecrets }}
{{- $found := lookup "v1" "Secret" $.Release.Namespace (printf "%s-%s" $.Release.Name $secret.name) }}
{{- $all = printf "%s|%s=%s" $all $secret.name (toJson (dig "data" dict (default dict $found))) }}
{{- end }}
{{- sha256sum $all }}
{{- end }}
