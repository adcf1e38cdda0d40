package main

import (
	"maps"
	"math/rand/v2"
)

// A shape says what values may stand somewhere.
type shape interface {
	// some makes a value.
	some(*chance) any
}

type tree = map[string]any

// oneOf is any of its values, whole.
type oneOf []any

// setOf is some of its values, in any order, merged value by value.
type setOf []any

// object has some of its fields. Patches of one that retains often say which fields are to stay.
type object struct {
	fields  []field
	retains bool
}

type field struct {
	name  string
	shape shape
}

// listOf is objects, merged by a key: each of the seeds at most once, with the fields of the item added.
type listOf struct {
	key   string
	seeds []tree
	item  shape
}

// fields makes an object of names and shapes that take turns.
func fields(pairs ...any) object {
	var made object
	for i := 0; i < len(pairs); i += 2 {
		made.fields = append(made.fields, field{pairs[i].(string), pairs[i+1].(shape)})
	}
	return made
}

func (o object) retaining() object { return object{o.fields, true} }

// by makes a list whose items differ in nothing but the key before their fields are added.
func by(key string, item shape, values ...any) listOf {
	seeds := make([]tree, len(values))
	for i, value := range values {
		seeds[i] = tree{key: value}
	}
	return listOf{key, seeds, item}
}

func (o oneOf) some(c *chance) any { return pick(c, o) }

func (s setOf) some(c *chance) any { return shuffled(c, partOf(c, s, 0.5)) }

func (o object) some(c *chance) any {
	made := tree{}
	for _, field := range o.fields {
		if c.maybe(0.42) {
			made[field.name] = field.shape.some(c)
		}
	}
	return made
}

func (l listOf) some(c *chance) any {
	items := []any{}
	for _, seed := range shuffled(c, partOf(c, l.seeds, 0.5)) {
		item := l.item.some(c).(tree)
		maps.Copy(item, seed)
		items = append(items, item)
	}
	return items
}

// chance decides everything that is random.
type chance struct{ *rand.Rand }

func newChance(seed uint64) *chance { return &chance{rand.New(rand.NewPCG(seed, 0))} }

func (c *chance) maybe(probability float64) bool { return c.Float64() < probability }

func pick[T any](c *chance, from []T) T { return from[c.IntN(len(from))] }

func shuffled[T any](c *chance, items []T) []T {
	result := append([]T{}, items...)
	c.Shuffle(len(result), func(i, j int) { result[i], result[j] = result[j], result[i] })
	return result
}

func partOf[T any](c *chance, items []T, probability float64) []T {
	part := []T{}
	for _, item := range items {
		if c.maybe(probability) {
			part = append(part, item)
		}
	}
	return part
}
