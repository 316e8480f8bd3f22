package deploy_test

import (
	"regexp"
	"strings"
	"testing"
)

func TestLinterTakesTheDockerfile(t *testing.T) {
	run(t, "dockerfile-utils", "lint", "Dockerfile")
	refuses(t, "dockerfile-utils", "lint", write(t, "Dockerfile", "FROM scratch\nUSRE 1\n"))
}

// What a linter does not know: the image runs as nobody, each base has a tag,
// and the secrets and state of whoever builds stay out of it.
func TestImageIsSafe(t *testing.T) {
	text := read(t, "Dockerfile")
	bases := regexp.MustCompile(`(?m)^FROM(?: --platform=\S+)? (\S+)`).FindAllStringSubmatch(text, -1)
	if len(bases) != 2 {
		t.Fatalf("%d stages, want one that builds and one that runs", len(bases))
	}
	for _, base := range bases {
		if _, tag, ok := strings.Cut(base[1], ":"); !ok || tag == "latest" {
			t.Errorf("the base image %s has no tag of its own", base[1])
		}
	}
	final := text[strings.LastIndex(text, "\nFROM "):]
	if !regexp.MustCompile(`(?m)^USER [1-9][0-9]*:[1-9][0-9]*$`).MatchString(final) {
		t.Error("the last stage does not say USER with numbers that are not root's: Kubernetes cannot check a name")
	}
	ignored := strings.Split(read(t, "Dockerfile.dockerignore"), "\n")
	for _, want := range []string{".git", ".tools", "**/*.env", "**/*.db"} {
		found := false
		for _, line := range ignored {
			found = found || line == want
		}
		if !found {
			t.Errorf("Dockerfile.dockerignore lets %s into the build", want)
		}
	}
}
