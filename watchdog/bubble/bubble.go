// Package bubble is a test helper: synctest.Test, safe under the race detector too.
package bubble

import (
	"testing"
	"testing/synctest"
)

// Test runs f in a bubble of synthetic time, as [synctest.Test] does.
func Test(t *testing.T, f func(*testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}
