package rules

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

// A file of wrong keys, as of something that is no rule file, keeps a reload for no
// more than a moment.
func TestManyWrongKeysAreReadInLinearTime(t *testing.T) {
	var data bytes.Buffer
	for i := range 60_000 {
		fmt.Fprintf(&data, "k%d: 1\n", i)
	}
	_, err := Parse([]File{{Name: "rules.yaml", Data: data.Bytes()}}) // past the time of a test, if each looks at all before it
	if found := new(Findings); !errors.As(err, &found) {
		t.Errorf("not refused: %v", err)
	}
}
