package deploy_test

import (
	"strings"
	"testing"
)

// exposureMax bounds systemd's own score of what the unit leaves open, times
// ten: 0 is a sealed box, 96 a unit without any protection.
const exposureMax = "15"

// unit is the shipped unit with an executable that is there on every machine.
func unit(t *testing.T) string {
	t.Helper()
	const installed = "ExecStart=/usr/bin/feedwatch "
	text := read(t, "systemd/feedwatch.service")
	if !strings.Contains(text, installed) {
		t.Fatalf("the unit has no line that starts with %q", installed)
	}
	return strings.Replace(text, installed, "ExecStart=/bin/true ", 1)
}

// systemd-analyze exits 0 on a key that it does not know, but prints it.
func TestSystemdTakesTheUnit(t *testing.T) {
	if said := run(t, "systemd-analyze", "verify", write(t, "feedwatch.service", unit(t))); said != "" {
		t.Errorf("systemd-analyze verify says:\n%s", said)
	}
	wrong := strings.Replace(unit(t), "ProtectSystem=", "ProtectSytem=", 1)
	if said := run(t, "systemd-analyze", "verify", write(t, "feedwatch.service", wrong)); said == "" {
		t.Error("systemd-analyze verify says nothing about an unknown key, so it checks nothing here")
	}
}

func TestUnitIsHardened(t *testing.T) {
	secure := func(name string) []string {
		return []string{"security", "--no-pager", "--offline=true", "--threshold=" + exposureMax, name}
	}
	run(t, "systemd-analyze", secure(write(t, "feedwatch.service", unit(t)))...)
	bare := "[Service]\nExecStart=/bin/true\n"
	refuses(t, "systemd-analyze", secure(write(t, "feedwatch.service", bare))...)
}
