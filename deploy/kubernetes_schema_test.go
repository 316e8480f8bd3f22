package deploy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// kubernetesModule carries the OpenAPI description of the Kubernetes API, and
// is the smallest module that does.
const kubernetesModule = "k8s.io/kubectl@v0.34.2"

// groupVersionKind is how the API description marks what can stand alone in a manifest.
type groupVersionKind struct{ Group, Version, Kind string }

// file is the name that kubeconform gives a kind: its group is cut at the first dot.
func (k groupVersionKind) file() string {
	name := k.Kind
	if group, _, _ := strings.Cut(k.Group, "."); group != "" {
		name += "-" + group
	}
	return strings.ToLower(name+"-"+k.Version) + ".json"
}

// schemas writes a strict JSON Schema for each kind of the Kubernetes API into
// a new folder, and returns the folder.
func schemas(t *testing.T) string {
	t.Helper()
	definitions := apiDefinitions(t)
	strict := map[string]any{}
	for name, definition := range definitions {
		strict[name] = tighten(definition)
	}
	shared, err := json.Marshal(map[string]any{"definitions": strict})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put(t, dir, "definitions.json", string(shared))
	for name, definition := range definitions {
		kinds, err := json.Marshal(definition["x-kubernetes-group-version-kind"])
		if err != nil {
			t.Fatal(err)
		}
		var all []groupVersionKind
		if err := json.Unmarshal(kinds, &all); err != nil {
			t.Fatal(err)
		}
		for _, kind := range all {
			put(t, dir, kind.file(), `{"$ref": "definitions.json#/definitions/`+name+`"}`)
		}
	}
	return dir
}

// apiDefinitions reads the API description, which the Go module proxy serves.
func apiDefinitions(t *testing.T) map[string]map[string]any {
	t.Helper()
	download := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", kubernetesModule)
	download.Dir = t.TempDir() // outside of this module, which does not need it
	out, err := download.Output()
	var module struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &module); err != nil || jsonErr != nil {
		t.Fatalf("download %s: %v %s", kubernetesModule, err, module.Error)
	}
	data, err := os.ReadFile(filepath.Join(module.Dir, "testdata", "openapi", "swagger.json"))
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Definitions map[string]map[string]any `json:"definitions"`
	}
	if err := json.Unmarshal(data, &api); err != nil {
		t.Fatal(err)
	}
	if len(api.Definitions) == 0 {
		t.Fatalf("%s describes nothing", kubernetesModule)
	}
	return api.Definitions
}

// tighten turns a schema of the API description into a JSON Schema that refuses
// unknown fields.
func tighten(schema map[string]any) map[string]any {
	if schema["format"] == "int-or-string" {
		return map[string]any{"type": []string{"integer", "string"}}
	}
	strict := map[string]any{}
	for key, value := range schema {
		if !strings.HasPrefix(key, "x-kubernetes-") && key != "format" && key != "description" {
			strict[key] = value
		}
	}
	if properties, ok := schema["properties"].(map[string]any); ok {
		strict["properties"] = tightenEach(properties)
		strict["additionalProperties"] = false
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if inner, ok := schema[key].(map[string]any); ok {
			strict[key] = tighten(inner)
		}
	}
	return strict
}

func tightenEach(properties map[string]any) map[string]any {
	strict := map[string]any{}
	for name, value := range properties {
		if inner, ok := value.(map[string]any); ok {
			strict[name] = tighten(inner)
		}
	}
	return strict
}
