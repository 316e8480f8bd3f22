package store

import (
	"syscall"
	"testing"
)

// mountSmall mounts a file system of 4 MB at dir until the test ends.
func mountSmall(t *testing.T, dir string) error {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		return err
	}
	t.Cleanup(func() { ok(t, syscall.Unmount(dir, 0)) })
	return nil
}
