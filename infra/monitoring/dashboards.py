#!/usr/bin/env python3
"""dashboards.py [--check] : writes the four dashboards, so that their panels stay alike and reviewable as a list."""
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent / "dashboards"
NS = 'namespace=~"$namespace"'
BOARDS = {
    "traffic": ("Traffic", [
        ("Requests a second", f"sum by (namespace, service) (rate(http_requests_total{{{NS}}}[5m]))", "reqps"),
        ("Errors of all answers", "service:errors:ratio5m", "percentunit"),
        ("Slowest of twenty answers", f"histogram_quantile(0.95, sum by (le, service) (rate(http_request_duration_seconds_bucket{{{NS}}}[5m])))", "s"),
        ("Bytes received", f"sum by (pod) (rate(container_network_receive_bytes_total{{{NS}}}[5m]))", "Bps"),
        ("Bytes sent", f"sum by (pod) (rate(container_network_transmit_bytes_total{{{NS}}}[5m]))", "Bps"),
    ]),
    "utilisation": ("Utilisation", [
        ("Processor of the nodes", '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))', "percentunit"),
        ("Memory of the nodes", "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "percentunit"),
        ("Disk of the nodes", '1 - node_filesystem_avail_bytes{mountpoint="/"} / node_filesystem_size_bytes{mountpoint="/"}', "percentunit"),
        ("Processor of pods against what they asked for", f"sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{{{NS},container!=\"\"}}[5m])) / sum by (namespace, pod) (kube_pod_container_resource_requests{{{NS},resource=\"cpu\"}})", "percentunit"),
        ("Memory of pods against their limit", f"sum by (namespace, pod) (container_memory_working_set_bytes{{{NS},container!=\"\"}}) / sum by (namespace, pod) (kube_pod_container_resource_limits{{{NS},resource=\"memory\"}})", "percentunit"),
        ("Quota in use", 'kube_resourcequota{type="used"} / ignoring(type) (kube_resourcequota{type="hard"} > 0)', "percentunit"),
    ]),
    "logs": ("Logs", [
        ("Lines collected a second", "sum(rate(fluentd_output_status_emit_records[5m]))", "cps"),
        ("Waiting in buffers", "sum by (pod) (fluentd_output_status_buffer_total_bytes)", "bytes"),
        ("Writes that failed", "sum by (pod) (rate(fluentd_output_status_num_errors[5m]))", "cps"),
        ("Store: free disk", "elasticsearch_filesystem_data_available_bytes / elasticsearch_filesystem_data_size_bytes", "percentunit"),
    ]),
    "deployments": ("Deployments", [
        ("Deployments a day", "max by (environment, status) (increase(slipway_deployments_total[1d]))", "short"),
        ("Runs by state", "max by (state) (slipway_runs)", "short"),
        ("Longest wait in the queue", "max(slipway_queue_oldest_seconds)", "s"),
        ("Workers", "max(slipway_workers_alive)", "short"),
        ("Pods that are not as wanted", f"kube_deployment_spec_replicas{{{NS}}} - kube_deployment_status_replicas_available{{{NS}}}", "short"),
        ("Restarts", f"sum by (pod) (increase(kube_pod_container_status_restarts_total{{{NS}}}[1h]))", "short"),
    ]),
}


def board(uid, title, panels):
    ds = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "uid": f"platform-{uid}", "title": title, "tags": ["platform"], "timezone": "utc", "schemaVersion": 39, "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"}, "editable": False,
        "templating": {"list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus"},
            {"name": "namespace", "type": "query", "datasource": ds, "query": "label_values(kube_namespace_labels, namespace)", "includeAll": True, "multi": True, "refresh": 2},
        ]},
        "links": [{"title": "In the portal", "type": "link", "url": "https://slipway.example.org/deployments", "targetBlank": True}],
        "panels": [{
            "id": i + 1, "type": "timeseries", "title": t, "datasource": ds, "gridPos": {"h": 8, "w": 12, "x": 12 * (i % 2), "y": 8 * (i // 2)},
            "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
            "targets": [{"refId": "A", "datasource": ds, "expr": expr}],
        } for i, (t, expr, unit) in enumerate(panels)],
    }


def main():
    stale = []
    for uid, (title, panels) in BOARDS.items():
        path, text = HERE / f"{uid}.json", json.dumps(board(uid, title, panels), indent=2) + "\n"
        if "--check" in sys.argv:
            stale += [] if path.exists() and path.read_text() == text else [path.name]
        elif "--exprs" in sys.argv:
            for i, (_, expr, _) in enumerate(panels):
                print(f"      - record: board:{uid}:p{i}\n        expr: '{expr.replace('$namespace', '.*')}'")
        else:
            path.write_text(text)
    if stale:
        sys.exit(f"not in step with dashboards.py: {', '.join(stale)}")


main()
