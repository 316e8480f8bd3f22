package watchdog

import (
	"reflect"
	"testing"
	"unsafe"
)

// cacheLine is what amd64 and most of arm64 read from memory at once.
const cacheLine = 64

func TestARowIsOneCacheLineAndHasNoPointer(t *testing.T) {
	if n := unsafe.Sizeof(row{}); n != cacheLine {
		t.Errorf("a row has %d bytes", n)
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[row]()) {
		switch kind := field.Type.Kind(); kind {
		case reflect.Bool, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Int64, reflect.Float32:
		case reflect.Struct:
			if field.Type != reflect.TypeFor[span]() {
				t.Errorf("%s is a %s", field.Name, field.Type)
			}
		default:
			t.Errorf("%s is a %s: garbage collection would look at each row", field.Name, kind)
		}
	}
	if n := unsafe.Sizeof(block{}); n%cacheLine != 0 {
		t.Errorf("a block has %d bytes: its rows and names are not on one line", n)
	}
	f := newFeedState("f")
	for range 3 * blockRows {
		addNamed(f, "a")
	}
	for n, b := range f.blocks {
		if at := uintptr(unsafe.Pointer(&b.rows[0])); at%cacheLine != 0 || cap(b.rows) != blockRows {
			t.Errorf("block %d has room for %d rows at %#x", n, cap(b.rows), at)
		}
	}
}
