// Reads the files named on standard input with the YAML readers that Helm, kubectl and Docker Compose use; one line of
// JSON for each reader and file.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	goccy "github.com/goccy/go-yaml"
	v3 "gopkg.in/yaml.v3"
	sigs "sigs.k8s.io/yaml"
)

type answer struct {
	Path   string `json:"path"`
	Reader string `json:"reader"`
	Tree   any    `json:"tree"`
	Error  string `json:"error,omitempty"`
}

type reader struct {
	name string
	read func([]byte, any) error
}

func strictly(text []byte, tree any) error { return sigs.UnmarshalStrict(text, tree) }

func accepting(text []byte, tree any) error { return goccy.Unmarshal(text, tree) }

var readers = map[string][]reader{
	".yaml": {{"sigs.k8s.io/yaml", strictly}, {"gopkg.in/yaml.v3", v3.Unmarshal}, {"goccy/go-yaml", accepting}},
	".yml":  {{"sigs.k8s.io/yaml", strictly}, {"gopkg.in/yaml.v3", v3.Unmarshal}, {"goccy/go-yaml", accepting}},
	".json": {{"Go", json.Unmarshal}},
}

// plain gives the tree as JSON can say it; what JSON has no word for becomes something that no other reader gives.
func plain(tree any) any {
	switch node := tree.(type) {
	case map[string]any:
		for key, value := range node {
			node[key] = plain(value)
		}
	case map[any]any:
		named := map[string]any{}
		for key, value := range node {
			named[fmt.Sprintf("!key %v", key)] = plain(value)
		}
		return named
	case []any:
		for at, value := range node {
			node[at] = plain(value)
		}
	case time.Time:
		return "!time " + node.Format(time.RFC3339Nano)
	}
	return tree
}

func main() {
	paths := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	lines := json.NewEncoder(out)
	for paths.Scan() {
		path := paths.Text()
		text, err := os.ReadFile(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for _, reader := range readers[filepath.Ext(path)] {
			found := answer{Path: path, Reader: reader.name}
			if err := reader.read(text, &found.Tree); err != nil {
				found.Error = err.Error()
			}
			found.Tree = plain(found.Tree)
			if err := lines.Encode(found); err != nil {
				fmt.Fprintln(os.Stderr, path, err)
				os.Exit(1)
			}
		}
	}
}
