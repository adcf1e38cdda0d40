package main

import (
	"context"
	"encoding/json"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/pod-security-admission/admission"
	admissionapi "k8s.io/pod-security-admission/admission/api"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/metrics"
)

const prefix = "pod-security.kubernetes.io/"

func randomLabels(c chance) map[string]string {
	made := map[string]string{}
	for _, mode := range []string{"enforce", "audit", "warn"} {
		if c.maybe(0.5) {
			made[prefix+mode] = pick(c, []string{"privileged", "baseline", "restricted", "baseline", "restricted", "nonsense", ""})
		}
		if c.maybe(0.3) {
			versions := []string{"latest", "v1.0", "v1.19", "v1.22", "v1.34", "v1.99", "v1.01", "1.2", "v2.0", "", "v1.9223372036854775808"}
			made[prefix+mode+"-version"] = pick(c, versions)
		}
	}
	return made
}

func randomDefaults(c chance) admissionapi.PodSecurityDefaults {
	levels := []string{"privileged", "privileged", "baseline", "restricted"}
	versions := []string{"latest", "latest", "v1.24"}
	return admissionapi.PodSecurityDefaults{
		Enforce: pick(c, levels), EnforceVersion: pick(c, versions),
		Audit: pick(c, levels), AuditVersion: pick(c, versions),
		Warn: pick(c, levels), WarnVersion: pick(c, versions),
	}
}

// configuration is how a file has it.
func configuration(defaults admissionapi.PodSecurityDefaults, exempt admissionapi.PodSecurityExemptions) any {
	return map[string]any{
		"apiVersion": "pod-security.admission.config.k8s.io/v1",
		"kind":       "PodSecurityConfiguration",
		"defaults": map[string]string{
			"enforce": defaults.Enforce, "enforce-version": defaults.EnforceVersion, "audit": defaults.Audit,
			"audit-version": defaults.AuditVersion, "warn": defaults.Warn, "warn-version": defaults.WarnVersion,
		},
		"exemptions": map[string]any{
			"usernames": exempt.Usernames, "namespaces": exempt.Namespaces, "runtimeClasses": exempt.RuntimeClasses,
		},
	}
}

// labelled tells which policy labels make, and what is wrong with them.
func labelled(c chance, write func(any)) {
	defaults, labels := randomDefaults(c), randomLabels(c)
	fallback, err := admissionapi.ToPolicy(defaults)
	check(err)
	policy, faults := api.PolicyToEvaluate(labels, fallback)
	texts := []string{}
	for _, fault := range faults {
		texts = append(texts, fault.Error())
	}
	write(map[string]any{
		"labels": labels, "configuration": configuration(defaults, admissionapi.PodSecurityExemptions{}), "faults": texts,
		"policy": []string{policy.Enforce.String(), policy.Audit.String(), policy.Warn.String()},
	})
}

type silent struct{}

func (silent) RecordEvaluation(metrics.Decision, api.LevelVersion, metrics.Mode, api.Attributes) {}
func (silent) RecordExemption(api.Attributes)                                                    {}
func (silent) RecordError(bool, api.Attributes)                                                  {}

type there struct {
	namespace *v1.Namespace
	pods      []*v1.Pod
}

func (t there) GetNamespace(context.Context, string) (*v1.Namespace, error) { return t.namespace, nil }
func (t there) ListPods(context.Context, string) ([]*v1.Pod, error)         { return t.pods, nil }

// requested tells what comes of a whole request in a namespace with labels.
func requested(c chance, write func(any)) {
	defaults := admissionapi.PodSecurityDefaults{
		Enforce: "privileged", EnforceVersion: "latest", Audit: "privileged", AuditVersion: "latest", Warn: "privileged", WarnVersion: "latest",
	}
	if c.maybe(0.2) {
		defaults = randomDefaults(c)
	}
	exempt := admissionapi.PodSecurityExemptions{
		Usernames: []string{"root"}, Namespaces: []string{"free"}, RuntimeClasses: []string{"walled"},
	}
	namespace := &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: randomLabels(c)}}
	if c.maybe(0.1) {
		namespace.Name = "free"
	}
	attributes := &api.AttributesRecord{Namespace: namespace.Name, Username: pick(c, []string{"alice", "alice", "alice", "root"}), Operation: admissionv1.Create}
	var pods []*v1.Pod
	switch c.IntN(3) {
	case 0:
		pods = onNamespace(c, attributes, namespace)
	case 1:
		onPod(c, attributes)
	default:
		onTemplate(c, attributes)
	}
	there := there{namespace, pods}
	plugin := &admission.Admission{
		Configuration: &admissionapi.PodSecurityConfiguration{Defaults: defaults, Exemptions: exempt},
		Evaluator:     evaluator, Metrics: silent{}, NamespaceGetter: there, PodLister: there,
	}
	check(plugin.CompleteConfiguration())
	check(plugin.ValidateConfiguration())
	listed := copied(pods)
	answer := plugin.Validate(context.Background(), attributes)
	result := map[string]any{"allowed": answer.Allowed, "warnings": answer.Warnings, "annotations": answer.AuditAnnotations}
	if answer.Result != nil {
		result["message"], result["reason"] = answer.Result.Message, answer.Result.Reason
	}
	write(map[string]any{
		"request": map[string]any{
			"operation": attributes.Operation, "kind": attributes.Kind.Kind, "subresource": attributes.Subresource,
			"namespace": attributes.Namespace, "user": attributes.Username, "object": attributes.Object, "old": attributes.OldObject,
		},
		"in": namespace, "pods": listed, "configuration": configuration(defaults, exempt), "result": result,
	})
}

func copied(pods []*v1.Pod) any {
	bytes, err := json.Marshal(pods)
	check(err)
	return json.RawMessage(bytes)
}

func wholePod(c chance, name string) *v1.Pod {
	made := randomPod(c, name)
	if c.maybe(0.1) {
		class := pick(c, []string{"walled", "other", ""})
		made.Spec.RuntimeClassName = &class
	}
	return &v1.Pod{ObjectMeta: made.Metadata, Spec: made.Spec}
}

func onNamespace(c chance, attributes *api.AttributesRecord, namespace *v1.Namespace) []*v1.Pod {
	attributes.Name, attributes.Object = namespace.Name, namespace
	attributes.Kind = schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
	attributes.Resource = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	if c.maybe(0.3) {
		return nil
	}
	attributes.Operation = admissionv1.Update
	old := namespace.DeepCopy()
	if c.maybe(0.8) {
		old.Labels = randomLabels(c)
	}
	attributes.OldObject = old
	pods := []*v1.Pod{}
	some := randomPod(c, "x")
	for i := range c.IntN(6) {
		made := wholePod(c, fmt.Sprintf("p%d", 9-i))
		if c.maybe(0.5) {
			made.Spec = some.Spec
			yes := true
			made.OwnerReferences = []metav1.OwnerReference{{UID: types.UID(pick(c, []string{"a", "b"})), Controller: &yes}}
		}
		pods = append(pods, made)
	}
	return pods
}

func onPod(c chance, attributes *api.AttributesRecord) {
	made := wholePod(c, "p")
	attributes.Name, attributes.Object = made.Name, made
	attributes.Kind = schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	attributes.Resource = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	if c.maybe(0.6) {
		return
	}
	attributes.Operation = admissionv1.Update
	attributes.Subresource = pick(c, []string{"", "ephemeralcontainers", "resize"})
	old := made.DeepCopy()
	switch c.IntN(4) {
	case 0:
		old.Spec.Containers[0].Image = "other"
	case 1:
		old.Spec.EphemeralContainers = nil
	case 2:
		if len(old.Spec.InitContainers) > 0 {
			old.Spec.InitContainers[0].Image = "other"
		}
	}
	attributes.OldObject = old
}

func onTemplate(c chance, attributes *api.AttributesRecord) {
	made := randomPod(c, "p")
	template := v1.PodTemplateSpec{ObjectMeta: made.Metadata, Spec: made.Spec}
	meta := metav1.ObjectMeta{Name: "w", Namespace: attributes.Namespace}
	objects := []struct {
		group, version, kind, resource string
		object                         runtime.Object
	}{
		{"", "v1", "PodTemplate", "podtemplates", &v1.PodTemplate{ObjectMeta: meta, Template: template}},
		{"", "v1", "ReplicationController", "replicationcontrollers", &v1.ReplicationController{ObjectMeta: meta, Spec: v1.ReplicationControllerSpec{Template: &template}}},
		{"apps", "v1", "ReplicaSet", "replicasets", &appsv1.ReplicaSet{ObjectMeta: meta, Spec: appsv1.ReplicaSetSpec{Template: template}}},
		{"apps", "v1", "Deployment", "deployments", &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Template: template}}},
		{"apps", "v1", "DaemonSet", "daemonsets", &appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Template: template}}},
		{"apps", "v1", "StatefulSet", "statefulsets", &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Template: template}}},
		{"batch", "v1", "Job", "jobs", &batchv1.Job{ObjectMeta: meta, Spec: batchv1.JobSpec{Template: template}}},
		{"batch", "v1", "CronJob", "cronjobs", &batchv1.CronJob{ObjectMeta: meta, Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template}}}}},
	}
	chosen := pick(c, objects)
	attributes.Name, attributes.Object = "w", chosen.object
	attributes.Kind = schema.GroupVersionKind{Group: chosen.group, Version: chosen.version, Kind: chosen.kind}
	attributes.Resource = schema.GroupVersionResource{Group: chosen.group, Version: chosen.version, Resource: chosen.resource}
	if c.maybe(0.5) {
		attributes.Operation, attributes.OldObject = admissionv1.Update, chosen.object
	}
}
