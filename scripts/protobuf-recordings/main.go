// Writes what Go clients would send for objects of every kind, and the JSON of the same objects. See README.md.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"time"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	metrics "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

type recording struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Variant    string `json:"variant"`
	Protobuf   string `json:"protobuf"`
	JSON       any    `json:"json"`
}

func main() {
	all := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		scheme.AddToScheme, apiextensions.AddToScheme, apiregistration.AddToScheme, metrics.AddToScheme,
	} {
		check(add(all))
	}
	serializer := protobuf.NewSerializer(all, all)
	output := json.NewEncoder(os.Stdout)
	for _, gvk := range served(all) {
		for _, variant := range []string{"full", "zeros"} {
			object, err := all.New(gvk)
			check(err)
			filler := &filler{zeros: variant == "zeros"}
			filler.fill(reflect.ValueOf(object).Elem(), nil)
			object.GetObjectKind().SetGroupVersionKind(gvk)
			var encoded bytes.Buffer
			check(serializer.Encode(object, &encoded))
			value := prune(reflect.ValueOf(object).Elem())
			if variant == "full" {
				compare(gvk, object, value)
			}
			apiVersion, kind := gvk.ToAPIVersionAndKind()
			check(output.Encode(recording{apiVersion, kind, variant, base64.StdEncoding.EncodeToString(encoded.Bytes()), value}))
		}
	}
}

var stable = regexp.MustCompile(`^v\d+(beta\d+)?$`)
var gone = map[string]bool{"apps/v1beta1": true, "apps/v1beta2": true, "extensions/v1beta1": true}
var meta = regexp.MustCompile(`List$|Options$|^WatchEvent$|^APIGroup|^APIVersions$|^Status$|^APIResource|^SerializedReference$|^RangeAllocation$`)

// served lists the kinds of all versions but alpha and long gone ones, and the one kind of options that travels as a body.
func served(all *runtime.Scheme) []schema.GroupVersionKind {
	var kinds []schema.GroupVersionKind
	for gvk, typ := range all.AllKnownTypes() {
		_, isMessage := reflect.New(typ).Interface().(interface{ Marshal() ([]byte, error) })
		isStable := stable.MatchString(gvk.Version) && !gone[gvk.GroupVersion().String()]
		isOptions := gvk.Kind == "DeleteOptions" && (gvk.Group == "" || gvk.Group == "apps")
		if isMessage && isStable && (!meta.MatchString(gvk.Kind) || isOptions) && gvk.Version != runtime.APIVersionInternal {
			kinds = append(kinds, gvk)
		}
	}
	sort.Slice(kinds, func(i, j int) bool { return kinds[i].String() < kinds[j].String() })
	return kinds
}

// filler sets fields, each to another value.
type filler struct {
	zeros bool
	count int
}

func (f *filler) next() int {
	f.count++
	return f.count
}

func (f *filler) fill(value reflect.Value, stack []reflect.Type) {
	if f.special(value, stack) {
		return
	}
	switch value.Kind() {
	case reflect.String:
		if !f.zeros {
			value.SetString(fmt.Sprintf("s%d", f.next()))
		}
	case reflect.Bool:
		value.SetBool(!f.zeros)
	case reflect.Int, reflect.Int32, reflect.Int64:
		if !f.zeros {
			number := int64(f.next())
			if number%7 == 0 {
				number = -number
			}
			if number%5 == 0 && value.Kind() == reflect.Int64 {
				number <<= 35
			}
			value.SetInt(number)
		}
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		if !f.zeros {
			value.SetUint(uint64(f.next() % 250))
		}
	case reflect.Float64:
		if !f.zeros {
			value.SetFloat(float64(f.next()) + 0.5)
		}
	case reflect.Pointer:
		if depth(stack, value.Type().Elem()) < 2 {
			value.Set(reflect.New(value.Type().Elem()))
			f.fill(value.Elem(), stack)
		}
	case reflect.Slice:
		f.list(value, stack)
	case reflect.Map:
		f.mapping(value, stack)
	case reflect.Struct:
		below := append(stack[:len(stack):len(stack)], value.Type())
		for i := range value.NumField() {
			if value.Type().Field(i).Name != "TypeMeta" && value.Type().Field(i).IsExported() {
				f.fill(value.Field(i), below)
			}
		}
	default:
		panic("no value for a " + value.Type().String())
	}
}

func (f *filler) list(value reflect.Value, stack []reflect.Type) {
	element := value.Type().Elem()
	if depth(stack, element) >= 2 {
		return
	}
	if element.Kind() == reflect.Uint8 {
		if !f.zeros {
			value.SetBytes([]byte{0xff, byte(f.next()), 0})
		}
		return
	}
	length := 2
	if f.zeros {
		length = 1
	}
	if element.Kind() == reflect.Struct && len(stack) > 4 {
		length = 1
	}
	value.Set(reflect.MakeSlice(value.Type(), length, length))
	for i := range length {
		f.fill(value.Index(i), stack)
	}
}

func (f *filler) mapping(value reflect.Value, stack []reflect.Type) {
	element := value.Type().Elem()
	if depth(stack, element) >= 2 {
		return
	}
	value.Set(reflect.MakeMap(value.Type()))
	for _, name := range []string{"a", "ключ"} {
		entry := reflect.New(element).Elem()
		f.fill(entry, stack)
		if element.Kind() == reflect.Slice && entry.IsNil() {
			entry.Set(reflect.MakeSlice(element, 0, 0))
		}
		value.SetMapIndex(reflect.ValueOf(name).Convert(value.Type().Key()), entry)
	}
}

// special fills the types that are not what their fields are.
func (f *filler) special(value reflect.Value, stack []reflect.Type) bool {
	var filled any
	switch value.Interface().(type) {
	case metav1.Time:
		filled = metav1.Time{}
		if !f.zeros {
			filled = metav1.NewTime(time.Unix(1700000000+int64(f.next()), 0).UTC())
		}
	case metav1.MicroTime:
		filled = metav1.MicroTime{}
		if !f.zeros {
			filled = metav1.NewMicroTime(time.Unix(1700000000+int64(f.next()), 123456000).UTC())
		}
	case metav1.Duration:
		filled = metav1.Duration{Duration: time.Duration(f.next()) * 1500 * time.Millisecond}
		if f.zeros {
			filled = metav1.Duration{}
		}
	case resource.Quantity:
		filled = resource.Quantity{}
		if !f.zeros {
			filled = resource.MustParse(fmt.Sprintf("%dm", f.next()*10+1))
		}
	case intstr.IntOrString:
		filled = intstr.FromInt32(0)
		if number := f.next(); !f.zeros {
			filled = intstr.FromInt32(int32(number))
			if number%2 == 0 {
				filled = intstr.FromString(fmt.Sprintf("%d%%", number))
			}
		}
	case runtime.RawExtension:
		filled = runtime.RawExtension{Raw: f.raw()}
	case apiextensions.JSON:
		filled = apiextensions.JSON{Raw: f.raw()}
	case metav1.FieldsV1:
		filled = metav1.FieldsV1{Raw: f.raw()}
	case apiextensions.JSONSchemaPropsOrArray:
		filled = apiextensions.JSONSchemaPropsOrArray{Schema: f.schema(stack)}
		if f.next()%2 == 0 {
			filled = apiextensions.JSONSchemaPropsOrArray{JSONSchemas: []apiextensions.JSONSchemaProps{*f.schema(stack)}}
		}
	case apiextensions.JSONSchemaPropsOrBool:
		filled = apiextensions.JSONSchemaPropsOrBool{Allows: !f.zeros}
		if f.next()%2 == 0 {
			filled = apiextensions.JSONSchemaPropsOrBool{Allows: true, Schema: f.schema(stack)}
		}
	case apiextensions.JSONSchemaPropsOrStringArray:
		filled = apiextensions.JSONSchemaPropsOrStringArray{Schema: f.schema(stack)}
		if f.next()%2 == 0 {
			filled = apiextensions.JSONSchemaPropsOrStringArray{Property: []string{"p"}}
		}
	default:
		return false
	}
	value.Set(reflect.ValueOf(filled))
	return true
}

func (f *filler) raw() []byte {
	return fmt.Appendf(nil, `{"n":%d,"text":"é"}`, f.next())
}

func (f *filler) schema(stack []reflect.Type) *apiextensions.JSONSchemaProps {
	schema := &apiextensions.JSONSchemaProps{}
	if depth(stack, reflect.TypeFor[apiextensions.JSONSchemaProps]()) < 2 {
		f.fill(reflect.ValueOf(schema).Elem(), stack)
	}
	return schema
}

func depth(stack []reflect.Type, of reflect.Type) int {
	count := 0
	for _, typ := range stack {
		if typ == of {
			count++
		}
	}
	return count
}

// prune is the JSON of a value without the zero values of fields that are no pointers.
func prune(value reflect.Value) any {
	if value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return nil
		}
		return prune(value.Elem())
	}
	_, marshals := value.Interface().(json.Marshaler)
	if !marshals && value.CanAddr() {
		_, marshals = value.Addr().Interface().(json.Marshaler)
	}
	switch {
	case marshals || value.Type() == reflect.TypeFor[[]byte]():
		return plain(value.Interface())
	case value.Kind() == reflect.Struct:
		return fields(value, map[string]any{})
	case value.Kind() == reflect.Slice:
		list := []any{}
		for i := range value.Len() {
			list = append(list, prune(value.Index(i)))
		}
		return list
	case value.Kind() == reflect.Map:
		result := map[string]any{}
		for _, key := range value.MapKeys() {
			copied := reflect.New(value.Type().Elem()).Elem()
			copied.Set(value.MapIndex(key))
			result[key.String()] = prune(copied)
		}
		return result
	}
	return plain(value.Interface())
}

func fields(value reflect.Value, into map[string]any) map[string]any {
	for i := range value.NumField() {
		field, content := value.Type().Field(i), value.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || !field.IsExported():
		case name == "" && content.Kind() == reflect.Pointer:
			if !content.IsNil() {
				fields(content.Elem(), into)
			}
		case name == "":
			fields(content, into)
		case content.Kind() == reflect.Pointer && content.IsNil():
		case content.Kind() != reflect.Pointer && content.Kind() != reflect.Struct && content.IsZero():
		default:
			if kept := prune(content); kept != nil {
				into[name] = kept
			}
		}
	}
	return into
}

func plain(value any) any {
	encoded, err := json.Marshal(value)
	check(err)
	var decoded any
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	check(decoder.Decode(&decoded))
	return decoded
}

// compare makes sure that prune leaves an object alone that has no zero values.
func compare(gvk schema.GroupVersionKind, object runtime.Object, pruned any) {
	expected, actual := plain(object), plain(pruned)
	if !reflect.DeepEqual(expected, actual) {
		fmt.Fprintf(os.Stderr, "%s: zero values got in:\n%v\n%v\n", gvk, expected, actual)
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
