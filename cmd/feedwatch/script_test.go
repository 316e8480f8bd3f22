package main

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/feedwatch/feedwatch/watchdog/said"
)

// TestMain lets scripts call feedwatch: this test binary, under that name; benchmarks
// call bare. What a
// server answers is kept, for .ci/secrets.
func TestMain(m *testing.M) {
	http.DefaultTransport = said.Transport(http.DefaultTransport)
	testscript.Main(m, map[string]func(){"feedwatch": main, "bare": bare})
}

// TestScripts runs the command as people do; UPDATE_GOLDEN=1 writes what it says
// into the files that the scripts compare with.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE_GOLDEN") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits is `exits STATUS COMMAND...`: exec, and the exit status is that one.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	status := 0
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		status = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if status != want {
		ts.Fatalf("exit status %d, want %d", status, want)
	}
}
