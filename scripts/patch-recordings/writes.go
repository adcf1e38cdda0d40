package main

import (
	"errors"
	"maps"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A written object: one write in the life of an object, which goes on from the latest result.
type written struct {
	Life        int                  `json:"n"`
	Op          string               `json:"op"`
	Kind        string               `json:"kind"`
	Manager     string               `json:"manager"`
	Force       bool                 `json:"force,omitempty"`
	Subresource string               `json:"subresource,omitempty"`
	Next        tree                 `json:"next"`
	Result      tree                 `json:"result,omitempty"`
	Error       string               `json:"error,omitempty"`
	Causes      []metav1.StatusCause `json:"causes,omitempty"`
}

const writesPerLife = 8

var recordedAt = metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))

// thing is a kind that nobody has a schema of.
var thing = kind{schema.GroupVersionKind{Group: "ex.io", Version: "v1", Kind: "Thing"}, fields(
	"spec", fields(
		"a", oneOf{1, "x", []any{1}, tree{"z": 1}, tree{}, []any{}, true},
		"list", oneOf{[]any{tree{"name": "a", "v": 1}}, []any{tree{"name": "a", "v": 2}}},
		"m", labels,
		"deep", fields("x", fields("p", oneOf{1}, "q", oneOf{1, 2})),
	),
	"other", oneOf{"s", tree{"k": 1}},
)}

// writes writes the lives of so many objects: creates, updates and applies by four managers, some of them of the status.
func writes(seed uint64, lives int, write func(any)) {
	all := append(kinds(
		listOf{"containerPort", []tree{
			{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 80, "protocol": "UDP"}, {"containerPort": 443},
		}, fields("name", oneOf{"p", "q"})},
		listOf{"port", []tree{
			{"port": 80, "protocol": "TCP"}, {"port": 80, "protocol": "UDP"}, {"port": 53},
		}, fields("name", oneOf{"a", "b"}, "targetPort", oneOf{1, "x"})},
	), thing)
	c := newChance(seed)
	for life := range lives {
		kind := pick(c, all)
		var live tree
		for range writesPerLife {
			one := randomWrite(c, kind, live)
			one.Life = life
			perform(&one, kind, live)
			write(one)
			if one.Result != nil {
				live = decoded(encoded(one.Result))
				live["metadata"].(tree)["uid"] = "u"
			}
		}
	}
}

func randomWrite(c *chance, kind kind, live tree) written {
	one := written{
		Op:      pick(c, []string{"update", "apply", "apply"}),
		Kind:    kind.Kind,
		Manager: pick(c, []string{"m1", "m2", "m3", "kubectl"}),
		Force:   c.maybe(0.4),
		Next:    randomObject(c, kind),
	}
	if live != nil && kind.Kind != thing.Kind && c.maybe(0.15) {
		one.Subresource = "status"
	}
	if one.Op == "update" {
		if live != nil && c.maybe(0.5) {
			one.Next = relabelled(c, live)
		}
		metadata := one.Next["metadata"].(tree)
		metadata["uid"] = "u"
		if annotations, isTree := metadata["annotations"].(tree); isTree && c.maybe(0.1) {
			annotations["kubectl.kubernetes.io/last-applied-configuration"] = string(encoded(randomObject(c, kind)))
		}
	}
	return one
}

func randomObject(c *chance, kind kind) tree {
	apiVersion, name := kind.ToAPIVersionAndKind()
	made := tree{"apiVersion": apiVersion, "kind": name}
	maps.Copy(made, kind.shape.some(c).(tree))
	described := metadata.some(c).(tree)
	described["name"] = "x"
	if name != "Node" {
		described["namespace"] = "ns"
	}
	made["metadata"] = described
	next := decoded(encoded(made))
	if _, isThere, _ := unstructured.NestedMap(next, "spec", "selector"); name == "Deployment" && !isThere {
		// No server keeps one without: Go says null, which is neither there nor left out.
		check(unstructured.SetNestedMap(next, tree{"matchLabels": tree{"a": "1"}}, "spec", "selector"))
	}
	return next
}

// relabelled is what a client sends that has read the object; some forget the managed fields, or reset them.
func relabelled(c *chance, live tree) tree {
	next := decoded(encoded(live))
	metadata := next["metadata"].(tree)
	metadata["labels"] = labels.some(c)
	switch {
	case c.maybe(0.3):
		delete(metadata, "managedFields")
	case c.maybe(0.1):
		metadata["managedFields"] = []any{}
	case c.maybe(0.05):
		metadata["managedFields"] = []any{tree{}}
	}
	return next
}

func perform(one *written, kind kind, live tree) {
	manager := fieldManagerOf(kind, one.Subresource)
	before, next := objectOf(kind, live), objectOf(kind, one.Next)
	var err error
	if one.Op == "update" {
		next, err = manager.Update(before, next, one.Manager)
	} else {
		next, err = manager.Apply(before, &unstructured.Unstructured{Object: decoded(encoded(one.Next))}, one.Manager, one.Force)
	}
	if err != nil {
		one.Error = err.Error()
		var status apierrors.APIStatus
		if errors.As(err, &status) && status.Status().Details != nil {
			one.Causes = status.Status().Details.Causes
		}
		return
	}
	next.GetObjectKind().SetGroupVersionKind(kind.GroupVersionKind)
	accessor := next.(metav1.Object)
	entries := slices.Clone(accessor.GetManagedFields())
	for i := range entries {
		if entries[i].Time != nil {
			entries[i].Time = &recordedAt
		}
	}
	accessor.SetManagedFields(entries)
	one.Result = decoded(encoded(next))
	unstructured.RemoveNestedField(one.Result, "status", "daemonEndpoints") // Go cannot leave it out of a Node, and says port 0
}
