// Writes what Pod Security says of random pods, labels and requests. See README.md.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"

	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

type chance struct{ *rand.Rand }

func (c chance) maybe(likely float64) bool { return c.Float64() < likely }

func pick[T any](c chance, from []T) T { return from[c.IntN(len(from))] }

var evaluator = func() policy.Evaluator {
	made, err := policy.NewEvaluator(policy.DefaultChecks())
	check(err)
	return made
}()

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "pod-security-recordings <how many of each> [seed]")
		os.Exit(2)
	}
	count, err := strconv.Atoi(os.Args[1])
	check(err)
	seed := uint64(1)
	if len(os.Args) > 2 {
		seed, err = strconv.ParseUint(os.Args[2], 10, 64)
		check(err)
	}
	c := chance{rand.New(rand.NewPCG(seed, 1))}
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	separator := ""
	write := func(line any) {
		bytes, err := json.Marshal(line)
		check(err)
		fmt.Fprintf(output, "%s%s", separator, bytes)
		separator = "\n"
	}
	examples(write)
	for range count {
		judged(randomPod(c, "p"), randomVersions(c), write)
	}
	for range count {
		labelled(c, write)
	}
	for range count {
		requested(c, write)
	}
}

// standards are the levels that ask something, at the latest and some other versions.
func randomVersions(c chance) []string {
	return []string{"latest", fmt.Sprintf("v1.%d", c.IntN(36)), fmt.Sprintf("v1.%d", c.IntN(36))}
}

func standard(level, version string) api.LevelVersion {
	parsed, err := api.ParseVersion(version)
	check(err)
	return api.LevelVersion{Level: api.Level(level), Version: parsed}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
