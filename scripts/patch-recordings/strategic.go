package main

import (
	"maps"
	"slices"
)

// nonsense stands in a patch where it makes no sense, or hardly any.
var nonsense = []any{
	nil, "str", 5, []any{}, tree{}, []any{1}, []any{"a", "b"},
	tree{"$patch": "delete"}, tree{"$patch": "replace", "z": 1}, tree{"$patch": "bogus"}, tree{"$patch": "merge", "a": "5"},
	[]any{tree{"$patch": "replace"}}, []any{tree{"$patch": "delete"}}, []any{[]any{1}}, []any{nil},
	tree{"$retainKeys": []any{"a"}}, tree{"x": nil, "y": tree{"z": nil}},
}

// strategicPatch makes a strategic merge patch for a value of the shape.
func strategicPatch(c *chance, of shape) any {
	if c.maybe(0.02) {
		return pick(c, nonsense)
	}
	if c.maybe(0.06) {
		return nil
	}
	switch of := of.(type) {
	case object:
		return objectPatch(c, of)
	case listOf:
		return listPatch(c, of)
	default:
		return of.some(c)
	}
}

func objectPatch(c *chance, of object) tree {
	patch := tree{}
	for _, field := range shuffled(c, of.fields) {
		if !c.maybe(0.35) {
			continue
		}
		patch[field.name] = strategicPatch(c, field.shape)
		switch list := field.shape.(type) {
		case setOf:
			deleteFromSet(c, patch, field.name, list)
			setOrder(c, patch, field.name, list, func(item any) any { return item }, func(value any) any { return value })
		case listOf:
			keys := make([]any, len(list.seeds))
			for i, seed := range list.seeds {
				keys[i] = seed[list.key]
			}
			setOrder(c, patch, field.name, keys, list.keyOf, func(key any) any { return tree{list.key: key} })
		}
	}
	if c.maybe(0.04) {
		patch["$patch"] = pick(c, []any{"replace", "delete", "merge"})
	}
	if c.maybe(0.01) || of.retains && c.maybe(0.4) {
		patch["$retainKeys"] = retainedKeys(c, patch, of)
	}
	return patch
}

// keyOf is what an item of a patch is found by; nil where it is a directive, or nothing sensible.
func (l listOf) keyOf(item any) any {
	if item, isTree := item.(tree); isTree && item["$patch"] == nil {
		return item[l.key]
	}
	return nil
}

func deleteFromSet(c *chance, patch tree, name string, all setOf) {
	if !c.maybe(0.4) {
		return
	}
	kept, _ := patch[name].([]any)
	var others []any
	for _, value := range all {
		if !slices.Contains(kept, value) {
			others = append(others, value)
		}
	}
	patch["$deleteFromPrimitiveList/"+name] = shuffled(c, partOf(c, others, 0.4))
	if c.maybe(0.4) {
		delete(patch, name)
	}
}

// setOrder says in what order the items are to be, mostly as it must: those of the patch in their own order, others anywhere between.
func setOrder(c *chance, patch tree, name string, all []any, idOf, element func(any) any) {
	if !c.maybe(0.5) {
		return
	}
	order := []any{}
	items, _ := patch[name].([]any)
	for _, item := range items {
		if id := idOf(item); id != nil && isScalar(id) && !slices.Contains(order, id) {
			order = append(order, id)
		}
	}
	if c.maybe(0.15) {
		order = shuffled(c, order)
	}
	for _, id := range all {
		if !slices.Contains(order, id) && c.maybe(0.6) {
			order = slices.Insert(order, c.IntN(len(order)+1), id)
		}
	}
	if len(order) > 0 && c.maybe(0.05) {
		order = order[:len(order)-1]
	}
	elements := make([]any, len(order))
	for i, id := range order {
		elements[i] = element(id)
	}
	patch["$setElementOrder/"+name] = elements
	if c.maybe(0.2) {
		delete(patch, name)
	}
}

func isScalar(value any) bool {
	switch value.(type) {
	case string, int, bool:
		return true
	default:
		return false
	}
}

func retainedKeys(c *chance, patch tree, of object) []any {
	keys := []any{}
	for _, field := range of.fields {
		_, isPatched := patch[field.name]
		if isPatched && c.maybe(0.95) || c.maybe(0.2) {
			keys = append(keys, field.name)
		}
	}
	return shuffled(c, keys)
}

func listPatch(c *chance, of listOf) []any {
	items := []any{}
	for _, seed := range shuffled(c, partOf(c, of.seeds, 0.5)) {
		item := tree{}
		if c.maybe(0.15) {
			item["$patch"] = pick(c, []any{"delete", "delete", "replace", "merge"})
		} else if patched, isTree := strategicPatch(c, of.item).(tree); isTree {
			item = maps.Clone(patched)
			if retained, isList := item["$retainKeys"].([]any); isList && c.maybe(0.9) {
				item["$retainKeys"] = append(slices.Clone(retained), of.key)
			}
		}
		maps.Copy(item, seed)
		items = append(items, item)
	}
	if c.maybe(0.06) {
		items = slices.Insert(items, c.IntN(len(items)+1), any(tree{"$patch": "replace"}))
	}
	if c.maybe(0.02) {
		items = append(items, tree{"foo": 1})
	}
	if len(items) > 0 && c.maybe(0.02) {
		items = append(items, items[0])
	}
	return items
}
