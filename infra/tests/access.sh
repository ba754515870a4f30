#!/bin/bash
# Who may what, asked of the real API server (SubjectAccessReview): for every group of the access table what it may and,
# as important, what it may not. What the portal's own account may is asked too, and tried.
TIER=access
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
cluster_up "access reviews" || finish
C=$INFRA/charts V=$INFRA/tests/values
check "the portal's roles are installed" "$HELM" upgrade --install slipway "$C/slipway" -n slipway --create-namespace -f "$V/slipway-least.yaml" --wait --timeout 180s
for e in dev prod; do check "namespace shop-$e" "$HELM" upgrade --install "ns-$e" "$C/namespace" -n slipway --set "namespace=shop-$e,team=shop,environment=$e,deployGroup=portal:shop:deploy-$e" --wait --timeout 180s; done
check "namespace of another team" "$HELM" upgrade --install ns-data "$C/namespace" -n slipway --set namespace=data,team=data,environment=dev --wait --timeout 180s

# review WHO NAMESPACE VERB RESOURCE : yes or no. WHO is a group, or sa:namespace:name.
review() {
  local as
  case $1 in
    sa:*) as=(--as "system:serviceaccount:${1#sa:}" --as-group system:serviceaccounts --as-group system:authenticated) ;;
    *) as=(--as somebody@example.org --as-group "$1" --as-group system:authenticated) ;;
  esac
  [ "$2" = - ] || as+=(-n "$2")
  # kubectl reads pods/exec as "the pod called exec": a subresource has an option of its own.
  case $4 in */*) as+=("--subresource=${4#*/}") ;; esac
  kubectl auth can-i "${as[@]}" "$3" "${4%%/*}" 2>/dev/null | tail -1
}
while read -r want who ns verb what; do
  [ -n "$want" ] && [ "${want#\#}" = "$want" ] || continue
  got=$(review "$who" "$ns" "$verb" "$what")
  if [ "$got" = "$want" ]; then pass "$want: $who, $ns: $verb $what"; else fail "$want: $who, $ns: $verb $what" "the API server says: $got"; fi
done <<'T'
# members look, in their own namespaces
yes portal:shop:view shop-dev  list   pods
yes portal:shop:view shop-dev  get    pods/log
yes portal:shop:view shop-prod list   deployments.apps
no  portal:shop:view shop-dev  get    secrets
no  portal:shop:view shop-dev  list   secrets
no  portal:shop:view shop-dev  delete pods
no  portal:shop:view shop-dev  create pods/exec
no  portal:shop:view data      list   pods
no  portal:shop:view -         list   nodes
# developers restart and scale in development, and only look in production
yes portal:shop:edit shop-dev  delete pods
yes portal:shop:edit shop-dev  patch  deployments.apps/scale
yes portal:shop:edit shop-dev  update configmaps
no  portal:shop:edit shop-dev  get    secrets
no  portal:shop:edit shop-dev  list   secrets
no  portal:shop:edit shop-dev  watch  secrets
no  portal:shop:edit shop-dev  create pods
no  portal:shop:edit shop-dev  create pods/exec
no  portal:shop:edit shop-dev  create pods/attach
no  portal:shop:edit shop-dev  create pods/portforward
no  portal:shop:edit shop-dev  create serviceaccounts/token
no  portal:shop:edit shop-dev  impersonate serviceaccounts
no  portal:shop:edit shop-dev  patch  deployments.apps
no  portal:shop:edit shop-dev  create secretstores.external-secrets.io
no  portal:shop:edit shop-dev  create externalsecrets.external-secrets.io
no  portal:shop:edit shop-dev  create rolebindings.rbac.authorization.k8s.io
no  portal:shop:edit shop-dev  delete resourcequotas
no  portal:shop:edit shop-dev  delete networkpolicies.networking.k8s.io
no  portal:shop:edit shop-prod delete pods
no  portal:shop:edit shop-prod patch  deployments.apps/scale
yes portal:shop:edit shop-prod list   pods
no  portal:shop:edit data      delete pods
no  portal:data:edit shop-dev  list   pods
# operators look everywhere and restart; Secrets and rights are not theirs
yes portal:platform:ops -         list   nodes
yes portal:platform:ops shop-prod patch  deployments.apps
yes portal:platform:ops data      delete pods
no  portal:platform:ops shop-prod get    secrets
no  portal:platform:ops slipway   get    secrets
no  portal:platform:ops shop-prod create pods/exec
no  portal:platform:ops -         create clusterrolebindings.rbac.authorization.k8s.io
no  portal:platform:ops -         escalate clusterroles.rbac.authorization.k8s.io
no  portal:platform:ops -         delete namespaces
# a pipeline releases in its one namespace
yes portal:shop:deploy-dev shop-dev  create deployments.apps
yes portal:shop:deploy-dev shop-dev  create secrets
no  portal:shop:deploy-dev shop-prod create deployments.apps
no  portal:shop:deploy-dev data      get    secrets
no  portal:shop:deploy-dev shop-dev  create rolebindings.rbac.authorization.k8s.io
no  portal:shop:deploy-dev shop-dev  create secretstores.external-secrets.io
no  portal:shop:deploy-dev shop-dev  create pods/exec
no  portal:shop:deploy-dev -         list   namespaces
# the portal's worker
yes sa:slipway:slipway-worker shop-dev create rolebindings.rbac.authorization.k8s.io
yes sa:slipway:slipway-worker -        list   namespaces
yes sa:slipway:slipway-worker -        create subjectaccessreviews.authorization.k8s.io
no  sa:slipway:slipway-worker slipway  get    secrets
no  sa:slipway:slipway-worker default  get    secrets
no  sa:slipway:slipway-worker default  create deployments.apps
yes sa:slipway:slipway-worker shop-dev create deployments.apps
yes sa:slipway:slipway-worker slipway-releases create secrets
no  sa:slipway:slipway-worker -        bind   clusterroles.rbac.authorization.k8s.io
no  sa:slipway:slipway-worker -        escalate clusterroles.rbac.authorization.k8s.io
no  sa:slipway:slipway-worker -        create clusterrolebindings.rbac.authorization.k8s.io
no  sa:slipway:slipway-worker -        impersonate users
no  sa:slipway:slipway-worker shop-dev create roles.rbac.authorization.k8s.io
# the portal's web pods and strangers: nothing
no  sa:slipway:slipway-web slipway  get  secrets
no  sa:slipway:slipway-web shop-dev list pods
no  sa:slipway:slipway-web -        list namespaces
no  portal:nobody:view     shop-dev list pods
T

# Not only asked but tried: the worker binds what is listed, and nothing above.
worker=(--as system:serviceaccount:slipway:slipway-worker)
check   "the worker binds a listed role" kubectl -n shop-dev "${worker[@]}" create rolebinding guest --clusterrole=view --user=guest@example.org
refused "the worker cannot bind cluster-admin" "forbidden" kubectl -n shop-dev "${worker[@]}" create rolebinding king --clusterrole=cluster-admin --user=guest@example.org
refused "the worker cannot bind Kubernetes' edit, which reads Secrets" "forbidden" kubectl -n shop-dev "${worker[@]}" create rolebinding editor --clusterrole=edit --user=guest@example.org
check   "the binding works" is yes kubectl auth can-i --as guest@example.org -n shop-dev list pods
# The admission policy takes a moment to be active everywhere.
eventually 20 bash -c "! kubectl -n default --as system:serviceaccount:slipway:slipway-worker create rolebinding probe --clusterrole=view --user=x && kubectl -n default get rolebinding probe || { kubectl -n default delete rolebinding probe; false; }" >/dev/null 2>&1
kubectl -n default delete rolebinding probe >/dev/null 2>&1
refused "the worker cannot bind even a listed role outside the portal's namespaces" "only in namespaces" kubectl -n kube-system "${worker[@]}" create rolebinding self --clusterrole=portal-deploy --serviceaccount=slipway:slipway-worker
refused "the worker cannot delete a namespace that is not the portal's" "only namespaces" kubectl "${worker[@]}" delete namespace slipway
refused "the worker cannot make a namespace without the portal's mark" "only namespaces" kubectl "${worker[@]}" create namespace mine
refused "the worker cannot take a namespace over by marking it" "only namespaces" kubectl "${worker[@]}" label namespace kube-public portal/managed=true
refused "the worker cannot write into its own portal's namespace" "only in namespaces" kubectl -n slipway "${worker[@]}" create quota q --hard=pods=1
as_worker() { "$HELM" "$@" --kube-as-user system:serviceaccount:slipway:slipway-worker; }
check   "the worker itself makes a preview's namespace by Helm" as_worker upgrade --install preview-7 "$C/namespace" -n slipway-releases --set namespace=preview-7,team=shop,environment=preview --wait --timeout 180s
check   "and releases a service in it" as_worker upgrade --install checkout "$C/service" -n preview-7 -f "$V/service-least.yaml" --wait --timeout 180s
check   "and takes it away" as_worker uninstall checkout -n preview-7 --wait --timeout 180s
check   "with the namespace" as_worker uninstall preview-7 -n slipway-releases --wait --timeout 180s
as_pipeline() { "$HELM" "$@" --kube-as-user deploy --kube-as-group portal:shop:deploy-dev --kube-as-group system:authenticated; }
check   "a pipeline's own group is enough for a release with everything on" as_pipeline upgrade --install everything "$C/service" -n shop-dev -f "$V/service-all.yaml" --set serviceMonitor.enabled=false --wait=hookOnly --timeout 180s
refused "and it cannot release into production" "forbidden" as_pipeline upgrade --install everything "$C/service" -n shop-prod -f "$V/service-least.yaml" --timeout 20s
check   "a pipeline takes its release away" as_pipeline uninstall everything -n shop-dev --timeout 180s
check   "the worker takes it back" kubectl -n shop-dev "${worker[@]}" delete rolebinding guest
check   "and it no longer works" eventually 10 bash -c '[ "$(kubectl auth can-i --as guest@example.org -n shop-dev list pods 2>/dev/null)" = no ]'
check   "for comparison: Kubernetes' own edit reads Secrets" bash -c 'kubectl -n data create rolebinding x --clusterrole=edit --user=x >/dev/null; [ "$(kubectl auth can-i --as x -n data get secrets)" = yes ]'
finish
