package deploy_test

import (
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const manifest = "kubernetes/feedwatch.yaml"

func TestKubeconformTakesTheManifest(t *testing.T) {
	location := filepath.Join(schemas(t), "{{ .ResourceKind }}{{ .KindSuffix }}.json")
	check := func(path string) []string {
		return []string{"-strict", "-summary", "-schema-location", location, path}
	}
	said := run(t, "kubeconform", check(manifest)...)
	if !strings.Contains(said, "Valid: 5, Invalid: 0, Errors: 0, Skipped: 0") {
		t.Errorf("kubeconform says: %s", said)
	}
	text := read(t, manifest)
	for right, wrong := range map[string]string{
		"readOnlyRootFilesystem: true": "readOnlyRootFileSystem: true", // unknown key
		"containerPort: 8787":          "containerPort: http",          // wrong type
		"serviceName: feedwatch":       "replicas: 1",                  // the same key twice
		"kind: StatefulSet":            "kind: StatefullSet",           // unknown kind
	} {
		broken := strings.Replace(text, right, wrong, 1)
		if broken == text {
			t.Fatalf("the manifest does not say %q", right)
		}
		refuses(t, "kubeconform", check(write(t, "feedwatch.yaml", broken))...)
	}
}

// object is what the tests below read of a Kubernetes object.
type object struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Data     map[string]string
	Spec     struct {
		Template struct {
			Spec struct {
				AutomountServiceAccountToken *bool `yaml:"automountServiceAccountToken"`
				SecurityContext              struct {
					RunAsNonRoot bool `yaml:"runAsNonRoot"`
				} `yaml:"securityContext"`
				Containers []container
				Volumes    []struct {
					Name      string
					ConfigMap struct{ Name string } `yaml:"configMap"`
				}
			}
		}
		VolumeClaimTemplates []struct {
			Metadata struct{ Name string }
		} `yaml:"volumeClaimTemplates"`
	}
}

type container struct {
	Env []struct {
		Name      string
		ValueFrom struct {
			SecretKeyRef struct{ Name, Key string } `yaml:"secretKeyRef"`
		} `yaml:"valueFrom"`
	}
	LivenessProbe  probe `yaml:"livenessProbe"`
	ReadinessProbe probe `yaml:"readinessProbe"`
	VolumeMounts   []struct {
		Name string
	} `yaml:"volumeMounts"`
	SecurityContext struct {
		ReadOnlyRootFilesystem bool `yaml:"readOnlyRootFilesystem"`
	} `yaml:"securityContext"`
}

type probe struct {
	HTTPGet struct{ Path string } `yaml:"httpGet"`
}

func objects(t *testing.T) map[string]object {
	t.Helper()
	all := map[string]object{}
	for text := range strings.SplitSeq(read(t, manifest), "\n---\n") {
		var o object
		if err := yaml.Unmarshal([]byte(text+"\n"), &o); err != nil {
			t.Fatal(err)
		}
		if o.Kind != "" {
			all[o.Kind+"/"+o.Metadata.Name] = o
		}
	}
	return all
}

// The manifest is one example with the files beside it.
func TestManifestCarriesTheExampleRules(t *testing.T) {
	all := objects(t)
	rules := all["ConfigMap/feedwatch-rules"].Data
	paths, err := filepath.Glob("examples/rules/*.yaml")
	if err != nil || len(paths) == 0 || len(paths) != len(rules) {
		t.Fatalf("%d rule files in the manifest, %d in examples (%v)", len(rules), len(paths), err)
	}
	for _, path := range paths {
		if rules[filepath.Base(path)] != read(t, path) {
			t.Errorf("%s and the manifest's copy of it differ", path)
		}
	}
}

// No name in the manifest is one that nothing defines.
func TestManifestNamesWhatIsThere(t *testing.T) {
	all := objects(t)
	pod := all["StatefulSet/feedwatch"].Spec.Template.Spec
	mounted := map[string]bool{}
	for _, v := range pod.Volumes {
		if _, ok := all["ConfigMap/"+v.ConfigMap.Name]; !ok {
			t.Errorf("the volume %s is of a ConfigMap %q that is not here", v.Name, v.ConfigMap.Name)
		}
		mounted[v.Name] = true
	}
	for _, c := range all["StatefulSet/feedwatch"].Spec.VolumeClaimTemplates {
		mounted[c.Metadata.Name] = true
	}
	if len(pod.Containers) != 1 {
		t.Fatalf("%d containers", len(pod.Containers))
	}
	main := pod.Containers[0]
	for _, m := range main.VolumeMounts {
		if !mounted[m.Name] {
			t.Errorf("no volume is called %s", m.Name)
		}
	}
	given := map[string]bool{}
	for _, e := range main.Env {
		given[e.Name] = e.ValueFrom.SecretKeyRef.Key != ""
	}
	config := all["ConfigMap/feedwatch-config"].Data["feedwatch.yaml"]
	for _, name := range secretNames(config) {
		if !given[name] {
			t.Errorf("feedwatch.yaml reads the secret %s, which no secretKeyRef sets", name)
		}
	}
}

func TestPodIsWatchedAndConfined(t *testing.T) {
	pod := objects(t)["StatefulSet/feedwatch"].Spec.Template.Spec
	main := pod.Containers[0]
	if main.LivenessProbe.HTTPGet.Path != "/-/healthy" || main.ReadinessProbe.HTTPGet.Path != "/-/ready" {
		t.Errorf("probes: %+v, %+v", main.LivenessProbe, main.ReadinessProbe)
	}
	if !pod.SecurityContext.RunAsNonRoot || !main.SecurityContext.ReadOnlyRootFilesystem {
		t.Error("the pod may run as root, or write its image")
	}
	if token := pod.AutomountServiceAccountToken; token == nil || *token {
		t.Error("the pod gets a token of the cluster, which it has no use for")
	}
}

// secretNames are the environment variables that a configuration reads.
func secretNames(config string) []string {
	var names []string
	for line := range strings.SplitSeq(config, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && strings.HasSuffix(key, "_env") {
			names = append(names, value)
		}
	}
	return names
}
