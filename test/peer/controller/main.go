// A controller as people write them: it mirrors every Greeting into a ConfigMap that it owns, sets the Greeting's status, records
// an event, and elects a leader first. It ends when its context does; the test watches what it does through the API.
package main

import (
	"context"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

var greeting = schema.GroupVersionKind{Group: "peer.example", Version: "v1", Kind: "Greeting"}

type mirror struct {
	client.Client
	recorder record.EventRecorder
}

func newGreeting() *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(greeting)
	return object
}

func (m *mirror) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	given := newGreeting()
	if err := m.Get(ctx, request.NamespacedName, given); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	text, _, _ := unstructured.NestedString(given.Object, "spec", "text")
	copied := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: given.GetName(), Namespace: given.GetNamespace()}}
	result, err := controllerutil.CreateOrUpdate(ctx, m.Client, copied, func() error {
		copied.Data = map[string]string{"text": text}
		return controllerutil.SetControllerReference(given, copied, m.Scheme())
	})
	if err != nil {
		return ctrl.Result{}, err
	}
	if result != controllerutil.OperationResultNone {
		m.recorder.Event(given, corev1.EventTypeNormal, "Mirrored", "mirrored "+text)
	}
	if mirrored, _, _ := unstructured.NestedString(given.Object, "status", "mirrored"); mirrored == text {
		return ctrl.Result{}, nil
	}
	if err := unstructured.SetNestedField(given.Object, text, "status", "mirrored"); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, m.Status().Update(ctx, given)
}

func main() {
	ctrl.SetLogger(zap.New())
	manager, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{
		Metrics:                 server.Options{BindAddress: "0"},
		LeaderElection:          true,
		LeaderElectionID:        "mirror.peer.example",
		LeaderElectionNamespace: "default",
	})
	if err == nil {
		reconciler := &mirror{Client: manager.GetClient(), recorder: manager.GetEventRecorderFor("mirror")}
		err = ctrl.NewControllerManagedBy(manager).For(newGreeting()).Owns(&corev1.ConfigMap{}).Complete(reconciler)
	}
	if err == nil {
		err = manager.Start(ctrl.SetupSignalHandler())
	}
	if err != nil {
		ctrl.Log.Error(err, "the manager failed")
		os.Exit(1)
	}
}
