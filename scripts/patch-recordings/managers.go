package main

import (
	"encoding/json"
	"errors"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

var typed = applyconfigurations.NewTypeConverter(scheme.Scheme)
var deduced = managedfields.NewDeducedTypeConverter()

// fieldManagerOf is the one that upstream's registry makes for a kind, or for its status.
func fieldManagerOf(kind kind, subresource string) *managedfields.FieldManager {
	version := kind.GroupVersion()
	if kind.Kind == thing.Kind {
		manager, err := managedfields.NewDefaultCRDFieldManager(
			deduced, freeForm{}, noDefaults{}, freeForm{}, kind.GroupVersionKind, version, subresource, nil)
		check(err)
		return manager
	}
	reset := map[fieldpath.APIVersion]fieldpath.Filter{
		fieldpath.APIVersion(version.String()): fieldpath.NewExcludeSetFilter(resetFields(kind.Kind, subresource)),
	}
	manager, err := managedfields.NewDefaultFieldManager(
		typed, scheme.Scheme, noDefaults{}, scheme.Scheme, kind.GroupVersionKind, version, subresource, reset)
	check(err)
	return manager
}

// resetFields are what a write does not reach: GetResetFields of the strategies below k8s.io/kubernetes/pkg/registry.
func resetFields(kind, subresource string) *fieldpath.Set {
	status, spec := fieldpath.MakePathOrDie("status"), fieldpath.MakePathOrDie("spec")
	if subresource != "status" {
		if kind == "ConfigMap" || kind == "ServiceAccount" {
			return fieldpath.NewSet()
		}
		return fieldpath.NewSet(status)
	}
	switch kind {
	case "Deployment":
		return fieldpath.NewSet(spec, fieldpath.MakePathOrDie("metadata", "labels"))
	case "Pod":
		return fieldpath.NewSet(spec, fieldpath.MakePathOrDie("metadata", "ownerReferences"))
	default:
		return fieldpath.NewSet(spec)
	}
}

// objectOf is the object that Go works with; an empty one of nothing.
func objectOf(kind kind, content tree) runtime.Object {
	var made runtime.Object = &unstructured.Unstructured{Object: tree{}}
	if kind.Kind != thing.Kind {
		var err error
		made, err = scheme.Scheme.New(kind.GroupVersionKind)
		check(err)
	}
	if free, isFree := made.(*unstructured.Unstructured); isFree && content != nil {
		free.Object = decoded(encoded(content))
	} else if content != nil {
		check(json.Unmarshal(encoded(content), made))
	}
	made.GetObjectKind().SetGroupVersionKind(kind.GroupVersionKind)
	return made
}

type noDefaults struct{}

func (noDefaults) Default(runtime.Object) {}

// freeForm makes and converts objects without a schema.
type freeForm struct{}

func (freeForm) New(kind schema.GroupVersionKind) (runtime.Object, error) {
	made := &unstructured.Unstructured{}
	made.SetGroupVersionKind(kind)
	return made, nil
}

func (freeForm) Convert(_, _, _ any) error { return errors.New("never asked for") }

func (freeForm) ConvertToVersion(object runtime.Object, _ runtime.GroupVersioner) (runtime.Object, error) {
	return object.DeepCopyObject(), nil
}

func (freeForm) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}
