package main

import (
	"encoding/json"
	"net/http"
	"slices"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"
)

// A patched object: what came of it, or the status code that the API server answers with.
type patched struct {
	Op     string          `json:"op,omitempty"`
	Kind   string          `json:"kind,omitempty"`
	Live   any             `json:"live"`
	Patch  any             `json:"patch"`
	Result json.RawMessage `json:"result,omitempty"`
	Code   int             `json:"code,omitempty"`
}

// patches writes so many patches and what became of them: four in six strategic merge patches.
func patches(seed uint64, count int, write func(any)) {
	all := kinds(
		by("containerPort", fields("protocol", oneOf{"TCP", "UDP"}, "name", oneOf{"p", "q"}), 80, 443, 53),
		by("port", fields("name", oneOf{"a", "b"}, "protocol", oneOf{"TCP", "UDP"}, "targetPort", oneOf{1, "x"}), 80, 443, 53),
	)
	c := newChance(seed)
	for count > 0 {
		one, apply := randomPatch(c, all)
		if apply != nil && settle(&one, apply) {
			write(one)
			count--
		}
	}
}

type applying func() (result []byte, code int)

// randomPatch also says how to apply it; nil where no server would get as far as that.
func randomPatch(c *chance, all []kind) (patched, applying) {
	switch c.IntN(6) {
	case 0:
		live, patch := plainObject(c, 3), plainObject(c, 3)
		return patched{Op: "merge", Live: live, Patch: patch}, func() ([]byte, int) {
			result, err := jsonpatch.MergePatch(encoded(live), encoded(patch))
			return result, codeWhen(err, http.StatusBadRequest)
		}
	case 1:
		live := plainObject(c, 3)
		patch := jsonPatch(c, live)
		return patched{Op: "json", Live: live, Patch: patch}, func() ([]byte, int) { return applyJSON(live, patch) }
	default:
		kind := pick(c, all)
		of := object{fields: append([]field{{"metadata", metadata}}, kind.shape.fields...)}
		live := of.some(c).(tree)
		patch, isTree := strategicPatch(c, of).(tree)
		if !isTree {
			return patched{}, nil
		}
		return patched{Kind: kind.Kind, Live: live, Patch: patch}, func() ([]byte, int) { return applyStrategic(kind, live, patch) }
	}
}

func applyJSON(live tree, patch []any) ([]byte, int) {
	operations, err := jsonpatch.DecodePatch(encoded(patch))
	if err != nil {
		return nil, http.StatusBadRequest
	}
	result, err := operations.Apply(encoded(live))
	return result, codeWhen(err, http.StatusUnprocessableEntity)
}

func applyStrategic(kind kind, live, patch tree) ([]byte, int) {
	typed, err := scheme.Scheme.New(kind.GroupVersionKind)
	check(err)
	result, err := strategicpatch.StrategicMergeMapPatch(decoded(encoded(live)), decoded(encoded(patch)), typed)
	if err != nil {
		return nil, strategicCode(err)
	}
	return encoded(result), 0
}

// strategicCode is interpretStrategicMergePatchError of k8s.io/apiserver/pkg/endpoints/handlers/patch.go.
func strategicCode(err error) int {
	switch err {
	case mergepatch.ErrBadJSONDoc, mergepatch.ErrUnsupportedStrategicMergePatchFormat,
		mergepatch.ErrBadPatchFormatForPrimitiveList, mergepatch.ErrBadPatchFormatForRetainKeys,
		mergepatch.ErrBadPatchFormatForSetElementOrderList:
		return http.StatusBadRequest
	case mergepatch.ErrNoListOfLists, mergepatch.ErrPatchContentNotMatchRetainKeys:
		return http.StatusUnprocessableEntity
	default:
		return http.StatusInternalServerError
	}
}

func codeWhen(err error, code int) int {
	if err == nil {
		return 0
	}
	return code
}

// settle fills in the outcome, unless there is none to rely on: upstream panics, or says something else when asked again, because
// several things are wrong and it meets them in the order of Go's maps.
func settle(one *patched, apply applying) (isSettled bool) {
	defer func() {
		if recover() != nil {
			isSettled = false
		}
	}()
	one.Result, one.Code = apply()
	for range 16 {
		if result, code := apply(); code != one.Code || !slices.Equal(result, one.Result) {
			return false
		}
	}
	return true
}
