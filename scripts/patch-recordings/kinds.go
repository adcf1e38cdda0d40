package main

import "k8s.io/apimachinery/pkg/runtime/schema"

// A kind is one whose objects are made: what they look like apart from apiVersion and kind.
type kind struct {
	schema.GroupVersionKind
	shape object
}

var labels = fields("a", oneOf{"1", "2"}, "b", oneOf{"1", "2"}, "x/y", oneOf{"1", "2"})

var metadata = fields(
	"labels", labels,
	"annotations", labels,
	"finalizers", setOf{"f/a", "f/b", "f/c", "f/d"},
	"ownerReferences", by("uid", fields("name", oneOf{"n", "m"}, "controller", oneOf{true, false}, "kind", oneOf{"K"}), "u1", "u2", "u3"),
)

var conditions = by("type", fields("status", oneOf{"True", "False"}, "reason", oneOf{"r"}), "A", "B", "C")

var probe = fields(
	"httpGet", fields("path", oneOf{"/"}, "port", oneOf{80, "h"}),
	"exec", fields("command", oneOf{[]any{"z"}}),
	"periodSeconds", oneOf{1, 2},
)

var env = by("name", fields(
	"value", oneOf{"x", "y"},
	"valueFrom", fields("fieldRef", fields("fieldPath", oneOf{"a", "b"})),
), "E1", "E2", "E3", "E4")

func containers(ports listOf, names ...any) listOf {
	return by("name", fields(
		"image", oneOf{"i1", "i2"},
		"command", oneOf{[]any{"a"}, []any{"a", "b"}, []any{}},
		"args", oneOf{[]any{"x"}, []any{"y"}},
		"env", env,
		"ports", ports,
		"volumeMounts", by("mountPath", fields("name", oneOf{"v", "w"}), "/a", "/b", "/c"),
		"resources", fields("limits", fields("cpu", oneOf{"1", "2"}, "memory", oneOf{"1Gi"})),
		"securityContext", fields("privileged", oneOf{true}, "capabilities", fields("add", oneOf{[]any{"X"}})),
		"livenessProbe", probe,
	), names...)
}

var volumes = by("name", fields(
	"emptyDir", fields("medium", oneOf{"Memory"}),
	"hostPath", fields("path", oneOf{"/p"}),
	"configMap", fields("name", oneOf{"n"}, "items", oneOf{[]any{tree{"key": "k", "path": "p"}}}),
).retaining(), "v", "w", "u")

func podSpec(ports listOf) object {
	return fields(
		"containers", containers(ports, "c1", "c2", "c3"),
		"initContainers", containers(ports, "i1", "i2"),
		"volumes", volumes,
		"tolerations", oneOf{[]any{tree{"key": "k"}}, []any{tree{"key": "l"}, tree{"key": "m"}}},
		"nodeSelector", labels,
		"hostAliases", by("ip", fields("hostnames", oneOf{[]any{"h"}, []any{"i"}}), "1.1.1.1", "2.2.2.2"),
		"imagePullSecrets", by("name", fields(), "s", "t"),
		"securityContext", fields(
			"runAsUser", oneOf{1, 2},
			"seLinuxOptions", fields("level", oneOf{"a"}),
			"sysctls", oneOf{[]any{tree{"name": "a", "value": "b"}}},
		),
		"restartPolicy", oneOf{"Always", "Never"},
		"terminationGracePeriodSeconds", oneOf{1, 2},
		"topologySpreadConstraints", listOf{"topologyKey", []tree{
			{"topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"},
			{"topologyKey": "h", "whenUnsatisfiable": "ScheduleAnyway"},
		}, fields("maxSkew", oneOf{1, 2})},
	)
}

var strategy = fields(
	"type", oneOf{"Recreate", "RollingUpdate"},
	"rollingUpdate", fields("maxSurge", oneOf{1, "25%"}, "maxUnavailable", oneOf{0}),
).retaining()

// kinds makes the six; patches and managed fields know the ports of containers and services by different keys.
func kinds(containerPorts, servicePorts listOf) []kind {
	pod := podSpec(containerPorts)
	core := schema.GroupVersion{Version: "v1"}
	apps := schema.GroupVersion{Group: "apps", Version: "v1"}
	return []kind{
		{apps.WithKind("Deployment"), fields(
			"spec", fields(
				"replicas", oneOf{1, 2},
				"strategy", strategy,
				"template", fields("metadata", fields("labels", labels), "spec", pod),
				"selector", fields("matchLabels", labels, "matchExpressions", oneOf{[]any{tree{"key": "x", "operator": "Exists"}}}),
			),
			"status", fields("conditions", conditions, "replicas", oneOf{1}),
		)},
		{core.WithKind("Pod"), fields(
			"spec", pod,
			"status", fields("conditions", conditions, "podIPs", by("ip", fields(), "1.1.1.1", "2.2.2.2"), "phase", oneOf{"Running"}),
		)},
		{core.WithKind("Service"), fields("spec", fields(
			"ports", servicePorts,
			"selector", labels,
			"externalIPs", oneOf{[]any{"1.1.1.1"}, []any{"2.2.2.2"}},
			"type", oneOf{"NodePort"},
		))},
		{core.WithKind("ConfigMap"), fields("data", labels, "immutable", oneOf{true})},
		{core.WithKind("Node"), fields(
			"spec", fields(
				"podCIDRs", setOf{"10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"},
				"taints", oneOf{[]any{tree{"key": "a", "effect": "NoSchedule"}}, []any{}},
			),
			"status", fields(
				"addresses", by("type", fields("address", oneOf{"1", "2"}), "InternalIP", "Hostname"),
				"conditions", conditions,
				"images", oneOf{[]any{tree{"names": []any{"a"}}}},
			),
		)},
		{core.WithKind("ServiceAccount"), fields(
			"secrets", by("name", fields("namespace", oneOf{"n"}), "s1", "s2"),
			"imagePullSecrets", by("name", fields(), "s", "t"),
		)},
	}
}
