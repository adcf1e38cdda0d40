package main

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

var names = []string{"a", "b", "c/d", "e~f", ""}

// plainObject is one that no kind knows.
func plainObject(c *chance, depth int) tree {
	made := tree{}
	for _, name := range partOf(c, names, 0.55) {
		made[name] = plainValue(c, depth)
	}
	return made
}

func plainValue(c *chance, depth int) any {
	kinds := 5
	if depth > 0 {
		kinds = 9
	}
	switch choice := c.IntN(kinds); {
	case choice < 5:
		return pick(c, []any{1, "a", true, nil, 1.5, "", 0, false})
	case choice < 7:
		return plainObject(c, depth-1)
	default:
		list := make([]any, c.IntN(4))
		for i := range list {
			list[i] = plainValue(c, depth-1)
		}
		return list
	}
}

// jsonPatch makes operations of RFC 6902 on a document: mostly at places that there are, some beside them.
func jsonPatch(c *chance, document any) []any {
	operations := make([]any, 1+c.IntN(4))
	for i := range operations {
		operations[i] = jsonOperation(c, document, placesIn(document, ""))
	}
	return operations
}

var verbs = []string{"add", "add", "add", "remove", "replace", "replace", "move", "copy", "test"}
var beside = []string{"/-", "/0", "/1", "/9", "/new", "/a", "/01", "/-1", "/", "/x/y"}

func jsonOperation(c *chance, document any, places []string) tree {
	verb, path := pick(c, verbs), pick(c, places)
	if c.maybe(0.3) {
		path += pick(c, beside)
	}
	operation := tree{"op": verb, "path": path}
	switch verb {
	case "move", "copy":
		operation["from"] = pick(c, append(places, "/nope", "/a/zz"))
	case "test":
		operation["value"] = valueAt(document, path)
		if c.maybe(0.4) {
			operation["value"] = plainValue(c, 2)
		}
	case "add", "replace":
		operation["value"] = plainValue(c, 2)
	}
	if c.maybe(0.02) {
		delete(operation, pick(c, []string{"op", "path", "value"}))
	}
	if c.maybe(0.01) {
		operation["op"] = "bogus"
	}
	return operation
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")
var unescape = strings.NewReplacer("~1", "/", "~0", "~")

func placesIn(value any, at string) []string {
	places := []string{at}
	switch value := value.(type) {
	case tree:
		for _, name := range sortedNames(value) {
			places = append(places, placesIn(value[name], at+"/"+escape.Replace(name))...)
		}
	case []any:
		for i, item := range value {
			places = append(places, placesIn(item, fmt.Sprintf("%s/%d", at, i))...)
		}
	}
	return places
}

func sortedNames(object tree) []string {
	var found []string
	for name := range object {
		found = append(found, name)
	}
	sort.Strings(found)
	return found
}

// valueAt is nil where there is nothing.
func valueAt(value any, path string) any {
	if path == "" {
		return value
	}
	for _, step := range strings.Split(path[1:], "/") {
		switch parent := value.(type) {
		case tree:
			value = parent[unescape.Replace(step)]
		case []any:
			at, err := strconv.Atoi(step)
			if err != nil || at < 0 || at >= len(parent) {
				return nil
			}
			value = parent[at]
		default:
			return nil
		}
	}
	return value
}
