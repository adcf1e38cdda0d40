// Writes how upstream takes random patches and random writes of several managers. See README.md.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	kjson "k8s.io/apimachinery/pkg/util/json"
)

func main() {
	recorders := map[string]func(seed uint64, count int, write func(any)){"patches": patches, "writes": writes}
	if len(os.Args) < 3 || recorders[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "patch-recordings patches|writes <how many> [seed]")
		os.Exit(2)
	}
	count, err := strconv.Atoi(os.Args[2])
	check(err)
	seed := uint64(1)
	if len(os.Args) > 3 {
		seed, err = strconv.ParseUint(os.Args[3], 10, 64)
		check(err)
	}
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	separator := ""
	recorders[os.Args[1]](seed, count, func(line any) {
		fmt.Fprintf(output, "%s%s", separator, encoded(line))
		separator = "\n"
	})
}

// encoded is the JSON of what was made here.
func encoded(value any) []byte {
	bytes, err := json.Marshal(value)
	check(err)
	return bytes
}

// decoded reads an object as the API server does: whole numbers as int64.
func decoded(bytes []byte) tree {
	object := tree{}
	check(kjson.Unmarshal(bytes, &object))
	return object
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
